/*
 * Layers are laid down one after another in the caller's memory, each with its presets; options
 * grow at the end of the layer in hand. Nothing moves later, so craft_finish() only fills in
 * numbers.
 */
#include "wire/craft.h"

#include "wire/checksum.h"
#include "wire/craft_internal.h"

void craft_init(struct craft *c, void *memory, size_t cap)
{
	*c = (struct craft){ .bytes = memory, .cap = cap };
}

int craft_append(struct craft *c, const void *bytes, size_t len)
{
	if (len > c->cap - c->len)
		return -E_FULL;
	if (bytes)
		memcpy(c->bytes + c->len, bytes, len);
	else
		memset(c->bytes + c->len, 0, len);
	c->len += (uint32_t)len;
	return 0;
}

void craft_presets(struct craft *c, const struct field *rows, size_t n, uint32_t off)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].preset)
			field_store(&rows[i], c->bytes + off + rows[i].bit / 8, rows[i].preset);
}

/* The message that a protocol sends when nothing is said: that of the preset type, or the first. */
static const struct block *preset_body(const struct protocol *p)
{
	for (size_t i = 0; p->select && i < p->n_bodies; i++)
		if (p->bodies[i].code == p->select->preset)
			return &p->bodies[i];
	return p->n_bodies ? p->bodies : NULL;
}

int craft_body(struct craft *c, struct craft_layer *l, const struct block *body)
{
	const struct protocol *p = l->proto;
	uint32_t len = body ? body->min_len : p->min_len;
	const struct field *select = p->select;
	int err;

	/* Options or data are there already: what is before them cannot change its length. */
	if (c->len != l->off + l->len || (c->option && len != l->len))
		return -E_RANGE;
	c->len = l->off + p->min_len;
	l->body = body;
	l->body_given = 0;
	if (len > p->min_len) {
		err = craft_append(c, NULL, len - p->min_len);
		if (err)
			return err;
	}
	l->len = len;
	if (!body)
		return 0;
	craft_presets(c, body->fields, body->n_fields, l->off);
	if (select < p->fields || select >= p->fields + p->n_fields)
		return 0;
	if (!craft_given(l->given, p->fields, select))
		field_store(select, c->bytes + l->off + select->bit / 8, body->code);
	if (body->subcode && !craft_given(l->given, p->fields, select + 1))
		field_store(select + 1, c->bytes + l->off + select[1].bit / 8, body->subcode);
	return 0;
}

/* Writes the length of the option in hand and fills it up to its unit. */
int craft_close_option(struct craft *c)
{
	struct craft_layer *l = &c->layers[c->n_layers - 1];
	const struct options *o = l->proto->options;
	const struct field *len_row;
	uint32_t len, pad;
	int err;

	c->element = NULL;
	if (!c->option || !o)
		return 0;
	len_row = &o->head[o->n_head - 1];
	len = c->len - c->option_off;
	pad = (o->unit - len % o->unit) % o->unit;
	err = craft_append(c, NULL, pad);
	if (err)
		return err;
	if (!c->option->bare && !craft_given(c->head_given, o->head, len_row))
		field_store(len_row, c->bytes + c->option_off + 1, (len + pad - o->add) / o->unit);
	l->len = c->len - l->off;
	c->option = NULL;
	return 0;
}

/* Ends the layer in hand: its options are complete and padded. */
static int close_layer(struct craft *c)
{
	struct craft_layer *l = &c->layers[c->n_layers - 1];
	const struct protocol *p = l->proto;
	int err = craft_close_option(c);
	uint32_t align = p->options ? p->options->align : p->header_unit;

	/* Units of the length field: 4 or 8 bytes; ip.hdr_len and tcp.hdr_len are scaled
	 * themselves. */
	if (err || !p->header_len || align < 2 || !(l->len % align))
		return err;
	err = craft_append(c, NULL, align - l->len % align);
	l->len = c->len - l->off;
	return err;
}

/* A layer inside may decide which body the one before it has: LLC is announced by a length. */
static int carry(struct craft *c, uint8_t id)
{
	struct craft_layer *l = &c->layers[c->n_layers - 1];

	for (size_t i = 0; i < l->proto->n_bodies; i++)
		if (l->proto->bodies[i].carries == id && l->body != &l->proto->bodies[i])
			return craft_body(c, l, &l->proto->bodies[i]);
	return 0;
}

int craft_layer(struct craft *c, const char *name, struct fault *fault)
{
	uint8_t id = protocol_find(name, strlen(name));
	struct craft_layer *l = &c->layers[c->n_layers];
	int err;

	if (!id)
		return fault_set(fault, 0, "no protocol is called '%s'", name);
	if (c->n_layers == CRAFT_LAYERS)
		return -E_FULL;
	err = c->n_layers ? close_layer(c) : 0;
	if (!err && c->n_layers)
		err = carry(c, id);
	if (err)
		return err;
	*l = (struct craft_layer){ .proto = protocols[id],
				   .off = c->len,
				   .len = protocols[id]->min_len };
	err = craft_append(c, NULL, l->len);
	if (err)
		return err;
	c->n_layers++;
	craft_presets(c, l->proto->fields, l->proto->n_fields, l->off);
	return l->proto->n_bodies ? craft_body(c, l, preset_body(l->proto)) : 0;
}

int craft_payload(struct craft *c, const void *bytes, size_t len)
{
	int err = c->n_layers ? close_layer(c) : 0;

	return err ? err : craft_append(c, bytes, len);
}

/* Writes a computed number into a row of the layer, unless it was given or is not part of it. */
static void fill(struct craft *c, struct craft_layer *l, const struct field *f, uint64_t wire)
{
	const struct protocol *p = l->proto;
	bool in_body = l->body && f >= l->body->fields && f < l->body->fields + l->body->n_fields;
	bool in_rows = f >= p->fields && f < p->fields + p->n_fields;

	if ((in_rows && !craft_given(l->given, p->fields, f)) ||
	    (in_body && !craft_given(l->body_given, l->body->fields, f)))
		field_store(f, c->bytes + l->off + f->bit / 8, wire);
}

/* What a demultiplexer calls a protocol, or -1. */
static int demux_value(const struct demux *d, const struct protocol *p)
{
	for (size_t i = 0; i < d->n; i++)
		if (protocols[d->rows[i].protocol] == p && p != protocols[PROTOCOL_DATA])
			return d->rows[i].value;
	return -1;
}

/* The sum of the pseudo header by the IP header around layer @at; 0 when there is none. */
static uint64_t pseudo_sum(const struct craft *c, uint32_t at)
{
	const struct craft_layer *l = &c->layers[at];
	int number = demux_value(&demux_ip, l->proto);
	uint32_t len = c->len - l->off;

	while (at--) {
		const uint8_t *ip = c->bytes + c->layers[at].off;

		if (c->layers[at].proto == protocols[PROTOCOL_IPV4])
			return checksum_pseudo_ip4(ip + 12, ip + 16, (uint8_t)number,
						   (uint16_t)len);
		if (c->layers[at].proto == protocols[PROTOCOL_IPV6])
			return checksum_pseudo_ip6(ip + 8, ip + 24, (uint8_t)number, len);
	}
	return 0;
}

static void fill_checksum(struct craft *c, uint32_t at)
{
	struct craft_layer *l = &c->layers[at];
	const struct protocol *p = l->proto;
	uint32_t len = p->checksum_kind == CHECKSUM_HEADER ? l->len : c->len - l->off;
	bool pseudo = p->checksum_kind == CHECKSUM_PSEUDO ||
		      p->checksum_kind == CHECKSUM_PSEUDO_UDP;
	uint16_t sum;

	if (!p->checksum || craft_given(l->given, p->fields, p->checksum))
		return;
	sum = checksum_finish(checksum_add(pseudo ? pseudo_sum(c, at) : 0, c->bytes + l->off, len));
	if (!sum && p->checksum_kind == CHECKSUM_PSEUDO_UDP)
		sum = 0xffff;
	fill(c, l, p->checksum, sum);
}

static void fill_layer(struct craft *c, uint32_t at)
{
	struct craft_layer *l = &c->layers[at];
	const struct protocol *p = l->proto;
	uint32_t total = c->len - l->off;
	int next = p->next && at + 1 < c->n_layers ? demux_value(p->demux, l[1].proto) : -1;

	if (next >= 0)
		fill(c, l, p->next, (uint64_t)next);
	if (p->header_len)
		fill(c, l, p->header_len,
		     (l->len - p->header_add) / p->header_unit / MAX(p->header_len->scale, 1u));
	if (p->total_len)
		fill(c, l, p->total_len, total > 65535u + p->total_add ? 0 : total - p->total_add);
	fill_checksum(c, at);
}

int craft_finish(struct craft *c)
{
	int err = c->n_layers ? close_layer(c) : 0;

	if (err)
		return err;
	for (uint32_t i = c->n_layers; i-- > 0;)
		fill_layer(c, i);
	return (int)c->len;
}
