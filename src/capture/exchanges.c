#include "capture/exchanges.h"

#include <stdlib.h>

#include "base/hash.h"

/* More is not kept of a question. */
#define ABOUT_MAX 8192

/* Compared bytewise: without padding. */
struct key {
	uint8_t proto, addr_len, id_len, in_turn;
	uint16_t asker_port, answerer_port;
	uint8_t asker[16], answerer[16];
	uint8_t id[EXCHANGE_ID_MAX];
};
_Static_assert(sizeof(struct key) == 56, "no padding");

struct about {
	struct about *next;
	uint32_t len;
	uint8_t bytes[];
};

struct question {
	struct key key;
	uint64_t frame;
	uint64_t answer; /* frame of the first one; 0: none yet */
	int64_t time_ns;
	struct about *about; /* NULL: nothing */
};

/* Questions are in a ring in their order; @slots says where each key is. One that was asked anew
 * is in the ring twice. */
struct exchanges {
	struct hash *slots;
	struct question *ring;
	uint32_t max, first, n;
	size_t bytes, max_bytes;
	struct about *retired; /* facts of the packet in hand may point into them */
};

struct exchanges *exchanges_new(uint32_t max, size_t max_bytes)
{
	struct exchanges *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->max = max;
	t->max_bytes = max_bytes;
	t->slots = hash_new(sizeof(struct key), sizeof(uint32_t), max);
	t->ring = calloc(max, sizeof(*t->ring));
	return t->slots && t->ring ? t : exchanges_free(t);
}

struct exchanges *exchanges_free(struct exchanges *t)
{
	if (!t)
		return NULL;
	exchanges_next(t);
	for (uint32_t i = 0; i < t->n; i++)
		free(t->ring[(t->first + i) % t->max].about);
	hash_free(t->slots);
	free(t->ring);
	free(t);
	return NULL;
}

void exchanges_next(struct exchanges *t)
{
	while (unlikely(t->retired)) {
		struct about *a = t->retired;

		t->retired = a->next;
		free(a);
	}
}

static void drop_first(struct exchanges *t)
{
	struct question *q = &t->ring[t->first];
	const uint32_t *slot = hash_get(t->slots, &q->key);

	if (slot && *slot == t->first)
		hash_remove(t->slots, &q->key);
	if (q->about) {
		t->bytes -= q->about->len;
		q->about->next = t->retired;
		t->retired = q->about;
	}
	t->first = (t->first + 1) % t->max;
	t->n--;
}

/* Copies what the question is about, if there is memory for it. */
static struct about *keep_about(struct exchanges *t, const struct text *parts, size_t n)
{
	struct about *a;
	uint32_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += MIN(parts[i].len, (uint32_t)ABOUT_MAX + 1);
	if (!len || len > ABOUT_MAX || len > t->max_bytes)
		return NULL;
	while (t->n && t->bytes + len > t->max_bytes)
		drop_first(t);
	a = malloc(sizeof(*a) + len);
	if (!a)
		return NULL;
	a->len = 0;
	for (size_t i = 0; i < n; i++) {
		if (parts[i].len)
			memcpy(a->bytes + a->len, parts[i].at, parts[i].len);
		a->len += parts[i].len;
	}
	t->bytes += len;
	return a;
}

static void add(struct exchanges *t, const struct key *key, const struct exchange_place *place,
		const struct exchange *e)
{
	struct about *about = keep_about(t, e->about, ARRAY_LEN(e->about));
	uint32_t at;
	void *slot;

	if (t->n == t->max)
		drop_first(t);
	at = (t->first + t->n) % t->max;
	t->ring[at] = (struct question){
		.key = *key,
		.frame = place->frame,
		.time_ns = place->time_ns,
		.about = about,
	};
	t->n++;
	if (hash_put(t->slots, key, &slot) >= 0)
		*(uint32_t *)slot = at;
}

static struct question *find(struct exchanges *t, const struct key *key)
{
	const uint32_t *slot = hash_get(t->slots, key);

	return slot ? &t->ring[*slot] : NULL;
}

/* What a message that is answered in its order is known by. Return: false when nothing waits. */
static bool take_turn(const struct exchange_place *place, bool answer, struct key *key)
{
	struct exchange_turns *turns = place->turns;
	uint32_t turn;

	if (!turns || (answer && turns->answered == turns->asked))
		return false;
	if (!answer && turns->loose)
		turns->answered = turns->asked;
	turn = answer ? turns->answered++ : turns->asked++;
	key->in_turn = true;
	memcpy(key->id, &place->connection, 4);
	memcpy(key->id + 4, &turn, 4);
	return true;
}

static void key_by_id(const struct exchange_place *place, const struct exchange *e, struct key *key)
{
	const struct ends *ends = place->ends;

	key->addr_len = ends->addr_len;
	memcpy(key->asker, e->answer ? ends->dst : ends->src, ends->addr_len);
	memcpy(key->answerer, e->answer ? ends->src : ends->dst, ends->addr_len);
	key->asker_port = e->answer ? ends->dst_port : ends->src_port;
	key->answerer_port = e->answer ? ends->src_port : ends->dst_port;
	key->id_len = e->id_len;
	memcpy(key->id, e->id, e->id_len);
}

static bool ask(struct exchanges *t, const struct key *key, const struct exchange_place *place,
		const struct exchange *e, struct exchange_facts *facts)
{
	const struct question *q = find(t, key);
	int64_t age = q ? (int64_t)((uint64_t)place->time_ns - (uint64_t)q->time_ns) : 0;

	if (q && !q->answer && age < EXCHANGE_REPEAT_NS) {
		facts->question = q->frame;
		return true;
	}
	add(t, key, place, e);
	return false;
}

static bool answer(struct exchanges *t, const struct key *key, const struct exchange_place *place,
		   struct exchange_facts *facts)
{
	struct question *q = find(t, key);

	if (!q)
		return false;
	facts->answer = true;
	facts->question = q->frame;
	facts->first = q->answer;
	facts->elapsed_ns = (int64_t)((uint64_t)place->time_ns - (uint64_t)q->time_ns);
	if (q->about)
		facts->about = text_of(q->about->bytes, q->about->len);
	if (!q->answer)
		q->answer = place->frame;
	return true;
}

bool exchanges_see(struct exchanges *t, const struct exchange_place *place, const struct packet *p,
		   uint32_t layer, struct exchange_facts *ret_facts)
{
	const struct layer *l = &p->layers[layer];
	struct exchange_facts facts = { .layer = layer };
	struct key key = { .proto = l->proto };
	struct exchange e;

	if (l->flags & (LAYER_CUT | LAYER_QUOTED) || !protocols[l->proto]->exchange->tell(p, l, &e))
		return false;
	if (!e.in_turn)
		key_by_id(place, &e, &key);
	else if (!take_turn(place, e.answer, &key))
		return false;
	if (e.answer ? !answer(t, &key, place, &facts) : !ask(t, &key, place, &e, &facts))
		return false;
	*ret_facts = facts;
	return true;
}
