/*
 * Putting datagrams together from the fragments that a capture shows: IPv4 (RFC 791 section 3.2)
 * and IPv6 (RFC 8200 section 4.5). Fragments come in any order, twice, and from people who want to
 * be read differently by the host than by whoever watches; so what the copies disagree about is
 * never silently settled: in IPv4 the first copy of a byte counts and the conflict is reported, in
 * IPv6 the whole datagram is thrown away (RFC 5722).
 *
 * Time is that of the packets. All memory is bounded; when the bound is reached the oldest
 * datagram goes.
 */
#ifndef SONDE_CAPTURE_FRAGMENTS_H
#define SONDE_CAPTURE_FRAGMENTS_H

#include "wire/ip.h"

struct fragments;

struct fragments_config {
	size_t max_bytes;	/* held of datagrams that are not complete */
	uint32_t max_datagrams; /* likewise */
	uint64_t timeout_ns;	/* after the first fragment */
};

/* 16 MiB, 1,024 datagrams, 30 s. */
extern const struct fragments_config fragments_default;

/* A datagram that is complete: what IP carries, without its header. */
struct datagram {
	const uint8_t *bytes;
	uint32_t len;
	uint8_t proto; /* enum protocol_id of its first header; PROTOCOL_DATA where unknown */
	struct fragment_facts facts;
};

/* Since the start. */
struct fragments_counts {
	uint64_t fragments; /* seen */
	uint64_t completed; /* datagrams */
	uint64_t timed_out;
	uint64_t evicted;   /* to keep within the bounds */
	uint64_t discarded; /* IPv6: their fragments overlapped */
	uint64_t conflicts; /* IPv4: fragments that said other things than those before them */
	uint64_t refused;   /* fragments that cannot be part of any datagram */
	uint64_t cut;	    /* fragments of which not all bytes were captured */
};

/**
 * fragments_new() - an engine that holds nothing yet
 * @config: NULL: fragments_default
 * Return: NULL when out of memory.
 */
struct fragments *fragments_new(const struct fragments_config *config);
struct fragments *fragments_free(struct fragments *f);

/* Whether @p has a fragment to give to fragments_add(). Cheap: for every packet. */
bool fragments_wants(const struct packet *p);

/* Datagrams that stay valid after later ones are complete. */
#define FRAGMENTS_NESTED 4

/**
 * fragments_add() - take the outermost fragment of a packet
 * @p: walked; its time and number are those of @p->frame, 0 without one
 * @ret_datagram: the datagram that this fragment completed. Its bytes and facts are borrowed: the
 * last FRAGMENTS_NESTED stay valid, so that a datagram which holds a fragment again can be walked
 * and given to this function in its turn.
 * Return: 1: complete; 0: nothing yet, or @p has no fragment; -E_TRUNCATED: not all of it was
 * captured; -E_MALFORMED: no part of any datagram (its end is not on 8 bytes or beyond 65,535, it
 * is empty, it ends elsewhere than the last one does); -ENOMEM.
 */
MUST_CHECK int fragments_add(struct fragments *f, const struct packet *p,
			     struct datagram *ret_datagram);

struct fragments_counts fragments_counts(const struct fragments *f);

/* Datagrams begun and not complete, and the bytes that they hold. */
uint32_t fragments_pending(const struct fragments *f, size_t *ret_bytes);

#endif
