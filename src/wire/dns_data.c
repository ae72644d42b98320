/*
 * The data of resource records. Most types are rows alone: numbers in their places, names that may
 * be compressed, bytes that a length comes before. What follows something of variable length has
 * its place from there. RFC 1035 section 3.3; RFC 1183 (RP, AFSDB, X25, RT), 1706 (NSAP),
 * 1712 (GPOS), 1876 (LOC), 2163 (PX), 2230 (KX), 2782 (SRV), 2930 (TKEY), 3403 (NAPTR), 3596
 * (AAAA), 4034 (DNSKEY, RRSIG, NSEC, DS), 4255 (SSHFP), 4398 (CERT), 4701 (DHCID), 5155 (NSEC3),
 * 6672 (DNAME), 6698 (TLSA), 6742 (NID, L32, L64, LP), 7043 (EUI48, EUI64), 7477 (CSYNC),
 * 7553 (URI), 7929 (OPENPGPKEY), 8659 (CAA), 8945 (TSIG), 8976 (ZONEMD), 9460 (SVCB, HTTPS).
 */
#include "wire/dns.h"
#include "wire/dns_name.h"

/* One name each, by the order of enum. */
static const struct field names[] = {
	{ AS_NAME("dns.ns", 0), .title = "Name server" },
	{ AS_NAME("dns.md", 0), .title = "Mail destination" },
	{ AS_NAME("dns.mf", 0), .title = "Mail forwarder" },
	{ AS_NAME("dns.cname", 0), .title = "Canonical name" },
	{ AS_NAME("dns.mb", 0), .title = "Mailbox" },
	{ AS_NAME("dns.mg", 0), .title = "Mail group member" },
	{ AS_NAME("dns.mr", 0), .title = "Renamed mailbox" },
	{ AS_NAME("dns.ptr.domain_name", 0), .title = "Domain name" },
	{ AS_NAME("dns.dname", 0), .title = "Name below another" },
};
enum {
	NAME_NS,
	NAME_MD,
	NAME_MF,
	NAME_CNAME,
	NAME_MB,
	NAME_MG,
	NAME_MR,
	NAME_PTR,
	NAME_DNAME,
};

static const struct field a[] = {
	{ AS_IP4("dns.a", 0), .title = "Address" },
};
static const struct field aaaa[] = {
	{ AS_IP6("dns.aaaa", 0), .title = "Address" },
};
static const struct field soa[] = {
	{ AS_NAME("dns.soa.mname", 0), .title = "Primary name server" },
	{ AS_NAME("dns.soa.rname", 0), .title = "Mailbox of who is responsible" },
	{ AS_UINT("dns.soa.serial_number", 0, 32), .title = "Serial number" },
	{ AS_UINT("dns.soa.refresh_interval", BYTE(4), 32), .title = "Refresh interval",
	  .about = "Seconds" },
	{ AS_UINT("dns.soa.retry_interval", BYTE(8), 32), .title = "Retry interval",
	  .about = "Seconds" },
	{ AS_UINT("dns.soa.expire_limit", BYTE(12), 32), .title = "Expiry", .about = "Seconds" },
	{ AS_UINT("dns.soa.minimum_ttl", BYTE(16), 32), .title = "Minimum time to live",
	  .about = "Seconds; how long the absence of a name may be remembered" },
};
static const struct field null[] = {
	{ AS_BYTES("dns.null", 0, 0), .title = "Anything" },
};
static const struct field wks[] = {
	{ AS_IP4("dns.wks.address", 0), .title = "Address" },
	{ AS_UINT("dns.wks.protocol", BYTE(4), 8), .title = "Protocol",
	  .values = ip_protocol_names },
};
static const struct field wks_bits[] = {
	{ AS_HEX("dns.wks.bits", 0, 8, 2), .repeats = true, .title = "Services",
	  .about = "A byte of the map of ports in which a bit is set" },
};
static const struct field hinfo[] = {
	{ AS_UINT("dns.hinfo.cpu_length", 0, 8), .title = "CPU length" },
	{ AS_TEXT("dns.hinfo.cpu", BYTE(1), 0), .title = "CPU" },
	{ AS_UINT("dns.hinfo.os_length", 0, 8), .title = "OS length" },
	{ AS_TEXT("dns.hinfo.os", BYTE(1), 0), .title = "OS" },
};
static const struct field minfo[] = {
	{ AS_NAME("dns.minfo.r", 0), .title = "Responsible mailbox" },
	{ AS_NAME("dns.minfo.e", 0), .title = "Mailbox for errors" },
};
static const struct field mx[] = {
	{ AS_UINT("dns.mx.preference", 0, 16), .title = "Preference", .about = "The lowest first" },
	{ AS_NAME("dns.mx.mail_exchange", BYTE(2)), .title = "Mail exchange" },
};
static const struct field txt[] = {
	{ AS_UINT("dns.txt.length", 0, 8), .repeats = true, .title = "Text length" },
	{ AS_TEXT("dns.txt", BYTE(1), 0), .repeats = true, .title = "Text" },
};
static const struct field spf[] = {
	{ AS_UINT("dns.spf.length", 0, 8), .repeats = true, .title = "Text length" },
	{ AS_TEXT("dns.spf", BYTE(1), 0), .repeats = true, .title = "Text" },
};
static const struct field rp[] = {
	{ AS_NAME("dns.rp.mailbox", 0), .title = "Mailbox" },
	{ AS_NAME("dns.rp.txt_rr", 0), .title = "Name with text" },
};
static const struct field afsdb[] = {
	{ AS_UINT("dns.afsdb.subtype", 0, 16), .title = "Subtype" },
	{ AS_NAME("dns.afsdb.hostname", BYTE(2)), .title = "Host name" },
};
static const struct field x25[] = {
	{ AS_UINT("dns.x25.length", 0, 8), .title = "Length" },
	{ AS_TEXT("dns.x25.psdn_address", BYTE(1), 0), .title = "PSDN address" },
};
static const struct field rt[] = {
	{ AS_UINT("dns.rt.subtype", 0, 16), .title = "Preference" },
	{ AS_NAME("dns.rt.intermediate_host", BYTE(2)), .title = "Intermediate host" },
};
static const struct field nsap[] = {
	{ AS_BYTES("dns.nsap.rdata", 0, 0), .title = "NSAP address" },
};
static const struct field key[] = {
	{ AS_HEX("dns.key.flags", 0, 16, 4), .title = "Flags" },
	{ AS_FLAG("dns.key.flags.authentication", 0), .depth = 1, .title = "No authentication" },
	{ AS_FLAG("dns.key.flags.confidentiality", 1), .depth = 1, .title = "No confidentiality" },
	{ AS_FLAG("dns.key.flags.required", 2), .depth = 1, .title = "Key not required" },
	{ AS_FLAG("dns.key.flags.associated_user", 5), .depth = 1, .title = "Of a user" },
	{ AS_FLAG("dns.key.flags.associated_named_entity", 6), .depth = 1,
	  .title = "Of an entity" },
	{ AS_FLAG("dns.key.flags.ipsec", 8), .depth = 1, .title = "For IPsec" },
	{ AS_FLAG("dns.key.flags.mime", 9), .depth = 1, .title = "For MIME" },
	{ AS_UINT("dns.key.flags.signatory", 12, 4), .depth = 1, .title = "Signatory" },
	{ AS_UINT("dns.key.protocol", BYTE(2), 8), .title = "Protocol" },
	{ AS_UINT("dns.key.algorithm", BYTE(3), 8), .title = "Algorithm",
	  .values = dns_algorithm_names },
	{ AS_BYTES("dns.key.public_key", BYTE(4), 0), .title = "Public key" },
};
static const struct field px[] = {
	{ AS_UINT("dns.px.preference", 0, 16), .title = "Preference" },
	{ AS_NAME("dns.px.map822", BYTE(2)), .title = "RFC 822 name" },
	{ AS_NAME("dns.px.map400", 0), .title = "X.400 name" },
};
static const struct field gpos[] = {
	{ AS_UINT("dns.gpos.longitude_length", 0, 8), .title = "Longitude length" },
	{ AS_TEXT("dns.gpos.longitude", BYTE(1), 0), .title = "Longitude" },
	{ AS_UINT("dns.gpos.latitude_length", 0, 8), .title = "Latitude length" },
	{ AS_TEXT("dns.gpos.latitude", BYTE(1), 0), .title = "Latitude" },
	{ AS_UINT("dns.gpos.altitude_length", 0, 8), .title = "Altitude length" },
	{ AS_TEXT("dns.gpos.altitude", BYTE(1), 0), .title = "Altitude" },
};
static const struct field loc[] = {
	{ AS_UINT("dns.loc.version", 0, 8), .title = "Version" },
	{ AS_UINT("dns.loc.size", BYTE(1), 8), .title = "Size",
	  .about = "Of the place in cm: the high 4 bits times 10 to the power of the low ones" },
	{ AS_UINT("dns.loc.horizontal_precision", BYTE(2), 8), .title = "Horizontal precision",
	  .about = "Likewise" },
	{ AS_UINT("dns.loc.vertical_precision", BYTE(3), 8), .title = "Vertical precision",
	  .about = "Likewise" },
	{ AS_UINT("dns.loc.latitude", BYTE(4), 32), .title = "Latitude",
	  .about = "In 1/1000 of a second of arc, the equator at 2^31" },
	{ AS_UINT("dns.loc.longitude", BYTE(8), 32), .title = "Longitude",
	  .about = "Likewise, from the prime meridian" },
	{ AS_UINT("dns.loc.altitude", BYTE(12), 32), .title = "Altitude",
	  .about = "In cm from 100 km below the WGS 84 ellipsoid" },
};
const struct field dns_loc_version[DNS_LOC_VERSIONS] = {
	{ AS_UINT("dns.loc.version", 0, 8), .title = "Version" },
	{ AS_BYTES("dns.loc.unknown_data", BYTE(1), 0), .title = "Data of this version" },
};
static const struct field nxt[] = {
	{ AS_NAME("dns.nxt.next_domain_name", 0), .title = "Next name" },
};
static const struct field srv[] = {
	{ AS_UINT("dns.srv.priority", 0, 16), .title = "Priority", .about = "The lowest first" },
	{ AS_UINT("dns.srv.weight", BYTE(2), 16), .title = "Weight",
	  .about = "Shares of the load within one priority" },
	{ AS_UINT("dns.srv.port", BYTE(4), 16), .title = "Port" },
	{ AS_NAME("dns.srv.target", BYTE(6)), .title = "Target" },
};
static const struct field naptr[] = {
	{ AS_UINT("dns.naptr.order", 0, 16), .title = "Order" },
	{ AS_UINT("dns.naptr.preference", BYTE(2), 16), .title = "Preference" },
	{ AS_UINT("dns.naptr.flags_length", BYTE(4), 8), .title = "Flags length" },
	{ AS_TEXT("dns.naptr.flags", BYTE(5), 0), .title = "Flags" },
	{ AS_UINT("dns.naptr.service_length", 0, 8), .title = "Service length" },
	{ AS_TEXT("dns.naptr.service", BYTE(1), 0), .title = "Service" },
	{ AS_UINT("dns.naptr.regex_length", 0, 8), .title = "Expression length" },
	{ AS_TEXT("dns.naptr.regex", BYTE(1), 0), .title = "Regular expression" },
};
static const struct field naptr_replacement[] = {
	{ AS_COUNT("dns.naptr.replacement_length"), .title = "Replacement length" },
	{ AS_NAME("dns.naptr.replacement", 0), .title = "Replacement" },
};
static const struct field kx[] = {
	{ AS_UINT("dns.kx.preference", 0, 16), .title = "Preference" },
	{ AS_NAME("dns.kx.key_exchange", BYTE(2)), .title = "Key exchange" },
};
static const struct field cert[] = {
	{ AS_UINT("dns.cert.type", 0, 16), .title = "Type", .values = dns_cert_names },
	{ AS_HEX("dns.cert.key_tag", BYTE(2), 16, 4), .title = "Key tag" },
	{ AS_UINT("dns.cert.algorithm", BYTE(4), 8), .title = "Algorithm",
	  .values = dns_algorithm_names },
	{ AS_BYTES("dns.cert.certificate", BYTE(5), 0), .title = "Certificate" },
};
static const struct field ds[] = {
	{ AS_HEX("dns.ds.key_id", 0, 16, 4), .title = "Key tag" },
	{ AS_UINT("dns.ds.algorithm", BYTE(2), 8), .title = "Algorithm",
	  .values = dns_algorithm_names },
	{ AS_UINT("dns.ds.digest_type", BYTE(3), 8), .title = "Digest type",
	  .values = dns_digest_names },
	{ AS_BYTES("dns.ds.digest", BYTE(4), 0), .title = "Digest" },
};
static const struct field sshfp[] = {
	{ AS_UINT("dns.sshfp.algorithm", 0, 8), .title = "Algorithm", .values = dns_sshfp_names },
	{ AS_UINT("dns.sshfp.fingerprint.type", BYTE(1), 8), .title = "Fingerprint type",
	  .values = dns_sshfp_digest_names },
	{ AS_BYTES("dns.sshfp.fingerprint", BYTE(2), 0), .title = "Fingerprint" },
};
static const struct field rrsig[] = {
	{ AS_UINT("dns.rrsig.type_covered", 0, 16), .title = "Type covered",
	  .values = dns_type_names },
	{ AS_UINT("dns.rrsig.algorithm", BYTE(2), 8), .title = "Algorithm",
	  .values = dns_algorithm_names },
	{ AS_UINT("dns.rrsig.labels", BYTE(3), 8), .title = "Labels" },
	{ AS_UINT("dns.rrsig.original_ttl", BYTE(4), 32), .title = "Original time to live",
	  .about = "Seconds" },
	{ AS_("dns.rrsig.signature_expiration", BYTE(8), 32, FIELD_TIME), .title = "Expires" },
	{ AS_("dns.rrsig.signature_inception", BYTE(12), 32, FIELD_TIME), .title = "Valid from" },
	{ AS_UINT("dns.rrsig.key_tag", BYTE(16), 16), .title = "Key tag" },
	{ AS_NAME("dns.rrsig.signers_name", BYTE(18)), .title = "Signer's name" },
	{ AS_BYTES("dns.rrsig.signature", 0, 0), .title = "Signature" },
};
static const struct field nsec[] = {
	{ AS_NAME("dns.nsec.next_domain_name", 0), .title = "Next name" },
};
static const struct field dnskey[] = {
	{ AS_HEX("dns.dnskey.flags", 0, 16, 4), .title = "Flags" },
	{ AS_FLAG("dns.dnskey.flags.zone_key", 7), .depth = 1, .title = "Zone key" },
	{ AS_FLAG("dns.dnskey.flags.key_revoked", 8), .depth = 1, .title = "Revoked" },
	{ AS_FLAG("dns.dnskey.flags.secure_entry_point", 15), .depth = 1,
	  .title = "Key signing key" },
	{ AS_UINT("dns.dnskey.protocol", BYTE(2), 8), .title = "Protocol", .about = "3" },
	{ AS_UINT("dns.dnskey.algorithm", BYTE(3), 8), .title = "Algorithm",
	  .values = dns_algorithm_names },
	{ AS_BYTES("dns.dnskey.public_key", BYTE(4), 0), .title = "Public key" },
};
const struct field dns_key_tags[N_DNS_KEY_TAGS] = {
	{ AS_COUNT("dns.dnskey.key_id"), .title = "Key tag" },
	{ AS_COUNT("dns.key.key_id"), .title = "Key tag" },
};
static const struct field dhcid[] = {
	{ AS_BYTES("dns.dhcid.rdata", 0, 0), .title = "Digest" },
};

static const struct field nsec3param[] = {
	{ AS_UINT("dns.nsec3.algo", 0, 8), .title = "Hash algorithm", .values = dns_nsec3_names },
	{ AS_UINT("dns.nsec3.flags", BYTE(1), 8), .title = "Flags" },
	{ AS_UINT("dns.nsec3.iterations", BYTE(2), 16), .title = "Iterations" },
	{ AS_UINT("dns.nsec3.salt_length", BYTE(4), 8), .title = "Salt length" },
	{ AS_BYTES("dns.nsec3.salt_value", BYTE(5), 0), .title = "Salt" },
};
static const struct field nsec3[] = {
	{ AS_UINT("dns.nsec3.algo", 0, 8), .title = "Hash algorithm", .values = dns_nsec3_names },
	{ AS_UINT("dns.nsec3.flags", BYTE(1), 8), .title = "Flags" },
	{ AS_FLAG("dns.nsec3.flags.opt_out", BYTE(1) + 7), .depth = 1, .title = "Opt-out" },
	{ AS_UINT("dns.nsec3.iterations", BYTE(2), 16), .title = "Iterations" },
	{ AS_UINT("dns.nsec3.salt_length", BYTE(4), 8), .title = "Salt length" },
	{ AS_BYTES("dns.nsec3.salt_value", BYTE(5), 0), .title = "Salt" },
	{ AS_UINT("dns.nsec3.hash_length", 0, 8), .title = "Hash length" },
};
static const struct field nsec3_hash[] = {
	{ AS_TEXT("dns.nsec3.hash_value", 0, 0), .title = "Next owner's hash",
	  .about = "In base 32 as it would be in a name" },
};
static const struct field tlsa[] = {
	{ AS_UINT("dns.tlsa.certificate_usage", 0, 8), .title = "Usage",
	  .values = dns_usage_names },
	{ AS_UINT("dns.tlsa.selector", BYTE(1), 8), .title = "Selector",
	  .values = dns_selector_names },
	{ AS_UINT("dns.tlsa.matching_type", BYTE(2), 8), .title = "Matching type",
	  .values = dns_matching_names },
	{ AS_BYTES("dns.tlsa.certificate_association_data", BYTE(3), 0),
	  .title = "Certificate's data" },
};
static const struct field openpgpkey[] = {
	{ AS_BYTES("dns.openpgpkey", 0, 0), .title = "Key" },
};
static const struct field csync[] = {
	{ AS_UINT("dns.csync.soa", 0, 32), .title = "Serial number" },
	{ AS_HEX("dns.csync.flags", BYTE(4), 16, 4), .title = "Flags" },
	{ AS_FLAG("dns.csync.flags.soaminimum", BYTE(4) + 14), .depth = 1,
	  .title = "Serial number counts" },
	{ AS_FLAG("dns.csync.flags.immediate", BYTE(4) + 15), .depth = 1, .title = "Immediate" },
};
static const struct field zonemd[] = {
	{ AS_UINT("dns.zonemd.serial", 0, 32), .title = "Serial number" },
	{ AS_UINT("dns.zonemd.scheme", BYTE(4), 8), .title = "Scheme",
	  .values = dns_zonemd_scheme_names },
	{ AS_UINT("dns.zonemd.hash_algo", BYTE(5), 8), .title = "Hash algorithm",
	  .values = dns_zonemd_digest_names },
	{ AS_BYTES("dns.zonemd.digest", BYTE(6), 0), .title = "Digest" },
};
static const struct field svcb[] = {
	{ AS_UINT("dns.svcb.svcpriority", 0, 16), .title = "Priority", .about = "0: an alias" },
	{ AS_NAME("dns.svcb.targetname", BYTE(2)), .title = "Target",
	  .about = "The root: the owner itself" },
};
static const struct field svcb_param[] = {
	{ AS_GROUP("dns.svcb.svcparam", 0), .repeats = true, .title = "Parameter" },
	{ AS_UINT("dns.svcb.svcparam.key", 0, 16), .depth = 1, .title = "Key",
	  .values = dns_svcb_names },
	{ AS_UINT("dns.svcb.svcparam.value.length", BYTE(2), 16), .depth = 1, .title = "Length" },
	{ AS_UINT("dns.svcb.svcparam.mandatory.key", 0, 16), .depth = 1, .repeats = true,
	  .title = "Key", .values = dns_svcb_names },
	{ AS_UINT("dns.svcb.svcparam.alpn.length", 0, 8), .depth = 1, .repeats = true,
	  .title = "Protocol length" },
	{ AS_TEXT("dns.svcb.svcparam.alpn", 0, 0), .depth = 1, .repeats = true,
	  .title = "Protocol" },
	{ AS_UINT("dns.svcb.svcparam.port", 0, 16), .depth = 1, .title = "Port" },
	{ AS_IP4("dns.svcb.svcparam.ipv4hint.ip", 0), .depth = 1, .repeats = true,
	  .title = "Address" },
	{ AS_BYTES("dns.svcb.svcparam.echconfig", 0, 0), .depth = 1,
	  .title = "Encrypted client hello" },
	{ AS_IP6("dns.svcb.svcparam.ipv6hint.ip", 0), .depth = 1, .repeats = true,
	  .title = "Address" },
	{ AS_BYTES("dns.svcb.svcparam.value", 0, 0), .depth = 1, .title = "Value" },
};
static const struct field nid[] = {
	{ AS_UINT("dns.ilnp.nid.preference", 0, 16), .title = "Preference" },
	{ AS_BYTES("dns.ilnp.nid", BYTE(2), 64), .title = "Node identifier" },
};
static const struct field l32[] = {
	{ AS_UINT("dns.ilnp.l32.preference", 0, 16), .title = "Preference" },
	{ AS_IP4("dns.ilnp.l32", BYTE(2)), .title = "Locator" },
};
static const struct field l64[] = {
	{ AS_UINT("dns.ilnp.l64.preference", 0, 16), .title = "Preference" },
	{ AS_BYTES("dns.ilnp.l64", BYTE(2), 64), .title = "Locator" },
};
static const struct field lp[] = {
	{ AS_UINT("dns.ilnp.lp.preference", 0, 16), .title = "Preference" },
	{ AS_NAME("dns.ilnp.lp", BYTE(2)), .title = "Name of the locators" },
};
static const struct field eui48[] = {
	{ AS_MAC("dns.eui48", 0), .title = "EUI-48" },
};
static const struct field eui64[] = {
	{ AS_BYTES("dns.eui64", 0, 64), .title = "EUI-64" },
};
static const struct field tkey[] = {
	{ AS_NAME("dns.tkey.algo_name", 0), .title = "Algorithm" },
	{ AS_("dns.tkey.signature_inception", 0, 32, FIELD_TIME), .title = "Valid from" },
	{ AS_("dns.tkey.signature_expiration", BYTE(4), 32, FIELD_TIME), .title = "Expires" },
	{ AS_UINT("dns.tkey.mode", BYTE(8), 16), .title = "Mode", .values = dns_tkey_names },
	{ AS_UINT("dns.tkey.error", BYTE(10), 16), .title = "Error", .values = dns_rcode_names },
	{ AS_UINT("dns.tkey.key_size", BYTE(12), 16), .title = "Key size" },
	{ AS_BYTES("dns.tkey.key_data", BYTE(14), 0), .title = "Key" },
	{ AS_UINT("dns.tkey.other_size", 0, 16), .title = "Other size" },
	{ AS_BYTES("dns.tkey.other_data", BYTE(2), 0), .title = "Other data" },
};
static const struct field tsig[] = {
	{ AS_NAME("dns.tsig.algorithm_name", 0), .title = "Algorithm" },
	{ AS_("dns.tsig.time_signed", 0, 48, FIELD_TIME), .title = "Signed" },
	{ AS_UINT("dns.tsig.fudge", BYTE(6), 16), .title = "Fudge",
	  .about = "Seconds that clocks may differ" },
	{ AS_UINT("dns.tsig.mac_size", BYTE(8), 16), .title = "MAC size" },
	{ AS_BYTES("dns.tsig.mac", BYTE(10), 0), .title = "MAC" },
	{ AS_HEX("dns.tsig.original_id", 0, 16, 0), .title = "Original ID" },
	{ AS_UINT("dns.tsig.error", BYTE(2), 16), .title = "Error", .values = dns_rcode_names },
	{ AS_UINT("dns.tsig.other_len", BYTE(4), 16), .title = "Other length" },
	{ AS_BYTES("dns.tsig.other_data", BYTE(6), 0), .title = "Other data" },
};
static const struct field uri[] = {
	{ AS_UINT("dns.uri.priority", 0, 16), .title = "Priority" },
	{ AS_UINT("dns.uri.weight", BYTE(2), 16), .title = "Weight" },
	{ AS_TEXT("dns.uri.target", BYTE(4), 0), .title = "Target" },
};
static const struct field caa[] = {
	{ AS_HEX("dns.caa.flags", 0, 8, 2), .title = "Flags" },
	{ AS_FLAG("dns.caa.flags.issuer_critical", 0), .depth = 1, .title = "Critical" },
};
static const struct field caa_parts[] = {
	{ AS_UINT("dns.caa.tag_length", 0, 8), .title = "Tag length" },
	{ AS_TEXT("dns.caa.tag", BYTE(1), 0), .title = "Tag" },
	{ AS_TEXT("dns.caa.value", 0, 0), .title = "Value" },
	{ AS_TEXT("dns.caa.issue", 0, 0), .title = "Who may issue" },
	{ AS_TEXT("dns.caa.issuewild", 0, 0), .title = "Who may issue wildcards" },
	{ AS_TEXT("dns.caa.iodef", 0, 0), .title = "Where to report" },
	{ AS_TEXT("dns.caa.unknown", 0, 0), .title = "Value of an unknown tag" },
};

static const struct field bitmap[] = {
	{ AS_GROUP("dns.type_bitmap", 0), .repeats = true, .title = "Types that exist" },
	{ AS_UINT("dns.resp.type", 0, 8), .depth = 1, .repeats = true, .title = "Type",
	  .values = dns_type_names },
};
static const struct field bitmap_bytes[] = {
	{ AS_BYTES("dns.csync.type_bitmap", 0, 0), .title = "Map of types" },
};
const struct field dns_other_data = { AS_BYTES("dns.data", 0, 0), .title = "Data" };

static void give_bits(struct walk *w, uint32_t off, uint32_t len, unsigned first)
{
	for (uint32_t i = 0; i < len; i++) {
		uint8_t bits = w->packet->bytes[off + i];

		for (unsigned bit = 0; bit < 8; bit++)
			if (bits & 0x80 >> bit)
				walk_number(w, &bitmap[1], off + i, 1, first + i * 8 + bit, 1);
	}
}

/* Windows of 256 types, each with as many bytes of bits as it says (RFC 4034 section 4.1.2). */
static uint32_t walk_bitmap(struct walk *w, uint32_t at, uint32_t end)
{
	const uint8_t *p = w->packet->bytes;

	if (at < end && !walk_group(w, &bitmap[0], at, end - at, 1, NULL))
		return end;
	while (at < end) {
		if (end - at < 2 || p[at + 1] > 32 || p[at + 1] > end - at - 2) {
			walk_fault(w, -E_MALFORMED, at);
			return end;
		}
		give_bits(w, at + 2, p[at + 1], p[at] * 256u);
		at += 2u + p[at + 1];
	}
	return at;
}

/* The first 128 types, a bit each (RFC 2535 section 5.2). */
static uint32_t walk_nxt(struct walk *w, uint32_t at, uint32_t end)
{
	if (at < end && walk_group(w, &bitmap[0], at, end - at, 1, NULL))
		give_bits(w, at, MIN(end - at, 16u), 0);
	return end;
}

static uint32_t walk_csync(struct walk *w, uint32_t at, uint32_t end)
{
	if (at < end)
		walk_field(w, &bitmap_bytes[0], at, end - at, 1);
	return walk_bitmap(w, at, end);
}

static uint32_t walk_wks(struct walk *w, uint32_t at, uint32_t end)
{
	for (; at < end; at++)
		if (w->packet->bytes[at])
			walk_field(w, &wks_bits[0], at, 1, 1);
	return end;
}

/* Texts with a byte of length before each: the lengths first, so that both are lists in JSON. */
static uint32_t give_texts(struct walk *w, const struct field *length, const struct field *text,
			   uint32_t at, uint32_t end, uint8_t depth)
{
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = at, len; i < end; i += 1 + len) {
			len = w->packet->bytes[i];
			if (len > end - i - 1) {
				walk_fault(w, -E_MALFORMED, i);
				return end;
			}
			if (!(pass ? walk_field(w, text, i + 1, len, depth)
				   : walk_field(w, length, i, 1, depth)))
				return end;
		}
	}
	return end;
}

static uint32_t walk_txt(struct walk *w, uint32_t at, uint32_t end)
{
	return give_texts(w, &txt[0], &txt[1], at, end, 1);
}

static uint32_t walk_spf(struct walk *w, uint32_t at, uint32_t end)
{
	return give_texts(w, &spf[0], &spf[1], at, end, 1);
}

/* Base 32 with extended hexadecimal digits, in lower case (RFC 4648 section 7). */
static size_t base32_hex(char *out, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	unsigned bits = 0, n_bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		bits = (bits & 0xff) << 8 | bytes[i];
		for (n_bits += 8; n_bits >= 5; n_bits -= 5)
			out[n++] = digits[bits >> (n_bits - 5) & 31];
	}
	if (n_bits)
		out[n++] = digits[bits << (5 - n_bits) & 31];
	return n;
}

/* @at is behind the hash's length. */
static uint32_t walk_nsec3(struct walk *w, uint32_t at, uint32_t end)
{
	const uint8_t *p = w->packet->bytes;
	uint32_t len = p[at - 1];
	char text[410];

	if (len > end - at) {
		walk_fault(w, -E_MALFORMED, at);
		return end;
	}
	walk_decoded(w, &nsec3_hash[0], at, len, text, base32_hex(text, p + at, len), 1);
	return walk_bitmap(w, at + len, end);
}

static uint32_t walk_caa(struct walk *w, uint32_t at, uint32_t end)
{
	static const struct {
		const char *tag;
		uint8_t row;
	} tags[] = { { "issue", CAA_ISSUE },
		     { "issuewild", CAA_ISSUEWILD },
		     { "iodef", CAA_IODEF } };
	const char *tag = (const char *)w->packet->bytes + at + 1;
	uint8_t row = CAA_UNKNOWN;
	uint32_t len;

	if (at == end || w->packet->bytes[at] > end - at - 1) {
		walk_fault(w, -E_MALFORMED, at);
		return end;
	}
	len = w->packet->bytes[at];
	for (size_t i = 0; i < ARRAY_LEN(tags); i++)
		if (len == strlen(tags[i].tag) && !memcmp(tag, tags[i].tag, len))
			row = tags[i].row;
	walk_field(w, &caa_parts[row], at + 1 + len, end - at - 1 - len, 1);
	walk_field(w, &caa_parts[CAA_TAG_LENGTH], at, 1, 2);
	walk_field(w, &caa_parts[CAA_TAG], at + 1, len, 2);
	walk_field(w, &caa_parts[CAA_VALUE], at + 1 + len, end - at - 1 - len, 2);
	return end;
}

static uint32_t walk_naptr(struct walk *w, uint32_t at, uint32_t end)
{
	uint32_t start = w->layer->off;
	struct dns_name name;
	int taken = dns_name_read(w->packet->bytes + start, end - start, at - start, &name);

	if (taken < 0) {
		walk_fault(w, -E_MALFORMED, at);
		return end;
	}
	walk_number(w, &naptr_replacement[0], at, 0, dns_name_text_len(&name), 1);
	return walk_name(w, &naptr_replacement[1], start, at, end, 1);
}

static void walk_param_value(struct walk *w, unsigned param, uint32_t at, uint32_t end)
{
	static const uint8_t rows[] = { PARAM_MANDATORY, PARAM_ALPN, PARAM_VALUE, PARAM_PORT,
					PARAM_IP4,	 PARAM_ECH,  PARAM_IP6 };
	const struct field *f = &svcb_param[param < ARRAY_LEN(rows) ? rows[param] : PARAM_VALUE];

	if (at == end)
		return;
	if (f == &svcb_param[PARAM_ALPN])
		give_texts(w, &svcb_param[PARAM_ALPN_LENGTH], f, at, end, 1);
	else if (f == &svcb_param[PARAM_PORT] && end - at != 2)
		walk_fault(w, -E_MALFORMED, at);
	else
		walk_rows(w, f, 1, at, end, 1);
}

static uint32_t walk_svcb(struct walk *w, uint32_t at, uint32_t end)
{
	const uint8_t *p = w->packet->bytes;

	while (at < end && !w->over) {
		uint32_t len;

		if (end - at < 4 || load_be16(p + at + 2) > end - at - 4) {
			walk_fault(w, -E_MALFORMED, at);
			break;
		}
		len = load_be16(p + at + 2);
		walk_group(w, &svcb_param[PARAM_GROUP], at, 4 + len, 1, NULL);
		walk_rows(w, &svcb_param[PARAM_KEY], 2, at, end, 1);
		walk_param_value(w, load_be16(p + at), at + 4, at + 4 + len);
		at += 4 + len;
	}
	return end;
}

#define WITH(code, rows) .walk = (code), .more = (rows), .n_more = ARRAY_LEN(rows)
static const struct dns_data datas[] = {
	{ 1, 0, ROWS(a) },
	{ 28, 0, ROWS(aaaa) },
	{ 5, 0, &names[NAME_CNAME], 1 },
	{ 2, 0, &names[NAME_NS], 1 },
	{ 12, 0, &names[NAME_PTR], 1 },
	{ 15, 0, ROWS(mx) },
	{ 16, WITH(walk_txt, txt) },
	{ 33, 0, ROWS(srv) },
	{ 6, 0, ROWS(soa) },
	{ 64, 0, ROWS(svcb), WITH(walk_svcb, svcb_param) },
	{ 65, 0, ROWS(svcb), WITH(walk_svcb, svcb_param) },
	{ 46, 0, ROWS(rrsig) },
	{ 47, 0, ROWS(nsec), .walk = walk_bitmap },
	{ 50, 1 << 5, ROWS(nsec3), .walk = walk_nsec3 },
	{ 51, 1 << 4, ROWS(nsec3param) },
	{ 43, 0, ROWS(ds) },
	{ 59, 0, ROWS(ds) },
	{ 32769, 0, ROWS(ds) },
	{ 48, 0, ROWS(dnskey) },
	{ 60, 0, ROWS(dnskey) },
	{ 3, 0, &names[NAME_MD], 1 },
	{ 4, 0, &names[NAME_MF], 1 },
	{ 7, 0, &names[NAME_MB], 1 },
	{ 8, 0, &names[NAME_MG], 1 },
	{ 9, 0, &names[NAME_MR], 1 },
	{ 10, 0, ROWS(null) },
	{ 11, 0, ROWS(wks), .walk = walk_wks },
	{ 13, 1 << 1 | 1 << 3, ROWS(hinfo) },
	{ 14, 0, ROWS(minfo) },
	{ 17, 0, ROWS(rp) },
	{ 18, 0, ROWS(afsdb) },
	{ 19, 1 << 1, ROWS(x25) },
	{ 21, 0, ROWS(rt) },
	{ 22, 0, ROWS(nsap) },
	{ 24, 0, ROWS(rrsig) },
	{ 25, 0, ROWS(key) },
	{ 26, 0, ROWS(px) },
	{ 27, 1 << 1 | 1 << 3 | 1 << 5, ROWS(gpos) },
	{ 29, 0, ROWS(loc) },
	{ 30, 0, ROWS(nxt), .walk = walk_nxt },
	{ 35, 1 << 3 | 1 << 5 | 1 << 7, ROWS(naptr), WITH(walk_naptr, naptr_replacement) },
	{ 36, 0, ROWS(kx) },
	{ 37, 0, ROWS(cert) },
	{ 39, 0, &names[NAME_DNAME], 1 },
	{ 44, 0, ROWS(sshfp) },
	{ 49, 0, ROWS(dhcid) },
	{ 52, 0, ROWS(tlsa) },
	{ 61, 0, ROWS(openpgpkey) },
	{ 62, 0, ROWS(csync), .walk = walk_csync },
	{ 63, 0, ROWS(zonemd) },
	{ 99, WITH(walk_spf, spf) },
	{ 104, 0, ROWS(nid) },
	{ 105, 0, ROWS(l32) },
	{ 106, 0, ROWS(l64) },
	{ 107, 0, ROWS(lp) },
	{ 108, 0, ROWS(eui48) },
	{ 109, 0, ROWS(eui64) },
	{ 249, 1 << 6 | 1 << 8, ROWS(tkey) },
	{ 250, 1 << 4 | 1 << 8, ROWS(tsig) },
	{ 256, 0, ROWS(uri) },
	{ 257, 0, ROWS(caa), WITH(walk_caa, caa_parts) },
};

const struct dns_data *dns_data_of(unsigned type)
{
	for (size_t i = 0; i < ARRAY_LEN(datas); i++)
		if (datas[i].type == type)
			return &datas[i];
	return NULL;
}

const struct dns_data *dns_data_with(const struct field *row)
{
	for (size_t i = 0; i < ARRAY_LEN(datas); i++) {
		const struct dns_data *d = &datas[i];

		if ((d->n_fields && row >= d->fields && row < d->fields + d->n_fields) ||
		    (d->n_more && row >= d->more && row < d->more + d->n_more))
			return d;
	}
	return NULL;
}

#define ALL(rows)                     \
	{                             \
		rows, ARRAY_LEN(rows) \
	}
const struct rows dns_rows[] = {
	{ dns_message_fields, N_DNS_MESSAGE_FIELDS },
	{ dns_option_fields, N_DNS_OPTION_FIELDS },
	ALL(names),
	ALL(a),
	ALL(aaaa),
	ALL(soa),
	ALL(null),
	ALL(wks),
	ALL(wks_bits),
	ALL(hinfo),
	ALL(minfo),
	ALL(mx),
	ALL(txt),
	ALL(spf),
	ALL(rp),
	ALL(afsdb),
	ALL(x25),
	ALL(rt),
	ALL(nsap),
	ALL(key),
	ALL(px),
	ALL(gpos),
	ALL(loc),
	ALL(dns_loc_version),
	ALL(nxt),
	ALL(srv),
	ALL(naptr),
	ALL(naptr_replacement),
	ALL(kx),
	ALL(cert),
	ALL(ds),
	ALL(sshfp),
	ALL(rrsig),
	ALL(nsec),
	ALL(dnskey),
	ALL(dns_key_tags),
	ALL(dhcid),
	ALL(nsec3param),
	ALL(nsec3),
	ALL(nsec3_hash),
	ALL(tlsa),
	ALL(openpgpkey),
	ALL(csync),
	ALL(zonemd),
	ALL(svcb),
	ALL(svcb_param),
	ALL(nid),
	ALL(l32),
	ALL(l64),
	ALL(lp),
	ALL(eui48),
	ALL(eui64),
	ALL(tkey),
	ALL(tsig),
	ALL(uri),
	ALL(caa),
	ALL(caa_parts),
	ALL(bitmap),
	ALL(bitmap_bytes),
	{ &dns_other_data, 1 },
};
_Static_assert(ARRAY_LEN(dns_rows) == N_DNS_ROWS, "a row of tables too many");
