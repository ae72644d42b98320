#include "capture/extract_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Numbers that are tried for a name that is taken. */
#define TRIES	10000u
#define PARTIAL ".partial"

struct file {
	int fd, err;
	char name[EXTRACT_NAME_MAX + 64];
};

struct extract_files {
	struct extract_files_config config;
	struct extract *extract;
};

/* "a.html" with number 3: "a-3.html". */
static void number_name(const char *wanted, unsigned n, struct file *f)
{
	const char *dot = strrchr(wanted, '.') ?: wanted + strlen(wanted);

	if (n == 1)
		snprintf(f->name, sizeof(f->name), "%s", wanted);
	else
		snprintf(f->name, sizeof(f->name), "%.*s-%u%s", (int)(dot - wanted), wanted, n,
			 dot);
}

static int create(int folder, const char *wanted, struct file *f)
{
	for (unsigned n = 1; n <= TRIES; n++) {
		number_name(wanted, n, f);
		f->fd = openat(folder, f->name,
			       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
		if (f->fd >= 0 || errno != EEXIST)
			return f->fd < 0 ? -errno : 0;
	}
	return -EEXIST;
}

static void tell(struct extract_files *e, const struct extract_object *o, const struct file *f)
{
	if (e->config.done)
		e->config.done(e->config.arg, o, f->name, f->err);
}

static bool begin(void *arg, struct extract_object *o)
{
	struct extract_files *e = arg;
	struct file *f = calloc(1, sizeof(*f));

	if (!f)
		return false;
	f->err = create(e->config.folder, o->name, f);
	if (f->err < 0) {
		tell(e, o, f);
		free(f);
		return false;
	}
	o->file = f;
	return true;
}

static void bytes(void *arg UNUSED, struct extract_object *o, const uint8_t *at, size_t len)
{
	struct file *f = o->file;

	while (len && !f->err) {
		ssize_t n = write(f->fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			f->err = -errno;
			return;
		}
		at += n;
		len -= (size_t)n;
	}
}

static void gap(void *arg UNUSED, struct extract_object *o, uint64_t len)
{
	struct file *f = o->file;

	if (!f->err && lseek(f->fd, (off_t)len, SEEK_CUR) < 0)
		f->err = -errno;
}

/* Says in the name that the file is not all there was. */
static void mark_partial(const struct extract_files *e, struct file *f)
{
	char name[sizeof(f->name) + sizeof(PARTIAL)];

	snprintf(name, sizeof(name), "%s" PARTIAL, f->name);
	if (renameat2(e->config.folder, f->name, e->config.folder, name, RENAME_NOREPLACE) == 0)
		snprintf(f->name, sizeof(f->name), "%.*s", (int)sizeof(f->name) - 1, name);
}

static void end(void *arg, struct extract_object *o)
{
	struct extract_files *e = arg;
	struct file *f = o->file;

	if (o->gapped && !f->err && ftruncate(f->fd, (off_t)o->len) < 0)
		f->err = -errno; /* a hole at the end */
	if (close(f->fd) < 0 && !f->err)
		f->err = -errno;
	if (!o->complete || f->err)
		mark_partial(e, f);
	tell(e, o, f);
	free(f);
	o->file = NULL;
}

int extract_files_new(const struct extract_files_config *config, struct extract_files **ret_files)
{
	struct extract_files *f = calloc(1, sizeof(*f));
	const struct extract_config extract = {
		.max_object_bytes = config->max_object_bytes,
		.begin = begin,
		.bytes = bytes,
		.gap = gap,
		.end = end,
		.arg = f,
	};

	if (!f)
		return -ENOMEM;
	f->config = *config;
	if (extract_new(&extract, &f->extract) < 0) {
		free(f);
		return -ENOMEM;
	}
	*ret_files = f;
	return 0;
}

struct extract_files *extract_files_free(struct extract_files *f)
{
	if (!f)
		return NULL;
	extract_free(f->extract);
	free(f);
	return NULL;
}

struct stream_sink *extract_files_sink(struct extract_files *f)
{
	return extract_sink(f->extract);
}

struct extract_counts extract_files_counts(const struct extract_files *f)
{
	return extract_counts(f->extract);
}
