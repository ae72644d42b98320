/*
 * Names of addresses as the capture itself tells them: what a client asked DNS for and was
 * answered. Nobody is asked, so that looking changes nothing.
 */
#ifndef SONDE_CAPTURE_PASSIVE_NAMES_H
#define SONDE_CAPTURE_PASSIVE_NAMES_H

#include "base/addr.h"
#include "wire/packet.h"

struct passive_names;

/* Names known at a time; a full table begins anew. */
#define NAMES_MAX 65536

/* Longer ones are not kept. */
#define NAME_MAX_LEN 79

/* Return: NULL when out of memory. */
struct passive_names *passive_names_new(void);
struct passive_names *passive_names_free(struct passive_names *n);

/* @name: @len bytes; replaces what was known. */
void passive_names_add(struct passive_names *n, const struct addr *addr, const char *name,
		       size_t len);

/* Takes the answers of DNS (also mDNS, LLMNR) that are in the packet. */
void passive_names_learn(struct passive_names *n, const struct packet *packet);

/* For struct walk_config: lines show the names that are known. */
const struct name_source *passive_names_source(const struct passive_names *n);

#endif
