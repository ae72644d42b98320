/*
 * Headers as constant tables. A row says once where a field is, how wide, of which type and what it
 * means; the dissector, the prints, the crafter and the drawing all read the same row. Field names
 * are Wireshark's, except those that its tables do not have.
 */
#ifndef SONDE_WIRE_FIELD_H
#define SONDE_WIRE_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "base/err.h"

enum field_type {
	FIELD_UINT,
	FIELD_INT, /* two's complement; the value is an int64_t */
	FIELD_FLAG,
	FIELD_TIME,	/* never on the wire as it is: nanoseconds since 1970, an int64_t */
	FIELD_DURATION, /* likewise: nanoseconds, an int64_t */
	FIELD_BYTES,
	FIELD_MAC,
	FIELD_IP4,
	FIELD_IP6,
	FIELD_TEXT,
	FIELD_NAME,  /* domain name in labels (RFC 1035 section 3.1), uncompressed */
	FIELD_OID,   /* object identifier, BER contents (X.690 section 8.19) */
	FIELD_GROUP, /* no value: what follows deeper belongs to it; JSON makes an object of it */
};

/* A name that a registry gives to a value. Lists end with a row without name. */
struct value_name {
	uint32_t value;
	const char *name;
};

struct block;

struct field {
	const char *name;
	uint8_t name_len;
	uint8_t type;	 /* enum field_type */
	uint8_t hex;	 /* shown in hexadecimal with so many digits; 0: decimal */
	uint8_t depth;	 /* below the row before it that is less deep */
	uint32_t scale;	 /* the value is what is on the wire times this; 0: once */
	bool repeats;	 /* as often as there are bytes; always an array in JSON */
	bool computed;	 /* not on the wire: follows from other things */
	bool milli;	 /* a duration that is written in milliseconds, not seconds */
	bool bulk;	 /* what is transported, perhaps long: JSON has it when asked to */
	uint16_t bit;	 /* from the start of the header or option */
	uint16_t bits;	 /* 0: all that is left */
	uint64_t preset; /* when crafting, on the wire, if nothing is given */
	const char *title;
	const char *label; /* for the drawing where the title is too wide; NULL: the title */
	const char *about; /* one sentence without full stop; NULL where the title says all */
	const struct value_name *values; /* NULL: none. Of text: words and what they mean */
	const struct block *block;	 /* FIELD_GROUP that repeats: what each one holds */
};

/* A run of bytes with fields: a message body, an option, an element of a list. */
struct block {
	const char *name; /* to ask for it: "mss" */
	const char *title;
	const char *rfc;
	const struct field *fields;
	uint8_t n_fields;
	bool bare;	  /* an option of one byte: no length follows */
	bool quotes;	  /* a body followed by the packet it speaks of */
	bool has_options; /* a body followed by options up to the end */
	uint8_t carries; /* the protocol that only this body has inside, enum protocol_id; 0: any */
	uint16_t min_len; /* of bodies: with the header before it */
	uint16_t code;	  /* the type that selects it */
	uint8_t subcode;  /* where the type is not enough, the value of the row after it */
};

/* The start of a row: name, place and type. BYTE(n) is the place in bits of byte n. */
#define BYTE(n) ((n)*8)
#define AS_(n, at, width, kind) \
	.name = (n), .name_len = sizeof(n) - 1, .type = (kind), .bit = (at), .bits = (width)
#define AS_UINT(n, at, width)	     AS_(n, at, width, FIELD_UINT)
#define AS_HEX(n, at, width, digits) AS_(n, at, width, FIELD_UINT), .hex = (digits)
#define AS_INT(n, at, width)	     AS_(n, at, width, FIELD_INT)
#define AS_FLAG(n, at)		     AS_(n, at, 1, FIELD_FLAG)
#define AS_MAC(n, at)		     AS_(n, at, 48, FIELD_MAC)
#define AS_IP4(n, at)		     AS_(n, at, 32, FIELD_IP4)
#define AS_IP6(n, at)		     AS_(n, at, 128, FIELD_IP6)
#define AS_BYTES(n, at, width)	     AS_(n, at, width, FIELD_BYTES)
#define AS_TEXT(n, at, width)	     AS_(n, at, width, FIELD_TEXT)
#define AS_NAME(n, at)		     AS_(n, at, 0, FIELD_NAME)
#define AS_OID(n)		     AS_(n, 0, 0, FIELD_OID)
#define AS_COUNT(n)		     AS_(n, 0, 0, FIELD_UINT), .computed = true
#define AS_TIME(n)		     AS_(n, 0, 0, FIELD_TIME), .computed = true
#define AS_DURATION(n)		     AS_(n, 0, 0, FIELD_DURATION), .computed = true
#define AS_GROUP(n, at)		     AS_(n, at, 0, FIELD_GROUP)

/* For pointing a table at its rows. */
#define ROWS(rows) .fields = (rows), .n_fields = ARRAY_LEN(rows)

/* Whether an item of the field has a value, not bytes. */
static inline bool field_is_number(const struct field *f)
{
	return f->type <= FIELD_DURATION;
}

/* Bytes that hold a field of fixed width, counted from the one where it begins. */
static inline uint32_t field_span(const struct field *f)
{
	return ((f->bit & 7u) + f->bits + 7u) / 8;
}

/* field_load() of what is not in whole bytes, or of a rare width. */
uint64_t field_load_bits(const struct field *f, const uint8_t *at);

/**
 * field_load() - the value of a number or flag of fixed width
 * @at: the byte where it begins; field_span() bytes are there
 * Return: the value, scaled.
 */
static inline uint64_t field_load(const struct field *f, const uint8_t *at)
{
	uint64_t scale = f->scale ? f->scale : 1;

	if (f->type == FIELD_INT || f->bit & 7u)
		return field_load_bits(f, at);
	if (f->bits == 16)
		return load_be16(at) * scale;
	if (f->bits == 8)
		return *at * scale;
	if (f->bits == 32)
		return load_be32(at) * scale;
	return field_load_bits(f, at);
}

/* Writes a number or flag as it is on the wire (not scaled); bits beyond the field are kept. */
void field_store(const struct field *f, uint8_t *at, uint64_t wire);

/* The greatest value that a number of fixed width can have, scaled. */
static inline uint64_t field_max(const struct field *f)
{
	uint64_t max = f->bits < 64 ? (1ULL << f->bits) - 1 : UINT64_MAX;

	return max * (f->scale ? f->scale : 1);
}

/* The registry's name for @value, or NULL. */
const char *field_value_name(const struct field *f, uint64_t value);

/*
 * The value as `tshark -T fields` writes it: numbers decimal or 0x…, flags 1 and 0, bytes as plain
 * hex digits, durations in seconds with nine decimals, times as RFC 3339 has them in UTC. @bytes:
 * @len of them; @value: of numbers and flags.
 */
void field_text(struct buf *b, const struct field *f, uint64_t value, const uint8_t *bytes,
		size_t len);

/* The value in JSON: numbers as numbers, flags as true and false, all else a string. */
void field_json(struct buf *b, const struct field *f, uint64_t value, const uint8_t *bytes,
		size_t len);

/* The value for people: like field_text(), with the registry's name, "set" or "not set". */
void field_show(struct buf *b, const struct field *f, uint64_t value, const uint8_t *bytes,
		size_t len);

#endif
