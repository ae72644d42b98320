/*
 * SNMP (version 1 RFC 1157, 2c RFC 1901, 3 RFC 3412 and its user-based security RFC 3414, bodies
 * RFC 3416, engines RFC 3411 section 5, transports RFC 3417 and RFC 3430). Messages are BER
 * throughout, so there are no rows of fixed place: the walk goes from element to element. What
 * follows a body that is encrypted cannot be read and is named as such.
 */
#include "wire/snmp.h"

#include "wire/ber_walk.h"
#include "wire/exchange.h"
#include "wire/snmp_internal.h"

static const struct value_name version_names[] = {
	{ SNMP_V1, "version 1" },
	{ SNMP_V2C, "version 2c" },
	{ 2, "version 2u" },
	{ SNMP_V3, "version 3" },
	{ 0 },
};
/* By the tag's number. */
static const struct value_name pdu_names[] = {
	{ 0, "get" },	   { 1, "get-next" }, { 2, "response" }, { 3, "set" },	  { 4, "trap" },
	{ 5, "get-bulk" }, { 6, "inform" },   { 7, "trap" },	 { 8, "report" }, { 0 },
};
static const struct value_name error_names[] = {
	{ 0, "noError" },
	{ 1, "tooBig" },
	{ 2, "noSuchName" },
	{ 3, "badValue" },
	{ 4, "readOnly" },
	{ 5, "genErr" },
	{ 6, "noAccess" },
	{ 7, "wrongType" },
	{ 8, "wrongLength" },
	{ 9, "wrongEncoding" },
	{ 10, "wrongValue" },
	{ 11, "noCreation" },
	{ 12, "inconsistentValue" },
	{ 13, "resourceUnavailable" },
	{ 14, "commitFailed" },
	{ 15, "undoFailed" },
	{ 16, "authorizationError" },
	{ 17, "notWritable" },
	{ 18, "inconsistentName" },
	{ 0 },
};
static const struct value_name trap_names[] = {
	{ 0, "coldStart" },
	{ 1, "warmStart" },
	{ 2, "linkDown" },
	{ 3, "linkUp" },
	{ 4, "authenticationFailure" },
	{ 5, "egpNeighborLoss" },
	{ 6, "enterpriseSpecific" },
	{ 0 },
};
static const struct value_name security_names[] = {
	{ 0, "any" },	     { 1, "SNMPv1" },	 { 2, "SNMPv2c" },
	{ 3, "user-based" }, { 4, "transport" }, { 0 },
};
static const struct value_name data_names[] = {
	{ 0, "plain text" },
	{ 1, "encrypted" },
	{ 0 },
};
static const struct value_name format_names[] = {
	{ 1, "IPv4 address" },
	{ 2, "IPv6 address" },
	{ 3, "MAC address" },
	{ 4, "text" },
	{ 5, "octets" },
	{ 6, "local engine" },
	{ 128, "net-snmp's random number and time" },
	{ 0 },
};

const struct field snmp_rows[N_SNMP_ROWS] = {
	[SNMP_ROW_VERSION] = { AS_INT("snmp.version", 0, 0), .title = "Version",
			       .values = version_names },
	[SNMP_ROW_COMMUNITY] = { AS_TEXT("snmp.community", 0, 0), .title = "Community",
				 .about = "The password, readable by all" },
	[SNMP_ROW_MSG_VERSION] = { AS_INT("snmp.msgVersion", 0, 0), .title = "Version",
				   .values = version_names },
	[SNMP_ROW_MSG_ID] = { AS_UINT("snmp.msgID", 0, 0), .title = "Message ID" },
	[SNMP_ROW_MSG_MAX_SIZE] = { AS_UINT("snmp.msgMaxSize", 0, 0),
				    .title = "Maximum message size",
				    .about = "The most bytes that the sender takes" },
	[SNMP_ROW_MSG_FLAGS] = { AS_BYTES("snmp.msgFlags", 0, 0), .title = "Flags" },
	[SNMP_ROW_FLAG_REPORT] = { AS_FLAG("snmp.v3.flags.report", 5), .depth = 1,
				   .title = "Reportable", .about = "Errors shall be reported" },
	[SNMP_ROW_FLAG_CRYPT] = { AS_FLAG("snmp.v3.flags.crypt", 6), .depth = 1,
				  .title = "Encrypted" },
	[SNMP_ROW_FLAG_AUTH] = { AS_FLAG("snmp.v3.flags.auth", 7), .depth = 1,
				 .title = "Authenticated" },
	[SNMP_ROW_SECURITY_MODEL] = { AS_UINT("snmp.msgSecurityModel", 0, 0),
				      .title = "Security model", .values = security_names },
	[SNMP_ROW_SECURITY_PARAMETERS] = { AS_BYTES("snmp.msgSecurityParameters", 0, 0),
					   .title = "Security parameters" },
	[SNMP_ROW_ENGINE_ID] = { AS_BYTES("snmp.msgAuthoritativeEngineID", 0, 0),
				 .title = "Authoritative engine" },
	[SNMP_ROW_ENGINE] = { AS_GROUP("snmp.msgAuthoritativeEngine", 0), .repeats = true,
			      .title = "What its identifier says" },
	[SNMP_ROW_ENGINE_BOOTS] = { AS_UINT("snmp.msgAuthoritativeEngineBoots", 0, 0),
				    .title = "Boots of the engine" },
	[SNMP_ROW_ENGINE_TIME] = { AS_UINT("snmp.msgAuthoritativeEngineTime", 0, 0),
				   .title = "Time of the engine",
				   .about = "Seconds since its last boot" },
	[SNMP_ROW_USER_NAME] = { AS_TEXT("snmp.msgUserName", 0, 0), .title = "User" },
	[SNMP_ROW_AUTH_PARAMETERS] = { AS_BYTES("snmp.msgAuthenticationParameters", 0, 0),
				       .title = "Authentication parameters",
				       .about = "The digest" },
	[SNMP_ROW_PRIV_PARAMETERS] = { AS_BYTES("snmp.msgPrivacyParameters", 0, 0),
				       .title = "Privacy parameters", .about = "The salt" },
	[SNMP_ROW_MSG_DATA] = { AS_UINT("snmp.msgData", 0, 0), .title = "Data",
				.values = data_names },
	[SNMP_ROW_ENCRYPTED_PDU] = { AS_BYTES("snmp.encryptedPDU", 0, 0),
				     .title = "Encrypted body" },
	[SNMP_ROW_CONTEXT_ENGINE_ID] = { AS_BYTES("snmp.contextEngineID", 0, 0),
					 .title = "Context engine" },
	[SNMP_ROW_CONTEXT_ENGINE] = { AS_GROUP("snmp.contextEngine", 0), .repeats = true,
				      .title = "What its identifier says" },
	[SNMP_ROW_CONTEXT_NAME] = { AS_TEXT("snmp.contextName", 0, 0), .title = "Context name" },
	[SNMP_ROW_DATA] = { AS_UINT("snmp.data", 0, 0), .title = "Body", .values = pdu_names },
	[SNMP_ROW_ENTERPRISE] = { AS_OID("snmp.enterprise"), .title = "Enterprise",
				  .about = "The kind of thing that sent the trap" },
	[SNMP_ROW_AGENT_ADDR] = { AS_IP4("snmp.agent_addr", 0), .title = "Agent's address" },
	[SNMP_ROW_GENERIC_TRAP] = { AS_INT("snmp.generic_trap", 0, 0), .title = "Generic trap",
				    .values = trap_names },
	[SNMP_ROW_SPECIFIC_TRAP] = { AS_INT("snmp.specific_trap", 0, 0), .title = "Specific trap",
				     .about = "Numbered by the enterprise" },
	[SNMP_ROW_TIME_STAMP] = { AS_UINT("snmp.time_stamp", 0, 0), .title = "Time stamp",
				  .about = "Hundredths of a second since the agent started" },
	[SNMP_ROW_REQUEST_ID] = { AS_INT("snmp.request_id", 0, 0), .title = "Request ID" },
	[SNMP_ROW_ERROR_STATUS] = { AS_INT("snmp.error_status", 0, 0), .title = "Error status",
				    .values = error_names },
	[SNMP_ROW_ERROR_INDEX] = { AS_INT("snmp.error_index", 0, 0), .title = "Error index",
				   .about = "The variable that is at fault, from 1; 0: none" },
	[SNMP_ROW_NON_REPEATERS] = { AS_UINT("snmp.non_repeaters", 0, 0), .title = "Non-repeaters",
				     .about = "Variables of which one successor is wanted" },
	[SNMP_ROW_MAX_REPETITIONS] = { AS_UINT("snmp.max_repetitions", 0, 0),
				       .title = "Maximum repetitions",
				       .about = "Successors wanted of each of the others" },
	[SNMP_ROW_BINDINGS] = { AS_UINT("snmp.variable_bindings", 0, 0),
				.title = "Variable bindings" },
	[SNMP_ROW_BINDING] = { AS_GROUP("snmp.VarBind_element", 0), .repeats = true, .depth = 1,
			       .title = "Variable" },
	[SNMP_ROW_NAME] = { AS_OID("snmp.name"), .depth = 2, .title = "Name" },
#define VALUE_ROW(kind, n, text)                                                 \
	{                                                                        \
		kind("snmp.value." n, 0, 0), .depth = 2, .title = "Value, " text \
	}
	[SNMP_ROW_VALUE_INT] = VALUE_ROW(AS_INT, "int", "integer"),
	[SNMP_ROW_VALUE_OCTETS] = VALUE_ROW(AS_BYTES, "octets", "octets"),
	[SNMP_ROW_VALUE_NULL] = { AS_FLAG("snmp.value.null", 0), .depth = 2,
				  .title = "Value, none" },
	[SNMP_ROW_VALUE_OID] = { AS_OID("snmp.value.oid"), .depth = 2,
				 .title = "Value, object identifier" },
	[SNMP_ROW_VALUE_IP4] = { AS_IP4("snmp.value.ipv4", 0), .depth = 2,
				 .title = "Value, IPv4 address" },
	[SNMP_ROW_VALUE_IP6] = { AS_IP6("snmp.value.ipv6", 0), .depth = 2,
				 .title = "Value, IPv6 address" },
	[SNMP_ROW_VALUE_ADDR] = VALUE_ROW(AS_BYTES, "addr", "address"),
	[SNMP_ROW_VALUE_COUNTER] = VALUE_ROW(AS_UINT, "counter", "counter"),
	[SNMP_ROW_VALUE_GAUGE] = VALUE_ROW(AS_UINT, "g32", "gauge"),
	[SNMP_ROW_VALUE_TICKS] = VALUE_ROW(AS_UINT, "timeticks", "hundredths of a second"),
	[SNMP_ROW_VALUE_OPAQUE] = VALUE_ROW(AS_BYTES, "opaque", "opaque"),
	[SNMP_ROW_VALUE_NSAP] = VALUE_ROW(AS_UINT, "nsap", "NSAP address"),
	[SNMP_ROW_VALUE_UINT] = VALUE_ROW(AS_UINT, "u32", "unsigned"),
#define NO_VALUE_ROW(n, text)                                                \
	{                                                                    \
		AS_FLAG("snmp." n, 0), .depth = 2, .title = n, .about = text \
	}
	[SNMP_ROW_NO_SUCH_OBJECT] =
		NO_VALUE_ROW("noSuchObject", "The agent does not know such a variable"),
	[SNMP_ROW_NO_SUCH_INSTANCE] =
		NO_VALUE_ROW("noSuchInstance", "The variable exists, but not so often"),
	[SNMP_ROW_END_OF_MIB_VIEW] = NO_VALUE_ROW("endOfMibView", "Nothing follows"),
	[SNMP_ROW_VALUE_UNKNOWN] = VALUE_ROW(AS_BYTES, "unk", "of an unknown type"),
	[SNMP_ROW_CONFORM] = { AS_FLAG("snmp.engineid.conform", 0), .depth = 1,
			       .title = "Formed as in RFC 3411", .about = "Else as in RFC 1910" },
	[SNMP_ROW_ENTERPRISE_ID] = { AS_UINT("snmp.engineid.enterprise", 1, 31), .depth = 1,
				     .title = "Enterprise",
				     .about = "Number of the maker at IANA" },
	[SNMP_ROW_FORMAT] = { AS_UINT("snmp.engineid.format", BYTE(4), 8), .depth = 1,
			      .title = "Format", .values = format_names },
	[SNMP_ROW_ENGINE_IP4] = { AS_IP4("snmp.engineid.ipv4", BYTE(5)), .depth = 1,
				  .title = "IPv4 address" },
	[SNMP_ROW_ENGINE_IP6] = { AS_IP6("snmp.engineid.ipv6", BYTE(5)), .depth = 1,
				  .title = "IPv6 address" },
	[SNMP_ROW_ENGINE_MAC] = { AS_MAC("snmp.engineid.mac", BYTE(5)), .depth = 1,
				  .title = "MAC address" },
	[SNMP_ROW_ENGINE_TEXT] = { AS_TEXT("snmp.engineid.text", BYTE(5), 0), .depth = 1,
				   .title = "Text" },
	[SNMP_ROW_ENGINE_DATA] = { AS_BYTES("snmp.engineid.data", BYTE(5), 0), .depth = 1,
				   .title = "Data" },
	[SNMP_ROW_ENGINE_CREATED] = { AS_TIME("snmp.engineid.time"), .depth = 1,
				      .title = "Made at" },
	[SNMP_ROW_ENGINE_TRAILER] = { AS_BYTES("snmp.agentid_trailer", BYTE(4), 0), .depth = 1,
				      .title = "Trailer" },
};

const char *snmp_pdu_name(uint8_t tag)
{
	return (tag & 0xe0) == BER_CONSTRUCTED(0)
		       ? field_value_name(&snmp_rows[SNMP_ROW_DATA], tag & 0x1f)
		       : NULL;
}

const char *snmp_error_name(int64_t status)
{
	return field_value_name(&snmp_rows[SNMP_ROW_ERROR_STATUS], (uint64_t)status);
}

const char *snmp_trap_name(int64_t generic)
{
	return field_value_name(&snmp_rows[SNMP_ROW_GENERIC_TRAP], (uint64_t)generic);
}

/* The next element, which must be of @tag, as the row's field. */
static bool give(struct walk *w, uint32_t *at, uint32_t end, uint8_t tag, enum snmp_row row,
		 uint8_t depth)
{
	struct ber_part part;

	return ber_walk_tag(w, at, end, tag, &part) &&
	       ber_walk_give(w, &part, &snmp_rows[row], depth);
}

/* The value's bytes from @skip on. */
static void engine_rest(struct walk *w, const struct ber_part *part, enum snmp_row row,
			uint32_t skip, uint8_t depth)
{
	if (part->end - part->at > skip)
		walk_field(w, &snmp_rows[row], part->at + skip, part->end - part->at - skip, depth);
}

#define ENTERPRISE_NET_SNMP 8072

/* What net-snmp makes of its own: a random number, and the time as it was in memory: nearly always
 * with the low byte first, in four or eight bytes. */
static void engine_net_snmp(struct walk *w, const struct ber_part *part, uint8_t depth)
{
	uint32_t s = __builtin_bswap32(load_be32(w->packet->bytes + part->at + 9));

	walk_field(w, &snmp_rows[SNMP_ROW_ENGINE_DATA], part->at + 5, 4, depth);
	walk_number(w, &snmp_rows[SNMP_ROW_ENGINE_CREATED], part->at + 9, 4, s * NS_PER_S, depth);
}

static void engine_format(struct walk *w, const struct ber_part *part, uint8_t depth)
{
	const uint8_t *id = w->packet->bytes + part->at;
	uint32_t len = part->end - part->at - 5;

	if (id[4] == 1 && len == 4)
		engine_rest(w, part, SNMP_ROW_ENGINE_IP4, 5, depth);
	else if (id[4] == 2 && len == 16)
		engine_rest(w, part, SNMP_ROW_ENGINE_IP6, 5, depth);
	else if (id[4] == 3 && len == 6)
		engine_rest(w, part, SNMP_ROW_ENGINE_MAC, 5, depth);
	else if (id[4] == 4)
		engine_rest(w, part, SNMP_ROW_ENGINE_TEXT, 5, depth);
	else if (id[4] == 128 && (len == 8 || len == 12) &&
		 (load_be32(id) & 0x7fffffff) == ENTERPRISE_NET_SNMP)
		engine_net_snmp(w, part, depth);
	else
		engine_rest(w, part, SNMP_ROW_ENGINE_DATA, 5, depth);
}

/* An engine's identifier: the octets, and in @group what they say (RFC 3411 section 5). */
static bool give_engine(struct walk *w, uint32_t *at, uint32_t end, enum snmp_row row,
			enum snmp_row group, uint8_t depth)
{
	struct ber_part part;
	uint32_t len;

	if (!ber_walk_tag(w, at, end, BER_OCTET_STRING, &part) ||
	    !ber_walk_give(w, &part, &snmp_rows[row], depth))
		return false;
	len = part.end - part.at;
	if (len < 5)
		return true;
	walk_group(w, &snmp_rows[group], part.at, len, depth, NULL);
	walk_rows(w, &snmp_rows[SNMP_ROW_CONFORM], 2, part.at, part.end, depth);
	if (!(w->packet->bytes[part.at] & 0x80)) {
		if (len == 12)
			engine_rest(w, &part, SNMP_ROW_ENGINE_TRAILER, 4, depth);
		return true;
	}
	walk_rows(w, &snmp_rows[SNMP_ROW_FORMAT], 1, part.at, part.end, depth);
	engine_format(w, &part, depth);
	return true;
}

static enum snmp_row address_row(uint32_t len)
{
	return len == 4 ? SNMP_ROW_VALUE_IP4 : len == 16 ? SNMP_ROW_VALUE_IP6 : SNMP_ROW_VALUE_ADDR;
}

/* The row that shows a value of the part's type. */
static enum snmp_row value_row(const struct walk *w, const struct ber_part *part)
{
	static const struct {
		uint8_t tag, row;
	} types[] = {
		{ BER_INTEGER, SNMP_ROW_VALUE_INT },
		{ BER_OCTET_STRING, SNMP_ROW_VALUE_OCTETS },
		{ BER_NULL, SNMP_ROW_VALUE_NULL },
		{ BER_OID, SNMP_ROW_VALUE_OID },
		{ SNMP_COUNTER32, SNMP_ROW_VALUE_COUNTER },
		{ SNMP_GAUGE32, SNMP_ROW_VALUE_GAUGE },
		{ SNMP_TIME_TICKS, SNMP_ROW_VALUE_TICKS },
		{ SNMP_OPAQUE, SNMP_ROW_VALUE_OPAQUE },
		{ SNMP_NSAP, SNMP_ROW_VALUE_NSAP },
		{ SNMP_COUNTER64, SNMP_ROW_VALUE_COUNTER },
		{ SNMP_UINTEGER32, SNMP_ROW_VALUE_UINT },
		{ SNMP_NO_SUCH_OBJECT, SNMP_ROW_NO_SUCH_OBJECT },
		{ SNMP_NO_SUCH_INSTANCE, SNMP_ROW_NO_SUCH_INSTANCE },
		{ SNMP_END_OF_MIB_VIEW, SNMP_ROW_END_OF_MIB_VIEW },
	};
	const uint8_t *bytes = w->packet->bytes + part->at;
	uint32_t len = part->end - part->at;
	int64_t i;
	uint64_t u;

	if (part->tag == SNMP_IP_ADDRESS)
		return address_row(len);
	for (size_t n = 0; n < ARRAY_LEN(types); n++) {
		const struct field *f = &snmp_rows[types[n].row];

		if (types[n].tag != part->tag)
			continue;
		/* Numbers that are none are shown as octets. */
		if ((f->type == FIELD_INT && ber_int_of(bytes, len, &i) < 0) ||
		    (f->type == FIELD_UINT && ber_uint_of(bytes, len, &u) < 0))
			return SNMP_ROW_VALUE_UNKNOWN;
		return types[n].row;
	}
	return SNMP_ROW_VALUE_UNKNOWN;
}

static void walk_binding(struct walk *w, const struct ber_part *binding, uint8_t depth)
{
	uint32_t at = binding->at;
	struct ber_part value;
	enum snmp_row row;

	if (!walk_group(w, &snmp_rows[SNMP_ROW_BINDING], binding->off, binding->at - binding->off,
			depth, NULL) ||
	    !give(w, &at, binding->end, BER_OID, SNMP_ROW_NAME, depth) ||
	    !ber_walk(w, &at, binding->end, &value) ||
	    !walk_fits(w, value.at, value.end - value.at, value.end))
		return;
	row = value_row(w, &value);
	if (snmp_rows[row].type == FIELD_FLAG)
		walk_number(w, &snmp_rows[row], value.off, value.end - value.off, 1, depth);
	else
		ber_walk_give(w, &value, &snmp_rows[row], depth);
}

/* Elements that are there, whole or not. */
static uint64_t count_parts(const struct walk *w, const struct ber_part *list)
{
	uint32_t have = MIN(MIN(list->end, w->end), w->packet->cap_len);
	struct cursor c = cursor_of(w->packet->bytes + list->at, have - MIN(list->at, have));
	uint64_t n = 0;

	for (; cursor_left(&c); n++)
		ber_skip(&c);
	return n;
}

static void walk_bindings(struct walk *w, uint32_t *at, uint32_t end, uint8_t depth)
{
	struct ber_part list, binding;

	if (!ber_walk_tag(w, at, end, BER_SEQUENCE, &list))
		return;
	walk_number(w, &snmp_rows[SNMP_ROW_BINDINGS], list.off, list.at - list.off,
		    count_parts(w, &list), depth);
	for (uint32_t next = list.at; next < list.end && !w->over;)
		if (ber_walk_tag(w, &next, list.end, BER_SEQUENCE, &binding))
			walk_binding(w, &binding, depth);
}

static void walk_pdu(struct walk *w, uint32_t *at, uint32_t end, uint8_t depth)
{
	struct ber_part pdu;
	uint32_t next;
	bool bulk, good;

	if (!ber_walk(w, at, end, &pdu))
		return;
	if (!snmp_pdu_name(pdu.tag)) {
		walk_fault(w, -E_MALFORMED, pdu.off);
		return;
	}
	walk_number(w, &snmp_rows[SNMP_ROW_DATA], pdu.off, 1, pdu.tag & 0x1f, depth);
	depth++;
	next = pdu.at;
	bulk = pdu.tag == SNMP_GET_BULK;
	if (pdu.tag == SNMP_TRAP_V1)
		good = give(w, &next, pdu.end, BER_OID, SNMP_ROW_ENTERPRISE, depth) &&
		       give(w, &next, pdu.end, SNMP_IP_ADDRESS, SNMP_ROW_AGENT_ADDR, depth) &&
		       give(w, &next, pdu.end, BER_INTEGER, SNMP_ROW_GENERIC_TRAP, depth) &&
		       give(w, &next, pdu.end, BER_INTEGER, SNMP_ROW_SPECIFIC_TRAP, depth) &&
		       give(w, &next, pdu.end, SNMP_TIME_TICKS, SNMP_ROW_TIME_STAMP, depth);
	else
		good = give(w, &next, pdu.end, BER_INTEGER, SNMP_ROW_REQUEST_ID, depth) &&
		       give(w, &next, pdu.end, BER_INTEGER,
			    bulk ? SNMP_ROW_NON_REPEATERS : SNMP_ROW_ERROR_STATUS, depth) &&
		       give(w, &next, pdu.end, BER_INTEGER,
			    bulk ? SNMP_ROW_MAX_REPETITIONS : SNMP_ROW_ERROR_INDEX, depth);
	if (good)
		walk_bindings(w, &next, pdu.end, depth);
}

/* RFC 3412 section 6: the header of version 3. */
static bool walk_global_data(struct walk *w, uint32_t *at, uint32_t end, uint64_t *ret_model)
{
	struct ber_part header, part;
	uint32_t next;

	if (!ber_walk_tag(w, at, end, BER_SEQUENCE, &header))
		return false;
	next = header.at;
	if (!give(w, &next, header.end, BER_INTEGER, SNMP_ROW_MSG_ID, 0) ||
	    !give(w, &next, header.end, BER_INTEGER, SNMP_ROW_MSG_MAX_SIZE, 0) ||
	    !ber_walk_tag(w, &next, header.end, BER_OCTET_STRING, &part) ||
	    !ber_walk_give(w, &part, &snmp_rows[SNMP_ROW_MSG_FLAGS], 0))
		return false;
	if (part.end > part.at)
		walk_rows(w, &snmp_rows[SNMP_ROW_FLAG_REPORT], 3, part.at, part.end, 0);
	return ber_walk_tag(w, &next, header.end, BER_INTEGER, &part) &&
	       ber_walk_give(w, &part, &snmp_rows[SNMP_ROW_SECURITY_MODEL], 0) &&
	       ber_uint_of(w->packet->bytes + part.at, part.end - part.at, ret_model) == 0;
}

/* RFC 3414 section 2.4: the user-based model's parameters, in a string of octets. */
static bool walk_user(struct walk *w, uint32_t *at, uint32_t end)
{
	struct ber_part octets, part;
	uint32_t next;

	if (!ber_walk_tag(w, at, end, BER_OCTET_STRING, &octets))
		return false;
	next = octets.at;
	if (!ber_walk_tag(w, &next, octets.end, BER_SEQUENCE, &part))
		return false;
	next = part.at;
	return give_engine(w, &next, part.end, SNMP_ROW_ENGINE_ID, SNMP_ROW_ENGINE, 0) &&
	       give(w, &next, part.end, BER_INTEGER, SNMP_ROW_ENGINE_BOOTS, 0) &&
	       give(w, &next, part.end, BER_INTEGER, SNMP_ROW_ENGINE_TIME, 0) &&
	       give(w, &next, part.end, BER_OCTET_STRING, SNMP_ROW_USER_NAME, 0) &&
	       give(w, &next, part.end, BER_OCTET_STRING, SNMP_ROW_AUTH_PARAMETERS, 0) &&
	       give(w, &next, part.end, BER_OCTET_STRING, SNMP_ROW_PRIV_PARAMETERS, 0);
}

static void walk_v3(struct walk *w, uint32_t at, uint32_t end)
{
	struct ber_part scoped;
	uint64_t model = 0;
	bool user;

	if (!walk_global_data(w, &at, end, &model))
		return;
	user = model == SNMP_V3;
	if (user ? !walk_user(w, &at, end)
		 : !give(w, &at, end, BER_OCTET_STRING, SNMP_ROW_SECURITY_PARAMETERS, 0))
		return;
	if (!ber_walk(w, &at, end, &scoped))
		return;
	walk_number(w, &snmp_rows[SNMP_ROW_MSG_DATA], scoped.off, 1, scoped.tag == BER_OCTET_STRING,
		    0);
	if (scoped.tag == BER_OCTET_STRING) {
		ber_walk_give(w, &scoped, &snmp_rows[SNMP_ROW_ENCRYPTED_PDU], 1);
		return;
	}
	if (scoped.tag != BER_SEQUENCE) {
		walk_fault(w, -E_MALFORMED, scoped.off);
		return;
	}
	at = scoped.at;
	if (give_engine(w, &at, scoped.end, SNMP_ROW_CONTEXT_ENGINE_ID, SNMP_ROW_CONTEXT_ENGINE,
			1) &&
	    give(w, &at, scoped.end, BER_OCTET_STRING, SNMP_ROW_CONTEXT_NAME, 1))
		walk_pdu(w, &at, scoped.end, 1);
}

static void snmp_walk(struct walk *w)
{
	uint32_t at = w->layer->off;
	struct ber_part message, part;
	int64_t version = -1;

	if (!ber_walk_tag(w, &at, ber_walk_end(w), BER_SEQUENCE, &message))
		return;
	at = message.at;
	if (!ber_walk_tag(w, &at, message.end, BER_INTEGER, &part) ||
	    !walk_fits(w, part.at, part.end - part.at, part.end))
		return;
	if (ber_int_of(w->packet->bytes + part.at, part.end - part.at, &version) < 0)
		version = -1;
	if (!ber_walk_give(w, &part,
			   &snmp_rows[version == SNMP_V3 ? SNMP_ROW_MSG_VERSION : SNMP_ROW_VERSION],
			   0))
		return;
	if (version == SNMP_V3)
		walk_v3(w, at, message.end);
	else if ((version == SNMP_V1 || version == SNMP_V2C) &&
		 give(w, &at, message.end, BER_OCTET_STRING, SNMP_ROW_COMMUNITY, 0))
		walk_pdu(w, &at, message.end, 0);
}

static const struct field exchange_rows[] = {
	{ AS_COUNT("snmp.response_to"), .title = "Answer to packet" },
	{ AS_DURATION("snmp.time"), .title = "Time since the request" },
};

/* Of a body that is encrypted it is not known whether it asks. */
static bool snmp_tell(const struct packet *p, const struct layer *l, struct exchange *ret_exchange)
{
	struct cursor c = cursor_of(p->bytes + l->off, l->header_len);
	struct cursor message = ber_enter(&c, BER_SEQUENCE), pdu;
	struct exchange e = { .id_len = 4 };
	uint8_t tag;

	if (ber_int(&message, BER_INTEGER) == SNMP_V3) {
		(void)ber_enter(&message, BER_SEQUENCE);
		(void)ber_enter(&message, BER_OCTET_STRING);
		message = ber_enter(&message, BER_SEQUENCE);
		(void)ber_enter(&message, BER_OCTET_STRING);
	}
	(void)ber_enter(&message, BER_OCTET_STRING);
	tag = ber_peek(&message);
	if (message.err || !snmp_pdu_name(tag) || tag == SNMP_TRAP_V1 || tag == SNMP_TRAP)
		return false;
	pdu = ber_enter(&message, tag);
	store_be32(e.id, (uint32_t)ber_int(&pdu, BER_INTEGER));
	e.answer = tag == SNMP_RESPONSE || tag == SNMP_REPORT;
	*ret_exchange = e;
	return !pdu.err;
}

static const struct exchange_table exchange = { .tell = snmp_tell, ROWS(exchange_rows) };

/*
 * A message that fills its datagram, with a version that exists and, up to the body, elements that
 * fill it likewise.
 */
static bool snmp_guess(const uint8_t *bytes, size_t len, bool stream)
{
	struct cursor c = cursor_of(bytes, len), message = ber_enter(&c, BER_SEQUENCE), header;
	int64_t version = ber_int(&message, BER_INTEGER);
	uint8_t tag;

	if (stream || message.err || cursor_left(&c))
		return false;
	if (version == SNMP_V3) {
		header = ber_enter(&message, BER_SEQUENCE);
		(void)ber_uint(&header, BER_INTEGER);
		(void)ber_uint(&header, BER_INTEGER);
		(void)ber_enter(&header, BER_OCTET_STRING);
		(void)ber_uint(&header, BER_INTEGER);
		(void)ber_enter(&message, BER_OCTET_STRING);
		ber_skip(&message);
		return !header.err && !message.err && !cursor_left(&header) &&
		       !cursor_left(&message);
	}
	if (version != SNMP_V1 && version != SNMP_V2C)
		return false;
	(void)ber_enter(&message, BER_OCTET_STRING);
	tag = ber_peek(&message);
	ber_skip(&message);
	return snmp_pdu_name(tag) && !message.err && !cursor_left(&message);
}

/* RFC 3430 section 2.1: messages follow each other, their length is that of the element. */
static int64_t snmp_message(struct dialogue *d, bool reply, const uint8_t *bytes, size_t len,
			    bool end)
{
	struct cursor c = cursor_of(bytes, len);
	uint32_t contents;
	uint8_t tag;
	int err = ber_head(&c, &tag, &contents);

	(void)d;
	(void)reply;
	if (err == -E_MALFORMED || (len && bytes[0] != BER_SEQUENCE))
		return -E_MALFORMED;
	if (err < 0 || contents > cursor_left(&c))
		return end ? (int64_t)len : 0;
	return (int64_t)(cursor_pos(&c) + contents);
}

const struct protocol protocol_snmp = {
	PROTOCOL_NAME("snmp"),
	.short_name = "SNMP",
	.title = "Simple Network Management Protocol",
	.rfc = "RFC 3416, RFC 3412, RFC 1157",
	.about = "Variables of devices, asked for, set, or told by themselves.",
	.min_len = 2,
	.whole = true,
	.application = true,
	.more_rows = &(const struct rows){ snmp_rows, N_SNMP_ROWS },
	.n_more_rows = 1,
	.walk = snmp_walk,
	.compose = snmp_compose,
	.craft_rows = &(const struct rows){ snmp_key_rows, N_SNMP_KEY_ROWS },
	.line = snmp_line,
	.exchange = &exchange,
	.guess = snmp_guess,
	.message = snmp_message,
};
