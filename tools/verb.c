// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/connect.h"
#include "tools/lab_at.h"
#include "tools/text.h"
#include "tools/verb.h"

static char speaker[64] = "weir";	/* who talks on stderr */
static struct verb_described *described;	/* not run: somebody asks what the verb is */

static void speak_as(const char *usage)
{
	size_t n = strcspn(usage, " ");

	/* "lab up DIR": the verb is both words, being small letters */
	while (usage[n] == ' ' && usage[n + 1] >= 'a' && usage[n + 1] <= 'z')
		n += 1 + strcspn(usage + n + 1, " ");
	snprintf(speaker, sizeof(speaker), "weir %.*s", (int)n, usage);
}

static void print_help(const struct verb_help *help, const struct opt *options)
{
	printf("usage: weir %s\n\n%s\n\n", help->usage, help->text);
	opt_help(options, stdout);
	if (help->examples)
		printf("\nexamples:\n%s", help->examples);
	printf("\nexit codes: %s, " VERB_EXITS "\n", help->exits);
}

/* Options and words in any order; words gather at the front of argv. */
static int sort_words(const struct verb_help *help, const struct opt *options, struct verb_words *words,
		      int argc, char **argv, struct complaint *why)
{
	int at = 0;

	words->word = argv;
	words->n = 0;
	while (at < argc) {
		int n = opt_parse(options, argc - at, argv + at, why);
		bool ended = n > 0 && !strcmp(argv[at + n - 1], "--");

		if (n < 0)
			return n;
		at += n;
		if (ended || help->words_end_options) {
			memmove(argv + words->n, argv + at, (argc - at) * sizeof(*argv));
			words->n += argc - at;
			at = argc;
		} else if (at < argc) {
			argv[words->n++] = argv[at++];
		}
	}
	argv[words->n] = NULL;
	return 0;
}

/* What the environment or the settings say gives way to --lab. */
static int server_of_lab(struct verb_want *want)
{
	static char server[PATH_MAX];
	unsigned int nodes;

	if (want->server && want->server != connect_want.server)
		return verb_fail(VERB_USAGE, "--server and --lab both say whom to ask");
	if (!lab_observer(want->lab, server, &nodes))
		return verb_fail(VERB_UNREACHED, "no lab '%s' is up ('weir lab status' lists them)", want->lab);
	if (nodes > 1)
		fprintf(stderr, "asking %s; 'weir lab status' shows the other nodes (--server)\n", server);
	want->server = server;
	return VERB_GO;
}

static bool is_one_of(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (; words && *words; words += strcspn(words, "|"), words += *words == '|')
		if (strcspn(words, "|") == n && !strncmp(words, word, n))
			return true;
	return false;
}

int verb_begin(const struct verb_help *help, struct verb_want *want, const struct opt *options,
	       struct verb_words *words, int argc, char **argv)
{
	struct complaint why = { 0 };
	const char *term = getenv("TERM");

	if (described) {
		described->help = help;
		described->options = options;
		return VERB_OK;
	}
	speak_as(help->usage);
	connect_defaults(argc, argv);
	want->server = connect_want.server;
	if (sort_words(help, options, words, argc - 1, argv + 1, &why))
		return verb_complain(VERB_USAGE, &why);
	if (want->help) {
		print_help(help, options);
		return VERB_OK;
	}
	if (want->output && strcmp(want->output, "json") && strcmp(want->output, "text") && !is_one_of(want->outputs, want->output))
		return verb_fail(VERB_USAGE, "output is text or json%s%s, not '%s'", want->outputs ? ", or as hubble has it " : "",
				 want->outputs ?: "", want->output);
	want->json = want->output && !strcmp(want->output, "json");
	want->colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && term && strcmp(term, "dumb");
	if (want->server && !*want->server)
		want->server = NULL;
	if (connect_twice(want->server, want->lab))
		return VERB_USAGE;
	return want->lab ? server_of_lab(want) : VERB_GO;
}

int verb_fail(enum verb_exit code, const char *format, ...)
{
	struct text text = { 0 };
	char *said = NULL;
	va_list args;

	fflush(stdout);
	va_start(args, format);
	if (vasprintf(&said, format, args) < 0)
		said = NULL;
	va_end(args);
	text_clean(&text, said ? said : "no memory");	/* a server's words may be in it */
	fprintf(stderr, "%s: %.*s", speaker, (int)text.n, text.data);
	text_free(&text);
	free(said);
	fprintf(stderr, code == VERB_USAGE ? " (--help says how)\n" : "\n");
	return code;
}

int verb_complain(enum verb_exit code, const struct complaint *why)
{
	char text[1024];

	fflush(stdout);
	fprintf(stderr, "%s: %s\n", speaker, complaint_text(why, text, sizeof(text)));
	return code;
}

void verb_describe(const struct verb *v, struct verb_described *out)
{
	char *argv[] = { (char *)v->name, NULL };

	memset(out, 0, sizeof(*out));
	described = out;
	v->run(1, argv);
	described = NULL;
}

static int list_verbs(const struct verb *verbs, const char *of, const char *about, FILE *to)
{
	fprintf(to, "usage: %s VERB [OPTION...] ...\n\n%s\n\n", of, about);
	for (const struct verb *v = verbs; v->name; v++)
		if (v->text)
			fprintf(to, "  %-12s %s\n", v->name, v->text);
	fprintf(to, "\n'%s VERB --help' says more.\n", of);
	return to == stdout ? VERB_OK : VERB_USAGE;
}

static int no_verb(const struct verb *verbs, const char *of, const char *name)
{
	char all[512] = "", near[64];
	size_t n = 0;

	for (const struct verb *v = verbs; v->name && n < sizeof(all); v++)
		n += snprintf(all + n, sizeof(all) - n, "%s%s", n ? "|" : "", v->name);
	if (opt_closest_word(all, name, near, sizeof(near)))
		fprintf(stderr, "%s: no verb '%s' (did you mean '%s'?)\n", of, name, near);
	else
		fprintf(stderr, "%s: no verb '%s' ('%s help' lists them)\n", of, name, of);
	return VERB_USAGE;
}

int verb_run(const struct verb *verbs, const char *of, const char *about, int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (described) {
		described->verbs = verbs;
		return VERB_OK;
	}
	if (!name)
		return list_verbs(verbs, of, about, stderr);
	if (!strcmp(name, "help") && argc > 2) {
		char *help[] = { argv[0], argv[2], "--help", NULL };

		return verb_run(verbs, of, about, 3, help);
	}
	if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
		return list_verbs(verbs, of, about, stdout);
	for (const struct verb *v = verbs; v->name; v++)
		if (!strcmp(v->name, name))
			return v->run(argc - 1, argv + 1);
	return no_verb(verbs, of, name);
}
