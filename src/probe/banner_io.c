#include "probe/banner_io.h"

#include <errno.h>
#include <stdlib.h>

#define PIECE	       65536
#define RETRY_FILES_MS 50 /* descriptors are short: others give theirs back */

struct talk {
	struct banner_io *io;
	struct talk *next; /* in the queue, then among those that are open */
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_connect_t connect;
	struct endpoint to;
	struct banner *banner;
	void *owner;
	uint64_t give_up_ns;
	unsigned n_handles;    /* not closed yet */
	bool connected, ended; /* the former: ever */
};

struct banner_io {
	uv_loop_t *loop;
	struct banner_tls *tls;
	unsigned max, n_open;
	size_t n_left;
	uint64_t timeout_ns;
	banner_io_fn done;
	void *ctx;
	struct talk *first, **last; /* waiting */
	struct talk *open;
	uv_prepare_t starter; /* runs while somebody waits */
	bool freed, starter_closed;
	char piece[PIECE];
};

static void begin_connection(struct talk *t);

int banner_io_new(uv_loop_t *loop, unsigned max, uint64_t timeout_ns, banner_io_fn done, void *ctx,
		  struct banner_io **ret_io)
{
	struct banner_io *io = calloc(1, sizeof(*io));
	int err;

	if (!io)
		return -ENOMEM;
	io->loop = loop;
	io->max = MAX(max, 1u);
	io->timeout_ns = timeout_ns;
	io->done = done;
	io->ctx = ctx;
	io->last = &io->first;
	err = banner_tls_new(&io->tls);
	if (err) {
		free(io);
		return err;
	}
	uv_prepare_init(loop, &io->starter);
	io->starter.data = io;
	*ret_io = io;
	return 0;
}

static void free_when_closed(struct banner_io *io)
{
	if (!io->freed || !io->starter_closed || io->open)
		return;
	banner_tls_free(io->tls);
	free(io);
}

static void forget(struct talk *t)
{
	struct banner_io *io = t->io;
	struct talk **at = &io->open;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	banner_free(t->banner);
	free(t);
	free_when_closed(io);
}

static void on_closed(uv_handle_t *handle)
{
	struct talk *t = handle->data;

	t->n_handles--;
	if (!t->ended)
		begin_connection(t); /* this was the first of two */
	else if (!t->n_handles)
		forget(t);
}

static void close_tcp(struct talk *t)
{
	/* A reset leaves nothing behind in the kernel's tables. */
	if (!uv_is_closing((uv_handle_t *)&t->tcp) && uv_tcp_close_reset(&t->tcp, on_closed))
		uv_close((uv_handle_t *)&t->tcp, on_closed);
}

static void end(struct talk *t)
{
	struct banner_io *io = t->io;

	t->ended = true;
	io->n_open--;
	io->n_left--;
	close_tcp(t);
	uv_close((uv_handle_t *)&t->timer, on_closed);
}

static void finish(struct talk *t, int error)
{
	struct banner_io *io = t->io;

	if (t->ended)
		return;
	end(t);
	io->done(io->ctx, t->owner, banner_finding(t->banner), error);
}

static void on_time(uv_timer_t *timer);

/* After whatever happened: what is to be sent, and whether there is more to do. */
static void go_on(struct talk *t)
{
	uint64_t now_ns = uv_hrtime(), deadline_ns;
	const uint8_t *bytes;
	uv_buf_t buf;
	size_t len;

	if (t->ended)
		return;
	bytes = banner_output(t->banner, &len);
	if (bytes) {
		buf = uv_buf_init((char *)bytes, (unsigned)len);
		/* A few hundred bytes fit the buffer of a socket that is fresh. */
		if (uv_try_write((uv_stream_t *)&t->tcp, &buf, 1) != (int)len)
			banner_closed(t->banner, now_ns);
	}
	switch (banner_state(t->banner)) {
	case BANNER_DONE:
		finish(t, 0);
		return;
	case BANNER_AGAIN:
		close_tcp(t);
		break;
	case BANNER_TALKING:
		break;
	}
	deadline_ns = MIN(banner_deadline(t->banner), t->give_up_ns);
	uv_timer_start(&t->timer, on_time,
		       (MAX(deadline_ns, now_ns) - now_ns + NS_PER_MS - 1) / NS_PER_MS, 0);
}

static void on_time(uv_timer_t *timer)
{
	struct talk *t = timer->data;
	uint64_t now_ns = uv_hrtime();

	if (now_ns >= t->give_up_ns && !t->connected) {
		finish(t, ETIMEDOUT);
		return;
	}
	if (now_ns >= t->give_up_ns)
		banner_give_up(t->banner);
	else
		banner_time(t->banner, now_ns);
	go_on(t);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *ret_buf)
{
	struct talk *t = handle->data;

	(void)size;
	*ret_buf = uv_buf_init(t->io->piece, sizeof(t->io->piece));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct talk *t = stream->data;

	if (t->ended || !n)
		return;
	if (n < 0) {
		uv_read_stop(stream);
		banner_closed(t->banner, uv_hrtime());
	} else {
		banner_input(t->banner, uv_hrtime(), (const uint8_t *)buf->base, (size_t)n);
	}
	go_on(t);
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct talk *t = connect->data;

	if (t->ended || status == UV_ECANCELED)
		return;
	if (status && !t->connected) {
		finish(t, -status);
		return;
	}
	if (status) {
		banner_closed(t->banner, uv_hrtime());
	} else {
		t->connected = true;
		banner_connected(t->banner, uv_hrtime());
		uv_read_start((uv_stream_t *)&t->tcp, on_alloc, on_read);
	}
	go_on(t);
}

/* No descriptor: fewer at a time, and this one once more. */
static void on_retry(uv_timer_t *timer)
{
	struct talk *t = timer->data;

	if (uv_hrtime() >= t->give_up_ns)
		finish(t, EMFILE);
	else
		close_tcp(t);
}

static void begin_connection(struct talk *t)
{
	struct sockaddr_storage name;
	int err;

	endpoint_to_sockaddr(&t->to, &name);
	uv_tcp_init(t->io->loop, &t->tcp);
	t->tcp.data = t;
	t->n_handles++;
	t->connect.data = t;
	err = uv_tcp_connect(&t->connect, &t->tcp, (struct sockaddr *)&name, on_connected);
	if (err == UV_EMFILE || err == UV_ENFILE) {
		t->io->max = MAX(t->io->n_open - 1, 1u);
		uv_timer_start(&t->timer, on_retry, RETRY_FILES_MS, 0);
	} else if (err) {
		finish(t, -err);
	} else {
		uv_timer_start(&t->timer, on_time, t->io->timeout_ns / NS_PER_MS, 0);
	}
}

static void start(struct talk *t)
{
	struct banner_io *io = t->io;

	t->next = io->open;
	io->open = t;
	io->n_open++;
	t->give_up_ns = uv_hrtime() + io->timeout_ns;
	uv_timer_init(io->loop, &t->timer);
	t->timer.data = t;
	t->n_handles++;
	begin_connection(t);
}

static void on_start(uv_prepare_t *starter)
{
	struct banner_io *io = starter->data;

	while (io->first && io->n_open < io->max) {
		struct talk *t = io->first;

		io->first = t->next;
		if (!io->first)
			io->last = &io->first;
		start(t);
	}
	if (!io->first)
		uv_prepare_stop(&io->starter);
}

int banner_io_ask(struct banner_io *io, const struct endpoint *to, const char *name, void *owner)
{
	struct talk *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	err = banner_new(io->tls, to->port, name, &t->banner);
	if (err) {
		free(t);
		return err;
	}
	t->io = io;
	t->to = *to;
	t->owner = owner;
	*io->last = t;
	io->last = &t->next;
	io->n_left++;
	uv_prepare_start(&io->starter, on_start);
	return 0;
}

size_t banner_io_left(const struct banner_io *io)
{
	return io->n_left;
}

static void on_starter_closed(uv_handle_t *handle)
{
	struct banner_io *io = handle->data;

	io->starter_closed = true;
	free_when_closed(io);
}

struct banner_io *banner_io_free(struct banner_io *io)
{
	if (!io)
		return NULL;
	io->freed = true;
	while (io->first) {
		struct talk *t = io->first;

		io->first = t->next;
		banner_free(t->banner);
		free(t);
	}
	for (struct talk *t = io->open; t; t = t->next) {
		if (!t->ended)
			end(t);
	}
	uv_close((uv_handle_t *)&io->starter, on_starter_closed);
	return NULL;
}
