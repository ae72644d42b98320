/*
 * UDP datagrams (RFC 768) with a payload that makes the port's usual service answer; the headers
 * are the kernel's. Any answer means 'open': it is known by address and port. ICMP errors come
 * through the socket's error queue, already joined to the datagram that they quote.
 *
 * A TFTP server answers from a port of its own choice (RFC 1350 section 4).
 */
#include <string.h>

#include "base/cursor.h"
#include "probe/quote.h"
#include "probe/udp_payloads.h"

#define DHCP_SERVER_PORT 67
#define DHCP_CIADDR_AT	 12
#define DHCP_CHADDR_AT	 28

#define TFTP_PORT     69
#define TFTP_ERROR    5
#define EPHEMERAL_MIN 1024

static bool udp_names_us(uint16_t port)
{
	return port == DHCP_SERVER_PORT;
}

static size_t udp_write(const struct probe_shot *shot, uint8_t *buf, size_t cap)
{
	size_t len = udp_payload_write(shot->port, shot->mark.try, shot->cookie, buf, cap);

	/* To whom a DHCP server answers (RFC 2131 section 4.3.5). */
	if (len && shot->port == DHCP_SERVER_PORT && shot->link &&
	    shot->link->source.family == AF_INET) {
		memcpy(buf + DHCP_CIADDR_AT, shot->link->source.bytes, 4);
		if (!mac_is_zero(&shot->link->mac))
			memcpy(buf + DHCP_CHADDR_AT, shot->link->mac.bytes, 6);
	}
	return len;
}

/* An error message: opcode, code, text and a zero (RFC 1350 section 5). */
static bool is_tftp_error(const struct probe_packet *packet)
{
	const uint8_t *data = packet->data;

	return packet->from_port >= EPHEMERAL_MIN && packet->len >= 5 &&
	       load_be16(data) == TFTP_ERROR && load_be16(data + 2) <= 8 && !data[packet->len - 1];
}

static int udp_read(const struct probe_packet *packet, struct probe_answer *ret_answer)
{
	struct probe_answer a = {
		.kind = PROBE_REPLY,
		.match = PROBE_BY_TARGET,
		.target = packet->from,
		.port = packet->from_port,
		.responder = packet->from,
		.size = (uint16_t)MAX(packet->len, packet->wire_len),
	};

	if (packet->reporter.family) {
		if (!quote_kind(packet->reporter.family, packet->icmp_type, packet->icmp_code,
				&a.kind))
			return 0;
		a.responder = packet->reporter;
		a.icmp_type = packet->icmp_type;
		a.icmp_code = packet->icmp_code;
		a.mtu = packet->mtu;
		a.size = 0;
	} else if (is_tftp_error(packet)) {
		a.port = TFTP_PORT;
	}
	*ret_answer = a;
	return 1;
}

static bool udp_applies(const struct addr *target, const struct probe_link *link)
{
	(void)link;
	return !addr_is_multicast(target);
}

const struct probe_module probe_udp = {
	.name = "udp",
	.via = PROBE_VIA_UDP,
	.applies = udp_applies,
	.names_us = udp_names_us,
	.write = udp_write,
	.read = udp_read,
};
