#include "capture/flows.h"

#include <errno.h>
#include <stdlib.h>

#include "capture/lru.h"
#include "capture/transport.h"
#include "wire/numbers.h"
#include "wire/tcp.h"
#include "wire/udp.h"

struct key {
	uint8_t addr[2][16];
	uint16_t port[2];
	uint32_t stream; /* 1 + tcp.stream, 0: unknown */
	uint8_t addr_len;
	uint8_t proto;
	uint8_t zero[2];
};

struct row {
	struct flow flow;
	bool swapped; /* flow.ends[0] is the key's second */
};

struct flows {
	struct lru *table;
	uint64_t others;
};

struct flows *flows_new(uint32_t max)
{
	struct flows *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->table = lru_new(sizeof(struct key), sizeof(struct row), max);
	return f->table ? f : flows_free(f);
}

struct flows *flows_free(struct flows *f)
{
	if (!f)
		return NULL;
	lru_free(f->table);
	free(f);
	return NULL;
}

/* The facts about the TCP segment in @p or the datagram that it completed. */
static const struct tcp_facts *facts_of(const struct packet *p)
{
	while (!p->tcp && p->more && p->fragments)
		p = p->more;
	return p->tcp;
}

/* Returns the side of the key that is the source. */
static unsigned key_of(struct key *k, const struct transport *t, const struct tcp_facts *facts)
{
	const struct ends *e = &t->ends;
	int order = memcmp(e->src, e->dst, e->addr_len);
	unsigned side = order ? order > 0 : e->src_port > e->dst_port;

	*k = (struct key){
		.stream = facts ? facts->stream + 1 : 0,
		.addr_len = e->addr_len,
		.proto = t->proto,
	};
	memcpy(k->addr[side], e->src, e->addr_len);
	memcpy(k->addr[!side], e->dst, e->addr_len);
	k->port[side] = e->src_port;
	k->port[!side] = e->dst_port;
	return side;
}

static struct endpoint end_of(const struct key *k, unsigned side)
{
	return (struct endpoint){
		.addr = k->addr_len == 4 ? addr_ip4(k->addr[side]) : addr_ip6(k->addr[side]),
		.port = k->port[side],
	};
}

static void begin(struct row *r, const struct packet *p, const struct transport *t,
		  const struct key *k, unsigned side, const struct tcp_facts *facts)
{
	bool reply = t->ends.src_port && transport_is_reply(p, t);
	const struct udp_facts *datagram = p->udp;

	for (const struct packet *more = p->more; !datagram && more && p->fragments;
	     more = more->more)
		datagram = more->udp;

	r->swapped = reply ? !side : side;
	r->flow = (struct flow){
		.ends = { end_of(k, r->swapped), end_of(k, !r->swapped) },
		.proto = t->proto,
		.has_stream = facts || datagram,
		.stream = facts	     ? facts->stream
			  : datagram ? datagram->stream
				     : 0,
		.first_ns = p->frame->time_ns,
		.last_ns = p->frame->time_ns,
	};
}

/* The state after a segment of end @from. */
static void advance(struct flow *f, const struct transport *t, unsigned from, int64_t now_ns)
{
	uint8_t flags = t->tcp_flags;

	if (flags & TCP_FLAG_RST) {
		f->state = f->state == FLOW_ASKED && from == 1 ? FLOW_REFUSED
			   : f->state == FLOW_CLOSED	       ? FLOW_CLOSED
							       : FLOW_RESET;
	} else if (flags & TCP_FLAG_SYN && !(flags & TCP_FLAG_ACK)) {
		f->state = FLOW_ASKED;
		f->syn_ns = now_ns;
		f->closed = 0;
	} else if (flags & TCP_FLAG_SYN) {
		if (f->state <= FLOW_ASKED)
			f->state = FLOW_ANSWERED;
	} else if (f->state == FLOW_ANSWERED && from == 0) {
		f->state = FLOW_ESTABLISHED;
		if (!f->rtt_ns && f->syn_ns)
			f->rtt_ns = now_ns - f->syn_ns;
	} else if (f->state == FLOW_NONE) {
		f->state = FLOW_OPEN;
	}
	if (flags & TCP_FLAG_FIN) {
		f->closed |= 1u << from;
		f->state = f->closed == 3 ? FLOW_CLOSED : FLOW_CLOSING;
	}
}

int flows_add(struct flows *f, const struct packet *p)
{
	const struct tcp_facts *facts = facts_of(p);
	struct transport t;
	struct key k;
	struct row *r;
	unsigned side, from;
	bool new;

	if (!transport_of(p, &t)) {
		f->others++;
		return 0;
	}
	side = key_of(&k, &t, facts);
	r = lru_add(f->table, &k, &new);
	if (!r)
		return -ENOMEM;
	if (new)
		begin(r, p, &t, &k, side, facts);
	from = side != r->swapped;
	r->flow.last_ns = MAX(r->flow.last_ns, p->frame->time_ns);
	r->flow.first_ns = MIN(r->flow.first_ns, p->frame->time_ns);
	r->flow.packets[from]++;
	r->flow.bytes[from] += p->wire_len;
	if (t.application)
		r->flow.application = t.application;
	if (t.proto == PROTOCOL_TCP)
		advance(&r->flow, &t, from, p->frame->time_ns);
	return 0;
}

uint64_t flows_evicted(const struct flows *f)
{
	return lru_evicted(f->table);
}

uint64_t flows_others(const struct flows *f)
{
	return f->others;
}

/* Most bytes first, then the oldest. */
static int compare(const void *a, const void *b)
{
	const struct flow *x = &(*(const struct row *const *)a)->flow;
	const struct flow *y = &(*(const struct row *const *)b)->flow;
	uint64_t x_bytes = x->bytes[0] + x->bytes[1], y_bytes = y->bytes[0] + y->bytes[1];

	if (x_bytes != y_bytes)
		return x_bytes < y_bytes ? 1 : -1;
	return x->first_ns < y->first_ns ? -1 : x->first_ns > y->first_ns;
}

int64_t flows_sorted(const struct flows *f, const struct flow ***ret_flows)
{
	_Static_assert(offsetof(struct row, flow) == 0, "a row begins with its flow");
	const void **rows;
	int64_t n = lru_sorted(f->table, compare, &rows);

	if (n >= 0)
		*ret_flows = (const struct flow **)rows;
	return n;
}

const char *flow_state_name(uint8_t state)
{
	static const char *const names[] = {
		[FLOW_NONE] = "",
		[FLOW_ASKED] = "asked",
		[FLOW_ANSWERED] = "answered",
		[FLOW_REFUSED] = "refused",
		[FLOW_ESTABLISHED] = "established",
		[FLOW_OPEN] = "open",
		[FLOW_CLOSING] = "closing",
		[FLOW_CLOSED] = "closed",
		[FLOW_RESET] = "reset",
	};

	return names[state];
}
