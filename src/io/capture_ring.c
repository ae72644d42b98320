#include "io/capture_ring.h"

#include <net/if.h> /* before linux/if_arp.h, which then leaves it alone */

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/bpf.h"
#include "io/clock.h"
#include "io/privileges.h"
#include "io/ring_filter.h"

#define LINKTYPE_ETHERNET   1
#define LINKTYPE_RAW	    101
#define LINKTYPE_IEEE802_11 105
#define LINKTYPE_PRISM	    119
#define LINKTYPE_RADIOTAP   127
#define LINKTYPE_LINUX_SLL2 276
#define SLL2_LEN	    20
#define VLAN_LEN	    4
#define MACS_LEN	    (2 * ETH_ALEN)
#define LINK_HEADER_MAX	    64 /* kept beyond the snap length, to be put away or moved */
#define BLOCKS_MIN	    4
#define BLOCKS_MAX	    4095 /* the kernel counts the ring's bytes in 32 bits */
#define RETIRE_MAX_MS	    10000
#define FRAME_LEN	    2048 /* no meaning in TPACKET_V3, but must divide a block */

/* Room that the kernel leaves in front of each packet for what is put back into it. */
#define HEADROOM 32

_Static_assert(HEADROOM >= SLL2_LEN + VLAN_LEN, "cooked header and tag fit in front of a packet");

struct capture_ring {
	int fd;
	int ifindex; /* 0: any */
	uint32_t interface;
	uint32_t link_type;
	uint32_t snap_len;
	unsigned retire_ms;
	bool dgram; /* packets come without any link header */
	uint16_t protocol;
	struct bpf *bpf;
	enum recheck recheck;

	uint8_t *map;
	size_t map_len;
	uint32_t block_len;
	uint32_t n_blocks;
	uint32_t next_block;

	uint64_t rejected; /* by the filter here; the kernel has counted them */
	struct capture_counts counts;

	int end_err; /* why there will be no more packets */
	uint64_t end_ns;
	char iface[IFNAMSIZ];
};

/* Fills the fault, which nothing typed has a place in, and gives the error. */
#define FAIL(fault, err, ...) (fault_set((fault), 0, __VA_ARGS__), (err))

static int fail_socket(const struct capture_ring *r, int err, struct fault *fault)
{
	if (err == -EPERM || err == -EACCES)
		return FAIL(fault, -EPERM, "cannot capture on %s: not permitted. %s", r->iface,
			    privileges_advice());
	if (err == -ENETDOWN)
		return FAIL(fault, err, "%s is down. Raise it: ip link set %s up", r->iface,
			    r->iface);
	if (err == -ENOMEM)
		return FAIL(fault, err,
			    "no memory for a ring of %zu MiB on %s: ask for less with -B",
			    r->map_len >> 20, r->iface);
	return FAIL(fault, err, "cannot capture on %s: %s", r->iface, err_text(err));
}

/* Links whose header is worth having; bare IP for tunnels; the rest cooked. */
static void choose_link_type(struct capture_ring *r, int arphrd)
{
	static const struct {
		int arphrd;
		uint32_t link_type;
		bool dgram;
	} links[] = {
		{ ARPHRD_ETHER, LINKTYPE_ETHERNET, false },
		{ ARPHRD_LOOPBACK, LINKTYPE_ETHERNET, false },
		{ ARPHRD_IEEE80211, LINKTYPE_IEEE802_11, false },
		{ ARPHRD_IEEE80211_PRISM, LINKTYPE_PRISM, false },
		{ ARPHRD_IEEE80211_RADIOTAP, LINKTYPE_RADIOTAP, false },
		{ ARPHRD_NONE, LINKTYPE_RAW, true },
		{ ARPHRD_RAWIP, LINKTYPE_RAW, true },
		{ ARPHRD_PPP, LINKTYPE_RAW, true },
		{ ARPHRD_TUNNEL, LINKTYPE_RAW, true },
		{ ARPHRD_TUNNEL6, LINKTYPE_RAW, true },
		{ ARPHRD_SIT, LINKTYPE_RAW, true },
		{ ARPHRD_IPGRE, LINKTYPE_RAW, true },
		{ ARPHRD_IP6GRE, LINKTYPE_RAW, true },
	};

	r->link_type = LINKTYPE_LINUX_SLL2;
	for (size_t i = 0; r->ifindex && i < ARRAY_LEN(links); i++) {
		if (links[i].arphrd == arphrd) {
			r->link_type = links[i].link_type;
			r->dgram = links[i].dgram;
		}
	}
	if (r->protocol) {
		r->link_type = LINKTYPE_RAW;
		r->dgram = true;
	}
}

/* What the interface is, and its IPv4 netmask, which a filter may ask for. */
static int look_at_interface(struct capture_ring *r, uint32_t *ret_netmask, struct fault *fault)
{
	struct ifreq request = { 0 };
	int arphrd = 0, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = fd < 0 ? -errno : 0;

	*ret_netmask = BPF_NETMASK_UNKNOWN;
	memcpy(request.ifr_name, r->iface, sizeof(request.ifr_name));
	if (!err && strcmp(r->iface, "any")) {
		if (ioctl(fd, SIOCGIFINDEX, &request) < 0)
			err = -errno;
		else
			r->ifindex = request.ifr_ifindex;
		if (!err && ioctl(fd, SIOCGIFHWADDR, &request) == 0)
			arphrd = request.ifr_hwaddr.sa_family;
		if (!err && ioctl(fd, SIOCGIFNETMASK, &request) == 0)
			*ret_netmask = ntohl(
				((struct sockaddr_in *)&request.ifr_netmask)->sin_addr.s_addr);
	}
	if (fd >= 0)
		close(fd);
	if (err == -ENODEV || err == -ENXIO)
		return FAIL(fault, -ENODEV,
			    "there is no interface %s here. List them: sonde ifaces", r->iface);
	if (err)
		return fail_socket(r, err, fault);
	choose_link_type(r, arphrd);
	return 0;
}

static int attach(int fd, struct ring_filter *f)
{
	struct sock_fprog program = { .len = f->n, .filter = f->insns };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

static int compile(struct capture_ring *r, const char *text, uint32_t netmask, struct fault *fault)
{
	int err = bpf_compile(text, r->link_type, netmask, &r->bpf, fault);

	if (!err && bpf_needs_kernel(r->bpf) && bpf_has_vlan(r->bpf))
		err = fault_set(fault, 0,
				"the filter asks both for vlan and for what only the kernel knows "
				"(inbound, outbound, ifindex): leave one of them away");
	return err;
}

/* The kernel may find a filter too long; it then runs here. */
static int attach_filter(struct capture_ring *r, struct fault *fault)
{
	struct ring_filter *f = malloc(sizeof(*f));
	bool needs_kernel = r->bpf && bpf_needs_kernel(r->bpf);
	int err;

	if (!f)
		return fail_socket(r, -ENOMEM, fault);
	ring_filter_make(r->bpf, r->link_type == LINKTYPE_LINUX_SLL2, r->snap_len + LINK_HEADER_MAX,
			 f);
	err = needs_kernel && f->recheck ? -E_UNSUPPORTED : attach(r->fd, f);
	if (err && r->bpf && !needs_kernel) {
		ring_filter_make_plain(f);
		err = attach(r->fd, f);
	}
	r->recheck = f->recheck;
	free(f);
	if (err)
		return FAIL(fault, err, "the kernel does not take the filter for %s: %s", r->iface,
			    err_text(err));
	return 0;
}

static int map_ring(struct capture_ring *r)
{
	struct tpacket_req3 request = {
		.tp_block_size = r->block_len,
		.tp_block_nr = r->n_blocks,
		.tp_frame_size = FRAME_LEN,
		.tp_frame_nr = r->block_len / FRAME_LEN * r->n_blocks,
		.tp_retire_blk_tov = r->retire_ms,
	};
	int version = TPACKET_V3, headroom = HEADROOM, one = 1;
	void *map;

	/* SO_TIMESTAMPNS: stamps of when packets came, not of when they reached this ring. */
	if (setsockopt(r->fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) < 0 ||
	    setsockopt(r->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(r->fd, SOL_PACKET, PACKET_RESERVE, &headroom, sizeof(headroom)) < 0 ||
	    setsockopt(r->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) < 0)
		return -errno;
	map = mmap(NULL, r->map_len, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	r->map = map;
	return 0;
}

/* The socket has no protocol, and so gets no packet, before it is bound. */
static int bind_ring(struct capture_ring *r, bool promiscuous)
{
	struct sockaddr_ll name = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(r->protocol ? r->protocol : ETH_P_ALL),
		.sll_ifindex = r->ifindex,
	};
	struct packet_mreq member = { .mr_ifindex = r->ifindex, .mr_type = PACKET_MR_PROMISC };
	socklen_t len = sizeof(int);
	int err = 0;

	if (bind(r->fd, (struct sockaddr *)&name, sizeof(name)) < 0 ||
	    getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		return -errno;
	if (err)
		return -err;
	if (promiscuous &&
	    setsockopt(r->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &member, sizeof(member)) < 0)
		return -errno;
	return 0;
}

/* Sizes and names as configured. */
static int configure(struct capture_ring *r, const struct capture_ring_config *config,
		     struct fault *fault)
{
	uint64_t bytes = config->buffer_bytes ? config->buffer_bytes : CAPTURE_RING_BYTES;
	uint32_t block = config->block_bytes ? config->block_bytes : CAPTURE_RING_BLOCK;
	uint64_t n_blocks = bytes / block + (bytes % block != 0);

	if (strlen(config->iface) >= sizeof(r->iface) || !*config->iface)
		return FAIL(fault, -ENODEV,
			    "there is no interface \"%.40s\" here. List them: sonde ifaces",
			    config->iface);
	strcpy(r->iface, config->iface);
	if (n_blocks > BLOCKS_MAX)
		return FAIL(fault, -E_RANGE,
			    "a ring of %" PRIu64 " MiB is too large: at most %" PRIu64, bytes >> 20,
			    (uint64_t)BLOCKS_MAX * block >> 20);
	if (config->retire_ms > RETIRE_MAX_MS)
		return FAIL(fault, -E_RANGE, "blocks must retire within %u ms", RETIRE_MAX_MS);
	if (config->snap_len > CAPTURE_PACKET_MAX)
		return FAIL(fault, -E_RANGE, "at most %u bytes are kept of a packet",
			    CAPTURE_PACKET_MAX);
	if (config->promiscuous && !strcmp(r->iface, "any"))
		return FAIL(fault, -E_UNSUPPORTED,
			    "\"any\" cannot be promiscuous: name the interfaces");
	r->block_len = block;
	r->n_blocks = n_blocks < BLOCKS_MIN ? BLOCKS_MIN : (uint32_t)n_blocks;
	r->map_len = (size_t)r->n_blocks * r->block_len;
	r->retire_ms = config->retire_ms ? config->retire_ms : CAPTURE_RING_RETIRE_MS;
	r->snap_len = config->snap_len ? config->snap_len : CAPTURE_PACKET_MAX;
	r->interface = config->interface;
	r->protocol = config->protocol;
	return 0;
}

static int open_ring(struct capture_ring *r, const struct capture_ring_config *config,
		     struct fault *fault)
{
	uint32_t netmask;
	int err = configure(r, config, fault);

	if (!err)
		err = look_at_interface(r, &netmask, fault);
	if (!err && config->filter && *config->filter)
		err = compile(r, config->filter, netmask, fault);
	if (err)
		return err;
	r->fd = socket(AF_PACKET, (r->dgram ? SOCK_DGRAM : SOCK_RAW) | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       0);
	if (r->fd < 0)
		return fail_socket(r, -errno, fault);
	err = attach_filter(r, fault);
	if (err)
		return err;
	err = map_ring(r);
	if (!err)
		err = bind_ring(r, config->promiscuous);
	return err ? fail_socket(r, err, fault) : 0;
}

int capture_ring_open(const struct capture_ring_config *config, struct capture_ring **ret_ring,
		      struct fault *fault)
{
	struct capture_ring *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return FAIL(fault, -ENOMEM, "no memory for a ring");
	r->fd = -1;
	err = open_ring(r, config, fault);
	if (err) {
		capture_ring_free(r);
		return err;
	}
	*ret_ring = r;
	return 0;
}

struct capture_ring *capture_ring_free(struct capture_ring *r)
{
	if (!r)
		return NULL;
	if (r->map)
		munmap(r->map, r->map_len);
	if (r->fd >= 0)
		close(r->fd);
	bpf_free(r->bpf);
	free(r);
	return NULL;
}

int capture_ring_fd(const struct capture_ring *r)
{
	return r->fd;
}

uint32_t capture_ring_link_type(const struct capture_ring *r)
{
	return r->link_type;
}

uint32_t capture_ring_snap_len(const struct capture_ring *r)
{
	return r->snap_len;
}

const char *capture_ring_iface(const struct capture_ring *r)
{
	return r->iface;
}

unsigned capture_ring_retire_ms(const struct capture_ring *r)
{
	return r->retire_ms;
}

/* The interface has gone down or away: what is in the ring still comes, within the retirement. */
static int look_for_end(struct capture_ring *r)
{
	char name[IFNAMSIZ];
	socklen_t len = sizeof(int);
	int err = 0;

	if (!r->end_err) {
		if (getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
			err = errno;
		if (!err)
			return 0;
		r->end_err = -err;
		r->end_ns = clock_monotonic_ns() + (2 * r->retire_ms + 20) * NS_PER_MS;
	}
	if (clock_monotonic_ns() < r->end_ns)
		return 0;
	if (r->end_err == -ENETDOWN && !if_indextoname((unsigned)r->ifindex, name))
		r->end_err = -ENXIO;
	return r->end_err;
}

int capture_ring_next_block(struct capture_ring *r, struct capture_block *ret_block)
{
	struct tpacket_block_desc *desc = (void *)(r->map + (size_t)r->next_block * r->block_len);
	struct tpacket_hdr_v1 *head = &desc->hdr.bh1;

	if (!(__atomic_load_n(&head->block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
		return look_for_end(r);
	r->next_block = (r->next_block + 1) % r->n_blocks;
	*ret_block = (struct capture_block){
		.block = desc,
		.next = (const uint8_t *)desc + head->offset_to_first_pkt,
		.left = head->num_pkts,
	};
	return 1;
}

void capture_ring_release(struct capture_ring *r, struct capture_block *block)
{
	struct tpacket_block_desc *desc = block->block;

	(void)r;
	__atomic_store_n(&desc->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	*block = (struct capture_block){ 0 };
}

/* Direction, how it was received, and whether its checksums are computed yet, as epb_flags. */
static uint32_t packet_flags(const struct tpacket3_hdr *h, const struct sockaddr_ll *from)
{
	static const uint32_t reception[] = {
		[PACKET_HOST] = 1 << 2,
		[PACKET_BROADCAST] = 3 << 2,
		[PACKET_MULTICAST] = 2 << 2,
		[PACKET_OTHERHOST] = 4 << 2,
	};
	uint32_t flags = CAPTURE_OUTBOUND;

	if (from->sll_pkttype < ARRAY_LEN(reception))
		flags = CAPTURE_INBOUND | reception[from->sll_pkttype];
	if (h->tp_status & TP_STATUS_CSUMNOTREADY)
		flags |= CAPTURE_CHECKSUM_NOT_READY;
	if (h->tp_status & TP_STATUS_CSUM_VALID)
		flags |= CAPTURE_CHECKSUM_VALID;
	return flags;
}

static void write_be16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

/* LINKTYPE_LINUX_SLL2, all of it in network order. */
static void write_cooked(uint8_t *to, uint16_t protocol, const struct sockaddr_ll *from)
{
	write_be16(to, protocol);
	write_be16(to + 2, 0);
	write_be16(to + 4, (uint32_t)from->sll_ifindex >> 16);
	write_be16(to + 6, (uint32_t)from->sll_ifindex);
	write_be16(to + 8, from->sll_hatype);
	to[10] = from->sll_pkttype;
	to[11] = from->sll_halen;
	memcpy(to + 12, from->sll_addr, sizeof(from->sll_addr));
}

static void grow_in_front(struct capture_packet *p, uint32_t len)
{
	p->bytes -= len;
	p->cap_len += len;
	p->wire_len += len;
}

/*
 * A cooked header instead of the link's own. The kernel could leave that away itself (SOCK_DGRAM),
 * but then names the protocol inside of tags that are still there.
 */
static void cook(const struct tpacket3_hdr *h, const struct sockaddr_ll *from,
		 struct capture_packet *p)
{
	uint32_t header_len = h->tp_net - h->tp_mac;

	p->bytes += header_len;
	p->cap_len -= MIN(header_len, p->cap_len);
	p->wire_len -= MIN(header_len, p->wire_len);
	write_cooked((uint8_t *)p->bytes - SLL2_LEN, ntohs(from->sll_protocol), from);
	grow_in_front(p, SLL2_LEN);
}

/*
 * Between the addresses and the type of an Ethernet frame. In a cooked packet the header names the
 * tag's protocol, and the tag's second half, with what the header named before, comes behind it.
 */
static void put_tag_back(const struct capture_ring *r, const struct tpacket3_hdr *h,
			 const struct sockaddr_ll *from, struct capture_packet *p)
{
	uint16_t tpid = h->tp_status & TP_STATUS_VLAN_TPID_VALID ? h->hv1.tp_vlan_tpid
								 : ETH_P_8021Q;
	uint8_t *start = (uint8_t *)p->bytes - VLAN_LEN; /* in the ring, which is ours */

	if (r->link_type == LINKTYPE_ETHERNET) {
		memmove(start, p->bytes, MACS_LEN);
		write_be16(start + MACS_LEN, tpid);
		write_be16(start + MACS_LEN + 2, h->hv1.tp_vlan_tci);
	} else {
		write_cooked(start, tpid, from);
		write_be16(start + SLL2_LEN, h->hv1.tp_vlan_tci);
		write_be16(start + SLL2_LEN + 2, ntohs(from->sll_protocol));
	}
	grow_in_front(p, VLAN_LEN);
}

static bool is_tagged(const struct capture_ring *r, const struct tpacket3_hdr *h,
		      const struct capture_packet *p)
{
	if (!(h->tp_status & TP_STATUS_VLAN_VALID) && !h->hv1.tp_vlan_tci)
		return false;
	return r->link_type == LINKTYPE_LINUX_SLL2 ||
	       (r->link_type == LINKTYPE_ETHERNET && p->cap_len >= MACS_LEN);
}

/* Gives a packet its final form; false: the filter does not let it pass. */
static bool finish(struct capture_ring *r, struct tpacket3_hdr *h, struct capture_packet *p)
{
	const struct sockaddr_ll *from = (void *)((uint8_t *)h + TPACKET_ALIGN(sizeof(*h)));
	bool tagged, see_again, with_tag = r->bpf && bpf_has_vlan(r->bpf);

	*p = (struct capture_packet){
		.bytes = (const uint8_t *)h + h->tp_mac,
		.cap_len = h->tp_snaplen,
		.wire_len = h->tp_len,
		.time_ns = h->tp_sec * (int64_t)NS_PER_S + h->tp_nsec,
		.interface = r->interface,
		.link_type = r->link_type,
		.flags = packet_flags(h, from),
	};
	if (r->link_type == LINKTYPE_LINUX_SLL2)
		cook(h, from, p);
	tagged = is_tagged(r, h, p);
	see_again = r->recheck == RECHECK_ALL || (r->recheck == RECHECK_TAGGED && tagged);
	if (see_again && !with_tag && !bpf_match(r->bpf, p))
		return false;
	if (tagged)
		put_tag_back(r, h, from, p);
	if (see_again && with_tag && !bpf_match(r->bpf, p))
		return false;
	p->cap_len = MIN(p->cap_len, r->snap_len);
	return true;
}

bool capture_ring_next(struct capture_ring *r, struct capture_block *block,
		       struct capture_packet *ret_packet)
{
	while (block->left) {
		struct tpacket3_hdr *h = (void *)block->next;

		block->left--;
		block->next += h->tp_next_offset;
		if (likely(finish(r, h, ret_packet)))
			return true;
		r->rejected++;
	}
	return false;
}

void capture_ring_close_door(struct capture_ring *r)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &none };

	/* It cannot fail for want of rights or form; for want of memory, packets go on to come. */
	(void)setsockopt(r->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

void capture_ring_counts(struct capture_ring *r, struct capture_counts *ret_counts)
{
	struct tpacket_stats_v3 now;
	socklen_t len = sizeof(now);

	/* Reading them sets them to zero. What was dropped is in tp_packets as well. */
	if (getsockopt(r->fd, SOL_PACKET, PACKET_STATISTICS, &now, &len) == 0) {
		r->counts.received += now.tp_packets;
		r->counts.dropped += now.tp_drops;
		r->counts.frozen += now.tp_freeze_q_cnt;
	}
	*ret_counts = r->counts;
	ret_counts->received -= MIN(r->rejected, r->counts.received);
}
