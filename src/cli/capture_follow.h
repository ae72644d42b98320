/* What `sonde capture --follow` and `--extract` make of streams. */
#ifndef SONDE_CLI_CAPTURE_FOLLOW_H
#define SONDE_CLI_CAPTURE_FOLLOW_H

#include "cli/capture.h"

struct capture_follow;
struct stream_sink;

/* The record of an object that was written. */
extern const struct out_type object_type;

/**
 * capture_follow_new() - for --follow KIND:N or --extract http DIR
 * @folder: of --extract; made where it is missing
 * Return: an exit status, after saying what is wrong.
 */
int capture_follow_new(struct command *cmd, const struct capture_options *o, const char *folder,
		       struct capture_follow **ret_follow);

/* After the dissector that feeds its sink. */
struct capture_follow *capture_follow_free(struct capture_follow *f);

/* A packet of the capture: a datagram of the conversation is shown. */
void capture_follow_packet(struct capture_follow *f, const struct packet *packet);

/* For struct dissect_config; NULL: what is followed is no stream. */
struct stream_sink *capture_follow_sink(struct capture_follow *f);

/* Nobody takes the bytes any more: -errno of writing; else 0. */
int capture_follow_error(const struct capture_follow *f);

/* When the capture is over and the dissector is gone: what is left to say. Return: exit status. */
int capture_follow_finish(struct capture_follow *f);

#endif
