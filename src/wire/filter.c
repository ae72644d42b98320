#include "wire/filter.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/exchange.h"
#include "wire/filter_internal.h"
#include "wire/tcp.h"
#include "wire/udp.h"

const void *filter_keep(struct parser *p, const void *bytes, size_t len)
{
	struct filter *f = p->filter;
	char *kept = f->memory + f->memory_len;

	if (len > f->memory_cap - f->memory_len) {
		p->err = p->err ?: -ENOMEM;
		return "";
	}
	if (len)
		memcpy(kept, bytes, len);
	f->memory_len = MIN((f->memory_len + len + 7) & ~(size_t)7, f->memory_cap);
	return kept;
}

struct filter *filter_free(struct filter *f)
{
	struct pattern *next;

	if (!f)
		return NULL;
	for (struct pattern *r = f->patterns; r; r = next) {
		next = r->next;
		pcre2_code_free(r->code);
		pcre2_match_data_free(r->data);
		pcre2_match_context_free(r->limits);
		free(r);
	}
	free(f->nodes);
	free(f->memory);
	free(f);
	return NULL;
}

int filter_new(const char *text, size_t len, struct filter **ret_filter, struct fault *fault)
{
	struct filter *f;
	struct parser p = { .text = text, .len = (uint32_t)len, .fault = fault };

	if (len > FILTER_TEXT_MAX)
		return fault_set(fault, FILTER_TEXT_MAX, "the filter is longer than %d bytes",
				 FILTER_TEXT_MAX);
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	p.filter = f;
	f->nodes = calloc(FILTER_NODES_MAX, sizeof(f->nodes[0]));
	f->n_nodes = 1;
	/* Two characters can become an address ("::"), or a part of a slice. */
	f->memory_cap = 16 * len + 64;
	f->memory = malloc(f->memory_cap);
	p.err = f->nodes && f->memory ? 0 : -ENOMEM;
	if (!p.err)
		(void)filter_parse(&p);
	if (p.err) {
		filter_free(f);
		return p.err;
	}
	*ret_filter = f;
	return 0;
}

bool filter_matches(struct filter *f, const struct packet *p)
{
	f->budget = FILTER_BUDGET;
	return !f->root || filter_test(f, f->root, p);
}

uint32_t filter_needs(const struct filter *f)
{
	return f->needs;
}

/* Whether rows of the part are known only from the segments before. */
static bool is_fact(const struct registry_part *part)
{
	for (size_t i = 0; i < part->n_rows; i++)
		if ((part->rows[i]->computed && strcmp(part->rows[i]->name, "tcp.len") != 0) ||
		    tcp_row_is_relative(part->rows[i]))
			return true;
	return false;
}

static bool is_exchange(const struct registry_part *part)
{
	for (size_t i = 0; i < part->n_rows; i++)
		if (exchange_has_row(part->protocol, part->rows[i]))
			return true;
	return false;
}

uint32_t filter_name_needs(const struct registry_name *name)
{
	uint32_t needs = 0;

	for (size_t i = 0; i < name->n_parts; i++) {
		uint8_t id = name->parts[i].protocol;

		if (is_exchange(&name->parts[i]))
			needs |= FILTER_NEEDS_EXCHANGES;
		switch (id) {
		case PROTOCOL_FRAME:
		case PROTOCOL_ETHERNET:
		case PROTOCOL_LLC:
		case PROTOCOL_ARP:
		case PROTOCOL_IPV4:
		case PROTOCOL_IPV6:
			break;
		case PROTOCOL_TCP:
			if (is_fact(&name->parts[i]))
				needs |= FILTER_NEEDS_ANALYSIS;
			needs |= FILTER_NEEDS_FRAGMENTS;
			break;
		default:
			if (id == PROTOCOL_UDP && udp_row_is_fact(name->parts[i].rows[0]))
				needs |= FILTER_NEEDS_DATAGRAMS;
			needs |= FILTER_NEEDS_FRAGMENTS;
			if (protocols[id]->application || id == PROTOCOL_DATA)
				needs |= FILTER_NEEDS_STREAMS;
		}
	}
	/* The names of all layers. */
	if (!strcmp(name->name, "frame.protocols"))
		needs |= FILTER_NEEDS_FRAGMENTS | FILTER_NEEDS_STREAMS;
	return needs;
}
