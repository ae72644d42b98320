/*
 * Questions and their answers. A protocol tells of its messages which they are and what a question
 * and its answer have in common; who keeps track of a capture finds out which belong together, and
 * hands that back with the packet: then the answer shows what it answers and how long that took.
 *
 * Packets come one after another, so an answer refers to its question, never the other way round.
 */
#ifndef SONDE_WIRE_EXCHANGE_H
#define SONDE_WIRE_EXCHANGE_H

#include "wire/packet.h"
#include "wire/text.h"

#define EXCHANGE_ID_MAX 16

/* What a message says of itself. */
struct exchange {
	bool answer;
	bool in_turn;	/* no identifier: answers come in the order of the questions */
	uint8_t id_len; /* of @id, which question and answer share among those of their ends */
	uint8_t id[EXCHANGE_ID_MAX];
	struct text about[3]; /* of a question: what its answer shows of it, in parts; borrowed */
};

/* A protocol that has such messages. */
struct exchange_table {
	/* Return: whether the message in @l, which is not cut, asks or answers. */
	bool (*tell)(const struct packet *p, const struct layer *l, struct exchange *ret_exchange);
	const struct field *fields; /* @n_fields of them, by enum exchange_row */
	uint8_t n_fields;
	bool about; /* the third row is what the question was about; else it is EXCHANGE_AGAIN */
};

enum exchange_row {
	EXCHANGE_QUESTION, /* the frame that is answered */
	EXCHANGE_TIME,	   /* since then */
	EXCHANGE_ABOUT,
	EXCHANGE_AGAIN = EXCHANGE_ABOUT, /* was sent before: */
	EXCHANGE_QUESTION_AGAIN,	 /* the question, in this frame, */
	EXCHANGE_ANSWER_AGAIN,		 /* or the answer */
};

/* What was found out of one message. */
struct exchange_facts {
	uint32_t layer;	    /* whose message it is */
	bool answer;	    /* else a question that was asked before */
	uint64_t question;  /* its frame, where it came for the first time */
	uint64_t first;	    /* frame where this answer came before; 0: it did not */
	int64_t elapsed_ns; /* of an answer, since the question */
	struct text about;
};

/* Gives what the packet's @exchange says. */
void exchange_walk(struct walk *w);

/* Protocols that have an exchange table, a bit for each. */
uint64_t exchange_protocols(void);

/* Whether the row is one of @id's exchange table. */
bool exchange_has_row(uint8_t id, const struct field *row);

#endif
