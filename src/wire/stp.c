/*
 * Spanning tree (IEEE 802.1D section 9.3): what bridges tell each other about the root of the tree
 * and their way to it. The rapid version has the same message with more flags and one byte more;
 * what the multiple version adds for its regions follows as data. Times are 256ths of a second.
 */
#include "wire/stp.h"

#include "wire/packet.h"

#define STP_LEN	   4
#define CONFIG_LEN 35
#define RAPID_LEN  36
#define TICK_NS	   (NS_PER_S / 256)

enum { BPDU_CONFIG = 0x00, BPDU_RAPID = 0x02, BPDU_CHANGE = 0x80 };

static const struct value_name version_names[] = {
	{ 0, "spanning tree" },
	{ 2, "rapid spanning tree" },
	{ 3, "multiple spanning tree" },
	{ 4, "shortest path trees" },
	{ 0 },
};
static const struct value_name type_names[] = {
	{ BPDU_CONFIG, "configuration" },
	{ BPDU_RAPID, "rapid or multiple spanning tree" },
	{ BPDU_CHANGE, "topology change notification" },
	{ 0 },
};
static const struct value_name role_names[] = {
	{ 0, "unknown" }, { 1, "alternate or backup" }, { 2, "root" }, { 3, "designated" }, { 0 },
};

static const struct field fields[] = {
	{ AS_HEX("stp.protocol", 0, 16, 4), .title = "Protocol", .about = "0" },
	{ AS_UINT("stp.version", BYTE(2), 8), .title = "Version", .values = version_names },
	{ AS_HEX("stp.type", BYTE(3), 8, 2), .title = "Type", .values = type_names },
};
enum { ROW_TYPE = 2 };

#define FLAGS_ROW                                                    \
	{                                                            \
		AS_HEX("stp.flags", BYTE(4), 8, 2), .title = "Flags" \
	}
#define FLAG_ROW(n, at, t)                                                        \
	{                                                                         \
		AS_FLAG("stp.flags." n, BYTE(4) + (at)), .depth = 1, .title = (t) \
	}
#define BRIDGE_ROWS(n, at, who)                                                                   \
	{ AS_UINT("stp." n ".prio", BYTE(at), 4),                                                 \
	  .scale = 4096,                                                                          \
	  .title = who "'s priority",                                                             \
	  .label = "Prio",                                                                        \
	  .preset = 8,                                                                            \
	  .about = "The lowest becomes the root" },                                               \
		{ AS_UINT("stp." n ".ext", BYTE(at) + 4, 12), .title = who "'s system extension", \
		  .label = "Extension", .about = "The VLAN where each has a tree of its own" },   \
	{                                                                                         \
		AS_MAC("stp." n ".hw", BYTE((at) + 2)), .title = who "'s address"                 \
	}
#define TIME_ROW(n, at, t, ticks, what)                                                      \
	{                                                                                    \
		AS_(n, BYTE(at), 16, FIELD_DURATION), .scale = TICK_NS, .title = (t),        \
						      .preset = (ticks)*256, .about = (what) \
	}
#define TREE_ROWS                                                                              \
	BRIDGE_ROWS("root", 5, "Root"),                                                        \
		{ AS_UINT("stp.root.cost", BYTE(13), 32), .title = "Cost to the root" },       \
		BRIDGE_ROWS("bridge", 17, "Bridge"),                                           \
		{ AS_HEX("stp.port", BYTE(25), 16, 4), .title = "Port",                        \
		  .about = "Priority in the first four bits, number in the others" },          \
		TIME_ROW("stp.msg_age", 27, "Message age", 0, "Since the root sent it"),       \
		TIME_ROW("stp.max_age", 29, "Maximum age", 20, "Older messages do not count"), \
		TIME_ROW("stp.hello", 31, "Hello time", 2, "Between messages of the root"),    \
		TIME_ROW("stp.forward", 33, "Forward delay", 15,                               \
			 "That a port listens and learns before it forwards")

static const struct field config[] = {
	FLAGS_ROW,
	FLAG_ROW("tcack", 0, "Topology change acknowledgement"),
	FLAG_ROW("tc", 7, "Topology change"),
	TREE_ROWS,
};
static const struct field rapid[] = {
	FLAGS_ROW,
	FLAG_ROW("tcack", 0, "Topology change acknowledgement"),
	FLAG_ROW("agreement", 1, "Agreement"),
	FLAG_ROW("forwarding", 2, "Forwarding"),
	FLAG_ROW("learning", 3, "Learning"),
	{ AS_UINT("stp.flags.port_role", BYTE(4) + 4, 2), .depth = 1, .title = "Port role",
	  .values = role_names },
	FLAG_ROW("proposal", 6, "Proposal"),
	FLAG_ROW("tc", 7, "Topology change"),
	TREE_ROWS,
	{ AS_UINT("stp.version_1_length", BYTE(35), 8), .title = "Version 1 length", .about = "0" },
};

#define SECTION "IEEE 802.1D section 9.3"
static const struct block bodies[] = {
	{ .name = "config",
	  .title = "Configuration",
	  .rfc = SECTION ".1",
	  ROWS(config),
	  .min_len = CONFIG_LEN,
	  .code = BPDU_CONFIG },
	{ .name = "rapid",
	  .title = "Rapid spanning tree",
	  .rfc = SECTION ".3",
	  ROWS(rapid),
	  .min_len = RAPID_LEN,
	  .code = BPDU_RAPID },
	{ .name = "change",
	  .title = "Topology change notification",
	  .rfc = SECTION ".2",
	  .min_len = STP_LEN,
	  .code = BPDU_CHANGE },
};

static void line_bridge(struct buf *b, const char *what, const uint8_t *id)
{
	buf_str(b, what);
	buf_u64(b, load_be16(id));
	buf_char(b, '/');
	buf_mac(b, id + 2);
}

static void stp_line(struct buf *b, const struct packet *p, size_t layer)
{
	const struct layer *l = &p->layers[layer];
	const uint8_t *header = p->bytes + l->off;
	bool cut = l->header_len < STP_LEN;

	buf_str(b, !cut && header[2] == 2 ? "RSTP" : !cut && header[2] == 3 ? "MSTP" : "STP");
	if (cut)
		return;
	if (header[3] == BPDU_CHANGE)
		buf_lit(b, " topology change notification");
	if (l->header_len < CONFIG_LEN)
		return;
	line_bridge(b, " root ", header + 5);
	buf_lit(b, " cost ");
	buf_u64(b, load_be32(header + 13));
	line_bridge(b, " bridge ", header + 17);
	buf_lit(b, " port 0x");
	buf_hex_u64(b, load_be16(header + 25), 4);
	if (header[4] & 1)
		buf_lit(b, " topology change");
}

const struct protocol protocol_stp = {
	PROTOCOL_NAME("stp"),
	.short_name = "STP",
	.title = "Spanning Tree Protocol",
	.rfc = SECTION,
	.about = "Bridges agree on a topology without loops: which of them is the root, and which "
		 "ports forward.",
	ROWS(fields),
	.min_len = STP_LEN,
	.select = &fields[ROW_TYPE],
	.bodies = bodies,
	.n_bodies = ARRAY_LEN(bodies),
	.line = stp_line,
};
