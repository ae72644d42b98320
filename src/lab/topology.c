#include "lab/topology.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/config.h"
#include "lab/office.h"

/* As libcyaml fills them. */
struct yaml_network {
	char *name;
	char **prefixes, **gateways;
	unsigned n_prefixes, n_gateways;
};

struct yaml_link {
	char *network, *mac, *rate;
	char **addresses;
	unsigned n_addresses;
	double delay_ms, loss_percent;
};

struct yaml_host {
	char *name, *nat;
	struct yaml_link *links;
	char **gateways, **routes, **sysctls, **run;
	uint16_t *listen;
	unsigned n_links, n_gateways, n_routes, n_sysctls, n_run, n_listen;
	bool router, *ping;
};

struct yaml_lab {
	char *name;
	struct yaml_network *networks;
	struct yaml_host *hosts;
	unsigned n_networks, n_hosts;
};

#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define NAME(key, owner, member) \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, owner, member, 1, LAB_NAME_MAX)
#define TEXT(key, owner, member, max) CYAML_FIELD_STRING_PTR(key, OPTIONAL, owner, member, 1, max)
#define TEXTS(key, owner, member, max) \
	CYAML_FIELD_SEQUENCE_COUNT(key, OPTIONAL, owner, member, n_##member, &text_value, 0, max)

static const struct cyaml_schema_value text_value = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char,
									 1, 1000) };
static const struct cyaml_schema_value port_value = { CYAML_VALUE_UINT(CYAML_FLAG_DEFAULT,
								       uint16_t) };

static const struct cyaml_schema_field network_fields[] = {
	NAME("name", struct yaml_network, name),
	TEXTS("prefixes", struct yaml_network, prefixes, 2),
	TEXTS("gateways", struct yaml_network, gateways, 2),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_value network_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct yaml_network, network_fields) };

static const struct cyaml_schema_field link_fields[] = {
	NAME("network", struct yaml_link, network),
	TEXTS("addresses", struct yaml_link, addresses, LAB_ITEMS_MAX),
	TEXT("mac", struct yaml_link, mac, 20),
	TEXT("rate", struct yaml_link, rate, 20),
	CYAML_FIELD_FLOAT("delay_ms", CYAML_FLAG_OPTIONAL, struct yaml_link, delay_ms),
	CYAML_FIELD_FLOAT("loss_percent", CYAML_FLAG_OPTIONAL, struct yaml_link, loss_percent),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_value link_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct yaml_link, link_fields) };

static const struct cyaml_schema_field host_fields[] = {
	NAME("name", struct yaml_host, name),
	CYAML_FIELD_SEQUENCE_COUNT("links", OPTIONAL, struct yaml_host, links, n_links, &link_value,
				   0, LAB_LINKS_MAX),
	TEXTS("gateways", struct yaml_host, gateways, 2),
	TEXTS("routes", struct yaml_host, routes, LAB_ITEMS_MAX),
	CYAML_FIELD_BOOL("router", CYAML_FLAG_OPTIONAL, struct yaml_host, router),
	TEXT("nat", struct yaml_host, nat, LAB_NAME_MAX),
	CYAML_FIELD_BOOL_PTR("ping", OPTIONAL, struct yaml_host, ping),
	CYAML_FIELD_SEQUENCE_COUNT("listen", OPTIONAL, struct yaml_host, listen, n_listen,
				   &port_value, 0, LAB_ITEMS_MAX),
	TEXTS("sysctls", struct yaml_host, sysctls, LAB_ITEMS_MAX),
	TEXTS("run", struct yaml_host, run, LAB_ITEMS_MAX),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_value host_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct yaml_host, host_fields) };

static const struct cyaml_schema_field lab_fields[] = {
	NAME("name", struct yaml_lab, name),
	CYAML_FIELD_SEQUENCE_COUNT("networks", CYAML_FLAG_POINTER, struct yaml_lab, networks,
				   n_networks, &network_value, 1, LAB_NETWORKS_MAX),
	CYAML_FIELD_SEQUENCE_COUNT("hosts", CYAML_FLAG_POINTER, struct yaml_lab, hosts, n_hosts,
				   &host_value, 1, LAB_HOSTS_MAX),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_value lab_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_POINTER, struct yaml_lab, lab_fields) };

/* Where the reader is, for faults. */
struct reader {
	struct topology *t;
	struct fault *fault;
	char at[96];
};

static int PRINTF(2, 3) bad(struct reader *r, const char *format, ...)
{
	char text[sizeof(r->fault->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return config_fault(r->t->config, r->fault, r->at, "%s", text);
}

static void PRINTF(2, 3) go_to(struct reader *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->at, sizeof(r->at), format, args);
	va_end(args);
}

bool lab_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len && len <= LAB_NAME_MAX && name[0] != '-' && name[len - 1] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
		       len;
}

static int read_name(struct reader *r, const char *text, char ret_name[static LAB_NAME_MAX + 1])
{
	if (!lab_name_ok(text))
		return bad(r, "a name consists of letters, digits and '-', not first or last");
	memcpy(ret_name, text, strlen(text) + 1);
	return 0;
}

/* What a parser of base/ said, told with the place in the file. */
static int typed_fault(struct reader *r, const char *text, const struct fault *fault)
{
	return bad(r, "'%s': %s", text, fault->text);
}

static int read_addr(struct reader *r, const char *text, struct addr *ret_addr)
{
	struct fault fault;

	if (addr_parse(text, strlen(text), ret_addr, &fault) < 0)
		return typed_fault(r, text, &fault);
	return 0;
}

static int read_prefix(struct reader *r, const char *text, struct prefix *ret_prefix)
{
	struct fault fault;

	if (prefix_parse(text, strlen(text), ret_prefix, &fault) < 0)
		return typed_fault(r, text, &fault);
	return 0;
}

/* "64k", "2M", "1.5G": bits a second. */
static int read_rate(struct reader *r, const char *text, uint64_t *ret_rate)
{
	char *end;
	double rate = strtod(text, &end);

	if (strspn(text, "0123456789.") != (size_t)(end - text) || end == text)
		rate = -1;
	rate *= *end == 'k' ? 1e3 : *end == 'M' ? 1e6 : *end == 'G' ? 1e9 : 1;
	if (rate >= 8000 && rate <= 1e12 && (!*end || (strchr("kMG", *end) && !end[1]))) {
		*ret_rate = (uint64_t)rate;
		return 0;
	}
	return bad(r,
		   "'%s' is not a rate in bits a second: expected 8k to 1000G, as 64k, 2M or 1.5G",
		   text);
}

static int read_network(struct reader *r, const struct yaml_network *y, unsigned i)
{
	struct lab_network *n = &r->t->networks[i];
	int err;

	go_to(r, "networks[%u].name", i);
	err = read_name(r, y->name, n->name);
	for (unsigned k = 0; k < i && !err; k++)
		if (!strcmp(r->t->networks[k].name, n->name))
			err = bad(r, "a second network '%s'", n->name);
	for (unsigned k = 0; k < y->n_prefixes && !err; k++) {
		go_to(r, "networks[%u].prefixes[%u]", i, k);
		err = read_prefix(r, y->prefixes[k], &n->prefixes[k]);
	}
	for (unsigned k = 0; k < y->n_gateways && !err; k++) {
		go_to(r, "networks[%u].gateways[%u]", i, k);
		err = read_addr(r, y->gateways[k], &n->gateways[k]);
	}
	return err;
}

static int find_network(const struct topology *t, const char *name)
{
	for (unsigned i = 0; i < t->n_networks; i++)
		if (!strcmp(t->networks[i].name, name))
			return (int)i;
	return -E_NOT_FOUND;
}

/* "10.77.0.11/24", or without the length when one of the network's prefixes tells it. */
static int read_address(struct reader *r, const struct lab_network *n, const char *text,
			struct prefix *ret_prefix)
{
	struct prefix p;
	int err = read_prefix(r, text, &p);

	if (err < 0)
		return err;
	for (unsigned i = 0; i < ARRAY_LEN(n->prefixes) && !strchr(text, '/'); i++) {
		if (!prefix_contains(&n->prefixes[i], &p.addr))
			continue;
		p.len = n->prefixes[i].len;
		*ret_prefix = p;
		return 0;
	}
	if (!strchr(text, '/'))
		return bad(r,
			   "%s is in no prefix of network '%s': correct it, or write its length "
			   "behind it, as %s/24",
			   text, n->name, text);
	*ret_prefix = p;
	return 0;
}

/* A stable address of the locally administered kind. */
static struct mac made_mac(unsigned host, unsigned link)
{
	return (struct mac){ { 0x02, 0, 0, (uint8_t)link, (uint8_t)((host + 1) >> 8),
			       (uint8_t)(host + 1) } };
}

static int read_mac(struct reader *r, const char *text, struct mac *ret_mac)
{
	struct fault fault;

	if (mac_parse(text, strlen(text), ret_mac, &fault) < 0)
		return typed_fault(r, text, &fault);
	if (ret_mac->bytes[0] & 1 || mac_is_zero(ret_mac))
		return bad(r, "%s is no address of a single station", text);
	return 0;
}

static int read_shape(struct reader *r, const struct yaml_link *y, unsigned i, unsigned k,
		      struct edit_shape *shape)
{
	int err = 0;

	go_to(r, "hosts[%u].links[%u].rate", i, k);
	if (y->rate)
		err = read_rate(r, y->rate, &shape->rate_bits);
	go_to(r, "hosts[%u].links[%u].delay_ms", i, k);
	if (!err && !(y->delay_ms >= 0 && y->delay_ms <= 60000))
		err = bad(r, "a delay is 0 to 60000 ms");
	go_to(r, "hosts[%u].links[%u].loss_percent", i, k);
	if (!err && !(y->loss_percent >= 0 && y->loss_percent <= 100))
		err = bad(r, "a loss is 0 to 100 percent");
	if (err)
		return err;
	shape->delay_ns = (uint64_t)(y->delay_ms * 1e6);
	shape->loss = y->loss_percent / 100;
	return 0;
}

static int read_link(struct reader *r, const struct yaml_link *y, unsigned i, unsigned k)
{
	struct lab_host *h = &r->t->hosts[i];
	struct lab_link *l = &h->links[k];
	int network = find_network(r->t, y->network), err = 0;

	go_to(r, "hosts[%u].links[%u].network", i, k);
	if (network < 0)
		return bad(r, "there is no network '%s'", y->network);
	l->network = (unsigned)network;
	snprintf(l->iface, sizeof(l->iface), "eth%u", k);
	if (k)
		snprintf(l->port, sizeof(l->port), "%s-%u", h->name, k % LAB_LINKS_MAX);
	else
		snprintf(l->port, sizeof(l->port), "%s", h->name);
	l->mac = made_mac(i, k);
	go_to(r, "hosts[%u].links[%u].mac", i, k);
	if (y->mac)
		err = read_mac(r, y->mac, &l->mac);
	l->n_addresses = y->n_addresses;
	for (unsigned a = 0; a < y->n_addresses && !err; a++) {
		go_to(r, "hosts[%u].links[%u].addresses[%u]", i, k, a);
		err = read_address(r, &r->t->networks[network], y->addresses[a], &l->addresses[a]);
	}
	return err ? err : read_shape(r, y, i, k, &l->shape);
}

/* "2001:db8::/32 via fd77::1" */
static int read_route(struct reader *r, const char *text, struct lab_route *ret_route)
{
	const char *via = strstr(text, " via ");
	struct lab_route route;
	struct fault fault;

	if (!via)
		return bad(r, "'%s' is not a route: expected 'PREFIX via ADDRESS'", text);
	if (prefix_parse(text, (size_t)(via - text), &route.to, &fault) < 0)
		return typed_fault(r, text, &fault);
	if (read_addr(r, via + 5, &route.gateway) < 0)
		return -E_SYNTAX;
	if (route.to.addr.family != route.gateway.family)
		return bad(r, "'%s': prefix and gateway are of different families", text);
	*ret_route = route;
	return 0;
}

static bool owns_address(const struct lab_host *h, const struct addr *a)
{
	for (unsigned k = 0; k < h->n_links; k++)
		for (unsigned i = 0; i < h->links[k].n_addresses; i++)
			if (addr_eq(&h->links[k].addresses[i].addr, a))
				return true;
	return false;
}

/* Is @gateway on one of the host's links? Only then can the kernel have a route through it. */
static bool reaches(const struct lab_host *h, const struct addr *gateway)
{
	for (unsigned k = 0; k < h->n_links; k++)
		for (unsigned i = 0; i < h->links[k].n_addresses; i++)
			if (prefix_contains(&h->links[k].addresses[i], gateway))
				return true;
	return false;
}

static void add_default(struct lab_host *h, const struct addr *gateway)
{
	h->routes[h->n_routes++] = (struct lab_route){
		.to = { .addr = addr_from_number(gateway->family, 0) },
		.gateway = *gateway,
	};
}

static int read_routes(struct reader *r, const struct yaml_host *y, unsigned i)
{
	struct lab_host *h = &r->t->hosts[i];
	struct addr gateway;
	int err = 0;

	for (unsigned k = 0; k < y->n_routes && !err; k++) {
		struct lab_route *route = &h->routes[h->n_routes++];

		go_to(r, "hosts[%u].routes[%u]", i, k);
		err = read_route(r, y->routes[k], route);
		if (!err && !reaches(h, &route->gateway))
			err = bad(r, "'%s': the gateway is on none of the host's links",
				  y->routes[k]);
	}
	for (unsigned k = 0; k < y->n_gateways && !err; k++) {
		go_to(r, "hosts[%u].gateways[%u]", i, k);
		err = read_addr(r, y->gateways[k], &gateway);
		if (!err && !reaches(h, &gateway))
			err = bad(r, "%s is on none of the host's links", y->gateways[k]);
		if (!err)
			add_default(h, &gateway);
	}
	if (err || y->n_gateways || !h->n_links)
		return err;
	for (unsigned k = 0; k < ARRAY_LEN(r->t->networks[0].gateways); k++) {
		gateway = r->t->networks[h->links[0].network].gateways[k];
		if (gateway.family && reaches(h, &gateway) && !owns_address(h, &gateway))
			add_default(h, &gateway);
	}
	return 0;
}

static int read_nat(struct reader *r, const struct yaml_host *y, unsigned i)
{
	struct lab_host *h = &r->t->hosts[i];

	h->nat_link = -1;
	if (!y->nat)
		return 0;
	go_to(r, "hosts[%u].nat", i);
	for (unsigned k = 0; k < h->n_links; k++)
		if (!strcmp(r->t->networks[h->links[k].network].name, y->nat))
			h->nat_link = (int)k;
	if (h->nat_link < 0)
		return bad(r, "'%s' is none of the host's networks", y->nat);
	if (!h->router)
		return bad(r, "only a host with 'router: true' can translate addresses");
	return 0;
}

/* "net.x.y=value", nothing outside of the network's settings. */
static int read_sysctls(struct reader *r, const struct yaml_host *y, unsigned i)
{
	for (unsigned k = 0; k < y->n_sysctls; k++) {
		const char *text = y->sysctls[k];

		go_to(r, "hosts[%u].sysctls[%u]", i, k);
		if (strncmp(text, "net.", 4) != 0 || !strchr(text, '=') || strstr(text, "..") ||
		    memchr(text, '/', (size_t)(strchr(text, '=') - text)))
			return bad(r, "'%s' is not of the form net.NAME=VALUE", text);
	}
	r->t->hosts[i].sysctls = y->sysctls;
	r->t->hosts[i].n_sysctls = y->n_sysctls;
	return 0;
}

static int read_host(struct reader *r, const struct yaml_host *y, unsigned i)
{
	struct lab_host *h = &r->t->hosts[i];
	int err;

	go_to(r, "hosts[%u].name", i);
	err = read_name(r, y->name, h->name);
	if (err < 0)
		return err;
	h->links = calloc(y->n_links ? y->n_links : 1, sizeof(*h->links));
	if (!h->links)
		return -ENOMEM;
	h->n_links = y->n_links;
	h->router = y->router;
	h->no_ping = y->ping && !*y->ping;
	h->run = y->run;
	h->n_run = y->n_run;
	for (unsigned k = 0; k < y->n_links && !err; k++)
		err = read_link(r, &y->links[k], i, k);
	for (unsigned k = 0; k < y->n_listen && !err; k++) {
		go_to(r, "hosts[%u].listen[%u]", i, k);
		h->listen[h->n_listen++] = y->listen[k];
		if (!y->listen[k])
			err = bad(r, "0 is not a port: expected 1 to 65535");
	}
	if (!err)
		err = read_nat(r, y, i);
	if (!err)
		err = read_sysctls(r, y, i);
	return err ? err : read_routes(r, y, i);
}

struct named {
	const char *name;
	unsigned i;
};

static int compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->i > y->i) - (x->i < y->i);
}

static int compare_ports(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of hosts, and of ports at the bridges ("a-1" of host a against host a-1), occur once. */
static int check_names(struct reader *r)
{
	struct topology *t = r->t;
	struct named *names = calloc(t->n_hosts, sizeof(*names));
	const char **ports = calloc(t->n_hosts, LAB_LINKS_MAX * sizeof(*ports));
	size_t n_ports = 0;
	int err = names && ports ? 0 : -ENOMEM;

	for (unsigned i = 0; i < t->n_hosts && !err; i++) {
		names[i] = (struct named){ t->hosts[i].name, i };
		for (unsigned k = 0; k < t->hosts[i].n_links; k++)
			ports[n_ports++] = t->hosts[i].links[k].port;
	}
	if (!err)
		qsort(names, t->n_hosts, sizeof(*names), compare_named);
	for (unsigned i = 1; i < t->n_hosts && !err; i++) {
		if (strcmp(names[i - 1].name, names[i].name) != 0)
			continue;
		go_to(r, "hosts[%u].name", names[i].i);
		err = bad(r, "a second host '%s'", names[i].name);
	}
	if (!err)
		qsort(ports, n_ports, sizeof(*ports), compare_ports);
	for (size_t i = 1; i < n_ports && !err; i++) {
		go_to(r, "hosts");
		if (!strcmp(ports[i - 1], ports[i]))
			err = bad(r, "'%s' would name two links: rename that host", ports[i]);
	}
	free(names);
	free(ports);
	return err;
}

static int read_lab(struct reader *r, const struct yaml_lab *y)
{
	struct topology *t = r->t;
	int err;

	t->networks = calloc(y->n_networks, sizeof(*t->networks));
	t->hosts = calloc(y->n_hosts, sizeof(*t->hosts));
	if (!t->networks || !t->hosts)
		return -ENOMEM;
	t->n_networks = y->n_networks;
	t->n_hosts = y->n_hosts;
	go_to(r, "name");
	err = read_name(r, y->name, t->name);
	for (unsigned i = 0; i < y->n_networks && !err; i++)
		err = read_network(r, &y->networks[i], i);
	for (unsigned i = 0; i < y->n_hosts && !err; i++)
		err = read_host(r, &y->hosts[i], i);
	return err ? err : check_names(r);
}

/* Takes @config over. */
static int from_config(struct config *config, struct topology **ret_topology, struct fault *fault)
{
	struct topology *t = calloc(1, sizeof(*t));
	struct reader r = { .t = t, .fault = fault };
	int err = -ENOMEM;

	if (t) {
		t->config = config;
		err = read_lab(&r, config_data(config));
	} else {
		config_free(config);
	}
	if (err == -ENOMEM)
		fault_set(fault, 0, "out of memory");
	if (err < 0)
		topology_free(t);
	else
		*ret_topology = t;
	return err;
}

int topology_parse(const char *name, const char *text, size_t len, struct topology **ret_topology,
		   struct fault *fault)
{
	struct config *config;
	int err = config_load_text(name, text, len, &lab_value, &config, fault);

	return err < 0 ? err : from_config(config, ret_topology, fault);
}

int topology_load(const char *path, struct topology **ret_topology, struct fault *fault)
{
	struct config *config;
	int err;

	if (!path)
		return topology_parse("office", lab_office, sizeof(lab_office) - 1, ret_topology,
				      fault);
	err = config_load(path, &lab_value, &config, fault);
	return err < 0 ? err : from_config(config, ret_topology, fault);
}

struct topology *topology_free(struct topology *t)
{
	if (!t)
		return NULL;
	for (unsigned i = 0; t->hosts && i < t->n_hosts; i++)
		free(t->hosts[i].links);
	free(t->hosts);
	free(t->networks);
	config_free(t->config);
	free(t);
	return NULL;
}
