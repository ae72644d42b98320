/*
 * Any bytes as the two directions of a connection: every protocol that finds the ends of its
 * messages in a stream must find the same ones however the stream comes in pieces, always get on,
 * and never read beyond what there is. Each message is then printed in every way, with what the
 * dialogue knew before it.
 *
 * The first byte names the protocol, the second seeds the cuts, the rest is sent: first by the side
 * that called; the bytes fe fe change the side.
 */
#include "base/random.h"
#include "wire/fuzz_json.h"
#include "wire/ports.h"
#include "wire/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is kept of a message: little, so that small inputs reach the bound. */
#define KEPT	 700
#define MAX_ENDS 1024

struct side {
	uint8_t bytes[1 << 13];
	uint32_t len;	/* that have come */
	uint32_t start; /* of the message in hand */
	bool over;	/* not this protocol's any more */
};

struct talk {
	struct dialogue dialogue;
	struct side sides[2];
	struct {
		uint32_t end;
		uint8_t reply;
		uint8_t proto;
	} ends[MAX_ENDS];
	size_t n_ends;
	bool print;
};

static const struct {
	char letter;
	const char *name;
} names[] = { { 'h', "http" }, { 'f', "ftp" }, { 's', "smtp" }, { 'p', "pop" },
	      { 'i', "imap" }, { 'd', "dns" }, { 't', "tls" } };

static uint8_t protocol_of(uint8_t letter)
{
	uint8_t with[N_PROTOCOLS];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		uint8_t id = protocol_find(names[i].name, strlen(names[i].name));

		if ((uint8_t)names[i].letter == letter && id && protocols[id]->message)
			return id;
	}
	for (unsigned id = 1; id < N_PROTOCOLS; id++)
		if (protocols[id]->message)
			with[n++] = (uint8_t)id;
	return with[letter % n];
}

static void print_message(const struct dialogue *before, uint8_t proto, bool reply,
			  const uint8_t *bytes, uint32_t len)
{
	const struct walk_config config = {
		.ports = &port_map_default,
		.stream = true,
		.reply = reply,
		.dialogue = before,
	};
	struct buf b = buf_of(1 << 26);
	uint8_t *copy = malloc(len); /* so that reads beyond the message are seen */
	struct packet p;

	if (!copy)
		abort();
	memcpy(copy, bytes, len);
	packet_walk_as(&p, &config, proto, copy, len, len);
	print_line(&b, &p);
	print_tree(&b, &p);
	buf_reset(&b);
	print_json(&b, &p, &(struct json_config){ .payload = true });
	if (b.err)
		abort();
	check_json(&b);
	buf_done(&b);
	free(copy);
}

/* One message of @s, if there is a whole one. */
static bool one_message(struct talk *t, bool reply, bool end)
{
	struct side *s = &t->sides[reply];
	struct dialogue before = t->dialogue;
	uint32_t len = MIN(s->len - s->start, (uint32_t)KEPT);
	uint8_t proto = t->dialogue.proto, *copy;
	int64_t n;

	if (s->over || !len || !proto || !protocols[proto]->message || t->n_ends == MAX_ENDS)
		return false;
	copy = malloc(len);
	if (!copy)
		abort();
	memcpy(copy, s->bytes + s->start, len);
	n = protocols[proto]->message(&t->dialogue, reply, copy, len, end || len == KEPT);
	free(copy);
	if (n > (int64_t)len || (!n && (end || len == KEPT)))
		abort();
	if (!n)
		return false;
	s->over = n < 0;
	if (n > 0 && t->print)
		print_message(&before, proto, reply, s->bytes + s->start, (uint32_t)n);
	s->start += n > 0 ? (uint32_t)n : 0;
	t->dialogue.scanned[reply] = 0;
	if (t->dialogue.proto != proto)
		t->dialogue.scanned[!reply] = 0;
	t->ends[t->n_ends].end = s->start;
	t->ends[t->n_ends].reply = reply;
	t->ends[t->n_ends++].proto = n < 0 ? 0 : t->dialogue.proto;
	return n > 0;
}

static void feed(struct talk *t, bool reply, const uint8_t *bytes, size_t len)
{
	struct side *s = &t->sides[reply];

	len = MIN(len, sizeof(s->bytes) - s->len);
	memcpy(s->bytes + s->len, bytes, len);
	s->len += (uint32_t)len;
	while (one_message(t, reply, false))
		;
}

/* @cuts: NULL: each turn comes whole. */
static void talk(struct talk *t, const uint8_t *data, size_t size, struct random *cuts)
{
	bool reply = false;
	size_t at = 0;

	while (at < size) {
		const uint8_t *turn = memmem(data + at, size - at, "\xfe\xfe", 2);
		size_t n = turn ? (size_t)(turn - data) - at : size - at, piece;

		for (; n; n -= piece, at += piece) {
			piece = cuts ? 1 + random_below(cuts, n) : n;
			if (cuts && random_below(cuts, 4))
				piece = MIN(piece, (size_t)1 + random_below(cuts, 8));
			feed(t, reply, data + at, piece);
		}
		at += 2;
		reply = !reply;
	}
	for (int i = 0; i < 2; i++)
		while (one_message(t, i, true))
			;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct talk whole, cut;
	struct random random;

	if (size < 2)
		return 0;
	memset(&whole, 0, sizeof(whole));
	memset(&cut, 0, sizeof(cut));
	whole.dialogue.proto = cut.dialogue.proto = protocol_of(data[0]);
	whole.print = true;
	random = random_of(data[1]);
	talk(&whole, data + 2, size - 2, NULL);
	talk(&cut, data + 2, size - 2, &random);
	if (whole.n_ends != cut.n_ends)
		abort();
	for (size_t i = 0; i < whole.n_ends; i++)
		if (whole.ends[i].end != cut.ends[i].end ||
		    whole.ends[i].reply != cut.ends[i].reply ||
		    whole.ends[i].proto != cut.ends[i].proto)
			abort();
	return 0;
}
