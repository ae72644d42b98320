#include "io/bpf.h"

#include <ctype.h>
#include <errno.h>
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

struct bpf {
	struct bpf_program program;
	bool has_vlan;
	bool needs_kernel;
};

/* In files, bare IP has a number of its own, because that of DLT_RAW differs between systems. */
static int dlt_of(uint32_t link_type)
{
	return link_type == 101 ? DLT_RAW : (int)link_type;
}

/* libpcap hands its instructions to the kernel as they are; so do we. */
_Static_assert(sizeof(struct sock_filter) == sizeof(struct bpf_insn), "one form of instructions");

/* Is @word among the words of @text? Words end where libpcap's scanner ends them. */
static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)) != NULL; at += len) {
		bool starts = at == text ||
			      !(isalnum((unsigned char)at[-1]) || strchr("-_.\\", at[-1]));
		bool ends = !at[len] ||
			    !(isalnum((unsigned char)at[len]) || strchr("-_.", at[len]));

		if (starts && ends)
			return true;
	}
	return false;
}

/* Loads from the places above the packet where the kernel shows what it knows about it. */
static bool loads_beside_packet(const struct bpf_program *program)
{
	for (unsigned i = 0; i < program->bf_len; i++) {
		const struct bpf_insn *insn = &program->bf_insns[i];

		if (BPF_CLASS(insn->code) == BPF_LD && BPF_MODE(insn->code) == BPF_ABS &&
		    insn->k >= (uint32_t)SKF_AD_OFF)
			return true;
	}
	return false;
}

/*
 * pcap_compile(3PCAP) does not say so, but it compares the mask with loaded words, which are in
 * host order. Programs that pass pcap_lookupnet()'s find no broadcast.
 */
int bpf_compile(const char *text, uint32_t link_type, uint32_t netmask, struct bpf **ret_bpf,
		struct fault *fault)
{
	struct bpf *bpf = calloc(1, sizeof(*bpf));
	pcap_t *dead = pcap_open_dead(dlt_of(link_type), CAPTURE_PACKET_MAX);
	int err = 0;

	if (!bpf || !dead) {
		err = -ENOMEM;
		fault_set(fault, 0, "no memory for the filter");
	} else if (pcap_compile(dead, &bpf->program, text, 1, netmask) < 0) {
		err = fault_set(fault, 0, "the filter \"%.80s\" is not understood: %s", text,
				pcap_geterr(dead));
	} else {
		bpf->has_vlan = has_word(text, "vlan");
		bpf->needs_kernel = loads_beside_packet(&bpf->program);
	}
	if (dead)
		pcap_close(dead);
	if (err) {
		free(bpf);
		return err;
	}
	*ret_bpf = bpf;
	return 0;
}

struct bpf *bpf_free(struct bpf *bpf)
{
	if (!bpf)
		return NULL;
	pcap_freecode(&bpf->program);
	free(bpf);
	return NULL;
}

bool bpf_needs_kernel(const struct bpf *bpf)
{
	return bpf->needs_kernel;
}

bool bpf_has_vlan(const struct bpf *bpf)
{
	return bpf->has_vlan;
}

bool bpf_match(const struct bpf *bpf, const struct capture_packet *packet)
{
	return bpf_filter(bpf->program.bf_insns, packet->bytes, packet->wire_len,
			  packet->cap_len) != 0;
}

const struct sock_filter *bpf_program(const struct bpf *bpf, uint32_t *ret_n)
{
	*ret_n = bpf->program.bf_len;
	return (const struct sock_filter *)bpf->program.bf_insns;
}
