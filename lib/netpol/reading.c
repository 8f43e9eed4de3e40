// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/netpol/reading.h"
#include "lib/word.h"

static int unknown_field(struct reading *r, const struct tree_node *key, const struct shape *shape);
static const struct field *find(const struct shape *shape, const char *name);
static const char *kind_text(const struct tree_node *n);

int reading_fail(struct reading *r, const struct tree_node *at, const char *format, ...)
{
	va_list args;

	r->why->line = at->line;
	r->why->column = at->column;
	va_start(args, format);
	vsnprintf(r->why->text, sizeof(r->why->text), format, args);
	va_end(args);
	return -EINVAL;
}

const char *reading_show(struct shown *s, const char *text)
{
	return complaint_show(text, s->text, sizeof(s->text));
}

int reading_map(struct reading *r, const struct tree_node *map, const struct shape *shape, void *to)
{
	struct shown s;
	int err = 0;

	if (map->kind == TREE_SCALAR && shape->scalar_hint)
		return reading_fail(r, map, "%s is %s '%s'; write %s", shape->what, kind_text(map),
				    reading_show(&s, map->text), shape->scalar_hint);
	err = reading_is(r, map, TREE_MAP, shape->what);
	if (err)
		return err;
	for (const struct tree_node *k = map->first; k; k = tree_after(k)) {
		const struct field *f = find(shape, k->text);

		if (!f)
			err = unknown_field(r, k, shape);
		else if (f->read && !tree_null(k->next))
			err = f->read(r, k->next, to);
		if (err)
			return err;
	}
	return 0;
}

int reading_list(struct reading *r, const struct tree_node *list, const struct list_of *of, void *array,
		 unsigned int *n)
{
	int err = reading_is(r, list, TREE_LIST, of->what);
	char *at;

	if (err)
		return err;
	if (of->most && list->count > of->most)
		return reading_fail(r, list, "%s has %u items, and at most %u are allowed", of->what, list->count,
				    of->most);
	at = arena_alloc(&r->things, of->size * list->count);
	if (!at)
		return -ENOMEM;
	memcpy(array, &at, sizeof(at));
	*n = list->count;
	for (const struct tree_node *i = list->first; i && !err; i = i->next, at += of->size)
		err = tree_null(i) ? reading_fail(r, i, "an item of %s is empty; write what it is, or delete it", of->what)
				   : of->item(r, i, at);
	return err;
}

static const char *kind_text(const struct tree_node *n)
{
	if (n->kind != TREE_SCALAR)
		return n->kind == TREE_MAP ? "a map of fields" : "a list";
	switch (tree_type(n)) {
	case TREE_NULL:
		return "empty";
	case TREE_BOOL:
		return "a boolean";
	case TREE_NUMBER:
		return "a number";
	default:
		return "a text";
	}
}

int reading_is(struct reading *r, const struct tree_node *n, enum tree_kind kind, const char *what)
{
	if (n->kind == kind)
		return 0;
	if (kind == TREE_LIST)
		return reading_fail(r, n, "%s is %s and must be a list; begin each item with '- '", what, kind_text(n));
	if (kind == TREE_MAP)
		return reading_fail(r, n, "%s is %s and must be a map of fields ('name: value')", what, kind_text(n));
	return reading_fail(r, n, "%s is %s and must be a single value", what, kind_text(n));
}

int reading_word(struct reading *r, const struct tree_node *n, const char *what, const char **out)
{
	struct shown s;
	int err = reading_is(r, n, TREE_SCALAR, what);

	if (err)
		return err;
	if (n->cut)
		return reading_fail(r, n, "%s is longer than 4,096 bytes", what);
	if (n->plain && (tree_type(n) == TREE_BOOL || tree_type(n) == TREE_NUMBER))
		return reading_fail(r, n, "%s must be a text, and %s without quotes is %s; write \"%s\"", what,
				    reading_show(&s, n->text), kind_text(n), s.text);
	*out = tree_null(n) ? "" : n->text;
	return 0;
}

int reading_copy(struct reading *r, const char *text, const char **out)
{
	static const char none[] = "";

	*out = *text ? arena_text(&r->texts, text, strlen(text)) : none;
	return *out ? 0 : -ENOMEM;
}

int reading_text(struct reading *r, const struct tree_node *n, const char *what, const char **out)
{
	const char *word;

	return reading_word(r, n, what, &word) ?: reading_copy(r, word, out);
}

/* Digits alone, and no zero before them: what YAML would take for octal is not taken for decimal. */
static bool whole(const char *s, unsigned long *out)
{
	const char *begin = s;

	*out = 0;
	for (; *s >= '0' && *s <= '9' && s - begin < 12; s++)
		*out = *out * 10 + (*s - '0');
	return s > begin && !*s && (*begin != '0' || s - begin == 1);
}

int reading_uint(struct reading *r, const struct tree_node *n, const char *what, unsigned int least,
		 unsigned int most, unsigned int *out)
{
	unsigned long value;
	struct shown s;
	int err = reading_is(r, n, TREE_SCALAR, what);

	if (err)
		return err;
	reading_show(&s, n->text);
	if (!n->plain)
		return reading_fail(r, n, "%s must be a number, and \"%s\" in quotes is a text; leave the quotes out", what,
				    s.text);
	if (!whole(n->text, &value))
		return reading_fail(r, n, "%s is '%s' and must be a whole number from %u to %u", what, s.text, least, most);
	if (value < least || value > most)
		return reading_fail(r, n, "%s is %s and must be from %u to %u", what, s.text, least, most);
	*out = value;
	return 0;
}

int reading_bool(struct reading *r, const struct tree_node *n, const char *what, bool *out)
{
	struct shown s;
	int err = reading_is(r, n, TREE_SCALAR, what);

	if (err)
		return err;
	if (tree_type(n) != TREE_BOOL)
		return reading_fail(r, n, "%s is '%s' and must be true or false, without quotes", what,
				    reading_show(&s, n->text));
	*out = strchr("tTyY", n->text[0]) || !strcasecmp(n->text, "on");
	return 0;
}

/* "Admin or Baseline", "TCP, UDP or SCTP" */
static void list_words(char *to, size_t size, const char *const *words, unsigned int n)
{
	size_t at = 0;

	to[0] = 0;
	for (unsigned int i = 0; i < n && at < size; i++)
		at += snprintf(to + at, size - at, "%s%s", !i ? "" : i + 1 < n ? ", " : " or ", words[i]);
}

int reading_choice(struct reading *r, const struct tree_node *n, const char *what, const char *const *words,
		   unsigned int nwords, unsigned int *out)
{
	const char *word, *meant;
	char all[160];
	struct shown s;
	int err = reading_word(r, n, what, &word);

	if (err)
		return err;
	for (*out = 0; *out < nwords; ++*out)
		if (!strcmp(word, words[*out]))
			return 0;
	meant = word_closest(word, words, nwords);
	if (meant)
		return reading_fail(r, n, "%s is '%s'; write %s", what, reading_show(&s, word), meant);
	list_words(all, sizeof(all), words, nwords);
	return reading_fail(r, n, "%s is '%s' and must be %s", what, reading_show(&s, word), all);
}

static const struct field *find(const struct shape *shape, const char *name)
{
	for (unsigned int i = 0; i < shape->n; i++)
		if (!strcmp(shape->field[i].name, name))
			return &shape->field[i];
	return NULL;
}

static int unknown_field(struct reading *r, const struct tree_node *key, const struct shape *shape)
{
	const char *names[64], *meant;
	char all[240];
	struct shown s;

	if (shape->unknown == PASS_OVER)
		return 0;
	for (unsigned int i = 0; i < shape->n; i++)
		names[i] = shape->field[i].name;
	reading_show(&s, key->text);
	meant = word_closest(key->text, names, shape->n);
	if (meant)
		return reading_fail(r, key, "'%s' is no field of %s; write %s", s.text, shape->what, meant);
	if (shape->unknown == REFUSE_SLIPS)
		return 0;
	if (shape->hint)
		return reading_fail(r, key, "'%s' is no field of %s; %s", s.text, shape->what, shape->hint);
	list_words(all, sizeof(all), names, shape->n);
	return reading_fail(r, key, "'%s' is no field of %s; it may have %s", s.text, shape->what, all);
}
