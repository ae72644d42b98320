#include "cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/utf8.h"

/* Values of long options for getopt_long(): beyond every letter. */
#define LONG_BASE 256

#define MESSAGE_MAX  1000	 /* bytes of what is said at once */
#define STDOUT_BYTES (256 << 10) /* more than help, a manual page or completions take */

/*
 * Who wrote what a message quotes is not known: a line of a file of targets, a name in a database.
 * So control characters do not reach the terminal, and nothing is quoted without end.
 */
static void say(const struct command *cmd, const char *end, const char *format, va_list args)
{
	char text[MESSAGE_MAX + 1];
	struct buf safe = buf_of((size_t)4 * MESSAGE_MAX + 1);
	int len = vsnprintf(text, sizeof(text), format, args);

	buf_safe(&safe, text, strlen(text));
	fprintf(stderr, "%s: %s%s%s\n", cmd->path, buf_cstr(&safe), len > MESSAGE_MAX ? "..." : "",
		end);
	buf_done(&safe);
}

int command_fails(const struct command *cmd, int status, const char *format, ...)
{
	va_list args;
	size_t len = strlen(format);

	va_start(args, format);
	say(cmd, len && strchr(".?!", format[len - 1]) ? "" : ".", format, args);
	va_end(args);
	return status;
}

int command_fault(const struct command *cmd, const char *text, const struct fault *fault)
{
	size_t len = strlen(text), offset = MIN(fault->offset, len);
	bool asks = *fault->text && fault->text[strlen(fault->text) - 1] == '?';
	struct buf safe = buf_of(800);

	/* A question keeps its mark. */
	command_fails(cmd, EXIT_USAGE, asks ? "%.*s?" : "%.*s.", (int)(strlen(fault->text) - asks),
		      fault->text);
	buf_safe(&safe, text, MIN(len, (size_t)200));
	if (len && safe.len == len) /* one short line that holds nothing odd */
		fprintf(stderr, "  %s\n  %*s^\n", text, (int)utf8_columns(text, offset), "");
	buf_done(&safe);
	return EXIT_USAGE;
}

int command_write(int fd, const struct buf *text)
{
	const char *at = text->data;
	size_t left = text->len;

	if (text->err)
		return text->err;
	while (left) {
		ssize_t n = write(fd, at, left);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			at += n;
			left -= (size_t)n;
		}
	}
	return 0;
}

void command_notes(const struct command *cmd, const char *format, ...)
{
	va_list args;

	if (cmd->common.quiet)
		return;
	va_start(args, format);
	say(cmd, "", format, args);
	va_end(args);
}

const struct verb *verb_find(const struct verb *verb, const char *name)
{
	for (size_t i = 0; verb->subverbs && verb->subverbs[i]; i++) {
		if (!strcmp(verb->subverbs[i]->name, name))
			return verb->subverbs[i];
	}
	return NULL;
}

#define NAME_MAX_COMPARED 32

/* Levenshtein distance of two short names. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_COMPARED + 1], n_a = strlen(a), n_b = strlen(b);

	if (n_a > NAME_MAX_COMPARED || n_b > NAME_MAX_COMPARED)
		return SIZE_MAX;
	for (size_t j = 0; j <= n_b; j++)
		row[j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			size_t changed = diagonal + (a[i - 1] != b[j - 1]);
			size_t moved = 1 + MIN(row[j], row[j - 1]);

			diagonal = row[j];
			row[j] = MIN(changed, moved);
		}
	}
	return row[n_b];
}

const char *nearest_name(const char *name, const char *const *names, size_t n)
{
	size_t best = MAX(strlen(name) / 2, (size_t)1) + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t distance = edit_distance(name, names[i]);

		if (distance < best) {
			best = distance;
			nearest = names[i];
		}
	}
	return nearest;
}

static int unknown_verb(const struct command *cmd, const char *name)
{
	const char *names[64], *nearest;
	size_t n = 0;

	for (; cmd->verb->subverbs[n] && n < ARRAY_LEN(names); n++)
		names[n] = cmd->verb->subverbs[n]->name;
	nearest = nearest_name(name, names, n);
	if (nearest)
		return command_fails(cmd, EXIT_USAGE, "no command \"%s\"; did you mean \"%s %s\"?",
				     name, cmd->path, nearest);
	return command_fails(cmd, EXIT_USAGE, "no command \"%s\"; see: sonde help%s", name,
			     cmd->path + strlen(sonde_verb.name));
}

/* What getopt_long() wants to know, made from the table. */
struct getopt_tables {
	struct option_set set;
	char letters[2 * COMMAND_MAX_OPTIONS + 3];
	struct option longs[COMMAND_MAX_OPTIONS + 1];
};

/* @stop: at the first operand; otherwise options may stand behind operands too. */
static void getopt_tables_of(const struct verb *verb, bool stop, struct getopt_tables *ret_tables)
{
	struct getopt_tables *t = ret_tables;
	size_t n_letters = 0, n_longs = 0;

	*t = (struct getopt_tables){ 0 };
	option_set_of(verb, &t->set);
	if (stop)
		t->letters[n_letters++] = '+';
	t->letters[n_letters++] = ':';
	for (size_t i = 0; i < t->set.n; i++) {
		const struct verb_option *option = t->set.items[i];

		if (option->letter) {
			t->letters[n_letters++] = option->letter;
			if (option->arg)
				t->letters[n_letters++] = ':';
		}
		if (option->name)
			t->longs[n_longs++] =
				(struct option){ option->name,
						 option->arg ? required_argument : no_argument,
						 NULL, LONG_BASE + (int)i };
	}
}

/*
 * Names that are typed with one dash get the second, for getopt_long() would read letters in them.
 * Behind "--" there are operands only.
 */
static void complete_dashes(const struct option_set *set, int argc, char **argv)
{
	static char words[COMMAND_MAX_ONE_DASH][COMMAND_PATH_MAX];
	size_t n = 0;

	for (size_t i = 0; i < set->n && n < COMMAND_MAX_ONE_DASH; i++) {
		if (!set->items[i]->one_dash)
			continue;
		snprintf(words[n], sizeof(words[n]), "--%s", set->items[i]->name);
		for (int k = 1; k < argc && strcmp(argv[k], "--"); k++)
			if (!strcmp(argv[k], words[n] + 1))
				argv[k] = words[n];
		n++;
	}
}

/* The place in the set of what getopt_long() returned, or the set's size. */
static size_t option_index(const struct option_set *set, int got)
{
	size_t i;

	if (got >= LONG_BASE)
		return (size_t)(got - LONG_BASE);
	for (i = 0; i < set->n && set->items[i]->letter != got; i++)
		;
	return i;
}

static int unknown_option(const struct command *cmd, const struct option_set *set, char **argv)
{
	const char *names[COMMAND_MAX_OPTIONS], *nearest = NULL, *typed = argv[optind - 1];
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++) {
		if (set->items[i]->name)
			names[n++] = set->items[i]->name;
	}
	for (size_t i = 0; i < cmd->verb->n_hints; i++)
		if (optopt == cmd->verb->hints[i].letter)
			return command_fails(cmd, EXIT_USAGE, "no option -%c: %s", optopt,
					     cmd->verb->hints[i].instead);
	if (optopt && optopt < LONG_BASE)
		return command_fails(cmd, EXIT_USAGE, "no option -%c; see: %s --help", optopt,
				     cmd->path);
	if (!strncmp(typed, "--", 2))
		nearest = nearest_name(typed + 2, names, n);
	if (nearest)
		return command_fails(cmd, EXIT_USAGE, "no option %s; did you mean --%s?", typed,
				     nearest);
	return command_fails(cmd, EXIT_USAGE, "no option %s; see: %s --help", typed, cmd->path);
}

static int missing_argument(const struct command *cmd, const struct option_set *set)
{
	const struct verb_option *option = set->items[option_index(set, optopt)];
	char text[80];
	struct buf b = buf_in(text, sizeof(text));

	option_usage(&b, option);
	return command_fails(cmd, EXIT_USAGE, "%.*s needs a value",
			     (int)b.len - (int)strspn(text, " "), text + strspn(text, " "));
}

/* An argument that does not fit its option: names the option as it was meant. */
static int bad_argument(const struct command *cmd, const struct verb_option *option,
			const struct fault *fault)
{
	if (option->name)
		return command_fails(cmd, EXIT_USAGE, "%s%s: %s", option->one_dash ? "-" : "--",
				     option->name, fault->text);
	return command_fails(cmd, EXIT_USAGE, "-%c: %s", option->letter, fault->text);
}

enum { PARSED = -1 }; /* go on; everything else is an exit status */

/* Reads the options of the verb behind argv[0]; operands are left at argv[optind]. */
static int parse_options(struct command *cmd, void *options, bool stop, int argc, char **argv)
{
	struct getopt_tables tables;
	struct fault fault = { 0 };
	int got;

	getopt_tables_of(cmd->verb, stop, &tables);
	if (!stop)
		complete_dashes(&tables.set, argc, argv);
	opterr = 0;
	optind = 0; /* glibc: start anew, also its inner state */
	while ((got = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
		if (got == '?')
			return unknown_option(cmd, &tables.set, argv);
		if (got == ':')
			return missing_argument(cmd, &tables.set);
		size_t i = option_index(&tables.set, got);
		const struct verb_option *option = tables.set.items[i];

		if (i + 1 == tables.set.n) { /* --help, the last */
			help_print(cmd->verb, cmd->path);
			return EXIT_YES;
		}
		if (option_store(option, tables.set.common[i] ? (void *)&cmd->common : options,
				 optarg, &fault) < 0)
			return bad_argument(cmd, option, &fault);
		if (tables.set.common[i])
			cmd->common.given |= option_common_bit(option);
	}
	return PARSED;
}

static int check_operands(const struct command *cmd)
{
	const struct verb *verb = cmd->verb;

	if (cmd->n_operands < verb->min_operands)
		return command_fails(cmd, EXIT_USAGE, "expected %s; see: %s --help", verb->operands,
				     cmd->path);
	if (!verb->operands && cmd->n_operands)
		return command_fails(cmd, EXIT_USAGE, "takes no operand, but there is \"%s\"",
				     cmd->operands[0]);
	if (verb->max_operands && cmd->n_operands > verb->max_operands && !verb->stop_at_operand)
		return command_fails(cmd, EXIT_USAGE, "one operand too many: \"%s\"",
				     cmd->operands[verb->max_operands]);
	if (cmd->common.json && cmd->common.csv)
		return command_fails(cmd, EXIT_USAGE, "--json and --csv exclude each other");
	if (cmd->common.ip4 && cmd->common.ip6)
		return command_fails(cmd, EXIT_USAGE, "-4 and -6 exclude each other");
	return PARSED;
}

static unsigned terminal_columns(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return isatty(fd) ? 80 : 0;
	return size.ws_col;
}

/* Opens what -o names, or takes standard output, and makes the sink for the verb's records. */
static int open_output(struct command *cmd)
{
	const struct common *common = &cmd->common;
	size_t n_types = 0;
	struct fault fault = { 0 };
	int fd = STDOUT_FILENO, err;

	if (common->output)
		fd = open(common->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return command_fails(cmd, EXIT_CANNOT, "cannot write %s: %s", common->output,
				     err_text(errno));
	for (; cmd->verb->records && cmd->verb->records[n_types]; n_types++)
		;
	cmd->fd = fd;
	cmd->interactive = isatty(fd);
	cmd->colour = cmd->interactive && !getenv("NO_COLOR");
	cmd->columns = terminal_columns(fd);
	struct out_config config = {
		.format = common->json	? OUT_JSON
			  : common->csv ? OUT_CSV
					: OUT_TABLE,
		.fd = fd,
		.colour = cmd->colour,
		.columns = cmd->columns,
		.columns_of = terminal_columns,
		.fields = common->fields,
	};
	err = out_new(&config, cmd->verb->records, n_types, &cmd->out, &fault);
	if (err == -E_SYNTAX)
		return command_fault(cmd, common->fields, &fault);
	return err < 0 ? command_fails(cmd, EXIT_CANNOT, "%s", err_text(err)) : PARSED;
}

/* Writes what is left; whoever stopped reading wanted no more, everything else is an error. */
static int close_output(struct command *cmd, int status)
{
	int err = cmd->out ? out_flush(cmd->out) : 0;

	cmd->out = out_free(cmd->out);
	if (!err || err == -EPIPE)
		return status;
	return command_fails(cmd, EXIT_CANNOT, "cannot write the results: %s", err_text(err));
}

/* Frees the lists of options that may be given more than once. */
static void free_texts(const struct verb *verb, struct common *common, void *options)
{
	struct option_set set;

	option_set_of(verb, &set);
	for (size_t i = 0; i < set.n; i++) {
		char *base = set.common[i] ? (char *)common : options;

		if (set.items[i]->kind == OPTION_TEXTS)
			free(((struct texts *)(base + set.items[i]->offset))->items);
	}
}

/* Runs @verb, or the subverb that the first operand names. */
static int run_verb(const struct verb *verb, const char *path, int argc, char **argv)
{
	struct command cmd = { .verb = verb, .path = path };
	char sub_path[COMMAND_PATH_MAX];
	_Alignas(max_align_t) char options[1024] = { 0 };
	int status;

	if (verb->defaults)
		memcpy(options, verb->defaults, MIN(verb->options_size, sizeof(options)));
	status = parse_options(&cmd, options, verb->stop_at_operand || verb->subverbs, argc, argv);
	if (status != PARSED)
		return status;
	cmd.operands = argv + optind;
	cmd.n_operands = (size_t)(argc - optind);
	if (verb->subverbs && cmd.n_operands) {
		const struct verb *sub = verb_find(verb, cmd.operands[0]);

		if (sub) {
			snprintf(sub_path, sizeof(sub_path), "%s %s", path, sub->name);
			return run_verb(sub, sub_path, (int)cmd.n_operands, cmd.operands);
		}
		if (!verb->run || !verb->operands)
			return unknown_verb(&cmd, cmd.operands[0]);
		/* It is an operand, and further options may stand behind it. */
		status = parse_options(&cmd, options, verb->stop_at_operand, (int)cmd.n_operands,
				       cmd.operands);
		if (status != PARSED)
			return status;
		cmd.operands[optind - 1] = cmd.operands[0];
		cmd.operands += optind - 1;
		cmd.n_operands -= (size_t)optind - 1;
	}
	if (!verb->run) {
		help_print(verb, path);
		return EXIT_USAGE;
	}
	status = check_operands(&cmd);
	if (status == PARSED)
		status = open_output(&cmd);
	if (status == PARSED)
		status = verb->run(&cmd, options);
	status = close_output(&cmd, status);
	free_texts(verb, &cmd.common, options);
	return status;
}

/* A descriptor that was closed would be given to the next socket; reading it then ends at once, and
 * writing fails. */
static void hold_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
			_exit(EXIT_CANNOT);
	}
}

/* Help and the version leave by stdio, all at once, so that the error is that of now. */
static int close_stdout(int status)
{
	if (!fflush(stdout) || errno == EPIPE)
		return status;
	fprintf(stderr, "%s: cannot write: %s.\n", sonde_verb.name, err_text(errno));
	return EXIT_CANNOT;
}

int command_run(int argc, char **argv)
{
	static char memory[STDOUT_BYTES];

	hold_standard_descriptors();
	/* Widths of characters, and no text in another language that a program might read. */
	setlocale(LC_CTYPE, "C.UTF-8");
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, memory, _IOFBF, sizeof(memory));
	return close_stdout(run_verb(&sonde_verb, sonde_verb.name, argc, argv));
}
