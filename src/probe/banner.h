/*
 * What speaks on an open TCP port: one conversation, or two when the first shows that TLS is, or is
 * not, wanted. A greeting is waited for; who stays silent is asked as his port suggests, or as a
 * web server. TLS is OpenSSL's, in memory.
 *
 * No I/O and no clock in here: the caller connects, carries bytes and passes time; banner_io.h
 * does.
 */
#ifndef SONDE_PROBE_BANNER_H
#define SONDE_PROBE_BANNER_H

#include <stdbool.h>

#include "base/buf.h"

#define BANNER_INPUT_MAX 32768 /* bytes that are kept of what a server says */

/* All text is made safe for terminals: buf_safe(). */
struct banner_finding {
	char service[16];     /* "ssh", "http", "https", "tls"; "": nothing that is known */
	char product[128];    /* in the server's own words: software, or its first line; "": none */
	char title[96];	      /* of a web page; "": none */
	uint16_t status;      /* of HTTP and RTSP; 0: none */
	char tls_version[16]; /* "TLSv1.3"; "": no TLS */
	char alpn[16];	      /* "http/1.1"; "": none */
	char subject[96];     /* common name of the certificate; "": none */
	char names[256];      /* its other names, with ", " between them, as many as fit */
	int64_t not_before_s, not_after_s; /* its validity, since 1970; 0: no certificate */
};

struct banner;
struct banner_tls;

enum banner_state {
	BANNER_TALKING,
	BANNER_AGAIN, /* close, connect once more, banner_connected() */
	BANNER_DONE,
};

/**
 * banner_tls_new() - what all conversations share
 * Return: 0, -ENOMEM or -E_UNSUPPORTED (OpenSSL cannot start).
 */
MUST_CHECK int banner_tls_new(struct banner_tls **ret_tls);
struct banner_tls *banner_tls_free(struct banner_tls *tls);

/**
 * banner_new() - before connecting
 * @tls: borrowed; NULL: no TLS
 * @port: suggests what is spoken
 * @name: of the host, for those who serve several, copied; NULL: none
 * Return: 0 or -ENOMEM.
 */
MUST_CHECK int banner_new(struct banner_tls *tls, uint16_t port, const char *name,
			  struct banner **ret_banner);
struct banner *banner_free(struct banner *b);

/* What happened. Afterwards fetch output, deadline and state. */
void banner_connected(struct banner *b, uint64_t now_ns);
void banner_input(struct banner *b, uint64_t now_ns, const uint8_t *bytes, size_t len);
void banner_closed(struct banner *b, uint64_t now_ns); /* by the other side, or broken */
void banner_time(struct banner *b, uint64_t now_ns);   /* the deadline came */
void banner_give_up(struct banner *b);		       /* no more time: what is known counts */

/* Bytes to send, borrowed until the next call; they count as sent. NULL: none. */
const uint8_t *banner_output(struct banner *b, size_t *ret_len);

/* When to call banner_time(). */
uint64_t banner_deadline(const struct banner *b);
enum banner_state banner_state(const struct banner *b);

/* What is known so far; borrowed. */
const struct banner_finding *banner_finding(const struct banner *b);

/* One line: "nginx/1.22.1 (200, \"Welcome\"), TLSv1.3, a.example, b.example, until 2027-03-01". */
void banner_finding_text(const struct banner_finding *f, struct buf *text);

#endif
