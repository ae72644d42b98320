/*
 * Server-sent events: every client has a queue with a bound. A client that reads too slowly is told
 * to reload and its connection ends; the browser comes back by itself. While a queue is empty its
 * connection is suspended, so that libmicrohttpd does not ask for more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "web/private.h"

struct stream {
	struct web_server *server;
	struct MHD_Connection *connection;
	struct stream *next, **at;
	struct buf queue;
	size_t n_read; /* of the queue's bytes */
	bool suspended;
	bool ending; /* when the queue is empty */
};

#define RELOAD "event: reload\ndata: {}\n\n"

static void resume(struct stream *st)
{
	if (!st->suspended)
		return;
	st->suspended = false;
	MHD_resume_connection(st->connection);
	web_wake(st->server);
}

/* Takes away what has been read, when that is worth the copying. */
static void compact(struct stream *st)
{
	if (st->n_read < st->queue.len && st->n_read < 65536)
		return;
	st->queue.len -= st->n_read;
	memmove(st->queue.data, st->queue.data + st->n_read, st->queue.len);
	st->n_read = 0;
}

/* Too slow: only the message under way is still sent, and a word to reload. */
static void give_up(struct stream *st)
{
	struct buf *q = &st->queue;
	const char *end = memmem(q->data + st->n_read, q->len - st->n_read, "\n\n", 2);

	q->err = 0;
	q->len = end ? (size_t)(end + 2 - q->data) : st->n_read;
	q->max += sizeof(RELOAD);
	buf_lit(q, RELOAD);
	st->ending = true;
}

/* A whole message. */
static void push(struct stream *st, const void *bytes, size_t n)
{
	if (st->ending)
		return;
	if (st->queue.len)
		compact(st);
	if (n > st->queue.max - st->queue.len)
		give_up(st);
	else
		buf_bytes(&st->queue, bytes, n);
	if (st->queue.err) /* out of memory: the client will come back */
		st->ending = true;
	resume(st);
}

static ssize_t read_queue(void *user, uint64_t pos, char *to, size_t max)
{
	struct stream *st = user;
	size_t n = MIN(max, st->queue.len - st->n_read);

	(void)pos;
	if (n) {
		memcpy(to, st->queue.data + st->n_read, n);
		st->n_read += n;
		compact(st);
		return (ssize_t)n;
	}
	if (st->ending)
		return MHD_CONTENT_READER_END_OF_STREAM;
	st->suspended = true;
	MHD_suspend_connection(st->connection);
	return 0;
}

static void stream_free(void *user)
{
	struct stream *st = user;

	*st->at = st->next;
	if (st->next)
		st->next->at = st->at;
	st->server->n_streams--;
	buf_done(&st->queue);
	free(st);
}

/* --- messages --- */

static void write_event(struct buf *b, const struct store_event *event)
{
	buf_lit(b, "event: event\nid: ");
	buf_i64(b, event->id);
	buf_lit(b, "\ndata: ");
	json_event(b, event); /* JSON strings hold no raw line ends */
	buf_lit(b, "\n\n");
}

static void push_all(struct web_server *s)
{
	struct stream *next;

	if (s->message.err)
		return;
	for (struct stream *st = s->streams; st; st = next) {
		next = st->next;
		push(st, s->message.data, s->message.len);
	}
}

void stream_event(void *user, const struct monitor_event *event)
{
	struct web_server *s = user;
	const struct store_event e = {
		.id = event->id,
		.time_ms = event->event.time_ms,
		.host = event->event.host,
		.address = event->event.addr,
		.kind = presence_kind_text(event->event.kind),
		.text = event->event.text,
		.mac = event->event.mac,
		.old_mac = event->event.old_mac,
	};

	if (!s->streams)
		return;
	buf_reset(&s->message);
	write_event(&s->message, &e);
	push_all(s);
}

void stream_round(void *user, const struct monitor_host *hosts, size_t n)
{
	struct web_server *s = user;
	struct monitor_summary summary;
	struct buf *b = &s->message;
	size_t at = 0;

	if (!s->streams)
		return;
	monitor_summary(s->monitor, &summary);
	do {
		size_t in_message = 0, before;

		buf_reset(b);
		buf_lit(b, "event: hosts\ndata: {\"now\":");
		buf_i64(b, summary.now_ms);
		buf_lit(b, ",\"counts\":");
		json_counts(b, &summary);
		buf_lit(b, ",\"self\":");
		json_text(b, summary.self_up ? "up" : "down");
		buf_lit(b, ",\"hosts\":[");
		for (; at < n && in_message < 200 && !b->err; at++, in_message++) {
			before = b->len;
			if (in_message)
				buf_char(b, ',');
			json_host(b, &hosts[at], true);
			if (b->err || b->len > WEB_MAX_ANSWER - 64) {
				b->len = before;
				b->err = 0;
				break;
			}
		}
		buf_lit(b, "]}\n\n");
		push_all(s);
		if (!in_message)
			break;
	} while (at < n);
}

void stream_gone(void *user, const struct presence_gone *gone, size_t n)
{
	struct web_server *s = user;
	struct buf *b = &s->message;

	for (size_t at = 0; at < n;) {
		size_t end = MIN(at + 1000, n);

		buf_reset(b);
		buf_lit(b, "event: gone\ndata: {\"hosts\":[");
		for (; at < end; at++) {
			buf_i64(b, gone[at].id);
			if (at + 1 < end)
				buf_char(b, ',');
		}
		buf_lit(b, "]}\n\n");
		push_all(s);
	}
}

/* libmicrohttpd does not look at a suspended connection: has its client gone? */
static bool is_gone(const struct stream *st)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(st->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	char byte;

	return info && !recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}

void stream_tick(struct web_server *s, uint64_t now_ns)
{
	for (struct stream *st = s->streams, *next; st; st = next) {
		next = st->next;
		if (st->suspended && is_gone(st)) {
			st->ending = true;
			resume(st);
		}
	}
	if (now_ns - s->heartbeat_ns < WEB_HEARTBEAT_NS)
		return;
	s->heartbeat_ns = now_ns;
	for (struct stream *st = s->streams, *next; st; st = next) {
		next = st->next;
		push(st, ":\n\n", 3);
	}
}

void stream_end_all(struct web_server *s)
{
	for (struct stream *st = s->streams, *next; st; st = next) {
		next = st->next;
		st->ending = true;
		resume(st);
	}
}

/* --- opening --- */

struct replay {
	struct buf *queue;
	unsigned n;
};

static int replay_event(void *arg, const struct store_event *event)
{
	struct replay *replay = arg;

	if (replay->n++ == WEB_MAX_REPLAY)
		return -E_FULL;
	write_event(replay->queue, event);
	return replay->queue->err;
}

/* What was missed since @last, or a word to reload when that is too much or from another file. */
static void replay(struct stream *st, int64_t last)
{
	struct replay replay = { &st->queue, 0 };
	struct store_event_query query = { .after = last,
					   .limit = WEB_MAX_REPLAY + 1,
					   .oldest_first = true };
	size_t before = st->queue.len;
	int err = last > store_last_event(st->server->store)
			  ? -E_RANGE
			  : store_events(st->server->store, &query, replay_event, &replay);

	if (!err)
		return;
	st->queue.len = before;
	st->queue.err = 0;
	buf_printf(&st->queue, "id: %lld\n", (long long)store_last_event(st->server->store));
	buf_lit(&st->queue, RELOAD);
}

struct stream_params {
	int64_t last;
};

struct MHD_Response *stream_open(struct request *r, unsigned *ret_status)
{
	static const struct param table[] = { { "last_event_id", 0, 1LL << 52,
						.offset = offsetof(struct stream_params, last) } };
	const char *header =
		MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Last-Event-ID");
	struct stream_params p = { -1 };
	struct web_server *s = r->server;
	struct MHD_Response *response;
	struct fault fault = { 0 };
	struct stream *st;

	*ret_status = api_params(r, table, ARRAY_LEN(table), &p);
	if (*ret_status)
		return NULL;
	if (header && *header &&
	    param_read(table, 1, table[0].name, strlen(table[0].name), header, strlen(header), &p,
		       &fault) < 0) {
		*ret_status = api_error(r, 400, "Last-Event-ID: %s", fault.text);
		return NULL;
	}
	if (s->n_streams >= WEB_MAX_STREAMS) {
		*ret_status = api_error(r, 503, "%d streams are open already; close some",
					WEB_MAX_STREAMS);
		return NULL;
	}
	*ret_status = api_error(r, 500, "out of memory");
	st = calloc(1, sizeof(*st));
	if (!st)
		return NULL;
	*st = (struct stream){ s, r->connection, s->streams, &s->streams, buf_of(WEB_MAX_QUEUE) };
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, read_queue, st,
						     stream_free);
	if (!response) {
		free(st);
		return NULL;
	}
	if (st->next)
		st->next->at = &st->next;
	s->streams = st;
	s->n_streams++;
	buf_lit(&st->queue, "retry: 3000\n\n");
	if (p.last >= 0)
		replay(st, p.last);
	r->type = "text/event-stream";
	*ret_status = 200;
	return response;
}
