#include "io/capture_input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/capture_reader.h"
#include "io/capture_unpack.h"

#define PACKED_WINDOW (1U << 18)
#define READ_AT_ONCE  (1U << 17) /* what is read is then still in the processor's cache */

/* Until @in->fd can be read. Return: 0 or what the caller's function says. */
static int wait_for_bytes(struct capture_input *in)
{
	struct pollfd p = { .fd = in->fd, .events = POLLIN };

	while (poll(&p, 1, 0) == 0) {
		int err;

		if (in->wait) {
			err = in->wait->wait(in->wait->arg, in->fd);
			if (err < 0)
				return err;
		} else {
			(void)poll(&p, 1, -1);
		}
	}
	return 0;
}

/* Return: bytes that were there, 0 at the end, -errno. */
static ssize_t read_some(struct capture_input *in, uint8_t *to, size_t cap)
{
	if (in->fd < 0)
		return 0;
	for (;;) {
		ssize_t n;
		int err = in->may_wait ? wait_for_bytes(in) : 0;

		if (err < 0)
			return err;
		n = read(in->fd, to, cap);
		if (n >= 0)
			return n;
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
}

static ssize_t unpack_some(struct capture_input *in, uint8_t *to, size_t cap)
{
	for (;;) {
		size_t left = (size_t)(in->packed_end - in->packed);
		ssize_t n = capture_unpack_run(in->unpack, &in->packed, &left, to, cap);

		if (n)
			return n;
		n = in->packed_window ? read_some(in, in->packed_window, PACKED_WINDOW) : 0;
		if (n < 0)
			return n;
		if (!n)
			return capture_unpack_complete(in->unpack) ? 0 : -E_TRUNCATED;
		in->packed = in->packed_window;
		in->packed_end = in->packed + n;
	}
}

int capture_input_fill(struct capture_input *in, size_t n)
{
	size_t left = (size_t)(in->end - in->at);

	if (in->window && !in->ended && in->at != in->window) {
		memmove(in->window, in->at, left);
		in->at = in->window;
		in->end = in->window + left;
	}
	while (left < n && !in->ended) {
		uint8_t *to = in->window + left;
		ssize_t got = in->unpack
				      ? unpack_some(in, to, CAPTURE_WINDOW - left)
				      : read_some(in, to, MIN(CAPTURE_WINDOW - left, READ_AT_ONCE));

		if (got <= 0) {
			in->ended = true;
			in->err = (int)got;
			break;
		}
		left += (size_t)got;
		in->end += got;
		in->end_offset += (uint64_t)got;
	}
	if (left >= n)
		return 0;
	return in->err ? in->err : -E_TRUNCATED;
}

int capture_input_skip(struct capture_input *in, uint64_t n)
{
	for (;;) {
		size_t left = (size_t)(in->end - in->at);
		int err;

		if (n <= left) {
			in->at += n;
			return 0;
		}
		in->at = in->end;
		n -= left;
		err = capture_input_need(in, 1);
		if (err < 0)
			return err;
	}
}

/* @in->packed holds the start of the stream: it stays there when it is compressed, else becomes the
 * window's. */
static int begin(struct capture_input *in)
{
	size_t left = (size_t)(in->packed_end - in->packed);
	bool packed = left >= CAPTURE_UNPACK_MAGIC && capture_unpack_knows(in->packed);

	in->window = malloc(CAPTURE_WINDOW);
	if (!in->window)
		return -ENOMEM;
	in->at = in->end = in->window;
	if (packed) {
		in->unpack = capture_unpack_new(in->packed);
		return in->unpack ? 0 : -ENOMEM;
	}
	memcpy(in->window, in->packed, left);
	in->end += left;
	in->end_offset = left;
	free(in->packed_window);
	in->packed_window = NULL;
	return 0;
}

static int open_stream(struct capture_input *in, const char *path)
{
	struct stat st;
	size_t len = 0;

	in->fd = strcmp(path, "-") != 0 ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (in->fd < 0 || fstat(in->fd, &st) < 0)
		return -errno;
	in->may_wait = !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
	if (S_ISREG(st.st_mode))
		(void)posix_fadvise(in->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	in->packed_window = malloc(PACKED_WINDOW);
	if (!in->packed_window)
		return -ENOMEM;
	while (len < CAPTURE_UNPACK_MAGIC) {
		ssize_t n = read_some(in, in->packed_window + len, PACKED_WINDOW - len);

		if (n < 0)
			return (int)n;
		if (!n)
			break;
		len += (size_t)n;
	}
	in->packed = in->packed_window;
	in->packed_end = in->packed + len;
	return begin(in);
}

int capture_input_open(const char *path, const struct capture_wait *wait,
		       struct capture_input *ret_in)
{
	struct capture_input in = { .wait = wait };
	int err = open_stream(&in, path);

	if (err < 0)
		capture_input_done(&in);
	else
		*ret_in = in;
	return err;
}

int capture_input_open_bytes(const uint8_t *bytes, size_t len, struct capture_input *ret_in)
{
	struct capture_input in = { .fd = -1, .packed = bytes, .packed_end = bytes + len };
	int err;

	if (len < CAPTURE_UNPACK_MAGIC || !capture_unpack_knows(bytes)) {
		in.at = bytes;
		in.end = bytes + len;
		in.end_offset = len;
		in.ended = true;
		*ret_in = in;
		return 0;
	}
	err = begin(&in);
	if (err < 0)
		capture_input_done(&in);
	else
		*ret_in = in;
	return err;
}

void capture_input_done(struct capture_input *in)
{
	if (in->fd > STDIN_FILENO)
		close(in->fd);
	in->unpack = capture_unpack_free(in->unpack);
	free(in->packed_window);
	free(in->window);
	in->fd = -1;
}

const char *capture_input_packing(const struct capture_input *in)
{
	return in->unpack ? capture_unpack_name(in->unpack) : NULL;
}
