#include "wire/link_types.h"

#include "wire/packet.h"

/* The protocol of types that carry both versions of IP and nothing before them. */
#define RAW_IP N_PROTOCOLS

static const struct link_type {
	uint16_t number;
	uint8_t protocol; /* enum protocol_id or RAW_IP */
	uint8_t encap;
	const char *name;
} types[] = {
	{ 1, PROTOCOL_ETHERNET, 1, "ETHERNET" },
	{ 12, RAW_IP, 7, "RAW" }, /* raw IP of most systems, */
	{ 14, RAW_IP, 7, "RAW" }, /* of OpenBSD, */
	{ 101, RAW_IP, 7, "RAW" },
	{ 228, PROTOCOL_IPV4, 129, "IPV4" },
	{ 229, PROTOCOL_IPV6, 130, "IPV6" },
};

static const struct link_type *find(uint32_t number)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].number == number)
			return &types[i];
	return NULL;
}

uint8_t link_type_protocol(uint32_t link_type, const uint8_t *bytes, size_t len)
{
	const struct link_type *t = find(link_type);

	if (!t)
		return PROTOCOL_DATA;
	return t->protocol == RAW_IP ? packet_guess_ip(bytes, len) : t->protocol;
}

const char *link_type_name(uint32_t link_type)
{
	const struct link_type *t = find(link_type);

	return t ? t->name : NULL;
}

unsigned link_type_encap(uint32_t link_type)
{
	const struct link_type *t = find(link_type);

	return t ? t->encap : 0;
}
