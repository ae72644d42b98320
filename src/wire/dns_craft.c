/*
 * DNS messages from fields in the order in which they were set. qry.name begins a question,
 * resp.name a record, and so does data of another type, or a field that the record has already; a
 * record without a name has that of the one before it, or of the question. The group's name
 * (answers, authorities, additionals) says where what follows belongs; records are answers else.
 * Names are written in full, never compressed.
 */
#include "wire/compose.h"
#include "wire/dns.h"

#define OPCODE_UPDATE	5
#define CLASS_IN	1
#define MDNS_PORT	5353
#define RECORD_TTL	300
#define PAYLOAD_SIZE	1232 /* the DNS flag day's of 2020 */
#define RECORD_HEAD_LEN 10   /* behind the name */

static const struct field *const rows = dns_message_fields;

struct message {
	struct compose *m;
	struct fault *fault;
	unsigned section;
	uint16_t counts[4];
	const struct compose_setting *name; /* the last one */
};

/* Settings [first, end) are one question or record. */
struct slice {
	size_t first, end;
};

static int row_of(const struct field *f)
{
	return f >= rows && f < rows + N_DNS_MESSAGE_FIELDS ? (int)(f - rows) : -1;
}

static bool is_section(const struct field *f)
{
	int row = row_of(f);

	return row >= DNS_ROW_SECTION && row < DNS_ROW_QRY_NAME;
}

static bool is_question(const struct field *f)
{
	int row = row_of(f);

	return row >= DNS_ROW_QRY_NAME && row <= DNS_ROW_QRY_QU;
}

static bool is_opt(const struct field *f)
{
	int row = row_of(f);

	return (row >= DNS_ROW_PAYLOAD_SIZE && row < DNS_ROW_EXTRANEOUS) ||
	       (f >= dns_option_fields && f < dns_option_fields + N_DNS_OPTION_FIELDS);
}

/* The type of record that the row is in, 0: of any. */
static unsigned type_of(const struct field *f)
{
	const struct dns_data *d = dns_data_with(f);

	return is_opt(f) ? DNS_TYPE_OPT : d ? d->type : 0;
}

static bool may_repeat(const struct field *f)
{
	return f->repeats ||
	       (f >= dns_option_fields && f < dns_option_fields + N_DNS_OPTION_FIELDS);
}

/* Whether setting @i goes on with what began at @first. */
static bool goes_on(const struct compose *m, size_t first, size_t i)
{
	const struct field *f = m->settings[i].field;
	unsigned type = type_of(f);

	if (is_section(f) || is_question(f) != is_question(m->settings[first].field) ||
	    f == &rows[DNS_ROW_NAME] || f == &rows[DNS_ROW_QRY_NAME])
		return false;
	for (size_t k = first; k < i; k++) {
		const struct field *before = m->settings[k].field;

		if ((before == f && !may_repeat(f)) ||
		    (type && type_of(before) && type_of(before) != type))
			return false;
	}
	return true;
}

static struct compose_setting *take(struct message *d, const struct field *row, struct slice s)
{
	return compose_take(d->m, row, s.first, s.end);
}

static void put_question(struct message *d, struct slice s)
{
	const struct compose_setting *name = take(d, &rows[DNS_ROW_QRY_NAME], s);
	struct compose_setting type = { .number = DNS_TYPE_A }, class = { .number = CLASS_IN };
	const struct compose_setting *given_type = take(d, &rows[DNS_ROW_QRY_TYPE], s);
	const struct compose_setting *given_class = take(d, &rows[DNS_ROW_QRY_CLASS], s);
	const struct compose_setting *qu = take(d, &rows[DNS_ROW_QRY_QU], s);
	size_t base;

	if (name)
		d->name = name;
	if (name)
		buf_bytes(&d->m->out, name->bytes, name->len);
	else
		buf_u8(&d->m->out, 0);
	base = d->m->out.len;
	compose_put(d->m, &rows[DNS_ROW_QRY_TYPE], given_type ? given_type : &type, base);
	compose_put(d->m, &rows[DNS_ROW_QRY_CLASS], given_class ? given_class : &class, base);
	if (qu)
		compose_put(d->m, &rows[DNS_ROW_QRY_QU], qu, base);
	d->counts[0]++;
}

/* Data by the type's rows, as they are read: what has no width moves where the next ones count
 * from. */
static void put_rows(struct message *d, const struct dns_data *data, struct slice s)
{
	struct buf *b = &d->m->out;
	size_t base = b->len;

	for (size_t i = 0; i < data->n_fields; i++) {
		const struct field *f = &data->fields[i];
		const struct compose_setting *set = take(d, f, s);

		if (f->bits) {
			/* Parts of a field come after the whole of it. */
			if (set || !f->depth)
				compose_put(d->m, f, set, base);
			continue;
		}
		if (data->counted >> i & 1 && set && b->len && !b->err)
			b->data[b->len - 1] = (char)set->len;
		if (set)
			buf_bytes(b, set->bytes, set->len);
		else if (f->type == FIELD_NAME)
			buf_u8(b, 0);
		base = b->len;
	}
}

static int put_string(struct message *d, const struct compose_setting *s)
{
	if (s->len > 255)
		return compose_fails(d->m, s, d->fault, "a text has at most 255 bytes");
	buf_u8(&d->m->out, (uint8_t)s->len);
	buf_bytes(&d->m->out, s->bytes, s->len);
	return 0;
}

/* TXT and SPF: one text after another. */
static int put_texts(struct message *d, const struct field *row, struct slice s)
{
	int err = 0;

	for (size_t i = s.first; !err && i < s.end; i++) {
		if (d->m->settings[i].field != row)
			continue;
		d->m->settings[i].used = true;
		err = put_string(d, &d->m->settings[i]);
	}
	return err;
}

/* CAA (RFC 8659 section 4.1): tag and value, or a value by its tag's name. */
static int put_caa(struct message *d, const struct field *parts, struct slice s)
{
	static const char *const tags[] = {
		[CAA_ISSUE] = "issue", [CAA_ISSUEWILD] = "issuewild", [CAA_IODEF] = "iodef"
	};
	const struct compose_setting *tag = take(d, &parts[CAA_TAG], s);
	const struct compose_setting *value = take(d, &parts[CAA_VALUE], s);
	struct compose_setting named = { 0 };

	for (int i = CAA_ISSUE; i <= CAA_IODEF && !value; i++) {
		value = take(d, &parts[i], s);
		named.bytes = (const uint8_t *)tags[i];
		named.len = (uint32_t)strlen(tags[i]);
	}
	if (tag || value) {
		int err = put_string(d, tag ? tag : &named);

		if (err)
			return err;
	}
	if (value)
		buf_bytes(&d->m->out, value->bytes, value->len);
	return 0;
}

/* One parameter of SVCB (RFC 9460 section 2.2), of all settings of @row; none: nothing. */
static void put_param(struct message *d, unsigned key, const struct field *row, struct slice s)
{
	struct buf *b = &d->m->out;
	size_t start = b->len;

	buf_be16(b, (uint16_t)key);
	buf_be16(b, 0);
	for (size_t i = s.first; i < s.end; i++) {
		struct compose_setting *set = &d->m->settings[i];

		if (set->field != row)
			continue;
		set->used = true;
		if (row->repeats && row->type == FIELD_TEXT)
			buf_u8(b, (uint8_t)set->len);
		if (field_is_number(row))
			buf_be16(b, (uint16_t)set->number);
		else
			buf_bytes(b, set->bytes, set->len);
	}
	if (b->len == start + 4)
		b->len = start;
	else if (!b->err)
		store_be16((uint8_t *)b->data + start + 2, (uint16_t)(b->len - start - 4));
}

static void put_params(struct message *d, const struct field *params, struct slice s)
{
	static const uint8_t by_key[] = { PARAM_MANDATORY, PARAM_ALPN, 0,	 PARAM_PORT,
					  PARAM_IP4,	   PARAM_ECH,  PARAM_IP6 };

	for (unsigned key = 0; key < ARRAY_LEN(by_key); key++)
		if (by_key[key])
			put_param(d, key, &params[by_key[key]], s);
}

static int put_data(struct message *d, const struct dns_data *data, struct slice s)
{
	const struct compose_setting *other, *name;
	int err = 0;

	if (data)
		put_rows(d, data, s);
	if (data && (data->type == DNS_TYPE_TXT || data->type == DNS_TYPE_SPF))
		err = put_texts(d, &data->more[DNS_TEXT], s);
	else if (data && data->type == DNS_TYPE_CAA)
		err = put_caa(d, data->more, s);
	else if (data && (data->type == DNS_TYPE_SVCB || data->type == DNS_TYPE_HTTPS))
		put_params(d, data->more, s);
	else if (data && data->type == DNS_TYPE_NAPTR) {
		name = take(d, &data->more[NAPTR_REPLACEMENT], s);
		buf_bytes(&d->m->out, name ? (const char *)name->bytes : "", name ? name->len : 1);
	}
	other = take(d, &dns_other_data, s);
	if (other)
		buf_bytes(&d->m->out, other->bytes, other->len);
	return err;
}

/* The rows of a record's head, at their places behind the name. */
static void put_head(struct message *d, unsigned type, struct slice s, size_t base)
{
	static const uint8_t usual[] = { DNS_ROW_TYPE, DNS_ROW_CLASS, DNS_ROW_TTL };
	const uint64_t otherwise[] = { type, CLASS_IN, RECORD_TTL };

	for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
		const struct compose_setting *set = take(d, &rows[usual[i]], s);

		compose_put(d->m, &rows[usual[i]],
			    set ? set : &(struct compose_setting){ .number = otherwise[i] }, base);
	}
	for (int i = DNS_ROW_CACHE_FLUSH; i <= DNS_ROW_DATA_LEN; i++) {
		const struct compose_setting *set = take(d, &rows[i], s);

		if (set)
			compose_put(d->m, &rows[i], set, base);
	}
}

/* An OPT record has other rows in the same places (RFC 6891 section 6.1.2). */
static void put_opt_head(struct message *d, struct slice s, size_t base)
{
	const struct compose_setting *size = take(d, &rows[DNS_ROW_PAYLOAD_SIZE], s);
	const struct compose_setting type = { .number = DNS_TYPE_OPT },
				     usual = { .number = PAYLOAD_SIZE };

	(void)take(d, &rows[DNS_ROW_TYPE], s);
	compose_put(d->m, &rows[DNS_ROW_TYPE], &type, base);
	compose_put(d->m, &rows[DNS_ROW_PAYLOAD_SIZE], size ? size : &usual, base);
	for (int i = DNS_ROW_EXT_RCODE; i < DNS_ROW_EXTRANEOUS; i++) {
		const struct compose_setting *set = take(d, &rows[i], s);

		if (set)
			compose_put(d->m, &rows[i], set, base);
	}
}

static unsigned section_of(const struct message *d, unsigned type)
{
	bool update = (d->m->header[2] >> 3 & 15) == OPCODE_UPDATE;

	return d->section ? d->section : type == DNS_TYPE_OPT ? 3 : update ? 2 : 1;
}

static int put_record(struct message *d, struct slice s)
{
	const struct compose_setting *name = take(d, &rows[DNS_ROW_NAME], s);
	const struct compose_setting *len = NULL;
	struct buf *b = &d->m->out;
	unsigned type = 0;
	size_t base;
	int err;

	for (size_t i = s.first; i < s.end; i++) {
		const struct compose_setting *set = &d->m->settings[i];

		if (set->field == &rows[DNS_ROW_DATA_LEN])
			len = set;
		type = set->field == &rows[DNS_ROW_TYPE] ? (unsigned)set->number
		       : type				 ? type
							 : type_of(set->field);
	}
	if (name)
		d->name = name;
	else if (type != DNS_TYPE_OPT)
		name = d->name;
	buf_bytes(b, name ? (const char *)name->bytes : "", name ? name->len : 1);
	base = b->len;
	buf_fill(b, 0, RECORD_HEAD_LEN);
	if (type == DNS_TYPE_OPT)
		put_opt_head(d, s, base);
	else
		put_head(d, type, s, base);
	if (type == DNS_TYPE_OPT)
		dns_compose_options(d->m, s.first, s.end);
	err = put_data(d, dns_data_of(type), s);
	if (!err && !b->err && !len)
		store_be16((uint8_t *)b->data + base + 8,
			   (uint16_t)(b->len - base - RECORD_HEAD_LEN));
	d->counts[section_of(d, type)]++;
	return err;
}

static int put_all(struct message *d)
{
	struct compose *m = d->m;
	int err = 0;

	for (struct slice s = { 0 }; !err && s.first < m->n; s.first = s.end) {
		struct compose_setting *first = &m->settings[s.first];
		int row = row_of(first->field);

		s.end = s.first + 1;
		if (is_section(first->field)) {
			first->used = true;
			d->section = row >= DNS_ROW_UPDATE_SECTION
					     ? (unsigned)(row - DNS_ROW_UPDATE_SECTION)
					     : (unsigned)(row - DNS_ROW_SECTION);
			continue;
		}
		while (s.end < m->n && goes_on(m, s.first, s.end))
			s.end++;
		if (is_question(first->field))
			put_question(d, s);
		else
			err = put_record(d, s);
	}
	return err;
}

/* Who asks a server wants it to ask others, if need be; on the link nobody does. */
static void want_recursion(struct compose *m)
{
	if (m->proto == protocols[PROTOCOL_DNS] && !(m->header[2] & 0xf8) &&
	    !compose_given(m, "dns.flags") && !compose_given(m, "dns.flags.recdesired"))
		m->header[2] |= 1;
}

int dns_compose(struct compose *m, struct fault *fault)
{
	struct message d = { .m = m, .fault = fault };
	const struct field *counts = m->body->fields + m->body->n_fields - 4;
	const struct compose_setting *extraneous = compose_find(m, &rows[DNS_ROW_EXTRANEOUS]);
	int err = put_all(&d);

	if (err)
		return err;
	if (extraneous)
		buf_bytes(&m->out, extraneous->bytes, extraneous->len);
	for (unsigned i = 0; i < 4; i++)
		if (!compose_given(m, counts[i].name))
			field_store(&counts[i], m->header + counts[i].bit / 8, d.counts[i]);
	want_recursion(m);
	m->reply = m->header[2] & 0x80;
	if (m->proto == protocols[PROTOCOL_MDNS])
		m->other_port = MDNS_PORT;
	return 0;
}
