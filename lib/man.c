// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "lib/man.h"

/* Text that roff takes as text: no escapes, no requests, and dashes that can be copied. */
static void put(FILE *to, const char *text, size_t n)
{
	bool fresh = true;

	for (size_t i = 0; i < n; i++) {
		if (fresh && (text[i] == '.' || text[i] == '\''))
			fputs("\\&", to);
		fresh = text[i] == '\n';
		if (text[i] == '\\')
			fputs("\\e", to);
		else if (text[i] == '-')
			fputs("\\-", to);
		else if (text[i] == '\'')
			fputs("\\(aq", to);
		else if (text[i] == '`')
			fputs("\\(ga", to);
		else if (text[i] == '~')
			fputs("\\(ti", to);
		else if (text[i] == '^')
			fputs("\\(ha", to);
		else
			putc(text[i], to);
	}
}

static void put_all(FILE *to, const char *text)
{
	put(to, text, strlen(text));
}

/* An empty line begins a paragraph; lines that follow one another are one. */
static void put_paragraphs(FILE *to, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		if (n)
			put(to, text, n);
		fputs(n ? "\n" : ".PP\n", to);
		text += n + (text[n] == '\n');
	}
}

static void put_option(FILE *to, const struct opt *o)
{
	fputs(".TP\n", to);
	if (o->letter)
		fprintf(to, "\\fB\\-%c\\fR, ", o->letter);
	fputs("\\fB\\-\\-", to);
	put_all(to, o->name);
	fputs("\\fR", to);
	if (o->value) {
		fputs(" \\fI", to);
		put_all(to, o->value);
		fputs("\\fR", to);
	}
	putc('\n', to);
	put_all(to, o->text);
	fputs(".\n", to);
}

static void put_head(FILE *to, const char *text)
{
	size_t n = strlen(text);

	fputs(".SS ", to);
	put(to, text, n - (n && text[n - 1] == ':'));
	putc('\n', to);
}

static void put_options(FILE *to, const struct opt *options)
{
	const struct opt *o;
	struct opt_walk w;

	fputs(".SH OPTIONS\n", to);
	opt_walk(&w, options);
	while ((o = opt_next(&w))) {
		if (!o->text)
			continue;
		if (o->kind == OPT_KIND_HEAD)
			put_head(to, o->text);
		else
			put_option(to, o);
	}
}

static void put_items(FILE *to, const char *head, const struct man_item *items)
{
	if (!items)
		return;
	fprintf(to, ".SH %s\n", head);
	for (const struct man_item *i = items; i->term; i++) {
		fputs(".TP\n\\fB", to);
		put_all(to, i->term);
		fputs("\\fR\n", to);
		put_all(to, i->text);
		fputs(".\n", to);
	}
}

/* "0 all is well, 1 not so, 2 wrong usage" as a list; a comma before a digit ends an item. */
static void put_exits(FILE *to, const char *exits)
{
	fputs(".SH EXIT STATUS\n", to);
	while (*exits) {
		size_t n = 0;

		while (exits[n] && !((exits[n] == ',' || exits[n] == ';') && exits[n + 1] == ' ' && isdigit((unsigned char)exits[n + 2])))
			n++;
		if (isdigit((unsigned char)*exits)) {
			size_t digits = strspn(exits, "0123456789");

			fprintf(to, ".TP\n\\fB%.*s\\fR\n", (int)digits, exits);
			put(to, exits + digits + 1, n > digits ? n - digits - 1 : 0);
		} else {
			fputs(".PP\n", to);
			put(to, exits, n);
		}
		fputs(".\n", to);
		exits += n + (exits[n] ? 2 : 0);
	}
}

int man_write(const struct man *m, FILE *to)
{
	fprintf(to, ".\\\" written by the program itself, from its tables\n.TH ");
	for (const char *c = m->name; *c; c++)
		*c == '-' ? fputs("\\-", to) : putc(toupper((unsigned char)*c), to);
	fprintf(to, " %u \"\" \"weir %s\" \"weir\"\n.SH NAME\n", m->section, m->version);
	put_all(to, m->name);
	fputs(" \\- ", to);
	put_all(to, m->what);
	fputs("\n.SH SYNOPSIS\n", to);
	put_all(to, m->usage);
	fputs("\n.SH DESCRIPTION\n", to);
	put_paragraphs(to, m->text);
	if (m->items)
		put_items(to, m->list, m->items);
	if (m->options)
		put_options(to, m->options);
	if (m->exits)
		put_exits(to, m->exits);
	if (m->examples) {
		fputs(".SH EXAMPLES\n.nf\n", to);
		put_all(to, m->examples);
		fputs(".fi\n", to);
	}
	put_items(to, "FILES", m->files);
	if (m->see) {
		fputs(".SH SEE ALSO\n", to);
		put_all(to, m->see);
		putc('\n', to);
	}
	return ferror(to) ? -EIO : 0;
}
