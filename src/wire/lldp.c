/*
 * LLDP (IEEE 802.1AB section 8): elements of a type in 7 and a length in 9 bits. Chassis, port and
 * time to live come first, an empty element ends the list. What organizations define is named, and
 * told of 802.1 as far as the port's VLAN.
 */
#include "wire/lldp.h"

#include "wire/compose.h"
#include "wire/packet.h"

#define HEAD_LEN 2

enum {
	TLV_END = 0,
	TLV_CHASSIS = 1,
	TLV_PORT = 2,
	TLV_TTL = 3,
	TLV_PORT_TEXT = 4,
	TLV_NAME = 5,
	TLV_TEXT = 6,
	TLV_ABILITIES = 7,
	TLV_ADDRESS = 8,
	TLV_ORGANIZATION = 127,
};
/* Of a chassis; a port has two of them one lower. */
enum { CHASSIS_MAC = 4, CHASSIS_ADDRESS = 5, PORT_MAC = 3, PORT_ADDRESS = 4, PORT_NAME = 5 };
enum { LOCAL_NAME = 7 };
enum { FAMILY_IP4 = 1, FAMILY_IP6 = 2 };
enum { OUI_8021 = 0x0080c2, OUI_8023 = 0x00120f, OUI_MEDIA = 0x0012bb };

static const struct value_name type_names[] = {
	{ TLV_END, "end" },
	{ TLV_CHASSIS, "chassis" },
	{ TLV_PORT, "port" },
	{ TLV_TTL, "time to live" },
	{ TLV_PORT_TEXT, "port description" },
	{ TLV_NAME, "system name" },
	{ TLV_TEXT, "system description" },
	{ TLV_ABILITIES, "system capabilities" },
	{ TLV_ADDRESS, "management address" },
	{ TLV_ORGANIZATION, "organization's own" },
	{ 0 },
};
static const struct value_name chassis_names[] = {
	{ 1, "component" },
	{ 2, "interface alias" },
	{ 3, "port component" },
	{ CHASSIS_MAC, "MAC address" },
	{ CHASSIS_ADDRESS, "network address" },
	{ 6, "interface name" },
	{ 7, "local" },
	{ 0 },
};
static const struct value_name port_names[] = {
	{ 1, "interface alias" },
	{ 2, "port component" },
	{ PORT_MAC, "MAC address" },
	{ PORT_ADDRESS, "network address" },
	{ 5, "interface name" },
	{ 6, "agent's circuit" },
	{ 7, "local" },
	{ 0 },
};
static const struct value_name family_names[] = {
	{ FAMILY_IP4, "IPv4" },
	{ FAMILY_IP6, "IPv6" },
	{ 6, "MAC address" },
	{ 0 },
};
static const struct value_name numbering_names[] = {
	{ 1, "unknown" },
	{ 2, "interface index" },
	{ 3, "port of the system" },
	{ 0 },
};
static const struct value_name oui_names[] = {
	{ OUI_8021, "IEEE 802.1" },
	{ OUI_8023, "IEEE 802.3" },
	{ OUI_MEDIA, "media endpoints" },
	{ 0 },
};

static const struct field tlv_group = {
	AS_GROUP("lldp.tlv", 0),
	.repeats = true,
	.title = "Element",
};
static const struct field head[] = {
	{ AS_UINT("lldp.tlv.type", 0, 7), .title = "Type", .values = type_names },
	{ AS_UINT("lldp.tlv.len", 7, 9), .title = "Length" },
};

/* The parts of an identity; those of a chassis and of a port have the same places. */
enum { ID_SUBTYPE, ID_MAC, ID_FAMILY, ID_IP4, ID_IP6, ID_OTHER, N_ID };
static const struct field chassis[N_ID] = {
	[ID_SUBTYPE] = { AS_UINT("lldp.chassis.subtype", 0, 8), .title = "Kind of identity",
			 .values = chassis_names },
	[ID_MAC] = { AS_MAC("lldp.chassis.id.mac", 0), .title = "Chassis" },
	[ID_FAMILY] = { AS_UINT("lldp.network_address.subtype", 0, 8), .title = "Address family",
			.values = family_names },
	[ID_IP4] = { AS_IP4("lldp.chassis.id.ip4", 0), .title = "Chassis" },
	[ID_IP6] = { AS_IP6("lldp.chassis.id.ip6", 0), .title = "Chassis" },
	[ID_OTHER] = { AS_BYTES("lldp.chassis.id", 0, 0), .title = "Chassis" },
};
static const struct field port[N_ID] = {
	[ID_SUBTYPE] = { AS_UINT("lldp.port.subtype", 0, 8), .title = "Kind of identity",
			 .values = port_names },
	[ID_MAC] = { AS_MAC("lldp.port.id.mac", 0), .title = "Port" },
	[ID_FAMILY] = { AS_UINT("lldp.network_address.subtype", 0, 8), .title = "Address family",
			.values = family_names },
	[ID_IP4] = { AS_IP4("lldp.port.id.ip4", 0), .title = "Port" },
	[ID_IP6] = { AS_IP6("lldp.port.id.ip6", 0), .title = "Port" },
	[ID_OTHER] = { AS_TEXT("lldp.port.id", 0, 0), .title = "Port" },
};

/* Elements of a single row. */
static const struct field ttl[] = {
	{ AS_UINT("lldp.time_to_live", 0, 16), .title = "Time to live",
	  .about = "Seconds that this counts; 0: it does not any more" },
};
static const struct field port_text[] = {
	{ AS_TEXT("lldp.port.desc", 0, 0), .title = "Port description" },
};
static const struct field system_name[] = {
	{ AS_TEXT("lldp.tlv.system.name", 0, 0), .title = "System name" },
};
static const struct field system_text[] = {
	{ AS_TEXT("lldp.tlv.system.desc", 0, 0), .title = "System description" },
};

#define ABILITY_ROWS(n, at, t)                                                                \
	{ AS_HEX(n, BYTE(at), 16, 4), .title = (t) },                                         \
		{ AS_FLAG(n ".other", BYTE(at) + 15), .depth = 1, .title = "Other" },         \
		{ AS_FLAG(n ".repeater", BYTE(at) + 14), .depth = 1, .title = "Repeater" },   \
		{ AS_FLAG(n ".bridge", BYTE(at) + 13), .depth = 1, .title = "Bridge" },       \
		{ AS_FLAG(n ".wlan_access_pt", BYTE(at) + 12), .depth = 1,                    \
		  .title = "WLAN access point" },                                             \
		{ AS_FLAG(n ".router", BYTE(at) + 11), .depth = 1, .title = "Router" },       \
		{ AS_FLAG(n ".telephone", BYTE(at) + 10), .depth = 1, .title = "Telephone" }, \
		{ AS_FLAG(n ".docsis_cable_device", BYTE(at) + 9), .depth = 1,                \
		  .title = "DOCSIS cable device" },                                           \
	{                                                                                     \
		AS_FLAG(n ".station_only", BYTE(at) + 8), .depth = 1, .title = "Station only" \
	}

static const struct field abilities[] = {
	ABILITY_ROWS("lldp.tlv.system_cap", 0, "What it can be"),
	ABILITY_ROWS("lldp.tlv.enable_system_cap", 2, "What it is"),
};

enum { ADDRESS_LEN, ADDRESS_FAMILY, ADDRESS_IP4, ADDRESS_IP6, ADDRESS_OTHER };
static const struct field address[] = {
	[ADDRESS_LEN] = { AS_UINT("lldp.mgn.address.len", 0, 8), .title = "Address length" },
	[ADDRESS_FAMILY] = { AS_UINT("lldp.mgn.address.subtype", 0, 8), .title = "Address family",
			     .values = family_names },
	[ADDRESS_IP4] = { AS_IP4("lldp.mgn.addr.ip4", 0), .title = "Management address" },
	[ADDRESS_IP6] = { AS_IP6("lldp.mgn.addr.ip6", 0), .title = "Management address" },
	[ADDRESS_OTHER] = { AS_BYTES("lldp.mgn.addr.hex", 0, 0), .title = "Management address" },
};
static const struct field address_place[] = {
	{ AS_UINT("lldp.mgn.interface.subtype", 0, 8), .title = "Interface numbering",
	  .values = numbering_names },
	{ AS_UINT("lldp.mgn.interface.number", BYTE(1), 32), .title = "Interface" },
	{ AS_UINT("lldp.mgn.obj.len", BYTE(5), 8), .title = "Object identifier length" },
};
#define ADDRESS_PLACE_LEN 6
static const struct field address_object[] = {
	{ AS_OID("lldp.mgn.obj.id"), .title = "Object identifier" },
};

enum { ORG_OUI, ORG_8021, ORG_8023, ORG_MEDIA, ORG_OTHER, ORG_VLAN, ORG_DATA };
static const struct field organization[] = {
	[ORG_OUI] = { AS_UINT("lldp.orgtlv.oui", 0, 24), .title = "Organization",
		      .values = oui_names },
	[ORG_8021] = { AS_HEX("lldp.ieee.802_1.subtype", 0, 8, 2), .title = "Kind" },
	[ORG_8023] = { AS_HEX("lldp.ieee.802_3.subtype", 0, 8, 2), .title = "Kind" },
	[ORG_MEDIA] = { AS_HEX("lldp.media.subtype", 0, 8, 2), .title = "Kind" },
	[ORG_OTHER] = { AS_UINT("lldp.unknown_subtype", 0, 8), .title = "Kind" },
	[ORG_VLAN] = { AS_UINT("lldp.ieee.802_1.port_vlan.id", 0, 16), .title = "Port's VLAN" },
	[ORG_DATA] = { AS_BYTES("lldp.unknown_subtype.content", 0, 0), .title = "Data" },
};
#define ORGANIZATION_LEN 4
#define PORT_VLAN	 1 /* of 802.1 */

/* A chassis or a port: kind, then an address or a name. */
static void walk_identity(struct walk *w, const struct field *rows, uint8_t mac, uint8_t network,
			  uint32_t off, uint32_t len)
{
	const uint8_t *bytes = w->packet->bytes + off;
	unsigned row = ID_OTHER;

	if (len < 2) {
		walk_fault(w, -E_MALFORMED, off);
		return;
	}
	if (!walk_field(w, &rows[ID_SUBTYPE], off++, 1, 1))
		return;
	len--;
	if (bytes[0] == network) {
		if (!walk_field(w, &rows[ID_FAMILY], off++, 1, 1))
			return;
		len--;
		row = bytes[1] == FAMILY_IP4 && len == 4    ? ID_IP4
		      : bytes[1] == FAMILY_IP6 && len == 16 ? ID_IP6
							    : ID_OTHER;
	} else if (bytes[0] == mac && len == 6) {
		row = ID_MAC;
	}
	if (len)
		walk_field(w, &rows[row], off, len, 1);
}

/* A management address, the interface that it is on, perhaps an object identifier. */
static void walk_address(struct walk *w, uint32_t off, uint32_t len)
{
	const uint8_t *bytes = w->packet->bytes + off;
	uint32_t address_len, object_len, place;
	unsigned row;

	if (len < 2 + ADDRESS_PLACE_LEN || !walk_field(w, &address[ADDRESS_LEN], off, 1, 1) ||
	    !walk_field(w, &address[ADDRESS_FAMILY], off + 1, 1, 1) || !bytes[0] ||
	    bytes[0] > len - 1 - ADDRESS_PLACE_LEN) {
		walk_fault(w, -E_MALFORMED, off);
		return;
	}
	address_len = bytes[0] - 1u;
	row = bytes[1] == FAMILY_IP4 && address_len == 4    ? ADDRESS_IP4
	      : bytes[1] == FAMILY_IP6 && address_len == 16 ? ADDRESS_IP6
							    : ADDRESS_OTHER;
	if (address_len && !walk_field(w, &address[row], off + 2, address_len, 1))
		return;
	place = off + 1 + bytes[0];
	if (!walk_rows(w, address_place, ARRAY_LEN(address_place), place, off + len, 1))
		return;
	object_len = w->packet->bytes[place + ADDRESS_PLACE_LEN - 1];
	place += ADDRESS_PLACE_LEN;
	if (object_len > off + len - place)
		walk_fault(w, -E_MALFORMED, place);
	else if (object_len)
		walk_field(w, address_object, place, object_len, 1);
}

static void walk_organization(struct walk *w, uint32_t off, uint32_t len)
{
	const uint8_t *bytes = w->packet->bytes + off;
	uint32_t oui;
	unsigned row;

	if (len < ORGANIZATION_LEN) {
		walk_fault(w, -E_MALFORMED, off);
		return;
	}
	if (!walk_field(w, &organization[ORG_OUI], off, 3, 1))
		return;
	oui = (uint32_t)bytes[0] << 16 | load_be16(bytes + 1);
	row = oui == OUI_8021	 ? ORG_8021
	      : oui == OUI_8023	 ? ORG_8023
	      : oui == OUI_MEDIA ? ORG_MEDIA
				 : ORG_OTHER;
	if (!walk_field(w, &organization[row], off + 3, 1, 1) || len == ORGANIZATION_LEN)
		return;
	row = oui == OUI_8021 && bytes[3] == PORT_VLAN && len == ORGANIZATION_LEN + 2 ? ORG_VLAN
										      : ORG_DATA;
	walk_field(w, &organization[row], off + ORGANIZATION_LEN, len - ORGANIZATION_LEN, 1);
}

/* One element of @len bytes at @off. */
static void walk_element(struct walk *w, unsigned type, uint32_t off, uint32_t len)
{
	const struct field *text = type == TLV_PORT_TEXT ? port_text
				   : type == TLV_NAME	 ? system_name
							 : system_text;

	switch (type) {
	case TLV_CHASSIS:
		walk_identity(w, chassis, CHASSIS_MAC, CHASSIS_ADDRESS, off, len);
		break;
	case TLV_PORT:
		walk_identity(w, port, PORT_MAC, PORT_ADDRESS, off, len);
		break;
	case TLV_TTL:
		walk_rows(w, ttl, ARRAY_LEN(ttl), off, off + len, 1);
		break;
	case TLV_PORT_TEXT:
	case TLV_NAME:
	case TLV_TEXT:
		if (len)
			walk_field(w, text, off, len, 1);
		break;
	case TLV_ABILITIES:
		walk_rows(w, abilities, ARRAY_LEN(abilities), off, off + len, 1);
		break;
	case TLV_ADDRESS:
		walk_address(w, off, len);
		break;
	case TLV_ORGANIZATION:
		walk_organization(w, off, len);
		break;
	default:
		break;
	}
}

static void lldp_walk(struct walk *w)
{
	uint32_t off = w->at;

	while (off < w->end && !w->over) {
		uint16_t word;
		uint32_t len;

		if (!walk_field(w, &tlv_group, off, HEAD_LEN, 0))
			return;
		word = load_be16(w->packet->bytes + off);
		len = word & 0x1ff;
		walk_rows(w, head, ARRAY_LEN(head), off, w->end, 1);
		off += HEAD_LEN;
		if (len > w->end - off) {
			walk_fault(w, -E_MALFORMED, off);
			return;
		}
		if (word >> 9 == TLV_END)
			return;
		walk_element(w, word >> 9, off, len);
		off += len;
	}
}

/* The layer ends with the end of its list: what follows is the frame's padding. */
static uint8_t lldp_step(struct packet *p, struct layer *l, uint8_t next)
{
	struct cursor c = cursor_of(p->bytes + l->off, p->have - l->off);

	(void)next;
	while (cursor_left(&c)) {
		uint16_t word = cursor_be16(&c);

		cursor_skip(&c, word & 0x1ff);
		if (c.err)
			break;
		if (word >> 9 == TLV_END) {
			l->header_len = (uint32_t)cursor_pos(&c);
			p->end = l->off + l->header_len;
			p->have = MIN(p->have, p->end);
			break;
		}
	}
	return PROTOCOL_NONE;
}

/* "LLDP switch1 port eth0 ttl 120" */
static void lldp_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	struct cursor c = cursor_of(p->bytes + l->off, l->header_len);

	buf_lit(b, "LLDP");
	while (cursor_left(&c)) {
		uint16_t word = cursor_be16(&c);
		size_t len = word & 0x1ff;
		const uint8_t *bytes = cursor_bytes(&c, len);
		unsigned type = word >> 9;

		if (!bytes || type == TLV_END)
			return;
		if (type == TLV_PORT && len > 1) {
			buf_lit(b, " port ");
			if (bytes[0] == PORT_MAC || bytes[0] == PORT_ADDRESS)
				buf_hex(b, bytes + 1, len - 1, ':');
			else
				buf_safe(b, (const char *)bytes + 1, len - 1);
		} else if (type == TLV_TTL && len >= 2) {
			buf_lit(b, " ttl ");
			buf_u64(b, load_be16(bytes));
		} else if (type == TLV_NAME && len) {
			buf_lit(b, " system '");
			buf_safe(b, (const char *)bytes, len);
			buf_char(b, '\'');
		}
	}
}

static const struct rows rows[] = {
	{ &tlv_group, 1 },
	{ head, ARRAY_LEN(head) },
	{ chassis, ARRAY_LEN(chassis) },
	{ port, ARRAY_LEN(port) },
	{ ttl, ARRAY_LEN(ttl) },
	{ port_text, ARRAY_LEN(port_text) },
	{ system_name, ARRAY_LEN(system_name) },
	{ system_text, ARRAY_LEN(system_text) },
	{ abilities, ARRAY_LEN(abilities) },
	{ address, ARRAY_LEN(address) },
	{ address_place, ARRAY_LEN(address_place) },
	{ address_object, ARRAY_LEN(address_object) },
	{ organization, ARRAY_LEN(organization) },
};

/* The rows of one kind of element; a slot is a row of them. */
static const struct kind {
	uint8_t type;
	struct rows tables[3];
} kinds[] = {
	{ TLV_CHASSIS, { { chassis, N_ID } } },
	{ TLV_PORT, { { port, N_ID } } },
	{ TLV_TTL, { { ttl, 1 } } },
	{ TLV_PORT_TEXT, { { port_text, 1 } } },
	{ TLV_NAME, { { system_name, 1 } } },
	{ TLV_TEXT, { { system_text, 1 } } },
	{ TLV_ABILITIES, { { abilities, ARRAY_LEN(abilities) } } },
	{ TLV_ADDRESS,
	  { { address, ARRAY_LEN(address) },
	    { address_place, ARRAY_LEN(address_place) },
	    { address_object, 1 } } },
	{ TLV_ORGANIZATION, { { organization, ARRAY_LEN(organization) } } },
};
enum { SLOT_PLACE = ARRAY_LEN(address), SLOT_OBJECT = SLOT_PLACE + ARRAY_LEN(address_place) };
#define N_SLOTS ARRAY_LEN(abilities)

/* An element being written. */
struct element {
	const struct kind *kind; /* NULL: of no kind that has fields */
	const struct compose_setting *type, *len, *set[N_SLOTS];
	bool open;
};

static const struct kind *kind_of(uint64_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

/* The row's slot in the kind of element, or -1. */
static int slot_in(const struct kind *kind, const struct field *f)
{
	int base = 0;

	/* A name for two rows. */
	if (kind && kind->type == TLV_PORT && f == &chassis[ID_FAMILY])
		return ID_FAMILY;
	for (size_t i = 0; kind && i < ARRAY_LEN(kind->tables); i++) {
		const struct rows *t = &kind->tables[i];

		if (t->n && f >= t->fields && f < t->fields + t->n)
			return base + (int)(f - t->fields);
		base += (int)t->n;
	}
	return -1;
}

static void put_u8(struct compose *m, const struct compose_setting *s, uint64_t otherwise)
{
	buf_u8(&m->out, (uint8_t)compose_number(s, otherwise));
}

/* An identity that is not set is zeros of the length of its kind, the kind of one that is a name
 * @other. */
static void put_identity(struct compose *m, const struct element *e, uint8_t mac, uint8_t network,
			 uint8_t other)
{
	static const uint8_t zeros[6];
	const struct compose_setting *ip = e->set[ID_IP4] ?: e->set[ID_IP6];
	const struct compose_setting *id = ip ?: e->set[ID_MAC] ?: e->set[ID_OTHER];
	uint64_t usual = ip || e->set[ID_FAMILY] ? network : e->set[ID_OTHER] ? other : mac;
	uint64_t subtype = compose_number(e->set[ID_SUBTYPE], usual);

	buf_u8(&m->out, (uint8_t)subtype);
	if (subtype == network)
		put_u8(m, e->set[ID_FAMILY], e->set[ID_IP6] ? FAMILY_IP6 : FAMILY_IP4);
	if (id)
		buf_bytes(&m->out, id->bytes, id->len);
	else
		buf_bytes(&m->out, zeros, subtype == network ? 4 : 6);
}

static void put_address(struct compose *m, const struct element *e)
{
	const struct compose_setting *const *place = e->set + SLOT_PLACE;
	const struct compose_setting *ip4 = e->set[ADDRESS_IP4], *ip6 = e->set[ADDRESS_IP6];
	const struct compose_setting *a = ip4 ?: ip6 ?: e->set[ADDRESS_OTHER];
	const struct compose_setting *object = e->set[SLOT_OBJECT];

	put_u8(m, e->set[ADDRESS_LEN], 1 + (a ? a->len : 0));
	put_u8(m, e->set[ADDRESS_FAMILY], ip4 ? FAMILY_IP4 : ip6 ? FAMILY_IP6 : 0);
	compose_text(m, a, "");
	put_u8(m, place[0], place[1] ? 2 : 1);
	buf_be32(&m->out, (uint32_t)compose_number(place[1], 0));
	put_u8(m, place[2], object ? object->len : 0);
	compose_text(m, object, "");
}

static void put_organization(struct compose *m, const struct element *e)
{
	const struct compose_setting *const *set = e->set;
	const struct compose_setting *subtype = set[ORG_8021]	 ?: set[ORG_8023]
						?: set[ORG_MEDIA] ?: set[ORG_OTHER];
	uint32_t usual = set[ORG_8021] || set[ORG_VLAN] ? OUI_8021
			 : set[ORG_8023]		? OUI_8023
			 : set[ORG_MEDIA]		? OUI_MEDIA
							: 0;
	uint32_t oui = (uint32_t)compose_number(set[ORG_OUI], usual);

	buf_u8(&m->out, (uint8_t)(oui >> 16));
	buf_be16(&m->out, (uint16_t)oui);
	put_u8(m, subtype, set[ORG_VLAN] ? PORT_VLAN : 0);
	if (set[ORG_VLAN])
		buf_be16(&m->out, (uint16_t)set[ORG_VLAN]->number);
	compose_text(m, set[ORG_DATA], "");
}

static void put_abilities(struct compose *m, const struct element *e, size_t start)
{
	buf_fill(&m->out, 0, 4);
	/* Numbers first: flags are bits of them. */
	for (unsigned round = 0; round < 2; round++)
		for (size_t i = 0; i < ARRAY_LEN(abilities); i++)
			if (e->set[i] && (abilities[i].type == FIELD_FLAG) == round)
				compose_put(m, &abilities[i], e->set[i], start);
}

static void put_value(struct compose *m, const struct element *e, size_t start)
{
	switch (e->kind ? e->kind->type : TLV_END) {
	case TLV_CHASSIS:
		put_identity(m, e, CHASSIS_MAC, CHASSIS_ADDRESS, LOCAL_NAME);
		break;
	case TLV_PORT:
		put_identity(m, e, PORT_MAC, PORT_ADDRESS, PORT_NAME);
		break;
	case TLV_TTL:
		buf_be16(&m->out, (uint16_t)compose_number(e->set[0], 120));
		break;
	case TLV_PORT_TEXT:
	case TLV_NAME:
	case TLV_TEXT:
		compose_text(m, e->set[0], "");
		break;
	case TLV_ABILITIES:
		put_abilities(m, e, start);
		break;
	case TLV_ADDRESS:
		put_address(m, e);
		break;
	case TLV_ORGANIZATION:
		put_organization(m, e);
		break;
	default:
		break;
	}
}

#define VALUE_MAX 511 /* 9 bits of length */

/* Writes the element in hand. */
static int close_element(struct compose *m, struct element *e, struct fault *fault)
{
	uint64_t type = compose_number(e->type, e->kind ? e->kind->type : TLV_END);
	size_t at = m->out.len, len;

	if (!e->open)
		return 0;
	buf_be16(&m->out, 0);
	put_value(m, e, at + HEAD_LEN);
	len = m->out.len - at - HEAD_LEN;
	if (len > VALUE_MAX)
		return compose_fails(m, e->type, fault, "an element has at most %d bytes, not %zu",
				     VALUE_MAX, len);
	if (!m->out.err)
		store_be16((uint8_t *)m->out.data + at,
			   (uint16_t)(type << 9 | compose_number(e->len, len)));
	*e = (struct element){ 0 };
	return 0;
}

/* Whether the element has the slot already, or another one that stands for the same. */
static bool is_taken(const struct element *e, unsigned slot)
{
	static const struct {
		uint8_t type, slots;
	} alternatives[] = {
		{ TLV_CHASSIS, 1 << ID_MAC | 1 << ID_IP4 | 1 << ID_IP6 | 1 << ID_OTHER },
		{ TLV_PORT, 1 << ID_MAC | 1 << ID_IP4 | 1 << ID_IP6 | 1 << ID_OTHER },
		{ TLV_ADDRESS, 1 << ADDRESS_IP4 | 1 << ADDRESS_IP6 | 1 << ADDRESS_OTHER },
		{ TLV_ORGANIZATION,
		  1 << ORG_8021 | 1 << ORG_8023 | 1 << ORG_MEDIA | 1 << ORG_OTHER },
	};

	for (size_t i = 0; i < ARRAY_LEN(alternatives); i++)
		for (unsigned k = 0; e->kind->type == alternatives[i].type && k < 8; k++)
			if (alternatives[i].slots >> k & alternatives[i].slots >> slot & 1 &&
			    e->set[k])
				return true;
	return e->set[slot];
}

/* Puts a setting into the element in hand, or into another one that it begins. */
static int take_setting(struct compose *m, struct element *e, struct compose_setting *s,
			struct fault *fault)
{
	const struct kind *kind = e->open ? e->kind : NULL;
	int slot = slot_in(kind, s->field), err;

	if (s->field == &head[1]) {
		e->len = s;
		s->used = e->open;
		return 0;
	}
	for (size_t i = 0; slot < 0 && i < ARRAY_LEN(kinds) && s->field != &head[0]; i++) {
		kind = &kinds[i];
		slot = slot_in(kind, s->field);
	}
	if (s->field == &head[0] ||
	    (slot >= 0 && (!e->open || e->kind != kind || is_taken(e, (unsigned)slot)))) {
		err = close_element(m, e, fault);
		if (err)
			return err;
		*e = (struct element){ .open = true, .kind = kind };
		if (s->field == &head[0]) {
			e->kind = kind_of(s->number);
			e->type = s;
		}
	}
	if (slot >= 0)
		e->set[slot] = s;
	s->used = s->field == &head[0] || slot >= 0;
	return 0;
}

/* What must come first (section 8.2), unless it is set: who it is from stays empty. */
static int put_missing(struct compose *m, struct fault *fault)
{
	static const uint8_t needed[] = { TLV_CHASSIS, TLV_PORT, TLV_TTL };
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(needed) && !err; i++) {
		struct element e = { .open = true, .kind = kind_of(needed[i]) };
		bool set = false;

		for (size_t k = 0; k < m->n; k++)
			set = set || slot_in(e.kind, m->settings[k].field) >= 0;
		if (!set)
			err = close_element(m, &e, fault);
	}
	return err;
}

/*
 * Elements in the order in which their fields were set; a type begins another one. Without types
 * the list gets what must be in it, and its end.
 */
static int lldp_compose(struct compose *m, struct fault *fault)
{
	struct element e = { 0 };
	bool typed = false;
	int err = 0;

	for (size_t i = 0; i < m->n; i++)
		typed = typed || m->settings[i].field == &head[0];
	if (!typed)
		err = put_missing(m, fault);
	for (size_t i = 0; i < m->n && !err; i++)
		err = take_setting(m, &e, &m->settings[i], fault);
	err = err ?: close_element(m, &e, fault);
	if (!typed && !err)
		buf_be16(&m->out, 0);
	return err;
}

const struct protocol protocol_lldp = {
	PROTOCOL_NAME("lldp"),
	.short_name = "LLDP",
	.title = "Link Layer Discovery Protocol",
	.rfc = "IEEE 802.1AB section 8",
	.about = "A station tells its neighbours who it is, which port this is and what it can do.",
	.whole = true,
	.more_rows = rows,
	.n_more_rows = ARRAY_LEN(rows),
	.step = lldp_step,
	.walk = lldp_walk,
	.compose = lldp_compose,
	.line = lldp_line,
};
