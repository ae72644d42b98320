/* Bytes that somebody pasted, and what they probably are. */
#ifndef SONDE_WIRE_HEXDUMP_H
#define SONDE_WIRE_HEXDUMP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/**
 * hexdump_parse() - bytes from the forms in which tools print them
 * @text: @len bytes: "45 00", "45:00", "4500", "0x45, 0x00", "\x45\x00", or lines with offsets in
 * front and characters behind as tcpdump -x and -X, xxd, hexdump -C and Wireshark write them; lines
 * without offset between such lines are passed over
 * @ret_len: bytes written to @bytes, at most @cap; at least 1
 * Return: 0, or -E_SYNTAX with @fault filled.
 */
MUST_CHECK int hexdump_parse(const char *text, size_t len, uint8_t *bytes, size_t cap,
			     size_t *ret_len, struct fault *fault);

/* The protocol that bytes probably start with: PROTOCOL_ETHERNET, _IPV4 or _IPV6; 0 when in doubt.
 */
uint8_t hexdump_guess(const uint8_t *bytes, size_t len);

#endif
