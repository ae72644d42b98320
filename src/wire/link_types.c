#include "wire/link_types.h"

#include "wire/packet.h"

/* Types whose first bytes say what they are: either version of IP, PPP with or without HDLC. */
enum { RAW_IP = N_PROTOCOLS, EITHER_PPP };

static const struct link_type {
	uint16_t number;
	uint8_t protocol; /* enum protocol_id or one of those above */
	uint8_t encap;
	const char *name;
} types[] = {
	{ 0, PROTOCOL_NULL, 15, "NULL" },
	{ 1, PROTOCOL_ETHERNET, 1, "ETHERNET" },
	{ 9, EITHER_PPP, 4, "PPP" },
	{ 12, RAW_IP, 7, "RAW" }, /* raw IP of most systems, */
	{ 14, RAW_IP, 7, "RAW" }, /* of OpenBSD, */
	{ 50, EITHER_PPP, 4, "PPP_HDLC" },
	{ 51, PROTOCOL_PPPOES, 139, "PPP_ETHER" },
	{ 101, RAW_IP, 7, "RAW" },
	{ 108, PROTOCOL_NULL, 174, "LOOP" },
	{ 113, PROTOCOL_SLL, 25, "LINUX_SLL" },
	{ 228, PROTOCOL_IPV4, 129, "IPV4" },
	{ 229, PROTOCOL_IPV6, 130, "IPV6" },
	{ 276, PROTOCOL_SLL2, 210, "LINUX_SLL2" },
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
	if (t->protocol == RAW_IP)
		return packet_guess_ip(bytes, len);
	if (t->protocol == EITHER_PPP)
		return len && bytes[0] == 0xff ? PROTOCOL_PPP_HDLC : PROTOCOL_PPP;
	return t->protocol;
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
