/*
 * X.509 certificates (RFC 5280, DER of X.690), read with bounds of our own: nothing recurses, and
 * what is not known is given as bytes. Field names are those of Wireshark's X.509 modules; those
 * that begin with "x509." are ours and say the same for people: names as one line, the kind and
 * size of the key, the time as a time.
 */
#include "wire/x509.h"

#include <time.h>

#include "wire/ber_walk.h"

enum row {
	CERTIFICATE_VERSION,
	SERIAL,
	SIGNATURE,
	ALGORITHM,
	ALGORITHM_NAME,
	ISSUER_TEXT,
	ISSUER,
	SUBJECT_TEXT,
	SUBJECT,
	RDN,
	RDN_OID,
	VALIDITY_BEFORE,
	VALIDITY_AFTER,
	NOT_BEFORE,
	NOT_AFTER,
	UTC_TIME,
	GENERALIZED_TIME,
	KEY_INFO,
	KEY_TEXT,
	CURVE,
	KEY,
	MODULUS,
	EXPONENT,
	SIGNED_WITH,
	SIGNATURE_BITS,
	COUNTRY,
	SERIAL_NUMBER,
	UTF8,
	PRINTABLE,
	TELETEX,
	UNIVERSAL,
	BMP,
	IA5,
	OTHER_STRING,
};

static const struct value_name version_names[] = {
	{ 0, "version 1" },
	{ 1, "version 2" },
	{ 2, "version 3" },
	{ 0 },
};

_Static_assert(OTHER_STRING + 1 == N_X509_ROWS, "the header says how many there are");

const struct field x509_rows[N_X509_ROWS] = {
	[CERTIFICATE_VERSION] = { AS_INT("x509af.version", 0, 0), .title = "Version",
				  .values = version_names },
	[SERIAL] = { AS_BYTES("x509af.serialNumber", 0, 0), .title = "Serial number" },
	[SIGNATURE] = { AS_GROUP("x509af.signature_element", 0), .repeats = true,
			.title = "Signature algorithm" },
	[ALGORITHM] = { AS_OID("x509af.algorithm.id"), .title = "Algorithm" },
	[ALGORITHM_NAME] = { AS_TEXT("x509.algorithm", 0, 0), .computed = true,
			     .title = "Algorithm" },
	[ISSUER_TEXT] = { AS_TEXT("x509.issuer", 0, 0), .computed = true, .title = "Issuer",
			  .about = "Who signed it" },
	[ISSUER] = { AS_GROUP("x509af.issuer", 0), .repeats = true, .title = "Issuer" },
	[SUBJECT_TEXT] = { AS_TEXT("x509.subject", 0, 0), .computed = true, .title = "Subject",
			   .about = "Whose key it is" },
	[SUBJECT] = { AS_GROUP("x509af.subject", 0), .repeats = true, .title = "Subject" },
	[RDN] = { AS_GROUP("x509if.RelativeDistinguishedName_item_element", 0), .repeats = true,
		  .title = "Name part" },
	[RDN_OID] = { AS_OID("x509if.oid"), .title = "Attribute" },
	[VALIDITY_BEFORE] = { AS_GROUP("x509af.notBefore", 0), .repeats = true,
			      .title = "Not before" },
	[VALIDITY_AFTER] = { AS_GROUP("x509af.notAfter", 0), .repeats = true,
			     .title = "Not after" },
	[NOT_BEFORE] = { AS_TIME("x509.not_before"), .title = "Valid from" },
	[NOT_AFTER] = { AS_TIME("x509.not_after"), .title = "Valid until" },
	[UTC_TIME] = { AS_TEXT("x509af.utcTime", 0, 0), .title = "Time" },
	[GENERALIZED_TIME] = { AS_TIME("x509af.generalizedTime"), .title = "Time" },
	[KEY_INFO] = { AS_GROUP("x509af.subjectPublicKeyInfo_element", 0), .repeats = true,
		       .title = "Public key" },
	[KEY_TEXT] = { AS_TEXT("x509.key", 0, 0), .computed = true, .title = "Key",
		       .about = "Kind and size" },
	[CURVE] = { AS_OID("pkcs1.namedCurve"), .title = "Curve" },
	[KEY] = { AS_BYTES("x509af.subjectPublicKey", 0, 0), .title = "Key" },
	[MODULUS] = { AS_BYTES("pkcs1.modulus", 0, 0), .title = "Modulus" },
	[EXPONENT] = { AS_UINT("pkcs1.publicExponent", 0, 0), .title = "Public exponent" },
	[SIGNED_WITH] = { AS_GROUP("x509af.algorithmIdentifier_element", 0), .repeats = true,
			  .title = "Signed with" },
	[SIGNATURE_BITS] = { AS_BYTES("x509af.encrypted", 0, 0), .title = "Signature" },
	[COUNTRY] = { AS_TEXT("x509sat.CountryName", 0, 0), .title = "Country" },
	[SERIAL_NUMBER] = { AS_TEXT("x509sat.SerialNumber", 0, 0), .title = "Serial number" },
	[UTF8] = { AS_TEXT("x509sat.uTF8String", 0, 0), .title = "Value" },
	[PRINTABLE] = { AS_TEXT("x509sat.printableString", 0, 0), .title = "Value" },
	[TELETEX] = { AS_TEXT("x509sat.teletexString", 0, 0), .title = "Value" },
	[UNIVERSAL] = { AS_BYTES("x509sat.universalString", 0, 0),
			.title = "Value, four bytes each" },
	[BMP] = { AS_TEXT("x509sat.bmpString", 0, 0), .title = "Value" },
	[IA5] = { AS_TEXT("x509sat.IA5String", 0, 0), .title = "Value" },
	[OTHER_STRING] = { AS_BYTES("x509if.value", 0, 0), .title = "Value" },
};

/* Attributes of names that have a short one of their own (RFC 4514 section 3), and the value's row
 * where Wireshark has one for it. */
static const struct attribute {
	const char *name;
	const char *oid;
	uint8_t oid_len, row;
} attributes[] = {
	{ "CN", "\x55\x04\x03", 3, 0 },
	{ "SN", "\x55\x04\x04", 3, 0 },
	{ "serialNumber", "\x55\x04\x05", 3, SERIAL_NUMBER },
	{ "C", "\x55\x04\x06", 3, COUNTRY },
	{ "L", "\x55\x04\x07", 3, 0 },
	{ "ST", "\x55\x04\x08", 3, 0 },
	{ "STREET", "\x55\x04\x09", 3, 0 },
	{ "O", "\x55\x04\x0a", 3, 0 },
	{ "OU", "\x55\x04\x0b", 3, 0 },
	{ "title", "\x55\x04\x0c", 3, 0 },
	{ "GN", "\x55\x04\x2a", 3, 0 },
	{ "DC", "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", 10, 0 },
	{ "UID", "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", 10, 0 },
	{ "emailAddress", "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 9, 0 },
};

static const struct attribute *find_attribute(const uint8_t *oid, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
		if (attributes[i].oid_len == len && !memcmp(attributes[i].oid, oid, len))
			return &attributes[i];
	return NULL;
}

/* Characters of two bytes each as UTF-8; those beyond the first plane do not exist there. */
static void bmp_text(struct buf *b, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2) {
		uint16_t c = load_be16(bytes + i);

		if (c < 0x80) {
			buf_char(b, (char)c);
		} else if (c < 0x800) {
			buf_char(b, (char)(0xc0 | c >> 6));
			buf_char(b, (char)(0x80 | (c & 0x3f)));
		} else {
			buf_char(b, (char)(0xe0 | c >> 12));
			buf_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
			buf_char(b, (char)(0x80 | (c & 0x3f)));
		}
	}
}

/* Names longer than this are cut in text; RFC 5280 appendix A allows 64 to 32768 characters. */
#define TEXT_MAX 512

static void value_text(struct buf *b, uint8_t tag, const uint8_t *bytes, size_t len)
{
	len = MIN(len, (size_t)TEXT_MAX);
	if (tag == BER_BMP_STRING)
		bmp_text(b, bytes, len);
	else
		buf_bytes(b, bytes, len);
}

/* @only: the attribute that is wanted, without its name; NULL: all. */
static void name_text(struct buf *b, const uint8_t *bytes, size_t len, const char *only)
{
	struct cursor c = cursor_of(bytes, len), name = ber_enter(&c, BER_SEQUENCE);
	bool first = true;

	while (cursor_left(&name)) {
		struct cursor set = ber_enter(&name, BER_SET), one = ber_enter(&set, BER_SEQUENCE);
		size_t oid_len;
		const uint8_t *oid = ber_octets(&one, BER_OID, &oid_len);
		const struct attribute *a = oid ? find_attribute(oid, oid_len) : NULL;
		uint8_t tag = ber_peek(&one);
		struct cursor value = ber_enter(&one, tag);

		if (one.err)
			return;
		if (only && (!a || strcmp(a->name, only) != 0))
			continue;
		if (!first)
			buf_lit(b, ", ");
		first = false;
		if (!only && a)
			buf_str(b, a->name);
		else if (!only)
			ber_oid_text(b, oid, oid_len);
		if (!only)
			buf_char(b, '=');
		value_text(b, tag, value.at, cursor_left(&value));
	}
}

void x509_name_text(struct buf *b, const uint8_t *bytes, size_t len)
{
	name_text(b, bytes, len, NULL);
}

void x509_common_name_text(struct buf *b, const uint8_t *bytes, size_t len)
{
	name_text(b, bytes, len, "CN");
}

static bool give(struct walk *w, uint32_t *at, uint32_t end, uint8_t tag, enum row row,
		 uint8_t depth)
{
	struct ber_part part;

	return ber_walk_tag(w, at, end, tag, &part) &&
	       ber_walk_give(w, &part, &x509_rows[row], depth);
}

/* A group of the part's head. */
static void group(struct walk *w, const struct ber_part *part, enum row row, uint8_t depth)
{
	walk_group(w, &x509_rows[row], part->off, part->at - part->off, depth, NULL);
}

static void walk_value(struct walk *w, const struct ber_part *value, const struct attribute *a,
		       uint8_t depth)
{
	static const struct {
		uint8_t tag, row;
	} strings[] = {
		{ BER_UTF8_STRING, UTF8 },	 { BER_PRINTABLE_STRING, PRINTABLE },
		{ BER_TELETEX_STRING, TELETEX }, { BER_UNIVERSAL_STRING, UNIVERSAL },
		{ BER_IA5_STRING, IA5 },
	};
	enum row row = OTHER_STRING;

	if (value->tag == BER_BMP_STRING) {
		char text[TEXT_MAX * 3 / 2];
		struct buf b = buf_in(text, sizeof(text));
		uint32_t len = value->end - value->at;

		if (!walk_fits(w, value->at, len, value->end))
			return;
		value_text(&b, value->tag, w->packet->bytes + value->at, len);
		walk_decoded(w, &x509_rows[BMP], value->at, len, text, b.len, depth);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		if (strings[i].tag == value->tag)
			row = strings[i].row;
	if (a && a->row && row == PRINTABLE)
		row = a->row;
	ber_walk_give(w, value, &x509_rows[row], depth);
}

/* One part of a name; a set of several attributes at once is so rare that each is given as one. */
static void walk_rdn(struct walk *w, const struct ber_part *set, uint8_t depth)
{
	struct ber_part one, oid, value;

	for (uint32_t at = set->at; at < set->end && !w->over;) {
		uint32_t in;

		if (!ber_walk_tag(w, &at, set->end, BER_SEQUENCE, &one))
			return;
		group(w, &one, RDN, depth);
		in = one.at;
		if (ber_walk_tag(w, &in, one.end, BER_OID, &oid) &&
		    ber_walk_give(w, &oid, &x509_rows[RDN_OID], depth + 1) &&
		    ber_walk(w, &in, one.end, &value))
			walk_value(w, &value,
				   find_attribute(w->packet->bytes + oid.at, oid.end - oid.at),
				   depth + 1);
	}
}

/* The name at @off as text, if it is all there. */
static void give_name_text(struct walk *w, uint32_t off, uint32_t end, uint8_t depth,
			   const struct field *row)
{
	char text[TEXT_MAX];
	struct buf b = buf_in(text, sizeof(text));

	if (w->over || end > MIN(w->end, w->packet->cap_len))
		return;
	name_text(&b, w->packet->bytes + off, end - off, NULL);
	walk_decoded(w, row, off, end - off, text, b.len, depth);
}

static void walk_rdns(struct walk *w, const struct ber_part *name, uint8_t depth)
{
	struct ber_part set;

	for (uint32_t at = name->at; at < name->end && !w->over;)
		if (ber_walk_tag(w, &at, name->end, BER_SET, &set))
			walk_rdn(w, &set, depth);
}

void x509_walk_name(struct walk *w, uint32_t off, uint32_t end, uint8_t depth,
		    const struct field *text_row)
{
	struct ber_part name;

	give_name_text(w, off, end, depth, text_row);
	if (ber_walk_tag(w, &off, end, BER_SEQUENCE, &name))
		walk_rdns(w, &name, depth);
}

static bool walk_grouped_name(struct walk *w, uint32_t *at, uint32_t end, enum row text_row,
			      enum row row, uint8_t depth)
{
	struct ber_part name;

	if (!ber_walk_tag(w, at, end, BER_SEQUENCE, &name))
		return false;
	give_name_text(w, name.off, name.end, depth, &x509_rows[text_row]);
	group(w, &name, row, depth);
	walk_rdns(w, &name, depth + 1);
	return !w->over;
}

/* Kinds of keys and signatures, by their identifiers. @bits: of a curve. */
static const struct algorithm {
	const char *name;
	const char *oid;
	uint8_t oid_len;
	uint16_t bits;
} algorithms[] = {
	{ "RSA", "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9, 0 },
	{ "md5WithRSAEncryption", "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04", 9, 0 },
	{ "sha1WithRSAEncryption", "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", 9, 0 },
	{ "RSASSA-PSS", "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", 9, 0 },
	{ "sha256WithRSAEncryption", "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", 9, 0 },
	{ "sha384WithRSAEncryption", "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", 9, 0 },
	{ "sha512WithRSAEncryption", "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", 9, 0 },
	{ "EC", "\x2a\x86\x48\xce\x3d\x02\x01", 7, 0 },
	{ "ecdsa-with-SHA1", "\x2a\x86\x48\xce\x3d\x04\x01", 7, 0 },
	{ "ecdsa-with-SHA256", "\x2a\x86\x48\xce\x3d\x04\x03\x02", 8, 0 },
	{ "ecdsa-with-SHA384", "\x2a\x86\x48\xce\x3d\x04\x03\x03", 8, 0 },
	{ "ecdsa-with-SHA512", "\x2a\x86\x48\xce\x3d\x04\x03\x04", 8, 0 },
	{ "DSA", "\x2a\x86\x48\xce\x38\x04\x01", 7, 0 },
	{ "dsa-with-sha1", "\x2a\x86\x48\xce\x38\x04\x03", 7, 0 },
	{ "dsa-with-sha256", "\x60\x86\x48\x01\x65\x03\x04\x03\x02", 9, 0 },
	{ "X25519", "\x2b\x65\x6e", 3, 0 },
	{ "X448", "\x2b\x65\x6f", 3, 0 },
	{ "Ed25519", "\x2b\x65\x70", 3, 0 },
	{ "Ed448", "\x2b\x65\x71", 3, 0 },
	{ "secp256r1", "\x2a\x86\x48\xce\x3d\x03\x01\x07", 8, 256 },
	{ "secp384r1", "\x2b\x81\x04\x00\x22", 5, 384 },
	{ "secp521r1", "\x2b\x81\x04\x00\x23", 5, 521 },
	{ "secp256k1", "\x2b\x81\x04\x00\x0a", 5, 256 },
};

static const struct algorithm *find_algorithm(const uint8_t *oid, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
		if (algorithms[i].oid_len == len && !memcmp(algorithms[i].oid, oid, len))
			return &algorithms[i];
	return NULL;
}

bool x509_walk_algorithm(struct walk *w, uint32_t *at, uint32_t end, const struct field *row,
			 uint8_t depth, struct ber_part *ret_part)
{
	const struct algorithm *a;
	struct ber_part oid;
	uint32_t in;

	if (!ber_walk_tag(w, at, end, BER_SEQUENCE, ret_part))
		return false;
	walk_group(w, row, ret_part->off, ret_part->at - ret_part->off, depth, NULL);
	in = ret_part->at;
	if (!ber_walk_tag(w, &in, ret_part->end, BER_OID, &oid) ||
	    !ber_walk_give(w, &oid, &x509_rows[ALGORITHM], depth + 1))
		return false;
	a = find_algorithm(w->packet->bytes + oid.at, oid.end - oid.at);
	if (a)
		walk_decoded(w, &x509_rows[ALGORITHM_NAME], oid.at, oid.end - oid.at, a->name,
			     strlen(a->name), depth + 1);
	return true;
}

static bool walk_algorithm(struct walk *w, uint32_t *at, uint32_t end, enum row row, uint8_t depth,
			   struct ber_part *ret_part)
{
	return x509_walk_algorithm(w, at, end, &x509_rows[row], depth, ret_part);
}

static bool two_digits(struct cursor *c, int *ret_value)
{
	uint8_t a = cursor_u8(c), b = cursor_u8(c);

	if (a < '0' || a > '9' || b < '0' || b > '9')
		return false;
	*ret_value = (a - '0') * 10 + b - '0';
	return true;
}

/* RFC 5280 section 4.1.2.5: both end in seconds and Z; two digits of a year are 1950 to 2049. */
static bool read_time(uint8_t tag, const uint8_t *bytes, size_t len, struct tm *ret_time)
{
	struct cursor c = cursor_of(bytes, len);
	struct tm tm = { 0 };
	int century = 19;

	if (tag == BER_GENERALIZED_TIME && !two_digits(&c, &century))
		return false;
	if (!two_digits(&c, &tm.tm_year) || !two_digits(&c, &tm.tm_mon) ||
	    !two_digits(&c, &tm.tm_mday) || !two_digits(&c, &tm.tm_hour) ||
	    !two_digits(&c, &tm.tm_min) || !two_digits(&c, &tm.tm_sec))
		return false;
	if (tag == BER_UTC_TIME && tm.tm_year < 50)
		century = 20;
	tm.tm_year += (century - 19) * 100;
	tm.tm_mon--;
	if (cursor_u8(&c) != 'Z' || c.err || cursor_left(&c) || tm.tm_mon < 0 || tm.tm_mon > 11)
		return false;
	*ret_time = tm;
	return true;
}

bool x509_read_time(uint8_t tag, const uint8_t *bytes, size_t len, int64_t *ret_ns)
{
	struct tm tm;

	if ((tag != BER_UTC_TIME && tag != BER_GENERALIZED_TIME) ||
	    !read_time(tag, bytes, len, &tm))
		return false;
	*ret_ns = (int64_t)((uint64_t)timegm(&tm) * NS_PER_S);
	return true;
}

/* The older form is text as Wireshark writes it, the newer one a time. */
static void give_time(struct walk *w, const struct ber_part *part, const struct tm *tm, uint64_t ns,
		      uint8_t depth)
{
	uint32_t len = part->end - part->at;
	char text[40];

	if (part->tag == BER_GENERALIZED_TIME)
		walk_number(w, &x509_rows[GENERALIZED_TIME], part->at, len, ns, depth);
	else
		walk_decoded(w, &x509_rows[UTC_TIME], part->at, len, text,
			     strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S (UTC)", tm), depth);
}

static bool walk_time(struct walk *w, uint32_t *at, uint32_t end, enum row row, enum row time_row,
		      uint8_t depth)
{
	struct ber_part part;
	struct tm tm;
	uint64_t ns;
	uint32_t len;

	if (!ber_walk(w, at, end, &part))
		return false;
	len = part.end - part.at;
	if (!walk_fits(w, part.at, len, part.end))
		return false;
	if ((part.tag != BER_UTC_TIME && part.tag != BER_GENERALIZED_TIME) ||
	    !read_time(part.tag, w->packet->bytes + part.at, len, &tm)) {
		walk_fault(w, -E_MALFORMED, part.off);
		return false;
	}
	ns = (uint64_t)timegm(&tm) * NS_PER_S;
	walk_number(w, &x509_rows[time_row], part.at, len, ns, depth);
	group(w, &part, row, depth);
	give_time(w, &part, &tm, ns, depth + 1);
	return true;
}

static bool walk_validity(struct walk *w, uint32_t *at, uint32_t end, uint8_t depth)
{
	struct ber_part validity;
	uint32_t in;

	if (!ber_walk_tag(w, at, end, BER_SEQUENCE, &validity))
		return false;
	in = validity.at;
	return walk_time(w, &in, validity.end, VALIDITY_BEFORE, NOT_BEFORE, depth) &&
	       walk_time(w, &in, validity.end, VALIDITY_AFTER, NOT_AFTER, depth);
}

/* Bits of a positive number in two's complement. */
static unsigned number_bits(const uint8_t *bytes, size_t len)
{
	for (; len && !bytes[0]; len--)
		bytes++;
	return len ? (unsigned)len * 8 - (unsigned)__builtin_clz(bytes[0]) + 24 : 0;
}

/* "RSA 2048", "EC secp256r1", "Ed25519" */
static void key_text(struct buf *b, const uint8_t *info, size_t len)
{
	struct cursor c = cursor_of(info, len), all = ber_enter(&c, BER_SEQUENCE);
	struct cursor algorithm = ber_enter(&all, BER_SEQUENCE), key;
	size_t oid_len, n;
	const uint8_t *oid = ber_octets(&algorithm, BER_OID, &oid_len), *bytes;
	const struct algorithm *a = oid ? find_algorithm(oid, oid_len) : NULL;

	if (!a)
		return;
	buf_str(b, a->name);
	if (a == &algorithms[0]) {
		key = ber_enter(&all, BER_BIT_STRING);
		cursor_skip(&key, 1);
		key = ber_enter(&key, BER_SEQUENCE);
		bytes = ber_octets(&key, BER_INTEGER, &n);
		if (!key.err)
			buf_printf(b, " %u", number_bits(bytes, n));
	} else if (ber_peek(&algorithm) == BER_OID) {
		oid = ber_octets(&algorithm, BER_OID, &oid_len);
		a = oid ? find_algorithm(oid, oid_len) : NULL;
		if (a)
			buf_printf(b, " %s", a->name);
	}
}

/* RFC 3279 section 2.3.1 */
static void walk_rsa_key(struct walk *w, uint32_t at, uint32_t end, uint8_t depth)
{
	struct ber_part key;

	if (!ber_walk_tag(w, &at, end, BER_SEQUENCE, &key))
		return;
	at = key.at;
	if (give(w, &at, key.end, BER_INTEGER, MODULUS, depth))
		give(w, &at, key.end, BER_INTEGER, EXPONENT, depth);
}

static bool walk_key(struct walk *w, uint32_t *at, uint32_t end, uint8_t depth)
{
	struct ber_part info, algorithm, key, oid;
	char text[64];
	struct buf b = buf_in(text, sizeof(text));
	uint32_t in;

	if (!ber_walk_tag(w, at, end, BER_SEQUENCE, &info) ||
	    !walk_fits(w, info.off, info.end - info.off, end))
		return false;
	key_text(&b, w->packet->bytes + info.off, info.end - info.off);
	if (b.len)
		walk_decoded(w, &x509_rows[KEY_TEXT], info.off, info.end - info.off, text, b.len,
			     depth);
	in = info.at;
	if (!walk_algorithm(w, &in, info.end, KEY_INFO, depth, &algorithm) ||
	    !ber_walk_tag(w, &in, info.end, BER_BIT_STRING, &key))
		return false;
	if (key.end == key.at) {
		walk_fault(w, -E_MALFORMED, key.off);
		return false;
	}
	in = algorithm.at;
	if (ber_walk(w, &in, algorithm.end, &oid) && in < algorithm.end &&
	    w->packet->bytes[in] == BER_OID)
		give(w, &in, algorithm.end, BER_OID, CURVE, depth + 1);
	walk_field(w, &x509_rows[KEY], key.at + 1, key.end - key.at - 1, depth + 1);
	if (b.len > 4 && !memcmp(text, "RSA ", 4))
		walk_rsa_key(w, key.at + 1, key.end, depth + 1);
	return !w->over;
}

/* Steps over the unique identifiers that nobody uses, to the extensions. */
static void walk_rest(struct walk *w, uint32_t at, uint32_t end, uint8_t depth)
{
	struct ber_part part;

	while (at < end && ber_walk(w, &at, end, &part)) {
		uint32_t in = part.at;
		struct ber_part list;

		if (part.tag == BER_CONSTRUCTED(3) &&
		    ber_walk_tag(w, &in, part.end, BER_SEQUENCE, &list))
			x509_walk_extensions(w, list.at, list.end, depth);
	}
}

static void walk_signed(struct walk *w, const struct ber_part *tbs, uint8_t depth)
{
	struct ber_part version, algorithm;
	uint32_t at = tbs->at, in;

	if (at < MIN(w->end, w->packet->cap_len) && w->packet->bytes[at] == BER_CONSTRUCTED(0)) {
		if (!ber_walk(w, &at, tbs->end, &version))
			return;
		in = version.at;
		if (!give(w, &in, version.end, BER_INTEGER, CERTIFICATE_VERSION, depth))
			return;
	}
	if (give(w, &at, tbs->end, BER_INTEGER, SERIAL, depth) &&
	    walk_algorithm(w, &at, tbs->end, SIGNATURE, depth, &algorithm) &&
	    walk_grouped_name(w, &at, tbs->end, ISSUER_TEXT, ISSUER, depth) &&
	    walk_validity(w, &at, tbs->end, depth) &&
	    walk_grouped_name(w, &at, tbs->end, SUBJECT_TEXT, SUBJECT, depth) &&
	    walk_key(w, &at, tbs->end, depth))
		walk_rest(w, at, tbs->end, depth);
}

void x509_walk(struct walk *w, uint32_t off, uint32_t end, uint8_t depth)
{
	struct ber_part certificate, tbs, algorithm, bits;
	bool whole = end <= MIN(w->end, w->packet->cap_len);
	uint32_t at = off;

	if (!ber_walk_tag(w, &at, end, BER_SEQUENCE, &certificate))
		goto out;
	at = certificate.at;
	if (!ber_walk_tag(w, &at, certificate.end, BER_SEQUENCE, &tbs))
		goto out;
	walk_signed(w, &tbs, depth);
	if (!walk_algorithm(w, &at, certificate.end, SIGNED_WITH, depth, &algorithm) ||
	    !ber_walk_tag(w, &at, certificate.end, BER_BIT_STRING, &bits))
		goto out;
	if (bits.end > bits.at && walk_fits(w, bits.at, bits.end - bits.at, bits.end))
		walk_field(w, &x509_rows[SIGNATURE_BITS], bits.at + 1, bits.end - bits.at - 1,
			   depth);
out:
	if (whole)
		w->over = false;
}

int x509_read_summary(const uint8_t *bytes, size_t len, struct x509_summary *ret_summary)
{
	struct cursor c = cursor_of(bytes, len), all = ber_enter(&c, BER_SEQUENCE);
	struct cursor tbs = ber_enter(&all, BER_SEQUENCE), validity, time;
	struct x509_summary summary = { 0 };
	const uint8_t *start;
	struct tm tm;
	uint8_t tag;

	if (ber_peek(&tbs) == BER_CONSTRUCTED(0))
		ber_skip(&tbs);
	for (int i = 0; i < 3; i++) /* serial number, algorithm, issuer */
		ber_skip(&tbs);
	validity = ber_enter(&tbs, BER_SEQUENCE);
	ber_skip(&validity);
	tag = ber_peek(&validity);
	time = ber_enter(&validity, tag);
	start = tbs.at;
	ber_skip(&tbs);
	if (tbs.err || validity.err)
		return tbs.err ?: validity.err;
	summary.subject = start;
	summary.subject_len = (size_t)(tbs.at - start);
	if (!read_time(tag, time.at, cursor_left(&time), &tm))
		return -E_MALFORMED;
	summary.not_after_s = timegm(&tm);
	*ret_summary = summary;
	return 0;
}
