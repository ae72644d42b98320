#include "io/packet.h"

#include <string.h>
#include <time.h>

#include "base/macros.h"

uint64_t packet_rx_time(const struct msghdr *msg, uint64_t now_ns, int64_t wall_ns)
{
	struct msghdr *m = (struct msghdr *)msg;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct timespec ts;
		int64_t age_ns;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		age_ns = wall_ns - ((int64_t)ts.tv_sec * (int64_t)NS_PER_S + ts.tv_nsec);
		if (age_ns >= 0 && age_ns < (int64_t)NS_PER_S)
			return now_ns - (uint64_t)age_ns;
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
