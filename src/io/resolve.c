#include "io/resolve.h"

#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>

#define MAX_SOCKETS   64
#define MAX_IN_FLIGHT 256
#define TRIES	      2

/* One of c-ares' sockets, watched by the loop. */
struct watch {
	uv_poll_t poll;
	struct resolver *resolver;
	ares_socket_t fd; /* ARES_SOCKET_BAD: free */
	bool closing;
};

struct resolver {
	uv_loop_t *loop;
	ares_channel channel;
	uv_timer_t timer;
	struct watch watches[MAX_SOCKETS];
	unsigned n_open; /* handles that the loop has not closed */
	bool freed;
};

static void release(struct resolver *r)
{
	if (!r->n_open && r->freed)
		free(r);
}

static void timer_closed(uv_handle_t *handle)
{
	struct resolver *r = handle->data;

	r->n_open--;
	release(r);
}

static void watch_closed(uv_handle_t *handle)
{
	struct watch *w = handle->data;

	w->fd = ARES_SOCKET_BAD;
	w->closing = false;
	w->resolver->n_open--;
	release(w->resolver);
}

/* c-ares says when it next wants to look at its time-outs. */
static void on_timer(uv_timer_t *timer);

static void arm_timer(struct resolver *r)
{
	struct timeval tv, *next = ares_timeout(r->channel, NULL, &tv);

	if (!next)
		uv_timer_stop(&r->timer);
	else
		uv_timer_start(&r->timer, on_timer,
			       (uint64_t)next->tv_sec * 1000 + (uint64_t)next->tv_usec / 1000 + 1,
			       0);
}

static void on_timer(uv_timer_t *timer)
{
	struct resolver *r = timer->data;

	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	if (!r->freed)
		arm_timer(r);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;
	struct resolver *r = w->resolver;
	/* A broken socket is read, so that c-ares sees the error itself. */
	bool readable = status < 0 || (events & UV_READABLE), writable = events & UV_WRITABLE;

	ares_process_fd(r->channel, readable ? w->fd : ARES_SOCKET_BAD,
			writable ? w->fd : ARES_SOCKET_BAD);
	if (!r->freed)
		arm_timer(r);
}

static struct watch *watch_of(struct resolver *r, ares_socket_t fd)
{
	for (size_t i = 0; i < MAX_SOCKETS; i++) {
		if (r->watches[i].fd == fd && !r->watches[i].closing)
			return &r->watches[i];
	}
	return NULL;
}

/* c-ares opens, uses or closes a socket. Beyond MAX_SOCKETS a query just times out. */
static void socket_changed(void *user, ares_socket_t fd, int readable, int writable)
{
	struct resolver *r = user;
	struct watch *w = watch_of(r, fd);

	if (!readable && !writable) {
		if (w) {
			w->closing = true;
			uv_close((uv_handle_t *)&w->poll, watch_closed);
		}
		return;
	}
	if (!w) {
		w = watch_of(r, ARES_SOCKET_BAD);
		if (!w || uv_poll_init_socket(r->loop, &w->poll, fd) < 0)
			return;
		w->poll.data = w;
		w->fd = fd;
		r->n_open++;
	}
	uv_poll_start(&w->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0),
		      on_socket);
}

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static int library_err;

static void library_init(void)
{
	library_err = ares_library_init(ARES_LIB_INIT_ALL);
}

int resolver_new(uv_loop_t *loop, uint64_t timeout_ns, struct resolver **ret_resolver)
{
	struct ares_options options = { 0 };
	struct resolver *r;

	pthread_once(&library_once, library_init);
	if (library_err)
		return -E_UNSUPPORTED;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->loop = loop;
	for (size_t i = 0; i < MAX_SOCKETS; i++) {
		r->watches[i].fd = ARES_SOCKET_BAD;
		r->watches[i].resolver = r;
	}
	options.timeout = (int)MIN(timeout_ns / NS_PER_MS, (uint64_t)60000);
	options.tries = TRIES;
	options.sock_state_cb = socket_changed;
	options.sock_state_cb_data = r;
	if (ares_init_options(&r->channel, &options,
			      ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB)) {
		free(r);
		return -E_UNSUPPORTED;
	}
	uv_timer_init(loop, &r->timer);
	r->timer.data = r;
	r->n_open = 1;
	*ret_resolver = r;
	return 0;
}

struct resolver *resolver_free(struct resolver *r)
{
	if (!r)
		return NULL;
	ares_destroy(r->channel); /* calls back what is under way, closes the sockets */
	r->freed = true;
	uv_close((uv_handle_t *)&r->timer, timer_closed);
	return NULL;
}

struct name_query {
	struct addr addr;
	resolver_name_fn done;
	void *user;
};

static void name_found(void *user, int status, int timeouts UNUSED, struct hostent *host)
{
	struct name_query *query = user;
	const char *name = status == ARES_SUCCESS && host ? host->h_name : NULL;

	if (name && (!*name || strlen(name) >= RESOLVE_NAME_MAX))
		name = NULL;
	query->done(query->user, &query->addr, name);
	free(query);
}

void resolver_name_of(struct resolver *r, const struct addr *addr, resolver_name_fn done,
		      void *user)
{
	struct name_query *query = malloc(sizeof(*query));

	if (!query) {
		done(user, addr, NULL);
		return;
	}
	*query = (struct name_query){ *addr, done, user };
	ares_gethostbyaddr(r->channel, query->addr.bytes, (int)addr_len(addr), addr->family,
			   name_found, query);
	if (!r->freed)
		arm_timer(r);
}

/* The loop of a blocking call. */
struct blocking {
	uv_loop_t loop;
	struct resolver *resolver;
};

static int blocking_init(struct blocking *b, uint64_t timeout_ns)
{
	int err = uv_loop_init(&b->loop);

	if (err < 0)
		return err;
	err = resolver_new(&b->loop, timeout_ns, &b->resolver);
	if (err < 0)
		uv_loop_close(&b->loop);
	return err;
}

static void blocking_done(struct blocking *b)
{
	resolver_free(b->resolver);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	uv_loop_close(&b->loop);
}

/* The look-up of all names of a set. */
struct targets_query {
	struct targets *targets;
	struct fault *fault;
	size_t next, in_flight;
	int family, err;
};

/* One name of it. */
struct target_query {
	struct targets_query *all;
	const char *name;
};

static int add_addresses(struct targets *t, const struct ares_addrinfo *info)
{
	int err = 0;

	for (const struct ares_addrinfo_node *node = info->nodes; node && !err;
	     node = node->ai_next) {
		struct endpoint e;

		if (!endpoint_from_sockaddr(node->ai_addr, &e))
			err = targets_add_addr(t, &e.addr);
	}
	return err;
}

static void target_found(void *user, int status, int timeouts UNUSED, struct ares_addrinfo *info)
{
	struct target_query *query = user;
	struct targets_query *all = query->all;

	all->in_flight--;
	if (status == ARES_SUCCESS && !all->err)
		all->err = add_addresses(all->targets, info);
	else if (!all->err)
		all->err = fault_set(all->fault, 0, "cannot find an address of \"%s\": %s",
				     query->name, ares_strerror(status));
	if (info)
		ares_freeaddrinfo(info);
	free(query);
}

static void start_targets(struct resolver *r, struct targets_query *all)
{
	struct ares_addrinfo_hints hints = { .ai_family = all->family };

	while (!all->err && all->in_flight < MAX_IN_FLIGHT &&
	       all->next < targets_n_names(all->targets)) {
		struct target_query *query = malloc(sizeof(*query));

		if (!query) {
			all->err = -ENOMEM;
			return;
		}
		*query = (struct target_query){ all, targets_name(all->targets, all->next++) };
		all->in_flight++;
		ares_getaddrinfo(r->channel, query->name, NULL, &hints, target_found, query);
	}
	arm_timer(r);
}

int resolve_targets(struct targets *t, int family, struct fault *fault)
{
	struct targets_query all = { .targets = t, .fault = fault, .family = family };
	struct blocking b;
	int err;

	if (!targets_n_names(t))
		return 0;
	err = blocking_init(&b, 2 * NS_PER_S);
	if (err < 0)
		return err;
	for (;;) {
		start_targets(b.resolver, &all);
		if (!all.in_flight || all.err)
			break;
		uv_run(&b.loop, UV_RUN_ONCE);
	}
	blocking_done(&b);
	return all.err;
}

struct names_query {
	const struct addr *addrs;
	char (*names)[RESOLVE_NAME_MAX];
	size_t in_flight;
};

struct one_name {
	struct names_query *all;
	char *place;
};

static void one_name_found(void *user, const struct addr *addr UNUSED, const char *name)
{
	struct one_name *one = user;

	if (name)
		strcpy(one->place, name); /* name_found() has checked the length */
	one->all->in_flight--;
	free(one);
}

int resolve_names(const struct addr *addrs, size_t n, uint64_t timeout_ns,
		  char (*ret_names)[RESOLVE_NAME_MAX])
{
	struct names_query all = { .addrs = addrs, .names = ret_names };
	struct blocking b;
	size_t next = 0;
	int err;

	for (size_t i = 0; i < n; i++)
		ret_names[i][0] = '\0';
	if (!n)
		return 0;
	err = blocking_init(&b, timeout_ns);
	if (err < 0)
		return err;
	while (next < n || all.in_flight) {
		while (next < n && all.in_flight < MAX_IN_FLIGHT) {
			struct one_name *one = malloc(sizeof(*one));

			if (one) {
				*one = (struct one_name){ &all, ret_names[next] };
				all.in_flight++;
				resolver_name_of(b.resolver, &addrs[next], one_name_found, one);
			}
			next++;
		}
		if (all.in_flight)
			uv_run(&b.loop, UV_RUN_ONCE);
	}
	blocking_done(&b);
	return 0;
}
