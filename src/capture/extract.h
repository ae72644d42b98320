/*
 * The bodies of HTTP messages as objects with names that are safe: the file name of
 * Content-Disposition, else the last part of the request's path, without anything that is not a
 * plain character of a name, at most EXTRACT_NAME_MAX bytes long, with an ending for the type where
 * it has none, and with a number where it came before. Bodies are given in pieces as they come,
 * none is kept.
 */
#ifndef SONDE_CAPTURE_EXTRACT_H
#define SONDE_CAPTURE_EXTRACT_H

#include "capture/stream.h"

#define EXTRACT_NAME_MAX  100	/* bytes of a name, without the number */
#define EXTRACT_NAMES_MAX 65536 /* names that are remembered to be told apart */

struct extract_object {
	uint64_t id;	  /* from 1, in the order in which they begin */
	const char *name; /* safe; valid until the object ends */
	const char *type; /* of the message's Content-Type without parameters, safe; "" */
	bool reply;	  /* of a response, else of a request */
	uint32_t stream;  /* as tcp.stream */
	uint64_t frame;	  /* in which its header was whole */
	uint64_t len;	  /* bytes so far, gaps included */
	bool gapped;	  /* some are missing in the middle; they count as zeros */
	bool complete;	  /* at the end: all of it is there */
	void *file;	  /* the user's own */
};

struct extract_config {
	uint32_t max_open;	   /* objects at a time; others are passed over; 0: 256 */
	uint64_t max_object_bytes; /* more of one is not decoded; 0: 1 GiB */
	/* The first says whether the object is wanted. */
	bool (*begin)(void *arg, struct extract_object *o);
	void (*bytes)(void *arg, struct extract_object *o, const uint8_t *bytes, size_t len);
	void (*gap)(void *arg, struct extract_object *o, uint64_t len);
	void (*end)(void *arg, struct extract_object *o);
	void *arg;
};

struct extract_counts {
	uint64_t objects, complete;
	uint64_t passed_over; /* for the bound on objects at a time, or lack of memory */
};

struct extract;

/* Return: 0 or -ENOMEM. */
MUST_CHECK int extract_new(const struct extract_config *config, struct extract **ret_extract);

/* After the object that feeds its sink. */
struct extract *extract_free(struct extract *e);

/* For struct dissect_config. */
struct stream_sink *extract_sink(struct extract *e);

struct extract_counts extract_counts(const struct extract *e);

/**
 * extract_name() - a safe name
 * @wanted: bytes from the network: a path, of which the last part counts, or a file name
 * @type: media type without parameters, for the ending
 * @ret_name: NUL-terminated; letters, digits and -_.+=@,()~ of ASCII, others become '_'; begins
 * with none of '.' and '-'; never empty
 */
void extract_name(const uint8_t *wanted, size_t len, const char *type,
		  char ret_name[static EXTRACT_NAME_MAX + 1]);

#endif
