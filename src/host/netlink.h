/*
 * Netlink: how the kernel tells and changes what it knows of interfaces, addresses, routes and
 * neighbours (RFC 3549; man 7 netlink, rtnetlink). A socket asks one thing at a time and waits for
 * the answer; watching for changes needs a socket of its own. Strict checking is on, so that a
 * filter the kernel does not know is an error and not ignored.
 *
 *   char memory[256];
 *   struct buf req = buf_in(memory, sizeof(memory));
 *   struct ifinfomsg head = { .ifi_index = 7, .ifi_change = IFF_UP, .ifi_flags = IFF_UP };
 *
 *   netlink_begin(&req, RTM_SETLINK, 0, &head, sizeof(head));
 *   netlink_put_u32(&req, IFLA_MTU, 1400);
 *   err = netlink_request(nl, &req, NULL, NULL);
 */
#ifndef SONDE_HOST_NETLINK_H
#define SONDE_HOST_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/cursor.h"

struct netlink;

/* One message; the bytes are borrowed for the call that gives them. */
struct netlink_msg {
	uint16_t type;	/* RTM_NEWLINK, ... */
	uint16_t flags; /* NLM_F_* */
	uint32_t seq;
	const uint8_t *data; /* behind the netlink header */
	size_t len;
};

/* One attribute; nested ones are walked with netlink_attr_nested(). */
struct netlink_attr {
	uint16_t type; /* without NLA_F_NESTED and NLA_F_NET_BYTEORDER */
	uint16_t len;
	const uint8_t *data;
};

/*
 * Gets each message of an answer. @msg is NULL when a dump begins, also when it begins again
 * because something changed meanwhile: forget what came before. A negative return ends the request
 * with it. It must not use the same socket.
 */
typedef int netlink_fn(const struct netlink_msg *msg, void *arg);

/**
 * netlink_new() - a NETLINK_ROUTE socket in the network namespace the calling thread is in now
 * It stays in that namespace. Return: 0 or -errno.
 */
MUST_CHECK int netlink_new(struct netlink **ret_nl);
struct netlink *netlink_free(struct netlink *nl);

/* The descriptor, for polling a socket that watches. */
int netlink_fd(const struct netlink *nl);

/*
 * Starts a request in @b, which is emptied first: type, flags (NLM_F_CREATE, ...; REQUEST, ACK and
 * DUMP are added when it is sent) and the family's fixed head, for instance a struct ifinfomsg.
 */
void netlink_begin(struct buf *b, uint16_t type, uint16_t flags, const void *head, size_t head_len);

/* Append an attribute. More than 65,531 bytes, or no room in @b, is an error that sticks in @b. */
void netlink_put(struct buf *b, uint16_t type, const void *data, size_t len);
void netlink_put_u8(struct buf *b, uint16_t type, uint8_t v);
void netlink_put_u16(struct buf *b, uint16_t type, uint16_t v);
void netlink_put_u32(struct buf *b, uint16_t type, uint32_t v);
void netlink_put_u64(struct buf *b, uint16_t type, uint64_t v);
void netlink_put_text(struct buf *b, uint16_t type, const char *text); /* with its NUL */

void netlink_put_addr(struct buf *b, uint16_t type, const struct addr *a);

/*
 * A nested attribute: what is put between the two is inside it. @start is what begin returned.
 * A fixed structure at its start (struct ifinfomsg in VETH_INFO_PEER) goes in with buf_bytes().
 */
size_t netlink_nest_begin(struct buf *b, uint16_t type);
void netlink_nest_end(struct buf *b, size_t start);

/**
 * netlink_request() - send @req, give the answers to @fn, wait for the acknowledgement
 * @fn: for what comes before the acknowledgement (RTM_GETLINK's answer); NULL: nothing is expected
 * Return: 0, what @fn returned if negative, -errno of the kernel's refusal with its sentence in
 * netlink_error(), the error sticking in @req, -E_TIMEOUT when the kernel says nothing for 10 s.
 */
MUST_CHECK int netlink_request(struct netlink *nl, struct buf *req, netlink_fn *fn, void *arg);

/**
 * netlink_dump() - ask for all objects of a kind
 * A dump that the kernel calls inconsistent is begun again, at most 20 times.
 * Return: 0, -EAGAIN when things change too fast, else like netlink_request().
 */
MUST_CHECK int netlink_dump(struct netlink *nl, struct buf *req, netlink_fn *fn, void *arg);

/*
 * What went wrong in the last request, in the kernel's words where it gave any ("Device does not
 * exist"), else err_text(). Borrowed until the next request.
 */
const char *netlink_error(const struct netlink *nl);

/* Subscribes to a group, RTNLGRP_LINK and so on. Return: 0 or -errno. */
MUST_CHECK int netlink_join(struct netlink *nl, unsigned group);

/**
 * netlink_dispatch() - give every waiting notification to @fn, without blocking
 * Return: number of messages, -ENOBUFS when the kernel dropped some (read everything anew), what
 * @fn returned if negative.
 */
MUST_CHECK int netlink_dispatch(struct netlink *nl, netlink_fn *fn, void *arg);

/*
 * Walk the messages of a datagram and the attributes of a message. Return: false at the end; then
 * @c->err is -E_MALFORMED when a length was impossible.
 */
bool netlink_msg_next(struct cursor *c, struct netlink_msg *ret_msg);
bool netlink_attr_next(struct cursor *c, struct netlink_attr *ret_attr);

static inline struct cursor netlink_attr_nested(const struct netlink_attr *a)
{
	return cursor_of(a->data, a->len);
}

/*
 * A cursor over the attributes behind the fixed head, which is copied to @ret_head. A message
 * shorter than that gives a cursor with -E_TRUNCATED and a zeroed head.
 */
struct cursor netlink_head(const struct netlink_msg *msg, void *ret_head, size_t head_len);

/* The value in the kernel's byte order; zero when it has another length. */
uint8_t netlink_attr_u8(const struct netlink_attr *a);
uint16_t netlink_attr_u16(const struct netlink_attr *a);
uint32_t netlink_attr_u32(const struct netlink_attr *a);
uint64_t netlink_attr_u64(const struct netlink_attr *a);

/* 4 bytes are IPv4, 16 are IPv6, all else is none. The scope is 0. */
struct addr netlink_attr_addr(const struct netlink_attr *a);

/* Copies a text, with or without NUL in the attribute, cut to @cap - 1 bytes; always ends in NUL.
 */
void netlink_attr_text(const struct netlink_attr *a, char *ret_text, size_t cap);

/* Copies at most @cap bytes and zeroes the rest of @ret. Return: bytes copied. */
size_t netlink_attr_copy(const struct netlink_attr *a, void *ret, size_t cap);

#endif
