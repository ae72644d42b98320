#include "cli/monitor_status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_TIMEOUT_S 5

/* Who has checked an answer relies on it: neither its bytes nor its length change any more. */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct status_server {
	struct monitor *monitor;
	uv_poll_t poll;
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

void status_path(const char *store_path, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "%s.sock", store_path);
}

static void take_text(char ret_text[static STATUS_TEXT], const char *text)
{
	snprintf(ret_text, STATUS_TEXT, "%s", text ? text : "");
}

/* The whole state in memory of its own. Return: a descriptor, or -errno. */
static int snapshot(struct monitor *m)
{
	const struct monitor_host *hosts;
	size_t n = monitor_hosts(m, &hosts),
	       size = sizeof(struct status) + n * sizeof(struct status_host);
	int fd = memfd_create("sonde-status", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct status *status;

	if (fd < 0)
		return -errno;
	status = ftruncate(fd, (off_t)size) < 0
			 ? MAP_FAILED
			 : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (status == MAP_FAILED) {
		int err = -errno;

		close(fd);
		return err;
	}
	snprintf(status->version, sizeof(status->version), "%s", SONDE_VERSION);
	status->host_size = sizeof(struct status_host);
	status->n_hosts = (uint32_t)n;
	monitor_summary(m, &status->summary);
	take_text(status->name, status->summary.name);
	for (size_t i = 0; i < n; i++) {
		status->hosts[i].host = *hosts[i].host;
		take_text(status->hosts[i].names[0], hosts[i].host->names[0]);
		take_text(status->hosts[i].names[1], hosts[i].host->names[1]);
		take_text(status->hosts[i].network, hosts[i].network);
		take_text(status->hosts[i].vendor, hosts[i].vendor);
	}
	munmap(status, size);
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

/* One byte with a descriptor beside it. */
union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static void send_fd(int to, int fd)
{
	char byte = 0;
	struct iovec data = { &byte, 1 };
	union control control = { 0 };
	struct msghdr msg = { .msg_iov = &data,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	/* Who has gone meanwhile gets nothing. */
	(void)!sendmsg(to, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
	struct status_server *s = poll->data;
	int client = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), fd;

	(void)status;
	(void)events;
	if (client < 0)
		return;
	fd = snapshot(s->monitor);
	if (fd >= 0) {
		send_fd(client, fd);
		close(fd);
	}
	close(client);
}

/* Only the owner may ask. Return: a listening socket, or -errno. */
static int listen_at(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;
	struct stat st;
	mode_t mask;

	if (fd < 0)
		return -errno;
	if (!lstat(at->sun_path, &st) && S_ISSOCK(st.st_mode)) /* nobody's file goes */
		unlink(at->sun_path);
	mask = umask(0177);
	err = bind(fd, (const struct sockaddr *)at, sizeof(*at)) < 0 || listen(fd, 16) < 0 ? -errno
											   : 0;
	umask(mask);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int status_serve(uv_loop_t *loop, struct monitor *m, const char *path,
		 struct status_server **ret_server)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct status_server *s;
	int err;

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	strcpy(at.sun_path, path);
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->monitor = m;
	strcpy(s->path, path);
	s->fd = listen_at(&at);
	err = s->fd < 0 ? s->fd : uv_poll_init(loop, &s->poll, s->fd);
	if (err < 0) {
		if (s->fd >= 0)
			close(s->fd);
		free(s);
		return err;
	}
	s->poll.data = s;
	uv_poll_start(&s->poll, UV_READABLE, on_connection);
	*ret_server = s;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void status_server_free(struct status_server *s)
{
	if (!s)
		return;
	uv_close((uv_handle_t *)&s->poll, on_closed);
	close(s->fd);
	unlink(s->path);
}

/* Return: the descriptor that came, or a negative code. */
static int receive_fd(int from)
{
	char byte;
	struct iovec data = { &byte, 1 };
	union control control;
	struct msghdr msg = { .msg_iov = &data,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(from, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *head = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	int fd;

	if (n < 0)
		return errno == EAGAIN ? -E_TIMEOUT : -errno;
	if (!head || head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -E_CLOSED;
	memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	return fd;
}

static bool is_text(const char text[static STATUS_TEXT])
{
	return memchr(text, 0, STATUS_TEXT) != NULL;
}

/* May it be shown? Somebody else may listen at a path that root was given. */
static bool is_sound(const struct status_host *h)
{
	return h->host.n_addrs && h->host.n_addrs <= PRESENCE_MAX_ADDRS &&
	       (unsigned)h->host.state < PRESENCE_N_STATES && is_text(h->names[0]) &&
	       is_text(h->names[1]) && is_text(h->network) && is_text(h->vendor);
}

static bool all_sound(const struct status *status)
{
	if (!is_text(status->name))
		return false;
	for (uint32_t i = 0; i < status->n_hosts; i++) {
		if (!is_sound(&status->hosts[i]))
			return false;
	}
	return true;
}

/* Return: 0, -E_FOREIGN for what is not a state of this version, -errno. */
static int map_status(int fd, const struct status **ret_status)
{
	const struct status *status;
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (fstat(fd, &st) < 0)
		return -errno;
	if (seals < 0 || (seals & SEALS) != SEALS || (size_t)st.st_size < sizeof(*status))
		return -E_FOREIGN;
	status = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (status == MAP_FAILED)
		return -errno;
	if (strncmp(status->version, SONDE_VERSION, sizeof(status->version)) != 0 ||
	    status->host_size != sizeof(struct status_host) ||
	    (size_t)st.st_size !=
		    sizeof(*status) + (size_t)status->n_hosts * sizeof(struct status_host) ||
	    !all_sound(status)) {
		munmap((void *)status, (size_t)st.st_size);
		return -E_FOREIGN;
	}
	*ret_status = status;
	return 0;
}

int status_ask(const char *path, const struct status **ret_status)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_S };
	int fd, err, answer;

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
			      connect(fd, (const struct sockaddr *)&at, sizeof(at)) < 0
		      ? -errno
		      : 0;
	answer = err ? err : receive_fd(fd);
	close(fd);
	if (answer < 0)
		return answer;
	err = map_status(answer, ret_status);
	close(answer);
	return err;
}

void status_free(const struct status *status)
{
	if (status)
		munmap((void *)status,
		       sizeof(*status) + (size_t)status->n_hosts * sizeof(struct status_host));
}
