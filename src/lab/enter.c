#include "lab/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/edit.h"

enum { SOCKETS_MAX = 64 }; /* handed to a command */

int lab_find_host(const struct lab_state *state, const char *name)
{
	for (unsigned i = 0; i < state->n_hosts; i++)
		if (!strcmp(state->hosts[i].name, name))
			return (int)i;
	return -E_NOT_FOUND;
}

int lab_become(int netns_fd, const char *name)
{
	if (setns(netns_fd, CLONE_NEWNET) < 0 || unshare(CLONE_NEWNS | CLONE_NEWUTS) < 0)
		return -errno;
	if (sethostname(name, strlen(name)) < 0)
		return -errno;
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -errno;
	/* where it is refused, only /sys/class/net shows the wrong interfaces */
	(void)mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	return 0;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Joins the lab; children are then in its PID namespace. @kinds: CLONE_NEW* beside the user's. */
static int join(const struct lab_state *state, int keeper_fd, int kinds, struct fault *fault)
{
	char user[64];
	int err;

	snprintf(user, sizeof(user), "/proc/%d/ns/user", state->pid);
	if (!same_file(user, "/proc/self/ns/user"))
		kinds |= CLONE_NEWUSER;
	if (!setns(keeper_fd, kinds))
		return 0;
	err = -errno;
	fault_set(fault, 0, "cannot join lab '%s': %s%s", state->name, err_text(err),
		  err == -EPERM ? "; be the user who started it" : "");
	return err;
}

static int keeper_open(const struct lab_state *state, struct fault *fault)
{
	int fd;

	if (!state->ready) {
		fault_set(fault, 0, "lab '%s' is still being built", state->name);
		return -EAGAIN;
	}
	fd = lab_state_keeper(state);
	if (fd < 0)
		fault_set(fault, 0, "cannot reach the keeper of lab '%s': %s", state->name,
			  err_text(fd));
	return fd;
}

/* "Not there" and "not to be run", as shells tell them apart. */
static int exec_status(int err)
{
	return err == ENOENT || err == ENOTDIR ? 127 : 126;
}

/* The descriptors from 3 on, as systemd's socket activation passes them (sd_listen_fds(3)). */
static int pass_sockets(const int *fds, unsigned n)
{
	int high[SOCKETS_MAX];
	char text[16];

	if (n > ARRAY_LEN(high))
		return -E_RANGE;
	for (unsigned i = 0; i < n; i++) { /* out of the way of 3, 4, ... */
		high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3 + (int)n);
		if (high[i] < 0)
			return -errno;
	}
	for (unsigned i = 0; i < n; i++)
		if (dup2(high[i], 3 + (int)i) < 0)
			return -errno;
	snprintf(text, sizeof(text), "%u", n);
	setenv("LISTEN_FDS", text, 1);
	snprintf(text, sizeof(text), "%d", getpid());
	setenv("LISTEN_PID", text, 1);
	return 0;
}

/*
 * Between the process that the user started, which stays outside, and the command there is a guard,
 * the command's parent in the lab. A process in the lab whose parent is outside becomes a zombie
 * when it ends while that is stopped, and a zombie holds up the end of the whole lab. So the guard,
 * whom the kernel reaps by itself (SA_NOCLDWAIT), waits for the command and tells how it ended
 * through a pipe. A usher, who is gone soon, joins the lab and makes the guard as his parent's
 * child (CLONE_PARENT), so that the user's process holds nothing of the lab.
 */
struct job {
	const struct lab_state *state;
	const struct lab_command *command;
	const char *host, *folder;
	int keeper_fd, netns_fd;
	int failure_fd; /* a struct failure, when the command could not be run; closed by exec */
	int status_fd;	/* a struct news from the usher and one from the guard, in any order */
	sigset_t mask;	/* the user's */
};

struct news {
	bool of_end; /* from the guard; else from the usher */
	int value;   /* the command's exit status; else the guard's PID */
};

struct failure {
	int err;
	bool of_exec;
	struct fault fault;
};

static void __attribute__((noreturn)) fails(int fd, const struct failure *failure)
{
	(void)!write(fd, failure, sizeof(*failure));
	_exit(1);
}

static void tell(int fd, bool of_end, int value)
{
	struct news news = { .of_end = of_end, .value = value };

	(void)!write(fd, &news, sizeof(news));
}

static const int passed_on[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };

static sigset_t passed_on_set(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(passed_on); i++)
		sigaddset(&set, passed_on[i]);
	return set;
}

static void __attribute__((noreturn)) command_main(const struct job *j)
{
	int failure_fd = fcntl(j->failure_fd, F_DUPFD_CLOEXEC, 3 + 2 * SOCKETS_MAX);
	struct failure f = { .of_exec = true };

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (j->command->n_listen_fds)
		f.err = pass_sockets(j->command->listen_fds, j->command->n_listen_fds);
	if (!f.err) {
		if (chdir(j->folder) < 0)
			(void)!chdir("/");
		sigprocmask(SIG_SETMASK, &j->mask, NULL);
		execvp(j->command->argv[0], j->command->argv);
		f.err = -errno;
	}
	fault_set(&f.fault, 0, "cannot run %s: %s", j->command->argv[0], err_text(f.err));
	fails(failure_fd, &f);
}

/*
 * Waits for the command, passing on what was sent to it. What the terminal sends goes to the whole
 * group, the command included, and is nothing to us.
 */
static int attend(pid_t pid)
{
	sigset_t set = passed_on_set();
	siginfo_t info;
	int status;

	sigaddset(&set, SIGCHLD);
	for (;;) {
		int sig = sigwaitinfo(&set, &info);

		if (sig > 0 && sig != SIGCHLD && info.si_code != SI_KERNEL)
			kill(pid, sig);
		if (sig == SIGCHLD && waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

static void __attribute__((noreturn)) guard_main(const struct job *j)
{
	struct failure f = { 0 };
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	f.err = lab_become(j->netns_fd, j->host);
	pid = f.err ? -1 : fork();
	if (!pid)
		command_main(j);
	if (pid < 0) {
		f.err = f.err ? f.err : -errno;
		fault_set(&f.fault, 0, "cannot start a process on %s: %s", j->host,
			  err_text(f.err));
		fails(j->failure_fd, &f);
	}
	close(j->failure_fd);
	close(j->netns_fd);
	for (unsigned i = 0; i < j->command->n_listen_fds; i++)
		close(j->command->listen_fds[i]);
	tell(j->status_fd, true, attend(pid));
	_exit(0);
}

static void __attribute__((noreturn)) usher_main(const struct job *j)
{
	struct failure f = { 0 };
	int guard = -1;

	f.err = join(j->state, j->keeper_fd, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC, &f.fault);
	if (f.err < 0)
		fails(j->failure_fd, &f);
	guard = (int)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
	if (!guard)
		guard_main(j);
	f.err = -errno;
	fault_set(&f.fault, 0, "cannot start a process in lab '%s': %s", j->state->name,
		  err_text(f.err));
	if (guard < 0)
		fails(j->failure_fd, &f);
	tell(j->status_fd, false, guard);
	_exit(0);
}

/* Outside: passes signals to the guard until it tells the status. */
static int wait_for_guard(pid_t guard, int status_fd)
{
	sigset_t set = passed_on_set();
	int signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	struct pollfd fds[] = { { status_fd, POLLIN, 0 }, { signal_fd, POLLIN, 0 } };
	struct signalfd_siginfo info;
	struct news news;

	do {
		if (poll(fds, ARRAY_LEN(fds), -1) < 0)
			continue;
		if (fds[1].revents && read(signal_fd, &info, sizeof(info)) == sizeof(info) &&
		    info.ssi_code != SI_KERNEL)
			kill(guard, (int)info.ssi_signo);
	} while (!fds[0].revents);
	close(signal_fd);
	if (read(status_fd, &news, sizeof(news)) != sizeof(news))
		return 128 + SIGKILL; /* the lab has ended, and the guard with it */
	return news.value;
}

/* Outside: from the usher's start to the command's end. @failure_fd, @status_fd: to read. */
static int follow(int failure_fd, int status_fd, int *ret_status, struct fault *fault)
{
	struct failure f;
	struct news news;

	if (read(failure_fd, &f, sizeof(f)) == sizeof(f)) {
		*fault = f.fault;
		if (!f.of_exec)
			return f.err;
		*ret_status = exec_status(-f.err);
		return 0;
	}
	if (read(status_fd, &news, sizeof(news)) != sizeof(news)) {
		fault_set(fault, 0, "the lab ended");
		return -E_CLOSED;
	}
	*ret_status = news.of_end ? news.value : wait_for_guard(news.value, status_fd);
	return 0;
}

/* Takes the job's descriptors over. */
static int run(struct job *j, int *ret_status, struct fault *fault)
{
	struct sigaction unreaped = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT }, before;
	sigset_t set = passed_on_set();
	int failure[2] = { -1, -1 }, status[2] = { -1, -1 }, err = 0;
	pid_t usher = -1;

	if (pipe2(failure, O_CLOEXEC) < 0 || pipe2(status, O_CLOEXEC) < 0)
		err = -errno;
	sigprocmask(SIG_BLOCK, &set, &j->mask);
	sigaction(SIGCHLD, &unreaped, &before);
	j->failure_fd = failure[1];
	j->status_fd = status[1];
	if (!err)
		usher = fork();
	if (!usher)
		usher_main(j);
	if (!err && usher < 0)
		err = -errno;
	close(j->keeper_fd);
	close(j->netns_fd);
	close(failure[1]);
	close(status[1]);
	if (err < 0)
		fault_set(fault, 0, "cannot start a process: %s", err_text(err));
	else
		err = follow(failure[0], status[0], ret_status, fault);
	close(failure[0]);
	close(status[0]);
	while (wait(NULL) > 0 || errno == EINTR) /* or whoever inherits them had to reap them */
		;
	sigaction(SIGCHLD, &before, NULL);
	sigprocmask(SIG_SETMASK, &j->mask, NULL);
	return err;
}

int lab_exec(const struct lab_state *state, unsigned host, const struct lab_command *command,
	     int *ret_status, struct fault *fault)
{
	struct job j = { .state = state, .command = command, .host = state->hosts[host].name };
	char path[64], folder[PATH_MAX];
	int err;

	j.keeper_fd = keeper_open(state, fault);
	if (j.keeper_fd < 0)
		return j.keeper_fd;
	j.folder = getcwd(folder, sizeof(folder)) ? folder : "/";
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", state->pid, state->hosts[host].netns);
	j.netns_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (j.netns_fd >= 0)
		return run(&j, ret_status, fault);
	err = -errno;
	close(j.keeper_fd);
	fault_set(fault, 0, "cannot reach host '%s': %s", j.host, err_text(err));
	return err;
}

static int cable_do(struct netlink *nl, const char *port, enum lab_cable what, bool *ret_cut)
{
	unsigned flags;
	int err = 0;

	if (what != LAB_CABLE_LOOK)
		err = edit_link_up(nl, port, what == LAB_CABLE_JOIN);
	if (!err)
		err = edit_link_flags(nl, port, &flags);
	if (!err)
		*ret_cut = !(flags & IFF_UP);
	return err;
}

static size_t count_links(const struct lab_state *state, int host)
{
	size_t n = 0;

	for (unsigned i = 0; i < state->n_hosts; i++)
		n += host < 0 || (int)i == host ? state->hosts[i].n_links : 0;
	return n;
}

/* In a process of its own, which stays in the switch room. Return: as cable_do(). */
static int work_in_room(const struct lab_state *state, int host, enum lab_cable what, bool *ret_cut)
{
	struct netlink *nl;
	int err = netlink_new(&nl);
	size_t n = 0;

	if (err < 0)
		return err;
	for (unsigned i = 0; i < state->n_hosts; i++)
		for (unsigned k = 0; k < state->hosts[i].n_links && !err; k++)
			if (host < 0 || (int)i == host)
				err = cable_do(nl, state->hosts[i].links[k].port, what,
					       &ret_cut[n++]);
	netlink_free(nl);
	return err;
}

struct cables_report {
	int err;
	struct fault fault;
};

static void __attribute__((noreturn)) cables_main(const struct lab_state *state, int keeper_fd,
						  int host, enum lab_cable what, bool *cut, int fd)
{
	struct cables_report report = { 0 };
	size_t n = count_links(state, host);

	report.err = join(state, keeper_fd, CLONE_NEWNET, &report.fault);
	if (!report.err) {
		report.err = work_in_room(state, host, what, cut);
		if (report.err < 0)
			fault_set(&report.fault, 0, "cannot reach the cables of lab '%s': %s",
				  state->name, err_text(report.err));
	}
	if (write(fd, &report, sizeof(report)) == sizeof(report))
		(void)!write(fd, cut, n * sizeof(*cut));
	_exit(0);
}

int lab_cables(const struct lab_state *state, int host, enum lab_cable what, bool *ret_cut,
	       struct fault *fault)
{
	struct cables_report report = { .err = -E_CLOSED };
	size_t size = count_links(state, host) * sizeof(*ret_cut);
	int keeper_fd = keeper_open(state, fault), fds[2];
	bool *cut = calloc(1, size + 1);
	pid_t pid;

	if (keeper_fd < 0 || !cut || pipe2(fds, O_CLOEXEC) < 0) {
		report.err = keeper_fd < 0 ? keeper_fd : -ENOMEM;
		if (keeper_fd >= 0)
			close(keeper_fd);
		free(cut);
		return report.err;
	}
	pid = fork();
	if (!pid)
		cables_main(state, keeper_fd, host, what, cut, fds[1]);
	close(fds[1]);
	close(keeper_fd);
	fault_set(&report.fault, 0, "cannot look after the cables of lab '%s'", state->name);
	if (pid > 0 && read(fds[0], &report, sizeof(report)) == sizeof(report) && !report.err) {
		if (read(fds[0], cut, size) == (ssize_t)size) /* at most 16,000: fits the pipe */
			memcpy(ret_cut, cut, size);
		else
			report.err = -E_CLOSED;
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	close(fds[0]);
	free(cut);
	if (report.err < 0 && fault)
		*fault = report.fault;
	return report.err;
}
