/*
 * Options of DHCP that are more than a list: client identifier (RFC 2132, RFC 4361), user classes
 * (RFC 3004), the client's name (RFC 4702), what relays add (RFC 3046 and successors),
 * authentication (RFC 3118), network boot (RFC 4578), search list (RFC 3397), SIP servers
 * (RFC 3361), classless routes (RFC 3442), vendors' options (RFC 3925), 6rd (RFC 5969), status of
 * lease queries (RFC 6926), port parameters (RFC 7618).
 */
#include "wire/dhcp.h"
#include "wire/dns_name.h"

enum {
	CID_TYPE,
	CID_UNDEF,
	CID_HW_TYPE,
	CID_MAC,
	CID_IAID,
	CID_DUID_TYPE,
	CID_LLT_HW,
	CID_TIME,
	CID_LL_HW,
	CID_LINK,
	CID_ENTERPRISE,
	CID_BYTES,
	CID_UUID,
	USER_GROUP,
	USER_INDEX,
	USER_LENGTH,
	USER_DATA,
	USER_TEXT,
	FQDN_FLAGS,
	FQDN_MBZ,
	FQDN_N,
	FQDN_E,
	FQDN_O,
	FQDN_S,
	FQDN_RCODE1,
	FQDN_RCODE2,
	FQDN_NAME,
	FQDN_TEXT,
	SUB_GROUP,
	SUB_CODE,
	SUB_LENGTH,
	SUB_VALUE,
	SUB_CIRCUIT,
	SUB_REMOTE,
	SUB_DOCSIS,
	SUB_LINK,
	SUB_SUBSCRIBER,
	SUB_RADIUS,
	SUB_AUTH,
	SUB_FLAGS,
	SUB_SERVER,
	SUB_RELAY,
	AUTH_PROTOCOL,
	AUTH_ALGORITHM,
	AUTH_DELAY,
	AUTH_RDM,
	AUTH_REPLAY,
	NDI_MAJOR,
	NDI_MINOR,
	SEARCH_NAME,
	SIP_ENCODING,
	SIP_NAME,
	SIP_ADDRESS,
	ROUTE_BYTES,
	ROUTE_TEXT,
	CLASS_GROUP,
	CLASS_ENTERPRISE,
	CLASS_LENGTH,
	CLASS_DATA,
	VENDOR_GROUP,
	VENDOR_ENTERPRISE,
	VENDOR_LENGTH,
	VENDOR_VALUE,
	STATUS_CODE,
	STATUS_MESSAGE,
	PORT_OFFSET,
	PORT_PSID_LENGTH,
	PORT_PSID,
	SIXRD_MASK,
	SIXRD_LENGTH,
	SIXRD_PREFIX,
	SIXRD_RELAY,
	N_FIELDS,
};
_Static_assert(N_FIELDS == N_DHCP_SPECIAL_FIELDS, "the header counts them");

static const struct value_name sub_names[] = {
	{ 1, "circuit ID" },
	{ 2, "remote ID" },
	{ 4, "DOCSIS device class" },
	{ 5, "link selection" },
	{ 6, "subscriber ID" },
	{ 7, "RADIUS attributes" },
	{ 8, "authentication" },
	{ 9, "vendor's information" },
	{ 10, "flags" },
	{ 11, "server identifier override" },
	{ 12, "relay agent identifier" },
	{ 13, "access technology type" },
	{ 14, "access network name" },
	{ 15, "access point name" },
	{ 16, "access point BSSID" },
	{ 17, "operator identifier" },
	{ 18, "operator realm" },
	{ 19, "source port" },
	{ 150, "link selection, Cisco's" },
	{ 151, "virtual subnet selection" },
	{ 152, "server identifier override, Cisco's" },
	{ 0 },
};
static const struct value_name duid_names[] = {
	{ 1, "link-layer address and time" },
	{ 2, "enterprise number" },
	{ 3, "link-layer address" },
	{ 4, "UUID" },
	{ 0 },
};
static const struct value_name auth_names[] = {
	{ 0, "configuration token" },
	{ 1, "delayed" },
	{ 2, "delayed, obsolete" },
	{ 3, "reconfigure key" },
	{ 0 },
};
static const struct value_name sip_names[] = { { 0, "names" }, { 1, "addresses" }, { 0 } };
static const struct value_name status_names[] = {
	{ 0, "success" },	  { 1, "unspecified failure" }, { 2, "query terminated" },
	{ 3, "malformed query" }, { 4, "not allowed" },		{ 0 },
};

#define AGENT "dhcp.option.agent_information_option."
#define AUTH  "dhcp.option.dhcp_authentication."

const struct field dhcp_special_fields[] = {
	[CID_TYPE] = { AS_UINT("dhcp.client_id.type", 0, 8), .title = "Type" },
	[CID_UNDEF] = { AS_TEXT("dhcp.client_id.undef", 0, 0), .title = "Identifier" },
	[CID_HW_TYPE] = { AS_HEX("dhcp.hw.type", 0, 8, 2), .title = "Hardware type",
			  .values = dhcp_hw_names },
	[CID_MAC] = { AS_MAC("dhcp.hw.mac_addr", 0), .title = "Client's MAC address" },
	[CID_IAID] = { AS_TEXT("dhcp.client_id.iaid", 0, 0), .title = "IAID" },
	[CID_DUID_TYPE] = { AS_UINT("dhcp.client_id.duid_type", 0, 16), .title = "DUID type",
			    .values = duid_names },
	[CID_LLT_HW] = { AS_UINT("dhcp.client_id.duid_llt_hw_type", 0, 16),
			 .title = "Hardware type", .values = dhcp_hw_names },
	[CID_TIME] = { AS_UINT("dhcp.client_id.time", 0, 32), .title = "Time",
		       .about = "Seconds since 2000" },
	[CID_LL_HW] = { AS_UINT("dhcp.client_id.duid_ll_hw_type", 0, 16), .title = "Hardware type",
			.values = dhcp_hw_names },
	[CID_LINK] = { AS_TEXT("dhcp.client_id.link_layer_address", 0, 0),
		       .title = "Link-layer address" },
	[CID_ENTERPRISE] = { AS_UINT("dhcp.client_id.enterprise_num", 0, 32),
			     .title = "Enterprise" },
	[CID_BYTES] = { AS_BYTES("dhcp.client_id", 0, 0), .title = "Identifier" },
	[CID_UUID] = { AS_TEXT("dhcp.client_id.uuid", 0, 0), .title = "UUID" },
	[USER_GROUP] = { AS_GROUP("dhcp.option.user_classes", 0), .repeats = true,
			 .title = "User class" },
	[USER_INDEX] = { AS_UINT("dhcp.option.user_class", 0, 8), .depth = 1, .title = "Instance" },
	[USER_LENGTH] = { AS_UINT("dhcp.option.user_class.length", 0, 8), .depth = 1,
			  .title = "Length" },
	[USER_DATA] = { AS_BYTES("dhcp.option.user_class.data", 0, 0), .depth = 1,
			.title = "Data" },
	[USER_TEXT] = { AS_TEXT("dhcp.option.user_class.text", 0, 0), .title = "User class",
			.about = "Not in the form of the RFC" },
	[FQDN_FLAGS] = { AS_HEX("dhcp.fqdn.flags", 0, 8, 2), .title = "Flags" },
	[FQDN_MBZ] = { AS_HEX("dhcp.fqdn.mbz", 0, 4, 2), .depth = 1, .title = "Reserved" },
	[FQDN_N] = { AS_FLAG("dhcp.fqdn.n", 4), .depth = 1, .title = "No update by the server" },
	[FQDN_E] = { AS_FLAG("dhcp.fqdn.e", 5), .depth = 1, .title = "Name in labels" },
	[FQDN_O] = { AS_FLAG("dhcp.fqdn.o", 6), .depth = 1, .title = "Server overrides" },
	[FQDN_S] = { AS_FLAG("dhcp.fqdn.s", 7), .depth = 1,
		     .title = "Server updates the address record" },
	[FQDN_RCODE1] = { AS_UINT("dhcp.fqdn.rcode1", 0, 8), .title = "Result for the address" },
	[FQDN_RCODE2] = { AS_UINT("dhcp.fqdn.rcode2", 0, 8), .title = "Result for the name" },
	[FQDN_NAME] = { AS_NAME("dhcp.fqdn.name", 0), .title = "Name" },
	[FQDN_TEXT] = { AS_TEXT("dhcp.fqdn.name", 0, 0), .title = "Name" },
	[SUB_GROUP] = { AS_GROUP("dhcp.option.agent", 0), .repeats = true,
			.title = "Relay agent's option" },
	[SUB_CODE] = { AS_UINT(AGENT "suboption", 0, 8), .depth = 1, .title = "Code",
		       .values = sub_names },
	[SUB_LENGTH] = { AS_UINT("dhcp.option.suboption_length", 0, 8), .depth = 1,
			 .title = "Length" },
	[SUB_VALUE] = { AS_BYTES(AGENT "value", 0, 0), .depth = 1, .title = "Value" },
	[SUB_CIRCUIT] = { AS_BYTES(AGENT "agent_circuit_id", 0, 0), .depth = 1,
			  .title = "Circuit ID" },
	[SUB_REMOTE] = { AS_BYTES(AGENT "agent_remote_id", 0, 0), .depth = 1,
			 .title = "Remote ID" },
	[SUB_DOCSIS] = { AS_HEX(AGENT "docsis_device_class", 0, 32, 8), .depth = 1,
			 .title = "DOCSIS device class" },
	[SUB_LINK] = { AS_IP4(AGENT "link_selection", 0), .depth = 1, .title = "Link selection",
		       .about = "The subnet to choose the address from" },
	[SUB_SUBSCRIBER] = { AS_TEXT(AGENT "subscriber_id", 0, 0), .depth = 1,
			     .title = "Subscriber ID" },
	[SUB_RADIUS] = { AS_BYTES(AGENT "radius_attributes", 0, 0), .depth = 1,
			 .title = "RADIUS attributes" },
	[SUB_AUTH] = { AS_BYTES(AGENT "authentication", 0, 0), .depth = 1,
		       .title = "Authentication" },
	[SUB_FLAGS] = { AS_HEX(AGENT "flags", 0, 8, 2), .depth = 1, .title = "Flags" },
	[SUB_SERVER] = { AS_IP4(AGENT "server_id_override", 0), .depth = 1,
			 .title = "Server identifier override" },
	[SUB_RELAY] = { AS_BYTES(AGENT "relay_agent_id", 0, 0), .depth = 1,
			.title = "Relay agent identifier" },
	[AUTH_PROTOCOL] = { AS_UINT(AUTH "protocol", 0, 8), .title = "Protocol",
			    .values = auth_names },
	[AUTH_ALGORITHM] = { AS_UINT(AUTH "algorithm", 0, 8), .title = "Algorithm" },
	[AUTH_DELAY] = { AS_UINT(AUTH "alg_delay", 0, 8), .title = "Algorithm" },
	[AUTH_RDM] = { AS_UINT(AUTH "rdm", 0, 8), .title = "Replay detection" },
	[AUTH_REPLAY] = { AS_HEX(AUTH "rdm_replay_detection", 0, 64, 16),
			  .title = "Replay detection value" },
	[NDI_MAJOR] = { AS_UINT("dhcp.client_network_id_major", 0, 8), .title = "Major version" },
	[NDI_MINOR] = { AS_UINT("dhcp.client_network_id_minor", 0, 8), .title = "Minor version" },
	[SEARCH_NAME] = { AS_NAME("dhcp.option.dhcp_dns_domain_search_list_fqdn", 0),
			  .repeats = true, .title = "Domain" },
	[SIP_ENCODING] = { AS_UINT("dhcp.option.sip_server.encoding", 0, 8), .title = "Servers by",
			   .values = sip_names },
	[SIP_NAME] = { AS_NAME("dhcp.option.sip_server.name", 0), .repeats = true,
		       .title = "Server" },
	[SIP_ADDRESS] = { AS_IP4("dhcp.option.sip_server.address", 0), .repeats = true,
			  .title = "Server" },
	[ROUTE_BYTES] = { AS_BYTES("dhcp.option.classless_static_route", 0, 0), .repeats = true,
			  .title = "Route" },
	[ROUTE_TEXT] = { AS_TEXT("dhcp.option.route", 0, 0), .repeats = true, .title = "Route",
			 .about = "Destination and router" },
	[CLASS_GROUP] = { AS_GROUP("dhcp.option.vi_class", 0), .repeats = true,
			  .title = "Vendor class" },
	[CLASS_ENTERPRISE] = { AS_UINT("dhcp.option.vi_class.enterprise", 0, 32), .depth = 1,
			       .title = "Enterprise" },
	[CLASS_LENGTH] = { AS_UINT("dhcp.option.vi_class.length", 0, 8), .depth = 1,
			   .title = "Length" },
	[CLASS_DATA] = { AS_TEXT("dhcp.option.vi_class.data", 0, 0), .depth = 1, .title = "Data" },
	[VENDOR_GROUP] = { AS_GROUP("dhcp.option.vi", 0), .repeats = true,
			   .title = "Vendor's information" },
	[VENDOR_ENTERPRISE] = { AS_UINT("dhcp.option.vi.enterprise", 0, 32), .depth = 1,
				.title = "Enterprise" },
	[VENDOR_LENGTH] = { AS_UINT("dhcp.option.vi.length", 0, 8), .depth = 1, .title = "Length" },
	[VENDOR_VALUE] = { AS_BYTES("dhcp.option.vi.value", 0, 0), .depth = 1, .title = "Value" },
	[STATUS_CODE] = { AS_UINT("dhcp.option.bulk_lease.status_code", 0, 8), .title = "Status",
			  .values = status_names },
	[STATUS_MESSAGE] = { AS_TEXT("dhcp.option.bulk_lease.status_code_message", 0, 0),
			     .title = "Message" },
	[PORT_OFFSET] = { AS_UINT("dhcp.option.portparams.offset", 0, 8), .title = "Offset" },
	[PORT_PSID_LENGTH] = { AS_UINT("dhcp.option.portparams.psid_length", 0, 8),
			       .title = "Length of the set's identifier" },
	[PORT_PSID] = { AS_BYTES("dhcp.option.portparams.psid", 0, 16),
			.title = "Identifier of the set" },
	[SIXRD_MASK] = { AS_UINT("dhcp.option.6RD.ipv4_mask_len", 0, 8),
			 .title = "IPv4 prefix length" },
	[SIXRD_LENGTH] = { AS_UINT("dhcp.option.6RD.prefix_len", 0, 8),
			   .title = "6rd prefix length" },
	[SIXRD_PREFIX] = { AS_IP6("dhcp.option.6RD.prefix", 0), .title = "6rd prefix" },
	[SIXRD_RELAY] = { AS_IP4("dhcp.option.6RD.border_relay_ip", 0), .repeats = true,
			  .title = "Border relay" },
};

static const struct field *const rows = dhcp_special_fields;

/* One field of the width that its row has, at @at, which is moved behind it. */
static void take(const struct dhcp_value *v, unsigned row, uint32_t *at)
{
	dhcp_give(v, &rows[row], *at, field_span(&rows[row]), 1);
	*at += field_span(&rows[row]);
}

/* All that is left. */
static void take_rest(const struct dhcp_value *v, unsigned row, uint32_t at)
{
	dhcp_give(v, &rows[row], at, v->len - at, 1);
}

/* A UUID as it is written; the machine's, with its first three parts in Intel's order. */
static void give_uuid(const struct dhcp_value *v, uint32_t at, bool swapped)
{
	static const uint8_t intel[] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	char text[40];
	struct buf b = buf_in(text, sizeof(text));

	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			buf_char(&b, '-');
		buf_hex_u64(&b, v->bytes[at + (swapped ? intel[i] : i)], 2);
	}
	dhcp_give_decoded(v, &rows[CID_UUID], at, 16, text, b.len);
}

/* An address of a link: as text, Ethernet's with colons. */
static void give_link_address(const struct dhcp_value *v, unsigned hw_type, uint32_t at)
{
	char text[2 * DHCP_VALUE_MAX + 1];
	struct buf b = buf_in(text, sizeof(text));

	if (hw_type == 1 && v->len - at == 6)
		buf_mac(&b, v->bytes + at);
	else
		buf_hex(&b, v->bytes + at, v->len - at, 0);
	dhcp_give_decoded(v, &rows[CID_LINK], at, v->len - at, text, b.len);
}

/* A DUID (RFC 8415 section 11) behind an IAID (RFC 4361 section 6.1). */
static void walk_duid(const struct dhcp_value *v)
{
	unsigned type = load_be16(v->bytes + 5), hw_type;
	char iaid[8];
	struct buf b = buf_in(iaid, sizeof(iaid));
	uint32_t at = 5;

	buf_hex(&b, v->bytes + 1, 4, 0);
	dhcp_give_decoded(v, &rows[CID_IAID], 1, 4, iaid, b.len);
	take(v, CID_DUID_TYPE, &at);
	if (type == 1 && v->len > 13) {
		hw_type = load_be16(v->bytes + at);
		take(v, CID_LLT_HW, &at);
		take(v, CID_TIME, &at);
		give_link_address(v, hw_type, at);
	} else if (type == 2 && v->len > 11) {
		take(v, CID_ENTERPRISE, &at);
		take_rest(v, CID_BYTES, at);
	} else if (type == 3 && v->len > 9) {
		hw_type = load_be16(v->bytes + at);
		take(v, CID_LL_HW, &at);
		give_link_address(v, hw_type, at);
	} else if (type == 4 && v->len == 23) {
		give_uuid(v, at, false);
	}
}

static void walk_client_id(const struct dhcp_value *v)
{
	uint32_t at = 0;

	if (v->len < 2) {
		dhcp_bad_length(v, 1);
	} else if (v->bytes[0] == 255 && v->len >= 7) {
		walk_duid(v);
	} else if (v->bytes[0] == 1 && v->len == 7) {
		take(v, CID_HW_TYPE, &at);
		take(v, CID_MAC, &at);
	} else if (!v->bytes[0]) {
		take(v, CID_TYPE, &at);
		take_rest(v, CID_UNDEF, at);
	}
}

/* Length and data each (RFC 3004 section 4); many clients send text alone. */
static void walk_user_class(const struct dhcp_value *v)
{
	uint32_t at = 0, n = 0;

	while (at < v->len && v->bytes[at] && v->bytes[at] < v->len - at)
		at += 1u + v->bytes[at];
	if (at != v->len || !v->len) {
		take_rest(v, USER_TEXT, 0);
		return;
	}
	for (at = 0; at < v->len; at += 1u + v->bytes[at], n++) {
		uint32_t len = v->bytes[at];

		dhcp_give(v, &rows[USER_GROUP], at, 1 + len, 1);
		walk_number(v->w, &rows[USER_INDEX], v->pieces[0].off, 0, n, 1);
		dhcp_give(v, &rows[USER_LENGTH], at, 1, 1);
		dhcp_give(v, &rows[USER_DATA], at + 1, len, 1);
	}
}

static void walk_fqdn(const struct dhcp_value *v)
{
	uint32_t at = 1;

	if (v->len < 3) {
		dhcp_bad_length(v, 1);
		return;
	}
	for (unsigned row = FQDN_FLAGS; row <= FQDN_S; row++)
		dhcp_give(v, &rows[row], 0, 1, 1);
	take(v, FQDN_RCODE1, &at);
	take(v, FQDN_RCODE2, &at);
	if (v->len > at)
		take_rest(v, v->bytes[0] & 4 ? FQDN_NAME : FQDN_TEXT, at);
}

/* What a relay agent's option @code means, its value in [@at, @at + @len). */
static void walk_sub_value(const struct dhcp_value *v, unsigned code, uint32_t at, uint32_t len)
{
	static const uint8_t by_code[] = {
		[1] = SUB_CIRCUIT,    [2] = SUB_REMOTE, [4] = SUB_DOCSIS, [5] = SUB_LINK,
		[6] = SUB_SUBSCRIBER, [7] = SUB_RADIUS, [8] = SUB_AUTH,	  [10] = SUB_FLAGS,
		[11] = SUB_SERVER,    [12] = SUB_RELAY
	};
	unsigned row = code < ARRAY_LEN(by_code) ? by_code[code] : 0;

	if (!row)
		return;
	if (rows[row].bits && len != field_span(&rows[row]))
		dhcp_bad_length(v, 2);
	else
		dhcp_give(v, &rows[row], at, len, 1);
}

static void walk_agent(const struct dhcp_value *v)
{
	uint32_t at = 0;

	while (v->len - at >= 2 && v->bytes[at + 1] <= v->len - at - 2) {
		uint32_t len = v->bytes[at + 1];

		dhcp_give(v, &rows[SUB_GROUP], at, 2 + len, 1);
		dhcp_give(v, &rows[SUB_CODE], at, 1, 1);
		dhcp_give(v, &rows[SUB_LENGTH], at + 1, 1, 1);
		if (len)
			dhcp_give(v, &rows[SUB_VALUE], at + 2, len, 1);
		walk_sub_value(v, v->bytes[at], at + 2, len);
		at += 2 + len;
	}
	if (at < v->len)
		dhcp_bad_length(v, 1);
}

static void walk_authentication(const struct dhcp_value *v)
{
	uint32_t at = 0;

	if (v->len < 11) {
		dhcp_bad_length(v, 1);
		return;
	}
	take(v, AUTH_PROTOCOL, &at);
	take(v, v->bytes[0] == 1 ? AUTH_DELAY : AUTH_ALGORITHM, &at);
	take(v, AUTH_RDM, &at);
	take(v, AUTH_REPLAY, &at);
}

static void walk_interface(const struct dhcp_value *v)
{
	uint32_t at = 1;

	if (v->len != 3) {
		dhcp_bad_length(v, 1);
		return;
	}
	take(v, NDI_MAJOR, &at);
	take(v, NDI_MINOR, &at);
}

static void walk_machine(const struct dhcp_value *v)
{
	if (v->len == 17 && !v->bytes[0])
		give_uuid(v, 1, true);
}

/* Names up to the end, compressed within the value. */
static void walk_names(const struct dhcp_value *v, unsigned row, uint32_t at)
{
	struct dns_name name;
	int taken;

	for (; at < v->len; at += (uint32_t)taken) {
		taken = dns_name_read(v->bytes, v->len, at, &name);
		if (taken < 0) {
			dhcp_bad_length(v, 1);
			return;
		}
		dhcp_give_decoded(v, &rows[row], at, (uint32_t)taken, name.bytes, name.len);
	}
}

static void walk_sip(const struct dhcp_value *v)
{
	uint32_t at = 0;

	if (!v->len) {
		dhcp_bad_length(v, 1);
		return;
	}
	take(v, SIP_ENCODING, &at);
	if (!v->bytes[0])
		walk_names(v, SIP_NAME, at);
	while (v->bytes[0] == 1 && v->len - at >= 4)
		take(v, SIP_ADDRESS, &at);
}

/* Bytes of the route at @at: prefix length, the bytes of it that count, router; 0: it is none. */
static uint32_t route_len(const struct dhcp_value *v, uint32_t at)
{
	uint32_t len = 5 + (v->bytes[at] + 7u) / 8;

	return v->bytes[at] <= 32 && len <= v->len - at ? len : 0;
}

static void give_route(const struct dhcp_value *v, uint32_t at, uint32_t len)
{
	uint8_t destination[4] = { 0 };
	char text[48];
	struct buf b = buf_in(text, sizeof(text));

	memcpy(destination, v->bytes + at + 1, len - 5);
	buf_ip4(&b, destination);
	buf_char(&b, '/');
	buf_u64(&b, v->bytes[at]);
	buf_char(&b, ' ');
	buf_ip4(&b, v->bytes + at + len - 4);
	dhcp_give_decoded(v, &rows[ROUTE_TEXT], at, len, text, b.len);
}

static void walk_routes(const struct dhcp_value *v)
{
	uint32_t len;

	for (uint32_t at = 0; at < v->len && (len = route_len(v, at)); at += len)
		dhcp_give(v, &rows[ROUTE_BYTES], at, len, 1);
	for (uint32_t at = 0; at < v->len; at += len) {
		len = route_len(v, at);
		if (!len) {
			dhcp_bad_length(v, 1);
			return;
		}
		give_route(v, at, len);
	}
	if (!v->len)
		dhcp_bad_length(v, 1);
}

/* Enterprise number, length and data each; rows are group, number, length, data from @first. */
static void walk_vendors(const struct dhcp_value *v, unsigned first)
{
	uint32_t at = 0;

	while (v->len - at >= 5 && v->bytes[at + 4] <= v->len - at - 5) {
		uint32_t len = v->bytes[at + 4];

		dhcp_give(v, &rows[first], at, 5 + len, 1);
		take(v, first + 1, &at);
		take(v, first + 2, &at);
		if (len)
			dhcp_give(v, &rows[first + 3], at, len, 1);
		at += len;
	}
	if (at < v->len || !v->len)
		dhcp_bad_length(v, 1);
}

static void walk_status(const struct dhcp_value *v)
{
	uint32_t at = 0;

	if (!v->len) {
		dhcp_bad_length(v, 1);
		return;
	}
	take(v, STATUS_CODE, &at);
	take_rest(v, STATUS_MESSAGE, at);
}

static void walk_ports(const struct dhcp_value *v)
{
	uint32_t at = 0;

	if (v->len != 4) {
		dhcp_bad_length(v, 1);
		return;
	}
	take(v, PORT_OFFSET, &at);
	take(v, PORT_PSID_LENGTH, &at);
	take(v, PORT_PSID, &at);
}

static void walk_6rd(const struct dhcp_value *v)
{
	uint32_t at = 0;

	if (v->len < 22) {
		dhcp_bad_length(v, 1);
		return;
	}
	take(v, SIXRD_MASK, &at);
	take(v, SIXRD_LENGTH, &at);
	take(v, SIXRD_PREFIX, &at);
	while (v->len - at >= 4)
		take(v, SIXRD_RELAY, &at);
}

bool dhcp_walk_special(const struct dhcp_value *v, unsigned code)
{
	switch (code) {
	case 61:
		walk_client_id(v);
		return true;
	case 77:
		walk_user_class(v);
		return true;
	case 81:
		walk_fqdn(v);
		return true;
	case 82:
		walk_agent(v);
		return true;
	case 90:
		walk_authentication(v);
		return true;
	case 94:
		walk_interface(v);
		return true;
	case 97:
		walk_machine(v);
		return true;
	case 119:
		walk_names(v, SEARCH_NAME, 0);
		return true;
	case 120:
		walk_sip(v);
		return true;
	case 121:
	case 249:
		walk_routes(v);
		return true;
	case 124:
		walk_vendors(v, CLASS_GROUP);
		return true;
	case 125:
		walk_vendors(v, VENDOR_GROUP);
		return true;
	case 151:
		walk_status(v);
		return true;
	case 159:
		walk_ports(v);
		return true;
	case 212:
		walk_6rd(v);
		return true;
	}
	return false;
}
