/*
 * Completion scripts for bash, zsh and fish, from the command table. Each is flat: a list of what
 * may follow a path of verbs, so that the script itself has no logic beyond finding the path.
 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

typedef void (*visit_fn)(const struct verb *verb, const char *path);

/* Calls @visit for @verb and all below it; @path is "sonde lab up". */
static void visit_verbs(const struct verb *verb, const char *path, visit_fn visit)
{
	visit(verb, path);
	for (size_t i = 0; verb->subverbs && verb->subverbs[i]; i++) {
		char sub_path[COMMAND_PATH_MAX];

		snprintf(sub_path, sizeof(sub_path), "%s %s", path, verb->subverbs[i]->name);
		visit_verbs(verb->subverbs[i], sub_path, visit);
	}
}

static const char *dashes_of(const struct verb_option *option)
{
	return option->one_dash ? "-" : "--";
}

static void bash_case(const struct verb *verb, const char *path)
{
	struct option_set set;

	option_set_of(verb, &set);
	printf("\t\"%s\") words='", path);
	for (size_t i = 0; verb->subverbs && verb->subverbs[i]; i++)
		printf("%s ", verb->subverbs[i]->name);
	for (size_t i = 0; i < set.n; i++) {
		if (set.items[i]->name)
			printf("%s%s ", dashes_of(set.items[i]), set.items[i]->name);
		else
			printf("-%c ", set.items[i]->letter);
	}
	printf("'; operands=%d;;\n", verb->completes);
}

static void bash_paths(const struct verb *verb, const char *path)
{
	if (verb->subverbs)
		printf("\t\t\"%s\") ;;\n", path);
}

static void bash_print(void)
{
	printf("# bash completion for sonde\n"
	       "_sonde()\n{\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	       "\tlocal path=sonde words= operands=0 word\n"
	       "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
	       "\t\tcase \"$path\" in\n");
	visit_verbs(&sonde_verb, "sonde", bash_paths);
	printf("\t\t*) break;;\n\t\tesac\n"
	       "\t\tcase \"$word\" in -*) ;; *) path=\"$path $word\";; esac\n"
	       "\tdone\n"
	       "\tcase \"$path\" in\n");
	visit_verbs(&sonde_verb, "sonde", bash_case);
	printf("\tesac\n"
	       "\tcase \"$prev\" in\n"
	       "\t-i|--interface) COMPREPLY=($(compgen -W \"$(command ls /sys/class/net)\" -- "
	       "\"$cur\")); return;;\n"
	       "\t-o|--output) COMPREPLY=($(compgen -f -- \"$cur\")); return;;\n"
	       "\tesac\n"
	       "\tif [[ $operands = %d && $cur != -* ]]; then\n"
	       "\t\tCOMPREPLY=($(compgen -f -- \"$cur\") $(compgen -W \"$words\" -- \"$cur\"))\n"
	       "\telif [[ $operands = %d && $cur != -* ]]; then\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$(command ls /sys/class/net)\" -- \"$cur\"))\n"
	       "\telif [[ $operands = %d && $cur != -* ]]; then\n"
	       "\t\tCOMPREPLY=($(compgen -A hostname -- \"$cur\"))\n"
	       "\telse\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	       "\tfi\n"
	       "}\ncomplete -F _sonde sonde\n",
	       COMPLETE_FILE, COMPLETE_IFACE, COMPLETE_HOST);
}

/* Text inside single quotes of a shell. */
static void print_quoted(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*text);
	}
	putchar('\'');
}

static void zsh_case(const struct verb *verb, const char *path)
{
	struct option_set set;

	option_set_of(verb, &set);
	printf("\t\"%s\") words=(", path);
	for (size_t i = 0; verb->subverbs && verb->subverbs[i]; i++) {
		char text[200];

		snprintf(text, sizeof(text), "%s:%s", verb->subverbs[i]->name,
			 verb->subverbs[i]->summary);
		print_quoted(text);
		putchar(' ');
	}
	for (size_t i = 0; i < set.n; i++) {
		char text[240];

		if (set.items[i]->name)
			snprintf(text, sizeof(text), "%s%s:%s", dashes_of(set.items[i]),
				 set.items[i]->name, set.items[i]->help);
		else
			snprintf(text, sizeof(text), "-%c:%s", set.items[i]->letter,
				 set.items[i]->help);
		print_quoted(text);
		putchar(' ');
	}
	printf("); operands=%d;;\n", verb->completes);
}

static void zsh_print(void)
{
	printf("#compdef sonde\n"
	       "_sonde()\n{\n"
	       "\tlocal path_of=sonde operands=0 word\n"
	       "\tlocal -a words_typed words\n"
	       "\twords_typed=(\"${(@)words[2,CURRENT-1]}\")\n"
	       "\tlocal cur=${words[CURRENT]}\n"
	       "\twords=()\n"
	       "\tfor word in \"${words_typed[@]}\"; do\n"
	       "\t\tcase \"$path_of\" in\n");
	visit_verbs(&sonde_verb, "sonde", bash_paths);
	printf("\t\t*) break;;\n\t\tesac\n"
	       "\t\tcase \"$word\" in -*) ;; *) path_of=\"$path_of $word\";; esac\n"
	       "\tdone\n"
	       "\tcase \"$path_of\" in\n");
	visit_verbs(&sonde_verb, "sonde", zsh_case);
	printf("\tesac\n"
	       "\t_describe -t commands sonde words\n"
	       "\t[[ $operands = %d ]] && _files\n"
	       "\t[[ $operands = %d ]] && _values interface $(command ls /sys/class/net)\n"
	       "\t[[ $operands = %d ]] && _hosts\n"
	       "}\n_sonde \"$@\"\n",
	       COMPLETE_FILE, COMPLETE_IFACE, COMPLETE_HOST);
}

/* The condition under which fish offers something: the verbs of @path have been typed, in order. */
static void fish_condition(const char *path)
{
	const char *words = strchr(path, ' ');

	printf("complete -c sonde ");
	if (words) {
		printf("-n '__sonde_at%s' ", words);
		return;
	}
	printf("-n '__sonde_at' ");
}

static void fish_lines(const struct verb *verb, const char *path)
{
	struct option_set set;

	for (size_t i = 0; verb->subverbs && verb->subverbs[i]; i++) {
		fish_condition(path);
		printf("-f -a %s -d ", verb->subverbs[i]->name);
		print_quoted(verb->subverbs[i]->summary);
		putchar('\n');
	}
	option_set_of(verb, &set);
	for (size_t i = 0; i < set.n; i++) {
		fish_condition(path);
		if (set.items[i]->letter)
			printf("-s %c ", set.items[i]->letter);
		if (set.items[i]->name)
			printf("-%c %s ", set.items[i]->one_dash ? 'o' : 'l', set.items[i]->name);
		printf("%s-d ", set.items[i]->arg ? "-r " : "");
		print_quoted(set.items[i]->help);
		putchar('\n');
	}
}

static void fish_print(void)
{
	printf("# fish completion for sonde\n"
	       "function __sonde_at\n"
	       "\tset -l typed (string match -v -- '-*' (commandline -opc)[2..-1])\n"
	       "\ttest (count $typed) -ge (count $argv); or return 1\n"
	       "\tfor i in (seq (count $argv))\n"
	       "\t\ttest $typed[$i] = $argv[$i]; or return 1\n"
	       "\tend\n"
	       "\tset -q argv[1]; or test (count $typed) -eq 0\n"
	       "end\n");
	visit_verbs(&sonde_verb, "sonde", fish_lines);
}

int completion_print(const char *shell)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} shells[] = { { "bash", bash_print }, { "zsh", zsh_print }, { "fish", fish_print } };

	for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
		if (!strcmp(shells[i].name, shell)) {
			shells[i].print();
			return 0;
		}
	}
	return -E_NOT_FOUND;
}
