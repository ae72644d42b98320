/* The Simple Network Management Protocol, versions 1, 2c and 3: messages, in datagrams or TCP. */
#ifndef SONDE_WIRE_SNMP_H
#define SONDE_WIRE_SNMP_H

#include "wire/ber.h"
#include "wire/protocol.h"

extern const struct protocol protocol_snmp;

enum snmp_version { SNMP_V1 = 0, SNMP_V2C = 1, SNMP_V3 = 3 };

/* Tags of the messages' bodies (RFC 3416 section 3; the trap of version 1: RFC 1157 section 4.1).
 */
enum snmp_pdu {
	SNMP_GET = BER_CONSTRUCTED(0),
	SNMP_GET_NEXT = BER_CONSTRUCTED(1),
	SNMP_RESPONSE = BER_CONSTRUCTED(2),
	SNMP_SET = BER_CONSTRUCTED(3),
	SNMP_TRAP_V1 = BER_CONSTRUCTED(4),
	SNMP_GET_BULK = BER_CONSTRUCTED(5),
	SNMP_INFORM = BER_CONSTRUCTED(6),
	SNMP_TRAP = BER_CONSTRUCTED(7),
	SNMP_REPORT = BER_CONSTRUCTED(8),
};

/* Tags of values beside the universal ones (RFC 2578 section 2, RFC 3416 section 3). */
enum snmp_tag {
	SNMP_IP_ADDRESS = BER_APPLICATION(0),
	SNMP_COUNTER32 = BER_APPLICATION(1),
	SNMP_GAUGE32 = BER_APPLICATION(2), /* Unsigned32, too */
	SNMP_TIME_TICKS = BER_APPLICATION(3),
	SNMP_OPAQUE = BER_APPLICATION(4),
	SNMP_NSAP = BER_APPLICATION(5), /* RFC 1442, no longer in use */
	SNMP_COUNTER64 = BER_APPLICATION(6),
	SNMP_UINTEGER32 = BER_APPLICATION(7), /* likewise */
	SNMP_NO_SUCH_OBJECT = BER_CONTEXT(0),
	SNMP_NO_SUCH_INSTANCE = BER_CONTEXT(1),
	SNMP_END_OF_MIB_VIEW = BER_CONTEXT(2),
};

/* The name of a body by its tag: "get-next"; NULL: none. */
const char *snmp_pdu_name(uint8_t tag);

/* The names of an error status ("noSuchName") and of a generic trap ("linkDown"), or NULL. */
const char *snmp_error_name(int64_t status);
const char *snmp_trap_name(int64_t generic);

/* The protocol's share of a line of text. */
void snmp_line(struct buf *b, const struct packet *p, size_t layer);

#endif
