/* Questions and answers, by identifier and in turn, against a list that is searched from its end.
 */
#include "capture/exchanges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "wire/numbers.h"

/* One message of DNS between two hosts. */
struct said {
	bool answer;
	uint8_t asker, answerer;
	uint16_t port, id;
	uint64_t frame;
	int64_t time_ns;
};

static bool see(struct exchanges *t, const struct said *s, struct exchange_facts *ret_facts)
{
	uint8_t header[12] = { (uint8_t)(s->id >> 8), (uint8_t)s->id, s->answer ? 0x80 : 0 };
	struct ends ends = { .addr_len = 4 };
	const struct exchange_place place = { .ends = &ends,
					      .frame = s->frame,
					      .time_ns = s->time_ns };
	struct packet p;

	ends.src[3] = s->answer ? s->answerer : s->asker;
	ends.dst[3] = s->answer ? s->asker : s->answerer;
	ends.src_port = s->answer ? 53 : s->port;
	ends.dst_port = s->answer ? s->port : 53;
	packet_walk(&p, PROTOCOL_DNS, header, sizeof(header), sizeof(header));
	exchanges_next(t);
	return exchanges_see(t, &place, &p, 0, ret_facts);
}

/* What is known of each question, in their order. */
struct naive {
	struct said said;
	uint64_t answered;
};

static bool same(const struct said *a, const struct said *b)
{
	return a->asker == b->asker && a->answerer == b->answerer && a->port == b->port &&
	       a->id == b->id;
}

static bool naive_see(struct naive *list, size_t *n, const struct said *s,
		      struct exchange_facts *facts)
{
	struct naive *q = NULL;

	for (size_t i = 0; i < *n; i++)
		if (same(&list[i].said, s))
			q = &list[i];
	if (!s->answer && q && !q->answered && s->time_ns - q->said.time_ns < EXCHANGE_REPEAT_NS) {
		*facts = (struct exchange_facts){ .question = q->said.frame };
		return true;
	}
	if (!s->answer)
		list[(*n)++] = (struct naive){ .said = *s };
	if (!s->answer || !q)
		return false;
	*facts = (struct exchange_facts){
		.answer = true,
		.question = q->said.frame,
		.first = q->answered,
		.elapsed_ns = s->time_ns - q->said.time_ns,
	};
	if (!q->answered)
		q->answered = s->frame;
	return true;
}

static void the_list_says_the_same(void **state UNUSED)
{
	static struct naive list[20000];
	struct random random = random_of(7);
	struct exchanges *t = exchanges_new(20000, 0);
	size_t n = 0, told = 0;
	int64_t now_ns = 0;

	for (uint64_t i = 1; i <= 20000; i++) {
		const struct said s = {
			.answer = random_below(&random, 2),
			.asker = (uint8_t)random_below(&random, 3),
			.answerer = (uint8_t)random_below(&random, 3),
			.port = (uint16_t)random_below(&random, 4),
			.id = (uint16_t)random_below(&random, 5),
			.frame = i,
			.time_ns = now_ns += (int64_t)random_below(&random, NS_PER_S / 10),
		};
		struct exchange_facts got = { 0 }, want = { 0 };
		bool is = naive_see(list, &n, &s, &want);

		assert_int_equal(see(t, &s, &got), is);
		assert_memory_equal(&got, &want, sizeof(got));
		told += is;
	}
	assert_true(told > 5000);
	exchanges_free(t);
}

static void the_oldest_goes(void **state UNUSED)
{
	struct exchanges *t = exchanges_new(4, 0);
	struct exchange_facts facts;
	struct said s = { .frame = 1 };

	for (s.id = 0; s.id < 5; s.id++)
		assert_false(see(t, &s, &facts));
	s.answer = true;
	for (s.id = 0; s.id < 5; s.id++)
		assert_int_equal(see(t, &s, &facts), s.id > 0);
	exchanges_free(t);
}

/* One message of HTTP in connection 9. */
static bool say(struct exchanges *t, struct exchange_turns *turns, const char *text, bool reply,
		uint64_t frame, struct exchange_facts *ret_facts)
{
	const struct walk_config config = { .stream = true, .reply = reply };
	const struct ends ends = { .addr_len = 4 };
	const struct exchange_place place = {
		.ends = &ends, .frame = frame, .connection = 9, .turns = turns
	};
	struct packet p;

	packet_walk_as(&p, &config, PROTOCOL_HTTP, text, (uint32_t)strlen(text),
		       (uint32_t)strlen(text));
	return exchanges_see(t, &place, &p, 0, ret_facts);
}

static void answers_come_in_turn(void **state UNUSED)
{
	struct exchanges *t = exchanges_new(8, 1000);
	struct exchange_turns turns = { 0 };
	struct exchange_facts facts;

	assert_false(say(t, &turns, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n", false, 1, &facts));
	assert_false(say(t, &turns, "GET /2 HTTP/1.1\r\n\r\n", false, 2, &facts));
	assert_false(say(t, &turns, "HTTP/1.1 100 Continue\r\n\r\n", true, 3, &facts));
	assert_true(say(t, &turns, "HTTP/1.1 200 OK\r\n\r\n", true, 4, &facts));
	assert_int_equal(facts.question, 1);
	assert_int_equal(facts.about.len, strlen("http://a/1"));
	assert_memory_equal(facts.about.at, "http://a/1", facts.about.len);
	assert_true(say(t, &turns, "HTTP/1.1 200 OK\r\n\r\n", true, 5, &facts));
	assert_int_equal(facts.question, 2);
	assert_int_equal(facts.about.len, 2); /* without host: as it was asked */
	assert_memory_equal(facts.about.at, "/2", 2);
	assert_false(say(t, &turns, "HTTP/1.1 200 OK\r\n\r\n", true, 6, &facts));

	/* Where something is missing, the last question is the one that is answered. */
	turns.loose = true;
	assert_false(say(t, &turns, "GET /7 HTTP/1.1\r\n\r\n", false, 7, &facts));
	assert_false(say(t, &turns, "GET /8 HTTP/1.1\r\n\r\n", false, 8, &facts));
	assert_true(say(t, &turns, "HTTP/1.1 200 OK\r\n\r\n", true, 9, &facts));
	assert_int_equal(facts.question, 8);
	exchanges_free(t);
}

/* Text is kept within its bound, and what was told of it stays until the next packet. */
static void what_questions_are_about_is_bounded(void **state UNUSED)
{
	struct exchanges *t = exchanges_new(100, 64);
	struct exchange_turns turns = { 0 };
	struct exchange_facts facts;

	assert_false(say(t, &turns, "GET /1 HTTP/1.1\r\nHost: first\r\n\r\n", false, 1, &facts));
	assert_true(say(t, &turns, "HTTP/1.1 200 OK\r\n\r\n", true, 2, &facts));
	for (uint64_t i = 3; i < 20; i++) {
		struct exchange_facts other;

		assert_false(say(t, &turns, "GET /23456 HTTP/1.1\r\nHost: other\r\n\r\n", false, i,
				 &other));
	}
	assert_memory_equal(facts.about.at, "http://first/1", facts.about.len);
	exchanges_next(t);
	assert_false(say(t, &turns, "HTTP/1.1 200 OK\r\n\r\n", true, 20, &facts));
	exchanges_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list_says_the_same),
		cmocka_unit_test(the_oldest_goes),
		cmocka_unit_test(answers_come_in_turn),
		cmocka_unit_test(what_questions_are_about_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
