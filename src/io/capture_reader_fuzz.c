/*
 * Capture files from memory, compressed ones included. Every packet keeps the promises of
 * capture_reader_next(); its bytes are all there; the reading ends; an error sticks, and says where
 * it is. What is read from the first half alone is the beginning of what is read from the whole.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "io/capture_reader.h"

#define PACKETS_MAX 4096
#define STREAM_MAX  (8U << 20) /* of decompressed bytes: longer ones only take time */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	int64_t time_ns;
	uint32_t cap_len, wire_len, interface, sum;
};

static uint32_t sum_of(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum = sum * 31 + p[i];
	return sum;
}

static struct seen look_at(const struct capture_reader *r, const struct capture_packet *p)
{
	const struct capture_interface *i = capture_reader_interface(r, p->interface);

	assert(p->cap_len <= CAPTURE_PACKET_MAX && p->cap_len <= p->wire_len);
	assert(i && i->link_type == p->link_type);
	assert(p->comment || !p->comment_len);
	return (struct seen){ p->time_ns, p->cap_len, p->wire_len, p->interface,
			      sum_of(p->bytes, p->cap_len) + sum_of(p->comment, p->comment_len) };
}

/* Return: how many packets, the first PACKETS_MAX of them in @seen. */
static size_t read_all(const uint8_t *data, size_t size, struct seen *seen)
{
	struct fault fault = { 0 };
	struct capture_reader *r;
	struct capture_packet p;
	size_t n = 0;
	int more;

	if (capture_reader_open_bytes(data, size, &r, &fault) < 0) {
		assert(fault.text[0]);
		return 0;
	}
	while ((more = capture_reader_next(r, &p)) > 0) {
		struct seen one = look_at(r, &p);

		if (n < PACKETS_MAX)
			seen[n] = one;
		n++;
		if (capture_reader_offset(r) > STREAM_MAX)
			break;
	}
	if (more < 0) {
		assert(capture_reader_next(r, &p) == more);
		assert(capture_reader_fault(r)->text[0]);
		assert(capture_reader_fault(r)->offset <= capture_reader_offset(r));
	}
	capture_reader_free(r);
	return n < PACKETS_MAX ? n : PACKETS_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct seen whole[PACKETS_MAX], half[PACKETS_MAX];
	uint8_t *copy = malloc(size / 2 + 1); /* so that reading beyond the half is noticed */
	size_t n = read_all(data, size, whole), n_half;

	if (!copy)
		abort();
	memcpy(copy, data, size / 2);
	n_half = read_all(copy, size / 2, half);
	assert(n_half <= n);
	for (size_t i = 0; i < n_half; i++)
		assert(!memcmp(&whole[i], &half[i], sizeof(half[i])));
	free(copy);
	return 0;
}
