#include "io/capture_reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "io/capture_reader_private.h"

int capture_reader_fail(struct capture_reader *r, int err, const char *format, ...)
{
	unsigned long long offset = capture_input_offset(&r->in);
	char text[160];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fault_set(&r->fault, offset, "byte %llu: %s", offset, text);
	r->err = err;
	return err;
}

int capture_reader_short(struct capture_reader *r, int err, const char *what, size_t needed)
{
	size_t left = (size_t)(r->in.end - r->in.at);
	const char *packing = capture_input_packing(&r->in);

	if (!r->in.err) {
		if (!left && !needed)
			return 0;
		return capture_reader_fail(r, err, "the file ends within %s, after %zu bytes of it",
					   what, left);
	}
	if (packing && err == -E_TRUNCATED)
		return capture_reader_fail(r, err, "the %s data is cut short", packing);
	if (packing && err == -E_MALFORMED)
		return capture_reader_fail(r, err, "the %s data is damaged", packing);
	if (packing && err == -E_UNSUPPORTED)
		return capture_reader_fail(r, err, "the %s data needs more than 128 MiB of memory",
					   packing);
	return capture_reader_fail(r, err, "cannot read on: %s", err_text(err));
}

struct interface_slot *capture_reader_add_interface(struct capture_reader *r, int *ret_err)
{
	struct interface_slot *slot;

	if (r->n_interfaces == CAPTURE_INTERFACES_MAX) {
		*ret_err = capture_reader_fail(r, -E_FULL, "more than %u interfaces",
					       CAPTURE_INTERFACES_MAX);
		return NULL;
	}
	if (r->n_interfaces == r->interfaces_cap) {
		size_t cap = r->interfaces_cap ? 2 * r->interfaces_cap : 4;
		struct interface_slot *more = reallocarray(r->interfaces, cap, sizeof(*more));

		if (!more) {
			*ret_err = capture_reader_fail(r, -ENOMEM, "no memory for interfaces");
			return NULL;
		}
		r->interfaces = more;
		r->interfaces_cap = cap;
	}
	slot = &r->interfaces[r->n_interfaces++];
	*slot = (struct interface_slot){ .shown = { .name = "",
						    .description = "",
						    .filter = "",
						    .received = CAPTURE_COUNT_UNKNOWN,
						    .dropped = CAPTURE_COUNT_UNKNOWN } };
	return slot;
}

static int recognise(struct capture_reader *r)
{
	const uint8_t *p;
	int err = capture_input_need(&r->in, 4);

	if (err < 0)
		return capture_reader_short(r, err, "the header of a capture file", 4);
	err = pcap_begin(r);
	if (!err)
		err = pcapng_begin(r);
	if (err)
		return err < 0 ? err : 0;
	p = r->in.at;
	return capture_reader_fail(r, -E_FOREIGN,
				   "not a capture file: it begins with %02x %02x %02x %02x; pcap "
				   "and pcapng are read, also compressed by gzip or zstd",
				   p[0], p[1], p[2], p[3]);
}

/* Takes over @r, whose input is open. */
static int begin(struct capture_reader *r, struct capture_reader **ret_reader, struct fault *fault)
{
	int err = recognise(r);

	if (err < 0) {
		if (fault)
			*fault = r->fault;
		capture_reader_free(r);
		return err;
	}
	*ret_reader = r;
	return 0;
}

int capture_reader_open(const char *path, const struct capture_wait *wait,
			struct capture_reader **ret_reader, struct fault *fault)
{
	struct capture_reader *r = calloc(1, sizeof(*r));
	int err = r ? capture_input_open(path, wait, &r->in) : -ENOMEM;

	if (err < 0) {
		fault_set(fault, 0, "cannot read it: %s", err_text(err));
		free(r);
		return err;
	}
	return begin(r, ret_reader, fault);
}

int capture_reader_open_bytes(const uint8_t *bytes, size_t len, struct capture_reader **ret_reader,
			      struct fault *fault)
{
	struct capture_reader *r = calloc(1, sizeof(*r));
	int err = r ? capture_input_open_bytes(bytes, len, &r->in) : -ENOMEM;

	if (err < 0) {
		fault_set(fault, 0, "cannot read it: %s", err_text(err));
		free(r);
		return err;
	}
	return begin(r, ret_reader, fault);
}

struct capture_reader *capture_reader_free(struct capture_reader *r)
{
	if (!r)
		return NULL;
	for (size_t i = 0; i < r->n_interfaces; i++)
		for (size_t k = 0; k < ARRAY_LEN(r->interfaces[i].texts); k++)
			free(r->interfaces[i].texts[k]);
	free(r->interfaces);
	capture_input_done(&r->in);
	free(r);
	return NULL;
}

int capture_reader_next(struct capture_reader *r, struct capture_packet *ret_packet)
{
	return unlikely(r->err) ? r->err : r->next(r, ret_packet);
}

const struct fault *capture_reader_fault(const struct capture_reader *r)
{
	return &r->fault;
}

size_t capture_reader_n_interfaces(const struct capture_reader *r)
{
	return r->n_interfaces;
}

const struct capture_interface *capture_reader_interface(const struct capture_reader *r, size_t i)
{
	return i < r->n_interfaces ? &r->interfaces[i].shown : NULL;
}

bool capture_reader_reads(const struct capture_reader *r, const char *path)
{
	struct stat ours, other;

	return r->in.fd >= 0 && !fstat(r->in.fd, &ours) && !stat(path, &other) &&
	       S_ISREG(ours.st_mode) && ours.st_dev == other.st_dev && ours.st_ino == other.st_ino;
}

uint64_t capture_reader_offset(const struct capture_reader *r)
{
	return capture_input_offset(&r->in);
}
