#include "io/packet.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"

uint64_t packet_monotonic(int64_t stamp_ns, uint64_t now_ns, int64_t wall_ns)
{
	int64_t age_ns = wall_ns - stamp_ns;

	return age_ns >= 0 && age_ns < (int64_t)NS_PER_S ? now_ns - (uint64_t)age_ns : now_ns;
}

uint64_t packet_rx_time(const struct msghdr *msg, uint64_t now_ns, int64_t wall_ns)
{
	struct msghdr *m = (struct msghdr *)msg;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct timespec ts;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		return packet_monotonic((int64_t)ts.tv_sec * (int64_t)NS_PER_S + ts.tv_nsec, now_ns,
					wall_ns);
	}
	return now_ns;
}

int packet_received_ttl(const struct msghdr *msg)
{
	struct msghdr *m = (struct msghdr *)msg;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		int value;

		if ((c->cmsg_level != SOL_IP || c->cmsg_type != IP_TTL) &&
		    (c->cmsg_level != SOL_IPV6 || c->cmsg_type != IPV6_HOPLIMIT))
			continue;
		memcpy(&value, CMSG_DATA(c), sizeof(value));
		return value;
	}
	return -1;
}

uint64_t packet_socket_drops(int fd, uint32_t *seen)
{
	uint32_t info[SK_MEMINFO_VARS], drops;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0 || len < sizeof(info))
		return 0;
	drops = info[SK_MEMINFO_DROPS] - *seen;
	*seen = info[SK_MEMINFO_DROPS];
	return drops;
}

int packet_socket_set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

void packet_socket_buffers(int fd, int bytes)
{
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}
