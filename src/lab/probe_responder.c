/*
 * A simulated network behind one interface, for tests and measurements of probing:
 *
 *	probe-responder [OPTIONS] IFACE		answers what comes out of a veth's other end
 *	probe-responder [OPTIONS] --tun NAME	makes a TUN device and answers what is sent there
 *	probe-responder [OPTIONS] --truth TARGETS --ports PORTS [--over-udp]
 *
 * The last prints what a scan should find, "ADDRESS PORT STATE" a line. Seed and shares decide it:
 *
 *	--seed N  --alive PERCENT  --tcp open=1,dropped=5,prohibited=1,unreachable=1  --udp ...
 *	--router ADDRESS		is always there (one of each family)
 *	--quote BYTES			of a probe in ICMP errors, behind its IP header
 *	--icmp-burst N --icmp-ms MS	ICMP errors of one host: so many, then one each MS
 *	--loss PERCENT  --duplicate PERCENT  --delay-ms MS  --jitter-ms MS
 *	--bottleneck PACKETS_PER_SECOND --queue N
 *
 * Says "ready" on standard error and, when it is ended, an account in JSON on standard output.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/ports.h"
#include "base/targets.h"
#include "io/clock.h"
#include "lab/impair.h"
#include "lab/responder.h"

#define BATCH	     64
#define FRAME_SIZE   512U /* of the ring: longer packets are cut off, and then malformed */
#define N_FRAMES     65536U
#define BLOCK_SIZE   (1U << 20)
#define TUN_QUEUE    10000
#define HELD_MAX     (1U << 18)
#define HELD_LEN_MAX 512

struct options {
	struct responder_config responder;
	struct impair_config impair;
	double delay_ms, jitter_ms;
	bool impaired, over_udp;
	const char *iface, *tun, *truth, *ports;
};

/* The link, and what waits to leave through it. */
struct link {
	int fd;
	bool is_tun;
	uint8_t *ring; /* of a packet socket */
	unsigned at;   /* frame to be read next */
	uint8_t out[BATCH][RESPONDER_REPLY_MAX];
	size_t out_len[BATCH];
	unsigned n_out;
	uint64_t unsent;
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "probe-responder: %s: %s\n", what, why);
	return 3;
}

/* Options */

enum {
	SEED,
	ALIVE,
	TCP,
	UDP,
	ROUTER,
	QUOTE,
	ICMP_BURST,
	ICMP_MS,
	LOSS,
	DUPLICATE,
	DELAY_MS,
	JITTER_MS,
	BOTTLENECK,
	QUEUE,
	TUN,
	TRUTH,
	PORTS,
	OVER_UDP,
};

static const struct option long_options[] = {
	{ "seed", 1, NULL, SEED },
	{ "alive", 1, NULL, ALIVE },
	{ "tcp", 1, NULL, TCP },
	{ "udp", 1, NULL, UDP },
	{ "router", 1, NULL, ROUTER },
	{ "quote", 1, NULL, QUOTE },
	{ "icmp-burst", 1, NULL, ICMP_BURST },
	{ "icmp-ms", 1, NULL, ICMP_MS },
	{ "loss", 1, NULL, LOSS },
	{ "duplicate", 1, NULL, DUPLICATE },
	{ "delay-ms", 1, NULL, DELAY_MS },
	{ "jitter-ms", 1, NULL, JITTER_MS },
	{ "bottleneck", 1, NULL, BOTTLENECK },
	{ "queue", 1, NULL, QUEUE },
	{ "tun", 1, NULL, TUN },
	{ "truth", 1, NULL, TRUTH },
	{ "ports", 1, NULL, PORTS },
	{ "over-udp", 0, NULL, OVER_UDP },
	{ 0 },
};

static int take_router(struct responder_config *r, const char *text)
{
	struct addr a;

	if (addr_parse(text, strlen(text), &a, NULL) < 0)
		return -E_SYNTAX;
	if (a.family == AF_INET)
		r->router = a;
	else
		r->router6 = a;
	return 0;
}

/* What the network is. Return: 0, an error, or 1 when it is not such an option. */
static int take_truth(struct options *o, int option, const char *arg)
{
	struct responder_config *r = &o->responder;

	switch (option) {
	case SEED:
		r->truth.seed = o->impair.seed = strtoull(arg, NULL, 10);
		return 0;
	case ALIVE:
		truth_set_alive(&r->truth, strtod(arg, NULL));
		return 0;
	case TCP:
		return truth_set_ports(&r->truth, IPPROTO_TCP, arg);
	case UDP:
		return truth_set_ports(&r->truth, IPPROTO_UDP, arg);
	case ROUTER:
		return take_router(r, arg);
	case QUOTE:
		r->quote_len = strtoul(arg, NULL, 10);
		return 0;
	case ICMP_BURST:
		r->error_burst = (unsigned)strtoul(arg, NULL, 10);
		return r->error_burst ? 0 : -E_RANGE;
	case ICMP_MS:
		r->error_interval_ns = strtoull(arg, NULL, 10) * NS_PER_MS;
		return 0;
	}
	return 1;
}

/* How bad the line is. Return: as above. */
static int take_line(struct options *o, int option, const char *arg)
{
	struct impair_config *m = &o->impair;

	switch (option) {
	case LOSS:
		m->loss = strtod(arg, NULL) / 100;
		break;
	case DUPLICATE:
		m->duplicate = strtod(arg, NULL) / 100;
		break;
	case DELAY_MS:
		o->delay_ms = strtod(arg, NULL);
		break;
	case JITTER_MS:
		o->jitter_ms = strtod(arg, NULL);
		break;
	case BOTTLENECK:
		m->bottleneck = strtoull(arg, NULL, 10);
		break;
	case QUEUE:
		m->queue = (uint32_t)strtoul(arg, NULL, 10);
		break;
	default:
		return 1;
	}
	o->impaired = true;
	return m->bottleneck <= NS_PER_S && o->delay_ms >= 0 && o->jitter_ms >= 0 ? 0 : -E_RANGE;
}

static int take(struct options *o, int option, const char *arg)
{
	int err = take_truth(o, option, arg);

	if (err == 1)
		err = take_line(o, option, arg);
	if (err != 1)
		return err;
	switch (option) {
	case TUN:
		o->tun = arg;
		return 0;
	case TRUTH:
		o->truth = arg;
		return 0;
	case PORTS:
		o->ports = arg;
		return 0;
	case OVER_UDP:
		o->over_udp = true;
		return 0;
	}
	return -E_SYNTAX;
}

static int parse(struct options *o, int argc, char **argv)
{
	struct impair_config *m = &o->impair;
	int option, err = 0;

	while (!err && (option = getopt_long(argc, argv, "", long_options, NULL)) >= 0)
		err = take(o, option, optarg);
	if (err)
		return err;
	m->delay_min_ns = (uint64_t)(o->delay_ms * 1e6);
	m->delay_max_ns = m->delay_min_ns + (uint64_t)(o->jitter_ms * 1e6);
	m->held_max = HELD_MAX;
	m->len_max = HELD_LEN_MAX;
	o->iface = argv[optind];
	o->responder.ethernet = !o->tun;
	if (o->truth)
		return o->ports ? 0 : -E_SYNTAX;
	return !o->iface == !o->tun ? -E_SYNTAX : 0;
}

/* Truth */

static int print_truth(const struct options *o)
{
	int protocol = o->over_udp ? IPPROTO_UDP : IPPROTO_TCP;
	struct targets *targets = targets_new();
	struct ports ports;
	struct fault fault = { 0 };
	char text[64];

	if (!targets || targets_parse(targets, o->truth, &fault) < 0 || targets_seal(targets) < 0)
		return complain(o->truth, fault.text);
	if (ports_parse(o->ports, o->over_udp ? "udp" : "tcp", &ports, &fault) < 0)
		return complain(o->ports, fault.text);
	for (uint64_t i = 0; i < targets_count(targets); i++) {
		struct addr a = targets_get(targets, i);
		struct buf b = buf_in(text, sizeof(text));

		buf_addr(&b, &a);
		for (uint16_t p = ports_next(&ports, 0); p; p = ports_next(&ports, p))
			printf("%s %u %s\n", buf_cstr(&b), p,
			       truth_name(truth_of(&o->responder.truth, &a, protocol, p)));
	}
	targets_free(targets);
	return 0;
}

/* Links */

static int open_ring(struct link *l, const char *iface)
{
	struct tpacket_req request = { .tp_block_size = BLOCK_SIZE,
				       .tp_block_nr = N_FRAMES / (BLOCK_SIZE / FRAME_SIZE),
				       .tp_frame_size = FRAME_SIZE,
				       .tp_frame_nr = N_FRAMES };
	struct sockaddr_ll name = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int version = TPACKET_V2, one = 1;

	name.sll_ifindex = (int)if_nametoindex(iface);
	l->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (!name.sll_ifindex || l->fd < 0 ||
	    setsockopt(l->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(l->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	    setsockopt(l->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0 ||
	    setsockopt(l->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) < 0)
		return -errno;
	l->ring = mmap(NULL, (size_t)FRAME_SIZE * N_FRAMES, PROT_READ | PROT_WRITE, MAP_SHARED,
		       l->fd, 0);
	if (l->ring == MAP_FAILED || bind(l->fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		return -errno;
	return 0;
}

static int open_tun(struct link *l, const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

	if (strlen(name) >= IFNAMSIZ)
		return -ENAMETOOLONG;
	strcpy(request.ifr_name, name);
	l->is_tun = true;
	l->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (s < 0 || l->fd < 0 || ioctl(l->fd, TUNSETIFF, &request) < 0) {
		err = -errno;
	} else {
		request.ifr_qlen = TUN_QUEUE;
		ioctl(s, SIOCSIFTXQLEN, &request);
		request.ifr_flags = IFF_UP | IFF_RUNNING;
		err = ioctl(s, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
	}
	if (s >= 0)
		close(s);
	return err;
}

static void flush(struct link *l)
{
	struct mmsghdr headers[BATCH] = { 0 };
	struct iovec parts[BATCH];
	unsigned sent = 0;

	for (unsigned i = 0; i < l->n_out; i++) {
		parts[i] = (struct iovec){ l->out[i], l->out_len[i] };
		headers[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
		if (l->is_tun)
			l->unsent += write(l->fd, l->out[i], l->out_len[i]) < 0;
	}
	while (!l->is_tun && sent < l->n_out) {
		int n = sendmmsg(l->fd, headers + sent, l->n_out - sent, 0);

		if (n > 0)
			sent += (unsigned)n;
		else if (errno != EINTR) {
			l->unsent++;
			sent++;
		}
	}
	l->n_out = 0;
}

static void queue(struct link *l, size_t len)
{
	l->out_len[l->n_out++] = len;
	if (l->n_out == BATCH)
		flush(l);
}

/* The work */

struct network {
	struct link link;
	struct responder *responder;
	struct impair *impair; /* NULL: a perfect line */
};

static void handle(struct network *n, uint64_t now_ns, const void *bytes, size_t len, bool checked)
{
	uint8_t *to = n->link.out[n->link.n_out];
	uint64_t due_ns = now_ns;
	unsigned copies = 0;
	size_t answer_len;

	if (n->impair && !impair_pass(n->impair, now_ns, &due_ns, &copies))
		return;
	answer_len = responder_answer(n->responder, now_ns, bytes, len, checked, to);
	if (!answer_len)
		return;
	for (; n->impair && copies; copies--)
		impair_hold(n->impair, due_ns, to, answer_len);
	if (!n->impair)
		queue(&n->link, answer_len);
}

/* At most a batch. Return: how many came. */
static unsigned take_ring(struct network *n, uint64_t now_ns)
{
	struct link *l = &n->link;
	unsigned count;

	for (count = 0; count < BATCH; count++) {
		uint8_t *frame = l->ring + (size_t)l->at * FRAME_SIZE;
		struct tpacket2_hdr *h = (struct tpacket2_hdr *)frame;
		uint32_t status = __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);

		if (!(status & TP_STATUS_USER))
			break;
		handle(n, now_ns, frame + h->tp_mac, h->tp_snaplen,
		       status & TP_STATUS_CSUMNOTREADY);
		__atomic_store_n(&h->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		l->at = (l->at + 1) % N_FRAMES;
	}
	return count;
}

static unsigned take_tun(struct network *n, uint64_t now_ns)
{
	uint8_t packet[RESPONDER_REPLY_MAX];
	unsigned count;

	for (count = 0; count < BATCH; count++) {
		ssize_t len = read(n->link.fd, packet, sizeof(packet));

		if (len <= 0)
			break;
		handle(n, now_ns, packet, (size_t)len, false);
	}
	return count;
}

static void release(struct network *n, uint64_t now_ns)
{
	const uint8_t *answer;
	size_t len;

	while ((answer = impair_release(n->impair, now_ns, &len))) {
		memcpy(n->link.out[n->link.n_out], answer, len);
		queue(&n->link, len);
	}
}

static void wait(struct network *n, uint64_t now_ns)
{
	struct pollfd poll_fd = { .fd = n->link.fd, .events = POLLIN };
	uint64_t due_ns = n->impair ? impair_deadline(n->impair) : UINT64_MAX;
	uint64_t left_ns = due_ns > now_ns ? MIN(due_ns - now_ns, NS_PER_S) : 0;
	struct timespec limit = { .tv_sec = (time_t)(left_ns / NS_PER_S),
				  .tv_nsec = (long)(left_ns % NS_PER_S) };

	ppoll(&poll_fd, 1, &limit, NULL);
}

static void work(struct network *n)
{
	while (!ended) {
		uint64_t now_ns = clock_monotonic_ns();
		unsigned came = n->link.is_tun ? take_tun(n, now_ns) : take_ring(n, now_ns);

		if (n->impair)
			release(n, now_ns);
		flush(&n->link);
		if (!came)
			wait(n, now_ns);
	}
}

static void report(const struct network *n)
{
	struct responder_account r = responder_account(n->responder);
	struct impair_account m = { 0 };
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof(stats);

	if (n->impair)
		m = impair_account(n->impair);
	if (!n->link.is_tun)
		getsockopt(n->link.fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len);
	printf("{\"packets\": %llu, \"answers\": %llu, \"malformed\": %llu, \"withheld\": %llu, "
	       "\"lost\": %llu, \"overrun\": %llu, \"duplicated\": %llu, \"overheld\": %llu, "
	       "\"ring_drops\": %u, \"unsent\": %llu}\n",
	       (unsigned long long)r.packets, (unsigned long long)r.answers,
	       (unsigned long long)r.malformed, (unsigned long long)r.withheld,
	       (unsigned long long)m.lost, (unsigned long long)m.overrun,
	       (unsigned long long)m.duplicated, (unsigned long long)m.overheld, stats.tp_drops,
	       (unsigned long long)n->link.unsent);
}

static int respond(const struct options *o)
{
	static struct network n;
	struct sigaction action = { .sa_handler = on_signal };
	const char *name = o->tun ? o->tun : o->iface;
	int err = o->tun ? open_tun(&n.link, name) : open_ring(&n.link, name);

	if (err)
		return complain(name, err_text(err));
	n.responder = responder_new(&o->responder);
	if (o->impaired)
		n.impair = impair_new(&o->impair, clock_monotonic_ns());
	if (!n.responder || (o->impaired && !n.impair))
		return complain(name, "out of memory");
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	fputs("ready\n", stderr);
	work(&n);
	report(&n);
	impair_free(n.impair);
	responder_free(n.responder);
	return 0;
}

int main(int argc, char **argv)
{
	/* Another address than the interface's: no stack here looks at the frames further. */
	struct options o = {
		.responder = { .mac = { { 2, 0, 0, 0, 0, 2 } }, .quote_len = 64, .error_burst = 1 },
		.impair.queue = 1000
	};

	truth_init(&o.responder.truth, 1);
	if (parse(&o, argc, argv) < 0)
		return complain("usage",
				"[OPTIONS] IFACE, or --tun NAME, or --truth TARGETS --ports "
				"PORTS; shares are in percent");
	return o.truth ? print_truth(&o) : respond(&o);
}
