#include "io/capture_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/capture_encode.h"

#define BUFFER_BYTES   (1U << 20)
#define INTERFACES_MAX 65536U
#define TEXT_MAX       255
#define SMALL_BLOCK    2048 /* more than a section, an interface or statistics need */
#define PACKET_FIXED   128  /* more than a packet needs beside its bytes and its comment */
#define LINK_ETHERNET  1

_Static_assert(BUFFER_BYTES >= CAPTURE_ENCODED_MAX, "a packet fits in the empty buffer");

struct writer_interface {
	struct capture_writer_interface shown;
	char *texts[3]; /* what shown points to */
	uint64_t received, dropped;
};

struct capture_writer {
	struct capture_writer_config config;
	char *path, *application, *hardware, *os; /* what config points to */
	bool rotating;
	bool begun, header_done;
	bool stopped; /* the row of files has ended */
	int folder_fd;
	int fd;
	struct buf out;
	char name_memory[NAME_MAX + 2];
	struct buf name;
	struct capture_series series;
	uint64_t file_bytes, file_packets; /* of the current file */
	struct capture_writer_counts done; /* of those before */
	int64_t last_ns;		   /* the latest time heard of */
	struct writer_interface *interfaces;
	size_t n_interfaces, interfaces_cap;
	int err; /* sticks */
	struct fault fault;
};

/* Makes the error stick. */
static int fail(struct capture_writer *w, int err, const char *format, ...) PRINTF(3, 4);
static int fail(struct capture_writer *w, int err, const char *format, ...)
{
	va_list args;

	if (w->err)
		return w->err;
	w->err = err;
	va_start(args, format);
	vsnprintf(w->fault.text, sizeof(w->fault.text), format, args);
	va_end(args);
	return err;
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EAGAIN)
			(void)poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
		else if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

int capture_writer_flush(struct capture_writer *w)
{
	int err;

	if (w->err || !w->out.len)
		return w->err;
	err = write_all(w->fd, w->out.data, w->out.len);
	buf_reset(&w->out);
	if (err < 0)
		return fail(w, err, "cannot write to %s: %s", capture_writer_name(w),
			    err_text(err));
	return 0;
}

/* Before something of at most @n bytes is encoded. */
static int make_room(struct capture_writer *w, size_t n)
{
	return n <= BUFFER_BYTES - w->out.len ? 0 : capture_writer_flush(w);
}

static int write_interface(struct capture_writer *w, size_t i)
{
	size_t before;
	int err = make_room(w, SMALL_BLOCK);

	if (err < 0)
		return err;
	before = w->out.len;
	capture_encode_interface(&w->out, &w->interfaces[i].shown);
	w->file_bytes += w->out.len - before;
	return 0;
}

/* The snap length is the largest: libpcap cuts longer packets when it reads them. */
static void write_pcap_header(struct capture_writer *w)
{
	struct capture_writer_interface first = { .link_type = LINK_ETHERNET };
	size_t before = w->out.len;
	uint32_t snap_len = 0;

	if (w->n_interfaces)
		first = w->interfaces[0].shown;
	for (size_t i = 0; i < w->n_interfaces; i++) {
		uint32_t len = w->interfaces[i].shown.snap_len;

		snap_len = MAX(snap_len, len ? len : CAPTURE_PACKET_MAX);
	}
	capture_encode_pcap_header(&w->out, w->config.format, first.link_type, snap_len,
				   first.fcs_len);
	w->file_bytes += w->out.len - before;
	w->header_done = true;
}

static int write_header(struct capture_writer *w)
{
	int err = make_room(w, SMALL_BLOCK);

	if (err < 0)
		return err;
	if (w->config.format != CAPTURE_PCAPNG) {
		if (w->n_interfaces)
			write_pcap_header(w);
		return 0;
	}
	capture_encode_section(&w->out, &w->config);
	w->file_bytes += w->out.len;
	w->header_done = true;
	for (size_t i = 0; !err && i < w->n_interfaces; i++)
		err = write_interface(w, i);
	return err;
}

/* The series' current file, after the one whose place it takes is gone. */
static int open_of_series(struct capture_writer *w)
{
	char memory[NAME_MAX + 2];
	struct buf old = buf_in(memory, sizeof(memory));
	int err = capture_series_name(&w->series, &w->name);

	if (err < 0)
		return fail(w, err, "'%s' with the time in it is not a file's name",
			    w->series.name);
	if (capture_series_replaced(&w->series, &old) &&
	    unlinkat(w->folder_fd, buf_cstr(&old), 0) < 0 && errno != ENOENT) {
		err = -errno;
		return fail(w, err, "cannot delete %s: %s", memory, err_text(err));
	}
	/* The names are made up: nobody has meant one to be a link. */
	w->fd = openat(w->folder_fd, buf_cstr(&w->name),
		       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (w->fd >= 0)
		return 0;
	err = -errno;
	if (err == -EACCES || err == -EPERM)
		return fail(w, err,
			    "cannot create %s: %s; the user with the id %u, as whom this runs, "
			    "must be able to write in its folder",
			    capture_writer_name(w), err_text(err), geteuid());
	return fail(w, err, "cannot create %s: %s", capture_writer_name(w), err_text(err));
}

int capture_writer_begin(struct capture_writer *w)
{
	int err = w->err;

	if (!err && w->rotating)
		err = open_of_series(w);
	if (!err)
		err = write_header(w);
	w->begun = true;
	return err;
}

static int write_statistics(struct capture_writer *w)
{
	for (size_t i = 0; i < w->n_interfaces; i++) {
		const struct writer_interface *one = &w->interfaces[i];
		struct capture_statistics s = { .from_ns = w->series.opened_ns,
						.to_ns = w->last_ns,
						.received = one->received,
						.dropped = one->dropped };
		size_t before;
		int err;

		if (s.received == UINT64_MAX && s.dropped == UINT64_MAX)
			continue;
		err = make_room(w, SMALL_BLOCK);
		if (err < 0)
			return err;
		before = w->out.len;
		capture_encode_statistics(&w->out, (uint32_t)i, &s);
		w->file_bytes += w->out.len - before;
	}
	return 0;
}

int capture_writer_finish(struct capture_writer *w)
{
	int err = w->err;

	if (w->fd < 0)
		return err;
	if (!err && w->config.format == CAPTURE_PCAPNG)
		err = write_statistics(w);
	else if (!err && !w->header_done)
		write_pcap_header(w);
	if (!err)
		err = capture_writer_flush(w);
	if (w->fd != STDOUT_FILENO && close(w->fd) < 0 && !err)
		err = fail(w, -errno, "cannot write to %s: %s", capture_writer_name(w),
			   err_text(-errno));
	w->done = capture_writer_counts(w);
	w->fd = -1;
	w->header_done = false;
	w->file_bytes = w->file_packets = 0;
	return err;
}

/* Does what comes at @now_ns belong into the next file? Return: as capture_writer_packet(). */
static int turn(struct capture_writer *w, int64_t now_ns)
{
	int err;

	switch (capture_series_turn(&w->series, now_ns, w->file_bytes, w->file_packets)) {
	case CAPTURE_TURN_NONE:
		return 0;
	case CAPTURE_TURN_STOP:
		w->stopped = true;
		return 1;
	case CAPTURE_TURN_NEXT:
		break;
	}
	err = capture_writer_finish(w);
	if (!err)
		err = open_of_series(w);
	if (!err)
		err = write_header(w);
	return err;
}

int capture_writer_tick(struct capture_writer *w, int64_t now_ns)
{
	if (w->err || w->stopped)
		return w->err ? w->err : 1;
	w->last_ns = MAX(w->last_ns, now_ns);
	return w->rotating ? turn(w, now_ns) : 0;
}

int capture_writer_packet(struct capture_writer *w, const struct capture_packet *p)
{
	size_t before;
	int err;

	if (unlikely(p->interface >= w->n_interfaces || p->cap_len > CAPTURE_PACKET_MAX))
		return -E_RANGE;
	err = capture_writer_tick(w, p->time_ns);
	if (unlikely(err))
		return err;
	err = make_room(w, PACKET_FIXED + p->cap_len + MIN(p->comment_len, 65536U));
	if (unlikely(err < 0))
		return err;
	before = w->out.len;
	if (w->config.format == CAPTURE_PCAPNG)
		capture_encode_packet(&w->out, p);
	else
		capture_encode_pcap_packet(&w->out, w->config.format, p);
	w->file_bytes += w->out.len - before;
	w->file_packets++;
	return w->config.packet_buffered ? capture_writer_flush(w) : 0;
}

void capture_writer_statistics(struct capture_writer *w, uint32_t interface, uint64_t received,
			       uint64_t dropped)
{
	if (interface >= w->n_interfaces)
		return;
	w->interfaces[interface].received = received;
	w->interfaces[interface].dropped = dropped;
}

/* Room for one interface more. */
static int grow_interfaces(struct capture_writer *w)
{
	size_t cap = w->interfaces_cap ? 2 * w->interfaces_cap : 4;
	struct writer_interface *more;

	if (w->n_interfaces < w->interfaces_cap)
		return 0;
	if (cap > INTERFACES_MAX)
		return -E_FULL;
	more = reallocarray(w->interfaces, cap, sizeof(*more));
	if (!more)
		return -ENOMEM;
	w->interfaces = more;
	w->interfaces_cap = cap;
	return 0;
}

static void free_texts(char *texts[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
}

static int copy_interface(const struct capture_writer_interface *from,
			  struct writer_interface *ret_copy)
{
	const char *const texts[] = { from->name, from->description, from->filter };
	struct writer_interface copy = { .shown = *from,
					 .received = UINT64_MAX,
					 .dropped = UINT64_MAX };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		copy.texts[i] = strndup(texts[i] ? texts[i] : "", TEXT_MAX);
		if (!copy.texts[i]) {
			free_texts(copy.texts, i);
			return -ENOMEM;
		}
	}
	copy.shown.name = copy.texts[0];
	copy.shown.description = copy.texts[1];
	copy.shown.filter = copy.texts[2];
	*ret_copy = copy;
	return 0;
}

int capture_writer_add_interface(struct capture_writer *w,
				 const struct capture_writer_interface *interface)
{
	bool pcapng = w->config.format == CAPTURE_PCAPNG;
	int err = w->err;

	if (err)
		return err;
	if (!pcapng && w->n_interfaces && interface->link_type != w->interfaces[0].shown.link_type)
		return -E_UNSUPPORTED;
	err = grow_interfaces(w);
	if (!err)
		err = copy_interface(interface, &w->interfaces[w->n_interfaces]);
	if (err < 0)
		return err;
	w->n_interfaces++;
	if (w->begun && pcapng)
		err = write_interface(w, w->n_interfaces - 1);
	else if (w->begun && !w->header_done)
		write_pcap_header(w);
	return err < 0 ? err : (int)w->n_interfaces - 1;
}

/* The one file, or the folder of a row of files, which is then only named. */
static int open_first(struct capture_writer *w)
{
	char *slash = strrchr(w->path, '/');
	const char *folder = slash == w->path ? "/" : slash ? w->path : ".";

	if (!strcmp(w->path, "-")) {
		w->fd = STDOUT_FILENO;
		return 0;
	}
	if (!w->rotating) {
		w->fd = openat(w->config.folder_fd, w->path,
			       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (w->fd >= 0)
			return 0;
		return fail(w, -errno, "cannot create %s: %s", w->path, err_text(-errno));
	}
	if (slash)
		*slash = '\0';
	w->folder_fd = openat(w->config.folder_fd, folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (w->folder_fd < 0)
		return fail(w, -errno, "cannot open the folder %s: %s", folder, err_text(-errno));
	return 0;
}

static char *copy_text(const char *text, bool *ret_failed)
{
	char *copy = text ? strdup(text) : NULL;

	*ret_failed |= text && !copy;
	return copy;
}

/* Everything but the file. */
static int prepare(struct capture_writer *w, const struct capture_writer_config *config)
{
	bool failed = false;
	const char *slash;

	w->config = *config;
	w->config.path = w->path = copy_text(config->path, &failed);
	w->config.application = w->application = copy_text(config->application, &failed);
	w->config.hardware = w->hardware = copy_text(config->hardware, &failed);
	w->config.os = w->os = copy_text(config->os, &failed);
	w->fd = w->folder_fd = -1;
	w->last_ns = config->now_ns;
	w->rotating = capture_rotation_any(&config->rotation);
	w->name = buf_in(w->name_memory, sizeof(w->name_memory));
	w->out = buf_of(BUFFER_BYTES);
	if (failed || buf_grow(&w->out, BUFFER_BYTES) < 0)
		return -ENOMEM;
	slash = strrchr(w->path, '/');
	return capture_series_init(&w->series, &config->rotation, slash ? slash + 1 : w->path,
				   config->now_ns);
}

int capture_writer_new(const struct capture_writer_config *config,
		       struct capture_writer **ret_writer, struct fault *fault)
{
	struct capture_writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w) {
		fault_set(fault, 0, "no memory for writing %s", config->path);
		return -ENOMEM;
	}
	err = prepare(w, config);
	if (err < 0)
		fail(w, err, "no memory for writing %s", config->path);
	else
		err = open_first(w);
	if (err < 0) {
		if (fault)
			*fault = w->fault;
		capture_writer_free(w);
		return err;
	}
	*ret_writer = w;
	return 0;
}

struct capture_writer *capture_writer_free(struct capture_writer *w)
{
	if (!w)
		return NULL;
	if (w->fd >= 0 && w->fd != STDOUT_FILENO)
		close(w->fd);
	if (w->folder_fd >= 0)
		close(w->folder_fd);
	for (size_t i = 0; i < w->n_interfaces; i++)
		free_texts(w->interfaces[i].texts, ARRAY_LEN(w->interfaces[i].texts));
	free(w->interfaces);
	capture_series_done(&w->series);
	buf_done(&w->out);
	free(w->path);
	free(w->application);
	free(w->hardware);
	free(w->os);
	free(w);
	return NULL;
}

const struct fault *capture_writer_fault(const struct capture_writer *w)
{
	return &w->fault;
}

int capture_writer_error(const struct capture_writer *w)
{
	return w->err;
}

struct capture_writer_counts capture_writer_counts(const struct capture_writer *w)
{
	struct capture_writer_counts c = w->done;

	c.files += w->fd >= 0;
	c.packets += w->file_packets;
	c.bytes += w->file_bytes;
	return c;
}

const char *capture_writer_name(const struct capture_writer *w)
{
	if (!strcmp(w->path, "-"))
		return "standard output";
	return w->rotating ? w->name_memory : w->path;
}
