/*
 * Layers are laid down one after another in the caller's memory, each with its presets; options
 * grow at the end of the layer in hand. craft_finish() fills in numbers; only composed messages
 * move what they carry, which is laid down before they are written.
 */
#include "wire/craft.h"

#include "wire/checksum.h"
#include "wire/craft_internal.h"
#include "wire/ports.h"

/* What a client's port is when nothing is said: the first dynamic one (RFC 6335 section 6). */
#define CLIENT_PORT 49152

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

/* The row of a body that has the name of another body's row, or NULL. */
static const struct field *row_like(const struct block *body, const struct field *f)
{
	for (size_t i = 0; body && i < body->n_fields; i++)
		if (!strcmp(body->fields[i].name, f->name))
			return &body->fields[i];
	return NULL;
}

/* Zeros in the place of a row of fixed width. */
static void clear_row(const struct field *f, uint8_t *header)
{
	if (field_is_number(f))
		field_store(f, header + f->bit / 8, 0);
	else
		memset(header + f->bit / 8, 0, f->bits / 8u);
}

/*
 * Presets of the layer's body, instead of those of the one before it. What was set of a row that
 * both have stays; @kept bytes of the header are from before.
 */
static void change_presets(struct craft *c, struct craft_layer *l, const struct block *before,
			   uint32_t kept)
{
	const struct block *body = l->body;
	uint64_t given = l->body_given;
	uint8_t *header = c->bytes + l->off;

	l->body_given = 0;
	for (size_t i = 0; before && i < before->n_fields; i++) {
		const struct field *f = &before->fields[i], *now = row_like(body, f);

		if (!f->bits || f->repeats || f->bit / 8u + field_span(f) > kept)
			continue;
		if (given >> i & 1 && now && now->bit == f->bit)
			l->body_given |= 1ULL << (now - body->fields);
		else if (f->preset || given >> i & 1)
			clear_row(f, header);
	}
	for (size_t i = 0; body && i < body->n_fields; i++) {
		const struct field *f = &body->fields[i];

		if (f->preset && !(l->body_given >> i & 1))
			field_store(f, header + f->bit / 8, f->preset);
	}
}

int craft_body(struct craft *c, struct craft_layer *l, const struct block *body)
{
	const struct protocol *p = l->proto;
	uint32_t len = body ? body->min_len : p->min_len;
	const struct field *select = p->select;
	const struct block *before = l->body;
	uint32_t kept;
	int err;

	/* Options or data are there already: what is before them cannot change its length. */
	if (c->len != l->off + l->len || (c->option && len != l->len))
		return -E_RANGE;
	kept = before ? before->min_len : p->min_len;
	kept = MIN(kept, l->len);
	kept = MIN(kept, len);
	c->len = l->off + kept;
	err = craft_append(c, NULL, len - kept);
	if (err)
		return err;
	l->body = body;
	l->len = len;
	change_presets(c, l, before, kept);
	if (!body)
		return 0;
	if (!rows_have(p->fields, p->n_fields, select)) {
		/* Each body has the row that tells it among its own. */
		select = select && select != p->next ? row_like(body, select) : NULL;
		if (select && !craft_given(l->body_given, body->fields, select))
			field_store(select, c->bytes + l->off + select->bit / 8, body->code);
		return 0;
	}
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

	/* Where nothing says how long the options are, one says that they end. */
	if (!err && p->options && !p->header_len && p->options->end > 0 && !l->ended) {
		const uint8_t end = (uint8_t)p->options->end;

		err = craft_append(c, &end, 1);
		l->len = c->len - l->off;
		l->ended = true;
	}
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

/* What a demultiplexer calls a protocol, or -1. */
static int demux_value(const struct demux *d, const struct protocol *p)
{
	for (size_t i = 0; i < d->n; i++)
		if (protocols[d->rows[i].protocol] == p && p != protocols[PROTOCOL_DATA])
			return d->rows[i].value;
	return -1;
}

/* Those whose code finds what they carry. */
static bool carries_anything(const struct protocol *p)
{
	return p == protocols[PROTOCOL_LLC] || p == protocols[PROTOCOL_PPPOES] ||
	       p == protocols[PROTOCOL_PPP_HDLC];
}

static bool was_given(const struct craft_layer *l, const struct field *f)
{
	const struct protocol *p = l->proto;

	if (rows_have(p->fields, p->n_fields, f))
		return craft_given(l->given, p->fields, f);
	return l->body && rows_have(l->body->fields, l->body->n_fields, f) &&
	       craft_given(l->body_given, l->body->fields, f);
}

static bool body_carries(const struct protocol *p, uint8_t id)
{
	for (size_t i = 0; i < p->n_bodies; i++)
		if (p->bodies[i].carries == id)
			return true;
	return false;
}

/* Whether layers of @id can be inside the one in hand. */
static bool fits(const struct craft_layer *l, uint8_t id)
{
	const struct protocol *p = l->proto, *inner = protocols[id];

	if (id == PROTOCOL_DATA || carries_anything(p) || body_carries(p, id))
		return true;
	if (p->ports)
		return inner->application;
	if (p->next)
		return demux_value(p->demux, inner) >= 0 || was_given(l, p->next);
	if (l->body && l->body->quotes)
		return id == PROTOCOL_IPV4 || id == PROTOCOL_IPV6;
	return p->application && p == inner; /* messages one after another */
}

static int check_fits(const struct craft *c, uint8_t id, struct fault *fault)
{
	const struct craft_layer *l = c->n_layers ? &c->layers[c->n_layers - 1] : NULL;

	if (id == PROTOCOL_FRAME)
		return fault_set(fault, 0,
				 "frame is what is known beside a packet's bytes: it cannot be "
				 "crafted");
	if (!l || fits(l, id))
		return 0;
	if (l->proto->ports)
		return fault_set(fault, 0, "%s carries applications and data, not %s",
				 l->proto->name, protocols[id]->name);
	if (l->proto->next)
		return fault_set(fault, 0, "%s has no number for %s: give %s first, if it shall be",
				 l->proto->name, protocols[id]->name, l->proto->next->name);
	return fault_set(fault, 0, "%s cannot carry %s", l->proto->name, protocols[id]->name);
}

static int begin_layer(struct craft *c, uint8_t id)
{
	const struct protocol *p = protocols[id];
	struct craft_layer *l = &c->layers[c->n_layers];
	bool stream = c->n_layers && l[-1].proto == protocols[PROTOCOL_TCP];
	int err = p->prefix && stream ? craft_append(c, NULL, field_span(p->prefix)) : 0;

	if (err)
		return err;
	*l = (struct craft_layer){ .id = id,
				   .proto = p,
				   .off = c->len,
				   .len = p->compose && !p->n_fields && !p->n_bodies ? 0
										     : p->min_len,
				   .prefixed = p->prefix && stream,
				   .settings = c->n_settings,
				   .where = c->where };
	err = craft_append(c, NULL, l->len);
	if (err)
		return err;
	c->n_layers++;
	craft_presets(c, p->fields, p->n_fields, l->off);
	return p->n_bodies ? craft_body(c, l, preset_body(p)) : 0;
}

int craft_layer(struct craft *c, const char *name, struct fault *fault)
{
	uint8_t id = protocol_find(name, strlen(name));
	int err;

	if (!id)
		return fault_set(fault, 0, "no protocol is called '%s'", name);
	err = check_fits(c, id, fault);
	if (err)
		return err;
	if (c->n_layers == CRAFT_LAYERS)
		return -E_FULL;
	err = c->n_layers ? close_layer(c) : 0;
	if (!err && c->n_layers)
		err = carry(c, id);
	return err ? err : begin_layer(c, id);
}

int craft_payload(struct craft *c, const void *bytes, size_t len)
{
	int err = c->n_layers ? close_layer(c) : 0;

	return err ? err : craft_append(c, bytes, len);
}

static bool has_row(const struct craft_layer *l, const struct field *f)
{
	const struct protocol *p = l->proto;

	return rows_have(p->fields, p->n_fields, f) ||
	       (l->body && rows_have(l->body->fields, l->body->n_fields, f));
}

/* Writes a computed number into a row of the layer, unless it was given or is not part of it. */
static void fill(struct craft *c, struct craft_layer *l, const struct field *f, uint64_t wire)
{
	if (has_row(l, f) && !was_given(l, f))
		field_store(f, c->bytes + l->off + f->bit / 8, wire);
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

/* The lowest port that the protocol is known at, or 0. */
static uint16_t known_port(const struct craft_layer *transport, uint8_t id)
{
	const uint8_t *by_port = transport->id == PROTOCOL_TCP ? port_map_default.tcp
							       : port_map_default.udp;
	const uint8_t *at = memchr(by_port, id, UINT16_MAX + 1);

	return at ? (uint16_t)(at - by_port) : 0;
}

/* Ports follow from what is inside; the client's is then one of those for clients. */
static int fill_ports(struct craft *c, struct craft_layer *l, struct fault *fault)
{
	const struct field *src = &l->proto->fields[0], *dst = &l->proto->fields[1];
	const struct craft_layer *inner = l + 1 < c->layers + c->n_layers ? l + 1 : NULL;
	bool given = was_given(l, src) || was_given(l, dst);
	uint16_t port, other;

	if (inner && inner->proto->application) {
		port = inner->port ? inner->port : known_port(l, inner->id);
		if (!port && !given)
			return fault_set(fault, inner->where,
					 "%s has no port of its own in %s: give %s or %s",
					 inner->proto->name, l->proto->name, src->name, dst->name);
		other = inner->other_port ? inner->other_port : CLIENT_PORT;
		if (port && !given) {
			fill(c, l, src, inner->reply ? port : other);
			fill(c, l, dst, inner->reply ? other : port);
			return 0;
		}
	}
	if (was_given(l, dst))
		fill(c, l, src, CLIENT_PORT);
	else if (was_given(l, src))
		fill(c, l, dst, CLIENT_PORT);
	return 0;
}

/* Lets the protocol write the rest of its message, before what it carries. */
static int compose_layer(struct craft *c, uint32_t at, struct fault *fault)
{
	struct craft_layer *l = &c->layers[at];
	uint32_t pos = l->off + l->len, after = c->len - pos;
	struct compose m = { .settings = c->settings + l->settings,
			     .n = l->n_settings,
			     .proto = l->proto,
			     .body = l->body,
			     .header = c->bytes + l->off,
			     .header_len = l->len,
			     .given = l->given,
			     .body_given = l->body_given,
			     .payload = c->bytes + c->cap - after,
			     .payload_len = after,
			     .out = buf_in(c->bytes + pos, c->cap - after - pos) };
	int err;

	memmove(c->bytes + c->cap - after, c->bytes + pos, after);
	err = l->proto->compose(&m, fault);
	for (size_t i = 0; !err && i < m.n; i++)
		if (!m.settings[i].used)
			err = compose_fails(
				&m, &m.settings[i], fault,
				"%s follows from other fields, or does not go with them: "
				"it cannot be set here",
				m.settings[i].field->name);
	if (err || m.out.err) {
		if (err == -E_SYNTAX && fault)
			fault->offset = m.at ? m.at->where : l->where;
		return err ? err : m.out.err;
	}
	memmove(c->bytes + pos + m.out.len, c->bytes + c->cap - after, after);
	c->len += (uint32_t)m.out.len;
	l->len += (uint32_t)m.out.len;
	l->reply = m.reply;
	l->port = m.port;
	l->other_port = m.other_port;
	for (uint32_t i = at + 1; i < c->n_layers; i++)
		c->layers[i].off += (uint32_t)m.out.len;
	return 0;
}

static int fill_layer(struct craft *c, uint32_t at, struct fault *fault)
{
	struct craft_layer *l = &c->layers[at];
	const struct protocol *p = l->proto;
	uint32_t total;
	int next = p->next && at + 1 < c->n_layers ? demux_value(p->demux, l[1].proto) : -1, err;

	err = p->compose ? compose_layer(c, at, fault) : 0;
	if (!err && p->ports)
		err = fill_ports(c, l, fault);
	if (err)
		return err;
	total = c->len - l->off;
	if (next >= 0)
		fill(c, l, p->next, (uint64_t)next);
	if (p->header_len)
		fill(c, l, p->header_len,
		     (l->len - p->header_add) / p->header_unit / MAX(p->header_len->scale, 1u));
	if (p->total_len)
		fill(c, l, p->total_len, total > 65535u + p->total_add ? 0 : total - p->total_add);
	if (l->prefixed)
		field_store(p->prefix, c->bytes + l->off - field_span(p->prefix), total);
	fill_checksum(c, at);
	return 0;
}

int craft_finish(struct craft *c, struct fault *fault)
{
	int err = c->n_layers ? close_layer(c) : 0;

	for (uint32_t i = c->n_layers; !err && i-- > 0;)
		err = fill_layer(c, i, fault);
	return err ? err : (int)c->len;
}
