/*
 * A conversation: first what the port suggests (TLS, a question, or waiting for a greeting).
 * Silence of half a second is answered with an HTTP request. When that fails, or an alert shows
 * that TLS is wanted, a second connection begins with TLS; when TLS is not understood, one without.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "probe/banner_private.h"

#define SILENCE_NS   (500 * NS_PER_MS) /* a greeting comes sooner, or not at all */
#define ANSWER_NS    (2 * NS_PER_S)    /* to what was asked */
#define LULL_NS	     (500 * NS_PER_MS) /* nothing more comes: what came is all */
#define OUTPUT_MAX   65536
#define NAME_MAX_LEN 255
#define READ_ALWAYS                                                                   \
	1024 /* up to so many bytes every piece is judged, beyond only an eighth more \
	      */

/* Ports where something other than waiting comes first. */
enum opening { OPEN_WAIT, OPEN_ASK, OPEN_TLS, OPEN_TLS_WAIT };

static const struct habit {
	uint16_t port;
	uint8_t opening; /* enum opening */
	uint8_t request; /* enum banner_request: of OPEN_ASK, and inside TLS */
} habits[] = {
	{ 80, OPEN_ASK, BANNER_HTTP },
	{ 81, OPEN_ASK, BANNER_HTTP },
	{ 3000, OPEN_ASK, BANNER_HTTP },
	{ 8000, OPEN_ASK, BANNER_HTTP },
	{ 8008, OPEN_ASK, BANNER_HTTP },
	{ 8080, OPEN_ASK, BANNER_HTTP },
	{ 8081, OPEN_ASK, BANNER_HTTP },
	{ 8888, OPEN_ASK, BANNER_HTTP },
	{ 9090, OPEN_ASK, BANNER_HTTP },
	{ 443, OPEN_TLS, BANNER_HTTP },
	{ 4443, OPEN_TLS, BANNER_HTTP },
	{ 6443, OPEN_TLS, BANNER_HTTP },
	{ 8443, OPEN_TLS, BANNER_HTTP },
	{ 9443, OPEN_TLS, BANNER_HTTP },
	{ 10443, OPEN_TLS, BANNER_HTTP },
	{ 5986, OPEN_TLS, BANNER_HTTP },
	{ 465, OPEN_TLS_WAIT, 0 },
	{ 563, OPEN_TLS_WAIT, 0 },
	{ 636, OPEN_TLS_WAIT, 0 },
	{ 853, OPEN_TLS_WAIT, 0 },
	{ 989, OPEN_TLS_WAIT, 0 },
	{ 990, OPEN_TLS_WAIT, 0 },
	{ 992, OPEN_TLS_WAIT, 0 },
	{ 993, OPEN_TLS_WAIT, 0 },
	{ 994, OPEN_TLS_WAIT, 0 },
	{ 995, OPEN_TLS_WAIT, 0 },
	{ 3269, OPEN_TLS_WAIT, 0 },
	{ 5061, OPEN_TLS_WAIT, 0 },
	{ 6697, OPEN_TLS_WAIT, 0 },
	{ 8883, OPEN_TLS_WAIT, 0 },
	{ 554, OPEN_ASK, BANNER_RTSP },
	{ 8554, OPEN_ASK, BANNER_RTSP },
	{ 6379, OPEN_ASK, BANNER_REDIS },
	{ 5432, OPEN_ASK, BANNER_POSTGRESQL },
	{ 11211, OPEN_ASK, BANNER_MEMCACHED },
	{ 1883, OPEN_ASK, BANNER_MQTT },
};

struct banner {
	struct banner_tls *tls;
	struct banner_session *session;		/* NULL: this connection is without TLS */
	struct banner_finding finding, earlier; /* the latter without TLS */
	struct buf out, in;			/* the latter in plain text */
	char name[NAME_MAX_LEN + 1];
	uint64_t deadline_ns;
	size_t judged; /* bytes of @in at the last look */
	uint16_t port;
	uint8_t state, request;
	bool with_tls;		   /* the connection that is, or will be, open */
	bool tried[2];		   /* without and with TLS */
	bool waits_in_tls, shaken; /* a greeting is expected inside TLS; handshake done */
};

static const struct habit *habit_of(uint16_t port)
{
	static const struct habit none = { .opening = OPEN_WAIT };

	for (size_t i = 0; i < ARRAY_LEN(habits); i++) {
		if (habits[i].port == port)
			return &habits[i];
	}
	return &none;
}

int banner_new(struct banner_tls *tls, uint16_t port, const char *name, struct banner **ret_banner)
{
	const struct habit *habit = habit_of(port);
	struct banner *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->tls = tls;
	b->port = port;
	b->in = buf_of(BANNER_INPUT_MAX);
	b->out = buf_of(OUTPUT_MAX);
	b->deadline_ns = UINT64_MAX;
	if (name)
		snprintf(b->name, sizeof(b->name), "%s", name);
	b->with_tls = tls && habit->opening >= OPEN_TLS;
	b->waits_in_tls = habit->opening == OPEN_TLS_WAIT;
	*ret_banner = b;
	return 0;
}

struct banner *banner_free(struct banner *b)
{
	if (!b)
		return NULL;
	banner_session_free(b->session);
	buf_done(&b->in);
	buf_done(&b->out);
	free(b);
	return NULL;
}

static void say(struct banner *b, const void *bytes, size_t len)
{
	if (b->session)
		banner_session_say(b->session, bytes, len);
	else
		buf_bytes(&b->out, bytes, len);
}

static void ask(struct banner *b, uint64_t now_ns, enum banner_request request)
{
	static const char ssl_request[] = "\0\0\0\x08\x04\xd2\x16\x2f";		 /* of PostgreSQL */
	static const char mqtt_connect[] = "\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0"; /* MQTT 3.1.1 */
	char text[NAME_MAX_LEN + 128];
	int n;

	b->request = request;
	b->deadline_ns = now_ns + ANSWER_NS;
	switch (request) {
	case BANNER_NOTHING:
		return;
	case BANNER_HTTP:
		n = snprintf(text, sizeof(text),
			     "GET / HTTP/1.1\r\nHost: %s\r\nUser-Agent: sonde\r\nAccept: */*\r\n"
			     "Connection: close\r\n\r\n",
			     b->name);
		say(b, text, (size_t)n);
		return;
	case BANNER_RTSP:
		say(b, "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 31);
		return;
	case BANNER_REDIS:
		say(b, "PING\r\nINFO server\r\n", 19);
		return;
	case BANNER_POSTGRESQL:
		say(b, ssl_request, 8);
		return;
	case BANNER_MEMCACHED:
		say(b, "version\r\n", 9);
		return;
	case BANNER_MQTT:
		say(b, mqtt_connect, sizeof(mqtt_connect));
		return;
	}
}

/* A name that says that TLS is around it. */
static void name_with_tls(struct banner_finding *f)
{
	static const char *const without[] = { "tls", "mysql", "redis", "postgresql" };
	size_t n = strlen(f->service);

	if (!n) {
		snprintf(f->service, sizeof(f->service), "tls");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(without); i++) {
		if (!strcmp(f->service, without[i]))
			return;
	}
	if (n + 1 < sizeof(f->service))
		memcpy(f->service + n, "s", 2);
}

static void finish(struct banner *b)
{
	if (b->state == BANNER_DONE)
		return;
	banner_read((const uint8_t *)b->in.data, b->in.len, b->request, b->port, &b->finding);
	if (b->with_tls && !b->shaken && *b->earlier.service) {
		b->finding = b->earlier;
	} else if (b->session) {
		banner_session_describe(b->session, &b->finding);
		if (b->shaken)
			name_with_tls(&b->finding);
	}
	b->state = BANNER_DONE;
	b->deadline_ns = UINT64_MAX;
}

/* The other way, with or without TLS, if it was not tried yet. Return: whether there is one. */
static bool go_again(struct banner *b, bool with_tls)
{
	if (b->tried[with_tls] || (with_tls && !b->tls))
		return false;
	b->with_tls = with_tls;
	b->state = BANNER_AGAIN;
	b->deadline_ns = UINT64_MAX;
	return true;
}

/* This connection has said all that it will. */
static void conclude(struct banner *b)
{
	bool other = !b->with_tls;

	/* Something was said: that is what there is. */
	if (b->with_tls ? b->shaken : b->in.len > 0)
		other = b->with_tls;
	if (!go_again(b, other))
		finish(b);
}

/* Bytes in @in are new. */
static void judge(struct banner *b, uint64_t now_ns)
{
	const uint8_t *bytes = (const uint8_t *)b->in.data;

	b->deadline_ns = now_ns + LULL_NS;
	if (b->in.len > READ_ALWAYS && b->in.len < b->judged + b->judged / 8 &&
	    b->in.len < BANNER_INPUT_MAX)
		return;
	b->judged = b->in.len;
	switch (banner_read(bytes, b->in.len, b->request, b->port, &b->finding)) {
	case BANNER_WANTS_TLS:
		if (go_again(b, true))
			return;
		finish(b);
		return;
	case BANNER_CLEAR:
		finish(b);
		return;
	case BANNER_MORE:
		break;
	}
	if (b->in.len >= BANNER_INPUT_MAX)
		finish(b);
}

/* Whoever is silent, inside TLS or without, is asked. */
static void begin_talk(struct banner *b, uint64_t now_ns)
{
	const struct habit *habit = habit_of(b->port);
	bool waits = b->with_tls ? b->waits_in_tls : habit->opening == OPEN_WAIT;

	if (waits || (!b->with_tls && habit->opening >= OPEN_TLS))
		b->deadline_ns = now_ns + SILENCE_NS;
	else
		ask(b, now_ns, habit->request ? habit->request : BANNER_HTTP);
}

/* TLS goes on, with bytes from the other side. */
static void step(struct banner *b, uint64_t now_ns, const uint8_t *bytes, size_t len)
{
	size_t before = b->in.len;
	int err = banner_session_step(b->session, bytes, len, &b->in);

	if (err == 1 && !b->shaken) {
		b->shaken = true;
		begin_talk(b, now_ns);
	}
	banner_session_output(b->session, &b->out);
	if (b->in.len > before)
		judge(b, now_ns);
	if (err == -E_UNSUPPORTED && b->state == BANNER_TALKING && !*b->finding.service) {
		snprintf(b->finding.service, sizeof(b->finding.service), "tls");
		snprintf(b->finding.product, sizeof(b->finding.product), "%s",
			 b->shaken ? "refused after the handshake" : "handshake refused");
	}
	if (err < 0 && b->state == BANNER_TALKING)
		conclude(b);
}

void banner_connected(struct banner *b, uint64_t now_ns)
{
	static const struct banner_finding none;
	const struct habit *habit = habit_of(b->port);

	b->state = BANNER_TALKING;
	b->tried[b->with_tls] = true;
	b->request = BANNER_NOTHING;
	b->judged = 0;
	b->shaken = false;
	b->session = banner_session_free(b->session);
	buf_reset(&b->in);
	buf_reset(&b->out);
	if (!b->with_tls) {
		begin_talk(b, now_ns);
		return;
	}
	b->earlier = b->finding;
	b->finding = none;
	b->session = banner_session_new(b->tls, *b->name ? b->name : NULL,
					habit->opening != OPEN_TLS_WAIT);
	b->deadline_ns = now_ns + ANSWER_NS;
	if (b->session)
		step(b, now_ns, NULL, 0);
	else
		finish(b);
}

void banner_input(struct banner *b, uint64_t now_ns, const uint8_t *bytes, size_t len)
{
	if (b->state != BANNER_TALKING)
		return;
	if (b->session) {
		step(b, now_ns, bytes, len);
		return;
	}
	buf_bytes(&b->in, bytes, MIN(len, BANNER_INPUT_MAX - b->in.len));
	judge(b, now_ns);
}

void banner_closed(struct banner *b, uint64_t now_ns)
{
	(void)now_ns;
	if (b->state == BANNER_TALKING)
		conclude(b);
	else if (b->state == BANNER_AGAIN)
		finish(b);
}

void banner_time(struct banner *b, uint64_t now_ns)
{
	bool may_ask = b->request == BANNER_NOTHING && !b->in.len && (!b->session || b->shaken);

	if (b->state != BANNER_TALKING || now_ns < b->deadline_ns)
		return;
	if (!may_ask) {
		conclude(b);
		return;
	}
	ask(b, now_ns, BANNER_HTTP);
	if (b->session)
		banner_session_output(b->session, &b->out);
}

void banner_give_up(struct banner *b)
{
	finish(b);
}

const uint8_t *banner_output(struct banner *b, size_t *ret_len)
{
	*ret_len = b->out.len;
	b->out.len = 0;
	return *ret_len && b->state == BANNER_TALKING ? (const uint8_t *)b->out.data : NULL;
}

uint64_t banner_deadline(const struct banner *b)
{
	return b->deadline_ns;
}

enum banner_state banner_state(const struct banner *b)
{
	return b->state;
}

const struct banner_finding *banner_finding(const struct banner *b)
{
	return &b->finding;
}
