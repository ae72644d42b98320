#include "io/ring_filter.h"

#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>

#include "base/macros.h"

#define SLL2_LEN	 20
#define SLL2_TO_ETHERNET (SLL2_LEN - ETH_HLEN)
#define AD(what)	 ((uint32_t)(SKF_AD_OFF + (what)))

/* Where the kernel shows what the cooked header will say. */
static const struct {
	uint32_t offset, ancillary;
	uint16_t size;
} sll2_fields[] = {
	{ 0, AD(SKF_AD_PROTOCOL), BPF_H },
	{ 4, AD(SKF_AD_IFINDEX), BPF_W },
	{ 8, AD(SKF_AD_HATYPE), BPF_H },
	{ 10, AD(SKF_AD_PKTTYPE), BPF_B },
};

static void add(struct ring_filter *f, const struct sock_filter *insns, size_t n)
{
	memcpy(f->insns + f->n, insns, n * sizeof(*insns));
	f->n = (uint16_t)(f->n + n);
}

static void add_loopback_once(struct ring_filter *f)
{
	static const struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_HATYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARPHRD_LOOPBACK, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	add(f, insns, ARRAY_LEN(insns));
}

static void add_pass_tagged(struct ring_filter *f)
{
	static const struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_VLAN_TAG_PRESENT)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, CAPTURE_PACKET_MAX),
	};

	add(f, insns, ARRAY_LEN(insns));
}

/*
 * Links of other sorts have their network header elsewhere. A tag inside the packet, as this
 * machine sends it, moves it as well.
 */
static void add_pass_unless_plain_ethernet(struct ring_filter *f)
{
	static const struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_HATYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARPHRD_ETHER, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARPHRD_LOOPBACK, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AD(SKF_AD_PROTOCOL)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_8021Q, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_8021AD, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, CAPTURE_PACKET_MAX),
	};

	add(f, insns, ARRAY_LEN(insns));
}

static bool uncook_header(struct sock_filter *insn)
{
	for (size_t i = 0; i < ARRAY_LEN(sll2_fields); i++) {
		if (insn->k == sll2_fields[i].offset &&
		    BPF_SIZE(insn->code) == sll2_fields[i].size) {
			insn->k = sll2_fields[i].ancillary;
			return true;
		}
	}
	return false;
}

/* Moves what one instruction reads; false: the kernel cannot know it. */
static bool uncook(struct sock_filter *insn)
{
	uint16_t mode = BPF_MODE(insn->code);

	if (BPF_CLASS(insn->code) != BPF_LD && BPF_CLASS(insn->code) != BPF_LDX)
		return true;
	if (mode == BPF_LEN)
		return false;
	if (mode != BPF_ABS && mode != BPF_IND && mode != BPF_MSH)
		return true;
	if (insn->k < SLL2_LEN)
		return mode == BPF_ABS && uncook_header(insn);
	insn->k -= SLL2_TO_ETHERNET;
	return true;
}

static bool uncook_all(struct sock_filter *insns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!uncook(&insns[i]))
			return false;
	return true;
}

static void cut_at(struct sock_filter *insns, size_t n, uint32_t snap_len)
{
	for (size_t i = 0; i < n; i++)
		if (insns[i].code == (BPF_RET | BPF_K) && insns[i].k)
			insns[i].k = snap_len;
}

void ring_filter_make_plain(struct ring_filter *ret_filter)
{
	static const struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, CAPTURE_PACKET_MAX);

	ret_filter->n = 0;
	ret_filter->recheck = RECHECK_ALL;
	add_loopback_once(ret_filter);
	add(ret_filter, &all, 1);
}

void ring_filter_make(const struct bpf *bpf, bool cooked, uint32_t snap_len,
		      struct ring_filter *ret_filter)
{
	const struct sock_filter *insns;
	uint32_t n, start;

	ring_filter_make_plain(ret_filter);
	if (!bpf) {
		ret_filter->recheck = RECHECK_NONE;
		cut_at(ret_filter->insns, ret_filter->n, snap_len);
		return;
	}
	insns = bpf_program(bpf, &n);
	ret_filter->n--; /* instead of letting all pass */
	if (cooked)
		add_pass_unless_plain_ethernet(ret_filter);
	else if (bpf_has_vlan(bpf))
		add_pass_tagged(ret_filter);
	start = ret_filter->n;
	if (n > RING_FILTER_MAX - start) {
		ring_filter_make_plain(ret_filter);
		return;
	}
	add(ret_filter, insns, n);
	if (cooked && !uncook_all(ret_filter->insns + start, n)) {
		ring_filter_make_plain(ret_filter);
	} else if (!cooked && !bpf_has_vlan(bpf)) {
		ret_filter->recheck = RECHECK_NONE;
		cut_at(ret_filter->insns, ret_filter->n, snap_len);
	} else if (!cooked) {
		ret_filter->recheck = RECHECK_TAGGED;
	}
}
