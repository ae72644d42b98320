/*
 * One network namespace is the switch room with a bridge for each network; each host is a namespace
 * of its own, and each link a veth pair whose near end is a port of the bridge. All is made through
 * one netlink socket in the switch room and one in the namespace that is being furnished, so that a
 * host costs a few requests and one switch of namespaces.
 */
#include "lab/build.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct builder {
	const struct topology *t;
	struct netlink *room; /* in the switch room */
	int *bridges;	      /* index by network */
	struct lab_built built;
	struct buf *notes;
	struct fault *fault;
};

static int PRINTF(3, 4) failed(struct builder *b, int err, const char *format, ...)
{
	char what[160];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	fault_set(b->fault, 0, "%s: %s", what, err_text(err));
	return err;
}

static int PRINTF(4, 5)
	nl_failed(struct builder *b, const struct netlink *nl, int err, const char *format, ...)
{
	char what[120];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	fault_set(b->fault, 0, "%s: %s", what, netlink_error(nl));
	return err;
}

/* Writes "net.a.b=value" under /proc/sys, for the namespace of this thread. */
static int sysctl_set(const char *setting)
{
	char path[256] = "/proc/sys/";
	const char *value = strchr(setting, '=');
	size_t at = strlen(path), name_len = (size_t)(value - setting);
	ssize_t n;
	int fd, err;

	if (name_len >= sizeof(path) - at)
		return -ENAMETOOLONG;
	for (size_t i = 0; i < name_len; i++)
		path[at + i] = setting[i] == '.' ? '/' : setting[i];
	path[at + name_len] = '\0';
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, value + 1, strlen(value + 1));
	err = n < 0 ? -errno : 0;
	close(fd);
	return err;
}

static int set_sysctls(struct builder *b, const char *who, const char *const *settings, size_t n)
{
	int err;

	for (size_t i = 0; i < n; i++) {
		err = sysctl_set(settings[i]);
		if (err < 0)
			return failed(b, err, "%s: cannot set %s", who, settings[i]);
	}
	return 0;
}

/* The switch room only forwards frames: no addresses, no filters on the way. */
static int furnish_room(struct builder *b)
{
	static const char *const needed[] = { "net.ipv6.conf.all.disable_ipv6=1",
					      "net.ipv6.conf.default.disable_ipv6=1" };
	static const char *const wanted[] = { "net.bridge.bridge-nf-call-iptables=0",
					      "net.bridge.bridge-nf-call-ip6tables=0",
					      "net.bridge.bridge-nf-call-arptables=0" };
	const char *name;
	int err = netlink_new(&b->room);

	if (err < 0)
		return failed(b, err, "cannot open a netlink socket");
	err = set_sysctls(b, "lab", needed, ARRAY_LEN(needed));
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		(void)sysctl_set(wanted[i]); /* without that module they are not there */
	for (unsigned i = 0; i < b->t->n_networks && !err; i++) {
		char bridge[16];

		name = b->t->networks[i].name;
		snprintf(bridge, sizeof(bridge), "br-%s", name);
		err = edit_bridge_add(b->room, bridge);
		if (!err) {
			b->bridges[i] = edit_link_find(b->room, bridge);
			err = MIN(b->bridges[i], 0);
		}
		if (err < 0)
			nl_failed(b, b->room, err, "network %s", name);
	}
	return err;
}

/* A rate that leaves on both ends, and so holds both ways. */
static int shape_link(struct builder *b, const struct lab_host *h, const struct lab_link *l,
		      struct netlink *nl, int ifindex)
{
	struct edit_shape shape = l->shape;
	int port = edit_link_find(b->room, l->port);
	int err = port;

	if (port < 0)
		return nl_failed(b, b->room, err, "host %s", h->name);
	err = edit_shape_set(nl, ifindex, &shape);
	if (err == -E_UNSUPPORTED && (shape.delay_ns || shape.loss > 0)) {
		buf_printf(b->notes,
			   "%s has no delay and loss on %s: this kernel has no netem (sch_netem)\n",
			   h->name, l->iface);
		shape.delay_ns = 0;
		shape.loss = 0;
		err = edit_shape_set(nl, ifindex, &shape);
	}
	if (err < 0)
		return nl_failed(b, nl, err, "host %s: rate of %s", h->name, l->iface);
	err = edit_shape_set(b->room, port, &shape);
	return err < 0 ? nl_failed(b, b->room, err, "host %s: rate of %s", h->name, l->iface) : 0;
}

static int plug_link(struct builder *b, const struct lab_host *h, const struct lab_link *l,
		     struct netlink *nl, int netns_fd)
{
	struct edit_veth near = { .name = l->port,
				  .master = b->bridges[l->network],
				  .netns_fd = -1 };
	struct edit_veth far = { .name = l->iface, .mac = &l->mac, .netns_fd = netns_fd };
	int ifindex, err = edit_veth_add(b->room, &near, &far);

	if (err < 0)
		return nl_failed(b, b->room, err, "host %s: link %s", h->name, l->iface);
	err = edit_link_up(nl, l->iface, true);
	if (err < 0)
		return nl_failed(b, nl, err, "host %s: link %s", h->name, l->iface);
	ifindex = edit_link_find(nl, l->iface);
	if (ifindex < 0)
		return nl_failed(b, nl, ifindex, "host %s: link %s", h->name, l->iface);
	for (unsigned i = 0; i < l->n_addresses; i++) {
		char text[64];
		struct buf address = buf_in(text, sizeof(text));

		err = edit_addr_add(nl, ifindex, &l->addresses[i]);
		if (!err)
			continue;
		buf_prefix(&address, &l->addresses[i]);
		return nl_failed(b, nl, err, "host %s: address %s", h->name, buf_cstr(&address));
	}
	return shape_link(b, h, l, nl, ifindex);
}

static int add_routes(struct builder *b, const struct lab_host *h, struct netlink *nl)
{
	for (unsigned i = 0; i < h->n_routes; i++) {
		char text[64];
		struct buf gateway = buf_in(text, sizeof(text));
		int err = edit_route_add(nl, &h->routes[i].to, &h->routes[i].gateway);

		if (!err)
			continue;
		buf_addr(&gateway, &h->routes[i].gateway);
		return nl_failed(b, nl, err, "host %s: route via %s", h->name, buf_cstr(&gateway));
	}
	return 0;
}

/* Runs nft in this namespace with @rules on its input; what it says goes to @ret_said. */
static int run_nft(const char *rules, char *ret_said, size_t cap)
{
	int in[2], said[2], status;
	ssize_t n, len = 0;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(said, O_CLOEXEC) < 0) {
		close(in[0]);
		close(in[1]);
		return -errno;
	}
	pid = fork();
	if (!pid) {
		dup2(in[0], 0);
		dup2(said[1], 1);
		dup2(said[1], 2);
		execlp("nft", "nft", "-j", "-f", "-", (char *)NULL);
		dprintf(2, "cannot run nft: %s; install the package nftables", err_text(errno));
		_exit(127);
	}
	close(in[0]);
	close(said[1]);
	if (pid > 0)
		(void)!write(in[1], rules, strlen(rules)); /* fits into a pipe; nft judges it */
	close(in[1]);
	while (pid > 0 && len < (ssize_t)cap - 1 &&
	       (n = read(said[0], ret_said + len, cap - 1 - (size_t)len)) > 0)
		len += n;
	ret_said[len] = '\0';
	close(said[0]);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return status ? -E_UNSUPPORTED : 0;
}

static int masquerade(struct builder *b, const struct lab_host *h)
{
	static const char format[] =
		"{\"nftables\":["
		"{\"add\":{\"table\":{\"family\":\"ip\",\"name\":\"nat\"}}},"
		"{\"add\":{\"chain\":{\"family\":\"ip\",\"table\":\"nat\",\"name\":\"post\","
		"\"type\":\"nat\",\"hook\":\"postrouting\",\"prio\":100,\"policy\":\"accept\"}}},"
		"{\"add\":{\"rule\":{\"family\":\"ip\",\"table\":\"nat\",\"chain\":\"post\",\"expr\":["
		"{\"match\":{\"op\":\"==\",\"left\":{\"meta\":{\"key\":\"oifname\"}},"
		"\"right\":\"%s\"}},{\"masquerade\":null}]}}}]}\n";
	char rules[sizeof(format) + 16], said[120] = "";
	int err;

	snprintf(rules, sizeof(rules), format, h->links[h->nat_link].iface);
	err = run_nft(rules, said, sizeof(said));
	if (err < 0)
		fault_set(b->fault, 0, "host %s: cannot translate addresses: %s", h->name,
			  *said ? said : err_text(err));
	return err;
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int one = 1, err;
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0 && listen(fd, 64) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int open_ports(struct builder *b, const struct lab_host *h)
{
	for (unsigned i = 0; i < h->n_listen; i++) {
		int fd = listen_on(h->listen[i]);

		if (fd < 0)
			return failed(b, fd, "host %s: cannot listen on port %u", h->name,
				      h->listen[i]);
		b->built.listen_fds[b->built.n_listen_fds++] = fd;
	}
	return 0;
}

/* Before there are links, so that these take the defaults. */
static int furnish_sysctls(struct builder *b, const struct lab_host *h)
{
	static const char *const always[] = {
		"net.ipv6.conf.all.disable_ipv6=0",   "net.ipv6.conf.default.disable_ipv6=0",
		"net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.all.accept_dad=0",
		"net.ipv6.conf.default.accept_ra=0",  "net.ipv6.conf.default.use_tempaddr=0",
		"net.ipv4.conf.all.rp_filter=0",      "net.ipv4.conf.default.rp_filter=0",
	};
	static const char *const router[] = { "net.ipv4.ip_forward=1",
					      "net.ipv6.conf.all.forwarding=1",
					      "net.ipv6.conf.default.forwarding=1" };
	static const char *const no_ping[] = { "net.ipv4.icmp_echo_ignore_all=1",
					       "net.ipv6.icmp.echo_ignore_all=1" };
	int err = set_sysctls(b, h->name, always, ARRAY_LEN(always));

	if (!err && h->router)
		err = set_sysctls(b, h->name, router, ARRAY_LEN(router));
	if (!err && h->no_ping)
		err = set_sysctls(b, h->name, no_ping, ARRAY_LEN(no_ping));
	return err;
}

static int furnish_host(struct builder *b, unsigned i)
{
	const struct lab_host *h = &b->t->hosts[i];
	struct netlink *nl;
	int fd, err;

	if (unshare(CLONE_NEWNET) < 0)
		return failed(b, -errno, "host %s: cannot make a network namespace", h->name);
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(b, -errno, "host %s: cannot open its namespace", h->name);
	b->built.netns_fds[i] = fd;
	err = netlink_new(&nl);
	if (err < 0)
		return failed(b, err, "host %s: cannot open a netlink socket", h->name);
	err = furnish_sysctls(b, h);
	if (!err) {
		err = edit_link_up(nl, "lo", true);
		if (err < 0)
			nl_failed(b, nl, err, "host %s: lo", h->name);
	}
	for (unsigned k = 0; k < h->n_links && !err; k++)
		err = plug_link(b, h, &h->links[k], nl, fd);
	if (!err)
		err = add_routes(b, h, nl);
	netlink_free(nl);
	if (!err && h->nat_link >= 0)
		err = masquerade(b, h);
	if (!err)
		err = set_sysctls(b, h->name, (const char *const *)h->sysctls, h->n_sysctls);
	return err ? err : open_ports(b, h);
}

int lab_build(const struct topology *t, struct lab_built *ret_built, struct buf *notes,
	      struct fault *fault)
{
	struct builder b = { .t = t, .notes = notes, .fault = fault };
	size_t n_listen = 0;
	int room_fd, err = -ENOMEM;

	assert(t->n_hosts && t->n_networks); /* by the schema */
	for (unsigned i = 0; i < t->n_hosts; i++)
		n_listen += t->hosts[i].n_listen;
	b.bridges = calloc(t->n_networks, sizeof(*b.bridges));
	b.built.netns_fds = calloc(t->n_hosts, sizeof(*b.built.netns_fds));
	b.built.listen_fds = calloc(n_listen + 1, sizeof(*b.built.listen_fds));
	if (b.bridges && b.built.netns_fds && b.built.listen_fds)
		err = furnish_room(&b);
	else
		failed(&b, err, "lab");
	room_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	for (unsigned i = 0; i < t->n_hosts && !err; i++)
		err = furnish_host(&b, i);
	if (!err && setns(room_fd, CLONE_NEWNET) < 0)
		err = failed(&b, -errno, "cannot return to the switch room");
	close(room_fd);
	netlink_free(b.room);
	free(b.bridges);
	if (!err)
		*ret_built = b.built;
	return err;
}
