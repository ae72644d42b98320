#include "cli/capture_tables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "capture/flows.h"
#include "capture/hierarchy.h"
#include "capture/talkers.h"

/* Rows kept; those that were silent longest make room. */
#define ROWS_MAX 100000

struct capture_tables {
	const struct capture *capture;
	struct talkers *talkers;
	struct flows *flows;
	struct hierarchy *hierarchy;
	uint64_t packets;
	bool out_of_memory;
};

enum {
	T_HOST,
	T_ROLE,
	T_PROTOCOL,
	T_PORT,
	T_APPLICATION,
	T_PACKETS_IN,
	T_PACKETS_OUT,
	T_BYTES_IN,
	T_BYTES_OUT,
	T_FIRST,
	T_LAST,
	N_TALKER,
};

static const struct out_column talker_columns[] = {
	[T_HOST] = { "host", OUT_ADDR, .about = "address" },
	[T_ROLE] = { "role", OUT_TEXT,
		     .about = "serves: others use this port here; uses: it uses "
			      "this port elsewhere" },
	[T_PROTOCOL] = { "protocol", OUT_TEXT, .about = "transport protocol" },
	[T_PORT] = { "port", OUT_UINT, .about = "of the service" },
	[T_APPLICATION] = { "application", OUT_TEXT,
			    .about = "the protocol that was recognised there" },
	[T_PACKETS_IN] = { "packets_in", OUT_UINT, .about = "received by the host" },
	[T_PACKETS_OUT] = { "packets_out", OUT_UINT, .about = "sent by the host" },
	[T_BYTES_IN] = { "bytes_in", OUT_BYTES, .about = "likewise, as on the wire" },
	[T_BYTES_OUT] = { "bytes_out", OUT_BYTES, .about = "likewise" },
	[T_FIRST] = { "first", OUT_TIME, .minor = 2, .about = "time of the first packet" },
	[T_LAST] = { "last", OUT_TIME, .minor = 1, .about = "time of the last packet" },
};
const struct out_type talker_type = { "talker", talker_columns, N_TALKER };

enum {
	F_STREAM,
	F_PROTOCOL,
	F_APPLICATION,
	F_CLIENT,
	F_SERVER,
	F_PACKETS_OUT,
	F_PACKETS_IN,
	F_BYTES_OUT,
	F_BYTES_IN,
	F_START,
	F_DURATION,
	F_STATE,
	F_RTT,
	N_FLOW,
};

static const struct out_column flow_columns[] = {
	[F_STREAM] = { "stream", OUT_UINT,
		       .about = "its number among those of its protocol: tcp.stream, udp.stream" },
	[F_PROTOCOL] = { "protocol", OUT_TEXT, .about = "transport protocol" },
	[F_APPLICATION] = { "application", OUT_TEXT, .about = "the protocol recognised in it" },
	[F_CLIENT] = { "client", OUT_TEXT, .about = "who called, or was seen first" },
	[F_SERVER] = { "server", OUT_TEXT, .about = "the other one" },
	[F_PACKETS_OUT] = { "packets_out", OUT_UINT, .about = "from client to server" },
	[F_PACKETS_IN] = { "packets_in", OUT_UINT, .about = "from server to client" },
	[F_BYTES_OUT] = { "bytes_out", OUT_BYTES, .about = "from client to server, on the wire" },
	[F_BYTES_IN] = { "bytes_in", OUT_BYTES, .about = "from server to client, on the wire" },
	[F_START] = { "start", OUT_TIME, .minor = 1, .about = "time of the first packet" },
	[F_DURATION] = { "duration_s", OUT_SECONDS, .about = "from the first packet to the last" },
	[F_STATE] = { "state", OUT_TEXT, .about = "how the TCP connection stands" },
	[F_RTT] = { "rtt_ms", OUT_MS, .minor = 2, .about = "round-trip time of the handshake" },
};
const struct out_type flow_type = { "flow", flow_columns, N_FLOW };

enum { P_PROTOCOL, P_DEPTH, P_PACKETS, P_PACKETS_PERCENT, P_BYTES, N_PROTOCOL };

static const struct out_column protocol_columns[] = {
	[P_PROTOCOL] = { "protocol", OUT_TEXT, .about = "name, indented below what carries it" },
	[P_DEPTH] = { "depth", OUT_UINT, .extra = true, .about = "how deep it is inside others" },
	[P_PACKETS] = { "packets", OUT_UINT, .about = "packets that have it there" },
	[P_PACKETS_PERCENT] = { "packets_percent", OUT_REAL, .title = "%",
				.about = "of all packets" },
	[P_BYTES] = { "bytes", OUT_BYTES, .about = "of those packets, as on the wire" },
};
const struct out_type protocol_type = { "protocol", protocol_columns, N_PROTOCOL };

int capture_tables_new(const struct capture *c, struct capture_tables **ret_tables)
{
	struct capture_tables *t = calloc(1, sizeof(*t));
	const struct capture_options *o = c->o;

	if (!t)
		return -ENOMEM;
	t->capture = c;
	if (o->talkers)
		t->talkers = talkers_new(ROWS_MAX);
	if (o->flows)
		t->flows = flows_new(ROWS_MAX);
	if (o->protocols)
		t->hierarchy = hierarchy_new();
	if ((o->talkers && !t->talkers) || (o->flows && !t->flows) ||
	    (o->protocols && !t->hierarchy)) {
		capture_tables_free(t);
		return -ENOMEM;
	}
	*ret_tables = t;
	return 0;
}

struct capture_tables *capture_tables_free(struct capture_tables *t)
{
	if (!t)
		return NULL;
	talkers_free(t->talkers);
	flows_free(t->flows);
	hierarchy_free(t->hierarchy);
	free(t);
	return NULL;
}

void capture_tables_packet(struct capture_tables *t, const struct packet *packet)
{
	int err = 0;

	t->packets++;
	if (t->talkers)
		err = talkers_add(t->talkers, packet);
	if (t->flows && !err)
		err = flows_add(t->flows, packet);
	if (t->hierarchy)
		hierarchy_add(t->hierarchy, packet);
	t->out_of_memory |= err < 0;
}

/* Wireshark's name; none for what was not recognised. */
static struct out_value name_of(uint8_t proto)
{
	return out_text(proto ? protocols[proto]->name : NULL);
}

static int64_t show_talkers(struct capture_tables *t, int64_t max)
{
	const struct talker **talkers;
	int64_t n = talkers_sorted(t->talkers, &talkers);

	for (int64_t i = 0; i < MIN(n, max); i++) {
		const struct talker *k = talkers[i];
		struct out_value row[N_TALKER] = {
			[T_HOST] = out_addr(&k->addr),
			[T_ROLE] = out_text(k->serves ? "serves" : "uses"),
			[T_PROTOCOL] = name_of(k->proto),
			[T_PORT] = { .set = k->port, .u = k->port },
			[T_APPLICATION] = name_of(k->application),
			[T_PACKETS_IN] = out_uint(k->packets_in),
			[T_PACKETS_OUT] = out_uint(k->packets_out),
			[T_BYTES_IN] = out_uint(k->bytes_in),
			[T_BYTES_OUT] = out_uint(k->bytes_out),
			[T_FIRST] = out_ns(k->first_ns),
			[T_LAST] = out_ns(k->last_ns),
		};

		out_record(t->capture->cmd->out, &talker_type, row);
	}
	if (n >= 0)
		free(talkers);
	return n;
}

#define END_MAX 80

/* Address and port; the address alone where the protocol has no ports. */
static struct out_value end_of(const struct endpoint *end, char text[static END_MAX])
{
	struct buf b = buf_in(text, END_MAX);

	if (end->port)
		buf_endpoint(&b, end);
	else
		buf_addr(&b, &end->addr);
	return out_text_n(text, b.len);
}

static int64_t show_flows(struct capture_tables *t, int64_t max)
{
	const struct flow **flows;
	int64_t n = flows_sorted(t->flows, &flows);

	for (int64_t i = 0; i < MIN(n, max); i++) {
		const struct flow *f = flows[i];
		char ends[2][END_MAX];
		struct out_value row[N_FLOW] = {
			[F_STREAM] = { .set = f->has_stream, .u = f->stream },
			[F_PROTOCOL] = name_of(f->proto),
			[F_APPLICATION] = name_of(f->application),
			[F_CLIENT] = end_of(&f->ends[0], ends[0]),
			[F_SERVER] = end_of(&f->ends[1], ends[1]),
			[F_PACKETS_OUT] = out_uint(f->packets[0]),
			[F_PACKETS_IN] = out_uint(f->packets[1]),
			[F_BYTES_OUT] = out_uint(f->bytes[0]),
			[F_BYTES_IN] = out_uint(f->bytes[1]),
			[F_START] = out_ns(f->first_ns),
			[F_DURATION] = out_ns(f->last_ns - f->first_ns),
			[F_STATE] =
				out_text(f->state == FLOW_NONE ? NULL : flow_state_name(f->state)),
			[F_RTT] = { .set = f->rtt_ns != 0, .i = f->rtt_ns },
		};

		out_record(t->capture->cmd->out, &flow_type, row);
	}
	if (n >= 0)
		free(flows);
	return n;
}

static int64_t show_protocols(struct capture_tables *t, int64_t max)
{
	const struct command *cmd = t->capture->cmd;
	bool indent = !cmd->common.json && !cmd->common.csv;
	struct hierarchy_node *nodes;
	int64_t n = hierarchy_sorted(t->hierarchy, &nodes);

	for (int64_t i = 0; i < MIN(n, max); i++) {
		const struct hierarchy_node *node = &nodes[i];
		char name[128];
		struct out_value row[N_PROTOCOL] = {
			[P_DEPTH] = out_uint(node->depth),
			[P_PACKETS] = out_uint(node->packets),
			[P_PACKETS_PERCENT] = out_real(100.0 * (double)node->packets /
						       (double)MAX(t->packets, 1u)),
			[P_BYTES] = out_uint(node->bytes),
		};

		snprintf(name, sizeof(name), "%*s%s", indent ? 2 * node->depth : 0, "",
			 protocols[node->proto]->name);
		row[P_PROTOCOL] = out_text(name);
		out_record(cmd->out, &protocol_type, row);
	}
	if (n >= 0)
		free(nodes);
	return n;
}

/* All tables that were asked for, at most @max rows each. */
static void show(struct capture_tables *t, int64_t max)
{
	static int64_t (*const shows[])(struct capture_tables *,
					int64_t) = { show_talkers, show_flows, show_protocols };
	const bool asked[] = { t->talkers, t->flows, t->hierarchy };
	bool first = true;

	for (size_t i = 0; i < ARRAY_LEN(shows); i++) {
		int64_t n;

		if (!asked[i])
			continue;
		if (!first)
			out_line(t->capture->cmd->out, "%s", "");
		first = false;
		n = shows[i](t, max);
		t->out_of_memory |= n < 0;
		if (n > max)
			out_line(t->capture->cmd->out, "… and %lld more", (long long)(n - max));
	}
	(void)out_flush(t->capture->cmd->out);
}

/* Rows that fit on the terminal, for each of the tables. */
static int64_t rows_that_fit(const struct capture_tables *t)
{
	struct winsize size;
	int64_t n = !!t->talkers + !!t->flows + !!t->hierarchy, lines = 24;

	if (!ioctl(t->capture->cmd->fd, TIOCGWINSZ, &size) && size.ws_row)
		lines = size.ws_row;
	return MAX(lines / MAX(n, (int64_t)1) - 4, (int64_t)3);
}

void capture_tables_refresh(struct capture_tables *t)
{
	const struct command *cmd = t->capture->cmd;
	static const char clear[] = "\033[H\033[2J";

	if (cmd->interactive && !cmd->common.json && !cmd->common.csv) {
		if (write(cmd->fd, clear, sizeof(clear) - 1) < 0)
			return;
		out_line(cmd->out, "%llu packets; Ctrl-C ends", (unsigned long long)t->packets);
		show(t, rows_that_fit(t));
	} else {
		show(t, INT64_MAX);
	}
}

void capture_tables_finish(struct capture_tables *t)
{
	const struct command *cmd = t->capture->cmd;
	uint64_t evicted = (t->talkers ? talkers_evicted(t->talkers) : 0) +
			   (t->flows ? flows_evicted(t->flows) : 0);

	show(t, INT64_MAX);
	if (evicted)
		command_notes(cmd,
			      "%llu rows that were silent longest were forgotten: at most %d "
			      "are kept",
			      (unsigned long long)evicted, ROWS_MAX);
	if (t->flows && flows_others(t->flows))
		command_notes(cmd, "%llu packets belong to no conversation",
			      (unsigned long long)flows_others(t->flows));
	if (t->talkers && talkers_others(t->talkers))
		command_notes(cmd, "%llu packets belong to no host: they carry no IP",
			      (unsigned long long)talkers_others(t->talkers));
	if (t->hierarchy && hierarchy_incomplete(t->hierarchy))
		command_notes(
			cmd, "%llu packets have layers that found no row: at most %d are kept",
			(unsigned long long)hierarchy_incomplete(t->hierarchy), HIERARCHY_MAX);
	if (t->out_of_memory)
		command_notes(cmd, "memory ran out: rows are missing");
}
