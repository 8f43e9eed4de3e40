// SPDX-License-Identifier: Apache-2.0
/* weir completion: the shells' scripts, which ask this program what may stand where the cursor is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/select/complete.h"
#include "tools/lab.h"
#include "tools/verb.h"

/* Told to a shell in place of words: files may stand here. */
#define FILES ":files"

static const char bash[] =
	"# bash completion for weir; put it in /etc/bash_completion.d, or: source <(weir completion bash)\n"
	"_weir()\n"
	"{\n"
	"\tlocal line words=(\"${COMP_WORDS[@]:1:COMP_CWORD}\") cur=${COMP_WORDS[COMP_CWORD]}\n"
	"\tCOMPREPLY=()\n"
	"\t[[ $cur == \"=\" ]] && cur=\n"
	"\twhile IFS= read -r line; do\n"
	"\t\tif [[ $line == " FILES " ]]; then\n"
	"\t\t\twhile IFS= read -r line; do COMPREPLY+=(\"$line\"); done < <(compgen -f -- \"$cur\")\n"
	"\t\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\telse\n"
	"\t\t\tCOMPREPLY+=(\"${line%%$'\\t'*}\")\n"
	"\t\tfi\n"
	"\tdone < <(\"${COMP_WORDS[0]}\" completion --words -- \"${words[@]}\" 2>/dev/null)\n"
	"\t[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null\n"
	"\treturn 0\n"
	"}\n"
	"complete -F _weir weir\n";

static const char zsh[] =
	"#compdef weir\n"
	"# zsh completion for weir; put it as _weir in a directory of $fpath, or: source <(weir completion zsh)\n"
	"_weir()\n"
	"{\n"
	"\tlocal line files=0\n"
	"\tlocal -a found\n"
	"\twhile IFS= read -r line; do\n"
	"\t\tif [[ $line == " FILES " ]]; then\n"
	"\t\t\tfiles=1\n"
	"\t\telse\n"
	"\t\t\tfound+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
	"\t\tfi\n"
	"\tdone < <(${words[1]} completion --words -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
	"\t(( ${#found} )) && _describe 'weir' found\n"
	"\t(( files )) && _files\n"
	"\treturn 0\n"
	"}\n"
	"if [[ ${funcstack[1]} == _weir ]]; then _weir \"$@\"; else compdef _weir weir; fi\n";

static const char fish[] =
	"# fish completion for weir; put it in ~/.config/fish/completions/weir.fish, or: weir completion fish | source\n"
	"function __weir_words\n"
	"\tset -l words (commandline -opc) (commandline -ct)\n"
	"\tfor line in (command $words[1] completion --words -- $words[2..-1] 2>/dev/null)\n"
	"\t\tif test \"$line\" = " FILES "\n"
	"\t\t\t__fish_complete_path (commandline -ct)\n"
	"\t\telse\n"
	"\t\t\techo $line\n"
	"\t\tend\n"
	"\tend\n"
	"end\n"
	"complete -c weir -f -a '(__weir_words)'\n";

static struct verb_want want;
static bool words_wanted;

static const struct opt options[] = {
	OPT_FLAG(0, "words", &words_wanted, NULL),
	OPT_FLAG('h', "help", &want.help, "say this"),
	OPT_END
};

static const struct verb_help help = {
	"completion bash|zsh|fish",
	"Prints a script that teaches a shell the verbs, options and values of weir.",
	"0 printed", false,
	"  source <(weir completion bash)\n"
	"  weir completion zsh > ~/.zsh/completions/_weir\n"
	"  weir completion fish > ~/.config/fish/completions/weir.fish\n",
	"bash|zsh|fish"
};

static void say(const char *word, size_t n, const char *text)
{
	printf("%.*s", (int)n, word);
	if (text)
		printf("\t%.*s", (int)strcspn(text, "\n"), text);
	putchar('\n');
}

static bool begins(const char *word, size_t n, const char *with)
{
	return n >= strlen(with) && !strncmp(word, with, strlen(with));
}

/* Each of "a|b|c"; 'lead' is what the shell has before it in the same word. */
static void say_choices(const char *words, const char *begun, const char *lead)
{
	while (*words) {
		size_t n = strcspn(words, "|");

		if (begins(words, n, begun))
			printf("%s%.*s\n", lead, (int)n, words);
		words += n + (words[n] == '|');
	}
}

static void say_labs(const char *begun, const char *lead)
{
	char names[64][LAB_NAME_MAX + 1];
	int n = lab_names(names, 64);

	for (int i = 0; i < n && i < 64; i++)
		if (begins(names[i], strlen(names[i]), begun))
			printf("%s%s\n", lead, names[i]);
}

static void say_value(const struct opt *o, const char *begun, const char *lead)
{
	const char *word;

	for (unsigned int i = 0; (word = select_word(o, i)); i++)
		if (begins(word, strlen(word), begun))
			printf("%s%s\n", lead, word);
	if (select_word(o, 0))
		return;
	if (!o->value)
		say_choices("true|false", begun, lead);
	else if (!strcmp(o->value, "LAB"))
		say_labs(begun, lead);
	else if (strchr(o->value, '|'))
		say_choices(o->value, begun, lead);
	else if (strstr(o->value, "FILE") || strstr(o->value, "DIR") || strstr(o->value, "PATH"))
		puts(FILES);
}

static void say_options(const struct opt *options, const char *begun)
{
	const struct opt *o;
	struct opt_walk w;
	char word[64];

	opt_walk(&w, options);
	while ((o = opt_next(&w))) {
		if (!o->name || !o->text)
			continue;
		snprintf(word, sizeof(word), "--%s", o->name);
		if (begins(word, strlen(word), begun))
			say(word, strlen(word), o->text);
	}
}

static const struct opt *option_of(const struct opt *options, const char *word)
{
	const struct opt *o;
	struct opt_walk w;

	if (!strncmp(word, "--", 2))
		return opt_find(options, word + 2);
	if (word[0] != '-' || !word[1] || word[2])
		return NULL;
	opt_walk(&w, options);
	while ((o = opt_next(&w)) && o->letter != word[1])
		;
	return o;
}

/* Within a verb: an option's value, an option, or a word. */
static void say_within(const struct verb_described *d, int n, char **word)
{
	const char *last = word[n - 1], *before = n > 1 ? word[n - 2] : "", *equal = strchr(last, '=');
	const struct opt *o;
	char name[64];

	/* bash takes "--output=js" apart: --output, =, js */
	if (!strcmp(last, "=") && (o = option_of(d->options, before))) {
		say_value(o, "", "");
	} else if (!strcmp(before, "=") && n > 2 && (o = option_of(d->options, word[n - 3]))) {
		say_value(o, last, "");
	} else if (!strncmp(last, "--", 2) && equal && equal - last + 1 < (ptrdiff_t)sizeof(name)) {
		snprintf(name, sizeof(name), "%.*s", (int)(equal - last), last);
		o = option_of(d->options, name);
		snprintf(name, sizeof(name), "%.*s", (int)(equal - last + 1), last);
		if (o)
			say_value(o, equal + 1, name);
	} else if ((o = option_of(d->options, before)) && o->value) {
		say_value(o, last, "");
	} else if (*last == '-') {
		say_options(d->options, last);
	} else if (d->help->words) {
		say_choices(d->help->words, last, "");
	} else if (strstr(d->help->usage, "PATH") || strstr(d->help->usage, "DIR")) {
		puts(FILES);
	}
}

static void say_verbs(const struct verb *verbs, const char *begun)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (v->text && begins(v->name, strlen(v->name), begun))
			say(v->name, strlen(v->name), v->text);
}

/* The last word is the one that is being written. */
static void say_words(const struct verb *verbs, int n, char **word)
{
	struct verb_described d;

	if (n < 1)
		return;
	if (n == 1) {
		say_verbs(verbs, word[0]);
		return;
	}
	for (const struct verb *v = verbs; v->name; v++) {
		if (strcmp(v->name, word[0]))
			continue;
		verb_describe(v, &d);
		if (d.verbs)
			say_words(d.verbs, n - 1, word + 1);
		else if (d.options)
			say_within(&d, n - 1, word + 1);
	}
}

int completion_main(int argc, char **argv)
{
	static const struct {
		const char *shell, *script;
	} scripts[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };
	struct verb_words words;
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	if (words_wanted) {
		say_words(weir_verbs, words.n, words.word);
		return VERB_OK;
	}
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		if (words.n != 1 || strcmp(words.word[0], scripts[i].shell))
			continue;
		fputs(scripts[i].script, stdout);
		return VERB_OK;
	}
	return verb_fail(VERB_USAGE, "which shell: bash, zsh or fish");
}
