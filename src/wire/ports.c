#include "wire/ports.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "wire/protocol.h"

const struct port_map port_map_default = {
	.tcp = {
		[20] = PROTOCOL_FTP_DATA,
		[21] = PROTOCOL_FTP,
		[25] = PROTOCOL_SMTP,
		[53] = PROTOCOL_DNS,
		[601] = PROTOCOL_SYSLOG,
		[3478] = PROTOCOL_STUN,
		[80] = PROTOCOL_HTTP,
		[110] = PROTOCOL_POP,
		[143] = PROTOCOL_IMAP,
		[161] = PROTOCOL_SNMP,
		[162] = PROTOCOL_SNMP,
		[443] = PROTOCOL_TLS,
		[465] = PROTOCOL_TLS,
		[563] = PROTOCOL_TLS,
		[587] = PROTOCOL_SMTP,
		[636] = PROTOCOL_TLS,
		[853] = PROTOCOL_TLS,
		[989] = PROTOCOL_TLS,
		[990] = PROTOCOL_TLS,
		[992] = PROTOCOL_TLS,
		[993] = PROTOCOL_TLS,
		[994] = PROTOCOL_TLS,
		[995] = PROTOCOL_TLS,
		[5061] = PROTOCOL_TLS,
		[8443] = PROTOCOL_TLS,
		[591] = PROTOCOL_HTTP,
		[3128] = PROTOCOL_HTTP,
		[5353] = PROTOCOL_DNS,
		[5355] = PROTOCOL_LLMNR,
		[5985] = PROTOCOL_HTTP,
		[8000] = PROTOCOL_HTTP,
		[8008] = PROTOCOL_HTTP,
		[8080] = PROTOCOL_HTTP,
		[8088] = PROTOCOL_HTTP,
		[8888] = PROTOCOL_HTTP,
	},
	.udp = {
		[53] = PROTOCOL_DNS,
		[67] = PROTOCOL_DHCP,
		[68] = PROTOCOL_DHCP,
		[4011] = PROTOCOL_DHCP,
		[546] = PROTOCOL_DHCPV6,
		[547] = PROTOCOL_DHCPV6,
		[123] = PROTOCOL_NTP,
		[514] = PROTOCOL_SYSLOG,
		[3478] = PROTOCOL_STUN,
		[5353] = PROTOCOL_MDNS,
		[5355] = PROTOCOL_LLMNR,
		[161] = PROTOCOL_SNMP,
		[162] = PROTOCOL_SNMP,
	},
};

/* A decimal port at @*at, which is moved behind it; -1 when there is none. */
static long read_port(const char **at)
{
	char *end;
	long port;

	if (!isdigit((unsigned char)**at))
		return -1;
	port = strtol(*at, &end, 10);
	*at = end;
	return port <= UINT16_MAX ? port : -1;
}

int port_map_decode_as(struct port_map *map, const char *text, struct fault *fault)
{
	bool tcp = !strncmp(text, "tcp.port==", 10);
	const char *at = text + 10;
	long first, last;
	uint8_t id;

	if (!tcp && strncmp(text, "udp.port==", 10) != 0)
		return fault_set(fault, 0,
				 "expected tcp.port==PORT,PROTOCOL or "
				 "udp.port==PORT,PROTOCOL, as in tcp.port==8080,http");
	first = last = read_port(&at);
	if (first >= 0 && *at == '-') {
		at++;
		last = read_port(&at);
	}
	if (first < 0 || last < first)
		return fault_set(fault, (size_t)(at - text),
				 "expected a port from 0 to 65535, or a range of them");
	if (*at != ',')
		return fault_set(fault, (size_t)(at - text), "expected a comma and a protocol");
	id = protocol_find(at + 1, strlen(at + 1));
	if (!id)
		return fault_set(fault, (size_t)(at + 1 - text), "no protocol is called '%s'",
				 at + 1);
	memset((tcp ? map->tcp : map->udp) + first, id, (size_t)(last - first + 1));
	return 0;
}
