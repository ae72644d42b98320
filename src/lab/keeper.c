#include "lab/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lab/build.h"
#include "lab/enter.h"

enum {
	LOCK_FD = 3, /* the keeper's descriptors; the state needs none of them */
	TALK_FD = 4,
	NOTES_MAX = 4000,
	GRACE_MS = 1000, /* from SIGTERM to the end */
	STOP_TIMEOUT_MS = 10000,
};

/* What the keeper tells the process that started it; the numbers of the namespaces follow. */
struct report {
	int err;
	struct fault fault;
	char notes[NOTES_MAX];
};

/* Writes a small file in one go. */
static int file_put(const char *path, int flags, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0644);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	err = n < 0 ? -errno : 0;
	close(fd);
	return err;
}

/* In a user namespace: root here is @uid outside. */
static int map_ids(uid_t uid, gid_t gid)
{
	char uids[32], gids[32];
	int err;

	snprintf(uids, sizeof(uids), "0 %u 1", uid);
	snprintf(gids, sizeof(gids), "0 %u 1", gid);
	err = file_put("/proc/self/setgroups", 0, "deny", 4);
	if (!err)
		err = file_put("/proc/self/uid_map", 0, uids, strlen(uids));
	if (!err)
		err = file_put("/proc/self/gid_map", 0, gids, strlen(gids));
	return err;
}

/* So that the lab's hosts find each other by name, and ask nobody outside. */
static void put_names(const struct topology *t, const char *folder)
{
	char path[LAB_FOLDER_LEN + 16];
	struct buf b = buf_of(1 << 20);

	if (mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
		return;
	buf_str(&b, "127.0.0.1 localhost\n::1 localhost\n");
	for (unsigned i = 0; i < t->n_hosts; i++)
		for (unsigned k = 0; k < t->hosts[i].n_links; k++)
			for (unsigned a = 0; a < t->hosts[i].links[k].n_addresses; a++) {
				buf_addr(&b, &t->hosts[i].links[k].addresses[a].addr);
				buf_printf(&b, " %s\n", t->hosts[i].name);
			}
	snprintf(path, sizeof(path), "%s/hosts", folder);
	if (!b.err && !file_put(path, O_CREAT, b.data, b.len))
		(void)mount(path, "/etc/hosts", NULL, MS_BIND, NULL);
	snprintf(path, sizeof(path), "%s/resolv.conf", folder);
	if (!file_put(path, O_CREAT, "# no name server in the lab\n", 28))
		(void)mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL);
	buf_done(&b);
}

/* The lab's own view of processes and names. Where that is refused, it shares what is there. */
static int furnish_mounts(const struct topology *t, const char *folder)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -errno;
	(void)mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	put_names(t, folder);
	return 0;
}

/* Keeps the lock and the line to whoever started us, and nothing else of what was open there. */
static int settle(int lock_fd, int talk_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct rlimit files;

	lock_fd = fcntl(lock_fd, F_DUPFD_CLOEXEC, 10); /* so that neither is in the other's way */
	talk_fd = fcntl(talk_fd, F_DUPFD_CLOEXEC, 10);
	if (null < 0 || lock_fd < 0 || talk_fd < 0)
		return -errno;
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	dup3(lock_fd, LOCK_FD, O_CLOEXEC);
	dup3(talk_fd, TALK_FD, O_CLOEXEC);
	close_range(TALK_FD + 1, UINT_MAX, 0);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	setsid();
	prctl(PR_SET_DUMPABLE, 1); /* our namespaces are reached through /proc/PID/fd */
	return 0;
}

static sigset_t signals_of(const int *list, size_t n)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		sigaddset(&set, list[i]);
	return set;
}

static void add_sbin_to_path(void)
{
	const char *path = getenv("PATH");
	char longer[4096];

	/* An empty part of it would be the working directory. */
	snprintf(longer, sizeof(longer), "%s%s/usr/sbin:/sbin:/usr/bin:/bin", path ? path : "",
		 path && *path ? ":" : "");
	setenv("PATH", longer, 1);
}

static void run_command(int netns_fd, const char *host, const char *command)
{
	sigset_t none;

	if (fork())
		return;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (!lab_become(netns_fd, host))
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(126);
}

static void run_commands(const struct topology *t, const struct lab_built *built)
{
	for (unsigned i = 0; i < t->n_hosts; i++)
		for (unsigned k = 0; k < t->hosts[i].n_run; k++)
			run_command(built->netns_fds[i], t->hosts[i].name, t->hosts[i].run[k]);
}

/* Asks all processes of the lab to end, and leaves them a moment for it. */
static void wind_up(void)
{
	struct timespec pause = { .tv_nsec = 5 * 1000 * 1000 };

	kill(-1, SIGTERM);
	for (int waited_ms = 0; waited_ms < GRACE_MS && !kill(-1, 0); waited_ms += 5) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		nanosleep(&pause, NULL);
	}
	_exit(0);
}

/* Reaps what ends, takes and closes connections on the hosts' open ports, until told to stop. */
static void keep(const struct lab_built *built, int signal_fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = signal_fd };
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, signal_fd, &event);
	for (size_t i = 0; i < built->n_listen_fds; i++) {
		event.data.fd = built->listen_fds[i];
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, built->listen_fds[i], &event);
	}
	for (;;) {
		struct signalfd_siginfo info;
		int fd, n = epoll_wait(epoll_fd, &event, 1, -1);

		if (n < 1)
			continue;
		if (event.data.fd != signal_fd) {
			fd = accept4(event.data.fd, NULL, NULL, SOCK_CLOEXEC);
			if (fd >= 0)
				close(fd);
			continue;
		}
		if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
			continue;
		if (info.ssi_signo != SIGCHLD)
			wind_up();
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

static const int end_signals[] = { SIGTERM, SIGINT, SIGHUP };

struct start {
	const struct topology *t;
	int lock_fd, talk_fds[2]; /* ours, the keeper's */
	uid_t uid;
	gid_t gid;
	bool map;		     /* in a user namespace */
	char folder[LAB_FOLDER_LEN]; /* of the state, by our name outside */
};

/* Everything until the lab stands. */
static int set_up(const struct start *s, struct lab_built *ret_built, struct report *report)
{
	struct buf notes = buf_in(report->notes, sizeof(report->notes) - 1);
	int err = s->map ? map_ids(s->uid, s->gid) : 0;

	if (!err)
		err = settle(s->lock_fd, s->talk_fds[1]);
	if (!err)
		err = furnish_mounts(s->t, s->folder);
	if (err < 0) {
		fault_set(&report->fault, 0, "cannot make the lab's namespaces: %s%s",
			  err_text(err),
			  s->map ? "; this system restricts user namespaces "
				   "(kernel.apparmor_restrict_unprivileged_userns?): run as root"
				 : "");
		return err;
	}
	add_sbin_to_path();
	err = lab_build(s->t, ret_built, &notes, &report->fault);
	if (!err)
		run_commands(s->t, ret_built);
	return err;
}

static void __attribute__((noreturn)) keeper_main(const struct start *s)
{
	static const int all[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	sigset_t set = signals_of(all, ARRAY_LEN(all));
	struct report report = { 0 };
	struct lab_built built;
	int signal_fd;
	char go;

	/* until it is known to be up, the lab goes with whoever started it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "sonde-lab");
	sigprocmask(SIG_SETMASK, &set, NULL);
	report.err = set_up(s, &built, &report);
	/* where settle() did not come so far, the descriptor is still the old one */
	if (report.err < 0) {
		(void)!write(s->talk_fds[1], &report, sizeof(report));
		(void)!write(TALK_FD, &report, sizeof(report));
		_exit(1);
	}
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (write(TALK_FD, &report, sizeof(report)) < 0 ||
	    write(TALK_FD, built.netns_fds, s->t->n_hosts * sizeof(int)) < 0 ||
	    read(TALK_FD, &go, 1) != 1)
		_exit(1);
	prctl(PR_SET_PDEATHSIG, 0);
	(void)!write(TALK_FD, &go, 1);
	close(TALK_FD);
	keep(&built, signal_fd);
	_exit(0);
}

/* fork(), with namespaces; glibc has no such call. Return: a PID, 0 in the keeper, -errno. */
static pid_t spawn_keeper(struct start *s, int *ret_pidfd)
{
	unsigned long flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS |
			      CLONE_NEWIPC | CLONE_PIDFD | SIGCHLD;
	pid_t pid = -1;

	errno = EPERM;
	if (!s->uid)
		pid = (pid_t)syscall(SYS_clone, flags, NULL, ret_pidfd, NULL, NULL);
	if (pid < 0 && errno == EPERM) { /* also root of a container without the capability */
		s->map = true;
		pid = (pid_t)syscall(SYS_clone, flags | CLONE_NEWUSER, NULL, ret_pidfd, NULL, NULL);
	}
	return pid < 0 ? -errno : pid;
}

static int refused(int err, struct fault *fault)
{
	if (err == -EPERM || err == -ENOSPC || err == -EUSERS)
		fault_set(fault, 0,
			  "cannot make namespaces: %s. Run as root, or allow it to users: "
			  "sysctl user.max_user_namespaces=10000 "
			  "kernel.unprivileged_userns_clone=1 (where that exists)",
			  err_text(err));
	else
		fault_set(fault, 0, "cannot make namespaces: %s", err_text(err));
	return err;
}

/* Waits for the keeper's report, or for the user's Ctrl-C. */
static int hear(int talk_fd, int signal_fd, struct report *report, struct fault *fault)
{
	struct pollfd fds[] = { { talk_fd, POLLIN, 0 }, { signal_fd, POLLIN, 0 } };
	struct signalfd_siginfo info;
	ssize_t n;

	while (poll(fds, ARRAY_LEN(fds), -1) < 0)
		if (errno != EINTR)
			return -errno;
	if (fds[1].revents) {
		(void)!read(signal_fd, &info, sizeof(info)); /* or it ends us once unblocked */
		fault_set(fault, 0, "interrupted; nothing is left of it");
		return -EINTR;
	}
	n = read(talk_fd, report, sizeof(*report));
	if (n != sizeof(*report)) {
		fault_set(fault, 0, "the lab's keeper died while building it");
		return -E_CLOSED;
	}
	if (report->err < 0)
		*fault = report->fault;
	return report->err;
}

/* From here on the keeper lives by itself; it must have heard before we end. */
static int let_go(int talk_fd)
{
	char go = 1;

	if (write(talk_fd, &go, 1) != 1 || read(talk_fd, &go, 1) != 1)
		return -E_CLOSED;
	return 0;
}

/* From the report to the written state; then the keeper is let go. */
static int take_over(const struct start *s, const char *name, pid_t pid, int signal_fd,
		     struct buf *notes, struct fault *fault)
{
	size_t size = s->t->n_hosts * sizeof(int);
	struct report *report = calloc(1, sizeof(*report));
	int *netns_fds = malloc(size);
	int err = report && netns_fds ? 0 : -ENOMEM;

	if (!err)
		err = lab_state_write(name, pid, s->t, NULL);
	if (err < 0)
		fault_set(fault, 0, "cannot write the state of lab '%s': %s", name, err_text(err));
	if (!err)
		err = hear(s->talk_fds[0], signal_fd, report, fault);
	if (!err) {
		buf_str(notes, report->notes);
		if (read(s->talk_fds[0], netns_fds, size) != (ssize_t)size)
			err = -E_CLOSED;
		else
			err = lab_state_write(name, pid, s->t, netns_fds);
		if (!err)
			err = let_go(s->talk_fds[0]);
		if (err < 0)
			fault_set(fault, 0, "cannot finish lab '%s': %s", name, err_text(err));
	}
	free(report);
	free(netns_fds);
	return err;
}

int lab_start(const struct topology *t, const char *name, struct buf *notes, struct fault *fault)
{
	struct start s = { .t = t, .uid = geteuid(), .gid = getegid() };
	sigset_t set = signals_of(end_signals, ARRAY_LEN(end_signals)), before;
	int signal_fd, pidfd = -1, err;
	pid_t pid;

	s.lock_fd = lab_state_lock(name, fault);
	if (s.lock_fd < 0)
		return s.lock_fd;
	lab_state_folder(s.folder);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s.talk_fds) < 0) {
		err = -errno;
		close(s.lock_fd);
		return refused(err, fault);
	}
	sigprocmask(SIG_BLOCK, &set, &before);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	pid = spawn_keeper(&s, &pidfd);
	if (!pid)
		keeper_main(&s);
	close(s.talk_fds[1]);
	err = pid < 0 ? refused(pid, fault) : take_over(&s, name, pid, signal_fd, notes, fault);
	if (err < 0 && pid > 0) {
		pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
		waitpid(pid, NULL, 0);
	}
	if (err < 0)
		lab_state_remove(name);
	if (pid > 0)
		close(pidfd);
	close(s.talk_fds[0]);
	close(signal_fd);
	close(s.lock_fd);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return err;
}

static bool ended(int pidfd, int timeout_ms)
{
	struct pollfd p = { pidfd, POLLIN, 0 };

	return poll(&p, 1, timeout_ms) == 1;
}

int lab_stop(const struct lab_state *state, struct fault *fault)
{
	int pidfd = lab_state_keeper(state), err = 0;

	if (pidfd < 0) {
		fault_set(fault, 0, "cannot reach the keeper of lab '%s' (process %d): %s",
			  state->name, state->pid, err_text(pidfd));
		return pidfd;
	}
	if (state->ready)
		pidfd_send_signal(pidfd, SIGTERM, NULL, 0);
	if (!state->ready || !ended(pidfd, 2 * GRACE_MS))
		err = pidfd_send_signal(pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH ? -errno : 0;
	if (!err && !ended(pidfd, STOP_TIMEOUT_MS))
		err = -E_TIMEOUT;
	close(pidfd);
	if (err < 0)
		fault_set(fault, 0, "cannot end lab '%s' (process %d): %s", state->name, state->pid,
			  err_text(err));
	else
		lab_state_remove(state->name);
	return err;
}
