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
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_SRV = 33,
	DNS_TYPE_OPT = 41,
};

extern const struct value_name dns_type_names[], dns_class_names[], dns_opcode_names[],
	dns_rcode_names[], dns_algorithm_names[], dns_digest_names[], dns_nsec3_names[],
	dns_option_names[], dns_error_names[], dns_svcb_names[], dns_family_names[],
	dns_usage_names[], dns_selector_names[], dns_matching_names[], dns_sshfp_names[],
	dns_sshfp_digest_names[], dns_cert_names[], dns_dso_names[], dns_tkey_names[],
	dns_zonemd_scheme_names[], dns_zonemd_digest_names[];

/* The line of text. */
void dns_line(struct buf *b, const struct packet *p, size_t layer);

/* Gives what the record's data say, by its type. */
void dns_walk_data(struct walk *w, const struct dns_record *r);

/* Gives the options of an OPT record's data. */
void dns_walk_options(struct walk *w, uint32_t at, uint32_t end);

/* Gives the type-length-values of a stateful operation (RFC 8490). */
void dns_walk_stateful(struct walk *w, uint32_t at, uint32_t end);

/* Rows of the files, and all of them for finding them by name. */
#define N_DNS_MESSAGE_FIELDS 34
#define N_DNS_OPTION_FIELDS  28
#define N_DNS_ROWS	     60
extern const struct field dns_message_fields[N_DNS_MESSAGE_FIELDS],
	dns_option_fields[N_DNS_OPTION_FIELDS];
extern const struct rows dns_rows[N_DNS_ROWS];

#endif
