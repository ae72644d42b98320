/*
 * Packets of `sonde capture -i`: rings are opened with privileges, these are given up, and from
 * then on a thread empties the rings into the file while this one prints what it gets.
 */
#include <net/if_arp.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "cli/capture.h"
#include "cli/live.h"
#include "host/link.h"
#include "io/capture_thread.h"
#include "io/capture_writer.h"
#include "io/clock.h"
#include "io/privileges.h"

struct listening {
	struct live live; /* first: its callbacks get the address */
	struct capture *capture;
	struct capture_ring *rings[CAPTURE_RINGS_MAX];
	size_t n_rings;
	struct capture_thread *thread;
	uint64_t skipped;
	int err; /* of printing */
};

/* On a terminal somebody waits for the next line. */
#define RETIRE_WATCHED_MS 4

static int open_ring(struct listening *l, const char *iface)
{
	struct capture *c = l->capture;
	const struct capture_ring_config config = {
		.iface = iface,
		.filter = c->filter,
		.interface = (uint32_t)l->n_rings,
		.snap_len = (uint32_t)c->o->snap_len,
		.buffer_bytes = c->o->buffer_kib << 10,
		.retire_ms = c->cmd->interactive ? RETIRE_WATCHED_MS : 0,
		.promiscuous = c->o->promiscuous,
	};
	struct fault fault = { 0 };
	int err = capture_ring_open(&config, &l->rings[l->n_rings], &fault);

	if (err == -E_SYNTAX)
		return capture_filter_fault(c, &fault);
	if (err < 0)
		return command_fails(c->cmd, err == -ENODEV ? EXIT_USAGE : EXIT_CANNOT, "%s",
				     fault.text);
	l->n_rings++;
	return EXIT_YES;
}

/* Where nobody says: the first interface that is up with its cable in, loopback as the last. */
static int default_iface(const struct capture *c, char name[static IFNAMSIZ])
{
	struct host_links links = { 0 };
	struct netlink *nl = NULL;
	int err = netlink_new(&nl);
	bool loopback = false;

	if (!err)
		err = host_links_list(nl, &links);
	*name = 0;
	for (size_t i = 0; !err && i < links.n && (!*name || loopback); i++) {
		const struct host_link *link = &links.items[i];

		if (!host_link_is_up(link) || !link->carrier)
			continue;
		if (*name && link->type == ARPHRD_LOOPBACK)
			continue;
		loopback = link->type == ARPHRD_LOOPBACK;
		memcpy(name, link->name, IFNAMSIZ);
	}
	host_links_done(&links);
	netlink_free(nl);
	if (!*name)
		return command_fails(c->cmd, EXIT_CANNOT,
				     "no interface is up: say which one to capture on with -i");
	command_notes(c->cmd, "capturing on %s", name);
	return EXIT_YES;
}

static int open_rings(struct listening *l)
{
	const struct texts *ifaces = &l->capture->o->ifaces;
	char name[IFNAMSIZ];
	int status = EXIT_YES;

	if (!ifaces->n) {
		status = default_iface(l->capture, name);
		return status == EXIT_YES ? open_ring(l, name) : status;
	}
	if (ifaces->n > CAPTURE_RINGS_MAX)
		return command_fails(l->capture->cmd, EXIT_USAGE, "at most %d interfaces at a time",
				     CAPTURE_RINGS_MAX);
	for (size_t i = 0; i < ifaces->n && status == EXIT_YES; i++)
		status = open_ring(l, ifaces->items[i]);
	return status;
}

/* What the file says of the interfaces. */
static int describe_rings(struct listening *l)
{
	struct capture *c = l->capture;

	for (size_t i = 0; i < l->n_rings; i++) {
		const struct capture_writer_interface interface = {
			.name = capture_ring_iface(l->rings[i]),
			.filter = c->filter,
			.link_type = capture_ring_link_type(l->rings[i]),
			.snap_len = capture_ring_snap_len(l->rings[i]),
		};
		int err = capture_writer_add_interface(c->writer, &interface);

		if (err == -E_UNSUPPORTED)
			return command_fails(c->cmd, EXIT_USAGE,
					     "%s is of another kind than %s, and a pcap file holds "
					     "one kind only: write pcapng (-w %s.pcapng)",
					     interface.name, capture_ring_iface(l->rings[0]),
					     c->o->write);
		if (err < 0)
			return capture_write_complain(c);
	}
	return EXIT_YES;
}

/* Opens everything, then becomes somebody who may no more than print. */
static int prepare(struct listening *l)
{
	struct capture *c = l->capture;
	struct privileges who;
	struct fault fault = { 0 };
	int status;

	if (privileges_find(c->o->user, &who, &fault) < 0)
		return command_fails(c->cmd, EXIT_USAGE, "%s", fault.text);
	status = open_rings(l);
	if (status == EXIT_YES && c->o->write)
		status = capture_write_open(c, clock_wall_ns());
	if (status == EXIT_YES && c->writer)
		status = describe_rings(l);
	if (status != EXIT_YES)
		return status;
	if (privileges_drop(&who, &fault) < 0)
		return command_fails(c->cmd, EXIT_CANNOT, "%s", fault.text);
	if (c->writer && capture_writer_begin(c->writer) < 0)
		return capture_write_complain(c);
	return EXIT_YES;
}

/* In the capturing thread. */
static int write_packet(void *user, const struct capture_packet *packet)
{
	return capture_write(user, packet);
}

static int settle_file(void *user)
{
	struct capture *c = user;
	int err = capture_writer_tick(c->writer, clock_wall_ns());

	if (!err)
		err = capture_writer_flush(c->writer);
	return err;
}

static int start_thread(struct listening *l)
{
	struct capture *c = l->capture;
	const struct capture_thread_config config = {
		.rings = l->rings,
		.n_rings = l->n_rings,
		.queue_bytes = capture_shows(c) ? CAPTURE_QUEUE_BYTES : 0,
		.write = c->writer ? write_packet : NULL,
		.settle = c->writer ? settle_file : NULL,
		.user = c,
		.max_packets = c->display ? 0 : c->max_packets,
		.duration_ns = c->duration_ns,
	};
	int err = capture_thread_start(&config, &l->thread);

	return err < 0 ? command_fails(c->cmd, EXIT_CANNOT, "cannot start a thread: %s",
				       err_text(err))
		       : EXIT_YES;
}

/* Return: negative when there is no sense in going on. */
static int take_batch(struct listening *l, struct capture_batch *batch)
{
	struct capture *c = l->capture;
	struct capture_packet packet;

	if (batch->skipped) {
		l->skipped += batch->skipped;
		capture_skipped(c, batch->skipped);
	}
	while (l->err >= 0 && capture_batch_next(batch, &packet)) {
		if (c->display && capture_enough(c))
			return -E_CLOSED;
		l->err = capture_packet(c, &packet, capture_ring_iface(l->rings[packet.interface]));
	}
	return l->err;
}

/* All that waits. Return: 0 when more will come, negative at the end. */
static int drain(struct listening *l)
{
	struct capture_batch batch;
	int err;

	while ((err = capture_thread_take(l->thread, &batch)) > 0) {
		int stop = take_batch(l, &batch);

		capture_thread_give_back(l->thread, &batch);
		if (stop < 0)
			return stop;
	}
	if (l->err >= 0)
		l->err = capture_settle(l->capture);
	return l->err < 0 ? l->err : err;
}

static void on_readable(struct live *live)
{
	struct listening *l = container_of(live, struct listening, live);

	if (drain(l) < 0)
		live_stop(live, EXIT_YES);
}

static void on_tick(struct live *live)
{
	struct listening *l = container_of(live, struct listening, live);

	capture_refresh(l->capture);
}

/* What was captured and what was not, whatever else is printed. */
static void tell_account(const struct listening *l, const struct capture_account *a)
{
	const struct capture *c = l->capture;
	bool lost = a->counts.dropped || a->skipped;

	if (c->cmd->common.quiet && !lost)
		return;
	fprintf(stderr, "%llu packets received, %llu dropped by the kernel",
		(unsigned long long)a->counts.received, (unsigned long long)a->counts.dropped);
	if (a->counts.frozen)
		fprintf(stderr, " (the ring was full %llu times; -B makes it larger)",
			(unsigned long long)a->counts.frozen);
	if (c->writer)
		fprintf(stderr, ", %llu written", (unsigned long long)a->written);
	if (a->skipped)
		fprintf(stderr, ", %llu not shown: printing was slower",
			(unsigned long long)a->skipped);
	fputc('\n', stderr);
}

/* Why the thread ended: nothing wrong is EXIT_YES. */
static int conclude(struct listening *l)
{
	struct capture *c = l->capture;
	int ring, err = capture_thread_result(l->thread, &ring);

	if (c->writer && capture_writer_fault(c->writer)->text[0])
		return capture_write_complain(c);
	if (err >= 0 || err == -E_CLOSED || err == -EBUSY)
		return EXIT_YES;
	return command_fails(c->cmd, EXIT_CANNOT, "%s: %s",
			     ring >= 0 ? capture_ring_iface(l->rings[ring]) : "capture",
			     err_text(err));
}

static int listen_on(struct listening *l)
{
	struct capture *c = l->capture;
	struct capture_account account;
	int status;

	l->live = (struct live){
		.cmd = c->cmd,
		.fd = capture_thread_fd(l->thread),
		.readable = on_readable,
		.every_ns = capture_refresh_ns(c),
		.tick = on_tick,
	};
	status = live_run(&l->live);
	capture_thread_stop(l->thread);
	while (l->err >= 0 && drain(l) == 0 && capture_thread_wait(l->thread, 1000) >= 0)
		;
	if (status == EXIT_YES)
		status = conclude(l);
	capture_thread_account(l->thread, &account);
	l->thread = capture_thread_free(l->thread);
	for (size_t i = 0; c->writer && i < l->n_rings; i++) {
		struct capture_counts counts;

		capture_ring_counts(l->rings[i], &counts);
		capture_writer_statistics(c->writer, (uint32_t)i, counts.received, counts.dropped);
	}
	tell_account(l, &account);
	return status;
}

int capture_listen(struct capture *c)
{
	struct listening l = { .capture = c };
	int status = prepare(&l);

	if (status == EXIT_YES)
		status = start_thread(&l);
	if (status == EXIT_YES)
		status = listen_on(&l);
	capture_let_go(c);
	for (size_t i = 0; i < l.n_rings; i++)
		capture_ring_free(l.rings[i]);
	return status;
}
