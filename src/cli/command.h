/* The command table at work: finding verbs, reading options, running. */
#ifndef SONDE_CLI_COMMAND_H
#define SONDE_CLI_COMMAND_H

#include "cli/verb.h"

/* The root of the table, in main.c: its subverbs are the verbs. */
extern const struct verb sonde_verb;

#define COMMAND_MAX_OPTIONS  96
#define COMMAND_PATH_MAX     80
#define COMMAND_MAX_ONE_DASH 8

/* All options of one verb: its own, then the common ones that it takes, then --help. */
struct option_set {
	const struct verb_option *items[COMMAND_MAX_OPTIONS];
	bool common[COMMAND_MAX_OPTIONS]; /* lies in struct common */
	size_t n;
};

void option_set_of(const struct verb *verb, struct option_set *ret_set);

/* The COMMON_* bit of one of the common options, 0 for --help and a verb's own. */
uint32_t option_common_bit(const struct verb_option *option);

/* Reads one argument into the place that @option names in @base. -E_SYNTAX and -E_RANGE fill
 * @fault. */
MUST_CHECK int option_store(const struct verb_option *option, void *base, const char *arg,
			    struct fault *fault);

/* The subverb of @verb called @name, or NULL. */
const struct verb *verb_find(const struct verb *verb, const char *name);

/*
 * Among @n names, the one nearest to @name by edit distance, or NULL when none is near: for "did
 * you mean".
 */
const char *nearest_name(const char *name, const char *const *names, size_t n);

/* Runs the command line; gives the exit status. */
int command_run(int argc, char **argv);

/* Help, a manual page in roff, or a completion script, on standard output. @path: "sonde lab up" */
void help_print(const struct verb *verb, const char *path);
void manual_print(const struct verb *verb, const char *path);
int completion_print(const char *shell);

/* Writes "-c, --count N" or the like. */
void option_usage(struct buf *b, const struct verb_option *option);

#endif
