/* sonde help: the command table as help, manual pages and completions. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/verbs.h"

struct help_options {
	bool manual;
	const char *completion;
};

static const struct verb_option options[] = {
	{ 0, "manual", NULL, "write the manual page, for man -l", OPTION_FLAG,
	  offsetof(struct help_options, manual) },
	{ 0, "completion", "SHELL", "write the completion script for bash, zsh or fish",
	  OPTION_TEXT, offsetof(struct help_options, completion) },
};

static int run(struct command *cmd, void *opaque)
{
	const struct help_options *o = opaque;
	const struct verb *verb = &sonde_verb;
	char path[COMMAND_PATH_MAX] = "sonde";

	if (o->completion) {
		if (completion_print(o->completion) == 0)
			return EXIT_YES;
		return command_fails(cmd, EXIT_USAGE, "--completion: bash, zsh or fish, not \"%s\"",
				     o->completion);
	}
	for (size_t i = 0; i < cmd->n_operands; i++) {
		const struct verb *sub = verb_find(verb, cmd->operands[i]);
		size_t len = strlen(path);

		if (!sub)
			return command_fails(cmd, EXIT_USAGE,
					     "%s has no command \"%s\"; see: %s --help", path,
					     cmd->operands[i], path);
		snprintf(path + len, sizeof(path) - len, " %s", sub->name);
		verb = sub;
	}
	if (o->manual)
		manual_print(verb, path);
	else
		help_print(verb, path);
	return EXIT_YES;
}

static const struct example examples[] = {
	{ "sonde help ping", "what ping does, its options, and the fields of its results" },
	{ "sonde help --manual ping | man -l -", "the same as a manual page" },
	{ "source <(sonde help --completion bash)", "completion in this shell" },
};

const struct verb verb_help = {
	.name = "help",
	.operands = "[COMMAND]",
	.summary = "explain a command",
	.options = options,
	.n_options = ARRAY_LEN(options),
	.options_size = sizeof(struct help_options),
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.run = run,
};
