#include "capture/passive_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

struct name {
	uint8_t len;
	char text[NAME_MAX_LEN];
};

struct passive_names {
	struct name_source source;
	struct hash *by_addr; /* struct key to struct name */
};

/* An address; IPv4 in the first bytes. */
struct key {
	uint8_t len;
	uint8_t bytes[16];
};

static struct key key_of(const uint8_t *addr, size_t len)
{
	struct key key = { .len = (uint8_t)len };

	memcpy(key.bytes, addr, len);
	return key;
}

static const char *find(const struct name_source *source, const uint8_t *addr, size_t addr_len,
			size_t *ret_len)
{
	const struct passive_names *n = container_of(source, struct passive_names, source);
	const struct key key = key_of(addr, addr_len);
	const struct name *name = hash_get(n->by_addr, &key);

	if (!name)
		return NULL;
	*ret_len = name->len;
	return name->text;
}

struct passive_names *passive_names_new(void)
{
	struct passive_names *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->source.find = find;
	n->by_addr = hash_new(sizeof(struct key), sizeof(struct name), NAMES_MAX);
	return n->by_addr ? n : passive_names_free(n);
}

struct passive_names *passive_names_free(struct passive_names *n)
{
	if (n)
		hash_free(n->by_addr);
	free(n);
	return NULL;
}

const struct name_source *passive_names_source(const struct passive_names *n)
{
	return &n->source;
}

static void put(struct passive_names *n, const struct key *key, const char *name, size_t len)
{
	void *value;

	if (!len || len > NAME_MAX_LEN)
		return;
	if (hash_len(n->by_addr) == NAMES_MAX && !hash_get(n->by_addr, key))
		hash_clear(n->by_addr);
	if (hash_put(n->by_addr, key, &value) < 0)
		return;
	((struct name *)value)->len = (uint8_t)len;
	memcpy(((struct name *)value)->text, name, len);
}

void passive_names_add(struct passive_names *n, const struct addr *addr, const char *name,
		       size_t len)
{
	const struct key key = key_of(addr->bytes, addr_len(addr));

	put(n, &key, name, len);
}

/* The name that was asked for, then the addresses among the answers. */
struct learner {
	struct sink sink;
	struct passive_names *names;
	bool response;
	char asked[NAME_MAX_LEN];
	size_t asked_len;
};

static bool is(const struct item *item, const char *name)
{
	return !strcmp(item->field->name, name);
}

static void learn_item(struct sink *sink, const struct item *item)
{
	struct learner *l = container_of(sink, struct learner, sink);
	bool ip4 = item->field->type == FIELD_IP4 && item->len == 4;
	bool ip6 = item->field->type == FIELD_IP6 && item->len == 16;

	if (is(item, "dns.flags.response")) {
		l->response = item->value;
	} else if (l->response && !l->asked_len &&
		   (is(item, "dns.qry.name") || is(item, "dns.resp.name"))) {
		struct buf b = buf_in(l->asked, sizeof(l->asked));

		field_text(&b, item->field, 0, item->bytes, item->len);
		l->asked_len = b.err ? 0 : b.len;
	} else if ((ip4 && is(item, "dns.a")) || (ip6 && is(item, "dns.aaaa"))) {
		const struct key key = key_of(item->bytes, item->len);

		put(l->names, &key, l->asked, l->asked_len);
	}
}

void passive_names_learn(struct passive_names *n, const struct packet *packet)
{
	for (; packet; packet = packet->more) {
		for (size_t i = 0; i < packet->n_layers; i++) {
			struct learner l = { .sink.item = learn_item, .names = n };
			uint8_t proto = packet->layers[i].proto;

			if (proto == PROTOCOL_DNS || proto == PROTOCOL_MDNS ||
			    proto == PROTOCOL_LLMNR)
				packet_items(packet, i, &l.sink);
		}
	}
}
