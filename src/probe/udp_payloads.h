/* What is said to a UDP port so that the service that usually listens there answers. */
#ifndef SONDE_PROBE_UDP_PAYLOADS_H
#define SONDE_PROBE_UDP_PAYLOADS_H

#include <stddef.h>
#include <stdint.h>

#define UDP_PAYLOAD_MAX 1200 /* bytes: what QUIC asks for (RFC 9000 section 14.1) */

/**
 * udp_payload_write() - the payload for a port
 * @try: where a port has several, they take turns
 * @cookie: makes ids differ from target to target
 * @buf: @cap bytes
 * Return: bytes, at least 1; 0 when it does not fit.
 */
size_t udp_payload_write(uint16_t port, uint32_t try, uint32_t cookie, uint8_t *buf, size_t cap);

/* How many payloads of its own a port has; with 0 it gets some that are for all others. */
unsigned udp_payload_count(uint16_t port);

#endif
