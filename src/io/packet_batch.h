/* Messages that the kernel takes or gives in one call: what a socket needs for each direction. */
#ifndef SONDE_IO_PACKET_BATCH_H
#define SONDE_IO_PACKET_BATCH_H

#include <linux/if_packet.h>
#include <stdbool.h>
#include <time.h>

#include <linux/errqueue.h> /* needs struct timespec */

#include "io/packet.h"

#define PACKET_CONTROL_MAX 256

struct packet_batch {
	struct mmsghdr headers[PACKET_BATCH];
	struct iovec parts[PACKET_BATCH];
	union {
		struct sockaddr any;
		struct sockaddr_ll link;
		struct sockaddr_storage storage;
	} names[PACKET_BATCH];
	union {
		char bytes[PACKET_CONTROL_MAX];
		struct cmsghdr align;
	} controls[PACKET_BATCH];
};

/* Makes message @i to be sent: @data is borrowed until it is, @name_len bytes of names[@i] are set.
 */
void packet_batch_put(struct packet_batch *b, size_t i, const void *data, size_t len,
		      socklen_t name_len);

/* Lets message @i have this TTL or hop limit; 0: the socket's. After packet_batch_put(). */
void packet_batch_set_ttl(struct packet_batch *b, size_t i, int family, uint8_t ttl);

/**
 * packet_batch_send() - send the first @n messages
 * @has_errors: the socket has a queue of errors, so that what it says may be about an earlier
 * message and be in that queue, too; the message at hand is then tried again
 * @ret_err: -errno of the last error, untouched without one
 * Return: how many left, @n or fewer.
 */
size_t packet_batch_send(struct packet_batch *b, int fd, size_t n, bool has_errors, int *ret_err);

/**
 * packet_batch_receive() - take what has come, without waiting
 * @flags: of recvmmsg(), beside MSG_DONTWAIT
 * @memory: PACKET_BATCH pieces of @len bytes; message i comes to the i-th, at @offset
 * Return: how many came; -1: none.
 */
int packet_batch_receive(struct packet_batch *b, int fd, int flags, uint8_t *memory, size_t len,
			 size_t offset);

/**
 * packet_batch_error() - what the network reported, of message @i from a queue of errors (ip(7))
 * Errors of this machine alone (a full queue) are none: the sending call has told them.
 * @ret_reporter: who sent the ICMP error
 */
bool packet_batch_error(struct packet_batch *b, size_t i, struct sock_extended_err *ret_error,
			struct addr *ret_reporter);

#endif
