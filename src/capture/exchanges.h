/*
 * Which answer belongs to which question: by the identifier that both carry and their ends, or,
 * where there is none, by their order in a connection. What is asked again within
 * EXCHANGE_REPEAT_NS before an answer came is the same question: its time counts from the first
 * packet.
 *
 * A bounded number of questions is remembered, answered or not; the oldest goes for a new one.
 */
#ifndef SONDE_CAPTURE_EXCHANGES_H
#define SONDE_CAPTURE_EXCHANGES_H

#include "capture/segment.h"
#include "wire/exchange.h"

#define EXCHANGE_REPEAT_NS (5 * 1000000000LL)

/* Where a message was found. */
struct exchange_place {
	const struct ends *ends; /* of the datagram, or of the message's direction */
	uint64_t frame;
	int64_t time_ns;
	uint32_t connection; /* of messages that are answered in their order: its number, */
	struct exchange_turns *turns; /* and what is remembered of it */
};

/* Questions and answers of one connection that come in their order. All zero at its start. */
struct exchange_turns {
	uint32_t asked, answered;
	/* Not all of it was captured. Then only one question can be thought to wait: whoever asks
	 * the next one has got his answer. */
	bool loose;
};

struct exchanges;

/**
 * exchanges_new() - nothing asked so far
 * @max: questions that are remembered
 * @max_bytes: of what is kept of them for their answers
 * Return: NULL when out of memory.
 */
struct exchanges *exchanges_new(uint32_t max, size_t max_bytes);
struct exchanges *exchanges_free(struct exchanges *t);

/* A new packet: facts of earlier ones are not valid any more. */
void exchanges_next(struct exchanges *t);

/**
 * exchanges_see() - take a message
 * @layer: of @p, of a protocol with an exchange table
 * @ret_facts: set when there is something to tell; valid until exchanges_next()
 * Return: whether there is.
 */
bool exchanges_see(struct exchanges *t, const struct exchange_place *place, const struct packet *p,
		   uint32_t layer, struct exchange_facts *ret_facts);

#endif
