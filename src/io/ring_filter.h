/*
 * The program that a capture ring attaches to its socket: a compiled filter, with what is always
 * needed in front, and with its offsets moved where libpcap compiled for the cooked header, which
 * in the kernel is still an Ethernet header. No I/O: capture_ring.c attaches it.
 */
#ifndef SONDE_IO_RING_FILTER_H
#define SONDE_IO_RING_FILTER_H

#include <linux/filter.h>

#include "io/bpf.h"

#define RING_FILTER_MAX 4096 /* instructions the kernel takes (BPF_MAXINSNS) */

/* Which packets the filter must see again, once they have their final form. */
enum recheck {
	RECHECK_NONE,
	RECHECK_TAGGED, /* those whose VLAN tag was put back */
	RECHECK_ALL,
};

struct ring_filter {
	enum recheck recheck;
	uint16_t n;
	struct sock_filter insns[RING_FILTER_MAX];
};

/**
 * ring_filter_make() - compose the program
 * What leaves through the loopback interface is refused, as it comes in again. With `vlan` in the
 * filter, packets whose tag the kernel keeps beside them pass, for RECHECK_TAGGED.
 * @bpf: NULL: everything passes
 * @cooked: compiled for LINKTYPE_LINUX_SLL2; RECHECK_ALL, and packets of links other than Ethernet
 * all pass
 * @snap_len: what passes is cut here, unless it must be seen again
 */
void ring_filter_make(const struct bpf *bpf, bool cooked, uint32_t snap_len,
		      struct ring_filter *ret_filter);

/* The same without @bpf, for a kernel that refuses it: RECHECK_ALL. */
void ring_filter_make_plain(struct ring_filter *ret_filter);

#endif
