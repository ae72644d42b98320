/* Help on the terminal, from the command table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/command.h"

#define HELP_MAX_BYTES (1u << 20)
#define LEAST_COLUMNS  40
#define MOST_COLUMNS   100

static size_t help_columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return 80;
	size_t columns = MAX((size_t)size.ws_col, (size_t)LEAST_COLUMNS);

	return MIN(columns, (size_t)MOST_COLUMNS);
}

/* Writes @text from column @at on, broken at blanks, later lines from column @indent. */
static void put_wrapped(struct buf *b, const char *text, size_t at, size_t indent, size_t columns)
{
	bool first = true;

	while (*text) {
		size_t len = strcspn(text, " \n"), blank_lines = 0;

		if (!first && at + 1 + len > columns) {
			buf_char(b, '\n');
			buf_fill(b, ' ', indent);
			at = indent;
		} else if (!first && at > indent) {
			buf_char(b, ' ');
			at++;
		}
		buf_bytes(b, text, len);
		at += len;
		first = false;
		for (text += len; *text == ' ' || *text == '\n'; text++)
			blank_lines += *text == '\n';
		if (blank_lines && *text) {
			buf_fill(b, '\n', blank_lines);
			buf_fill(b, ' ', indent);
			at = indent;
			first = true;
		}
	}
	buf_char(b, '\n');
}

/* A term and its meaning in two columns. */
static void put_item(struct buf *b, const char *term, size_t term_len, const char *meaning,
		     size_t indent, size_t columns)
{
	buf_lit(b, "  ");
	buf_bytes(b, term, term_len);
	if (term_len + 4 > indent) {
		buf_char(b, '\n');
		buf_fill(b, ' ', indent);
	} else {
		buf_fill(b, ' ', indent - term_len - 2);
	}
	put_wrapped(b, meaning, indent, indent, columns);
}

static void put_options(struct buf *b, const struct verb *verb, size_t columns)
{
	struct option_set set;
	char text[80];

	option_set_of(verb, &set);
	buf_lit(b, "\nOptions\n");
	for (size_t i = 0; i < set.n; i++) {
		struct buf usage = buf_in(text, sizeof(text));

		option_usage(&usage, set.items[i]);
		put_item(b, text, usage.len, set.items[i]->help, 28, columns);
	}
}

static void put_records(struct buf *b, const struct verb *verb, size_t columns)
{
	if (!verb->records)
		return;
	buf_lit(b, "\nResults, and the fields of --json, --csv and --fields\n");
	for (size_t i = 0; verb->records[i]; i++) {
		const struct out_type *type = verb->records[i];

		buf_printf(b, "%s  %s:\n", i ? "\n" : "", type->name);
		for (size_t k = 0; k < type->n_columns; k++) {
			const struct out_column *column = &type->columns[k];

			buf_lit(b, "  ");
			put_item(b, column->name, strlen(column->name),
				 column->about ? column->about : "", 26, columns);
		}
	}
}

static void put_subverbs(struct buf *b, const struct verb *verb, size_t columns)
{
	if (!verb->subverbs)
		return;
	buf_lit(b, "\nCommands\n");
	for (size_t i = 0; verb->subverbs[i]; i++)
		put_item(b, verb->subverbs[i]->name, strlen(verb->subverbs[i]->name),
			 verb->subverbs[i]->summary, 14, columns);
}

static void put_examples(struct buf *b, const struct verb *verb, size_t columns)
{
	if (!verb->n_examples)
		return;
	buf_lit(b, "\nExamples\n");
	for (size_t i = 0; i < verb->n_examples; i++) {
		buf_printf(b, "  %s\n      ", verb->examples[i].command);
		put_wrapped(b, verb->examples[i].about, 6, 6, columns);
	}
}

void help_print(const struct verb *verb, const char *path)
{
	struct buf b = buf_of(HELP_MAX_BYTES);
	size_t columns = help_columns();

	buf_printf(&b, "%s: %s\n\n  %s", path, verb->summary, path);
	if (verb->subverbs)
		buf_str(&b, verb->run ? " [COMMAND]" : " COMMAND");
	/* Behind the operands, options are the other command's. */
	if (verb->stop_at_operand)
		buf_lit(&b, " [OPTIONS]");
	if (verb->operands)
		buf_printf(&b, " %s", verb->operands);
	buf_str(&b, verb->stop_at_operand ? "\n" : " [OPTIONS]\n");
	if (verb->about) {
		buf_char(&b, '\n');
		put_wrapped(&b, verb->about, 0, 0, columns);
	}
	put_subverbs(&b, verb, columns);
	put_options(&b, verb, columns);
	put_records(&b, verb, columns);
	put_examples(&b, verb, columns);
	if (verb->subverbs)
		buf_printf(&b, "\nMore: sonde help%s COMMAND\n", path + strlen("sonde"));
	fwrite(b.data, 1, b.len, stdout);
	buf_done(&b);
}
