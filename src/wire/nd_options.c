/*
 * Options of neighbour discovery (RFC 4861 section 4.6; routes RFC 4191, DNS RFC 8106, captive
 * portal RFC 8910, NAT64 prefix RFC 8781). Their length counts units of 8 bytes, type and length
 * included.
 */
#include "wire/icmpv6.h"

static const struct value_name option_names[] = {
	{ 1, "source link-layer address" },
	{ 2, "target link-layer address" },
	{ 3, "prefix information" },
	{ 4, "redirected header" },
	{ 5, "MTU" },
	{ 6, "NBMA shortcut limit" },
	{ 7, "advertisement interval" },
	{ 8, "home agent information" },
	{ 9, "source address list" },
	{ 10, "target address list" },
	{ 11, "CGA" },
	{ 12, "RSA signature" },
	{ 13, "timestamp" },
	{ 14, "nonce" },
	{ 15, "trust anchor" },
	{ 16, "certificate" },
	{ 24, "route information" },
	{ 25, "recursive DNS server" },
	{ 26, "router advertisement flags" },
	{ 31, "DNS search list" },
	{ 33, "address registration" },
	{ 34, "6LoWPAN context" },
	{ 35, "authoritative border router" },
	{ 36, "6LoWPAN capability" },
	{ 37, "captive portal" },
	{ 38, "NAT64 prefix" },
	{ 253, "experiment" },
	{ 254, "experiment" },
	{ 0 },
};

static const struct value_name preference_names[] = {
	{ 0, "medium" }, { 1, "high" }, { 2, "reserved" }, { 3, "low" }, { 0 },
};

static const struct value_name pref64_names[] = {
	{ 0, "96 bits" },
	{ 1, "64 bits" },
	{ 2, "56 bits" },
	{ 3, "48 bits" },
	{ 4, "40 bits" },
	{ 5, "32 bits" },
	{ 0 },
};

#define RESERVED_ROW(byte, width)                                                          \
	{                                                                                  \
		AS_BYTES("icmpv6.opt.reserved", BYTE(byte), (width)), .title = "Reserved", \
								      .about = "0"         \
	}

static const struct field group = {
	AS_GROUP("icmpv6.opt", 0),
	.title = "Option",
	.repeats = true,
};
static const struct field head[] = {
	{ AS_UINT("icmpv6.opt.type", 0, 8), .title = "Type", .values = option_names },
	{ AS_UINT("icmpv6.opt.length", BYTE(1), 8), .title = "Length",
	  .about = "Of the option, in units of 8 bytes" },
};

static const struct field source_link[] = {
	{ AS_MAC("icmpv6.opt.src_linkaddr", BYTE(2)), .title = "Link-layer address" },
};
static const struct field target_link[] = {
	{ AS_MAC("icmpv6.opt.target_linkaddr", BYTE(2)), .title = "Link-layer address" },
};
static const struct field prefix[] = {
	{ AS_UINT("icmpv6.opt.prefix.length", BYTE(2), 8), .title = "Prefix length", .preset = 64,
	  .about = "Bits of the prefix that count" },
	{ AS_HEX("icmpv6.opt.prefix.flag", BYTE(3), 8, 2), .title = "Flags" },
	{ AS_FLAG("icmpv6.opt.prefix.flag.l", BYTE(3)), .depth = 1, .title = "On-link",
	  .label = "L", .about = "Addresses with this prefix are on the link" },
	{ AS_FLAG("icmpv6.opt.prefix.flag.a", BYTE(3) + 1), .depth = 1, .title = "Autonomous",
	  .label = "A", .about = "Hosts may make themselves addresses of it" },
	{ AS_FLAG("icmpv6.opt.prefix.flag.r", BYTE(3) + 2), .depth = 1, .title = "Router address",
	  .label = "R" },
	{ AS_UINT("icmpv6.opt.prefix.flag.reserved", BYTE(3) + 3, 5), .depth = 1,
	  .title = "Reserved", .label = "Resv1" },
	{ AS_UINT("icmpv6.opt.prefix.valid_lifetime", BYTE(4), 32), .title = "Valid lifetime",
	  .preset = 2592000, .about = "Seconds" },
	{ AS_UINT("icmpv6.opt.prefix.preferred_lifetime", BYTE(8), 32),
	  .title = "Preferred lifetime", .preset = 604800, .about = "Seconds" },
	RESERVED_ROW(12, 32),
	{ AS_IP6("icmpv6.opt.prefix", BYTE(16)), .title = "Prefix" },
};
static const struct field redirected[] = {
	RESERVED_ROW(2, 48),
	{ AS_BYTES("icmpv6.opt.redirected_packet", BYTE(8), 0), .title = "Redirected packet" },
};
static const struct field mtu[] = {
	RESERVED_ROW(2, 16),
	{ AS_UINT("icmpv6.opt.mtu", BYTE(4), 32), .title = "MTU", .about = "For this link" },
};
static const struct field interval[] = {
	RESERVED_ROW(2, 16),
	{ AS_UINT("icmpv6.opt.advertisement_interval", BYTE(4), 32),
	  .title = "Advertisement interval", .about = "Milliseconds, at most" },
};
static const struct field home_agent[] = {
	RESERVED_ROW(2, 16),
	{ AS_UINT("icmpv6.opt.home_agent_preference", BYTE(4), 16),
	  .title = "Home agent preference" },
	{ AS_UINT("icmpv6.opt.home_agent_lifetime", BYTE(6), 16), .title = "Home agent lifetime",
	  .about = "Seconds" },
};
static const struct field nonce[] = {
	{ AS_BYTES("icmpv6.opt.nonce", BYTE(2), 0), .title = "Nonce" },
};
static const struct field route[] = {
	{ AS_UINT("icmpv6.opt.prefix.length", BYTE(2), 8), .title = "Prefix length" },
	{ AS_HEX("icmpv6.opt.route_info.flag", BYTE(3), 8, 2), .title = "Flags" },
	{ AS_UINT("icmpv6.opt.route_info.flag.route_preference", BYTE(3) + 3, 2), .depth = 1,
	  .title = "Route preference", .label = "Prf", .values = preference_names },
	{ AS_UINT("icmpv6.opt.route_lifetime", BYTE(4), 32), .title = "Route lifetime",
	  .about = "Seconds" },
	{ AS_("icmpv6.opt.prefix", BYTE(8), 0, FIELD_IP6), .title = "Prefix",
	  .about = "0, 8 or 16 bytes, by its length" },
};
static const struct field rdnss[] = {
	RESERVED_ROW(2, 16),
	{ AS_UINT("icmpv6.opt.rdnss.lifetime", BYTE(4), 32), .title = "Lifetime",
	  .about = "Seconds" },
	{ AS_IP6("icmpv6.opt.rdnss", BYTE(8)), .repeats = true, .title = "DNS server" },
};
static const struct field flags_extension[] = {
	{ AS_HEX("icmpv6.opt.efo", BYTE(2), 16, 4), .title = "Flags" },
	{ AS_FLAG("icmpv6.opt.efo.m", BYTE(2)), .depth = 1, .title = "Managed addresses",
	  .label = "M" },
	{ AS_FLAG("icmpv6.opt.efo.o", BYTE(2) + 1), .depth = 1, .title = "Other configuration",
	  .label = "O" },
	{ AS_FLAG("icmpv6.opt.efo.h", BYTE(2) + 2), .depth = 1, .title = "Home agent",
	  .label = "H" },
	{ AS_UINT("icmpv6.opt.efo.prf", BYTE(2) + 3, 2), .depth = 1,
	  .title = "Default router preference", .label = "Prf", .values = preference_names },
	{ AS_FLAG("icmpv6.opt.efo.p", BYTE(2) + 5), .depth = 1, .title = "Proxy", .label = "P" },
	RESERVED_ROW(4, 32),
};
static const struct field dnssl[] = {
	RESERVED_ROW(2, 16),
	{ AS_UINT("icmpv6.opt.dnssl.lifetime", BYTE(4), 32), .title = "Lifetime",
	  .about = "Seconds" },
	{ AS_("icmpv6.opt.dnssl", BYTE(8), 0, FIELD_NAME), .repeats = true,
	  .title = "Search domain" },
};
static const struct field portal[] = {
	{ AS_("icmpv6.opt.captive_portal", BYTE(2), 0, FIELD_TEXT), .title = "Captive portal" },
};
static const struct field pref64[] = {
	{ AS_UINT("icmpv6.opt.pref64.scaled_lifetime", BYTE(2), 13), .title = "Scaled lifetime",
	  .about = "In units of 8 seconds" },
	{ AS_HEX("icmpv6.opt.pref64.plc", BYTE(3) + 5, 3, 4), .title = "Prefix length code",
	  .label = "PLC", .values = pref64_names },
	{ AS_("icmpv6.opt.pref64.prefix", BYTE(4), 96, FIELD_IP6), .title = "Prefix",
	  .about = "The first 96 bits" },
};
static const struct field opaque[] = {
	{ AS_BYTES("icmpv6.data", BYTE(2), 0), .title = "Data" },
};

#define OPTION(n, t, r, rows, len, type)                                             \
	{                                                                            \
		.name = (n), .title = (t), .rfc = (r), ROWS(rows), .min_len = (len), \
		.code = (type)                                                       \
	}

static const struct block blocks[] = {
	OPTION("slla", "Source link-layer address", "RFC 4861 section 4.6.1", source_link, 8, 1),
	OPTION("tlla", "Target link-layer address", "RFC 4861 section 4.6.1", target_link, 8, 2),
	OPTION("prefix", "Prefix information", "RFC 4861 section 4.6.2", prefix, 32, 3),
	OPTION("redirected", "Redirected header", "RFC 4861 section 4.6.3", redirected, 8, 4),
	OPTION("mtu", "MTU", "RFC 4861 section 4.6.4", mtu, 8, 5),
	OPTION("interval", "Advertisement interval", "RFC 6275 section 7.3", interval, 8, 7),
	OPTION("home-agent", "Home agent information", "RFC 6275 section 7.4", home_agent, 8, 8),
	OPTION("nonce", "Nonce", "RFC 3971 section 5.3.2", nonce, 2, 14),
	OPTION("route", "Route information", "RFC 4191 section 2.3", route, 8, 24),
	OPTION("rdnss", "Recursive DNS server", "RFC 8106 section 5.1", rdnss, 8, 25),
	OPTION("flags", "Router advertisement flags", "RFC 5175 section 4", flags_extension, 8, 26),
	OPTION("dnssl", "DNS search list", "RFC 8106 section 5.2", dnssl, 8, 31),
	OPTION("portal", "Captive portal", "RFC 8910 section 2.3", portal, 2, 37),
	OPTION("pref64", "NAT64 prefix", "RFC 8781 section 4", pref64, 16, 38),
};
static const struct block unknown = OPTION("opt", "Option", "RFC 4861 section 4.6", opaque, 2, 0);

const struct options nd_options = {
	.group = &group,
	.head = head,
	.n_head = ARRAY_LEN(head),
	.blocks = blocks,
	.n_blocks = ARRAY_LEN(blocks),
	.unknown = &unknown,
	.unit = 8,
	.align = 8,
	.end = -1,
	.pad = -1,
};
