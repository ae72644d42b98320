#include "lab/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/edit.h"

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
	int fd = state->ready ? lab_state_keeper(state) : -EAGAIN;

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
	int high[64];
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

struct child {
	const struct lab_command *command;
	const char *host, *folder;
	int netns_fd, error_fd; /* closed by a successful exec */
	sigset_t mask;
};

static void __attribute__((noreturn)) child_main(const struct child *c)
{
	int error_fd = fcntl(c->error_fd, F_DUPFD_CLOEXEC, 3 + 2 * 64); /* above the sockets */
	int err;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	err = lab_become(c->netns_fd, c->host);
	if (!err && c->command->n_listen_fds)
		err = pass_sockets(c->command->listen_fds, c->command->n_listen_fds);
	if (!err) {
		if (chdir(c->folder) < 0)
			(void)!chdir("/");
		sigprocmask(SIG_SETMASK, &c->mask, NULL);
		execvp(c->command->argv[0], c->command->argv);
		err = -errno;
	}
	(void)!write(error_fd, &err, sizeof(err));
	_exit(exec_status(-err));
}

/*
 * Waits for the command, passing on what is sent to us. What the terminal sends goes to the whole
 * group, the command included, and is nothing to us.
 */
static int attend(pid_t pid, const sigset_t *set)
{
	siginfo_t info;
	int status;

	for (;;) {
		int sig = sigwaitinfo(set, &info);

		if (sig > 0 && sig != SIGCHLD && info.si_code != SI_KERNEL)
			kill(pid, sig);
		if (sig == SIGCHLD && waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

static int run(struct child *c, int *ret_status, struct fault *fault)
{
	static const int passed_on[] = {
		SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD
	};
	int fds[2], err = 0;
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(passed_on); i++)
		sigaddset(&set, passed_on[i]);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	sigprocmask(SIG_BLOCK, &set, &c->mask);
	c->error_fd = fds[1];
	pid = fork();
	if (!pid)
		child_main(c);
	close(fds[1]);
	if (pid < 0) {
		err = -errno;
	} else {
		ssize_t n = read(fds[0], &err, sizeof(err));

		*ret_status = attend(pid, &set);
		if (n == sizeof(err))
			fault_set(fault, 0, "cannot run %s: %s", c->command->argv[0],
				  err_text(err));
		err = 0;
	}
	close(fds[0]);
	sigprocmask(SIG_SETMASK, &c->mask, NULL);
	return err;
}

int lab_exec(const struct lab_state *state, unsigned host, const struct lab_command *command,
	     int *ret_status, struct fault *fault)
{
	struct child c = { .command = command, .host = state->hosts[host].name };
	char path[64], folder[PATH_MAX];
	int keeper_fd = keeper_open(state, fault), err;

	if (keeper_fd < 0)
		return keeper_fd;
	c.folder = getcwd(folder, sizeof(folder)) ? folder : "/";
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", state->pid, state->hosts[host].netns);
	c.netns_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (c.netns_fd < 0) {
		err = -errno;
		fault_set(fault, 0, "cannot reach host '%s': %s", c.host, err_text(err));
	} else {
		err = join(state, keeper_fd, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC, fault);
		if (!err) {
			err = run(&c, ret_status, fault);
			if (err < 0)
				fault_set(fault, 0, "cannot start a process in the lab: %s",
					  err_text(err));
		}
		close(c.netns_fd);
	}
	close(keeper_fd);
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
