/* What the files of `sonde craft` share. */
#ifndef SONDE_CLI_CRAFT_H
#define SONDE_CLI_CRAFT_H

#include "cli/verb.h"
#include "wire/craft_text.h"

struct craft_sender;

/**
 * craft_sender_new() - the way out through -i, after checking who would get what from whom
 * Return: 0, or an exit status after a message.
 */
int craft_sender_new(struct command *cmd, const struct craft_text *text,
		     struct craft_sender **ret_sender);
struct craft_sender *craft_sender_free(struct craft_sender *s);

/* Whether what it sends begins with Ethernet's header. */
bool craft_sender_is_frame(const struct craft_sender *s);

/* What comes before the expression's layers: Ethernet, where it begins with IP. Return: 0 or
 * craft_layer()'s error. */
MUST_CHECK int craft_sender_begin(const struct craft_sender *s, struct craft *craft);

/**
 * craft_sender_complete() - addresses that were not given, before craft_finish()
 * Return: 0, or an exit status after a message: no route, no neighbour.
 */
int craft_sender_complete(struct craft_sender *s, struct craft *craft);

/* Return: 0, or an exit status after a message. */
int craft_sender_send(struct craft_sender *s, const uint8_t *bytes, size_t len);

#endif
