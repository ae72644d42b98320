/* A DNS message in a few words: what is asked, or what is answered. */
#include "wire/dns.h"
#include "wire/dns_name.h"

/* Questions, and answers, that a line shows. */
#define SHOWN 4

/* A message whose records are read in order; places count from its start. */
struct reader {
	const uint8_t *msg;
	size_t len, at;
};

struct record {
	struct dns_name name;
	unsigned type;
	uint32_t ttl;
	size_t at, end; /* of the data */
};

static bool read_question(struct reader *r, struct record *ret)
{
	int taken = r->at < r->len ? dns_name_read(r->msg, r->len, r->at, &ret->name) : 0;

	if (taken <= 0 || r->len - r->at - (size_t)taken < 4)
		return false;
	r->at += (size_t)taken;
	ret->type = load_be16(r->msg + r->at);
	r->at += 4;
	return true;
}

static bool read_record(struct reader *r, struct record *ret)
{
	if (!read_question(r, ret) || r->len - r->at < 6)
		return false;
	ret->ttl = load_be32(r->msg + r->at);
	ret->at = r->at + 6;
	ret->end = ret->at + load_be16(r->msg + r->at + 4);
	r->at = ret->end;
	return ret->end <= r->len;
}

static void say_type(struct buf *b, unsigned type)
{
	const struct field by_type = { .values = dns_type_names };
	const char *name = field_value_name(&by_type, type);

	if (name) {
		buf_str(b, name);
	} else {
		buf_lit(b, "TYPE");
		buf_u64(b, type);
	}
}

static void say_questions(struct buf *b, struct reader *r, unsigned n, bool show)
{
	struct record rec;

	for (unsigned i = 0; i < n && read_question(r, &rec); i++) {
		if (!show || i > SHOWN)
			continue;
		if (i == SHOWN) {
			buf_printf(b, " and %u more", n - SHOWN);
			continue;
		}
		buf_char(b, ' ');
		say_type(b, rec.type);
		buf_lit(b, "? ");
		dns_line_name(b, &rec.name);
	}
}

static void say_answers(struct buf *b, struct reader *r, unsigned n)
{
	struct record rec;

	for (unsigned i = 0; i < n && i < SHOWN && read_record(r, &rec); i++) {
		buf_str(b, i ? ", " : " ");
		say_type(b, rec.type);
		buf_char(b, ' ');
		dns_line_name(b, &rec.name);
		dns_line_data(b, r->msg, rec.at, rec.end, rec.type);
		buf_lit(b, " ttl ");
		buf_u64(b, rec.ttl);
	}
	if (n > SHOWN)
		buf_printf(b, " and %u more", n - SHOWN);
}

void dns_line(struct buf *b, const struct packet *p, size_t layer)
{
	static const struct field opcodes = { .values = dns_opcode_names };
	static const struct field rcodes = { .values = dns_rcode_names };
	const struct layer *l = &p->layers[layer];
	struct reader r = { .msg = p->bytes + l->off, .len = l->header_len, .at = 12 };
	unsigned opcode, rcode, n_questions, n_answers;
	bool response;

	if (layer && l[-1].proto == l->proto)
		buf_lit(b, " | ");
	buf_str(b, protocols[l->proto]->short_name);
	if (r.len < 12)
		return;
	opcode = r.msg[2] >> 3 & 15;
	response = r.msg[2] >> 7;
	rcode = r.msg[3] & 15;
	n_questions = load_be16(r.msg + 4);
	n_answers = load_be16(r.msg + 6);
	if (opcode) {
		buf_char(b, ' ');
		buf_str(b, field_value_name(&opcodes, opcode) ?: "unknown operation");
	}
	say_questions(b, &r, n_questions, !response || !n_answers);
	if (!response)
		return;
	if (rcode) {
		buf_char(b, ' ');
		buf_str(b, field_value_name(&rcodes, rcode) ?: "unknown error");
	}
	if (n_answers)
		say_answers(b, &r, n_answers);
	else if (!rcode)
		buf_str(b, opcode ? " done" : " no answer");
	if (r.msg[2] & 2)
		buf_lit(b, ", truncated");
}
