#include "io/packet.h"

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

void packet_socket_buffers(int fd, int bytes)
{
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}
