/*
 * Captures and prints what came, for tests: one line a packet,
 *
 *	INTERFACE LINKTYPE FLAGS TIME_NS WIRE_LEN HEX
 *
 * then the account on standard error, as JSON. Ends by SIGINT or SIGTERM, -c or -a.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/capture_thread.h"
#include "io/privileges.h"

#define LINE_MAX (64 + 2 * CAPTURE_PACKET_MAX)

struct dump {
	struct capture_ring_config ring;
	struct capture_thread_config thread;
	struct capture_ring *rings[CAPTURE_RINGS_MAX];
	const char *ifaces[CAPTURE_RINGS_MAX];
	const char *user; /* NULL: stay */
	bool print;
	unsigned sleep_ms; /* before the first packet is looked at */
	struct capture_thread *t;
};

static struct capture_thread *running; /* for the signal handler */

static void on_signal(int number)
{
	(void)number;
	capture_thread_stop(running);
}

static int complain(const char *text)
{
	fprintf(stderr, "ring-dump: %s\n", text);
	return 3;
}

/* Stands for a file: every packet is looked at and nothing kept. */
static int write_nowhere(void *user, const struct capture_packet *packet)
{
	(void)user;
	return packet->cap_len <= packet->wire_len ? 0 : -E_MALFORMED;
}

static int parse(struct dump *d, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "i:f:s:B:r:c:a:Z:S:Q:pqw")) >= 0) {
		if (option == 'i' && d->thread.n_rings < CAPTURE_RINGS_MAX)
			d->ifaces[d->thread.n_rings++] = optarg;
		else if (option == 'f')
			d->ring.filter = optarg;
		else if (option == 's')
			d->ring.snap_len = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'B')
			d->ring.buffer_bytes = strtoull(optarg, NULL, 10) << 10;
		else if (option == 'r')
			d->ring.retire_ms = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'c')
			d->thread.max_packets = strtoull(optarg, NULL, 10);
		else if (option == 'a')
			d->thread.duration_ns = strtoull(optarg, NULL, 10) * NS_PER_MS;
		else if (option == 'Z')
			d->user = optarg;
		else if (option == 'S')
			d->sleep_ms = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'Q')
			d->thread.queue_bytes = strtoull(optarg, NULL, 10) << 10;
		else if (option == 'p')
			d->ring.promiscuous = true;
		else if (option == 'q')
			d->print = false;
		else if (option == 'w')
			d->thread.write = write_nowhere;
		else
			return -EINVAL;
	}
	return d->thread.n_rings ? 0 : -EINVAL;
}

static void print_batch(struct dump *d, struct capture_batch *batch, struct buf *line)
{
	struct capture_packet p;

	if (batch->skipped)
		printf("skipped %llu\n", (unsigned long long)batch->skipped);
	while (capture_batch_next(batch, &p)) {
		if (!d->print)
			continue;
		buf_reset(line);
		buf_printf(line, "%u %u %u %lld %u ", p.interface, p.link_type, p.flags,
			   (long long)p.time_ns, p.wire_len);
		buf_hex(line, p.bytes, p.cap_len, 0);
		buf_char(line, '\n');
		fwrite(line->data, 1, line->len, stdout);
	}
	fflush(stdout);
}

static void consume(struct dump *d)
{
	struct buf line = buf_of(LINE_MAX);
	struct capture_batch batch;
	int got = 0;

	usleep(d->sleep_ms * 1000);
	while (got != -E_CLOSED) {
		got = capture_thread_take(d->t, &batch);
		if (got > 0) {
			print_batch(d, &batch, &line);
			capture_thread_give_back(d->t, &batch);
		} else if (got == 0 && capture_thread_wait(d->t, 1000) == -EINVAL) {
			break;
		}
	}
	buf_done(&line);
}

static int report(struct dump *d)
{
	struct capture_account a;
	int ring, err = capture_thread_result(d->t, &ring);

	capture_thread_account(d->t, &a);
	fprintf(stderr,
		"{\"received\": %llu, \"dropped\": %llu, \"frozen\": %llu, \"taken\": %llu, "
		"\"written\": %llu, \"queued\": %llu, \"skipped\": %llu, \"result\": %d, \"ring\": %d}\n",
		(unsigned long long)a.counts.received, (unsigned long long)a.counts.dropped,
		(unsigned long long)a.counts.frozen, (unsigned long long)a.taken,
		(unsigned long long)a.written, (unsigned long long)a.queued,
		(unsigned long long)a.skipped, err, ring);
	return err ? 1 : 0;
}

static int open_all(struct dump *d, struct fault *fault)
{
	int err = 0;

	for (size_t i = 0; i < d->thread.n_rings && !err; i++) {
		d->ring.iface = d->ifaces[i];
		d->ring.interface = (uint32_t)i;
		err = capture_ring_open(&d->ring, &d->rings[i], fault);
	}
	return err;
}

static int become(struct dump *d, struct fault *fault)
{
	struct privileges who;
	int err = privileges_find(*d->user ? d->user : NULL, &who, fault);

	return err ? err : privileges_drop(&who, fault);
}

static int capture(struct dump *d)
{
	struct sigaction action = { .sa_handler = on_signal };
	int status;

	d->thread.rings = d->rings;
	if (capture_thread_start(&d->thread, &d->t) < 0)
		return complain("no thread");
	running = d->t;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	fputs("ready\n", stderr);
	consume(d);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	status = report(d);
	capture_thread_free(d->t);
	return status;
}

int main(int argc, char **argv)
{
	struct dump d = { .print = true, .thread.queue_bytes = CAPTURE_QUEUE_BYTES };
	struct fault fault = { 0 };
	int status;

	if (parse(&d, argc, argv) < 0)
		return 2;
	if (open_all(&d, &fault) < 0 || (d.user && become(&d, &fault) < 0))
		status = complain(fault.text);
	else
		status = capture(&d);
	for (size_t i = 0; i < d.thread.n_rings; i++)
		capture_ring_free(d.rings[i]);
	return status;
}
