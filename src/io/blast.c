/*
 * A load for benchmarks and tests: small UDP datagrams in Ethernet frames, as fast as one thread
 *can or at a rate, for a few seconds. Only on interfaces that lead nowhere but into this machine.
 *
 *	blast IFACE PACKETS_PER_SECOND SECONDS [FRAME_LEN [xdp]]	rate 0: as fast as it goes
 *
 * Prints how many frames were sent and in how many seconds. Addresses are of 198.18.0.0/15, which
 *is kept for this (RFC 2544); source port and payload count up.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "io/clock.h"
#include "io/xdp_sender.h"

#define BATCH	    64
#define FRAME_MIN   60
#define FRAME_MAX   1514
#define SECONDS_MAX 60
#define HEADERS_LEN 42 /* Ethernet, IPv4, UDP */

static int complain(const char *what)
{
	fprintf(stderr, "blast: %s\n", what);
	return 2;
}

static bool leads_nowhere(int fd, const char *iface)
{
	struct ethtool_drvinfo driver = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (void *)&driver };

	if (!strcmp(iface, "lo"))
		return true;
	strcpy(request.ifr_name, iface);
	return ioctl(fd, SIOCETHTOOL, &request) == 0 &&
	       (!strcmp(driver.driver, "veth") || !strcmp(driver.driver, "tun"));
}

static void write_be16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

/* To a station that is not there, so that no stack looks at it further than it must. */
static void make_frame(uint8_t *frame, size_t len)
{
	static const uint8_t start[] = {
		2, 0, 0, 0,  0,	 2, 2, 0,   0,	0, 0, 1,   8,  0, 0x45, 0, 0, 0, 0,
		0, 0, 0, 64, 17, 0, 0, 198, 18, 0, 1, 198, 19, 0, 1,	0, 0, 0, 9,
	};
	uint32_t sum = 0;

	memset(frame, 0, len);
	memcpy(frame, start, sizeof(start));
	write_be16(frame + 16, (uint32_t)len - 14);
	write_be16(frame + 38, (uint32_t)len - 34);
	for (size_t i = 14; i < 34; i += 2)
		sum += (uint32_t)frame[i] << 8 | frame[i + 1];
	write_be16(frame + 24, ~((sum & 0xffff) + (sum >> 16)));
}

static void number(uint8_t *frame, uint64_t n)
{
	write_be16(frame + 34, 1024 + n % 60000);
	memcpy(frame + HEADERS_LEN, &n, sizeof(n));
}

/* Either a packet socket or an AF_XDP ring. */
struct way_out {
	int fd;
	struct xdp_sender *xdp;
	struct packet_out packets[BATCH];
	struct mmsghdr headers[BATCH];
	struct iovec parts[BATCH];
};

/* Return: how many of the batch left, or -errno. */
static int send_batch(struct way_out *out)
{
	int n, err = 0;

	if (out->xdp) {
		n = (int)xdp_sender_send(out->xdp, out->packets, BATCH, &err);
		return n ? n : err;
	}
	n = sendmmsg(out->fd, out->headers, BATCH, 0);
	return n < 0 ? -errno : n;
}

/* Return: frames sent. */
static uint64_t send_all(struct way_out *out, uint8_t frames[][FRAME_MAX], size_t len,
			 uint64_t rate, uint64_t duration_ns, uint64_t start_ns)
{
	uint64_t sent = 0, past_ns = 0;

	for (size_t i = 0; i < BATCH; i++) {
		make_frame(frames[i], len);
		out->packets[i] = (struct packet_out){ .data = frames[i], .len = len };
		out->parts[i] = (struct iovec){ frames[i], len };
		out->headers[i].msg_hdr =
			(struct msghdr){ .msg_iov = &out->parts[i], .msg_iovlen = 1 };
	}
	for (; past_ns < duration_ns; past_ns = clock_monotonic_ns() - start_ns) {
		int n;

		if (rate && sent * NS_PER_S / rate > past_ns) {
			if (sent * NS_PER_S / rate - past_ns > 100 * NS_PER_US)
				usleep(50);
			continue;
		}
		for (size_t i = 0; i < BATCH; i++)
			number(frames[i], sent + i);
		n = send_batch(out);
		if (n < 0 && n != -ENOBUFS && n != -EAGAIN)
			break;
		sent += n > 0 ? (uint64_t)n : 0;
	}
	return sent;
}

int main(int argc, char **argv)
{
	static uint8_t frames[BATCH][FRAME_MAX];
	struct sockaddr_ll name = { .sll_family = AF_PACKET };
	size_t len = argc > 4 ? strtoul(argv[4], NULL, 10) : FRAME_MIN;
	double seconds = argc > 3 ? strtod(argv[3], NULL) : 0;
	int one = 1, err = 0;
	static struct way_out out;
	uint64_t sent, start_ns;

	if (argc < 4 || len < FRAME_MIN || len > FRAME_MAX || !(seconds > 0) ||
	    seconds > SECONDS_MAX || strlen(argv[1]) >= IFNAMSIZ)
		return complain("IFACE PACKETS_PER_SECOND SECONDS [FRAME_LEN]: at most 60 s, 60 to "
				"1514 bytes");
	out.fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (out.fd < 0)
		return complain(strerror(errno));
	if (!leads_nowhere(out.fd, argv[1]))
		return complain("only veth, tun and tap interfaces and lo are sent on");
	name.sll_ifindex = (int)if_nametoindex(argv[1]);
	if (argc > 5 && !strcmp(argv[5], "xdp"))
		err = xdp_sender_open((unsigned)name.sll_ifindex, &out.xdp);
	if (err)
		return complain(err_text(err));
	if (bind(out.fd, (struct sockaddr *)&name, sizeof(name)) < 0 ||
	    setsockopt(out.fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)
		return complain(strerror(errno));
	start_ns = clock_monotonic_ns();
	sent = send_all(&out, frames, len, strtoull(argv[2], NULL, 10), (uint64_t)(seconds * 1e9),
			start_ns);
	printf("%llu %.3f\n", (unsigned long long)sent,
	       (double)(clock_monotonic_ns() - start_ns) / 1e9);
	xdp_sender_free(out.xdp);
	return 0;
}
