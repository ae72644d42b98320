/*
 * Writing messages whose structure depends on what is in them: a protocol's compose() gets the
 * fields that were set, in the order in which they were, and appends the message behind the header
 * that the tables made. What the message carries is known by then, so lengths can be computed.
 */
#ifndef SONDE_WIRE_COMPOSE_H
#define SONDE_WIRE_COMPOSE_H

#include "wire/protocol.h"

/* A field that was set. A group's name alone begins another element of that list. */
struct compose_setting {
	const struct field *field;
	uint64_t number;      /* scaled; times in nanoseconds */
	const uint8_t *bytes; /* of what is not a number */
	uint32_t len;
	uint32_t where; /* struct craft's */
	bool used;	/* compose() has put it into the message */
};

struct compose {
	struct compose_setting *settings;
	size_t n;
	const struct protocol *proto;
	const struct block *body;
	uint8_t *header; /* the fixed rows, @header_len bytes, as they were set */
	uint32_t header_len;
	uint64_t given, body_given; /* bits of the rows of @proto and @body that were set */
	const uint8_t *payload;
	uint32_t payload_len;
	struct buf out; /* the rest of the message: of fixed memory, its errors stick */
	/* By compose(): from the side that was called; its port, and that of the other side, 0: the
	 * usual ones. */
	bool reply;
	uint16_t port, other_port;
	const struct compose_setting *at; /* what faults are about; NULL: the layer */
};

/* A fault of the setting @s: says where. Return: -E_SYNTAX. */
int compose_fails(struct compose *m, const struct compose_setting *s, struct fault *fault,
		  const char *format, ...) PRINTF(4, 5);

/* The last setting of @row from @first on to before @end; it is then used. NULL: not set. */
struct compose_setting *compose_take(struct compose *m, const struct field *row, size_t first,
				     size_t end);

/* The same among all. */
static inline struct compose_setting *compose_find(struct compose *m, const struct field *row)
{
	return compose_take(m, row, 0, m->n);
}

/* Whether a row of the header was set. */
bool compose_given(const struct compose *m, const char *name);

/* Appends the bytes of a setting, or @otherwise when it is NULL. */
void compose_text(struct compose *m, const struct compose_setting *s, const char *otherwise);

/* The number of a setting, or @otherwise when it is NULL. */
static inline uint64_t compose_number(const struct compose_setting *s, uint64_t otherwise)
{
	return s ? s->number : otherwise;
}

/*
 * Stores @f at its place counted from @base of the message's new bytes, which are extended with
 * zeros as far as needed: what @s says, or the row's preset when it is NULL.
 */
void compose_put(struct compose *m, const struct field *f, const struct compose_setting *s,
		 size_t base);

/* A list of types, lengths and values. */
struct compose_tlvs {
	const struct field *head; /* type, then length, before each value */
	const struct block *blocks;
	const struct block *unknown; /* for types without a block */
	uint16_t n_blocks;
	uint8_t uncounted; /* bytes that the length does not count */
	uint8_t align;	   /* each is filled up with zeros to a multiple of so many */
};

/*
 * Appends what the settings say of a list: a type begins another element, and so does a field of
 * another block, or one that the element has already. Lengths are computed unless they were set.
 */
void compose_list(struct compose *m, const struct compose_tlvs *list);

/*
 * Appends lines of words, in the order in which they were set, with a blank between. Bits of the
 * masks are places in @rows. A row of @first begins another line; @replies, which may be part of
 * it, are those that the side says that was called. @code, if not NULL, begins a reply of perhaps
 * several lines: each further text of it gets one, with the code before it (RFC 959 section 4.2).
 */
void compose_lines(struct compose *m, const struct field *rows, uint32_t first, uint32_t words,
		   uint32_t replies, const struct field *code);

#endif
