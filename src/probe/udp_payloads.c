/*
 * Each payload is the shortest request of its protocol that a service answers to a stranger,
 * written from the protocol's specification. Its id is a part of the cookie where it has one.
 */
#include "probe/udp_payloads.h"

#include "base/cursor.h"

#define PORTS_MAX 4
#define HEX_ID	  8 /* the cookie as so many hexadecimal digits */

struct payload {
	uint16_t ports[PORTS_MAX]; /* up to the first 0 */
	const char *bytes;
	uint16_t len;
	uint16_t size;	       /* filled up with zeros to so many bytes; 0: not at all */
	uint8_t id_at, id_len; /* so many low bytes of the cookie, or HEX_ID */
};

#define BYTES(literal) .bytes = (literal), .len = sizeof(literal) - 1

#define ZEROS_16 "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
#define ZEROS_64 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16

/* RFC 1035 section 4.1: id, flags, one question. */
#define DNS_ONE_QUESTION "\x00\x01\x00\x00\x00\x00\x00\x00"

/* RFC 3411: SNMP messages before and after request-id; sysDescr.0. */
#define SNMP_GET(version)                                                                       \
	"\x30\x29\x02\x01" version "\x04\x06public\xa0\x1c\x02\x04\x20\x00\x00\x00\x02\x01\x00" \
	"\x02\x01\x00\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x05\x00"
#define SNMP_GET_ID_AT 18

/* RFC 5531 section 9: a call of procedure 0 without credentials. */
#define RPC_CALL(program, version)                                                        \
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02" program "\x00\x00\x00" version \
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

/*
 * RFC 7296 section 1.2: IKE_SA_INIT with AES-CBC-256, HMAC-SHA2-256, curve25519 or 2048-bit MODP; a
 * key and a nonce that belong to nobody.
 */
#define IKE_SA_INIT                                                                        \
	"\x00\x00\x00\x00\x73\x6f\x6e\x64\x00\x00\x00\x00\x00\x00\x00\x00"                 \
	"\x21\x20\x22\x08\x00\x00\x00\x00\x00\x00\x00\x90"                                 \
	"\x22\x00\x00\x38\x00\x00\x00\x34\x01\x01\x00\x05"                                 \
	"\x03\x00\x00\x0c\x01\x00\x00\x0c\x80\x0e\x01\x00\x03\x00\x00\x08\x02\x00\x00\x05" \
	"\x03\x00\x00\x08\x03\x00\x00\x0c\x03\x00\x00\x08\x04\x00\x00\x1f"                 \
	"\x00\x00\x00\x08\x04\x00\x00\x0e"                                                 \
	"\x28\x00\x00\x28\x00\x1f\x00\x00"                                                 \
	"\x5b\x1e\x0c\x9a\x27\x43\x6d\x88\x14\xf2\x3b\x60\x71\xc5\x09\xde"                 \
	"\x35\x8a\x4c\x17\x92\xe6\x2f\x50\xb3\x0d\x7e\x61\xa8\x49\xd4\x22"                 \
	"\x00\x00\x00\x14\x61\x0b\xf3\x97\x2c\x58\xd0\x46\x8e\x19\xa5\x7b\x33\xc2\x04\xef"

static const struct payload payloads[] = {
	/* DNS (RFC 1035): the root's name servers; version.bind (RFC 4892) */
	{ .ports = { 53 },
	  .id_len = 2,
	  BYTES("\x00\x00\x01\x00" DNS_ONE_QUESTION "\x00\x00\x02\x00\x01") },
	{ .ports = { 53 },
	  .id_len = 2,
	  BYTES("\x00\x00\x01\x00" DNS_ONE_QUESTION "\x07version\x04\x62ind\x00\x00\x10\x00\x03") },
	/* DNS service discovery (RFC 6763 section 9), asked as by a simple resolver */
	{ .ports = { 5353 },
	  .id_len = 2,
	  BYTES("\x00\x00\x00\x00" DNS_ONE_QUESTION
		"\x09_services\x07_dns-sd\x04_udp\x05local\x00\x00\x0c\x00\x01") },
	/* NetBIOS node status of "*" (RFC 1002 section 4.2.17) */
	{ .ports = { 137 },
	  .id_len = 2,
	  BYTES("\x00\x00\x00\x00" DNS_ONE_QUESTION "\x20"
		"CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\x00\x00\x21\x00\x01") },

	/* NTP (RFC 5905): a client's; RFC 9327: read variables */
	{ .ports = { 123 },
	  .size = 48,
	  .id_at = 40,
	  .id_len = 4,
	  BYTES("\x23\x00\x06\xec\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" ZEROS_16
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x5a\x00\x00\x00") },
	{ .ports = { 123 },
	  .id_at = 2,
	  .id_len = 2,
	  BYTES("\x16\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00") },

	/* SNMPv1 (RFC 1157); v3's engine discovery (RFC 3414 section 4); v2c (RFC 1901) */
	{ .ports = { 161 }, .id_at = SNMP_GET_ID_AT, .id_len = 3, BYTES(SNMP_GET("\x00")) },
	{ .ports = { 161 },
	  .id_at = 10,
	  .id_len = 3,
	  BYTES("\x30\x3c\x02\x01\x03\x30\x11\x02\x04\x20\x00\x00\x00\x02\x03\x00\xff\xe3"
		"\x04\x01\x04\x02\x01\x03\x04\x10\x30\x0e\x04\x00\x02\x01\x00\x02\x01\x00"
		"\x04\x00\x04\x00\x04\x00\x30\x12\x04\x00\x04\x00\xa0\x0c\x02\x02\x37\xf0"
		"\x02\x01\x00\x02\x01\x00\x30\x00") },
	{ .ports = { 161 }, .id_at = SNMP_GET_ID_AT, .id_len = 3, BYTES(SNMP_GET("\x01")) },

	/* STUN binding (RFC 8489 section 5) */
	{ .ports = { 3478, 19302 },
	  .id_at = 8,
	  .id_len = 4,
	  BYTES("\x00\x01\x00\x00\x21\x12\xa4\x42\x00\x00\x00\x00sondesta") },

	/* DHCPINFORM with a parameter list (RFC 2131 section 4.4.3); xid at 4 */
	{ .ports = { 67 },
	  .size = 300,
	  .id_at = 4,
	  .id_len = 4,
	  BYTES("\x01\x01\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00"
		"\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" ZEROS_64 ZEROS_64 ZEROS_64
		"\x63\x82\x53\x63\x35\x01\x08\x37\x03\x01\x03\x06\xff") },

	/* IKEv2; IKEv1 main mode (RFC 2409 section 5) with AES and 3DES, pre-shared key, group 2 */
	{ .ports = { 500 }, .id_len = 4, BYTES(IKE_SA_INIT) },
	{ .ports = { 500 },
	  .id_len = 4,
	  BYTES("\x00\x00\x00\x00\x73\x6f\x6e\x64\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x01\x10\x02\x00\x00\x00\x00\x00\x00\x00\x00\x74"
		"\x00\x00\x00\x58\x00\x00\x00\x01\x00\x00\x00\x01"
		"\x00\x00\x00\x4c\x01\x01\x00\x02"
		"\x03\x00\x00\x24\x01\x01\x00\x00\x80\x01\x00\x07\x80\x0e\x01\x00"
		"\x80\x02\x00\x02\x80\x03\x00\x01\x80\x04\x00\x02\x80\x0b\x00\x01\x80\x0c\x70\x80"
		"\x00\x00\x00\x20\x02\x01\x00\x00\x80\x01\x00\x05"
		"\x80\x02\x00\x02\x80\x03\x00\x01\x80\x04\x00\x02\x80\x0b\x00\x01\x80\x0c\x70\x80") },
	/* behind the marker that tells IKE from ESP (RFC 3948 section 2.2) */
	{ .ports = { 4500 }, .id_at = 4, .id_len = 4, BYTES("\x00\x00\x00\x00" IKE_SA_INIT) },

	/* SIP (RFC 3261 section 11), answered to where it came from (RFC 3581) */
	{ .ports = { 5060 },
	  .id_at = 80,
	  .id_len = HEX_ID,
	  BYTES("OPTIONS sip:sonde.invalid SIP/2.0\r\n"
		"Via: SIP/2.0/UDP sonde.invalid;branch=z9hG4bK00000000;rport\r\n"
		"Max-Forwards: 70\r\n"
		"From: <sip:sonde@sonde.invalid>;tag=sonde\r\n"
		"To: <sip:sonde.invalid>\r\n"
		"Call-ID: sonde@sonde.invalid\r\n"
		"CSeq: 1 OPTIONS\r\n"
		"Contact: <sip:sonde@sonde.invalid>\r\n"
		"Accept: application/sdp\r\n"
		"Content-Length: 0\r\n\r\n") },

	/* TFTP (RFC 1350): a file that is not there */
	{ .ports = { 69 }, BYTES("\x00\x01sonde-no-such-file\x00octet\x00") },

	/* Port mapper (RFC 1833) and NFS (RFC 1813) */
	{ .ports = { 111 }, .id_len = 4, BYTES(RPC_CALL("\x00\x01\x86\xa0", "\x02")) },
	{ .ports = { 2049 }, .id_len = 4, BYTES(RPC_CALL("\x00\x01\x86\xa3", "\x03")) },

	/* UPnP's discovery, unicast (UPnP Device Architecture 1.1 section 1.3.2) */
	{ .ports = { 1900 },
	  BYTES("M-SEARCH * HTTP/1.1\r\nHost: 239.255.255.250:1900\r\n"
		"Man: \"ssdp:discover\"\r\nMX: 1\r\nST: upnp:rootdevice\r\n\r\n") },

	/* CoAP (RFC 7252): GET /.well-known/core (RFC 6690) */
	{ .ports = { 5683 },
	  .id_at = 2,
	  .id_len = 2,
	  BYTES("\x40\x01\x00\x00\xbb.well-known\x04\x63ore") },

	/* QUIC: an initial packet of a version that there is not (RFC 8999, RFC 9000 section 6) */
	{ .ports = { 443, 80, 8443, 853 },
	  .size = 1200,
	  .id_at = 6,
	  .id_len = 4,
	  BYTES("\xc0\x1a\x2a\x3a\x4a\x08\x00\x00\x00\x00sond\x08sondesci\x00\x44\x96\x00") },

	/* DTLS 1.2 (RFC 6347, RFC 5246 section 7.4.1.2) */
	{ .ports = { 4433, 5684, 10161, 3391 },
	  .id_at = 27,
	  .id_len = 4,
	  BYTES("\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x5c"
		"\x01\x00\x00\x50\x00\x00\x00\x00\x00\x00\x00\x50\xfe\xfd"
		"\x00\x00\x00\x00\x1d\x8c\x40\xf7\x62\xb9\x05\xea\x31\x7e\xc8\x94"
		"\x2f\x56\xd3\x0b\xa1\x78\x4d\xe2\x97\x13\x6c\xf0\x3b\x85\xce\x29"
		"\x00\x00\x00\x0a\xc0\x2b\xc0\x2f\x00\x9c\xc0\xa8\x00\xff\x01\x00"
		"\x00\x1c\x00\x0a\x00\x06\x00\x04\x00\x1d\x00\x17"
		"\x00\x0d\x00\x08\x00\x06\x04\x03\x08\x04\x04\x01\x00\x0b\x00\x02\x01\x00") },

	/* memcached's frame header and command (its protocol.txt) */
	{ .ports = { 11211 }, .id_len = 2, BYTES("\x00\x00\x00\x00\x00\x01\x00\x00version\r\n") },

	/* OpenVPN: hard reset of a client, version 2 */
	{ .ports = { 1194 },
	  .id_at = 1,
	  .id_len = 4,
	  BYTES("\x38\x00\x00\x00\x00sond\x00\x00\x00\x00\x00") },

	/* RADIUS: Status-Server (RFC 5997), signed with the secret "testing123" of examples */
	{ .ports = { 1812, 1813 },
	  BYTES("\x0c\x01\x00\x26\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"
		"\x50\x12\x19\x4f\x5c\xee\x5f\x47\x4a\xe1\x59\xec\xfb\xb7\x75\x0f\x1a\x56") },

	/* L2TP: SCCRQ with host name, framing and tunnel id (RFC 2661 section 6.1) */
	{ .ports = { 1701 },
	  BYTES("\xc8\x02\x00\x39\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x80\x08\x00\x00\x00\x00\x00\x01\x80\x08\x00\x00\x00\x02\x01\x00"
		"\x80\x0b\x00\x00\x00\x07sonde\x80\x0a\x00\x00\x00\x03\x00\x00\x00\x03"
		"\x80\x08\x00\x00\x00\x09\x00\x01") },

	/* Kerberos: AS-REQ without a client, for a realm that there is not (RFC 4120 section 5.4.1)
	 */
	{ .ports = { 88 },
	  .id_at = 88,
	  .id_len = 3,
	  BYTES("\x6a\x63\x30\x61\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a\xa4\x55\x30\x53"
		"\xa0\x07\x03\x05\x00\x40\x00\x00\x10\xa2\x07\x1b\x05SONDE"
		"\xa3\x1a\x30\x18\xa0\x03\x02\x01\x02\xa1\x11\x30\x0f\x1b\x06krbtgt\x1b\x05SONDE"
		"\xa5\x11\x18\x0f"
		"20370101000000Z\xa7\x06\x02\x04\x11\x00\x00\x00"
		"\xa8\x08\x30\x06\x02\x01\x12\x02\x01\x11") },

	/* LDAP without connection (MS-ADTS section 6.3.3): the root's entry */
	{ .ports = { 389 },
	  BYTES("\x30\x25\x02\x01\x01\x63\x20\x04\x00\x0a\x01\x00\x0a\x01\x00\x02\x01\x00"
		"\x02\x01\x00\x01\x01\x00\x87\x0bobjectClass\x30\x00") },

	/* XDMCP: query (X.Org's XDMCP section 5) */
	{ .ports = { 177 }, BYTES("\x00\x01\x00\x02\x00\x01\x00") },
	/* RIPv2: the whole table (RFC 2453 section 3.9.1) */
	{ .ports = { 520 },
	  .size = 24,
	  BYTES("\x01\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x10") },
	/* IPMI's ASF presence ping (DMTF DSP0136 section 3.2.4.3) */
	{ .ports = { 623 }, BYTES("\x06\x00\xff\x06\x00\x00\x11\xbe\x80\x01\x00\x00") },
	/* NAT-PMP: external address (RFC 6886 section 3.2) */
	{ .ports = { 5351 }, BYTES("\x00\x00") },
	/* IAX2: POKE (RFC 5456 section 6.7.1) */
	{ .ports = { 4569 }, BYTES("\x80\x01\x00\x00\x00\x00\x00\x00\x00\x00\x06\x1e") },
	/* BitTorrent DHT: ping (BEP 5) */
	{ .ports = { 6881 }, BYTES("d1:ad2:id20:sonde-sonde-sonde-soe1:q4:ping1:t2:so1:y1:qe") },
};

/* To a port that nobody knows: what line-based services answer; what name servers do. */
static const struct payload unknown[] = {
	{ BYTES("\r\n\r\n") },
	{ .id_len = 2,
	  BYTES("\x00\x00\x01\x00" DNS_ONE_QUESTION "\x07version\x04\x62ind\x00\x00\x10\x00\x03") },
};

static bool serves(const struct payload *p, uint16_t port)
{
	for (unsigned i = 0; i < PORTS_MAX && p->ports[i]; i++) {
		if (p->ports[i] == port)
			return true;
	}
	return false;
}

unsigned udp_payload_count(uint16_t port)
{
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_LEN(payloads); i++)
		n += serves(&payloads[i], port);
	return n;
}

static const struct payload *find(uint16_t port, uint32_t try)
{
	unsigned n = udp_payload_count(port), turn = n ? try % n : 0;

	if (!n)
		return &unknown[try % ARRAY_LEN(unknown)];
	for (size_t i = 0;; i++) {
		if (serves(&payloads[i], port) && !turn--)
			return &payloads[i];
	}
}

static void write_id(const struct payload *p, uint32_t cookie, uint8_t *id)
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < p->id_len; i++) {
		unsigned left = p->id_len - 1 - i;

		id[i] = p->id_len == HEX_ID ? (uint8_t)digits[cookie >> left * 4 & 0xf]
					    : (uint8_t)(cookie >> left * 8);
	}
}

size_t udp_payload_write(uint16_t port, uint32_t try, uint32_t cookie, uint8_t *buf, size_t cap)
{
	const struct payload *p = find(port, try);
	size_t len = MAX(p->len, p->size);

	if (len > cap)
		return 0;
	memcpy(buf, p->bytes, p->len);
	memset(buf + p->len, 0, len - p->len);
	write_id(p, cookie, buf + p->id_at);
	return len;
}
