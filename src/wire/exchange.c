#include "wire/exchange.h"

void exchange_walk(struct walk *w)
{
	const struct exchange_facts *facts = w->packet->exchange;
	const struct exchange_table *table = w->proto->exchange;
	const struct field *rows = table->fields;

	if (!table->about && table->n_fields > EXCHANGE_AGAIN && (!facts->answer || facts->first)) {
		walk_computed(w, &rows[EXCHANGE_AGAIN], 1);
		if (facts->answer)
			walk_computed(w, &rows[EXCHANGE_ANSWER_AGAIN], facts->first);
		else
			walk_computed(w, &rows[EXCHANGE_QUESTION_AGAIN], facts->question);
		return;
	}
	if (!facts->answer)
		return;
	walk_computed(w, &rows[EXCHANGE_QUESTION], facts->question);
	walk_computed(w, &rows[EXCHANGE_TIME], (uint64_t)facts->elapsed_ns);
	if (facts->about.len)
		w->sink->item(w->sink, &(struct item){
					       .field = &rows[EXCHANGE_ABOUT],
					       .bytes = facts->about.at,
					       .len = facts->about.len,
				       });
}

uint64_t exchange_protocols(void)
{
	uint64_t bits = 0;

	for (unsigned id = PROTOCOL_NONE + 1; id < N_PROTOCOLS; id++)
		if (protocols[id]->exchange)
			bits |= 1ULL << id;
	return bits;
}

bool exchange_has_row(uint8_t id, const struct field *row)
{
	const struct exchange_table *table = protocols[id]->exchange;

	return table && row >= table->fields && row < table->fields + table->n_fields;
}
