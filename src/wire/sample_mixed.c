#include "wire/sample_mixed.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire/numbers.h"

#define N_FLOWS	    4096
#define SEGMENT_MAX 1400

enum kind { WEB, TLS, BULK };

/* A connection, and where it is in its life. */
struct flow {
	enum kind kind;
	bool ip6;
	uint8_t client, server; /* last byte of the address */
	uint16_t port;		/* the client's */
	uint32_t next[2];	/* sequence number of the client's, the server's next byte */
	unsigned step;		/* 0 SYN, 1 SYN-ACK, 2 ACK, then data, at last FINs */
	unsigned n_data;	/* segments of data that it will have */
	bool closing;
};

struct sample_mixed {
	struct random rng;
	struct flow flows[N_FLOWS];
	struct craft *craft;
	int err; /* the first */
};

/* Errors stick: whoever builds a packet asks once. */
static void keep(struct sample_mixed *m, int err)
{
	if (err < 0 && !m->err)
		m->err = err;
}

static void layer(struct sample_mixed *m, const char *name)
{
	keep(m, craft_layer(m->craft, name, NULL));
}

static void number(struct sample_mixed *m, const char *name, uint64_t value)
{
	keep(m, craft_uint(m->craft, name, value, NULL));
}

static void text(struct sample_mixed *m, const char *name, const char *value)
{
	keep(m, craft_text(m->craft, name, value, NULL));
}

static void payload(struct sample_mixed *m, const void *bytes, size_t len)
{
	keep(m, craft_payload(m->craft, bytes, len));
}

static unsigned below(struct sample_mixed *m, unsigned n)
{
	return (unsigned)random_below(&m->rng, n);
}

static void addresses(struct sample_mixed *m, bool ip6, uint8_t src, uint8_t dst)
{
	uint8_t a[16] = { ip6 ? 0xfd : 10 };
	size_t len = ip6 ? 16 : 4;

	layer(m, "eth");
	keep(m, craft_bytes(m->craft, "src", (uint8_t[]){ 2, 0, 0, 0, 0, src }, 6, NULL));
	keep(m, craft_bytes(m->craft, "dst", (uint8_t[]){ 2, 0, 0, 0, 0, dst }, 6, NULL));
	layer(m, ip6 ? "ipv6" : "ip");
	a[len - 1] = src;
	keep(m, craft_bytes(m->craft, "src", a, len, NULL));
	a[len - 1] = dst;
	keep(m, craft_bytes(m->craft, "dst", a, len, NULL));
}

static void flow_begin(struct sample_mixed *m, struct flow *f)
{
	*f = (struct flow){
		.kind = (enum kind)below(m, 3),
		.ip6 = !below(m, 4),
		.client = (uint8_t)(1 + below(m, 90)),
		.server = (uint8_t)(100 + below(m, 40)),
		.port = (uint16_t)(32768 + below(m, 28000)),
		.next = { (uint32_t)random_u64(&m->rng), (uint32_t)random_u64(&m->rng) },
		.n_data = 2 + below(m, 40),
	};
}

static uint16_t server_port(const struct flow *f)
{
	static const uint16_t ports[] = { [WEB] = 80, [TLS] = 443, [BULK] = 5001 };

	return ports[f->kind];
}

/* TLS 1.3's first message (RFC 8446 section 4.1.2), with a name. */
static size_t client_hello(uint8_t *at)
{
	static const uint8_t hello[] = {
		22,   3,   1,	0,   86,  1,   0,   0,	 82,  3,   3,	1,  2,	3,  4,	  5,
		6,    7,   8,	9,   10,  11,  12,  13,	 14,  15,  16,	17, 18, 19, 20,	  21,
		22,   23,  24,	25,  26,  27,  28,  29,	 30,  31,  32,	0,  0,	4,  0x13, 1,
		0x13, 2,   1,	0,   0,	  37,  0,   0,	 0,   16,  0,	14, 0,	0,  11,	  'e',
		'x',  'a', 'm', 'p', 'l', 'e', '.', 'n', 'e', 't', 0,	43, 0,	3,  2,	  3,
		4,    0,   16,	0,   6,	  0,   4,   3,	 'h', 't', 't',
	};

	memcpy(at, hello, sizeof(hello));
	return sizeof(hello);
}

static size_t tls_data(struct sample_mixed *m, uint8_t *at, size_t len)
{
	at[0] = 23;
	at[1] = at[2] = 3;
	store_be16(at + 3, (uint16_t)(len - 5));
	for (size_t i = 5; i < len; i++)
		at[i] = (uint8_t)random_u64(&m->rng);
	return len;
}

static size_t web_request(struct sample_mixed *m, uint8_t *at)
{
	return (size_t)sprintf(
		(char *)at,
		"GET /page/%u HTTP/1.1\r\nHost: example.net\r\nUser-Agent: sample\r\n"
		"Accept: */*\r\n\r\n",
		below(m, 1000));
}

static size_t web_response(struct sample_mixed *m, uint8_t *at)
{
	unsigned body = below(m, 1000);
	int head = sprintf((char *)at,
			   "HTTP/1.1 200 OK\r\nServer: sample\r\nContent-Type: text/html\r\n"
			   "Content-Length: %u\r\n\r\n",
			   body);

	memset(at + head, 'x', body);
	return (size_t)head + body;
}

/* What the flow sends next; *@ret_side says who. */
static size_t flow_data(struct sample_mixed *m, struct flow *f, uint8_t *at, unsigned *ret_side)
{
	unsigned n = f->step - 3;

	*ret_side = f->kind == BULK ? 0 : n % 2;
	if (f->kind == WEB)
		return n % 2 ? web_response(m, at) : web_request(m, at);
	if (f->kind == TLS)
		return n ? tls_data(m, at, 100 + below(m, SEGMENT_MAX - 100)) : client_hello(at);
	memset(at, 0x80, SEGMENT_MAX);
	return SEGMENT_MAX;
}

static void put_segment(struct sample_mixed *m, struct flow *f, unsigned side, uint8_t flags,
			const uint8_t *data, size_t len)
{
	addresses(m, f->ip6, side ? f->server : f->client, side ? f->client : f->server);
	layer(m, "tcp");
	number(m, "srcport", side ? server_port(f) : f->port);
	number(m, "dstport", side ? f->port : server_port(f));
	number(m, "seq_raw", f->next[side]);
	if (flags & TCP_FLAG_ACK)
		number(m, "ack_raw", f->next[!side]);
	number(m, "flags", flags);
	if (flags & TCP_FLAG_SYN) {
		text(m, "mss", "1460");
		text(m, "sack_perm", NULL);
		text(m, "nop", NULL);
		text(m, "wscale", "7");
	} else {
		text(m, "nop", NULL);
		text(m, "nop", NULL);
		number(m, "options.timestamp.tsval", f->step);
		number(m, "options.timestamp.tsecr", f->step);
	}
	if (len)
		payload(m, data, len);
	f->next[side] += (uint32_t)len + !!(flags & (TCP_FLAG_SYN | TCP_FLAG_FIN));
}

static void tcp_packet(struct sample_mixed *m)
{
	struct flow *f = &m->flows[below(m, N_FLOWS)];
	uint8_t data[SEGMENT_MAX + 200];
	unsigned side = 0;
	size_t len;

	if (!f->n_data)
		flow_begin(m, f);
	if (f->step < 3) {
		static const uint8_t handshake[] = { TCP_FLAG_SYN, TCP_FLAG_SYN | TCP_FLAG_ACK,
						     TCP_FLAG_ACK };

		put_segment(m, f, f->step == 1, handshake[f->step], NULL, 0);
	} else if (f->step < 3 + f->n_data) {
		len = flow_data(m, f, data, &side);
		/* One of a hundred is lost before it is captured; every third is a mere ACK. */
		if (!below(m, 3)) {
			put_segment(m, f, !side, TCP_FLAG_ACK, NULL, 0);
			return;
		}
		if (!below(m, 100))
			f->next[side] += (uint32_t)len;
		else
			put_segment(m, f, side, TCP_FLAG_ACK | TCP_FLAG_PSH, data, len);
	} else {
		put_segment(m, f, f->closing, TCP_FLAG_FIN | TCP_FLAG_ACK, NULL, 0);
		f->n_data = f->closing ? 0 : f->n_data;
		f->closing = true;
		return;
	}
	f->step++;
}

/* A question of DNS, or the answer to one. */
static size_t dns_message(struct sample_mixed *m, uint8_t *at, bool response)
{
	static const uint8_t question[] = { 0,	 1,   0,   0,	0,   0,	  0,   0,   3,	 'w',
					    'w', 'w', 7,   'e', 'x', 'a', 'm', 'p', 'l', 'e',
					    3,	 'n', 'e', 't', 0,   0,	  1,   0,   1 };
	static const uint8_t answer[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 1 };

	store_be16(at, (uint16_t)below(m, 65536));
	store_be16(at + 2, response ? 0x8180 : 0x0100);
	memcpy(at + 4, question, sizeof(question));
	if (!response)
		return 4 + sizeof(question);
	at[7] = 1;
	memcpy(at + 4 + sizeof(question), answer, sizeof(answer));
	return 4 + sizeof(question) + sizeof(answer);
}

static void udp_packet(struct sample_mixed *m)
{
	bool names = below(m, 2), response = below(m, 2);
	uint8_t data[600] = { 0x40 };
	size_t len = names ? dns_message(m, data, response) : 100 + below(m, 500);
	uint16_t client = (uint16_t)(32768 + below(m, 28000)), server = names ? 53 : 4433;

	addresses(m, !below(m, 4), (uint8_t)(1 + below(m, 90)), (uint8_t)(100 + below(m, 4)));
	layer(m, "udp");
	number(m, "srcport", response ? server : client);
	number(m, "dstport", response ? client : server);
	payload(m, data, len);
}

static void other_packet(struct sample_mixed *m, unsigned kind)
{
	static const uint8_t zeros[56];

	if (kind < 4) {
		layer(m, "eth");
		layer(m, "arp");
	} else if (kind < 12) {
		addresses(m, false, (uint8_t)(1 + below(m, 90)), 200);
		layer(m, "icmp");
		number(m, "seq", below(m, 65536));
		payload(m, zeros, sizeof(zeros));
	} else {
		addresses(m, true, (uint8_t)(1 + below(m, 90)), 200);
		layer(m, "icmpv6");
		text(m, "nd.ns.target_address", "fd00::1");
		text(m, "slla", "02:00:00:00:00:01");
	}
}

struct sample_mixed *sample_mixed_new(uint64_t seed)
{
	struct sample_mixed *m = calloc(1, sizeof(*m));

	if (m)
		m->rng = random_of(seed);
	return m;
}

struct sample_mixed *sample_mixed_free(struct sample_mixed *m)
{
	free(m);
	return NULL;
}

int sample_mixed_next(struct sample_mixed *m, struct craft *craft)
{
	unsigned kind = below(m, 100);

	m->craft = craft;
	m->err = 0;
	while (!craft->n_layers && !m->err) {
		if (kind < 15)
			other_packet(m, kind);
		else if (kind < 40)
			udp_packet(m);
		else
			tcp_packet(m);
	}
	return m->err;
}
