/* Values of fields as people type them, on their way into a packet. */
#ifndef SONDE_WIRE_CRAFT_VALUE_H
#define SONDE_WIRE_CRAFT_VALUE_H

#include "wire/field.h"

#define CRAFT_VALUE_MAX 2048

struct craft_value {
	uint64_t number;      /* of numbers: scaled; times in nanoseconds */
	const uint8_t *bytes; /* of all others: in @memory, or the text itself */
	size_t len;
	uint8_t memory[CRAFT_VALUE_MAX];
};

/**
 * craft_value_parse() - read what a field shall be
 * @text: @len bytes with a NUL behind them; must outlive @ret_value. Numbers decimal, 0x… or by the
 * registry's name; flags 0, 1, true, false; times in seconds; bytes in hex; names of hosts with
 * dots; object identifiers in numbers with dots; addresses as usual
 * @quoted: it was in quotes: bytes are the text itself
 * Return: 0, -E_SYNTAX with @fault, its offset in @text.
 */
MUST_CHECK int craft_value_parse(const struct field *f, const char *text, size_t len, bool quoted,
				 struct craft_value *ret_value, struct fault *fault);

/*
 * The number as it is on the wire: times in seconds since 1970, or, where they have 64 bits, as NTP
 * has them (RFC 5905 section 6); others without their scale.
 */
uint64_t craft_value_wire(const struct field *f, uint64_t number);

#endif
