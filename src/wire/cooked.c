/*
 * Cooked captures (LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2 of the tcpdump group): direction,
 * kind of link, sender's address, protocol; the second version has the interface, too. The address
 * has 8 bytes of room, what it does not fill is unused. The protocol is an Ethernet type, except
 * small numbers, which are Linux's own, and the types of links that number theirs otherwise.
 *
 * BSD loopback (LINKTYPE_NULL, LINKTYPE_LOOP): the address family in 4 bytes, in the order of the
 * host that captured, or of the network. Families are less than 65,536, so the order can be told.
 */
#include "wire/cooked.h"

#include <linux/if_arp.h>
#include <linux/if_ether.h>

#include "wire/ethernet.h"
#include "wire/numbers.h"

#define SLL_LEN	    16
#define SLL2_LEN    20
#define NULL_LEN    4
#define ADDRESS_MAX 8u

static const struct value_name direction_names[] = {
	{ 0, "to us" },		  { 1, "broadcast" }, { 2, "multicast" },
	{ 3, "to another host" }, { 4, "from us" },   { 0 },
};
static const char *const direction_words[] = { "in", "broadcast", "multicast", "other", "out" };

static const struct value_name hardware_names[] = {
	{ ARPHRD_ETHER, "Ethernet" },
	{ ARPHRD_PPP, "PPP" },
	{ ARPHRD_CAN, "CAN" },
	{ ARPHRD_TUNNEL, "IP in IP" },
	{ ARPHRD_TUNNEL6, "IP in IPv6" },
	{ ARPHRD_LOOPBACK, "loopback" },
	{ ARPHRD_SIT, "IPv6 in IPv4" },
	{ ARPHRD_IPGRE, "GRE" },
	{ ARPHRD_IEEE80211, "802.11" },
	{ ARPHRD_IEEE80211_RADIOTAP, "802.11 with radiotap" },
	{ ARPHRD_NETLINK, "netlink" },
	{ ARPHRD_NONE, "without link header" },
	{ 0 },
};
static const struct value_name linux_names[] = {
	{ ETH_P_802_3, "802.3 without LLC" },
	{ ETH_P_ALL, "Ethernet" },
	{ ETH_P_802_2, "LLC" },
	{ ETH_P_CAN, "CAN" },
	{ ETH_P_CANFD, "CAN FD" },
	{ 0 },
};

#define DIRECTION_ROW(at, width)                                                                  \
	{                                                                                         \
		AS_UINT("sll.pkttype", at, width), .title = "Direction",                          \
						   .about = "Who sent it to whom, for this host", \
						   .values = direction_names                      \
	}
#define HARDWARE_ROW(at)                                                                        \
	{                                                                                       \
		AS_UINT("sll.hatype", at, 16), .title = "Kind of link", .preset = ARPHRD_ETHER, \
					       .about = "Linux's ARPHRD_ number",               \
					       .values = hardware_names                         \
	}
#define ADDRESS_LEN_ROW(at, width)                                                             \
	{                                                                                      \
		AS_UINT("sll.halen", at, width), .title = "Address length", .preset = 6,       \
						 .about = "Bytes of the sender's link address" \
	}
#define TYPE_ROW(at)                                                                              \
	{                                                                                         \
		AS_HEX("sll.etype", at, 16, 4), .title = "Type", .preset = 0x88b5,                \
						.about = "The protocol inside, an Ethernet type", \
						.values = ethertype_names                         \
	}
#define SENDER_ROWS(at)                                                       \
	{ AS_MAC("sll.src.eth", BYTE(at)), .title = "Sender" },               \
	{                                                                     \
		AS_BYTES("sll.unused", BYTE((at) + 6), 16), .title = "Unused" \
	}

static const struct field sll_fields[] = {
	DIRECTION_ROW(0, 16),
	HARDWARE_ROW(BYTE(2)),
	ADDRESS_LEN_ROW(BYTE(4), 16),
};
static const struct field sll_body_rows[] = { SENDER_ROWS(6), TYPE_ROW(BYTE(14)) };

static const struct field sll2_fields[] = {
	{ AS_UINT("sll.ifindex", BYTE(4), 32), .title = "Interface",
	  .about = "Its number on the host that captured" },
	HARDWARE_ROW(BYTE(8)),
	DIRECTION_ROW(BYTE(10), 8),
	ADDRESS_LEN_ROW(BYTE(11), 8),
};
static const struct field sll2_body_rows[] = { SENDER_ROWS(12), TYPE_ROW(0) };

/* Rows of both bodies, */
enum { BODY_SENDER, BODY_UNUSED, BODY_TYPE };

/* and what the sender's address and the type can be called otherwise. */
enum { ROW_IP4, ROW_OTHER, ROW_LTYPE, ROW_GRE, ROW_TRAILER };
static const struct field choices[] = {
	[ROW_IP4] = { AS_IP4("sll.src.ipv4", 0), .title = "Sender" },
	[ROW_OTHER] = { AS_BYTES("sll.src.other", 0, 0), .title = "Sender" },
	[ROW_LTYPE] = { AS_HEX("sll.ltype", 0, 16, 4), .title = "Type",
			.about = "The protocol inside, a number of Linux's",
			.values = linux_names },
	[ROW_GRE] = { AS_HEX("sll.gretype", 0, 16, 4), .title = "Type",
		      .about = "The protocol inside, an Ethernet type", .values = ethertype_names },
	[ROW_TRAILER] = { AS_BYTES("sll.trailer", 0, 0), .title = "Trailer",
			  .about = "What the inner protocol does not use" },
};

/* Both versions, read. */
struct cooked {
	uint16_t hardware, type;
	uint8_t direction;
	uint32_t address_len;		/* that are there */
	uint32_t address_off, type_off; /* from the header's start */
};

static struct cooked read_cooked(const struct layer *l, const uint8_t *header)
{
	if (l->proto == PROTOCOL_SLL)
		return (struct cooked){
			.hardware = load_be16(header + 2),
			.type = load_be16(header + 14),
			.direction = header[1],
			.address_len = MIN((uint32_t)load_be16(header + 4), ADDRESS_MAX),
			.address_off = 6,
			.type_off = 14,
		};
	return (struct cooked){
		.hardware = load_be16(header + 8),
		.type = load_be16(header),
		.direction = header[10],
		.address_len = MIN((uint32_t)header[11], ADDRESS_MAX),
		.address_off = 12,
	};
}

/* Whether the type is a number of Linux's or of the kind of link: not one of Ethernet's. */
static bool is_other_type(const struct cooked *c)
{
	return c->hardware == ARPHRD_CAN || c->hardware == ARPHRD_IEEE80211_RADIOTAP ||
	       c->hardware == ARPHRD_NETLINK ||
	       (c->type < ETH_TYPE_MIN && c->hardware != ARPHRD_IPGRE);
}

static uint8_t cooked_step(struct packet *p, struct layer *l, uint8_t next)
{
	const struct cooked c = read_cooked(l, p->bytes + l->off);

	if (!is_other_type(&c))
		return next;
	if (c.hardware == ARPHRD_CAN || c.hardware == ARPHRD_IEEE80211_RADIOTAP ||
	    c.hardware == ARPHRD_NETLINK)
		return PROTOCOL_DATA;
	return c.type == ETH_P_802_2 ? PROTOCOL_LLC
	       : c.type == ETH_P_ALL ? PROTOCOL_ETHERNET
				     : PROTOCOL_DATA;
}

static void walk_whole(struct walk *w)
{
	const struct field *rows = w->proto->bodies[0].fields;
	const struct cooked c = read_cooked(w->layer, w->packet->bytes + w->layer->off);
	uint32_t off = w->layer->off, address = off + c.address_off;
	const struct field *sender = c.address_len == 6	  ? &rows[BODY_SENDER]
				     : c.address_len == 4 ? &choices[ROW_IP4]
							  : &choices[ROW_OTHER];
	const struct field *type = is_other_type(&c)		? &choices[ROW_LTYPE]
				   : c.hardware == ARPHRD_IPGRE ? &choices[ROW_GRE]
								: &rows[BODY_TYPE];

	if (c.address_len && !walk_field(w, sender, address, c.address_len, 0))
		return;
	if (c.address_len < ADDRESS_MAX &&
	    !walk_field(w, &rows[BODY_UNUSED], address + c.address_len, ADDRESS_MAX - c.address_len,
			0))
		return;
	if (walk_field(w, type, off + c.type_off, 2, 0))
		ethernet_walk_trailer(w, &choices[ROW_TRAILER], NULL);
}

static void cooked_walk(struct walk *w)
{
	if (walk_fits(w, w->layer->off, w->proto->bodies[0].min_len, w->end))
		walk_whole(w);
}

static void cooked_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;
	bool last = layer + 1 == p->n_layers || l[1].proto == PROTOCOL_DATA;
	struct cooked c;

	if (l->header_len < protocols[l->proto]->min_len) {
		buf_lit(b, "cooked");
		return;
	}
	c = read_cooked(l, header);
	if (l->proto == PROTOCOL_SLL2) {
		buf_lit(b, "if ");
		buf_u64(b, load_be32(header + 4));
		buf_char(b, ' ');
	}
	if (c.direction < ARRAY_LEN(direction_words))
		buf_str(b, direction_words[c.direction]);
	else
		buf_u64(b, c.direction);
	if (last && c.address_len) {
		buf_lit(b, " from ");
		buf_hex(b, header + c.address_off, c.address_len, ':');
	}
	if (last && !is_other_type(&c)) {
		ethernet_line_type(b, c.type);
	} else if (last) {
		buf_lit(b, " type ");
		buf_u64(b, c.type);
	} else {
		buf_char(b, ' ');
	}
}

#define BODY(rows, len)                                                   \
	{                                                                 \
		.name = "ethernet", .title = "Sender with a MAC address", \
		.rfc = "LINKTYPE_LINUX_SLL", ROWS(rows), .min_len = (len) \
	}
static const struct block sll_bodies[] = { BODY(sll_body_rows, SLL_LEN) };
static const struct block sll2_bodies[] = { BODY(sll2_body_rows, SLL2_LEN) };

static const struct rows rows[] = { { choices, ARRAY_LEN(choices) }, { &ethernet_padding, 1 } };

#define COOKED                                                                    \
	.n_bodies = 1, .demux = &demux_ethertype, .more_rows = rows,              \
	.n_more_rows = ARRAY_LEN(rows), .step = cooked_step, .walk = cooked_walk, \
	.line = cooked_line

const struct protocol protocol_sll = {
	PROTOCOL_NAME("sll"),
	.short_name = "cooked",
	.title = "Linux Cooked Capture",
	.rfc = "LINKTYPE_LINUX_SLL",
	.about = "What Linux tells of a packet where the link's header is not captured.",
	ROWS(sll_fields),
	.min_len = SLL_LEN,
	.bodies = sll_bodies,
	.next = &sll_body_rows[BODY_TYPE],
	COOKED,
};

const struct protocol protocol_sll2 = {
	PROTOCOL_NAME("sll2"),
	.short_name = "cooked",
	.title = "Linux Cooked Capture, Version 2",
	.rfc = "LINKTYPE_LINUX_SLL2",
	.about = "What Linux tells of a packet where the link's header is not captured, with the "
		 "interface.",
	ROWS(sll2_fields),
	.min_len = SLL2_LEN,
	.bodies = sll2_bodies,
	.next = &sll2_body_rows[BODY_TYPE],
	COOKED,
};

static const struct value_name family_names[] = {
	{ 2, "IPv4" },
	{ 7, "OSI" },
	{ 10, "IPv6 (Linux)" },
	{ 23, "IPX" },
	{ 24, "IPv6 (NetBSD, OpenBSD)" },
	{ 28, "IPv6 (FreeBSD)" },
	{ 30, "IPv6 (macOS)" },
	{ 0 },
};
static const struct demux_row by_family[] = {
	{ 2, PROTOCOL_IPV4 },  { 24, PROTOCOL_IPV6 }, { 28, PROTOCOL_IPV6 },
	{ 30, PROTOCOL_IPV6 }, { 10, PROTOCOL_IPV6 },
};
static const struct demux demux_family = { by_family, ARRAY_LEN(by_family) };

static const struct field null_rows[] = {
	{ AS_UINT("null.family", 0, 32), .title = "Address family", .preset = 2,
	  .about = "The protocol inside, by the BSDs' numbers", .values = family_names },
};
static const struct field null_type[] = {
	{ AS_HEX("null.type", BYTE(2), 16, 4), .title = "Type",
	  .about = "The protocol inside, an Ethernet type", .values = ethertype_names },
};
static const struct block null_bodies[] = {
	{ .name = "family",
	  .title = "Address family",
	  .rfc = "LINKTYPE_NULL",
	  ROWS(null_rows),
	  .min_len = NULL_LEN },
};

/* The number, in whichever order it makes sense. */
static uint32_t null_number(const uint8_t *header)
{
	uint32_t number = load_be32(header);

	return number >> 16 ? __builtin_bswap32(number) : number;
}

static uint8_t null_step(struct packet *p, struct layer *l, uint8_t next)
{
	uint32_t number = null_number(p->bytes + l->off);

	(void)next;
	if (number >= ETH_TYPE_MIN)
		return number >> 16 ? PROTOCOL_DATA : demux_find(&demux_ethertype, number);
	return demux_find(&demux_family, number);
}

static void null_walk(struct walk *w)
{
	uint32_t number;
	bool type;

	if (!walk_fits(w, w->layer->off, NULL_LEN, w->end))
		return;
	number = null_number(w->packet->bytes + w->layer->off);
	type = number >= ETH_TYPE_MIN && !(number >> 16);
	walk_number(w, type ? null_type : null_rows, w->layer->off, NULL_LEN, number, 0);
}

static void null_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];

	if (layer + 1 < p->n_layers && l[1].proto != PROTOCOL_DATA)
		return;
	buf_lit(b, "loopback");
	if (l->header_len < NULL_LEN)
		return;
	buf_lit(b, " family ");
	buf_u64(b, null_number(p->bytes + l->off));
}

const struct protocol protocol_null = {
	PROTOCOL_NAME("null"),
	.short_name = "loopback",
	.title = "BSD Loopback",
	.rfc = "LINKTYPE_NULL",
	.about = "The address family in front of packets of a loopback interface or tunnel.",
	.min_len = NULL_LEN,
	.bodies = null_bodies,
	.n_bodies = ARRAY_LEN(null_bodies),
	.next = null_rows,
	.demux = &demux_family,
	.more_rows = &(const struct rows){ null_type, ARRAY_LEN(null_type) },
	.n_more_rows = 1,
	.step = null_step,
	.walk = null_walk,
	.line = null_line,
};
