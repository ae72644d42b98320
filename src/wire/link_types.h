/* What the packets of a capture start with: LINKTYPE_ numbers of the tcpdump group's registry. */
#ifndef SONDE_WIRE_LINK_TYPES_H
#define SONDE_WIRE_LINK_TYPES_H

#include <stddef.h>
#include <stdint.h>

/**
 * link_type_protocol() - the protocol that a packet starts with
 * @link_type: LINKTYPE_ of the file or interface; the old numbers of the BSDs, too
 * @bytes: the packet's first bytes, for types that carry both versions of IP; may be 0 bytes
 * Return: enum protocol_id; PROTOCOL_DATA for types that are not known here.
 */
uint8_t link_type_protocol(uint32_t link_type, const uint8_t *bytes, size_t len);

/* Its name in the registry without "LINKTYPE_" ("ETHERNET"), or NULL. */
const char *link_type_name(uint32_t link_type);

/* Wireshark's number for it, the value of frame.encap_type; 0: unknown. */
unsigned link_type_encap(uint32_t link_type);

#endif
