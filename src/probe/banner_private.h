/* What the files of banners share. */
#ifndef SONDE_PROBE_BANNER_PRIVATE_H
#define SONDE_PROBE_BANNER_PRIVATE_H

#include "probe/banner.h"

/* What was asked before the answer came. */
enum banner_request {
	BANNER_NOTHING,
	BANNER_HTTP,
	BANNER_RTSP,
	BANNER_REDIS,
	BANNER_POSTGRESQL,
	BANNER_MEMCACHED,
	BANNER_MQTT,
};

/* What a beginning of a conversation says. */
enum banner_verdict {
	BANNER_MORE,	  /* nothing yet, or all of it is not there yet */
	BANNER_CLEAR,	  /* all that is wanted is known */
	BANNER_WANTS_TLS, /* an alert, or a complaint about plain text */
};

/* Copies untrusted text, made safe and cut to fit; control characters at its ends are left out. */
void banner_take(char *ret_text, size_t cap, const void *text, size_t len);

/**
 * banner_read() - judge the first bytes that a server sent
 * @port: decides between greetings that look alike
 * @f: service, product, title and status are filled as far as they are known
 */
enum banner_verdict banner_read(const uint8_t *bytes, size_t len, enum banner_request request,
				uint16_t port, struct banner_finding *f);

/* One TLS connection as a client, in memory. */
struct banner_session;

/* @alpn: offer HTTP/1.1. NULL: no memory. */
struct banner_session *banner_session_new(struct banner_tls *tls, const char *name, bool alpn);
struct banner_session *banner_session_free(struct banner_session *s);

/**
 * banner_session_step() - go on, with @len bytes from the other side
 * @plain: what it said is appended
 * Return: 1 when the handshake is done, 0 when not yet, -E_CLOSED after its end, -E_MALFORMED when
 * that is no TLS at all, -E_UNSUPPORTED when the other side refuses.
 */
int banner_session_step(struct banner_session *s, const uint8_t *bytes, size_t len,
			struct buf *plain);

/* Something to say, once the handshake is done. */
void banner_session_say(struct banner_session *s, const void *bytes, size_t len);

/* Appends what is to be sent. */
void banner_session_output(struct banner_session *s, struct buf *out);

/* Version, ALPN and certificate. */
void banner_session_describe(const struct banner_session *s, struct banner_finding *f);

#endif
