/* Names of TLS' numbers, from IANA's registries. Lists end with a row without name. */
#ifndef SONDE_WIRE_TLS_NAMES_H
#define SONDE_WIRE_TLS_NAMES_H

#include "wire/field.h"

/* Values that clients send at random so that servers learn to pass over what they do not know
 * (RFC 8701). */
#define TLS_GREASE_ROW(v)     \
	{                     \
		(v), "GREASE" \
	}
#define TLS_GREASE_ROWS                                                                 \
	TLS_GREASE_ROW(0x0a0a), TLS_GREASE_ROW(0x1a1a), TLS_GREASE_ROW(0x2a2a),         \
		TLS_GREASE_ROW(0x3a3a), TLS_GREASE_ROW(0x4a4a), TLS_GREASE_ROW(0x5a5a), \
		TLS_GREASE_ROW(0x6a6a), TLS_GREASE_ROW(0x7a7a), TLS_GREASE_ROW(0x8a8a), \
		TLS_GREASE_ROW(0x9a9a), TLS_GREASE_ROW(0xaaaa), TLS_GREASE_ROW(0xbaba), \
		TLS_GREASE_ROW(0xcaca), TLS_GREASE_ROW(0xdada), TLS_GREASE_ROW(0xeaea), \
		TLS_GREASE_ROW(0xfafa)

static inline bool tls_is_grease(uint16_t v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

extern const struct value_name tls_content_names[];
extern const struct value_name tls_version_names[];
extern const struct value_name tls_handshake_names[];
extern const struct value_name tls_cipher_names[];
extern const struct value_name tls_compression_names[];
extern const struct value_name tls_extension_names[];
extern const struct value_name tls_group_names[];
extern const struct value_name tls_signature_names[];
extern const struct value_name tls_point_names[];
extern const struct value_name tls_curve_type_names[];
extern const struct value_name tls_psk_mode_names[];
extern const struct value_name tls_fragment_names[];
extern const struct value_name tls_status_names[];
extern const struct value_name tls_certificate_names[];
extern const struct value_name tls_compressor_names[];
extern const struct value_name tls_server_name_names[];
extern const struct value_name tls_heartbeat_names[];
extern const struct value_name tls_heartbeat_mode_names[];
extern const struct value_name tls_level_names[];
extern const struct value_name tls_alert_names[];

/* The name of @value in a list, or NULL. */
const char *tls_name(const struct value_name *names, uint32_t value);

#endif
