/* Manual pages in mdoc(7), from the command table. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

#define MANUAL_MAX_BYTES (1u << 20)

/*
 * Text of the manual: roff's own characters lose their meaning, paragraphs become .Pp, and a
 * sentence begins on a line of its own, from which roff knows the end of the one before.
 */
static void put_text(struct buf *b, const char *text)
{
	bool line_start = true;

	for (; *text; text++) {
		if (line_start && (*text == '.' || *text == '\''))
			buf_lit(b, "\\&");
		if (!strncmp(text, "\n\n", 2)) {
			buf_lit(b, "\n.Pp\n");
			text += strspn(text, "\n") - 1;
			line_start = true;
			continue;
		}
		line_start = *text == '\n';
		if (*text == '\\')
			buf_lit(b, "\\e");
		else if (*text == '-')
			buf_lit(b, "\\-");
		else
			buf_char(b, *text);
		if (strchr(".?!", *text) && text[1] == ' ') {
			buf_char(b, '\n');
			text += strspn(text + 1, " ");
			line_start = true;
		}
	}
	buf_char(b, '\n');
}

/* An argument of a macro: quoted, so that its words are not taken for macros. */
static void put_quoted(struct buf *b, const char *text)
{
	buf_char(b, '"');
	for (; *text; text++) {
		if (*text == '"')
			buf_lit(b, "\\(dq");
		else if (*text == '\\')
			buf_lit(b, "\\e");
		else
			buf_char(b, *text);
	}
	buf_char(b, '"');
}

static void put_option(struct buf *b, const struct verb_option *option)
{
	buf_lit(b, ".It Fl ");
	if (option->letter)
		buf_char(b, option->letter);
	if (option->letter && option->name)
		buf_lit(b, " , Fl ");
	if (option->name)
		buf_printf(b, option->one_dash ? "%s" : "\\-%s", option->name);
	if (option->arg)
		buf_printf(b, " Ar %s", option->arg);
	buf_char(b, '\n');
	put_text(b, option->help);
}

static void put_options(struct buf *b, const struct verb *verb)
{
	struct option_set set;

	option_set_of(verb, &set);
	buf_lit(b, "The options are:\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < set.n; i++)
		put_option(b, set.items[i]);
	buf_lit(b, ".El\n");
}

static void put_records(struct buf *b, const struct verb *verb)
{
	if (!verb->records)
		return;
	buf_lit(b, ".Ss Results\n"
		   "The fields of each record, in tables,\n"
		   "with\n.Fl \\-json ,\n.Fl \\-csv\nand\n.Fl \\-fields :\n");
	for (size_t i = 0; verb->records[i]; i++) {
		const struct out_type *type = verb->records[i];

		buf_printf(b, ".Pp\n.Sy %s\n.Bl -tag -width Ds\n", type->name);
		for (size_t k = 0; k < type->n_columns; k++) {
			const char *about = type->columns[k].about;

			buf_printf(b, ".It Va %s\n", type->columns[k].name);
			put_text(b, about ? about : "");
		}
		buf_lit(b, ".El\n");
	}
}

static void put_examples(struct buf *b, const struct verb *verb)
{
	if (!verb->n_examples)
		return;
	buf_lit(b, ".Sh EXAMPLES\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < verb->n_examples; i++) {
		buf_lit(b, ".It Ic ");
		put_quoted(b, verb->examples[i].command);
		buf_char(b, '\n');
		put_text(b, verb->examples[i].about);
	}
	buf_lit(b, ".El\n");
}

static void put_synopsis(struct buf *b, const struct verb *verb, const char *path)
{
	const char *words = strchr(path, ' ');

	buf_lit(b, ".Nm sonde\n");
	if (words) {
		buf_lit(b, ".Cm ");
		put_quoted(b, words + 1);
		buf_char(b, '\n');
	}
	if (verb->subverbs)
		buf_lit(b, ".Ar COMMAND\n");
	if (verb->stop_at_operand)
		buf_lit(b, ".Op Ar OPTIONS\n");
	if (verb->operands) {
		buf_lit(b, ".Ar ");
		put_quoted(b, verb->operands);
		buf_char(b, '\n');
	}
	if (!verb->stop_at_operand)
		buf_lit(b, ".Op Ar OPTIONS\n");
}

/* One verb's description: about, options, results; its subverbs as subsections. */
static void put_description(struct buf *b, const struct verb *verb, const char *path)
{
	if (verb->about) {
		put_text(b, verb->about);
		buf_lit(b, ".Pp\n");
	}
	put_options(b, verb);
	put_records(b, verb);
	for (size_t i = 0; verb->subverbs && verb->subverbs[i]; i++) {
		const struct verb *sub = verb->subverbs[i];
		char sub_path[COMMAND_PATH_MAX];

		snprintf(sub_path, sizeof(sub_path), "%s %s", path, sub->name);
		/* The verbs of the root have manual pages of their own. */
		if (verb == &sonde_verb) {
			buf_printf(b, "%s.It Xr sonde-%s 1\n",
				   i ? "" : ".Ss Commands\n.Bl -tag -width Ds\n", sub->name);
			put_text(b, sub->summary);
			if (!verb->subverbs[i + 1])
				buf_lit(b, ".El\n");
			continue;
		}
		buf_printf(b, ".Ss %s%s%s\n", sub_path, sub->operands ? " " : "",
			   sub->operands ? sub->operands : "");
		put_text(b, sub->summary);
		buf_lit(b, ".Pp\n");
		put_description(b, sub, sub_path);
	}
}

void manual_print(const struct verb *verb, const char *path)
{
	struct buf b = buf_of(MANUAL_MAX_BYTES);
	char name[COMMAND_PATH_MAX];

	snprintf(name, sizeof(name), "%s", path);
	for (char *p = name; *p; p++)
		*p = *p == ' ' ? '-' : *p;
	buf_lit(&b, ".Dd $Mdocdate$\n.Dt ");
	for (const char *p = name; *p; p++)
		buf_char(&b, (char)toupper(*p));
	buf_printf(&b, " 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n.Sh SYNOPSIS\n", name, verb->summary);
	put_synopsis(&b, verb, path);
	buf_lit(&b, ".Sh DESCRIPTION\n");
	put_description(&b, verb, path);
	buf_lit(&b, ".Sh EXIT STATUS\n.Bl -tag -width Ds\n"
		    ".It 0\nyes, or done\n"
		    ".It 1\nno: unreachable, closed, nothing found\n"
		    ".It 2\nwrong usage or input\n"
		    ".It 3\ncould not: privilege, device, file\n.El\n");
	put_examples(&b, verb);
	if (verb != &sonde_verb)
		buf_lit(&b, ".Sh SEE ALSO\n.Xr sonde 1\n");
	fwrite(b.data, 1, b.len, stdout);
	buf_done(&b);
}
