/*
 * The sockets that carry probes and answers, each opened when it is first needed and polled by the
 * loop; who owns them is told when one has something to read.
 */
#ifndef SONDE_PROBE_CARRIERS_IO_H
#define SONDE_PROBE_CARRIERS_IO_H

#include <net/if.h>
#include <uv.h>

#include "io/capture_ring.h"
#include "io/connector.h"
#include "io/frame_pump.h"
#include "io/icmp_socket.h"
#include "io/link_socket.h"
#include "io/port_reserve.h"
#include "io/udp_socket.h"
#include "probe/module.h"

enum carrier_kind {
	CARRIER_ICMP4,
	CARRIER_ICMP6,
	CARRIER_ARP,
	CARRIER_ND,
	CARRIER_UDP4,
	CARRIER_UDP6,
	CARRIER_PUMP,  /* IP packets out */
	CARRIER_RING4, /* their answers */
	CARRIER_RING6,
	CARRIER_CONNECT,
	CARRIER_TIMER,
	CARRIER_N,
};

struct carrier {
	struct carriers *all;
	uv_poll_t poll;
	enum carrier_kind kind;
	bool open;
	uint64_t ring_dropped; /* of them told already */
	union {
		struct icmp_socket *icmp;
		struct link_socket *link;
		struct udp_socket *udp;
		struct frame_pump *pump;
		struct capture_ring *ring;
		struct connector *connector;
		int timer;
	};
};

struct carriers {
	uv_loop_t *loop;
	char iface[IF_NAMESIZE]; /* only through this one; "": any */
	unsigned ifindex;
	int ttl;
	bool xdp;   /* rings for the pump */
	bool whole; /* as struct probe_io_config says */
	struct carrier of[CARRIER_N];
	struct port_reserve ports; /* from which IP packets leave; n 0: none yet */
	unsigned max_connects;	   /* as many as descriptors allow */
	unsigned n_closing;
	char why[320], names[140];

	void (*ready)(void *ctx, struct carrier *c); /* it can be read */
	void (*closed)(void *ctx);		     /* all of them, after carriers_close() */
	void *ctx;
};

/* Opens one. Return: 0; -EPERM or -EACCES when not permitted, other -errno: @why tells. */
MUST_CHECK int carriers_open(struct carriers *all, enum carrier_kind kind);

/* Opens what a module needs for a family. As carriers_open(). */
MUST_CHECK int carriers_open_for(struct carriers *all, const struct probe_module *module,
				 int family);

/* Those in use, "raw ICMP, packet socket". */
const char *carriers_names(struct carriers *all);

/* By which one of them probes of that sort leave. */
enum carrier_kind carrier_for(enum probe_via via, int family);

/* NULL when it is not open. */
struct carrier *carrier_if_open(struct carriers *all, enum carrier_kind kind);

/* How many descriptors can still be opened; the limit is raised first, as far as the user may. */
unsigned carriers_descriptors_left(void);

/* Packets that came in and found queues full since the last call. */
uint64_t carriers_drops(struct carriers *all);

/* The loop must still run for `closed` to be called. */
void carriers_close(struct carriers *all);

#endif
