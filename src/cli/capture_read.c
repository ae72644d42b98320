/* Packets of `sonde capture -r`: a file, or a pipe that somebody still writes into. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "cli/capture.h"
#include "io/bpf.h"
#include "io/capture_reader.h"
#include "io/capture_writer.h"

/* Link types of one file that a capture filter was compiled for. */
#define FILTERS_MAX 8

struct reading {
	struct capture *capture;
	struct capture_reader *reader;
	struct {
		uint32_t link_type;
		struct bpf *bpf;
	} filters[FILTERS_MAX];
	size_t n_filters;
	size_t n_interfaces; /* that the file being written knows */
	bool deaf;	     /* nobody takes what is printed: that is told elsewhere */
	int status;	     /* what a function already complained of */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number UNUSED)
{
	interrupted = 1;
}

/* Ctrl-C ends the reading, with the account of what was done. */
static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* Before a pipe would block: what is known is shown. */
static int wait_for(void *arg, int fd)
{
	struct reading *r = arg;
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int err = capture_settle(r->capture);

	if (!err && !interrupted && poll(&poll_fd, 1, -1) < 0 && errno != EINTR)
		err = -errno;
	return interrupted ? -E_CLOSED : err;
}

/* The capture filter for one link type, compiled when the first such packet comes. */
static struct bpf *filter_for(struct reading *r, uint32_t link_type)
{
	const struct capture *c = r->capture;
	struct fault fault = { 0 };
	struct bpf *bpf;
	int err;

	for (size_t i = 0; i < r->n_filters; i++)
		if (r->filters[i].link_type == link_type)
			return r->filters[i].bpf;
	if (r->n_filters == FILTERS_MAX) {
		r->status = command_fails(c->cmd, EXIT_CANNOT,
					  "%s has more than %d link types, too many for a filter",
					  c->o->read, FILTERS_MAX);
		return NULL;
	}
	err = bpf_compile(c->filter, link_type, BPF_NETMASK_UNKNOWN, &bpf, &fault);
	if (err == -E_SYNTAX) {
		r->status = capture_filter_fault(c, &fault);
	} else if (err < 0) {
		r->status = command_fails(c->cmd, EXIT_CANNOT, "%s", err_text(err));
	} else if (bpf_needs_kernel(bpf)) {
		r->status = command_fails(c->cmd, EXIT_USAGE,
					  "the filter '%s' asks for what files do not hold "
					  "(direction or interface): use it with -i",
					  c->filter);
		bpf_free(bpf);
	} else {
		r->filters[r->n_filters].link_type = link_type;
		r->filters[r->n_filters++].bpf = bpf;
		return bpf;
	}
	return NULL;
}

/* Whether the packet passes the capture filter; negative when that could not be said. */
static int passes(struct reading *r, const struct capture_packet *packet)
{
	struct bpf *bpf;

	if (!r->capture->filter)
		return 1;
	bpf = filter_for(r, packet->link_type);
	return bpf ? bpf_match(bpf, packet) : -E_SYNTAX;
}

/* Tells the file that is written of interfaces that came up, and gives it the packet. */
static int copy(struct reading *r, const struct capture_packet *packet)
{
	struct capture *c = r->capture;

	for (; r->n_interfaces < capture_reader_n_interfaces(r->reader); r->n_interfaces++) {
		const struct capture_interface *known =
			capture_reader_interface(r->reader, r->n_interfaces);
		const struct capture_writer_interface interface = {
			.name = known->name,
			.description = known->description,
			.filter = c->filter ?: known->filter,
			.link_type = known->link_type,
			.snap_len = c->o->snap_len ? (uint32_t)c->o->snap_len : known->snap_len,
			.fcs_len = known->fcs_len,
		};
		int err = capture_writer_add_interface(c->writer, &interface);

		if (err == -E_UNSUPPORTED)
			r->status = command_fails(c->cmd, EXIT_USAGE,
						  "%s has packets of several link types, which a "
						  "pcap file cannot hold: write pcapng",
						  c->o->read);
		if (err < 0)
			return err;
	}
	if (c->o->snap_len) {
		struct capture_packet cut = *packet;

		cut.cap_len = (uint32_t)MIN(cut.cap_len, c->o->snap_len);
		return capture_write(c, &cut);
	}
	return capture_write(c, packet);
}

/* Return: 0 to go on, 1 at the end that was asked for, negative after an error. */
static int take(struct reading *r, struct capture_packet *packet)
{
	struct capture *c = r->capture;
	const struct capture_interface *interface =
		capture_reader_interface(r->reader, packet->interface);
	int passed = passes(r, packet), err;

	if (passed <= 0)
		return passed;
	/* Where packets are written, all of them is there to choose by: only the file's are cut. */
	if (c->o->snap_len && !c->writer)
		packet->cap_len = (uint32_t)MIN(packet->cap_len, c->o->snap_len);
	passed = capture_packet(c, packet, interface && *interface->name ? interface->name : NULL);
	r->deaf = passed < 0;
	if (passed <= 0)
		return passed;
	err = c->writer ? copy(r, packet) : 0;
	if (err < 0 && !r->status)
		r->status = capture_write_complain(c);
	r->deaf |= err < 0;
	return err ? err : capture_enough(c);
}

/* The status for how reading ended. */
static int conclude(struct reading *r, int err)
{
	struct capture *c = r->capture;

	if (r->status)
		return r->status;
	if (r->deaf || err == -E_CLOSED || err >= 0)
		return EXIT_YES;
	return command_fails(c->cmd, EXIT_CANNOT, "%s: %s", c->o->read,
			     capture_reader_fault(r->reader)->text[0]
				     ? capture_reader_fault(r->reader)->text
				     : err_text(err));
}

/* @first_ns: time of the first packet, which may choose the first file's name. */
static int begin_writing(struct reading *r, int64_t first_ns)
{
	struct capture *c = r->capture;
	int status;

	if (!c->o->write)
		return EXIT_YES;
	if (capture_reader_reads(r->reader, c->o->write))
		return command_fails(c->cmd, EXIT_USAGE,
				     "%s is being read: to write it would empty it", c->o->write);
	status = capture_write_open(c, first_ns);
	if (status == EXIT_YES && capture_writer_begin(c->writer) < 0)
		status = capture_write_complain(c);
	return status;
}

int capture_read(struct capture *c)
{
	struct reading r = { .capture = c };
	const struct capture_wait wait = { wait_for, &r };
	struct capture_packet packet;
	struct fault fault = { 0 };
	int err = capture_reader_open(c->o->read, &wait, &r.reader, &fault), status;

	if (err < 0)
		return command_fails(c->cmd, err == -E_FOREIGN ? EXIT_USAGE : EXIT_CANNOT, "%s: %s",
				     c->o->read, fault.text);
	catch_signals();
	err = capture_reader_next(r.reader, &packet);
	r.status = begin_writing(&r, err > 0 ? packet.time_ns : 0);
	while (r.status == EXIT_YES && err > 0 && !interrupted) {
		err = take(&r, &packet);
		if (err)
			break;
		err = capture_reader_next(r.reader, &packet);
	}
	status = conclude(&r, err);
	for (size_t i = 0; i < r.n_filters; i++)
		bpf_free(r.filters[i].bpf);
	capture_let_go(c);
	capture_reader_free(r.reader);
	return status;
}
