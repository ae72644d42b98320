/*
 * What the protocols made of lines share: the requests that wait for their answer, and where lines
 * and texts of lines end in a stream, however it is cut into pieces.
 */
#ifndef SONDE_WIRE_DIALOGUE_H
#define SONDE_WIRE_DIALOGUE_H

#include "wire/packet.h"
#include "wire/text.h"

/*
 * Requests in order, each with a kind of 0 to 3, in dialogue.memory: the first 28 that wait, and
 * how many they are, at most 255. Kinds of those beyond are taken for 0.
 */
void dialogue_ask(struct dialogue *d, unsigned kind);

/* The kind of the request that the next answer is for; 0 when none is known to wait. @d may be
 * NULL. */
unsigned dialogue_asked(const struct dialogue *d);

/* Whether some request waits. @d may be NULL. */
bool dialogue_waits(const struct dialogue *d);

/* The first request is answered. */
void dialogue_answered(struct dialogue *d);

/* Bytes of a line that are given at most as one message. */
#define LINE_MAX_LEN 8192

/* message() for a line: its length with its end, LINE_MAX_LEN, all at the end; 0: more is needed.
 */
int64_t line_message(const uint8_t *bytes, size_t len, bool end);

/**
 * dotted_message() - message() for lines up to one that is a dot alone (RFC 5321 section 4.1.1.4)
 * @ret_over: that line is there. Else, at the end, what is given ends with a line where possible.
 */
int64_t dotted_message(struct dialogue *d, bool reply, const uint8_t *bytes, size_t size, bool end,
		       bool *ret_over);

/**
 * reply_message() - message() for a reply of one or more lines (RFC 959 section 4.2): "250-a",
 * "250 b"; between them lines may be anything
 */
int64_t reply_message(struct dialogue *d, bool reply, const uint8_t *bytes, size_t size, bool end);

/* message() for @left bytes: all of them, or at the end what is there. */
static inline int64_t counted_message(uint64_t left, size_t len, bool end)
{
	if (len < left && !end)
		return 0;
	return (int64_t)(left < len ? left : len);
}

/* The code at the start of a reply's line, three digits; 0: none. */
unsigned reply_code(struct text line);

/* Whether the line with @code is the last of its reply: no '-' follows the code. */
bool reply_ends(struct text line, unsigned code);

/* Layers of a packet up to which a segment is cut into messages. */
#define SEGMENT_LAYERS 12

/* For step(): the first @n of the bytes that are there are one message, @next follows. */
uint8_t line_step(struct packet *p, struct layer *l, int64_t n, uint8_t next);

/* In a line of text: a blank and @t, not without end. */
void line_put(struct buf *b, struct text t);

/* A reply of one or more lines: " 250 first text (3 lines)". */
void line_put_reply(struct buf *b, struct text all);

/* " 17 bytes" */
void line_put_bytes(struct buf *b, uint64_t n);

/* The layer's bytes, as far as captured. */
struct text layer_text(const struct packet *p, const struct layer *l);

/* Gives a field whose value is a part of the packet. */
void walk_text(struct walk *w, const struct field *f, struct text t);

#endif
