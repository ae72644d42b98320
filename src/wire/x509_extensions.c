/*
 * Extensions of certificates (RFC 5280 section 4.2): names, key usage, constraints and key
 * identifiers are read, the others given as bytes.
 */
#include "wire/ber_walk.h"
#include "wire/x509.h"

enum row {
	EXTENSION,
	EXTENSION_ID,
	CRITICAL,
	EXTENSION_VALUE,
	GENERAL_NAME,
	RFC822_NAME,
	DNS_NAME,
	URI,
	IP4,
	IP6,
	REGISTERED_ID,
	OTHER_NAME,
	CA,
	PATH_LEN,
	KEY_USAGE,
	USAGE_SIGNATURE,
	USAGE_COMMITMENT,
	USAGE_KEY_ENCIPHERMENT,
	USAGE_DATA_ENCIPHERMENT,
	USAGE_AGREEMENT,
	USAGE_CERT_SIGN,
	USAGE_CRL_SIGN,
	USAGE_ENCIPHER_ONLY,
	USAGE_DECIPHER_ONLY,
	KEY_PURPOSE,
	SUBJECT_KEY_ID,
	AUTHORITY_KEY_ID,
	DIRECTORY_NAME,
	POLICY,
	IP_OTHER,
	ACCESS,
	ACCESS_METHOD,
	AUTHORITY_SERIAL,
};
_Static_assert(AUTHORITY_SERIAL + 1 == N_X509_EXTENSION_ROWS, "the header says how many there are");

const struct field x509_extension_rows[N_X509_EXTENSION_ROWS] = {
	[EXTENSION] = { AS_GROUP("x509af.Extension_element", 0), .repeats = true,
			.title = "Extension" },
	[EXTENSION_ID] = { AS_OID("x509af.extension.id"), .title = "Extension" },
	[CRITICAL] = { AS_FLAG("x509af.critical", 7), .title = "Critical",
		       .about = "Who does not know it shall refuse the certificate" },
	[EXTENSION_VALUE] = { AS_BYTES("x509.extension.value", 0, 0), .title = "Value" },
	[GENERAL_NAME] = { AS_GROUP("x509ce.GeneralName", 0), .repeats = true, .title = "Name" },
	[RFC822_NAME] = { AS_TEXT("x509ce.rfc822Name", 0, 0), .title = "Mail address" },
	[DNS_NAME] = { AS_TEXT("x509ce.dNSName", 0, 0), .title = "Domain name" },
	[URI] = { AS_TEXT("x509ce.uniformResourceIdentifier", 0, 0), .title = "URI" },
	[IP4] = { AS_IP4("x509ce.IPAddress.ipv4", 0), .title = "IPv4 address" },
	[IP6] = { AS_IP6("x509ce.IPAddress.ipv6", 0), .title = "IPv6 address" },
	[REGISTERED_ID] = { AS_OID("x509ce.registeredID"), .title = "Registered identifier" },
	[OTHER_NAME] = { AS_BYTES("x509.other_name", 0, 0), .title = "Name of another kind" },
	[CA] = { AS_FLAG("x509ce.cA", 7), .title = "Authority", .about = "May sign certificates" },
	[PATH_LEN] = { AS_UINT("x509ce.pathLenConstraint", 0, 0), .title = "Path length",
		       .about = "Authorities that may follow" },
	[KEY_USAGE] = { AS_BYTES("x509ce.KeyUsage", 0, 0), .title = "Key usage" },
#define USAGE_ROW(n, place)                                                  \
	{                                                                    \
		AS_FLAG("x509ce.KeyUsage." n, place), .depth = 1, .title = n \
	}
	[USAGE_SIGNATURE] = USAGE_ROW("digitalSignature", 0),
	[USAGE_COMMITMENT] = USAGE_ROW("contentCommitment", 1),
	[USAGE_KEY_ENCIPHERMENT] = USAGE_ROW("keyEncipherment", 2),
	[USAGE_DATA_ENCIPHERMENT] = USAGE_ROW("dataEncipherment", 3),
	[USAGE_AGREEMENT] = USAGE_ROW("keyAgreement", 4),
	[USAGE_CERT_SIGN] = USAGE_ROW("keyCertSign", 5),
	[USAGE_CRL_SIGN] = USAGE_ROW("cRLSign", 6),
	[USAGE_ENCIPHER_ONLY] = USAGE_ROW("encipherOnly", 7),
	[USAGE_DECIPHER_ONLY] = USAGE_ROW("decipherOnly", 0),
	[KEY_PURPOSE] = { AS_OID("x509ce.KeyPurposeId"), .repeats = true, .title = "Purpose" },
	[SUBJECT_KEY_ID] = { AS_BYTES("x509ce.SubjectKeyIdentifier", 0, 0),
			     .title = "Identifier of the key" },
	[AUTHORITY_KEY_ID] = { AS_BYTES("x509ce.keyIdentifier", 0, 0),
			       .title = "Identifier of the authority's key" },
	[DIRECTORY_NAME] = { AS_TEXT("x509.directory_name", 0, 0), .title = "Directory name" },
	[POLICY] = { AS_OID("x509ce.policyIdentifier"), .repeats = true, .title = "Policy" },
	[ACCESS] = { AS_GROUP("pkix1implicit.AccessDescription_element", 0), .repeats = true,
		     .title = "Access" },
	[ACCESS_METHOD] = { AS_OID("pkix1implicit.accessMethod"), .title = "Method" },
	[AUTHORITY_SERIAL] = { AS_BYTES("x509ce.authorityCertSerialNumber", 0, 0),
			       .title = "Serial number of the authority's certificate" },
	[IP_OTHER] = { AS_BYTES("x509ce.iPAddress", 0, 0), .title = "Address" },
};

static void give(struct walk *w, const struct ber_part *part, enum row row, uint8_t depth)
{
	ber_walk_give(w, part, &x509_extension_rows[row], depth);
}

/* RFC 5280 section 4.2.1.6: one of a choice by its tag. */
static void walk_general_name(struct walk *w, const struct ber_part *name, uint8_t depth)
{
	uint32_t len = name->end - name->at;

	walk_group(w, &x509_extension_rows[GENERAL_NAME], name->off, name->at - name->off, depth,
		   NULL);
	depth++;
	switch (name->tag) {
	case BER_CONTEXT(1):
		give(w, name, RFC822_NAME, depth);
		break;
	case BER_CONTEXT(2):
		give(w, name, DNS_NAME, depth);
		break;
	case BER_CONSTRUCTED(4):
		x509_walk_name(w, name->at, name->end, depth, &x509_extension_rows[DIRECTORY_NAME]);
		break;
	case BER_CONTEXT(6):
		give(w, name, URI, depth);
		break;
	case BER_CONTEXT(7):
		give(w, name, len == 4 ? IP4 : len == 16 ? IP6 : IP_OTHER, depth);
		break;
	case BER_CONTEXT(8):
		give(w, name, REGISTERED_ID, depth);
		break;
	default:
		give(w, name, OTHER_NAME, depth);
	}
}

static void walk_names(struct walk *w, const struct ber_part *list, uint8_t depth)
{
	struct ber_part name;

	for (uint32_t at = list->at; at < list->end && ber_walk(w, &at, list->end, &name);)
		walk_general_name(w, &name, depth);
}

static void walk_general_names(struct walk *w, uint32_t at, uint32_t end, uint8_t depth)
{
	struct ber_part list;

	if (ber_walk_tag(w, &at, end, BER_SEQUENCE, &list))
		walk_names(w, &list, depth);
}

/* RFC 5280 section 4.2.1.9; a false "cA" is left out in DER. */
static void walk_constraints(struct walk *w, uint32_t at, uint32_t end, uint8_t depth)
{
	struct ber_part list, part;

	if (!ber_walk_tag(w, &at, end, BER_SEQUENCE, &list))
		return;
	for (at = list.at; at < list.end && ber_walk(w, &at, list.end, &part);) {
		if (part.tag == BER_BOOLEAN && part.off == list.at)
			give(w, &part, CA, depth);
		else if (part.tag == BER_INTEGER && at == list.end)
			give(w, &part, PATH_LEN, depth);
	}
}

/* Bits beyond the last one that is set are not there. */
static void walk_usage(struct walk *w, uint32_t at, uint32_t end, uint8_t depth)
{
	struct ber_part bits;
	uint32_t len;

	if (!ber_walk_tag(w, &at, end, BER_BIT_STRING, &bits))
		return;
	len = bits.end - bits.at;
	if (len < 2 || !walk_fits(w, bits.at, len, bits.end))
		return;
	walk_field(w, &x509_extension_rows[KEY_USAGE], bits.at + 1, len - 1, depth);
	for (unsigned i = 0; i < 9; i++) {
		uint8_t byte = i / 8 + 1 < len ? w->packet->bytes[bits.at + 1 + i / 8] : 0;

		walk_number(w, &x509_extension_rows[USAGE_SIGNATURE + i],
			    bits.at + MIN(1 + i / 8, len - 1), 1, byte >> (7 - i % 8) & 1, depth);
	}
}

static void walk_purposes(struct walk *w, uint32_t at, uint32_t end, uint8_t depth)
{
	struct ber_part list, part;

	if (!ber_walk_tag(w, &at, end, BER_SEQUENCE, &list))
		return;
	for (at = list.at; at < list.end && ber_walk_tag(w, &at, list.end, BER_OID, &part);)
		give(w, &part, KEY_PURPOSE, depth);
}

/* RFC 5280 section 4.2.1.4, without the qualifiers. */
static void walk_policies(struct walk *w, uint32_t at, uint32_t end, uint8_t depth)
{
	struct ber_part list, one, oid;

	if (!ber_walk_tag(w, &at, end, BER_SEQUENCE, &list))
		return;
	for (at = list.at; at < list.end && ber_walk_tag(w, &at, list.end, BER_SEQUENCE, &one);) {
		uint32_t in = one.at;

		if (ber_walk_tag(w, &in, one.end, BER_OID, &oid))
			give(w, &oid, POLICY, depth);
	}
}

static void walk_authority_key(struct walk *w, uint32_t at, uint32_t end, uint8_t depth)
{
	struct ber_part list, part;
	int last = -1;

	if (!ber_walk_tag(w, &at, end, BER_SEQUENCE, &list))
		return;
	for (at = list.at; at < list.end && ber_walk(w, &at, list.end, &part);) {
		int number = part.tag & 0x1f;

		if (number <= last)
			return;
		last = number;
		if (part.tag == BER_CONTEXT(0))
			give(w, &part, AUTHORITY_KEY_ID, depth);
		else if (part.tag == BER_CONSTRUCTED(1))
			walk_names(w, &part, depth);
		else if (part.tag == BER_CONTEXT(2))
			give(w, &part, AUTHORITY_SERIAL, depth);
	}
}

static void walk_key_id(struct walk *w, uint32_t at, uint32_t end, uint8_t depth)
{
	struct ber_part part;

	if (ber_walk_tag(w, &at, end, BER_OCTET_STRING, &part))
		give(w, &part, SUBJECT_KEY_ID, depth);
}

/* RFC 5280 section 4.2.1.13: the full names of the distribution points. */
static void walk_crl_points(struct walk *w, uint32_t at, uint32_t end, uint8_t depth)
{
	struct ber_part list, point, part;

	if (!ber_walk_tag(w, &at, end, BER_SEQUENCE, &list))
		return;
	for (at = list.at; at < list.end && ber_walk_tag(w, &at, list.end, BER_SEQUENCE, &point);) {
		uint32_t in = point.at;

		if (in == point.end || !ber_walk(w, &in, point.end, &part) ||
		    part.tag != BER_CONSTRUCTED(0))
			continue;
		in = part.at;
		if (!ber_walk(w, &in, part.end, &part) || part.tag != BER_CONSTRUCTED(0))
			continue;
		walk_names(w, &part, depth);
	}
}

/* RFC 5280 section 4.2.2.1: where to ask about the authority. */
static void walk_access(struct walk *w, uint32_t at, uint32_t end, uint8_t depth)
{
	struct ber_part list, one, oid, name;

	if (!ber_walk_tag(w, &at, end, BER_SEQUENCE, &list))
		return;
	for (at = list.at; at < list.end && ber_walk_tag(w, &at, list.end, BER_SEQUENCE, &one);) {
		uint32_t in = one.at;

		walk_group(w, &x509_extension_rows[ACCESS], one.off, one.at - one.off, depth, NULL);
		if (!ber_walk_tag(w, &in, one.end, BER_OID, &oid))
			return;
		give(w, &oid, ACCESS_METHOD, depth + 1);
		if (ber_walk(w, &in, one.end, &name))
			walk_general_name(w, &name, depth + 1);
	}
}

static const uint8_t oid_access[] = { 0x2b, 6, 1, 5, 5, 7, 1, 1 };

/* Those of id-ce (2.5.29) by their last number; NULL: given as bytes. */
static void (*const contents[])(struct walk *w, uint32_t at, uint32_t end, uint8_t depth) = {
	[14] = walk_key_id,	   [15] = walk_usage,	      [17] = walk_general_names,
	[18] = walk_general_names, [19] = walk_constraints,   [31] = walk_crl_points,
	[32] = walk_policies,	   [35] = walk_authority_key, [37] = walk_purposes,
};

static void walk_extension(struct walk *w, const struct ber_part *extension, uint8_t depth)
{
	uint32_t at = extension->at;
	struct ber_part oid, value;
	const uint8_t *id;

	walk_group(w, &x509_extension_rows[EXTENSION], extension->off,
		   extension->at - extension->off, depth, NULL);
	depth++;
	if (!ber_walk_tag(w, &at, extension->end, BER_OID, &oid) ||
	    !ber_walk_give(w, &oid, &x509_extension_rows[EXTENSION_ID], depth) ||
	    !ber_walk(w, &at, extension->end, &value))
		return;
	if (value.tag == BER_BOOLEAN) {
		give(w, &value, CRITICAL, depth);
		if (!ber_walk(w, &at, extension->end, &value))
			return;
	}
	if (value.tag != BER_OCTET_STRING) {
		walk_fault(w, -E_MALFORMED, value.off);
		return;
	}
	id = w->packet->bytes + oid.at;
	if (oid.end - oid.at == 3 && id[0] == 0x55 && id[1] == 0x1d &&
	    id[2] < ARRAY_LEN(contents) && contents[id[2]])
		contents[id[2]](w, value.at, value.end, depth);
	else if (oid.end - oid.at == sizeof(oid_access) &&
		 !memcmp(id, oid_access, sizeof(oid_access)))
		walk_access(w, value.at, value.end, depth);
	else
		give(w, &value, EXTENSION_VALUE, depth);
}

void x509_walk_extensions(struct walk *w, uint32_t off, uint32_t end, uint8_t depth)
{
	struct ber_part extension;

	while (off < end && ber_walk_tag(w, &off, end, BER_SEQUENCE, &extension))
		walk_extension(w, &extension, depth);
}
