#include "capture/talkers.h"

#include <errno.h>
#include <stdlib.h>

#include "capture/lru.h"
#include "capture/transport.h"
#include "wire/numbers.h"

struct key {
	uint8_t addr[16];
	uint16_t port;
	uint8_t addr_len;
	uint8_t proto;
	uint8_t serves;
	uint8_t zero[3];
};

struct talkers {
	struct lru *table; /* of struct talker */
	uint64_t others;
};

struct talkers *talkers_new(uint32_t max)
{
	struct talkers *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	/* Each packet needs two rows at a time. */
	t->table = lru_new(sizeof(struct key), sizeof(struct talker), MAX(max, 2u));
	return t->table ? t : talkers_free(t);
}

struct talkers *talkers_free(struct talkers *t)
{
	if (!t)
		return NULL;
	lru_free(t->table);
	free(t);
	return NULL;
}

static struct key key_of(const struct transport *t, bool source, uint16_t port, bool serves)
{
	struct key k = {
		.port = port,
		.addr_len = t->ends.addr_len,
		.proto = t->proto,
		.serves = serves,
	};

	memcpy(k.addr, source ? t->ends.src : t->ends.dst, k.addr_len);
	return k;
}

/* Whether the source serves: what was found before counts more than what the ports let guess. */
static bool source_serves(const struct talkers *t, const struct packet *p,
			  const struct transport *tr)
{
	struct key src = key_of(tr, true, tr->ends.src_port, true);
	struct key dst = key_of(tr, false, tr->ends.dst_port, true);
	bool src_known, dst_known;

	if (!tr->ends.src_port || tr->tcp_flags & TCP_FLAG_SYN)
		return transport_is_reply(p, tr);
	src_known = lru_find(t->table, &src);
	dst_known = lru_find(t->table, &dst);
	return src_known != dst_known ? src_known : transport_is_reply(p, tr);
}

static int count(struct talkers *t, const struct packet *p, const struct transport *tr,
		 const struct key *k, bool out)
{
	struct talker *row;
	bool new;

	row = lru_add(t->table, k, &new);
	if (!row)
		return -ENOMEM;
	if (new) {
		row->addr = k->addr_len == 4 ? addr_ip4(k->addr) : addr_ip6(k->addr);
		row->port = k->port;
		row->proto = k->proto;
		row->serves = k->serves;
		row->first_ns = p->frame->time_ns;
	}
	row->last_ns = p->frame->time_ns;
	if (tr->application)
		row->application = tr->application;
	*(out ? &row->packets_out : &row->packets_in) += 1;
	*(out ? &row->bytes_out : &row->bytes_in) += p->wire_len;
	return 0;
}

int talkers_add(struct talkers *t, const struct packet *p)
{
	struct transport tr;
	struct key src, dst;
	bool serves;
	uint16_t port;
	int err;

	if (!transport_of(p, &tr)) {
		t->others++;
		return 0;
	}
	serves = source_serves(t, p, &tr);
	port = serves ? tr.ends.src_port : tr.ends.dst_port;
	src = key_of(&tr, true, port, serves && port);
	dst = key_of(&tr, false, port, !serves && port);
	err = count(t, p, &tr, &src, true);
	return err < 0 ? err : count(t, p, &tr, &dst, false);
}

uint64_t talkers_evicted(const struct talkers *t)
{
	return lru_evicted(t->table);
}

uint64_t talkers_others(const struct talkers *t)
{
	return t->others;
}

/* Most bytes first, then by address and port. */
static int compare(const void *a, const void *b)
{
	const struct talker *x = *(const struct talker *const *)a;
	const struct talker *y = *(const struct talker *const *)b;
	uint64_t x_bytes = x->bytes_in + x->bytes_out, y_bytes = y->bytes_in + y->bytes_out;
	int order;

	if (x_bytes != y_bytes)
		return x_bytes < y_bytes ? 1 : -1;
	order = addr_cmp(&x->addr, &y->addr);
	return order ? order : (int)x->port - (int)y->port;
}

int64_t talkers_sorted(const struct talkers *t, const struct talker ***ret_talkers)
{
	const void **rows;
	int64_t n = lru_sorted(t->table, compare, &rows);

	if (n >= 0)
		*ret_talkers = (const struct talker **)rows;
	return n;
}
