/*
 * Certificates (X.509, RFC 5280) inside other protocols' messages: no protocol of their own, but
 * fields and a few facts.
 */
#ifndef SONDE_WIRE_X509_H
#define SONDE_WIRE_X509_H

#include "wire/packet.h"

/**
 * x509_walk() - give the fields of a certificate
 * @off, @end: where it is, as announced
 * Faults of a certificate whose bytes are all there do not end the walk of what it is in.
 */
void x509_walk(struct walk *w, uint32_t off, uint32_t end, uint8_t depth);

/* A distinguished name: as text in @text_row, then each part of it. */
void x509_walk_name(struct walk *w, uint32_t off, uint32_t end, uint8_t depth,
		    const struct field *text_row);

/* An identifier of an algorithm, in a group of @row; its name, where it has one. @ret_part: the
 * whole. Return: false with a fault of the walk. */
struct ber_part;
bool x509_walk_algorithm(struct walk *w, uint32_t *at, uint32_t end, const struct field *row,
			 uint8_t depth, struct ber_part *ret_part);

/* A time of DER (RFC 5280 section 4.1.2.5), since 1970. Return: whether it is one. */
bool x509_read_time(uint8_t tag, const uint8_t *bytes, size_t len, int64_t *ret_ns);

/* The rows that both give: of certificates, and of their extensions. */
enum { N_X509_ROWS = 34, N_X509_EXTENSION_ROWS = 33 };
extern const struct field x509_rows[N_X509_ROWS];
extern const struct field x509_extension_rows[N_X509_EXTENSION_ROWS];

/* Extensions: a sequence of them. Likewise. */
void x509_walk_extensions(struct walk *w, uint32_t off, uint32_t end, uint8_t depth);

/* What people want to know at once. */
struct x509_summary {
	const uint8_t *subject; /* the name, BER */
	size_t subject_len;
	int64_t not_after_s; /* since 1970 */
};

/* Return: 0, or -E_TRUNCATED, -E_MALFORMED before the subject ends. */
MUST_CHECK int x509_read_summary(const uint8_t *bytes, size_t len,
				 struct x509_summary *ret_summary);

/* A distinguished name: "C=DE, O=Example, CN=example.com", or only its common name. */
void x509_name_text(struct buf *b, const uint8_t *bytes, size_t len);
void x509_common_name_text(struct buf *b, const uint8_t *bytes, size_t len);

#endif
