/*
 * Packets as people type them: layers from the outside in, fields in parentheses.
 *
 *   eth/ip(dst=10.77.0.5,ttl=1-5)/udp(dstport={53,5353})/dns(qry.name=example.com)
 *
 *   packets = layer, { "/", layer };
 *   layer   = protocol, [ "(", [ field, { ",", field } ], ")" ];
 *   field   = name, [ "=", value | "=", "{", value, { ",", value }, "}" ];
 *   value   = text up to a comma or a bracket, or text in double quotes
 *
 * A backslash takes the next character as it is; \n, \r, \t, \0 and \xHH are what they are in C.
 * Numbers may be ranges, 1-5; IPv4 and IPv6 addresses what targets are
 * (base/targets.h): 10.0.0.1-9, 10.0.0.0/24. Blanks between the parts do not count. Several values
 * of a field make several packets: every combination, that of the last field changing fastest.
 */
#ifndef SONDE_WIRE_CRAFT_TEXT_H
#define SONDE_WIRE_CRAFT_TEXT_H

#include "base/targets.h"
#include "wire/craft.h"

/* More combinations are refused. */
#define CRAFT_TEXT_PACKETS (1ULL << 32)

struct craft_text;

/**
 * craft_text_parse() - read an expression, see that its first packet can be made
 * @text: NUL-terminated
 * Return: 0, -E_SYNTAX with @fault and its place in @text, -E_FULL (too long a packet, too many
 * layers, fields or values), -ENOMEM.
 */
MUST_CHECK int craft_text_parse(const char *text, struct craft_text **ret_text,
				struct fault *fault);
struct craft_text *craft_text_free(struct craft_text *t);

/* How many packets it stands for, 1 to CRAFT_TEXT_PACKETS. */
uint64_t craft_text_count(const struct craft_text *t);

/* What it starts with: enum protocol_id. */
uint8_t craft_text_first(const struct craft_text *t);

/* Whether a field is set; names without the protocol's in front, of the first layer of @protocol.
 */
bool craft_text_sets(const struct craft_text *t, uint8_t protocol, const char *name);

/* The @i-th set of addresses that such a field gets, sealed; NULL behind the last. */
const struct targets *craft_text_addresses(const struct craft_text *t, uint8_t protocol,
					   const char *name, size_t i);

/**
 * craft_text_make() - the @i-th packet
 * @craft: what it is built in; craft_init() was called. It may hold layers already, which the
 * expression's follow; craft_finish() is not called.
 * Return: 0, or the errors of craft_layer() and craft_value(), the fault's place in the expression.
 */
MUST_CHECK int craft_text_make(const struct craft_text *t, uint64_t i, struct craft *craft,
			       struct fault *fault);

#endif
