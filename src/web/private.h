/* What the files of the web server share. */
#ifndef SONDE_WEB_PRIVATE_H
#define SONDE_WEB_PRIVATE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "monitor/monitor.h"
#include "store/store.h"
#include "web/params.h"
#include "web/server.h"

#define WEB_MAX_ANSWER	    200000 /* bytes of any answer but /metrics */
#define WEB_MAX_METRICS	    (32 << 20)
#define WEB_MAX_CONNECTIONS 256
#define WEB_MAX_STREAMS	    64
#define WEB_MAX_QUEUE	    (4 << 20) /* bytes that wait for one stream's client */
#define WEB_MAX_REPLAY	    1000      /* events; who missed more is told to reload */
#define WEB_MAX_BODY	    4096      /* bytes of a request's body */
#define WEB_HEARTBEAT_NS    (10 * NS_PER_S)
#define WEB_REQUEST_NS                                                                \
	(10 * NS_PER_S)	   /* from connecting, or the last answer, to a whole request \
			    */
#define WEB_IDLE_S	30 /* without any byte moving */
#define WEB_SESSION_LEN 32 /* hexadecimal digits in the cookie */

struct stream; /* one client of server-sent events */

/* One TCP connection. */
struct connection {
	struct connection *next, **at;
	int fd;
	uint64_t deadline_ns; /* by which a request must be whole; 0: one is being answered */
};

struct web_server {
	uv_loop_t *loop;
	struct monitor *monitor;
	struct store *store;
	const struct monitor_config_web *config;
	char *token; /* NULL: none is asked for */
	char session[WEB_SESSION_LEN + 1];
	bool secure; /* the browser speaks TLS, with us or with the proxy */
	struct endpoint address;

	struct MHD_Daemon *daemon;
	uv_poll_t poll;	   /* libmicrohttpd's epoll descriptor */
	uv_timer_t wakeup; /* its next time-out */
	uv_timer_t second;
	unsigned n_closing; /* handles still to be closed */
	struct connection *connections;

	struct monitor_listener listener;
	struct stream *streams;
	unsigned n_streams;
	struct buf message; /* scratch */
	uint64_t heartbeat_ns;
};

/* One request. */
struct request {
	struct web_server *server;
	struct MHD_Connection *connection;
	const char *path;
	struct buf body; /* what was sent with it */
	struct buf out;	 /* the answer's body */
	const char *type;
};

/* --- server.c --- */

/* Runs libmicrohttpd soon: after something was queued for a stream. */
void web_wake(struct web_server *s);

/* --- guard.c --- */

/**
 * guard_listen() - may the server listen at @address?
 * Return: 0, or -E_RANGE with @fault filled.
 */
MUST_CHECK int guard_listen(const struct monitor_config_web *config, const struct addr *address,
			    struct fault *fault);

/* Makes the cookie's value. */
void guard_init(struct web_server *s);

/*
 * Is the Host header one of ours: "localhost", a loopback address, the address that the connection
 * came to, or a name of the configuration; any port.
 */
bool guard_host(const struct web_server *s, struct MHD_Connection *connection);

/* The same for a header's text; @local is the address that the connection came to. */
bool guard_host_text(const struct web_server *s, const char *host, const struct addr *local);

/* A request that writes: is it from a page of ours, or from no browser at all? */
bool guard_origin(const struct web_server *s, struct MHD_Connection *connection);

/* Does it carry the token or the cookie, when one is needed? */
bool guard_token(const struct web_server *s, struct MHD_Connection *connection);

/* Takes the same time whatever the first difference. */
bool guard_equal(const char *a, size_t a_len, const char *b, size_t b_len);

/* --- api.c: each writes @r->out and returns the HTTP status; errors are written as JSON --- */

/* {"error": ...} with @status, which it returns. The others are routes of docs/api.md. */
unsigned api_error(struct request *r, unsigned status, const char *format, ...) PRINTF(3, 4);
unsigned api_summary(struct request *r);
unsigned api_hosts(struct request *r);
unsigned api_host(struct request *r, int64_t id);
unsigned api_latency(struct request *r, int64_t id);
unsigned api_heat(struct request *r);
unsigned api_events(struct request *r);
unsigned api_metrics(struct request *r);

/*
 * Reads the request's parameters as @table says. Return: 0, or the status of the error that has
 * been written.
 */
unsigned api_params(struct request *r, const struct param *table, size_t n, void *values);

/* --- json.c --- */

/* Milliseconds with at most four decimals; "null" for what is negative. */
void json_ms(struct buf *b, int64_t ns);
void json_fraction(struct buf *b, double v); /* at most four decimals; null when negative */
void json_time(struct buf *b, int64_t ms);   /* null when 0 */
void json_text(struct buf *b, const char *text);
void json_counts(struct buf *b, const struct monitor_summary *summary);
void json_host(struct buf *b, const struct monitor_host *host, bool brief);
void json_event(struct buf *b, const struct store_event *event);

/* --- stream.c --- */

/* Answers with a stream of events. Return: MHD_YES or MHD_NO; or 0 streams left: status in
 * @ret_busy. */
struct MHD_Response *stream_open(struct request *r, unsigned *ret_status);

/* What the monitor tells. */
void stream_event(void *user, const struct monitor_event *event);
void stream_round(void *user, const struct monitor_host *hosts, size_t n);
void stream_gone(void *user, const struct presence_gone *gone, size_t n);

/* Once a second: heartbeats, and streams whose clients have gone. */
void stream_tick(struct web_server *s, uint64_t now_ns);

/* Ends all streams, so that their connections can be closed. */
void stream_end_all(struct web_server *s);

/* --- assets.c --- */

struct asset {
	const char *path, *type;
	const uint8_t *bytes; /* gzipped */
	size_t len;
	char etag[24]; /* with its quotes */
};

/* NULL when there is none at @path. */
const struct asset *asset_find(const char *path);

/* Unpacks for a client that does not take gzip. Return: 0, -E_MALFORMED, -E_FULL, -ENOMEM. */
MUST_CHECK int asset_unpack(const struct asset *a, struct buf *b);

/* Packs an answer when that makes it shorter. Return: true when @to holds it. */
bool gzip_pack(const struct buf *from, struct buf *to);

#endif
