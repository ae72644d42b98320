#include "lab/responder.h"

#include <stdlib.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "wire/checksum.h"
#include "wire/numbers.h"

#define TTL	      64
#define ND_TTL	      255 /* RFC 4861 section 7.1.1 */
#define MSS	      1460
#define WINDOW	      64240
#define SEGMENT_MAX   (RESPONDER_REPLY_MAX - ETH_HEADER_LEN - IP6_HEADER_LEN)
#define LIMITED_HOSTS (1u << 18) /* whose ICMP errors are counted at a time */
#define PORT_DNS      53
#define DNS_RESPONSE  0x80

enum { CODE4_PORT = 3, CODE4_PROHIBITED = 13, CODE6_PROHIBITED = 1, CODE6_PORT = 4 };

/* When a host may send its next ICMP error (generic cell rate algorithm). */
struct limit {
	struct addr host;
	uint64_t due_ns;
};

struct responder {
	struct responder_config config;
	struct responder_account account;
	struct limit *limits; /* by hash of the host; a collision begins anew */
};

/* An IP packet that came in, and where the answer to it goes. */
struct exchange {
	struct responder *r;
	uint64_t now_ns;
	const uint8_t *ip; /* from the IP header on, @ip_len bytes, without padding */
	size_t ip_len;
	struct addr from, to, speaker; /* @speaker: who answers, @to unless a router does */
	uint8_t protocol, ttl;	       /* @ttl: of the answer */
	const uint8_t *segment;	       /* what the IP header carries */
	size_t len;
	bool checked;
	uint8_t *reply; /* room for a transport header and its data: SEGMENT_MAX */
};

struct responder *responder_new(const struct responder_config *config)
{
	struct responder *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->config = *config;
	if (config->error_interval_ns)
		r->limits = calloc(LIMITED_HOSTS, sizeof(*r->limits));
	if (config->error_interval_ns && !r->limits)
		return responder_free(r);
	return r;
}

struct responder *responder_free(struct responder *r)
{
	if (!r)
		return NULL;
	free(r->limits);
	free(r);
	return NULL;
}

struct responder_account responder_account(const struct responder *r)
{
	return r->account;
}

static bool is_router(const struct responder *r, const struct addr *a)
{
	return a->family == AF_INET ? addr_eq(a, &r->config.router)
				    : addr_eq(a, &r->config.router6);
}

static bool is_alive(const struct responder *r, const struct addr *a)
{
	return is_router(r, a) || truth_is_alive(&r->config.truth, a);
}

static enum truth_state state_of(const struct exchange *x, uint16_t port)
{
	if (is_router(x->r, &x->to))
		return TRUTH_CLOSED;
	return truth_of(&x->r->config.truth, &x->to, x->protocol, port);
}

static uint64_t pseudo_sum(const struct addr *src, const struct addr *dst, uint8_t protocol,
			   size_t len)
{
	return src->family == AF_INET
		       ? checksum_pseudo_ip4(src->bytes, dst->bytes, protocol, (uint16_t)len)
		       : checksum_pseudo_ip6(src->bytes, dst->bytes, protocol, (uint32_t)len);
}

/* The checksum of a whole transport segment that contains it: 0 when right. */
static uint16_t segment_checksum(const struct addr *src, const struct addr *dst, uint8_t protocol,
				 const uint8_t *segment, size_t len)
{
	uint64_t sum = protocol == IPPROTO_ICMP ? 0 : pseudo_sum(src, dst, protocol, len);

	return checksum_finish(checksum_add(sum, segment, len));
}

/* ICMP errors */

/* May the speaker send an ICMP error now? */
static bool error_allowed(struct exchange *x)
{
	static const uint64_t key[2] = { 1, 2 };
	uint64_t interval_ns = x->r->config.error_interval_ns;
	struct limit *l;

	if (!interval_ns)
		return true;
	l = &x->r->limits[siphash(key, &x->speaker, sizeof(x->speaker)) % LIMITED_HOSTS];
	if (!addr_eq(&l->host, &x->speaker) || l->due_ns < x->now_ns)
		*l = (struct limit){ x->speaker, x->now_ns };
	if (l->due_ns - x->now_ns > (x->r->config.error_burst - 1) * interval_ns) {
		x->r->account.withheld++;
		return false;
	}
	l->due_ns += interval_ns;
	return true;
}

static size_t say_error(struct exchange *x, bool prohibited)
{
	bool ip4 = x->to.family == AF_INET;
	size_t header_len = (size_t)(x->segment - x->ip);
	size_t quote_len = MIN(x->ip_len, header_len + x->r->config.quote_len);
	const struct addr *router = ip4 ? &x->r->config.router : &x->r->config.router6;

	if (prohibited && router->family)
		x->speaker = *router;
	if (ICMP_HEADER_LEN + quote_len > SEGMENT_MAX || !error_allowed(x))
		return 0;
	x->protocol = ip4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	memset(x->reply, 0, ICMP_HEADER_LEN);
	x->reply[0] = ip4 ? ICMP4_TYPE_UNREACHABLE : ICMP6_TYPE_UNREACHABLE;
	if (prohibited)
		x->reply[1] = ip4 ? CODE4_PROHIBITED : CODE6_PROHIBITED;
	else
		x->reply[1] = ip4 ? CODE4_PORT : CODE6_PORT;
	memcpy(x->reply + ICMP_HEADER_LEN, x->ip, quote_len);
	return ICMP_HEADER_LEN + quote_len;
}

/* Transport */

static void write_tcp(struct exchange *x, uint32_t seq, uint32_t ack, uint8_t flags)
{
	uint8_t *t = x->reply;

	memset(t, 0, TCP_HEADER_LEN);
	memcpy(t, x->segment + 2, 2);
	memcpy(t + 2, x->segment, 2);
	store_be32(t + 4, seq);
	store_be32(t + 8, ack);
	t[12] = TCP_HEADER_LEN / 4 << 4;
	t[13] = flags;
	store_be16(t + 14, flags & TCP_FLAG_RST ? 0 : WINDOW);
}

static size_t say_tcp(struct exchange *x, uint32_t seq, uint32_t ack, uint8_t flags)
{
	write_tcp(x, seq, ack, flags);
	return TCP_HEADER_LEN;
}

/* With the only option that every stack sends. */
static size_t say_syn_ack(struct exchange *x, uint32_t seq, uint32_t ack)
{
	write_tcp(x, seq, ack, TCP_FLAG_SYN | TCP_FLAG_ACK);
	x->reply[12] = (TCP_HEADER_LEN + 4) / 4 << 4;
	x->reply[20] = 2;
	x->reply[21] = 4;
	store_be16(x->reply + 22, x->to.family == AF_INET ? MSS : MSS - 20);
	return TCP_HEADER_LEN + 4;
}

static size_t answer_tcp(struct exchange *x)
{
	const uint8_t *t = x->segment;
	size_t header_len = x->len >= TCP_HEADER_LEN ? (size_t)(t[12] >> 4) * 4 : 0, data_len;
	uint32_t seq, ack, end;
	enum truth_state state;
	uint8_t flags;

	if (header_len < TCP_HEADER_LEN || header_len > x->len) {
		x->r->account.malformed++;
		return 0;
	}
	seq = load_be32(t + 4);
	ack = load_be32(t + 8);
	flags = t[13];
	data_len = x->len - header_len;
	end = seq + (uint32_t)data_len + !!(flags & TCP_FLAG_SYN) + !!(flags & TCP_FLAG_FIN);
	state = state_of(x, load_be16(t + 2));
	if (state == TRUTH_PROHIBITED || state == TRUTH_UNREACHABLE)
		return say_error(x, state == TRUTH_PROHIBITED);
	if (state == TRUTH_DEAD || state == TRUTH_DROPPED || flags & TCP_FLAG_RST)
		return 0;
	if (flags & TCP_FLAG_ACK && (state == TRUTH_CLOSED || flags & TCP_FLAG_SYN))
		return say_tcp(x, ack, 0, TCP_FLAG_RST);
	if (state == TRUTH_CLOSED)
		return say_tcp(x, 0, end, TCP_FLAG_RST | TCP_FLAG_ACK);
	if (flags & TCP_FLAG_SYN) /* the sequence number: any that is the same each time */
		return say_syn_ack(x, load_be32(x->to.bytes) ^ load_be32(t), end);
	if (flags & TCP_FLAG_ACK && flags & TCP_FLAG_FIN)
		return say_tcp(x, ack, end, TCP_FLAG_FIN | TCP_FLAG_ACK);
	return flags & TCP_FLAG_ACK && data_len ? say_tcp(x, ack, end, TCP_FLAG_ACK) : 0;
}

/* The datagram itself comes back; asked as a name server, marked as a response. */
static size_t echo_udp(struct exchange *x)
{
	if (x->len > SEGMENT_MAX)
		return 0;
	memcpy(x->reply, x->segment, x->len);
	memcpy(x->reply, x->segment + 2, 2);
	memcpy(x->reply + 2, x->segment, 2);
	if (load_be16(x->segment + 2) == PORT_DNS && x->len > UDP_HEADER_LEN + 2)
		x->reply[UDP_HEADER_LEN + 2] |= DNS_RESPONSE;
	return x->len;
}

static size_t answer_udp(struct exchange *x)
{
	if (x->len < UDP_HEADER_LEN || load_be16(x->segment + 4) != x->len) {
		x->r->account.malformed++;
		return 0;
	}
	switch (state_of(x, load_be16(x->segment + 2))) {
	case TRUTH_OPEN:
		return echo_udp(x);
	case TRUTH_CLOSED:
	case TRUTH_UNREACHABLE:
		return say_error(x, false);
	case TRUTH_PROHIBITED:
		return say_error(x, true);
	default:
		return 0;
	}
}

/* A neighbour asks for the link-layer address of @target (RFC 4861 section 7.2.4). */
static size_t answer_solicitation(struct exchange *x)
{
	static const uint8_t none[16];
	uint8_t *m = x->reply;

	if (x->len < 24 || !x->r->config.ethernet || !memcmp(x->from.bytes, none, 16))
		return 0;
	x->speaker = addr_ip6(x->segment + 8);
	if (!is_alive(x->r, &x->speaker))
		return 0;
	x->ttl = ND_TTL;
	memset(m, 0, 32);
	m[0] = ICMP6_TYPE_NEIGHBOUR_ADVERT;
	m[4] = 0x60; /* solicited, override */
	memcpy(m + 8, x->speaker.bytes, 16);
	m[24] = ND_OPTION_TARGET_LINK;
	m[25] = 1;
	memcpy(m + 26, x->r->config.mac.bytes, 6);
	return 32;
}

static size_t answer_icmp(struct exchange *x)
{
	bool ip4 = x->to.family == AF_INET;

	if (x->len < ICMP_HEADER_LEN || x->len > SEGMENT_MAX)
		return 0;
	if (!ip4 && x->segment[0] == ICMP6_TYPE_NEIGHBOUR_SOLICIT)
		return answer_solicitation(x);
	if (x->segment[0] != (ip4 ? ICMP4_TYPE_ECHO : ICMP6_TYPE_ECHO) || !is_alive(x->r, &x->to))
		return 0;
	memcpy(x->reply, x->segment, x->len);
	x->reply[0] = ip4 ? ICMP4_TYPE_ECHO_REPLY : ICMP6_TYPE_ECHO_REPLY;
	return x->len;
}

/* IP */

static bool read_ip4(struct exchange *x)
{
	size_t header_len = x->ip_len >= IP4_HEADER_LEN ? (size_t)(x->ip[0] & 0xf) * 4 : 0, total;

	if (header_len < IP4_HEADER_LEN || header_len > x->ip_len)
		return false;
	total = load_be16(x->ip + 2);
	if (total < header_len || total > x->ip_len || checksum_of(x->ip, header_len) ||
	    load_be16(x->ip + 6) & 0x3fff) /* fragments are not put together */
		return false;
	x->ip_len = total;
	x->protocol = x->ip[9];
	x->from = addr_ip4(x->ip + 12);
	x->to = addr_ip4(x->ip + 16);
	x->segment = x->ip + header_len;
	return true;
}

static bool read_ip6(struct exchange *x)
{
	if (x->ip_len < IP6_HEADER_LEN || (size_t)load_be16(x->ip + 4) + IP6_HEADER_LEN > x->ip_len)
		return false;
	x->ip_len = (size_t)load_be16(x->ip + 4) + IP6_HEADER_LEN;
	x->protocol = x->ip[6];
	x->from = addr_ip6(x->ip + 8);
	x->to = addr_ip6(x->ip + 24);
	x->segment = x->ip + IP6_HEADER_LEN;
	return true;
}

static bool checksum_is_right(const struct exchange *x)
{
	if (x->checked)
		return true;
	if (x->protocol == IPPROTO_UDP && x->to.family == AF_INET && x->len >= UDP_HEADER_LEN &&
	    !load_be16(x->segment + 6)) /* none: RFC 768 */
		return true;
	return !segment_checksum(&x->from, &x->to, x->protocol, x->segment, x->len);
}

static size_t answer_segment(struct exchange *x)
{
	bool tcp = x->protocol == IPPROTO_TCP, udp = x->protocol == IPPROTO_UDP;

	if (!tcp && !udp &&
	    x->protocol != (x->to.family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return 0;
	if (!checksum_is_right(x)) {
		x->r->account.malformed++;
		return 0;
	}
	return tcp ? answer_tcp(x) : udp ? answer_udp(x) : answer_icmp(x);
}

static void write_ip4(const struct exchange *x, uint8_t *ip, size_t len)
{
	memset(ip, 0, IP4_HEADER_LEN);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)(IP4_HEADER_LEN + len));
	ip[6] = 0x40; /* don't fragment */
	ip[8] = x->ttl;
	ip[9] = x->protocol;
	memcpy(ip + 12, x->speaker.bytes, 4);
	memcpy(ip + 16, x->from.bytes, 4);
	store_be16(ip + 10, checksum_of(ip, IP4_HEADER_LEN));
}

static void write_ip6(const struct exchange *x, uint8_t *ip, size_t len)
{
	memset(ip, 0, 8);
	ip[0] = 0x60;
	store_be16(ip + 4, (uint16_t)len);
	ip[6] = x->protocol;
	ip[7] = x->ttl;
	memcpy(ip + 8, x->speaker.bytes, 16);
	memcpy(ip + 24, x->from.bytes, 16);
}

/* The checksum's place in a transport header. */
static size_t checksum_offset(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? 16 : protocol == IPPROTO_UDP ? 6 : 2;
}

/* @x: now_ns, ip, ip_len and checked are set. Return: bytes of the IP packet in @ret_ip. */
static size_t answer_ip(struct exchange *x, bool ip4, uint8_t *ret_ip)
{
	size_t header_len = ip4 ? IP4_HEADER_LEN : IP6_HEADER_LEN, len;
	uint16_t sum;

	if (!(ip4 ? read_ip4(x) : read_ip6(x))) {
		x->r->account.malformed++;
		return 0;
	}
	x->len = x->ip_len - (size_t)(x->segment - x->ip);
	x->speaker = x->to;
	x->ttl = TTL;
	x->reply = ret_ip + header_len;
	len = answer_segment(x);
	if (!len)
		return 0;
	store_be16(x->reply + checksum_offset(x->protocol), 0);
	sum = segment_checksum(&x->speaker, &x->from, x->protocol, x->reply, len);
	if (x->protocol == IPPROTO_UDP && !sum)
		sum = 0xffff;
	store_be16(x->reply + checksum_offset(x->protocol), sum);
	if (ip4)
		write_ip4(x, ret_ip, len);
	else
		write_ip6(x, ret_ip, len);
	return header_len + len;
}

/* Ethernet */

static size_t answer_arp(const struct responder *r, const uint8_t *arp, size_t len, uint8_t *reply)
{
	static const uint8_t start[8] = { 0, 1, 8, 0, 6, 4, 0, ARP_OP_REQUEST };
	struct addr target;

	if (len < ARP_ETH_IP4_LEN || memcmp(arp, start, sizeof(start)))
		return 0;
	target = addr_ip4(arp + 24);
	if (!memcmp(arp + 14, arp + 24, 4) || !is_alive(r, &target))
		return 0;
	memcpy(reply, start, sizeof(start));
	reply[7] = ARP_OP_REPLY;
	memcpy(reply + 8, r->config.mac.bytes, 6);
	memcpy(reply + 14, arp + 24, 4);
	memcpy(reply + 18, arp + 8, 10);
	return ARP_ETH_IP4_LEN;
}

/* What a frame carries; of a packet without Ethernet its version says it. */
static uint16_t type_of(const struct responder *r, const uint8_t *bytes, size_t len)
{
	if (r->config.ethernet)
		return len > ETH_HEADER_LEN ? load_be16(bytes + 12) : 0;
	return len && bytes[0] >> 4 == 4 ? ETH_TYPE_IP4 : ETH_TYPE_IP6;
}

size_t responder_answer(struct responder *r, uint64_t now_ns, const void *bytes, size_t len,
			bool checked, uint8_t *ret_reply)
{
	size_t header_len = r->config.ethernet ? ETH_HEADER_LEN : 0, answer_len;
	struct exchange x = { .r = r, .now_ns = now_ns, .checked = checked };
	const uint8_t *frame = bytes;
	uint16_t type = type_of(r, frame, len);

	r->account.packets++;
	if (type != ETH_TYPE_ARP && type != ETH_TYPE_IP4 && type != ETH_TYPE_IP6)
		return 0;
	x.ip = frame + header_len;
	x.ip_len = len - header_len;
	if (type == ETH_TYPE_ARP)
		answer_len = answer_arp(r, x.ip, x.ip_len, ret_reply + header_len);
	else
		answer_len = answer_ip(&x, type == ETH_TYPE_IP4, ret_reply + header_len);
	if (!answer_len)
		return 0;
	if (header_len) {
		memcpy(ret_reply, frame + 6, 6);
		memcpy(ret_reply + 6, r->config.mac.bytes, 6);
		memcpy(ret_reply + 12, frame + 12, 2);
	}
	r->account.answers++;
	return header_len + answer_len;
}
