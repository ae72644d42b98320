/*
 * Options of DHCPv6 (RFC 8415 section 21; SIP RFC 3319, DNS RFC 3646, NIS RFC 3898, SNTP RFC 4075,
 * lifetime RFC 8415, BCMCS RFC 4280, remote ID RFC 4649, subscriber RFC 4580, names RFC 4704,
 * PANA RFC 5192, time zones RFC 4833, lease queries RFC 5007, CAPWAP RFC 5417, NTP RFC 5908,
 * AFTR RFC 6334, excluded prefixes RFC 6603, captive portals RFC 8910).
 */
#include "wire/dhcpv6.h"

#include "wire/compose.h"
#include "wire/dns_name.h"

/* From 1970 to 2000, where DUIDs begin to count. */
#define SECONDS_1970_TO_2000 946684800ULL

const struct value_name dhcpv6_option_names[] = {
	{ 1, "client identifier" },
	{ 2, "server identifier" },
	{ 3, "addresses" },
	{ 4, "temporary addresses" },
	{ 5, "address" },
	{ 6, "option request" },
	{ 7, "preference" },
	{ 8, "elapsed time" },
	{ 9, "relayed message" },
	{ 11, "authentication" },
	{ 12, "server unicast" },
	{ 13, "status" },
	{ 14, "rapid commit" },
	{ 15, "user class" },
	{ 16, "vendor class" },
	{ 17, "vendor's information" },
	{ 18, "interface ID" },
	{ 19, "reconfigure message" },
	{ 20, "reconfigure accept" },
	{ 21, "SIP server names" },
	{ 22, "SIP server addresses" },
	{ 23, "DNS servers" },
	{ 24, "domain search list" },
	{ 25, "delegated prefixes" },
	{ 26, "prefix" },
	{ 27, "NIS servers" },
	{ 28, "NIS+ servers" },
	{ 29, "NIS domain" },
	{ 30, "NIS+ domain" },
	{ 31, "SNTP servers" },
	{ 32, "information refresh time" },
	{ 33, "BCMCS server names" },
	{ 34, "BCMCS server addresses" },
	{ 36, "civic location" },
	{ 37, "relay agent's remote ID" },
	{ 38, "relay agent's subscriber ID" },
	{ 39, "client's full name" },
	{ 40, "PANA agents" },
	{ 41, "POSIX time zone" },
	{ 42, "time zone" },
	{ 43, "echo request" },
	{ 44, "lease query" },
	{ 45, "client data" },
	{ 46, "client's last transaction time" },
	{ 47, "relay data" },
	{ 48, "client's links" },
	{ 49, "home network" },
	{ 50, "relayed home network" },
	{ 51, "LoST server" },
	{ 52, "CAPWAP access controllers" },
	{ 53, "relay identifier" },
	{ 54, "mobility servers' addresses" },
	{ 55, "mobility servers' names" },
	{ 56, "NTP servers" },
	{ 57, "access network domain" },
	{ 58, "SIP configuration domains" },
	{ 59, "boot file" },
	{ 60, "boot file parameters" },
	{ 61, "client's architecture" },
	{ 62, "client's network interface" },
	{ 63, "geographical location" },
	{ 64, "AFTR name" },
	{ 65, "ERP local domain" },
	{ 66, "relay's options for the client" },
	{ 67, "excluded prefix" },
	{ 68, "virtual subnet selection" },
	{ 74, "DNS server selection" },
	{ 79, "client's link-layer address" },
	{ 80, "link address" },
	{ 82, "longest solicit interval" },
	{ 83, "longest information interval" },
	{ 86, "PCP servers" },
	{ 87, "DHCPv4 message" },
	{ 88, "DHCPv4-over-DHCPv6 servers" },
	{ 89, "S46 rule" },
	{ 90, "S46 border relay" },
	{ 91, "S46 default mapping" },
	{ 92, "S46 binding" },
	{ 93, "S46 port parameters" },
	{ 94, "MAP-E container" },
	{ 95, "MAP-T container" },
	{ 96, "lightweight 4over6 container" },
	{ 103, "captive portal" },
	{ 112, "manufacturer usage description" },
	{ 135, "relay source port" },
	{ 143, "SZTP redirect" },
	{ 144, "encrypted DNS" },
	{ 0 },
};

static const struct value_name status_names[] = {
	{ 0, "success" },
	{ 1, "unspecified failure" },
	{ 2, "no addresses available" },
	{ 3, "no binding" },
	{ 4, "not on link" },
	{ 5, "use multicast" },
	{ 6, "no prefixes" },
	{ 7, "unknown query type" },
	{ 8, "malformed query" },
	{ 9, "not configured" },
	{ 10, "not allowed" },
	{ 11, "query terminated" },
	{ 12, "data missing" },
	{ 13, "catch-up complete" },
	{ 14, "not supported" },
	{ 15, "connection refused" },
	{ 0 },
};
static const struct value_name duid_names[] = {
	{ 1, "link-layer address and time" },
	{ 2, "enterprise number" },
	{ 3, "link-layer address" },
	{ 4, "UUID" },
	{ 0 },
};
static const struct value_name query_names[] = {
	{ 1, "by address" }, { 2, "by client ID" }, { 3, "by relay ID" },
	{ 4, "by link" },    { 5, "by remote ID" }, { 0 },
};
static const struct value_name ntp_names[] = {
	{ 1, "server address" },
	{ 2, "multicast address" },
	{ 3, "server name" },
	{ 0 },
};

/* The value is one row, or as many of it as fit. */
#define ADDRESSES(n, text)                                               \
	{                                                                \
		AS_IP6("dhcpv6." n, 0), .repeats = true, .title = (text) \
	}
#define NAMES(n, text)                                                    \
	{                                                                 \
		AS_NAME("dhcpv6." n, 0), .repeats = true, .title = (text) \
	}
#define WORDS(n, text)                                      \
	{                                                   \
		AS_TEXT("dhcpv6." n, 0, 0), .title = (text) \
	}
static const struct field single[] = {
	ADDRESSES("sip_server_a", "SIP server"),
	ADDRESSES("dns_server", "DNS server"),
	ADDRESSES("nis_server", "NIS server"),
	ADDRESSES("nisp_server", "NIS+ server"),
	ADDRESSES("sntp_server", "SNTP server"),
	ADDRESSES("bcmcs_server_a", "BCMCS server"),
	ADDRESSES("pana_agent", "PANA agent"),
	ADDRESSES("lq_client_link", "Client's link"),
	ADDRESSES("capwap_ac_v6", "Access controller"),
	NAMES("sip_server_domain_search_fqdn", "SIP server"),
	NAMES("search_list_entry", "Search domain"),
	NAMES("nis_fqdn", "NIS domain"),
	NAMES("nisp_fqdn", "NIS+ domain"),
	NAMES("bcmcs_server_fqdn", "BCMCS server"),
	NAMES("aftr_name", "AFTR name"),
	WORDS("subscriber_id", "Subscriber ID"),
	WORDS("timezone", "POSIX time zone"),
	WORDS("tzdb", "Time zone"),
	WORDS("captive_portal", "Captive portal"),
	WORDS("mudurl", "Usage description"),
	{ AS_IP6("dhcpv6.unicast", 0), .title = "Server address" },
	{ AS_UINT("dhcpv6.option_preference", 0, 8), .title = "Preference",
	  .about = "The highest first; 255: do not wait for others" },
	{ AS_UINT("dhcpv6.elapsed_time", 0, 16), .scale = 10, .title = "Elapsed time",
	  .about = "Milliseconds" },
	{ AS_UINT("dhcpv6.lifetime", 0, 32), .title = "Refresh after", .about = "Seconds" },
	{ AS_UINT("dhcpv6.clt_time", 0, 32), .title = "Last transaction", .about = "Seconds ago" },
	{ AS_UINT("dhcpv6.relay_port", 0, 16), .title = "Port" },
	{ AS_UINT("dhcpv6.reconf_msg", 0, 8), .title = "Message to send",
	  .values = dhcpv6_type_names },
	{ AS_BYTES("dhcpv6.interface_id", 0, 0), .title = "Interface ID" },
	{ AS_UINT("dhcpv6.requested_option_code", 0, 16), .repeats = true, .title = "Wanted option",
	  .values = dhcpv6_option_names },
};
enum {
	ONE_SIP_ADDRESS,
	ONE_DNS,
	ONE_NIS,
	ONE_NISP,
	ONE_SNTP,
	ONE_BCMCS,
	ONE_PANA,
	ONE_CLIENT_LINK,
	ONE_CAPWAP,
	ONE_SIP_NAME,
	ONE_SEARCH,
	ONE_NIS_NAME,
	ONE_NISP_NAME,
	ONE_BCMCS_NAME,
	ONE_AFTR,
	ONE_SUBSCRIBER,
	ONE_POSIX_ZONE,
	ONE_ZONE,
	ONE_PORTAL,
	ONE_MUD,
	ONE_UNICAST,
	ONE_PREFERENCE,
	ONE_ELAPSED,
	ONE_LIFETIME,
	ONE_CLT,
	ONE_RELAY_PORT,
	ONE_RECONF,
	ONE_INTERFACE,
	ONE_REQUEST,
};

static const struct field head[] = {
	{ AS_GROUP("dhcpv6.option", 0), .repeats = true, .title = "Option" },
	{ AS_UINT("dhcpv6.option.type", 0, 16), .depth = 1, .title = "Code",
	  .values = dhcpv6_option_names },
	{ AS_UINT("dhcpv6.option.length", BYTE(2), 16), .depth = 1, .title = "Length" },
	{ AS_BYTES("dhcpv6.option.data", 0, 0), .title = "Data" },
	{ AS_FLAG("dhcpv6.malformed_option", 0), .computed = true, .title = "Does not fit" },
};
static const struct field association_id[] = {
	{ AS_TEXT("dhcpv6.iaid", 0, 32), .title = "Association ID" },
	{ AS_TEXT("dhcpv6.iata", 0, 32), .title = "Association ID" },
};
static const struct field association[] = {
	{ AS_UINT("dhcpv6.iaid.t1", BYTE(4), 32), .title = "Renew after", .about = "Seconds" },
	{ AS_UINT("dhcpv6.iaid.t2", BYTE(8), 32), .title = "Rebind after", .about = "Seconds" },
};
static const struct field address[] = {
	{ AS_IP6("dhcpv6.iaaddr.ip", 0), .title = "Address" },
	{ AS_UINT("dhcpv6.iaaddr.pref_lifetime", BYTE(16), 32), .title = "Preferred lifetime",
	  .about = "Seconds" },
	{ AS_UINT("dhcpv6.iaaddr.valid_lifetime", BYTE(20), 32), .title = "Valid lifetime",
	  .about = "Seconds" },
};
static const struct field prefix[] = {
	{ AS_UINT("dhcpv6.iaprefix.pref_lifetime", 0, 32), .title = "Preferred lifetime",
	  .about = "Seconds" },
	{ AS_UINT("dhcpv6.iaprefix.valid_lifetime", BYTE(4), 32), .title = "Valid lifetime",
	  .about = "Seconds" },
	{ AS_UINT("dhcpv6.iaprefix.pref_len", BYTE(8), 8), .title = "Prefix length" },
	{ AS_IP6("dhcpv6.iaprefix.pref_addr", BYTE(9)), .title = "Prefix" },
};
static const struct field status[] = {
	{ AS_UINT("dhcpv6.status_code", 0, 16), .title = "Status", .values = status_names },
	{ AS_TEXT("dhcpv6.status_msg", BYTE(2), 0), .title = "Message" },
};
static const struct field auth[] = {
	{ AS_UINT("dhcpv6.auth.protocol", 0, 8), .title = "Protocol" },
	{ AS_UINT("dhcpv6.auth.algorithm", BYTE(1), 8), .title = "Algorithm" },
	{ AS_UINT("dhcpv6.auth.rdm", BYTE(2), 8), .title = "Replay detection" },
	{ AS_BYTES("dhcpv6.auth.replay_detection", BYTE(3), 64), .title = "Replay value" },
	{ AS_BYTES("dhcpv6.auth.info", BYTE(11), 0), .title = "Information" },
};
static const struct field remote_id[] = {
	{ AS_UINT("dhcpv6.remoteid.enterprise", 0, 32), .title = "Enterprise" },
	{ AS_BYTES("dhcpv6.remoteid_enterprise_id", BYTE(4), 0), .title = "Remote ID" },
};
static const struct field lease_query[] = {
	{ AS_UINT("dhcpv6.lq_query", 0, 8), .title = "Query", .values = query_names },
	{ AS_IP6("dhcpv6.lq_query_link_address", BYTE(1)), .title = "Link address" },
};
static const struct field relay_data[] = {
	{ AS_IP6("dhcpv6.lq_relay_data_peer_addr", 0), .title = "Peer address" },
};
static const struct field excluded[] = {
	{ AS_UINT("dhcpv6.pd_exclude.pref_len", 0, 8), .title = "Prefix length" },
	{ AS_BYTES("dhcpv6.pd_exclude.subnet_id", BYTE(1), 0), .title = "Subnet ID" },
};
static const struct field duid[] = {
	{ AS_BYTES("dhcpv6.duid.bytes", 0, 0), .title = "DUID" },
	{ AS_UINT("dhcpv6.duid.type", 0, 16), .title = "Type", .values = duid_names },
};
static const struct field duid_llt[] = {
	{ AS_UINT("dhcpv6.duidllt.hwtype", BYTE(2), 16), .title = "Hardware type" },
	{ AS_TIME("dhcpv6.duidllt.time"), .title = "Made" },
	{ AS_TEXT("dhcpv6.duidllt.link_layer_addr", 0, 0), .title = "Link-layer address" },
};
static const struct field duid_ll[] = {
	{ AS_UINT("dhcpv6.duidll.hwtype", BYTE(2), 16), .title = "Hardware type" },
	{ AS_TEXT("dhcpv6.duidll.link_layer_addr", 0, 0), .title = "Link-layer address" },
};
static const struct field duid_en[] = {
	{ AS_UINT("dhcpv6.duiden.enterprise", BYTE(2), 32), .title = "Enterprise" },
	{ AS_BYTES("dhcpv6.duiden.identifier", BYTE(6), 0), .title = "Identifier" },
};
static const struct field duid_uuid[] = {
	{ AS_BYTES("dhcpv6.duiduuid.bytes", BYTE(2), 0), .title = "UUID" },
};
static const struct field fqdn[] = {
	{ AS_HEX("dhcpv6.client_fqdn_flags", 0, 8, 2), .title = "Flags" },
};
static const struct field fqdn_client[] = {
	{ AS_FLAG("dhcpv6.clientfqdn.client.n", 5), .depth = 1, .title = "No update wanted" },
	{ AS_FLAG("dhcpv6.clientfqdn.client.s", 7), .depth = 1,
	  .title = "Server shall update addresses" },
};
static const struct field fqdn_server[] = {
	{ AS_FLAG("dhcpv6.clientfqdn.server.n", 5), .depth = 1,
	  .title = "No update by the server" },
	{ AS_FLAG("dhcpv6.clientfqdn.server.o", 6), .depth = 1, .title = "Server overrides" },
	{ AS_FLAG("dhcpv6.clientfqdn.server.s", 7), .depth = 1,
	  .title = "Server updates addresses" },
};
static const struct field fqdn_name[] = {
	{ AS_NAME("dhcpv6.client_domain", BYTE(1)), .title = "Name" },
};
static const struct field enterprise[] = {
	{ AS_UINT("dhcpv6.vendorclass.enterprise", 0, 32), .title = "Enterprise" },
	{ AS_UINT("dhcpv6.vendoropts.enterprise", 0, 32), .title = "Enterprise" },
};
/* Lists in values: a group, perhaps a code, a length, and what it counts. */
static const struct field user_class[] = {
	{ AS_GROUP("dhcpv6.userclass", 0), .repeats = true, .title = "Class" },
	{ AS_UINT("dhcpv6.userclass.length", 0, 16), .depth = 1, .title = "Length" },
	{ AS_BYTES("dhcpv6.userclass.opaque_data", 0, 0), .depth = 1, .title = "Data" },
};
static const struct field vendor_class[] = {
	{ AS_TEXT("dhcpv6.vendorclass.data", 0, 0), .repeats = true, .title = "Class" },
};
static const struct field vendor_option[] = {
	{ AS_GROUP("dhcpv6.vendoropts.enterprise.option", 0), .repeats = true, .title = "Option" },
	{ AS_UINT("dhcpv6.vendoropts.enterprise.option_code", 0, 16), .depth = 1, .title = "Code" },
	{ AS_UINT("dhcpv6.vendoropts.enterprise.option_length", BYTE(2), 16), .depth = 1,
	  .title = "Length" },
	{ AS_BYTES("dhcpv6.vendoropts.enterprise.option_data", 0, 0), .depth = 1, .title = "Data" },
};
static const struct field ntp[] = {
	{ AS_GROUP("dhcpv6.ntpserver", 0), .repeats = true, .title = "Server" },
	{ AS_UINT("dhcpv6.ntpserver.option.type", 0, 16), .depth = 1, .title = "Kind",
	  .values = ntp_names },
	{ AS_UINT("dhcpv6.ntpserver.option.length", BYTE(2), 16), .depth = 1, .title = "Length" },
};
static const struct field ntp_value[] = {
	{ AS_IP6("dhcpv6.ntpserver.addr", 0), .title = "Address" },
	{ AS_IP6("dhcpv6.ntpserver.mc_addr", 0), .title = "Multicast address" },
	{ AS_NAME("dhcpv6.ntpserver.fqdn", 0), .repeats = true, .title = "Name" },
};

#define ALL(rows)                     \
	{                             \
		rows, ARRAY_LEN(rows) \
	}
const struct rows dhcpv6_option_rows[] = {
	ALL(head),	    ALL(single),      ALL(association_id), ALL(association),
	ALL(address),	    ALL(prefix),      ALL(status),	   ALL(auth),
	ALL(remote_id),	    ALL(lease_query), ALL(relay_data),	   ALL(excluded),
	ALL(duid),	    ALL(duid_llt),    ALL(duid_ll),	   ALL(duid_en),
	ALL(duid_uuid),	    ALL(fqdn),	      ALL(fqdn_client),	   ALL(fqdn_server),
	ALL(fqdn_name),	    ALL(enterprise),  ALL(user_class),	   ALL(vendor_class),
	ALL(vendor_option), ALL(ntp),	      ALL(ntp_value),
};
_Static_assert(ARRAY_LEN(dhcpv6_option_rows) == N_DHCPV6_OPTION_ROWS, "the header counts them");

/* An option's value, and how deep its rows are. */
struct value {
	struct walk *w;
	const uint8_t *bytes; /* at @at */
	uint32_t at, end;
	uint8_t depth;
};

static uint32_t length(const struct value *v)
{
	return v->end - v->at;
}

static bool unfit(const struct value *v)
{
	walk_number(v->w, &head[4], v->at, 0, 1, v->depth);
	return false;
}

static void give(const struct value *v, const struct field *rows, size_t n)
{
	walk_rows(v->w, rows, n, v->at, v->end, v->depth);
}

/* An address of a link as text, Ethernet's with colons. */
static void give_link(const struct value *v, const struct field *f, uint32_t skip)
{
	char text[2 * 256];
	struct buf b = buf_in(text, sizeof(text));
	uint32_t len = MIN(length(v) - skip, 255u);

	if (load_be16(v->bytes + 2) == 1 && len == 6)
		buf_mac(&b, v->bytes + skip);
	else
		buf_hex(&b, v->bytes + skip, len, 0);
	walk_decoded(v->w, f, v->at + skip, len, text, b.len, v->depth);
}

/* RFC 8415 section 11. */
static bool walk_duid(const struct value *v)
{
	uint32_t len = length(v);

	if (len < 2)
		return unfit(v);
	give(v, duid, ARRAY_LEN(duid));
	switch (load_be16(v->bytes)) {
	case 1:
		if (len < 8)
			return unfit(v);
		give(v, duid_llt, 1);
		walk_number(v->w, &duid_llt[1], v->at + 4, 4,
			    (load_be32(v->bytes + 4) + SECONDS_1970_TO_2000) * NS_PER_S, v->depth);
		if (len > 8)
			give_link(v, &duid_llt[2], 8);
		break;
	case 2:
		if (len < 6)
			return unfit(v);
		give(v, duid_en, ARRAY_LEN(duid_en));
		break;
	case 3:
		if (len < 4)
			return unfit(v);
		give(v, duid_ll, 1);
		if (len > 4)
			give_link(v, &duid_ll[1], 4);
		break;
	case 4:
		give(v, duid_uuid, 1);
		break;
	}
	return true;
}

static void give_id(const struct value *v, const struct field *f)
{
	char text[8];
	struct buf b = buf_in(text, sizeof(text));

	buf_hex(&b, v->bytes, 4, 0);
	walk_decoded(v->w, f, v->at, 4, text, b.len, v->depth);
}

static bool walk_association(const struct value *v)
{
	if (length(v) < 12)
		return unfit(v);
	give_id(v, &association_id[0]);
	give(v, association, ARRAY_LEN(association));
	dhcpv6_walk_options(v->w, v->at + 12, v->end, v->depth);
	return true;
}

static bool walk_temporary(const struct value *v)
{
	if (length(v) < 4)
		return unfit(v);
	give_id(v, &association_id[1]);
	dhcpv6_walk_options(v->w, v->at + 4, v->end, v->depth);
	return true;
}

static bool walk_relayed(const struct value *v)
{
	dhcpv6_walk_message(v->w, v->at, v->end, v->depth);
	return true;
}

/* Names up to the end, not compressed. */
static bool walk_names(const struct value *v, const struct field *f, uint32_t skip)
{
	struct dns_name name;
	int taken;

	for (uint32_t at = skip; at < length(v); at += (uint32_t)taken) {
		taken = dns_name_read(v->bytes + at, length(v) - at, 0, &name);
		if (taken < 0)
			return unfit(v);
		walk_decoded(v->w, f, v->at + at, (uint32_t)taken, name.bytes, name.len, v->depth);
	}
	return true;
}

/* RFC 4704: the name may lack its end. */
static bool walk_fqdn(const struct value *v)
{
	uint8_t type = v->w->packet->bytes[v->w->layer->off];

	if (!length(v))
		return unfit(v);
	give(v, fqdn, 1);
	if (type == 2 || type == 7)
		give(v, fqdn_server, ARRAY_LEN(fqdn_server));
	else
		give(v, fqdn_client, ARRAY_LEN(fqdn_client));
	if (length(v) > 1)
		walk_field(v->w, &fqdn_name[0], v->at + 1, length(v) - 1, v->depth);
	return true;
}

/* Whether the elements from @skip, each a length of two bytes behind @before others, fit. */
static bool elements_fit(const struct value *v, uint32_t skip, uint32_t before)
{
	uint32_t at = skip, len = length(v), head_len = before + 2;

	while (at < len && len - at >= head_len &&
	       load_be16(v->bytes + at + before) <= len - at - head_len)
		at += head_len + load_be16(v->bytes + at + before);
	return at == len;
}

static bool walk_user_class(const struct value *v)
{
	if (!elements_fit(v, 0, 0))
		return unfit(v);
	for (uint32_t at = 0, len; at < length(v); at += 2 + len) {
		len = load_be16(v->bytes + at);
		walk_group(v->w, &user_class[0], v->at + at, 2 + len, v->depth, NULL);
		walk_field(v->w, &user_class[1], v->at + at, 2, v->depth);
		walk_field(v->w, &user_class[2], v->at + at + 2, len, v->depth);
	}
	return true;
}

static bool walk_vendor_class(const struct value *v)
{
	if (length(v) < 4 || !elements_fit(v, 4, 0))
		return unfit(v);
	give(v, &enterprise[0], 1);
	for (uint32_t at = 4, len; at < length(v); at += 2 + len) {
		len = load_be16(v->bytes + at);
		walk_field(v->w, &vendor_class[0], v->at + at + 2, len, v->depth);
	}
	return true;
}

static bool walk_vendor_options(const struct value *v)
{
	if (length(v) < 4 || !elements_fit(v, 4, 2))
		return unfit(v);
	give(v, &enterprise[1], 1);
	for (uint32_t at = 4, len; at < length(v); at += 4 + len) {
		len = load_be16(v->bytes + at + 2);
		walk_group(v->w, &vendor_option[0], v->at + at, 4 + len, v->depth, NULL);
		walk_rows(v->w, &vendor_option[1], 2, v->at + at, v->end, v->depth);
		walk_field(v->w, &vendor_option[3], v->at + at + 4, len, v->depth);
	}
	return true;
}

static bool walk_ntp(const struct value *v)
{
	if (!elements_fit(v, 0, 2))
		return unfit(v);
	for (uint32_t at = 0, len; at < length(v); at += 4 + len) {
		unsigned kind = load_be16(v->bytes + at);
		struct value part = *v;

		len = load_be16(v->bytes + at + 2);
		walk_group(v->w, &ntp[0], v->at + at, 4 + len, v->depth, NULL);
		walk_rows(v->w, &ntp[1], 2, v->at + at, v->end, v->depth);
		part.bytes += at + 4;
		part.at += at + 4;
		part.end = part.at + len;
		part.depth++;
		if (kind == 3)
			walk_names(&part, &ntp_value[2], 0);
		else if ((kind == 1 || kind == 2) && len == 16)
			give(&part, &ntp_value[kind - 1], 1);
	}
	return true;
}

/*
 * Options by code: rows, whose fixed ones need @fixed bytes, then options when @nested; or code of
 * their own.
 */
static const struct option {
	uint16_t code;
	uint16_t fixed;
	bool nested;
	const struct field *fields;
	uint8_t n_fields;
	bool (*walk)(const struct value *v);
} options[] = {
#define ONE(code, len, row)                           \
	{                                             \
		(code), (len), false, &single[row], 1 \
	}
	{ 1, .walk = walk_duid },
	{ 2, .walk = walk_duid },
	{ 3, .walk = walk_association },
	{ 4, .walk = walk_temporary },
	{ 5, 24, true, ROWS(address) },
	ONE(6, 0, ONE_REQUEST),
	ONE(7, 1, ONE_PREFERENCE),
	ONE(8, 2, ONE_ELAPSED),
	{ 9, .walk = walk_relayed },
	{ 11, 11, false, ROWS(auth) },
	ONE(12, 16, ONE_UNICAST),
	{ 13, 2, false, ROWS(status) },
	{ 14 },
	{ 15, .walk = walk_user_class },
	{ 16, .walk = walk_vendor_class },
	{ 17, .walk = walk_vendor_options },
	ONE(18, 0, ONE_INTERFACE),
	ONE(19, 1, ONE_RECONF),
	{ 20 },
	ONE(21, 0, ONE_SIP_NAME),
	ONE(22, 0, ONE_SIP_ADDRESS),
	ONE(23, 0, ONE_DNS),
	ONE(24, 0, ONE_SEARCH),
	{ 25, .walk = walk_association },
	{ 26, 25, true, ROWS(prefix) },
	ONE(27, 0, ONE_NIS),
	ONE(28, 0, ONE_NISP),
	ONE(29, 0, ONE_NIS_NAME),
	ONE(30, 0, ONE_NISP_NAME),
	ONE(31, 0, ONE_SNTP),
	ONE(32, 4, ONE_LIFETIME),
	ONE(33, 0, ONE_BCMCS_NAME),
	ONE(34, 0, ONE_BCMCS),
	{ 37, 4, false, ROWS(remote_id) },
	ONE(38, 0, ONE_SUBSCRIBER),
	{ 39, .walk = walk_fqdn },
	ONE(40, 0, ONE_PANA),
	ONE(41, 0, ONE_POSIX_ZONE),
	ONE(42, 0, ONE_ZONE),
	ONE(43, 0, ONE_REQUEST),
	{ 44, 17, true, ROWS(lease_query) },
	{ 45, 0, true },
	ONE(46, 4, ONE_CLT),
	{ 47, 16, false, ROWS(relay_data) },
	ONE(48, 0, ONE_CLIENT_LINK),
	ONE(52, 0, ONE_CAPWAP),
	{ 53, .walk = walk_duid },
	{ 56, .walk = walk_ntp },
	ONE(64, 0, ONE_AFTR),
	{ 66, 0, true },
	{ 67, 1, false, ROWS(excluded) },
	{ 94, 0, true },
	{ 95, 0, true },
	{ 96, 0, true },
	ONE(103, 0, ONE_PORTAL),
	ONE(112, 0, ONE_MUD),
	ONE(135, 2, ONE_RELAY_PORT),
};

static void walk_value(const struct value *v, unsigned code)
{
	const struct option *o = NULL;

	for (size_t i = 0; i < ARRAY_LEN(options) && !o; i++)
		if (options[i].code == code)
			o = &options[i];
	if (!o || v->depth > DHCPV6_DEPTH) {
		if (length(v))
			walk_field(v->w, &head[3], v->at, length(v), v->depth);
		return;
	}
	if (o->walk) {
		o->walk(v);
		return;
	}
	if (length(v) < o->fixed) {
		unfit(v);
		return;
	}
	if (o->n_fields && o->fields->repeats && o->fields->type == FIELD_NAME) {
		walk_names(v, o->fields, 0);
		return;
	}
	if (o->n_fields && o->fields->repeats && length(v) % field_span(o->fields)) {
		unfit(v);
		return;
	}
	give(v, o->fields, o->n_fields);
	if (o->nested)
		dhcpv6_walk_options(v->w, v->at + o->fixed, v->end, v->depth);
}

/* The option that has the row, the first of several; NULL: it is one of those that code reads. */
static const struct option *option_with(const struct field *f)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].n_fields && f >= options[i].fields &&
		    f < options[i].fields + options[i].n_fields)
			return &options[i];
	return NULL;
}

static void put_row(struct compose *m, const struct compose_setting *s, size_t value)
{
	const struct field *f = s->field;

	if (f->bits && !f->repeats)
		compose_put(m, f, s, value);
	else if (field_is_number(f))
		compose_put(m, f, s, m->out.len);
	else
		buf_bytes(&m->out, s->bytes, s->len);
}

/*
 * Options one after another: a code begins one, and so does a row of another option, or one that
 * the option has already. Those of which code reads the value take it as option.data.
 */
void dhcpv6_compose_options(struct compose *m)
{
	const struct option *in = NULL;
	size_t start = 0;
	uint64_t given = 0;

	for (size_t i = 0; i < m->n; i++) {
		struct compose_setting *s = &m->settings[i];
		const struct option *o = option_with(s->field);
		bool data = s->field == &head[3] && start != m->out.len;

		if (s->field == &head[1] ||
		    (o &&
		     (o != in || (given >> (s->field - o->fields) & 1 && !s->field->repeats)))) {
			start = m->out.len;
			given = 0;
			in = o;
			buf_be16(&m->out, (uint16_t)(o ? o->code : s->number));
			buf_be16(&m->out, 0);
			if (o)
				buf_fill(&m->out, 0, o->fixed);
		}
		if (o) {
			given |= 1ULL << (s->field - o->fields);
			put_row(m, s, start + 4);
		} else if (data) {
			buf_bytes(&m->out, s->bytes, s->len);
		} else if (s->field != &head[1]) {
			continue;
		}
		s->used = true;
		if (!m->out.err)
			store_be16((uint8_t *)m->out.data + start + 2,
				   (uint16_t)(m->out.len - start - 4));
	}
}

void dhcpv6_walk_options(struct walk *w, uint32_t at, uint32_t end, uint8_t depth)
{
	const uint8_t *p = w->packet->bytes;

	while (at < end && !w->over) {
		struct value v = { .w = w, .depth = (uint8_t)(depth + 1) };

		if (end - at < 4 || load_be16(p + at + 2) > end - at - 4) {
			walk_fault(w, -E_MALFORMED, at);
			return;
		}
		v.at = at + 4;
		v.end = v.at + load_be16(p + at + 2);
		v.bytes = p + v.at;
		walk_group(w, &head[0], at, v.end - at, depth, NULL);
		walk_rows(w, &head[1], 2, at, end, depth);
		walk_value(&v, load_be16(p + at));
		at = v.end;
	}
}
