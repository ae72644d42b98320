/* What the DNS calls the hosts: each is asked for when it is new, and again every hour. */
#include <errno.h>
#include <stdlib.h>

#include "io/resolve.h"
#include "monitor/monitor_private.h"

#define ASK_AGAIN_NS	  (3600 * NS_PER_S)
#define ASK_PER_ROUND	  64
#define SERVER_TIMEOUT_NS (2 * NS_PER_S)

struct names {
	struct monitor *m;
	struct resolver *resolver;
	int64_t last; /* host that was asked for; those after it have higher ids */
	uint64_t again_ns;
	unsigned n_waiting;
	bool closing;
};

int names_new(struct monitor *m, struct names **ret_names)
{
	struct names *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	n->m = m;
	err = resolver_new(m->loop, SERVER_TIMEOUT_NS, &n->resolver);
	if (err < 0) {
		free(n);
		return err;
	}
	*ret_names = n;
	return 0;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	n->closing = true;
	resolver_free(n->resolver);
	free(n);
}

static void on_name(void *user, const struct addr *addr, const char *name)
{
	struct names *n = user;
	const struct presence_host *host;

	n->n_waiting--;
	if (n->closing || !name)
		return; /* a server that does not answer takes no name away */
	host = presence_by_addr(n->m->presence, addr);
	if (host && presence_set_name(n->m->presence, host->id, 1, name) < 0)
		monitor_trouble(n->m, "no memory for a name");
}

void names_look(struct names *n)
{
	unsigned n_hosts = presence_n_hosts(n->m->presence);
	uint64_t now_ns = monitor_now().mono_ns;

	if (now_ns >= n->again_ns) {
		n->last = 0;
		n->again_ns = now_ns + ASK_AGAIN_NS;
	}
	for (unsigned i = 0; i < n_hosts && n->n_waiting < ASK_PER_ROUND; i++) {
		const struct presence_host *host = presence_host(n->m->presence, i);

		if (host->id <= n->last)
			continue;
		n->last = host->id;
		n->n_waiting++;
		resolver_name_of(n->resolver, &host->addrs[0], on_name, n);
	}
}
