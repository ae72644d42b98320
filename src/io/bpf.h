/*
 * Capture filters in libpcap's language (pcap-filter(7)), compiled to classic BPF for one link
 * type. The same program runs over packets of a file and, attached to a socket, in the kernel.
 */
#ifndef SONDE_IO_BPF_H
#define SONDE_IO_BPF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "io/capture_packet.h"

struct sock_filter;
struct bpf;

/* The netmask of the interface is not known: `ip broadcast` is then refused. */
#define BPF_NETMASK_UNKNOWN 0xffffffffU

/**
 * bpf_compile() - make a program of a filter
 * @text: what was typed; "" lets everything pass
 * @link_type: LINKTYPE_ number, as in struct capture_packet
 * @netmask: of the interface's IPv4 network, for `ip broadcast`: 0xffffff00 is a /24; or
 * BPF_NETMASK_UNKNOWN
 * @fault: libpcap's message, which does not tell the place: @offset is 0. May be NULL
 * Return: 0, -E_SYNTAX with @fault, -ENOMEM. Safe from several threads at a time. Names of hosts in
 * @text are looked up, which may take as long as DNS takes.
 */
MUST_CHECK int bpf_compile(const char *text, uint32_t link_type, uint32_t netmask,
			   struct bpf **ret_bpf, struct fault *fault);
struct bpf *bpf_free(struct bpf *bpf);

/*
 * Whether the program asks for what only the kernel knows (`inbound`, `outbound`, `ifindex` on most
 * links): bpf_match() cannot run it, and for a file it has to be refused.
 */
bool bpf_needs_kernel(const struct bpf *bpf);

/* Whether the filter has the word `vlan`: the kernel keeps the tag beside the packet. */
bool bpf_has_vlan(const struct bpf *bpf);

/* Does it pass? Reentrant; for any bytes. The packet's link type must be the program's. */
bool bpf_match(const struct bpf *bpf, const struct capture_packet *packet);

/* The instructions, for SO_ATTACH_FILTER; borrowed. What passes returns CAPTURE_PACKET_MAX. */
const struct sock_filter *bpf_program(const struct bpf *bpf, uint32_t *ret_n);

#endif
