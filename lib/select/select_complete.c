// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/select/complete.h"
#include "lib/select/select_inside.h"

/* Where the words begin; quotes hold blanks together.  Returns the last two, "" for none. */
static void last_words(const char *line, char before[SELECT_WORD], char last[SELECT_WORD])
{
	before[0] = last[0] = '\0';
	for (;;) {
		size_t blanks = strspn(line, " \t"), n = 0;
		char quote = 0;

		line += blanks;
		for (; line[n] && (quote || (line[n] != ' ' && line[n] != '\t')); n++) {
			if (quote ? line[n] == quote : line[n] == '\'' || line[n] == '"')
				quote = quote ? 0 : line[n];
		}
		if (blanks || n) {
			memcpy(before, last, SELECT_WORD);
			snprintf(last, SELECT_WORD, "%.*s", (int)(n < SELECT_WORD ? n : SELECT_WORD - 1), line);
		}
		if (!n || !line[n])
			return;
		line += n;
	}
}

static const struct opt *option_of(const char *word, size_t n)
{
	const struct opt *o;
	struct opt_walk w;

	opt_walk(&w, select_options);
	while ((o = opt_next(&w))) {
		if (!o->name)
			continue;
		if (n > 2 && word[0] == '-' && word[1] == '-' && strlen(o->name) == n - 2 && !strncmp(o->name, word + 2, n - 2))
			return o;
		if (n == 2 && word[0] == '-' && o->letter && word[1] == o->letter)
			return o;
	}
	return NULL;
}

static enum select_kind kind_of(const struct opt *o)
{
	const struct choice *c = select_choice(o);

	switch (c ? c->how : HOW_NUMBER) {
	case HOW_NAMESPACE:
		return SELECT_NAMESPACES;
	case HOW_POD:
		return SELECT_PODS;
	case HOW_WORKLOAD:
		return SELECT_WORKLOADS;
	case HOW_POLICY:
		return SELECT_POLICIES;
	case HOW_IDENTITY:
	case HOW_FLAGS:
	case HOW_DROP_REASON:
		return SELECT_WORDS;
	default:
		if (strchr(o->value, '|'))
			return SELECT_WORDS;
		return !strcmp(o->value, "PORT") ? SELECT_PORTS : !strcmp(o->name, "node-name") ? SELECT_NODES : SELECT_NOTHING;
	}
}

/* Two characters of quoting at most: what is typed is a name. */
static void unquote(const char *raw, char *out)
{
	size_t n = 0;

	for (; *raw && n < SELECT_WORD - 1; raw++)
		if (*raw != '\'' && *raw != '"')
			out[n++] = *raw;
	out[n] = '\0';
}

void select_typing(const char *line, struct select_typing *out)
{
	char before[SELECT_WORD], word[SELECT_WORD];
	const struct opt *o;
	char *equal;

	memset(out, 0, sizeof(*out));
	last_words(line, before, out->raw);
	unquote(out->raw, word);
	equal = !strncmp(word, "--", 2) ? strchr(word, '=') : NULL;
	o = equal ? option_of(word, equal - word) : option_of(before, strlen(before));
	if (equal) {
		snprintf(out->lead, sizeof(out->lead), "%.*s", (int)(equal - word + 1), word);
		snprintf(out->word, sizeof(out->word), "%s", equal + 1);
	} else {
		snprintf(out->word, sizeof(out->word), "%s", word);
	}
	out->option = o && o->value ? o : NULL;
	out->kind = out->option ? kind_of(out->option) : equal ? SELECT_NOTHING : SELECT_OPTIONS;
}

/* The command line's own. */
static bool is_elsewhere(const char *name)
{
	static const char *const names[] = { "input-file", "print-raw-filters", "explain-filter", "field-mask",
					     "use-default-field-masks", "cel-expression" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

enum pass { PASS_FILTERS, PASS_OTHERS, PASS_WITHIN, PASSES };

static bool is_offered(const struct opt *o, const char *name, const char *word, enum pass pass)
{
	bool begins = !strncmp(name, word, strlen(word)) || (o->letter && word[0] == '-' && word[1] == o->letter && !word[2]);
	bool filter = select_choice(o) || !strcmp(o->name, "not");

	if (pass == PASS_WITHIN)
		return !begins && strlen(word) > 1 && strcasestr(name, word);
	return begins && filter == (pass == PASS_FILTERS);
}

/* Those that choose flows first, then which of them, then what has the word somewhere. */
static void offer_options(const char *word, select_offer_fn fn, void *ctx)
{
	for (enum pass pass = 0; pass < PASSES; pass++) {
		const struct opt *o;
		struct opt_walk w;

		opt_walk(&w, select_options);
		while ((o = opt_next(&w))) {
			char name[64];

			if (!o->name || !o->text || is_elsewhere(o->name))
				continue;
			snprintf(name, sizeof(name), "--%s", o->name);
			if (is_offered(o, name, word, pass))
				fn(ctx, name, o->value, o->text);
		}
	}
}

const char *select_word(const struct opt *o, unsigned int i)
{
	static const char *const flags[] = { "syn", "ack", "fin", "rst", "psh", "urg", "ece", "cwr", "ns" };
	const struct choice *c = select_choice(o);

	switch (c ? c->how : HOW_NUMBER) {
	case HOW_IDENTITY:
		return i < SELECT_IDENTITIES ? select_identities[i] : NULL;
	case HOW_FLAGS:
		return i < sizeof(flags) / sizeof(flags[0]) ? flags[i] : NULL;
	case HOW_DROP_REASON:
		return i < flow__drop_reason__descriptor.n_values ? flow__drop_reason__descriptor.values[i].name : NULL;
	default:
		return NULL;
	}
}

static void offer_word(const struct select_typing *t, const char *word, size_t n, select_offer_fn fn, void *ctx)
{
	char text[2 * SELECT_WORD];

	snprintf(text, sizeof(text), "%s%.*s", t->lead, (int)n, word);
	if (strlen(t->word) <= n && !strncasecmp(word, t->word, strlen(t->word)))
		fn(ctx, text, NULL, t->option->text);
}

static void offer_words(const struct select_typing *t, select_offer_fn fn, void *ctx)
{
	const char *at = t->option->value, *word;

	for (unsigned int i = 0; (word = select_word(t->option, i)); i++)
		offer_word(t, word, strlen(word), fn, ctx);
	if (select_word(t->option, 0))
		return;
	for (size_t n; *at; at += n + (at[n] == '|')) {
		n = strcspn(at, "|");
		offer_word(t, at, n, fn, ctx);
	}
}

void select_offer(const struct select_typing *t, select_offer_fn fn, void *ctx)
{
	if (t->kind == SELECT_OPTIONS)
		offer_options(t->word, fn, ctx);
	else if (t->kind == SELECT_WORDS)
		offer_words(t, fn, ctx);
}
