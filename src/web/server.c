/* The HTTP server: listening, libmicrohttpd on the loop, requests to their answers, limits. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "web/login.h"
#include "web/private.h"

#define MAX_PEM (256 << 10)

static void run_mhd(struct web_server *s);

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	run_mhd(poll->data);
}

static void on_wakeup(uv_timer_t *timer)
{
	run_mhd(timer->data);
}

/*
 * libmicrohttpd's epoll descriptor is edge-triggered within: what one run left undone shows only in
 * the time-out, which is then 0.
 */
static void run_mhd(struct web_server *s)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;

	MHD_run(s->daemon);
	if (MHD_get_timeout(s->daemon, &timeout_ms) == MHD_YES)
		uv_timer_start(&s->wakeup, on_wakeup, timeout_ms, 0);
	else
		uv_timer_stop(&s->wakeup);
}

void web_wake(struct web_server *s)
{
	uv_timer_start(&s->wakeup, on_wakeup, 0, 0);
}

/*
 * Heartbeats, and connections that take too long to make a request. libmicrohttpd is run even when
 * nothing happened: it stops listening at the limit of connections, and takes it up when it is run
 * after some have ended.
 */
static void on_second(uv_timer_t *timer)
{
	struct web_server *s = timer->data;
	uint64_t now_ns = uv_now(s->loop) * NS_PER_MS;

	stream_tick(s, now_ns);
	for (struct connection *c = s->connections; c; c = c->next) {
		if (c->deadline_ns && now_ns >= c->deadline_ns)
			shutdown(c->fd, SHUT_RDWR);
	}
	run_mhd(s);
}

static struct connection *connection_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void on_connection(void *user, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct web_server *s = user;
	struct connection *c = *context;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (!c)
			return;
		*c->at = c->next;
		if (c->next)
			c->next->at = c->at;
		free(c);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c || !info) { /* then only libmicrohttpd's own time-out guards it */
		free(c);
		return;
	}
	*c = (struct connection){ s->connections, &s->connections, info->connect_fd,
				  uv_now(s->loop) * NS_PER_MS + WEB_REQUEST_NS };
	if (c->next)
		c->next->at = &c->next;
	s->connections = c;
	*context = c;
}

/* --- answers --- */

static const struct {
	const char *name, *value;
} headers[] = {
	{ "Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; "
				     "frame-ancestors 'none'; object-src 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Frame-Options", "DENY" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
};

static enum MHD_Result send_response(struct request *r, unsigned status,
				     struct MHD_Response *response)
{
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		MHD_add_response_header(response, headers[i].name, headers[i].value);
	if (r->type)
		MHD_add_response_header(response, "Content-Type", r->type);
	if (status == 401)
		MHD_add_response_header(response, "WWW-Authenticate", "Bearer realm=\"sonde\"");
	result = MHD_queue_response(r->connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static bool takes_gzip(const struct request *r)
{
	const char *accepted =
		MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Accept-Encoding");
	const char *at = accepted ? strcasestr(accepted, "gzip") : NULL;

	if (!at)
		return false;
	/* "gzip;q=0" is a refusal; blanks may stand around the semicolon (RFC 9110 12.4.2). */
	at += 4;
	at += strspn(at, " \t;");
	return strncasecmp(at, "q=0", 3) != 0;
}

/* Sends what is in @r->out. */
static enum MHD_Result send_body(struct request *r, unsigned status)
{
	struct buf packed = { 0 };
	struct MHD_Response *response;
	bool is_packed;

	if (r->out.err) {
		r->type = "application/json";
		status = api_error(r, 500, "the answer would be too large");
	}
	is_packed = r->out.len > 1024 && takes_gzip(r) && gzip_pack(&r->out, &packed);
	response = MHD_create_response_from_buffer(is_packed ? packed.len : r->out.len,
						   is_packed ? packed.data : r->out.data,
						   MHD_RESPMEM_MUST_FREE);
	if (!response) {
		buf_done(&packed);
		return MHD_NO;
	}
	if (is_packed)
		buf_done(&r->out);
	r->out = (struct buf){ 0 }; /* the response owns it */
	if (is_packed)
		MHD_add_response_header(response, "Content-Encoding", "gzip");
	MHD_add_response_header(response, "Vary", "Accept-Encoding");
	MHD_add_response_header(response, "Cache-Control", "no-store");
	return send_response(r, status, response);
}

static enum MHD_Result send_asset(struct request *r, const struct asset *asset)
{
	const char *known =
		MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "If-None-Match");
	struct MHD_Response *response;
	unsigned status = 200;

	r->type = asset->type;
	if (known && strstr(known, asset->etag)) {
		response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
		status = 304;
	} else if (takes_gzip(r)) {
		response = MHD_create_response_from_buffer(
			asset->len, (void *)(uintptr_t)asset->bytes, MHD_RESPMEM_PERSISTENT);
		if (response)
			MHD_add_response_header(response, "Content-Encoding", "gzip");
	} else {
		if (asset_unpack(asset, &r->out) < 0)
			return MHD_NO;
		response = MHD_create_response_from_buffer(r->out.len, r->out.data,
							   MHD_RESPMEM_MUST_FREE);
		if (response)
			r->out = (struct buf){ 0 };
	}
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "ETag", asset->etag);
	MHD_add_response_header(response, "Vary", "Accept-Encoding");
	MHD_add_response_header(response, "Cache-Control", "no-cache");
	return send_response(r, status, response);
}

static enum MHD_Result send_stream(struct request *r)
{
	struct MHD_Response *response;
	unsigned status;

	response = stream_open(r, &status);
	if (!response)
		return send_body(r, status);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Accel-Buffering", "no"); /* for a proxy in front */
	return send_response(r, status, response);
}

static enum MHD_Result send_login(struct request *r)
{
	struct web_server *s = r->server;
	const char *type =
		MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Content-Type");
	char token[WEB_MAX_BODY], cookie[128];
	struct MHD_Response *response;
	size_t len;

	if (!guard_origin(s, r->connection))
		return send_body(r, api_error(r, 403, "a login must come from this page itself"));
	if (!type || strncasecmp(type, "application/json", 16))
		return send_body(r, api_error(r, 415, "send Content-Type: application/json"));
	if (r->body.err || login_read(r->body.data, r->body.len, token, sizeof(token), &len) < 0)
		return send_body(r, api_error(r, 400, "send {\"token\": \"...\"}"));
	if (s->token && !guard_equal(token, len, s->token, strlen(s->token)))
		return send_body(r, api_error(r, 401, "this is not the token"));
	response = MHD_create_response_from_buffer(12, (void *)(uintptr_t) "{\"ok\":true}\n",
						   MHD_RESPMEM_PERSISTENT);
	if (!response)
		return MHD_NO;
	snprintf(cookie, sizeof(cookie), "sonde_session=%s; Path=/; HttpOnly; SameSite=Strict%s",
		 s->session, s->secure ? "; Secure" : "");
	MHD_add_response_header(response, "Set-Cookie", cookie);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	return send_response(r, 200, response);
}

/* "7" or "7/latency" after /api/v1/hosts/. Return: the id, or 0; @ret_rest is behind it. */
static int64_t read_id(const char *text, const char **ret_rest)
{
	size_t n = strspn(text, "0123456789");

	*ret_rest = text + n;
	return n && n < 10 ? strtoll(text, NULL, 10) : 0;
}

static unsigned answer_host(struct request *r, const char *rest)
{
	int64_t id = read_id(rest, &rest);

	if (id && !*rest)
		return api_host(r, id);
	if (id && !strcmp(rest, "/latency"))
		return api_latency(r, id);
	return api_error(r, 404, "there is nothing at this path; see docs/api.md");
}

static const struct {
	const char *path;
	unsigned (*answer)(struct request *r);
} endpoints[] = {
	{ "/api/v1/summary", api_summary }, { "/api/v1/hosts", api_hosts },
	{ "/api/v1/heat", api_heat },	    { "/api/v1/events", api_events },
	{ "/metrics", api_metrics },
};

#define HOSTS_PREFIX "/api/v1/hosts/"

static enum MHD_Result answer(struct request *r, const char *method)
{
	bool is_get = !strcmp(method, "GET"), is_head = !strcmp(method, "HEAD");
	bool is_login = !strcmp(r->path, "/api/v1/login");
	bool is_stream = !strcmp(r->path, "/api/v1/stream");
	const struct asset *asset;

	if (!guard_host(r->server, r->connection))
		return send_body(r, api_error(r, 403,
					      "this server does not answer to that name; use its "
					      "address, or add the name to web.allowed_hosts"));
	if (is_login ? strcmp(method, "POST") != 0 : is_stream ? !is_get : !is_get && !is_head)
		return send_body(
			r, api_error(r, 405, "this path takes %s only", is_login ? "POST" : "GET"));
	if (is_login)
		return send_login(r);
	asset = asset_find(r->path);
	if (asset)
		return send_asset(r, asset);
	if (!guard_token(r->server, r->connection))
		return send_body(r, api_error(r, 401,
					      "send the token, as Authorization: Bearer TOKEN, or "
					      "log in at /api/v1/login"));
	if (is_stream)
		return send_stream(r);
	if (!strncmp(r->path, HOSTS_PREFIX, strlen(HOSTS_PREFIX)))
		return send_body(r, answer_host(r, r->path + strlen(HOSTS_PREFIX)));
	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
		if (!strcmp(r->path, endpoints[i].path))
			return send_body(r, endpoints[i].answer(r));
	}
	return send_body(r, api_error(r, 404, "there is nothing at this path; see docs/api.md"));
}

/* libmicrohttpd calls first with the headers, then with parts of the body, then for the answer. */
static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *data_len, void **context)
{
	struct request *r = *context;
	struct connection *c = connection_of(connection);

	(void)version;
	if (!r) {
		r = calloc(1, sizeof(*r));
		if (!r)
			return MHD_NO;
		*r = (struct request){ user,
				       connection,
				       url,
				       buf_of(WEB_MAX_BODY),
				       buf_of(WEB_MAX_ANSWER + 8192),
				       "application/json" };
		*context = r;
		return MHD_YES;
	}
	if (*data_len) {
		buf_bytes(&r->body, data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	if (c)
		c->deadline_ns = 0;
	return answer(r, method);
}

static void on_completed(void *user, struct MHD_Connection *connection, void **context,
			 enum MHD_RequestTerminationCode how)
{
	struct web_server *s = user;
	struct request *r = *context;
	struct connection *c = connection_of(connection);

	(void)how;
	if (c)
		c->deadline_ns = uv_now(s->loop) * NS_PER_MS + WEB_IDLE_S * NS_PER_S;
	if (!r)
		return;
	buf_done(&r->body);
	buf_done(&r->out);
	free(r);
	*context = NULL;
}

/* --- listening --- */

static int make_listener(const struct endpoint *e, int *ret_fd, struct fault *fault)
{
	char text[80];
	struct buf b = buf_in(text, sizeof(text) - 1);
	struct sockaddr_storage sa;
	socklen_t len = endpoint_to_sockaddr(e, &sa);
	int fd, err, on = 1;

	buf_endpoint(&b, e);
	text[b.len] = '\0';
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&sa, len) < 0 || listen(fd, 128) < 0) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		fault_set(fault, 0, "cannot listen on %s: %s%s", text, err_text(err),
			  err == -EADDRINUSE ? ". Another program has this port: stop it, or set "
					       "web.listen to another one"
					     : "");
		return err;
	}
	*ret_fd = fd;
	return 0;
}

/* Takes the socket that was given, or makes one, and finds out where it listens. */
static int take_listener(struct web_server *s, int given, int *ret_fd, struct fault *fault)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd = given, listens = 0;
	socklen_t n = sizeof(listens);
	int err;

	if (fd < 0) {
		err = guard_listen(s->config, &s->config->listen.addr, fault);
		if (!err)
			err = make_listener(&s->config->listen, &fd, fault);
		if (err < 0)
			return err;
	}
	*ret_fd = fd;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) < 0 || !listens ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) < 0 ||
	    endpoint_from_sockaddr((struct sockaddr *)&sa, &s->address) < 0) {
		fault_set(fault, 0, "descriptor %d is not a listening TCP socket", fd);
		return -ENOTSOCK;
	}
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return guard_listen(s->config, &s->address.addr, fault);
}

/* A whole small file. Return: 0 or -errno, with @fault filled. */
static int read_file(const char *path, struct buf *b, struct fault *fault)
{
	FILE *f = fopen(path, "re");
	char part[4096];
	size_t n;
	int err = 0;

	if (!f) {
		err = -errno;
	} else {
		while ((n = fread(part, 1, sizeof(part), f)))
			buf_bytes(b, part, n);
		if (ferror(f))
			err = -EIO;
		fclose(f);
	}
	if (!err)
		err = b->err;
	if (err < 0)
		fault_set(fault, 0, "cannot read %s: %s", path, err_text(err));
	return err;
}

static int start_daemon(struct web_server *s, int fd, struct fault *fault)
{
	struct buf cert = buf_of(MAX_PEM), key = buf_of(MAX_PEM);
	const struct monitor_config_web *config = s->config;
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, NULL },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	const struct MHD_OptionItem end = { MHD_OPTION_END, 0, NULL };
	int err = 0;

	if (config->tls_cert) {
		err = read_file(config->tls_cert, &cert, fault);
		if (!err)
			err = read_file(config->tls_key, &key, fault);
		if (err < 0)
			goto out;
		flags |= MHD_USE_TLS;
		tls[0].ptr_value = (char *)(uintptr_t)buf_cstr(&cert);
		tls[1].ptr_value = (char *)(uintptr_t)buf_cstr(&key);
	}
	s->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, WEB_MAX_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
		WEB_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, s, MHD_OPTION_ARRAY, config->tls_cert ? tls : &end, MHD_OPTION_END);
	if (!s->daemon && config->tls_cert) {
		fault_set(fault, 0, "%s and %s are not a certificate and its key, in PEM form",
			  config->tls_cert, config->tls_key);
		err = -E_SYNTAX;
	} else if (!s->daemon) {
		fault_set(fault, 0, "cannot start the HTTP server: %s", err_text(errno));
		err = -ENOMEM;
	}
out:
	if (key.data)
		explicit_bzero(key.data, key.cap);
	buf_done(&key);
	buf_done(&cert);
	return err;
}

/* --- life --- */

static void on_closed(uv_handle_t *handle)
{
	struct web_server *s = handle->data;

	if (--s->n_closing)
		return;
	buf_done(&s->message);
	if (s->token)
		explicit_bzero(s->token, strlen(s->token));
	free(s->token);
	free(s);
}

static int join_loop(struct web_server *s)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int err = info ? uv_poll_init(s->loop, &s->poll, info->epoll_fd) : -EIO;

	if (err < 0)
		return err;
	uv_timer_init(s->loop, &s->wakeup);
	uv_timer_init(s->loop, &s->second);
	s->poll.data = s->wakeup.data = s->second.data = s;
	s->n_closing = 3;
	uv_poll_start(&s->poll, UV_READABLE, on_readable);
	uv_timer_start(&s->second, on_second, 1000, 1000);
	return 0;
}

int web_server_new(uv_loop_t *loop, struct monitor *monitor,
		   const struct monitor_config_web *config, int listen_fd,
		   struct web_server **ret_server, struct fault *fault)
{
	struct web_server *s = calloc(1, sizeof(*s));
	int err = -ENOMEM, fd = listen_fd;

	if (!s)
		goto out;
	*s = (struct web_server){ .loop = loop, .monitor = monitor, .config = config };
	s->store = monitor_store(monitor);
	s->secure = config->tls_cert || config->behind_proxy;
	s->message = buf_of(WEB_MAX_ANSWER + 8192);
	s->listener = (struct monitor_listener){
		.event = stream_event,
		.round = stream_round,
		.gone = stream_gone,
		.user = s,
	};
	guard_init(s);
	if (config->token && !(s->token = strdup(config->token)))
		goto out;
	err = take_listener(s, listen_fd, &fd, fault);
	if (!err)
		err = start_daemon(s, fd, fault);
	if (err < 0)
		goto out;
	fd = -1; /* the daemon's now */
	err = join_loop(s);
	if (!err)
		err = monitor_listen(monitor, &s->listener);
	if (err < 0) {
		fault_set(fault, 0, "cannot start the HTTP server: %s", err_text(err));
		goto out;
	}
	run_mhd(s);
	*ret_server = s;
	return 0;
out:
	if (fd >= 0)
		close(fd);
	if (s)
		web_server_free(s);
	else
		fault_set(fault, 0, "out of memory");
	return err;
}

struct web_server *web_server_free(struct web_server *s)
{
	if (!s)
		return NULL;
	monitor_unlisten(s->monitor, &s->listener);
	if (s->n_closing) {
		uv_poll_stop(&s->poll);
		stream_end_all(s);
		MHD_run(s->daemon); /* the ends of streams leave */
	}
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	if (!s->n_closing) { /* it never joined the loop */
		s->n_closing = 1;
		on_closed((uv_handle_t *)&(uv_timer_t){ .data = s });
		return NULL;
	}
	uv_close((uv_handle_t *)&s->poll, on_closed);
	uv_close((uv_handle_t *)&s->wakeup, on_closed);
	uv_close((uv_handle_t *)&s->second, on_closed);
	return NULL;
}

struct endpoint web_server_address(const struct web_server *s)
{
	return s->address;
}
