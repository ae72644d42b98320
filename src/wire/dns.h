/* DNS, and the two protocols that speak it on the local link. */
#ifndef SONDE_WIRE_DNS_H
#define SONDE_WIRE_DNS_H

#include "wire/packet.h"

extern const struct protocol protocol_dns, protocol_mdns, protocol_llmnr;

/* For the protocol's own files. */

/* A resource record, its data at [@at, @end). Offsets are from the packet's start. */
struct dns_record {
	uint16_t type;
	uint32_t at, end;
};

enum {
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_PTR = 12,
	DNS_TYPE_MX = 15,
	DNS_TYPE_TXT = 16,
	DNS_TYPE_KEY = 25,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_LOC = 29,
	DNS_TYPE_SRV = 33,
	DNS_TYPE_NAPTR = 35,
	DNS_TYPE_OPT = 41,
	DNS_TYPE_DNSKEY = 48,
	DNS_TYPE_TLSA = 52,
	DNS_TYPE_CDNSKEY = 60,
	DNS_TYPE_SVCB = 64,
	DNS_TYPE_HTTPS = 65,
	DNS_TYPE_SPF = 99,
	DNS_TYPE_CAA = 257,
};

/* Parameters of services (RFC 9460 section 14.3). */
enum {
	DNS_SVCB_ALPN = 1,
	DNS_SVCB_PORT = 3,
	DNS_SVCB_IPV4HINT = 4,
	DNS_SVCB_IPV6HINT = 6,
};

extern const struct value_name dns_type_names[], dns_class_names[], dns_opcode_names[],
	dns_rcode_names[], dns_algorithm_names[], dns_digest_names[], dns_nsec3_names[],
	dns_option_names[], dns_error_names[], dns_svcb_names[], dns_family_names[],
	dns_usage_names[], dns_selector_names[], dns_matching_names[], dns_sshfp_names[],
	dns_sshfp_digest_names[], dns_cert_names[], dns_dso_names[], dns_tkey_names[],
	dns_zonemd_scheme_names[], dns_zonemd_digest_names[];

/* The line of text. */
void dns_line(struct buf *b, const struct packet *p, size_t layer);

/*
 * What a line says of a record's data, from @at to @end of the message, as zone files write it,
 * with a blank in front; nothing for types whose data are for machines.
 */
void dns_line_data(struct buf *b, const uint8_t *msg, size_t at, size_t end, unsigned type);

/* A name as lines write it: the root is a dot. */
struct dns_name;
void dns_line_name(struct buf *b, const struct dns_name *name);

/* Gives what the record's data say, by its type. */
void dns_walk_data(struct walk *w, const struct dns_record *r);

/* Gives the options of an OPT record's data. */
void dns_walk_options(struct walk *w, uint32_t at, uint32_t end);

/* Gives the type-length-values of a stateful operation (RFC 8490). */
void dns_walk_stateful(struct walk *w, uint32_t at, uint32_t end);

/* The rows of messages, by their order in dns_message_fields. */
enum {
	DNS_ROW_LENGTH,
	/* Groups: of questions and records, then what an update calls them. */
	DNS_ROW_SECTION,
	DNS_ROW_UPDATE_SECTION = DNS_ROW_SECTION + 4,
	DNS_ROW_QRY_NAME = DNS_ROW_UPDATE_SECTION + 3,
	DNS_ROW_QRY_NAME_LEN,
	DNS_ROW_QRY_LABELS,
	DNS_ROW_QRY_TYPE,
	DNS_ROW_QRY_CLASS,
	DNS_ROW_QRY_CLASS_LINK,
	DNS_ROW_QRY_QU,
	DNS_ROW_NAME,
	DNS_ROW_SRV_SERVICE,
	DNS_ROW_SRV_PROTO,
	DNS_ROW_SRV_NAME,
	DNS_ROW_TYPE,
	DNS_ROW_CLASS,
	DNS_ROW_CLASS_LINK,
	DNS_ROW_CACHE_FLUSH,
	DNS_ROW_TTL,
	DNS_ROW_DATA_LEN,
	DNS_ROW_PAYLOAD_SIZE,
	DNS_ROW_PAYLOAD_SIZE_LINK,
	DNS_ROW_EXT_RCODE,
	DNS_ROW_EXTRANEOUS = DNS_ROW_EXT_RCODE + 5,
	DNS_ROW_EXTRANEOUS_LEN,
	N_DNS_MESSAGE_FIELDS,
};

/* Rows of the files, and all of them for finding them by name. */
#define N_DNS_OPTION_FIELDS 28
#define N_DNS_ROWS	    60
extern const struct field dns_message_fields[N_DNS_MESSAGE_FIELDS],
	dns_option_fields[N_DNS_OPTION_FIELDS];
extern const struct rows dns_rows[N_DNS_ROWS];

/* The data of records of one type: rows, then perhaps what code reads. */
struct dns_data {
	uint16_t type;
	uint16_t counted; /* a bit for each row whose length is the value of the row before it */
	const struct field *fields;
	uint8_t n_fields;
	uint8_t n_more;
	uint32_t (*walk)(struct walk *w, uint32_t at, uint32_t end); /* what follows the rows, from
									@at; gives where it ends */
	const struct field *more;				     /* what it gives */
};

/* Rows that follow from others: the tags of keys, and places of a version that is not known. */
enum { DNS_KEY_TAG_DNSKEY, DNS_KEY_TAG_KEY, N_DNS_KEY_TAGS };
#define DNS_LOC_VERSIONS 2
extern const struct field dns_key_tags[N_DNS_KEY_TAGS], dns_loc_version[DNS_LOC_VERSIONS];

/* The data of a type, and those that have the row; NULL: none. */
const struct dns_data *dns_data_of(unsigned type);
const struct dns_data *dns_data_with(const struct field *row);

/* Parts of some @more. */
enum { DNS_TEXT_LENGTH, DNS_TEXT };
enum {
	CAA_TAG_LENGTH,
	CAA_TAG,
	CAA_VALUE,
	CAA_ISSUE,
	CAA_ISSUEWILD,
	CAA_IODEF,
	CAA_UNKNOWN,
};
enum { NAPTR_REPLACEMENT_LENGTH, NAPTR_REPLACEMENT };
enum {
	PARAM_GROUP,
	PARAM_KEY,
	PARAM_LENGTH,
	PARAM_MANDATORY,
	PARAM_ALPN_LENGTH,
	PARAM_ALPN,
	PARAM_PORT,
	PARAM_IP4,
	PARAM_ECH,
	PARAM_IP6,
	PARAM_VALUE,
};

/* Bytes of a record of which nothing more is known. */
extern const struct field dns_other_data;

/* Writes the options of an OPT record from settings [@first, @end). */
void dns_compose_options(struct compose *m, size_t first, size_t end);

/* Writes questions and records, and counts them. */
int dns_compose(struct compose *m, struct fault *fault);

#endif
