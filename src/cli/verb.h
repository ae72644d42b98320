/*
 * The command table. Every verb and option is described once, here; parsing, help, man pages and
 * shell completions all come from the description. A verb is one file, verb_NAME.c, and one row in
 * main.c.
 */
#ifndef SONDE_CLI_VERB_H
#define SONDE_CLI_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "out/out.h"

enum exit_status {
	EXIT_YES = 0,	 /* yes, or done */
	EXIT_NO = 1,	 /* no: unreachable, closed, nothing found */
	EXIT_USAGE = 2,	 /* wrong usage or input */
	EXIT_CANNOT = 3, /* privilege, device, file */
};

enum option_kind {
	OPTION_FLAG,	/* bool */
	OPTION_COUNTER, /* unsigned: how often it was given */
	OPTION_UINT,	/* uint64_t within [min, max] */
	OPTION_SECONDS, /* uint64_t nanoseconds; typed "0.5", "10", "2m", "1h"; min and max in ns */
	OPTION_RATE,	/* uint64_t a second; typed "1000", "50k", "1M" or "max" (UINT64_MAX) */
	OPTION_TEXT,	/* const char * */
	OPTION_TEXTS,	/* struct texts: may be given more than once */
};

/* What an operand or an option's argument is, for shell completions. */
enum completes { COMPLETE_NOTHING, COMPLETE_FILE, COMPLETE_IFACE, COMPLETE_HOST };

struct texts {
	const char **items;
	size_t n;
};

struct verb_option {
	char letter;	  /* 0: none */
	const char *name; /* without "--"; NULL: none */
	const char *arg;  /* "SECONDS"; NULL for a flag */
	const char *help; /* one sentence without full stop */
	enum option_kind kind;
	size_t offset;	   /* where the value goes in the verb's options structure */
	uint64_t min, max; /* max 0: no limits */
	enum completes completes;
	bool one_dash; /* also typed "-name", as the users of another tool know it */
};

struct example {
	const char *command, *about;
};

/* An option of a tool that users know, which is not here: what there is instead. */
struct option_hint {
	char letter;
	const char *instead; /* a sentence without full stop */
};

/*
 * The options that mean the same everywhere. A verb says which of them it takes; their values are
 * in struct common.
 */
enum {
	COMMON_OUTPUT = 1 << 0,	 /* --json --csv --fields -o; -q -v */
	COMMON_IFACE = 1 << 1,	 /* -i IFACE */
	COMMON_FAMILY = 1 << 2,	 /* -4 -6 */
	COMMON_NAMES = 1 << 3,	 /* -n */
	COMMON_EXCLUDE = 1 << 4, /* --exclude TARGETS, --authorized */
	COMMON_TIMEOUT = 1 << 5, /* -W SECONDS */
	COMMON_RATE = 1 << 6,	 /* --rate N */
	COMMON_RETRIES = 1 << 7, /* --retries N */
	COMMON_COUNT = 1 << 8,	 /* -c N */
	COMMON_EVERY = 1 << 9,	 /* --every SECONDS */
	COMMON_FOR = 1 << 10,	 /* --for DURATION */
};

struct common {
	bool json, csv, quiet, ip4, ip6, no_names, authorized;
	unsigned verbose;
	const char *fields, *output, *iface;
	struct texts exclude;
	uint64_t timeout_ns, rate, retries, count, every_ns,
		for_ns; /* 0 when not given; see @given */
	uint32_t given; /* COMMON_* bits of the options with a number that were typed */
};

struct command;

struct verb {
	const char *name;
	const char *operands; /* "TARGETS", "[NAME]", "HOST COMMAND..."; NULL: none */
	const char *summary;  /* one line, for lists */
	const char *about;    /* paragraphs separated by blank lines */
	const struct verb_option *options;
	size_t n_options;
	size_t options_size; /* of the structure that @run gets, zeroed, then @defaults copied in */
	const void *defaults;		     /* may be NULL */
	uint32_t common;		     /* COMMON_* */
	unsigned min_operands, max_operands; /* max 0: as many as typed, if @operands is set */
	bool stop_at_operand; /* what follows the first operand is not ours: `lab exec HOST ls -l`
			       */
	enum completes completes;	       /* its operands */
	const struct out_type *const *records; /* NULL-terminated; the first is the main one */
	const struct verb *const *subverbs;    /* NULL-terminated; then @run may be NULL */
	const struct example *examples;
	size_t n_examples;
	const struct option_hint *hints;
	size_t n_hints;
	int (*run)(struct command *cmd, void *options);
};

/* One invocation. */
struct command {
	const struct verb *verb;
	const char *path; /* "sonde lab up": for messages */
	char **operands;  /* NULL-terminated */
	size_t n_operands;
	struct common common;
	struct out *out;  /* made from the common options; freed after @run */
	int fd;		  /* where it writes, for what is no record */
	bool interactive; /* standard output is a terminal */
	bool colour;	  /* it shows colours, and nobody asked for none */
	unsigned columns; /* of the terminal; 0: none */
};

/*
 * Says on standard error what went wrong, as "sonde VERB: message.", and gives the status to
 * return:
 *
 *   return command_fails(cmd, EXIT_CANNOT, "cannot open %s: %s", path, err_text(err));
 */
int command_fails(const struct command *cmd, int status, const char *format, ...) PRINTF(3, 4);

/* The same for typed text: shows the text with a mark under the fault. Returns EXIT_USAGE. */
int command_fault(const struct command *cmd, const char *text, const struct fault *fault);

/* A remark on standard error, silenced by -q. */
void command_notes(const struct command *cmd, const char *format, ...) PRINTF(2, 3);

/* Writes text that is no record where the results go. Return: 0, the buffer's error, or -errno. */
MUST_CHECK int command_write(int fd, const struct buf *text);

#endif
