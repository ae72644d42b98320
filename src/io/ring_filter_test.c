/*
 * The composed programs run in libpcap's interpreter, with what the kernel would answer about a
 * packet put in the place of the loads that ask for it.
 */
#include "io/ring_filter.h"

#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <pcap/pcap.h>

#include "base/macros.h"

#define ETHERNET 1
#define SLL2	 276

/* What the kernel knows beside the packet. */
struct beside {
	uint32_t hatype, pkttype, protocol, vlan_present, ifindex;
};

static const uint8_t frame[] = {
	2, 0,  0,  0, 0, 2,  2, 0, 0, 0,  0, 1, 8, 0,	 0x45, 0, 0,  28, 0, 1, 0,
	0, 64, 17, 0, 0, 10, 9, 0, 1, 10, 9, 0, 2, 0x12, 0x34, 0, 53, 0,  8, 0, 0,
};

static uint32_t answer(const struct beside *b, uint32_t what)
{
	switch (what) {
	case SKF_AD_HATYPE:
		return b->hatype;
	case SKF_AD_PKTTYPE:
		return b->pkttype;
	case SKF_AD_PROTOCOL:
		return b->protocol;
	case SKF_AD_IFINDEX:
		return b->ifindex;
	case SKF_AD_VLAN_TAG_PRESENT:
		return b->vlan_present;
	}
	fail_msg("the program asks for %u", what);
	return 0;
}

static unsigned run(const struct ring_filter *f, const struct beside *b)
{
	struct bpf_insn insns[RING_FILTER_MAX];

	memcpy(insns, f->insns, f->n * sizeof(*insns));
	for (uint16_t i = 0; i < f->n; i++) {
		if (BPF_CLASS(insns[i].code) == BPF_LD && BPF_MODE(insns[i].code) == BPF_ABS &&
		    insns[i].k >= (uint32_t)SKF_AD_OFF) {
			insns[i].k = answer(b, insns[i].k - (uint32_t)SKF_AD_OFF);
			insns[i].code = BPF_LD | BPF_IMM;
		}
	}
	return bpf_filter(insns, frame, sizeof(frame), sizeof(frame));
}

static unsigned ask(const char *text, uint32_t link_type, enum recheck recheck,
		    const struct beside *b)
{
	static struct ring_filter f;
	struct bpf *bpf = NULL;

	if (text)
		assert_int_equal(bpf_compile(text, link_type, BPF_NETMASK_UNKNOWN, &bpf, NULL), 0);
	ring_filter_make(bpf, link_type == SLL2, 100, &f);
	assert_int_equal(f.recheck, recheck);
	bpf_free(bpf);
	return run(&f, b);
}

static const struct beside plain = { ARPHRD_ETHER, PACKET_HOST, ETH_P_IP, 0, 3 };

static void test_loopback_once(void **state)
{
	struct beside b = { ARPHRD_LOOPBACK, PACKET_OUTGOING, ETH_P_IP, 0, 1 };

	(void)state;
	assert_int_equal(ask(NULL, ETHERNET, RECHECK_NONE, &b), 0);
	assert_int_equal(ask("udp", ETHERNET, RECHECK_NONE, &b), 0);
	assert_int_equal(ask("udp", SLL2, RECHECK_ALL, &b), 0);
	b.pkttype = PACKET_HOST;
	assert_int_equal(ask(NULL, ETHERNET, RECHECK_NONE, &b), 100);
	b = (struct beside){ ARPHRD_ETHER, PACKET_OUTGOING, ETH_P_IP, 0, 1 };
	assert_int_equal(ask(NULL, ETHERNET, RECHECK_NONE, &b), 100);
}

static void test_snap_length(void **state)
{
	(void)state;
	assert_int_equal(ask("udp port 53", ETHERNET, RECHECK_NONE, &plain), 100);
	assert_int_equal(ask("udp port 54", ETHERNET, RECHECK_NONE, &plain), 0);
}

static void test_tags(void **state)
{
	struct beside b = plain;

	(void)state;
	assert_int_equal(ask("vlan and udp", ETHERNET, RECHECK_TAGGED, &b), 0);
	assert_int_equal(ask("not vlan", ETHERNET, RECHECK_TAGGED, &b), CAPTURE_PACKET_MAX);
	b.vlan_present = 1;
	assert_int_equal(ask("vlan and tcp", ETHERNET, RECHECK_TAGGED, &b), CAPTURE_PACKET_MAX);
	assert_int_equal(ask("tcp", ETHERNET, RECHECK_NONE, &b), 0);
}

static void test_cooked(void **state)
{
	static const struct {
		const char *filter;
		bool passes;
	} rows[] = {
		{ "udp port 53", true },
		{ "udp port 54", false },
		{ "src host 10.9.0.1", true },
		{ "dst host 10.9.0.1", false },
		{ "ip[8] = 64", true },
		{ "arp", false },
		{ "ifindex 3", true },
		{ "ifindex 4", false },
		{ "inbound", true },
		{ "outbound", false },
		{ "udp[0:2] = 0x1234", true },
		{ "udp[ip[8] - 62] = 0", true },
		{ "udp[ip[8] - 62] = 1", false },
	};
	struct beside b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(ask(rows[i].filter, SLL2, RECHECK_ALL, &plain) != 0,
				 rows[i].passes);
	/* What cannot be known here passes, for the recheck. */
	assert_true(ask("greater 1000", SLL2, RECHECK_ALL, &plain));
	b = (struct beside){ ARPHRD_NONE, PACKET_HOST, ETH_P_IP, 0, 3 };
	assert_true(ask("tcp", SLL2, RECHECK_ALL, &b));
	b = (struct beside){ ARPHRD_ETHER, PACKET_OUTGOING, ETH_P_8021Q, 0, 3 };
	assert_true(ask("tcp", SLL2, RECHECK_ALL, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loopback_once),
		cmocka_unit_test(test_snap_length),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_cooked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
