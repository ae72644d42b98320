/*
 * Packets for Elasticsearch, as `tshark -T ek` writes them: a line that names the index and a line
 * with the document.
 *
 *   {"index":{"_index":"packets-2023-11-14","_type":"doc"}}
 *   {"timestamp":"1700000000000","layers":{"frame":{"frame_frame_number":"1",…},"ip":{…}}}
 *
 * A key is the field's name with '_' for dots behind its protocol's; names for several fields
 * ("ip_ip_addr") are there too. Values are strings, flags true and false; what a layer says more
 * than once is an array under one key, where tshark writes the key again. Extension headers are
 * within ipv6, a packet that an error message quotes is within icmp.
 */
#ifndef SONDE_WIRE_EK_H
#define SONDE_WIRE_EK_H

#include "wire/packet.h"

struct ek;

/**
 * ek_new() - what writing documents needs, allocated once
 * @payload: the bytes of data, too: data.data, tcp.payload, udp.payload
 * Return: 0 or -ENOMEM.
 */
MUST_CHECK int ek_new(bool payload, struct ek **ret_ek);
struct ek *ek_free(struct ek *e);

/* Both lines of a packet with their newlines. Values beyond 4,096 in one layer, and layers beyond
 * 1,024, are left out. */
void ek_put(struct buf *b, struct ek *e, const struct packet *p);

#endif
