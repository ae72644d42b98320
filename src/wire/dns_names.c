/*
 * The names that IANA's registries give (dns-parameters, dns-sec-alg-numbers, ds-rr-types,
 * dnssec-nsec3-parameters, dns-svcb, dns-sshfp-rr-parameters, dane-parameters, cert-rr-types).
 */
#include "wire/dns.h"

const struct value_name dns_type_names[] = {
	{ 1, "A" },	      { 2, "NS" },
	{ 5, "CNAME" },	      { 6, "SOA" },
	{ 12, "PTR" },	      { 15, "MX" },
	{ 16, "TXT" },	      { 28, "AAAA" },
	{ 33, "SRV" },	      { 41, "OPT" },
	{ 65, "HTTPS" },      { 255, "ANY" },
	{ 3, "MD" },	      { 4, "MF" },
	{ 7, "MB" },	      { 8, "MG" },
	{ 9, "MR" },	      { 10, "NULL" },
	{ 11, "WKS" },	      { 13, "HINFO" },
	{ 14, "MINFO" },      { 17, "RP" },
	{ 18, "AFSDB" },      { 19, "X25" },
	{ 20, "ISDN" },	      { 21, "RT" },
	{ 22, "NSAP" },	      { 23, "NSAP-PTR" },
	{ 24, "SIG" },	      { 25, "KEY" },
	{ 26, "PX" },	      { 27, "GPOS" },
	{ 29, "LOC" },	      { 30, "NXT" },
	{ 31, "EID" },	      { 32, "NIMLOC" },
	{ 34, "ATMA" },	      { 35, "NAPTR" },
	{ 36, "KX" },	      { 37, "CERT" },
	{ 38, "A6" },	      { 39, "DNAME" },
	{ 40, "SINK" },	      { 42, "APL" },
	{ 43, "DS" },	      { 44, "SSHFP" },
	{ 45, "IPSECKEY" },   { 46, "RRSIG" },
	{ 47, "NSEC" },	      { 48, "DNSKEY" },
	{ 49, "DHCID" },      { 50, "NSEC3" },
	{ 51, "NSEC3PARAM" }, { 52, "TLSA" },
	{ 53, "SMIMEA" },     { 55, "HIP" },
	{ 56, "NINFO" },      { 57, "RKEY" },
	{ 58, "TALINK" },     { 59, "CDS" },
	{ 60, "CDNSKEY" },    { 61, "OPENPGPKEY" },
	{ 62, "CSYNC" },      { 63, "ZONEMD" },
	{ 64, "SVCB" },	      { 66, "DSYNC" },
	{ 99, "SPF" },	      { 100, "UINFO" },
	{ 101, "UID" },	      { 102, "GID" },
	{ 103, "UNSPEC" },    { 104, "NID" },
	{ 105, "L32" },	      { 106, "L64" },
	{ 107, "LP" },	      { 108, "EUI48" },
	{ 109, "EUI64" },     { 128, "NXNAME" },
	{ 249, "TKEY" },      { 250, "TSIG" },
	{ 251, "IXFR" },      { 252, "AXFR" },
	{ 253, "MAILB" },     { 254, "MAILA" },
	{ 256, "URI" },	      { 257, "CAA" },
	{ 258, "AVC" },	      { 259, "DOA" },
	{ 260, "AMTRELAY" },  { 261, "RESINFO" },
	{ 262, "WALLET" },    { 263, "CLA" },
	{ 264, "IPN" },	      { 32768, "TA" },
	{ 32769, "DLV" },     { 65281, "WINS" },
	{ 65282, "WINS-R" },  { 0 },
};

const struct value_name dns_class_names[] = {
	{ 1, "IN" }, { 3, "CH" }, { 4, "HS" }, { 254, "NONE" }, { 255, "ANY" }, { 0 },
};

const struct value_name dns_opcode_names[] = {
	{ 0, "query" },	 { 1, "inverse query, obsolete" }, { 2, "status" }, { 4, "notify" },
	{ 5, "update" }, { 6, "stateful operation" },	   { 0 },
};

const struct value_name dns_rcode_names[] = {
	{ 0, "NOERROR" },   { 1, "FORMERR" },	 { 2, "SERVFAIL" },
	{ 3, "NXDOMAIN" },  { 4, "NOTIMP" },	 { 5, "REFUSED" },
	{ 6, "YXDOMAIN" },  { 7, "YXRRSET" },	 { 8, "NXRRSET" },
	{ 9, "NOTAUTH" },   { 10, "NOTZONE" },	 { 11, "DSOTYPENI" },
	{ 16, "BADSIG" },   { 17, "BADKEY" },	 { 18, "BADTIME" },
	{ 19, "BADMODE" },  { 20, "BADNAME" },	 { 21, "BADALG" },
	{ 22, "BADTRUNC" }, { 23, "BADCOOKIE" }, { 0 },
};

const struct value_name dns_algorithm_names[] = {
	{ 0, "delete DS" },
	{ 1, "RSA/MD5" },
	{ 2, "Diffie-Hellman" },
	{ 3, "DSA/SHA-1" },
	{ 5, "RSA/SHA-1" },
	{ 6, "DSA-NSEC3-SHA1" },
	{ 7, "RSASHA1-NSEC3-SHA1" },
	{ 8, "RSA/SHA-256" },
	{ 10, "RSA/SHA-512" },
	{ 12, "GOST R 34.10-2001" },
	{ 13, "ECDSA P-256/SHA-256" },
	{ 14, "ECDSA P-384/SHA-384" },
	{ 15, "Ed25519" },
	{ 16, "Ed448" },
	{ 17, "SM2/SM3" },
	{ 23, "GOST R 34.10-2012" },
	{ 252, "indirect" },
	{ 253, "private, by name" },
	{ 254, "private, by OID" },
	{ 0 },
};

const struct value_name dns_digest_names[] = {
	{ 1, "SHA-1" },
	{ 2, "SHA-256" },
	{ 3, "GOST R 34.11-94" },
	{ 4, "SHA-384" },
	{ 5, "GOST R 34.11-2012" },
	{ 6, "SM3" },
	{ 0 },
};

const struct value_name dns_nsec3_names[] = { { 1, "SHA-1" }, { 0 } };

const struct value_name dns_option_names[] = {
	{ 1, "long-lived query" },
	{ 2, "update lease" },
	{ 3, "name server identifier" },
	{ 4, "owner" },
	{ 5, "DNSSEC algorithms understood" },
	{ 6, "DS hashes understood" },
	{ 7, "NSEC3 hashes understood" },
	{ 8, "client subnet" },
	{ 9, "zone expiry" },
	{ 10, "cookie" },
	{ 11, "TCP keepalive" },
	{ 12, "padding" },
	{ 13, "chain" },
	{ 14, "key tags" },
	{ 15, "extended error" },
	{ 16, "client tag" },
	{ 17, "server tag" },
	{ 18, "report channel" },
	{ 19, "zone version" },
	{ 20292, "Umbrella identity" },
	{ 26946, "device ID" },
	{ 0 },
};

const struct value_name dns_error_names[] = {
	{ 0, "other error" },
	{ 1, "unsupported DNSKEY algorithm" },
	{ 2, "unsupported DS digest type" },
	{ 3, "stale answer" },
	{ 4, "forged answer" },
	{ 5, "DNSSEC indeterminate" },
	{ 6, "DNSSEC bogus" },
	{ 7, "signature expired" },
	{ 8, "signature not yet valid" },
	{ 9, "DNSKEY missing" },
	{ 10, "RRSIGs missing" },
	{ 11, "no zone key bit set" },
	{ 12, "NSEC missing" },
	{ 13, "cached error" },
	{ 14, "not ready" },
	{ 15, "blocked" },
	{ 16, "censored" },
	{ 17, "filtered" },
	{ 18, "prohibited" },
	{ 19, "stale NXDOMAIN answer" },
	{ 20, "not authoritative" },
	{ 21, "not supported" },
	{ 22, "no reachable authority" },
	{ 23, "network error" },
	{ 24, "invalid data" },
	{ 25, "signature expired before valid" },
	{ 26, "too early" },
	{ 27, "unsupported NSEC3 iterations value" },
	{ 28, "unable to conform to policy" },
	{ 29, "synthesized" },
	{ 30, "invalid query type" },
	{ 0 },
};

const struct value_name dns_svcb_names[] = {
	{ 0, "mandatory" },
	{ 1, "alpn" },
	{ 2, "no-default-alpn" },
	{ 3, "port" },
	{ 4, "ipv4hint" },
	{ 5, "ech" },
	{ 6, "ipv6hint" },
	{ 7, "dohpath" },
	{ 8, "ohttp" },
	{ 9, "tls-supported-groups" },
	{ 0 },
};

const struct value_name dns_family_names[] = { { 1, "IPv4" }, { 2, "IPv6" }, { 0 } };

const struct value_name dns_usage_names[] = {
	{ 0, "PKIX-TA" }, { 1, "PKIX-EE" },   { 2, "DANE-TA" },
	{ 3, "DANE-EE" }, { 255, "private" }, { 0 },
};

const struct value_name dns_selector_names[] = {
	{ 0, "certificate" },
	{ 1, "public key" },
	{ 255, "private" },
	{ 0 },
};

const struct value_name dns_matching_names[] = {
	{ 0, "everything" }, { 1, "SHA-256" }, { 2, "SHA-512" }, { 255, "private" }, { 0 },
};

const struct value_name dns_sshfp_names[] = {
	{ 1, "RSA" }, { 2, "DSA" }, { 3, "ECDSA" }, { 4, "Ed25519" }, { 6, "Ed448" }, { 0 },
};

const struct value_name dns_sshfp_digest_names[] = { { 1, "SHA-1" }, { 2, "SHA-256" }, { 0 } };

const struct value_name dns_cert_names[] = {
	{ 1, "PKIX" },	{ 2, "SPKI" },	{ 3, "PGP" },	 { 4, "IPKIX" },
	{ 5, "ISPKI" }, { 6, "IPGP" },	{ 7, "ACPKIX" }, { 8, "IACPKIX" },
	{ 253, "URI" }, { 254, "OID" }, { 0 },
};

const struct value_name dns_dso_names[] = {
	{ 0, "reserved" },	 { 1, "keepalive" },	{ 2, "retry delay" },
	{ 3, "padding" },	 { 0x40, "subscribe" }, { 0x41, "push" },
	{ 0x42, "unsubscribe" }, { 0x43, "reconfirm" }, { 0 },
};

const struct value_name dns_tkey_names[] = {
	{ 1, "server assignment" },   { 2, "Diffie-Hellman" }, { 3, "GSS-API" },
	{ 4, "resolver assignment" }, { 5, "deletion" },       { 0 },
};

const struct value_name dns_zonemd_scheme_names[] = { { 1, "simple" }, { 0 } };
const struct value_name dns_zonemd_digest_names[] = { { 1, "SHA-384" }, { 2, "SHA-512" }, { 0 } };
