/*
 * From the YAML document, whose keys and types io/config.h has checked, to struct monitor_config:
 * what is absent gets its default, what the schema cannot say is checked here, and every fault
 * names the line.
 */
#include "monitor/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/config.h"
#include "monitor/config_values.h"

#define MAX_CONFIG_HOSTS   4096
#define MAX_LIST	   256
#define MAX_SWEEP	   (1u << 20) /* addresses of one network */
#define MAX_UNASKED_GLOBAL 256
#define MIN_TOKEN_LEN	   16
#define DAY_NS		   (86400 * NS_PER_S)

/* The file as libcyaml fills it: absent values are NULL or 0. */
struct file_network {
	char *name, *prefix, *iface, *discover;
	char **exclude;
	unsigned n_exclude;
	bool authorized;
};

struct file_host {
	char *name, *address, *note;
};

struct file_degraded {
	char *loss, *latency;
};

struct file_store {
	char *path, *samples, *minutes, *hours, *events;
};

struct file_tls {
	char *cert, *key;
};

struct file_web {
	bool *enabled;
	char *listen, *token, *token_file;
	struct file_tls *tls;
	char **allowed_hosts;
	unsigned n_allowed_hosts;
	bool behind_proxy;
};

struct file {
	char *name;
	struct file_network *networks;
	unsigned n_networks;
	struct file_host *hosts;
	unsigned n_hosts;
	char *every, *timeout, *spacing, *forget;
	uint32_t *burst, *rate, *up, *down, *max_hosts;
	struct file_degraded *degraded;
	bool names;
	struct file_store *store;
	struct file_web *web;
};

#define OPTIONAL	   (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT(s, m)	   CYAML_FIELD_STRING_PTR(#m, OPTIONAL, struct s, m, 1, 4096)
#define NEED(s, m)	   CYAML_FIELD_STRING_PTR(#m, CYAML_FLAG_POINTER, struct s, m, 1, 4096)
#define COUNT(s, m)	   CYAML_FIELD_UINT_PTR(#m, OPTIONAL, struct s, m)
#define FLAG(s, m)	   CYAML_FIELD_BOOL(#m, CYAML_FLAG_OPTIONAL, struct s, m)
#define LIST(s, m, v, max) CYAML_FIELD_SEQUENCE_COUNT(#m, OPTIONAL, struct s, m, n_##m, v, 0, max)

static const struct cyaml_schema_value text_value = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char,
									 1, 4096) };

static const struct cyaml_schema_field network_fields[] = {
	NEED(file_network, name),
	NEED(file_network, prefix),
	TEXT(file_network, iface),
	TEXT(file_network, discover),
	LIST(file_network, exclude, &text_value, MAX_LIST),
	FLAG(file_network, authorized),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_value network_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct file_network, network_fields) };

static const struct cyaml_schema_field host_fields[] = {
	TEXT(file_host, name),
	NEED(file_host, address),
	TEXT(file_host, note),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_value host_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct file_host, host_fields) };

static const struct cyaml_schema_field degraded_fields[] = {
	TEXT(file_degraded, loss),
	TEXT(file_degraded, latency),
	CYAML_FIELD_END,
};

static const struct cyaml_schema_field store_fields[] = {
	TEXT(file_store, path),	 TEXT(file_store, samples), TEXT(file_store, minutes),
	TEXT(file_store, hours), TEXT(file_store, events),  CYAML_FIELD_END,
};

static const struct cyaml_schema_field tls_fields[] = {
	NEED(file_tls, cert),
	NEED(file_tls, key),
	CYAML_FIELD_END,
};

static const struct cyaml_schema_field web_fields[] = {
	CYAML_FIELD_BOOL_PTR("enabled", OPTIONAL, struct file_web, enabled),
	TEXT(file_web, listen),
	TEXT(file_web, token),
	TEXT(file_web, token_file),
	CYAML_FIELD_MAPPING_PTR("tls", OPTIONAL, struct file_web, tls, tls_fields),
	LIST(file_web, allowed_hosts, &text_value, MAX_LIST),
	FLAG(file_web, behind_proxy),
	CYAML_FIELD_END,
};

static const struct cyaml_schema_field file_fields[] = {
	TEXT(file, name),
	LIST(file, networks, &network_value, PRESENCE_MAX_NETWORKS),
	LIST(file, hosts, &host_value, MAX_CONFIG_HOSTS),
	TEXT(file, every),
	TEXT(file, timeout),
	TEXT(file, spacing),
	TEXT(file, forget),
	COUNT(file, burst),
	COUNT(file, rate),
	COUNT(file, up),
	COUNT(file, down),
	COUNT(file, max_hosts),
	CYAML_FIELD_MAPPING_PTR("degraded", OPTIONAL, struct file, degraded, degraded_fields),
	FLAG(file, names),
	CYAML_FIELD_MAPPING_PTR("store", OPTIONAL, struct file, store, store_fields),
	CYAML_FIELD_MAPPING_PTR("web", OPTIONAL, struct file, web, web_fields),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_value file_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_POINTER, struct file, file_fields) };

/* One loading: where faults go, and the first error, after which nothing else is done. */
struct load {
	struct config *doc;
	const struct file *file;
	struct monitor_config *config;
	struct fault *fault;
	int err;
};

static void PRINTF(3, 4) refuse(struct load *l, const char *at, const char *format, ...)
{
	char text[sizeof(l->fault->text)];
	va_list args;

	if (l->err)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	l->err = config_fault(l->doc, l->fault, at, "%s", text);
}

/* A parser's verdict on the value at @at. */
static void check(struct load *l, const char *at, int err, const struct fault *fault)
{
	if (err >= 0 || l->err)
		return;
	if (err == -E_SYNTAX)
		refuse(l, at, "%s", fault->text);
	else
		l->err = err;
}

/* Text with ${NAME} expanded, owned; @fallback (may be NULL) when it is absent. */
static char *take_text(struct load *l, const char *at, const char *text, const char *fallback)
{
	struct fault fault;
	char *expanded = NULL;

	if (l->err || (!text && !fallback))
		return NULL;
	if (text) {
		check(l, at, value_expand(text, &expanded, &fault), &fault);
	} else {
		expanded = strdup(fallback);
		if (!expanded)
			l->err = -ENOMEM;
	}
	return expanded;
}

static uint64_t take_duration(struct load *l, const char *at, const char *text, uint64_t fallback,
			      uint64_t min, uint64_t max)
{
	struct fault fault;
	uint64_t ns = fallback;

	if (l->err || !text)
		return fallback;
	check(l, at, value_duration(text, &ns, &fault), &fault);
	if (!l->err && (ns < min || ns > max))
		refuse(l, at, "'%s' is out of range: expected %g s to %g s", text,
		       (double)min / (double)NS_PER_S, (double)max / (double)NS_PER_S);
	return ns;
}

static unsigned take_count(struct load *l, const char *at, const uint32_t *value, unsigned fallback,
			   unsigned min, unsigned max)
{
	if (l->err || !value)
		return fallback;
	if (*value < min || *value > max)
		refuse(l, at, "%u is out of range: expected %u to %u", *value, min, max);
	return *value;
}

static unsigned take_days(struct load *l, const char *at, const char *text)
{
	uint64_t ns = take_duration(l, at, text, 0, DAY_NS, 36500 * DAY_NS);

	if (ns % DAY_NS)
		refuse(l, at, "'%s' is not a number of whole days, like 30d", text);
	return (unsigned)(ns / DAY_NS);
}

/* The set that a sweep covers. NULL: none, or an error. */
static struct targets *take_targets(struct load *l, unsigned i, const struct file_network *from,
				    const struct prefix *prefix)
{
	struct targets *all = targets_new(), *without = targets_new();
	struct fault fault;
	char at[64];

	if (!all || !without || targets_add_prefix(all, prefix) < 0)
		l->err = -ENOMEM;
	for (unsigned k = 0; k < from->n_exclude && !l->err; k++) {
		snprintf(at, sizeof(at), "networks[%u].exclude[%u]", i, k);
		if (strchr("@-", from->exclude[k][0])) /* no further files, nor standard input */
			refuse(l, at, "expected addresses, not '%.40s'", from->exclude[k]);
		else
			check(l, at, targets_parse(without, from->exclude[k], &fault), &fault);
		if (!l->err && targets_n_names(without))
			refuse(l, at, "expected addresses, not a name: '%.40s'", from->exclude[k]);
	}
	if (!l->err)
		l->err = targets_exclude(all, without);
	snprintf(at, sizeof(at), "networks[%u].prefix", i);
	if (!l->err && targets_count(all) > MAX_SWEEP) {
		if (prefix->addr.family == AF_INET)
			refuse(l, at,
			       "too large to be swept: at most %u addresses; with `discover: 0` "
			       "hosts are found as they speak",
			       MAX_SWEEP);
		all = targets_free(all);
	}
	if (all && !l->err && !from->authorized && targets_global_exceed(all, MAX_UNASKED_GLOBAL))
		refuse(l, at,
		       "more than %u public addresses: set `authorized: true` if their owner "
		       "agrees",
		       MAX_UNASKED_GLOBAL);
	targets_free(without);
	return l->err ? targets_free(all) : all;
}

static void take_network(struct load *l, unsigned i)
{
	const struct file_network *from = &l->file->networks[i];
	struct monitor_config_network *to = &l->config->networks[i];
	struct fault fault;
	char at[64], *prefix;

	snprintf(at, sizeof(at), "networks[%u].name", i);
	to->name = take_text(l, at, from->name, NULL);
	for (unsigned k = 0; k < i && !l->err; k++) {
		if (!strcmp(l->config->networks[k].name, to->name))
			refuse(l, at, "there are two networks '%.40s'", to->name);
	}
	snprintf(at, sizeof(at), "networks[%u].iface", i);
	to->iface = take_text(l, at, from->iface, NULL);
	snprintf(at, sizeof(at), "networks[%u].discover", i);
	to->discover_ns = take_duration(l, at, from->discover, 60 * NS_PER_S, 0, 86400 * NS_PER_S);
	snprintf(at, sizeof(at), "networks[%u].prefix", i);
	prefix = take_text(l, at, from->prefix, NULL);
	if (prefix) {
		check(l, at, prefix_parse(prefix, strlen(prefix), &to->prefix, &fault), &fault);
		free(prefix);
	}
	if (!l->err && to->discover_ns)
		to->targets = take_targets(l, i, from, &to->prefix);
}

static void take_host(struct load *l, unsigned i)
{
	const struct file_host *from = &l->file->hosts[i];
	struct monitor_config_host *to = &l->config->hosts[i];
	struct fault fault;
	char at[64], *address;

	snprintf(at, sizeof(at), "hosts[%u].name", i);
	to->name = take_text(l, at, from->name, NULL);
	snprintf(at, sizeof(at), "hosts[%u].note", i);
	to->note = take_text(l, at, from->note, NULL);
	snprintf(at, sizeof(at), "hosts[%u].address", i);
	address = take_text(l, at, from->address, NULL);
	if (!address)
		return;
	check(l, at, addr_parse(address, strlen(address), &to->addr, &fault), &fault);
	free(address);
	for (unsigned k = 0; k < i && !l->err; k++) {
		if (addr_eq(&l->config->hosts[k].addr, &to->addr))
			refuse(l, at, "this address is there twice");
	}
}

static void take_lists(struct load *l)
{
	const struct file *f = l->file;
	struct monitor_config *c = l->config;

	if (!f->n_networks && !f->n_hosts) {
		refuse(l, "", "nothing to watch: expected `networks` or `hosts`");
		return;
	}
	c->networks = calloc(MAX(f->n_networks, 1u), sizeof(*c->networks));
	c->hosts = calloc(MAX(f->n_hosts, 1u), sizeof(*c->hosts));
	if (!c->networks || !c->hosts) {
		l->err = -ENOMEM;
		return;
	}
	for (; c->n_networks < f->n_networks && !l->err; c->n_networks++)
		take_network(l, c->n_networks);
	for (; c->n_hosts < f->n_hosts && !l->err; c->n_hosts++)
		take_host(l, c->n_hosts);
}

static void take_rounds(struct load *l)
{
	const struct file_degraded none = { 0 }, *degraded;
	const struct file *f = l->file;
	struct monitor_config *c = l->config;
	struct fault fault;
	uint64_t lasts_ns;

	c->every_ns = take_duration(l, "every", f->every, 10 * NS_PER_S, NS_PER_S, 3600 * NS_PER_S);
	c->timeout_ns =
		take_duration(l, "timeout", f->timeout, NS_PER_S, 10 * NS_PER_MS, 60 * NS_PER_S);
	c->spacing_ns =
		take_duration(l, "spacing", f->spacing, 200 * NS_PER_MS, NS_PER_MS, 60 * NS_PER_S);
	c->burst = take_count(l, "burst", f->burst, 5, 1, PRESENCE_MAX_BURST);
	c->rate = take_count(l, "rate", f->rate, 1000, 1, 10000000);
	c->up = take_count(l, "up", f->up, 2, 1, 1000);
	c->down = take_count(l, "down", f->down, 3, 1, 1000);
	c->max_hosts = take_count(l, "max_hosts", f->max_hosts, 4096, 1, 65536);
	/* ARP twice, then the burst, each waited for */
	lasts_ns = (c->burst - 1) * c->spacing_ns + 3 * c->timeout_ns;
	if (lasts_ns > c->every_ns)
		refuse(l,
		       f->every	    ? "every"
		       : f->burst   ? "burst"
		       : f->spacing ? "spacing"
				    : "timeout",
		       "a round may last %g s, longer than `every` (%g s): ARP twice, then %u echo "
		       "requests at %g s, each waited for %g s",
		       (double)lasts_ns / (double)NS_PER_S, (double)c->every_ns / (double)NS_PER_S,
		       c->burst, (double)c->spacing_ns / (double)NS_PER_S,
		       (double)c->timeout_ns / (double)NS_PER_S);
	c->forget_ns = take_duration(l, "forget", f->forget, 30 * DAY_NS, 0, 36500 * DAY_NS);
	degraded = f->degraded ? f->degraded : &none;
	c->degraded_loss = 0.1;
	if (degraded->loss && !l->err)
		check(l, "degraded.loss", value_percent(degraded->loss, &c->degraded_loss, &fault),
		      &fault);
	c->degraded_rtt_ns = take_duration(l, "degraded.latency", degraded->latency,
					   500 * NS_PER_MS, 0, 60 * NS_PER_S);
	c->resolve_names = f->names;
}

static void take_store(struct load *l)
{
	const struct file_store none = { 0 }, *from = l->file->store ? l->file->store : &none;
	struct monitor_config_store *to = &l->config->store;

	to->path = take_text(l, "store.path", from->path, "/var/lib/sonde/monitor.db");
	to->samples_days = take_days(l, "store.samples", from->samples);
	to->minutes_days = take_days(l, "store.minutes", from->minutes);
	to->hours_days = take_days(l, "store.hours", from->hours);
	to->events_days = take_days(l, "store.events", from->events);
}

/* "127.0.0.1:8080", "[::1]:8080" */
static void take_endpoint(struct load *l, const char *text, struct endpoint *ret_endpoint)
{
	const char *colon = strrchr(text, ':'), *end = colon, *start = text;
	struct addr addr;
	unsigned port = 0;

	if (colon && *start == '[' && colon > start && colon[-1] == ']') {
		start++;
		end--;
	} else if (colon != strchr(text, ':')) {
		colon = NULL; /* an IPv6 address without brackets */
	}
	for (const char *p = colon ? colon + 1 : ""; *p && port < 65536; p++)
		port = *p >= '0' && *p <= '9' ? port * 10 + (unsigned)(*p - '0') : 65536;
	if (!colon || !colon[1] || port > 65535 ||
	    addr_parse(start, (size_t)(end - start), &addr, NULL) < 0) {
		refuse(l, "web.listen",
		       "'%.60s' is not an address with a port, like "
		       "127.0.0.1:8080 or [::1]:8080",
		       text);
		return;
	}
	*ret_endpoint = (struct endpoint){ .addr = addr, .port = (uint16_t)port };
}

static void take_token(struct load *l, const struct file_web *from)
{
	struct monitor_config_web *to = &l->config->web;
	const char *at = from->token ? "web.token" : "web.token_file";
	struct fault fault;
	char *path;

	if (from->token && from->token_file)
		refuse(l, "web.token_file", "`token` is there already: one of the two");
	to->token = take_text(l, at, from->token, NULL);
	path = take_text(l, at, from->token_file, NULL);
	if (path) {
		check(l, at, value_secret_file(path, &to->token, &fault), &fault);
		free(path);
	}
	if (to->token && strlen(to->token) < MIN_TOKEN_LEN)
		refuse(l, at,
		       "the token is shorter than %u characters; make one with: openssl rand "
		       "-hex 16",
		       MIN_TOKEN_LEN);
}

static void take_web(struct load *l)
{
	const struct file_tls no_tls = { 0 }, *tls;
	const struct file_web none = { 0 }, *from = l->file->web ? l->file->web : &none;
	struct monitor_config_web *to = &l->config->web;
	char at[64], *listen;

	to->enabled = !from->enabled || *from->enabled;
	to->behind_proxy = from->behind_proxy;
	listen = take_text(l, "web.listen", from->listen, "127.0.0.1:8080");
	if (listen)
		take_endpoint(l, listen, &to->listen);
	free(listen);
	take_token(l, from);
	tls = from->tls ? from->tls : &no_tls;
	to->tls_cert = take_text(l, "web.tls.cert", tls->cert, NULL);
	to->tls_key = take_text(l, "web.tls.key", tls->key, NULL);
	to->allowed_hosts = calloc(from->n_allowed_hosts + 1, sizeof(char *));
	if (!to->allowed_hosts)
		l->err = -ENOMEM;
	for (; to->n_allowed_hosts < from->n_allowed_hosts && !l->err; to->n_allowed_hosts++) {
		snprintf(at, sizeof(at), "web.allowed_hosts[%u]", to->n_allowed_hosts);
		to->allowed_hosts[to->n_allowed_hosts] =
			take_text(l, at, from->allowed_hosts[to->n_allowed_hosts], NULL);
	}
	if (l->err || !to->enabled || addr_is_loopback(&to->listen.addr))
		return;
	if (!to->token)
		refuse(l, "web.listen",
		       "others could reach the page: set `token_file`, or listen on "
		       "127.0.0.1");
	else if (!to->tls_cert && !to->behind_proxy)
		refuse(l, "web.listen",
		       "the token would cross the network in the clear: set `tls`, "
		       "or `behind_proxy: true` if a proxy ends TLS");
}

int monitor_config_load(const char *path, struct monitor_config **ret_config, struct fault *fault)
{
	struct load l = { .fault = fault };
	struct fault ignored;

	if (!fault)
		l.fault = &ignored;
	l.err = config_load(path, &file_value, &l.doc, l.fault);
	if (l.err < 0)
		return l.err;
	l.file = config_data(l.doc);
	l.config = calloc(1, sizeof(*l.config));
	if (!l.config) {
		config_free(l.doc);
		return -ENOMEM;
	}
	l.config->name = take_text(&l, "name", l.file->name, "sonde");
	take_lists(&l);
	take_rounds(&l);
	take_store(&l);
	take_web(&l);
	config_free(l.doc);
	if (l.err == -ENOMEM)
		fault_set(l.fault, 0, "%s: out of memory", path);
	if (l.err < 0) {
		monitor_config_free(l.config);
		return l.err;
	}
	*ret_config = l.config;
	return 0;
}

struct monitor_config *monitor_config_free(struct monitor_config *config)
{
	if (!config)
		return NULL;
	/* The counts stand on the entry that was not finished, which is zeroed or whole. */
	for (unsigned i = 0; config->networks && i < config->n_networks; i++) {
		free(config->networks[i].name);
		free(config->networks[i].iface);
		targets_free(config->networks[i].targets);
	}
	for (unsigned i = 0; config->hosts && i < config->n_hosts; i++) {
		free(config->hosts[i].name);
		free(config->hosts[i].note);
	}
	for (unsigned i = 0; i < config->web.n_allowed_hosts; i++)
		free(config->web.allowed_hosts[i]);
	free(config->networks);
	free(config->hosts);
	free(config->name);
	free(config->store.path);
	free(config->web.token);
	free(config->web.tls_cert);
	free(config->web.tls_key);
	free(config->web.allowed_hosts);
	free(config);
	return NULL;
}
