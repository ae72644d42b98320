/*
 * How results leave. A verb declares its record types once (columns with name, kind, meaning) and
 * hands over rows; this turns the same row into a table for people, one JSON object a line, or CSV.
 * Names and meanings are a stable interface: help, man pages and --fields come from the
 * declaration.
 *
 *   enum { HOST, RTT, N_COLUMNS };
 *   static const struct out_column columns[] = {
 *           [HOST] = { "host", OUT_ADDR, .about = "the address that answered" },
 *           [RTT]  = { "rtt_ms", OUT_MS, .about = "round-trip time" },
 *   };
 *   const struct out_type reply_type = { "reply", columns, ARRAY_LEN(columns), .live = true };
 *
 *   struct out_value row[N_COLUMNS] = { [HOST] = out_addr(&a), [RTT] = out_ns(rtt_ns) };
 *   out_record(out, &reply_type, row);
 */
#ifndef SONDE_OUT_OUT_H
#define SONDE_OUT_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

enum out_kind {
	OUT_TEXT,     /* UTF-8 or not: hostile bytes are made safe on the way out */
	OUT_UINT,     /* u64 */
	OUT_INT,      /* i64 */
	OUT_REAL,     /* double */
	OUT_BOOL,     /* table: yes / no */
	OUT_ADDR,     /* struct addr */
	OUT_PREFIX,   /* struct prefix */
	OUT_ENDPOINT, /* struct endpoint */
	OUT_MAC,      /* struct mac */
	OUT_MS,	     /* nanoseconds in, milliseconds out: 3 decimals in tables, 6 in JSON and CSV */
	OUT_SECONDS, /* nanoseconds in, seconds out, likewise */
	OUT_TIME,    /* nanoseconds since 1970 in; RFC 3339 UTC in JSON and CSV, local HH:MM:SS in
			tables */
	OUT_BYTES,   /* u64; with binary prefix in tables (1.2 MiB), plain in JSON and CSV */
};

struct out_column {
	const char *name; /* stable, snake_case, the unit in it: "rtt_ms" */
	enum out_kind kind;
	const char *title; /* head in tables; NULL: the name in capitals without its unit */
	const char *about; /* what the value means, one sentence without full stop */
	uint8_t width;	   /* least columns in a live table; text elsewhere is not cut below it;
			      0: by kind */
	uint8_t minor; /* not 0: left out where the terminal is too narrow, the greatest first */
	bool repeated; /* a list: array in JSON, joined by blanks elsewhere */
	bool extra;    /* not in tables unless asked for with --fields */
	bool rare;     /* likewise when no row of the table at hand has a value */
};

struct out_type {
	const char *name; /* the value of "record" in every JSON object */
	const struct out_column *columns;
	size_t n_columns;
	bool live; /* rows are shown as they come; else they are collected and aligned as a whole */
};

enum out_style { OUT_PLAIN, OUT_GOOD, OUT_WARN, OUT_BAD, OUT_DIM };

/* One value; @set false is 'absent': null in JSON, empty in CSV, "-" in tables. */
struct out_value {
	bool set;
	uint8_t style; /* enum out_style, colour in tables: never the only sign */
	uint32_t len;  /* OUT_TEXT: bytes at @text; repeated: number of values at @list */
	union {
		const char *text;
		const struct out_value *list;
		uint64_t u;
		int64_t i;
		double f;
		struct addr addr;
		struct prefix prefix;
		struct endpoint endpoint;
		struct mac mac;
	};
};

static inline struct out_value out_text_n(const char *text, size_t len)
{
	return (struct out_value){ .set = text != NULL, .text = text, .len = (uint32_t)len };
}

/* NULL is absent. */
static inline struct out_value out_text(const char *text)
{
	return out_text_n(text, text ? strlen(text) : 0);
}

static inline struct out_value out_uint(uint64_t v)
{
	return (struct out_value){ .set = true, .u = v };
}

/* For OUT_MS, OUT_SECONDS and OUT_TIME. */
static inline struct out_value out_ns(int64_t v)
{
	return (struct out_value){ .set = true, .i = v };
}

static inline struct out_value out_int(int64_t v)
{
	return (struct out_value){ .set = true, .i = v };
}

static inline struct out_value out_real(double v)
{
	return (struct out_value){ .set = true, .f = v };
}

static inline struct out_value out_bool(bool v)
{
	return (struct out_value){ .set = true, .u = v };
}

/* AF_UNSPEC is absent. */
static inline struct out_value out_addr(const struct addr *a)
{
	return (struct out_value){ .set = a->family != AF_UNSPEC, .addr = *a };
}

static inline struct out_value out_prefix(const struct prefix *p)
{
	return (struct out_value){ .set = p->addr.family != AF_UNSPEC, .prefix = *p };
}

static inline struct out_value out_endpoint(const struct endpoint *e)
{
	return (struct out_value){ .set = e->addr.family != AF_UNSPEC, .endpoint = *e };
}

/* All zero is absent. */
static inline struct out_value out_mac(const struct mac *m)
{
	return (struct out_value){ .set = !mac_is_zero(m), .mac = *m };
}

static inline struct out_value out_list(const struct out_value *values, size_t n)
{
	return (struct out_value){ .set = true, .list = values, .len = (uint32_t)n };
}

static inline struct out_value out_styled(struct out_value v, enum out_style style)
{
	v.style = style;
	return v;
}

enum out_format { OUT_TABLE, OUT_JSON, OUT_CSV };

struct out_config {
	enum out_format format;
	int fd;				/* where to; not closed */
	bool colour;			/* tables only */
	unsigned columns;		/* terminal width; 0: not a terminal, nothing is cut */
	unsigned (*columns_of)(int fd); /* asked before each table: it may have been resized; or
					   NULL */
	const char *fields;		/* --fields "a,b": only these, in this order; NULL: all */
};

struct out;

/**
 * out_new() - a sink for records of the types given
 * @types: @n_types of them, static; the first is the main one, which alone goes to CSV
 * @fault: an unknown name in --fields, with its offset there and the names that exist
 * Return: 0, -E_SYNTAX, -ENOMEM. With --fields, only types that have all of them are written.
 */
MUST_CHECK int out_new(const struct out_config *config, const struct out_type *const *types,
		       size_t n_types, struct out **ret_out, struct fault *fault);

/**
 * out_main() - make @type the main one: for a verb that answers different questions
 * Before the first record.
 * @fault: a name in --fields that @type does not have
 * Return: 0 or -E_SYNTAX.
 */
MUST_CHECK int out_main(struct out *out, const struct out_type *type, struct fault *fault);

/*
 * Takes one row: @row has @type->n_columns values, borrowed for the call. Live types leave at once;
 * others are kept (at most 100,000 rows, then they are laid out and leave) until out_flush() or a
 * row of another type.
 */
void out_record(struct out *out, const struct out_type *type, const struct out_value *row);

/* A line for people: goes to tables, not to JSON and CSV. Without newline. */
void out_line(struct out *out, const char *format, ...) PRINTF(2, 3);

/* The same, above the next table and set apart from what came before. */
void out_heading(struct out *out, const char *format, ...) PRINTF(2, 3);

/* Writes what is kept. Return: 0 or -errno of the first write that failed (-EPIPE: nobody reads).
 */
int out_flush(struct out *out);

/* Flushes and frees. NULL is fine. */
struct out *out_free(struct out *out);

#endif
