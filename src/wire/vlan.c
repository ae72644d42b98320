/*
 * VLAN tags (IEEE 802.1Q section 9.6): two bytes that say which virtual LAN a frame belongs to and
 * how urgent it is, then again a type or a length, as in the frame's own header. Tags may follow
 * each other: a provider's (802.1ad, type 0x88a8) around its customer's, or simply 0x8100 twice.
 */
#include "wire/vlan.h"

#include "wire/ethernet.h"
#include "wire/numbers.h"
#include "wire/packet.h"

#define TAG_LEN 4

static const struct value_name priority_names[] = {
	{ 0, "best effort" },		{ 1, "background" },	  { 2, "excellent effort" },
	{ 3, "critical applications" }, { 4, "video" },		  { 5, "voice" },
	{ 6, "internetwork control" },	{ 7, "network control" }, { 0 },
};

#define PRIORITY "Priority of the frame, 7 the highest"
#define ELIGIBLE "May be dropped first when there is not enough room"
#define VLAN_ID	 "Number of the virtual LAN; 0: none, only the priority counts"
#define INSIDE	 "The protocol inside; 0x0600 and more"

static const struct field fields[] = {
	{ AS_UINT("vlan.priority", 0, 3), .title = "Priority", .about = PRIORITY,
	  .values = priority_names },
	{ AS_FLAG("vlan.dei", 3), .title = "Drop eligible", .label = "D", .about = ELIGIBLE },
	{ AS_UINT("vlan.id", 4, 12), .title = "VLAN", .preset = 1, .about = VLAN_ID },
};
static const struct field fields_type[] = {
	{ AS_HEX("vlan.etype", BYTE(2), 16, 4), .title = "Type", .preset = 0x88b5, .about = INSIDE,
	  .values = ethertype_names },
};
static const struct field fields_len[] = {
	{ AS_UINT("vlan.len", BYTE(2), 16), .title = "Length",
	  .about = "Bytes that follow, without padding; less than 0x0600, and LLC follows" },
};
static const struct field field_trailer[] = {
	{ AS_BYTES("vlan.trailer", 0, 0), .title = "Trailer",
	  .about = "What the inner protocol does not use" },
};

static const struct field fields_ad[] = {
	{ AS_UINT("ieee8021ad.priority", 0, 3), .title = "Priority", .about = PRIORITY,
	  .values = priority_names },
	{ AS_UINT("ieee8021ad.dei", 3, 1), .title = "Drop eligible", .label = "D",
	  .about = ELIGIBLE },
	{ AS_UINT("ieee8021ad.id", 4, 12), .title = "Service VLAN", .preset = 1, .about = VLAN_ID },
};
static const struct field fields_ad_type[] = {
	{ AS_HEX("ieee8021ah.etype", BYTE(2), 16, 4), .title = "Type", .preset = 0x88b5,
	  .about = INSIDE, .values = ethertype_names },
};
static const struct field field_ad_trailer[] = {
	{ AS_BYTES("ieee8021ah.trailer", 0, 0), .title = "Trailer",
	  .about = "What the inner protocol does not use" },
};

#define BODY(n, t, rows) \
	.name = (n), .title = (t), .rfc = "IEEE 802.1Q section 9.6", ROWS(rows), .min_len = TAG_LEN

static const struct block bodies[] = {
	{ BODY("type", "Tag before a type", fields_type), .code = ETH_TYPE_MIN },
	{ BODY("length", "Tag before a length", fields_len), .carries = PROTOCOL_LLC },
};
static const struct block bodies_ad[] = {
	{ BODY("type", "Tag before a type", fields_ad_type), .code = ETH_TYPE_MIN },
	{ BODY("length", "Tag before a length", fields_len), .carries = PROTOCOL_LLC },
};

static const struct block *vlan_body(const uint8_t *header, size_t len)
{
	return len < TAG_LEN ? NULL : &bodies[load_be16(header + 2) < ETH_TYPE_MIN];
}

static const struct block *ad_body(const uint8_t *header, size_t len)
{
	return len < TAG_LEN ? NULL : &bodies_ad[load_be16(header + 2) < ETH_TYPE_MIN];
}

static uint8_t vlan_step(struct packet *p, struct layer *l, uint8_t next)
{
	return ethernet_step_type(p, l, l->off + 2, next);
}

static void walk_tag(struct walk *w, const struct block *body, const struct field *trailer)
{
	if (body && walk_rows(w, body->fields, body->n_fields, w->layer->off, w->end, 0))
		ethernet_walk_trailer(w, trailer, NULL);
}

static void vlan_walk(struct walk *w)
{
	walk_tag(w, vlan_body(w->packet->bytes + w->layer->off, w->layer->header_len),
		 field_trailer);
}

static void ad_walk(struct walk *w)
{
	walk_tag(w, ad_body(w->packet->bytes + w->layer->off, w->layer->header_len),
		 field_ad_trailer);
}

static void vlan_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;

	buf_str(b, protocols[l->proto]->short_name);
	if (l->header_len < TAG_LEN)
		return;
	buf_char(b, ' ');
	buf_u64(b, load_be16(header) & 0xfff);
	if (layer + 1 == p->n_layers || l[1].proto == PROTOCOL_DATA)
		ethernet_line_type(b, load_be16(header + 2));
	else
		buf_char(b, ' ');
}

static const struct rows rows[] = { { &ethernet_padding, 1 }, { field_trailer, 1 } };
static const struct rows rows_ad[] = { { &ethernet_padding, 1 }, { field_ad_trailer, 1 } };

const struct protocol protocol_vlan = {
	PROTOCOL_NAME("vlan"),
	.short_name = "vlan",
	.title = "802.1Q Virtual LAN",
	.rfc = "IEEE 802.1Q section 9.6",
	.about = "A tag that says which virtual LAN a frame belongs to, and how urgent it is.",
	ROWS(fields),
	.min_len = TAG_LEN,
	.repeats = true,
	.select = fields_type,
	.total_len = fields_len,
	.total_add = TAG_LEN,
	.step_measures = true,
	.next = fields_type,
	.demux = &demux_ethertype,
	.bodies = bodies,
	.n_bodies = ARRAY_LEN(bodies),
	.body = vlan_body,
	.more_rows = rows,
	.n_more_rows = ARRAY_LEN(rows),
	.step = vlan_step,
	.walk = vlan_walk,
	.line = vlan_line,
};

const struct protocol protocol_8021ad = {
	PROTOCOL_NAME("ieee8021ad"),
	.short_name = "s-vlan",
	.title = "802.1ad Provider Bridging",
	.rfc = "IEEE 802.1Q section 9.6",
	.about = "The provider's tag around those of its customers.",
	ROWS(fields_ad),
	.min_len = TAG_LEN,
	.repeats = true,
	.select = fields_ad_type,
	.total_len = fields_len,
	.total_add = TAG_LEN,
	.step_measures = true,
	.next = fields_ad_type,
	.demux = &demux_ethertype,
	.bodies = bodies_ad,
	.n_bodies = ARRAY_LEN(bodies_ad),
	.body = ad_body,
	.more_rows = rows_ad,
	.n_more_rows = ARRAY_LEN(rows_ad),
	.step = vlan_step,
	.walk = ad_walk,
	.line = vlan_line,
};
