/*
 * DHCP for IPv6 (RFC 8415): a type and a transaction, or what a relay knows, then options, which
 * may hold options and whole messages.
 */
#include "wire/dhcpv6.h"

#include "wire/compose.h"

#define CLIENT_PORT	   546
#define SERVER_PORT	   547
#define TYPE_RELAY_FORWARD 12
#define TYPE_RELAY_REPLY   13

const struct value_name dhcpv6_type_names[] = {
	{ 1, "Solicit" },
	{ 2, "Advertise" },
	{ 3, "Request" },
	{ 4, "Confirm" },
	{ 5, "Renew" },
	{ 6, "Rebind" },
	{ 7, "Reply" },
	{ 8, "Release" },
	{ 9, "Decline" },
	{ 10, "Reconfigure" },
	{ 11, "Information Request" },
	{ 12, "Relay Forward" },
	{ 13, "Relay Reply" },
	{ 14, "Lease Query" },
	{ 15, "Lease Query Reply" },
	{ 16, "Lease Query Done" },
	{ 17, "Lease Query Data" },
	{ 18, "Reconfigure Request" },
	{ 19, "Reconfigure Reply" },
	{ 20, "DHCPv4 Query" },
	{ 21, "DHCPv4 Response" },
	{ 22, "Active Lease Query" },
	{ 23, "Start TLS" },
	{ 24, "Binding Update" },
	{ 25, "Binding Reply" },
	{ 26, "Pool Request" },
	{ 27, "Pool Response" },
	{ 28, "Update Request" },
	{ 29, "Update Request All" },
	{ 30, "Update Done" },
	{ 31, "Connect" },
	{ 32, "Connect Reply" },
	{ 33, "Disconnect" },
	{ 34, "State" },
	{ 35, "Contact" },
	{ 36, "Address Registration" },
	{ 37, "Address Registration Reply" },
	{ 0 },
};

static const struct field fields[] = {
	{ AS_UINT("dhcpv6.msgtype", 0, 8), .title = "Message", .preset = 1,
	  .values = dhcpv6_type_names },
};
static const struct field between_client_and_server[] = {
	{ AS_HEX("dhcpv6.xid", BYTE(1), 24, 6), .title = "Transaction ID" },
};
static const struct field relayed[] = {
	{ AS_UINT("dhcpv6.hopcount", BYTE(1), 8), .title = "Hops" },
	{ AS_IP6("dhcpv6.linkaddr", BYTE(2)), .title = "Link address",
	  .about = "Tells the server which link the client is on" },
	{ AS_IP6("dhcpv6.peeraddr", BYTE(18)), .title = "Peer address",
	  .about = "Whom the message came from" },
};

static const struct block bodies[] = {
	{ .name = "client-server",
	  .title = "Message of client or server",
	  .rfc = "RFC 8415 section 8",
	  ROWS(between_client_and_server),
	  .min_len = 4,
	  .code = 1 },
	{ .name = "relay-forward",
	  .title = "Relay Forward",
	  .rfc = "RFC 8415 section 9",
	  ROWS(relayed),
	  .min_len = 34,
	  .code = TYPE_RELAY_FORWARD },
	{ .name = "relay-reply",
	  .title = "Relay Reply",
	  .rfc = "RFC 8415 section 9",
	  ROWS(relayed),
	  .min_len = 34,
	  .code = TYPE_RELAY_REPLY },
};

static const struct block *dhcpv6_body(const uint8_t *header, size_t len)
{
	if (!len)
		return NULL;
	return header[0] == TYPE_RELAY_FORWARD ? &bodies[1]
	       : header[0] == TYPE_RELAY_REPLY ? &bodies[2]
					       : &bodies[0];
}

/* The header behind its first byte, and the options. */
static void walk_body(struct walk *w, uint32_t at, uint32_t end, uint8_t depth)
{
	const struct block *body = dhcpv6_body(w->packet->bytes + at, 1);

	if (walk_rows(w, body->fields, body->n_fields, at, end, depth))
		dhcpv6_walk_options(w, at + body->min_len, end, depth);
}

void dhcpv6_walk_message(struct walk *w, uint32_t at, uint32_t end, uint8_t depth)
{
	if (walk_rows(w, fields, ARRAY_LEN(fields), at, end, depth))
		walk_body(w, at, end, depth);
}

static void dhcpv6_walk(struct walk *w)
{
	walk_body(w, w->layer->off, w->end, 0);
}

/* The option @code in [@at, @end), whose value is at *@ret. Return: its length, or -1. */
static int64_t find_option(const uint8_t *at, const uint8_t *end, unsigned code,
			   const uint8_t **ret)
{
	while (end - at >= 4 && load_be16(at + 2) <= end - at - 4) {
		if (load_be16(at) == code) {
			*ret = at + 4;
			return load_be16(at + 2);
		}
		at += 4 + load_be16(at + 2);
	}
	return -1;
}

/* The first address or prefix that an association holds. */
static void say_lease(struct buf *b, const uint8_t *at, const uint8_t *end)
{
	const uint8_t *ia, *lease;
	int64_t len = find_option(at, end, 3, &ia);

	if (len >= 12 && find_option(ia + 12, ia + len, 5, &lease) >= 24) {
		buf_char(b, ' ');
		buf_ip6(b, lease);
	}
	len = find_option(at, end, 25, &ia);
	if (len >= 12 && find_option(ia + 12, ia + len, 26, &lease) >= 25) {
		buf_char(b, ' ');
		buf_ip6(b, lease + 9);
		buf_char(b, '/');
		buf_u64(b, lease[8]);
	}
}

static void dhcpv6_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const uint8_t *at = p->bytes + l->off, *end = at + l->header_len;
	const struct block *body;
	const char *type = NULL;

	buf_lit(b, "DHCPv6");
	/* Relays' messages as deep as they are told: each says who carries the next. */
	for (unsigned i = 0; i <= DHCPV6_DEPTH && at < end; i++) {
		int64_t len;

		type = field_value_name(&fields[0], at[0]);
		buf_char(b, ' ');
		buf_str(b, type ?: "unknown message");
		body = dhcpv6_body(at, 1);
		if (end - at < body->min_len)
			return;
		if (body == &bodies[0]) {
			buf_lit(b, " xid ");
			buf_hex_u64(b, load_be32(at) & 0xffffff, 6);
			say_lease(b, at + body->min_len, end);
			return;
		}
		len = find_option(at + body->min_len, end, 9, &at);
		if (len < 0)
			return;
		end = at + len;
	}
}

/* RFC 8415 section 7.2: clients are at another port than servers and relays. */
static int dhcpv6_compose(struct compose *m, struct fault *fault)
{
	uint8_t type = m->header[0];

	(void)fault;
	dhcpv6_compose_options(m);
	m->reply = type == 2 || type == 7 || type == 10;
	m->port = SERVER_PORT;
	m->other_port = m->body == &bodies[0] ? CLIENT_PORT : SERVER_PORT;
	return 0;
}

const struct protocol protocol_dhcpv6 = {
	PROTOCOL_NAME("dhcpv6"),
	.short_name = "DHCPv6",
	.title = "Dynamic Host Configuration Protocol for IPv6",
	.rfc = "RFC 8415 section 8",
	.about =
		"Gives hosts addresses, routers prefixes, and both the rest of their configuration.",
	ROWS(fields),
	.min_len = 1,
	.whole = true,
	.application = true,
	.more_rows = dhcpv6_option_rows,
	.n_more_rows = N_DHCPV6_OPTION_ROWS,
	.select = &fields[0],
	.bodies = bodies,
	.n_bodies = ARRAY_LEN(bodies),
	.body = dhcpv6_body,
	.walk = dhcpv6_walk,
	.compose = dhcpv6_compose,
	.line = dhcpv6_line,
};
