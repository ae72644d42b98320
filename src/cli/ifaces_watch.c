/*
 * sonde ifaces --watch: changes as they happen. The kernel tells the new state of an object; what
 * was known before is kept as the text that people would see, so that a change that nobody sees (a
 * lifetime renewed, a neighbour used) is none.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <stdio.h>

#include "base/hash.h"
#include "cli/ifaces.h"
#include "cli/live.h"
#include "host/watch.h"
#include "io/clock.h"

#define MAX_KNOWN (1u << 20)

enum {
	TIME,
	OBJECT,
	EVENT,
	INTERFACE,
	SUBJECT,
	DETAIL,
	N_CHANGE,
};

static const struct out_column change_columns[] = {
	[TIME] = { "time", OUT_TIME, .about = "when it was noticed" },
	[OBJECT] = { "object", OUT_TEXT, .width = 9, .about = "link, address, route or neighbour" },
	[EVENT] = { "event", OUT_TEXT, .width = 7, .about = "new, changed or gone" },
	[INTERFACE] = { "interface", OUT_TEXT, .width = 15, .about = "the interface concerned" },
	[SUBJECT] = { "subject", OUT_TEXT, .width = 20, .about = "the address or destination" },
	[DETAIL] = { "detail", OUT_TEXT, .about = "what it is now, or was -> is" },
};

const struct out_type ifaces_change_type = { "change", change_columns, N_CHANGE, .live = true };

/* What identifies an object; unused bytes are zero. */
struct key {
	uint32_t what; /* HOST_WATCH_* */
	uint32_t ifindex;
	uint32_t family;
	uint8_t addr[16];
	uint32_t prefix_len;
};

/* Of a link each property has a place of its own. */
enum { STATE, OPERSTATE, NAME, MTU, MAC, MASTER, ALT_NAMES, ALIAS, N_PROPERTIES };

static const char *const property_names[N_PROPERTIES] = {
	[STATE] = "",	[OPERSTATE] = "operstate ", [NAME] = "name ",	  [MTU] = "mtu ",
	[MAC] = "mac ", [MASTER] = "master ",	    [ALT_NAMES] = "alt ", [ALIAS] = "alias ",
};

#define TEXT_SIZE 48

struct known {
	char text[N_PROPERTIES][TEXT_SIZE]; /* others than links use the first */
};

struct watch_run {
	struct live live;
	struct ifaces *x;
	struct host_watch *watch;
	struct hash *known;
	uint64_t n;
	bool learning; /* what is there already: nothing is printed */
	bool lost;     /* notifications, since the kernel's queue was full */
};

/* The name that the interface had last; @spare takes it. */
static const char *name_of(const struct watch_run *w, uint32_t ifindex,
			   char spare[static TEXT_SIZE])
{
	struct key key = { .what = HOST_WATCH_LINKS, .ifindex = ifindex };
	const struct known *known = hash_get(w->known, &key);

	if (!ifindex)
		return NULL;
	if (known)
		memcpy(spare, known->text[NAME], TEXT_SIZE);
	else
		snprintf(spare, TEXT_SIZE, "#%u", ifindex);
	return spare;
}

/* @interface may be NULL (a route to nowhere); so may @detail. */
static void record_change(struct watch_run *w, const char *object, const char *event,
			  const char *interface, const char *subject, const char *detail)
{
	uint64_t count = w->live.cmd->common.count;
	struct out_value row[N_CHANGE] = {
		[TIME] = out_ns(clock_wall_ns()), [OBJECT] = out_text(object),
		[EVENT] = out_text(event),	  [INTERFACE] = out_text(interface),
		[SUBJECT] = out_text(subject),	  [DETAIL] = out_text(detail),
	};

	if (w->learning || (count && w->n == count))
		return;
	out_record(w->live.cmd->out, &ifaces_change_type, row);
	if (++w->n == count)
		live_stop(&w->live, EXIT_YES);
}

/* A buffer over one property's text, which is zeroed: cut where it is too long, always ends in NUL.
 */
static struct buf text_in(char text[static TEXT_SIZE])
{
	return buf_in(text, TEXT_SIZE - 1);
}

static void describe_link(const struct watch_run *w, const struct host_link *link,
			  struct known *ret)
{
	char spare[TEXT_SIZE];
	const char *master = name_of(w, link->master, spare);
	struct buf b;

	*ret = (struct known){ 0 };
	snprintf(ret->text[STATE], TEXT_SIZE, "%s",
		 !host_link_is_up(link) ? "down"
		 : link->carrier	? "up"
					: "up without carrier");
	snprintf(ret->text[OPERSTATE], TEXT_SIZE, "%s", host_operstate_name(link->operstate));
	snprintf(ret->text[NAME], TEXT_SIZE, "%s", link->name);
	snprintf(ret->text[MTU], TEXT_SIZE, "%u", link->mtu);
	snprintf(ret->text[MASTER], TEXT_SIZE, "%s", master ? master : "none");
	snprintf(ret->text[ALIAS], TEXT_SIZE, "%s", link->alias ? link->alias : "none");
	b = text_in(ret->text[MAC]);
	buf_hex(&b, link->address.bytes, MIN(link->address.len, (uint8_t)15), ':');
	b = text_in(ret->text[ALT_NAMES]);
	for (const char *alt = NULL; (alt = host_link_alt_name(link, alt));)
		buf_printf(&b, "%s%s", b.len ? " " : "", alt);
	if (!link->n_alt_names)
		buf_lit(&b, "none");
}

/* "up -> down, mtu 1500 -> 1400" */
static void describe_difference(const struct known *was, const struct known *is, struct buf *b)
{
	for (int i = 0; i < N_PROPERTIES; i++) {
		if (!strcmp(was->text[i], is->text[i]))
			continue;
		if (b->len)
			buf_lit(b, ", ");
		buf_str(b, property_names[i]);
		buf_str(b, was->text[i]);
		buf_lit(b, " -> ");
		buf_str(b, is->text[i]);
	}
}

/* One object as it is now: new, changed in what people see, or as before. */
struct sighting {
	struct key key;
	const char *object, *subject, *detail;
	struct known is;
	bool gone;
	bool wanted; /* else it is only remembered */
};

static void compare(struct watch_run *w, const struct sighting *s)
{
	char difference[640], interface[TEXT_SIZE];
	const char *name = name_of(w, s->key.ifindex, interface), *event = "new";
	struct buf b = buf_in(difference, sizeof(difference) - 1);
	struct known *known;
	void *value;
	int added;

	if (s->gone) {
		if (hash_remove(w->known, &s->key) && s->wanted)
			record_change(w, s->object, "gone", name, s->subject, NULL);
		return;
	}
	added = hash_put(w->known, &s->key, &value);
	if (added < 0) /* more than are kept */
		return;
	known = value;
	if (!added) {
		event = "changed";
		describe_difference(known, &s->is, &b);
	}
	*known = s->is;
	if (s->key.what == HOST_WATCH_LINKS)
		name = s->is.text[NAME];
	if (s->wanted && (added || b.len))
		record_change(w, s->object, event, name, s->subject,
			      added ? s->detail : buf_cstr(&b));
}

static void on_link(struct watch_run *w, const struct host_link *link, bool gone)
{
	struct sighting s = { .key = { .what = HOST_WATCH_LINKS, .ifindex = link->index },
			      .object = "link",
			      .gone = gone,
			      .wanted = ifaces_wants(w->x, link->index) };
	char detail[160];

	describe_link(w, link, &s.is);
	snprintf(detail, sizeof(detail), "%s, %s, mtu %s, mac %s", host_link_kind(link),
		 s.is.text[STATE], s.is.text[MTU], s.is.text[MAC][0] ? s.is.text[MAC] : "none");
	s.detail = detail;
	compare(w, &s);
}

static void on_address(struct watch_run *w, const struct host_address *a, bool gone)
{
	struct sighting s = { .key = { .what = HOST_WATCH_ADDRESSES,
				       .ifindex = a->ifindex,
				       .family = a->prefix.addr.family,
				       .prefix_len = a->prefix.len },
			      .object = "address",
			      .gone = gone,
			      .wanted = ifaces_wants(w->x, a->ifindex) &&
					ifaces_wants_family(w->x, a->prefix.addr.family) };
	char subject[64];
	struct buf b = buf_in(subject, sizeof(subject));

	memcpy(s.key.addr, a->prefix.addr.bytes, sizeof(s.key.addr));
	buf_prefix(&b, &a->prefix);
	s.subject = buf_cstr(&b);
	snprintf(s.is.text[0], TEXT_SIZE, "%s",
		 a->flags & IFA_F_DADFAILED    ? "duplicate"
		 : a->flags & IFA_F_TENTATIVE  ? "tentative"
		 : a->flags & IFA_F_DEPRECATED ? "deprecated"
					       : "ready");
	s.detail = s.is.text[0];
	compare(w, &s);
}

static void on_neighbour(struct watch_run *w, const struct host_neighbour *n, bool gone)
{
	struct sighting s = { .key = { .what = HOST_WATCH_NEIGHBOURS,
				       .ifindex = n->ifindex,
				       .family = n->addr.family },
			      .object = "neighbour",
			      .gone = gone,
			      .wanted = ifaces_wants(w->x, n->ifindex) &&
					ifaces_wants_family(w->x, n->addr.family) };
	char subject[64];
	struct buf b = buf_in(subject, sizeof(subject));

	if (n->state & NUD_NOARP)
		return;
	memcpy(s.key.addr, n->addr.bytes, sizeof(s.key.addr));
	buf_addr(&b, &n->addr);
	s.subject = buf_cstr(&b);
	b = text_in(s.is.text[0]);
	buf_str(&b, host_neighbour_state_name(n->state));
	if (n->address.len) {
		buf_char(&b, ' ');
		buf_hex(&b, n->address.bytes, MIN(n->address.len, (uint8_t)8), ':');
	}
	if (n->router)
		buf_lit(&b, " router");
	s.detail = s.is.text[0];
	compare(w, &s);
}

static bool wants_route(const struct watch_run *w, const struct host_routes *one)
{
	if (!ifaces_wants_family(w->x, one->items[0].to.addr.family))
		return false;
	for (size_t i = 0; i < one->n_hops; i++)
		if (ifaces_wants(w->x, one->hops[i].ifindex))
			return true;
	return !w->x->n_named;
}

/* Routes are not remembered: there may be a million, and one that changes is replaced. */
static void on_route(struct watch_run *w, const struct host_routes *one, bool gone)
{
	const struct host_route *r = &one->items[0];
	char subject[64], detail[256], interface[TEXT_SIZE], type[16], table[16];
	struct buf to = buf_in(subject, sizeof(subject)), b = buf_in(detail, sizeof(detail));

	if (!wants_route(w, one))
		return;
	buf_prefix(&to, &r->to);
	buf_printf(&b, "%s, table %s, metric %u",
		   ifaces_number_name(host_route_type_name(r->type), r->type, type),
		   ifaces_table_name(r->table, table), r->metric);
	for (size_t i = 0; i < MIN(one->n_hops, (size_t)3); i++) {
		if (!one->hops[i].gateway.family)
			continue;
		buf_lit(&b, ", via ");
		buf_addr(&b, &one->hops[i].gateway);
	}
	record_change(w, "route", gone ? "gone" : "new",
		      name_of(w, one->n_hops ? one->hops[0].ifindex : 0, interface), buf_cstr(&to),
		      buf_cstr(&b));
}

static void on_change(const struct host_change *change, void *arg)
{
	struct watch_run *w = arg;

	if (!change->what)
		w->lost = true;
	else if (change->link)
		on_link(w, change->link, change->gone);
	else if (change->address)
		on_address(w, change->address, change->gone);
	else if (change->neighbour)
		on_neighbour(w, change->neighbour, change->gone);
	else
		on_route(w, change->route, change->gone);
}

/* Reads what there is now, so that later changes have something to be compared with. */
static int learn(struct watch_run *w)
{
	struct host_addresses CLEANUP(host_addresses_done) addresses = { 0 };
	struct host_neighbours CLEANUP(host_neighbours_done) neighbours = { 0 };
	int err = host_links_list(w->x->nl, &w->x->links);

	if (!err)
		err = host_addresses_list(w->x->nl, 0, &addresses);
	if (!err)
		err = host_neighbours_list(w->x->nl, 0, &neighbours);
	if (err)
		return err;
	w->learning = true;
	hash_clear(w->known);
	/* Twice: a master's name may stand behind its ports. */
	for (size_t i = 0; i < 2 * w->x->links.n; i++)
		on_link(w, &w->x->links.items[i % w->x->links.n], false);
	for (size_t i = 0; i < addresses.n; i++)
		on_address(w, &addresses.items[i], false);
	for (size_t i = 0; i < neighbours.n; i++)
		on_neighbour(w, &neighbours.items[i], false);
	w->learning = false;
	return 0;
}

static void on_readable(struct live *live)
{
	struct watch_run *w = container_of(live, struct watch_run, live);
	int err = host_watch_dispatch(w->watch);

	if (!err && w->lost) {
		w->lost = false;
		command_notes(live->cmd, "more changed at once than the kernel could tell; "
					 "some changes are missing here");
		err = learn(w);
	}
	if (err)
		live_stop(live, ifaces_cannot(w->x, "changes", err));
	else if (out_flush(live->cmd->out) < 0)
		live_stop(live, EXIT_YES);
}

int ifaces_watch(struct ifaces *x)
{
	struct watch_run w = { .live = { .cmd = x->cmd, .readable = on_readable }, .x = x };
	int err = host_watch_new(HOST_WATCH_ALL, on_change, &w, &w.watch), status;

	w.known = hash_new(sizeof(struct key), sizeof(struct known), MAX_KNOWN);
	if (!err && !w.known)
		err = -ENOMEM;
	if (!err)
		err = learn(&w);
	if (err) {
		status = ifaces_cannot(x, "changes", err);
	} else {
		w.live.fd = host_watch_fd(w.watch);
		status = live_run(&w.live);
	}
	hash_free(w.known);
	host_watch_free(w.watch);
	return status;
}
