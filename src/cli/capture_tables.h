/* What `sonde capture --talkers`, `--flows` and `--protocols` sum up and show. */
#ifndef SONDE_CLI_CAPTURE_TABLES_H
#define SONDE_CLI_CAPTURE_TABLES_H

#include "cli/capture.h"

struct capture_tables;

/* The records, for the verb's declaration. */
extern const struct out_type talker_type, flow_type, protocol_type;

/* Return: 0 or -ENOMEM. */
MUST_CHECK int capture_tables_new(const struct capture *c, struct capture_tables **ret_tables);
struct capture_tables *capture_tables_free(struct capture_tables *t);

void capture_tables_packet(struct capture_tables *t, const struct packet *packet);

/* Shows how things stand; on a terminal in place of what was shown before. */
void capture_tables_refresh(struct capture_tables *t);

/* Shows the result, and what it lacks. */
void capture_tables_finish(struct capture_tables *t);

#endif
