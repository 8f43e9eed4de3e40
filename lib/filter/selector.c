// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/filter/selector.h"

#define SHOW 80			/* characters of what is complained of */
#define LONGEST 253		/* of a key's part or a value; Kubernetes allows 63, prefixes 253 */

struct lexer {
	const char *at;		/* in the text */
	const char *word;	/* of the token that comes, in the text */
	size_t length;
	int token;		/* 'w': a word; 0: the end; '=', '!', '(', ... as they are; 'n': !=, 'e': == */
	struct arena *things, *texts;
	struct complaint *why;
};

static int parse_need(struct lexer *l, struct selector_need *need);
static bool need_holds(const struct selector_need *need, const char *const *label, unsigned int labels);

static void next(struct lexer *l)
{
	const char *p = l->at + strspn(l->at, " \t\r\n");

	l->word = p;
	l->length = strcspn(p, " \t\r\n,()=!<>");
	l->token = 'w';
	if (!l->length) {
		l->token = *p;
		l->length = *p != 0;
		if (p[0] == '!' && p[1] == '=')
			l->token = 'n', l->length = 2;
		else if (p[0] == '=' && p[1] == '=')
			l->token = 'e', l->length = 2;
	}
	l->at = p + l->length;
}

__attribute__((format(printf, 2, 3)))
static int refuse(struct lexer *l, const char *format, ...)
{
	va_list args;
	char text[300];

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	complaint_set(l->why, 0, 0, "%s", text);
	return -EINVAL;
}

/* What stands where something else should. */
static int expected(struct lexer *l, const char *what)
{
	char word[SHOW], show[SHOW];

	if (!l->token)
		return refuse(l, "the selector ends where %s should follow", what);
	snprintf(word, sizeof(word), "%.*s", (int)(l->length < SHOW ? l->length : SHOW - 1), l->word);
	return refuse(l, "'%s' stands where %s should", complaint_show(word, show, sizeof(show)), what);
}

static size_t count_commas(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == ',';
	return n;
}

int selector_parse(const char *text, struct arena *things, struct arena *texts, struct selector *out,
		   struct complaint *why)
{
	struct lexer l = { .at = text, .things = things, .texts = texts, .why = why };
	int err;

	*out = (struct selector){ 0 };
	out->need = arena_alloc(things, count_commas(text) * sizeof(*out->need));
	if (!out->need)
		return -ENOMEM;
	next(&l);
	if (!l.token)
		return 0;		/* an empty selector selects everything */
	for (;;) {
		struct selector_need *need = &out->need[out->needs];

		err = parse_need(&l, need);
		if (err)
			return err;
		out->needs++;
		out->values += need->values;
		if (!l.token)
			return 0;
		if (l.token != ',')
			return expected(&l, "',' or the end");
		next(&l);
	}
}

static bool fit_for_label(const char *word, size_t length, const char *more)
{
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)word[i]) && (!word[i] || !strchr(more, word[i])))
			return false;
	return !length || (isalnum((unsigned char)word[0]) && isalnum((unsigned char)word[length - 1]));
}

static int parse_key(struct lexer *l, struct selector_need *need)
{
	const char *colon, *slash;
	char show[SHOW], word[SHOW];
	size_t prefix = 0;

	if (l->token != 'w')
		return expected(l, "a label's key");
	colon = memchr(l->word, ':', l->length);
	if (colon)
		prefix = colon + 1 - l->word;
	snprintf(word, sizeof(word), "%.*s", (int)(l->length < SHOW ? l->length : SHOW - 1), l->word);
	need->key_length = l->length - prefix;
	need->key = arena_text(l->texts, l->word + prefix, need->key_length);
	if (!need->key)
		return -ENOMEM;
	slash = strrchr(need->key, '/');
	if (!need->key_length || l->length > 2 * LONGEST || !fit_for_label(need->key, need->key_length, "-_./") ||
	    (slash && strchr(need->key, '/') != slash))
		return refuse(l, "'%s' is no label's key (letters, digits, '-', '_', '.', at most one '/', before it perhaps 'k8s:' or 'reserved:')",
			      complaint_show(word, show, sizeof(show)));
	if (colon && strncmp(l->word, "any:", 4) && strncmp(l->word, "unspec:", 7)) {
		need->source_length = prefix - 1;
		need->source = arena_text(l->texts, l->word, prefix - 1);
		if (!need->source)
			return -ENOMEM;
	}
	next(l);
	return 0;
}

static int take_value(struct lexer *l, struct selector_need *need)
{
	char word[SHOW], show[SHOW];
	size_t n = l->token == 'w' ? l->length : 0;

	snprintf(word, sizeof(word), "%.*s", (int)(n < SHOW ? n : SHOW - 1), l->word);
	if (n > LONGEST || !fit_for_label(l->word, n, "-_."))
		return refuse(l, "'%s' is no label's value (letters, digits, '-', '_', '.', the first and the last a letter or digit)",
			      complaint_show(word, show, sizeof(show)));
	need->value[need->values] = arena_text(l->texts, l->word, n);
	if (!need->value[need->values])
		return -ENOMEM;
	need->values++;
	if (l->token == 'w')
		next(l);
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* (a, b); nothing between two marks is the empty value, as in Kubernetes. */
static int parse_set(struct lexer *l, struct selector_need *need)
{
	int err;

	if (l->token != '(')
		return expected(l, "'('");
	need->value = arena_alloc(l->things, count_commas(l->at) * sizeof(*need->value));
	if (!need->value)
		return -ENOMEM;
	do {
		next(l);
		err = take_value(l, need);
		if (err)
			return err;
	} while (l->token == ',');
	if (l->token != ')')
		return expected(l, "',' or ')'");
	next(l);
	qsort(need->value, need->values, sizeof(*need->value), by_text);
	return 0;
}

static int parse_one_value(struct lexer *l, struct selector_need *need)
{
	need->value = arena_alloc(l->things, sizeof(*need->value));
	if (!need->value)
		return -ENOMEM;
	next(l);
	if (l->token != 'w' && l->token && l->token != ',')
		return expected(l, "a value");
	return take_value(l, need);
}

static bool parse_number(const char *text, int64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	return !errno && *text && !*end && (isdigit((unsigned char)*text) || *text == '-');
}

static int parse_bound(struct lexer *l, struct selector_need *need)
{
	char word[SHOW], show[SHOW];

	next(l);
	snprintf(word, sizeof(word), "%.*s", (int)(l->length < SHOW ? l->length : SHOW - 1), l->word);
	if (l->token != 'w')
		return expected(l, "a whole number");
	if (!parse_number(word, &need->number))
		return refuse(l, "'%s' is no whole number", complaint_show(word, show, sizeof(show)));
	next(l);
	return 0;
}

static bool word_is(const struct lexer *l, const char *word)
{
	return l->token == 'w' && l->length == strlen(word) && !memcmp(l->word, word, l->length);
}

static int parse_need(struct lexer *l, struct selector_need *need)
{
	bool absent = l->token == '!';
	int err;

	if (absent)
		next(l);
	err = parse_key(l, need);
	if (err)
		return err;
	need->op = absent ? SELECTOR_ABSENT : SELECTOR_THERE;
	if (absent || !l->token || l->token == ',')
		return 0;
	if (l->token == '=' || l->token == 'e' || l->token == 'n') {
		need->op = l->token == 'n' ? SELECTOR_NOT_IN : SELECTOR_IN;
		return parse_one_value(l, need);
	}
	if (l->token == '>' || l->token == '<') {
		need->op = l->token == '>' ? SELECTOR_ABOVE : SELECTOR_BELOW;
		return parse_bound(l, need);
	}
	if (!word_is(l, "in") && !word_is(l, "notin"))
		return expected(l, "=, ==, !=, in, notin, <, >, ',' or the end");
	need->op = l->length == 2 ? SELECTOR_IN : SELECTOR_NOT_IN;
	next(l);
	return parse_set(l, need);
}

bool selector_fits(const struct selector *s, const char *const *label, unsigned int labels)
{
	for (size_t i = 0; i < s->needs; i++)
		if (!need_holds(&s->need[i], label, labels))
			return false;
	return true;
}

/* The value of a label, if it is the one that is needed: "" if it has none. */
static const char *value_for(const struct selector_need *need, const char *label)
{
	size_t source = 0;

	if (!strncmp(label, "k8s:", 4)) {
		source = 4;		/* nearly all of them */
	} else {
		size_t n = strcspn(label, ":=");

		if (label[n] == ':')
			source = n + 1;
	}
	if (need->source &&
	    (source != need->source_length + 1 || memcmp(label, need->source, need->source_length)))
		return NULL;
	label += source;
	if (strncmp(label, need->key, need->key_length))
		return NULL;
	label += need->key_length;
	return *label == '=' ? label + 1 : *label ? NULL : label;
}

static bool value_fits(const struct selector_need *need, const char *value)
{
	int64_t number;

	switch (need->op) {
	case SELECTOR_IN:
	case SELECTOR_NOT_IN:
		if (need->values == 1)
			return !strcmp(value, need->value[0]);
		return bsearch(&value, need->value, need->values, sizeof(*need->value), by_text);
	case SELECTOR_ABOVE:
		return parse_number(value, &number) && number > need->number;
	case SELECTOR_BELOW:
		return parse_number(value, &number) && number < need->number;
	default:
		return true;
	}
}

static bool need_holds(const struct selector_need *need, const char *const *label, unsigned int labels)
{
	bool wanted = need->op != SELECTOR_NOT_IN && need->op != SELECTOR_ABSENT;

	for (unsigned int i = 0; i < labels; i++) {
		const char *value = value_for(need, label[i]);

		if (value && value_fits(need, value))
			return wanted;
	}
	return !wanted;
}
