/*
 * One TCP connection to read: what both sides sent, in the order in which the capture brought it,
 * with the places where bytes are missing. As HTTP, bodies come without their transfer and content
 * codings.
 */
#ifndef SONDE_CAPTURE_FOLLOW_H
#define SONDE_CAPTURE_FOLLOW_H

#include "capture/stream.h"

struct follow_piece {
	bool reply;	/* from the side that was called */
	bool decoded;	/* part of an HTTP body */
	uint64_t gap;	/* so many bytes are missing before these */
	uint64_t frame; /* that brought it; 0: the end of the capture did */
	int64_t time_ns;
	const uint8_t *bytes; /* @len of them, valid during the call */
	size_t len;
};

struct follow_config {
	uint32_t stream; /* as tcp.stream */
	bool http;
	void (*give)(void *arg, const struct follow_piece *piece);
	void *arg;
};

struct follow;

/* Return: 0 or -ENOMEM. */
MUST_CHECK int follow_new(const struct follow_config *config, struct follow **ret_follow);

/* After the object that feeds its sink. */
struct follow *follow_free(struct follow *f);

/* For struct dissect_config. */
struct stream_sink *follow_sink(struct follow *f);

/* Who called [0] and who was called [1]; NULL when the stream was not seen. */
const struct endpoint *follow_ends(const struct follow *f);

#endif
