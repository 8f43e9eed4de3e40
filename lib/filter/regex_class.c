// SPDX-License-Identifier: Apache-2.0
/* Classes of an expression: [a-z], [^[:alpha:]], \d. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "lib/filter/regex_inside.h"

/* \d, \w, \s, and what is not one of them. */
int regex_add_letters(struct regex_reader *d, char letter)
{
	static const struct regex_range digits[] = { { '0', '9' } };
	static const struct regex_range words[] = { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } };
	static const struct regex_range spaces[] = { { '\t', '\n' }, { '\f', '\r' }, { ' ', ' ' } };
	char lower = tolower(letter);
	const struct regex_range *list = lower == 'd' ? digits : lower == 'w' ? words : spaces;
	unsigned int n = lower == 'd' ? 1 : lower == 'w' ? 4 : 3;
	uint32_t from = 0;
	int err = 0;

	for (unsigned int i = 0; i < n && !err; i++) {
		err = letter == lower ? regex_add_range(d, list[i].first, list[i].last) : regex_add_range(d, from, list[i].first - 1);
		from = list[i].last + 1;
	}
	if (!err && letter != lower)
		err = regex_add_range(d, from, REGEX_LAST);
	return err;
}

static int is_word(int c)
{
	return isalnum(c) || c == '_';
}

/* [:alpha:], 'd->at' at its '['.  -ENOENT: it is none. */
static int read_named_class(struct regex_reader *d)
{
	static const struct { const char *name; int (*is)(int); } names[] = {
		{ "alnum", isalnum }, { "alpha", isalpha }, { "blank", isblank }, { "cntrl", iscntrl },
		{ "digit", isdigit }, { "graph", isgraph }, { "lower", islower }, { "print", isprint },
		{ "punct", ispunct }, { "space", isspace }, { "upper", isupper }, { "word", is_word },
		{ "xdigit", isxdigit },
	};
	bool not = d->at[2] == '^';
	const char *name = d->at + 2 + not, *end = strstr(name, ":]");
	int err = 0;

	if (d->at[1] != ':' || !end)
		return -ENOENT;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i].name) != (size_t)(end - name) || memcmp(names[i].name, name, end - name))
			continue;
		for (int c = 0; c < 128 && !err; c++)
			if (!names[i].is(c) == not)
				err = regex_add_range(d, c, c);
		if (!err && not)
			err = regex_add_range(d, 128, REGEX_LAST);
		d->at = end + 2;
		return err;
	}
	return regex_refuse(d, "a class's name is not known: [:alnum:] [:alpha:] [:digit:] [:lower:] [:space:] [:upper:] [:word:] [:xdigit:] are, and others");
}

/* One end of a range inside brackets. */
static int read_class_character(struct regex_reader *d, uint32_t *c)
{
	if (*d->at != '\\')
		return regex_read_plain(d, c);
	d->at++;
	return regex_read_escaped(d, c);
}

static int read_class_range(struct regex_reader *d)
{
	uint32_t first, last;
	int err;

	if (d->at[0] == '[' && d->at[1] == ':') {
		err = read_named_class(d);
		if (err != -ENOENT)
			return err;
	}
	if (d->at[0] == '\\' && d->at[1] && strchr("dDwWsS", d->at[1])) {
		d->at += 2;
		return regex_add_letters(d, d->at[-1]);
	}
	err = read_class_character(d, &first);
	last = first;
	if (!err && d->at[0] == '-' && d->at[1] && d->at[1] != ']') {
		d->at++;
		err = read_class_character(d, &last);
		if (!err && last < first)
			err = regex_refuse(d, "a range in brackets goes backwards");
	}
	return err ?: regex_add_range(d, first, last);
}

/* The other case of what the ranges from 'from' on hold. */
static int fold_ranges(struct regex_reader *d, unsigned int from)
{
	unsigned int end = d->r->ranges;
	int err = 0;

	for (unsigned int i = from; i < end && !err; i++) {
		struct regex_range r = d->r->range[i];

		for (uint32_t c = 'a'; c <= 'z' && !err; c++) {
			uint32_t upper = c - 'a' + 'A';
			bool has_lower = c >= r.first && c <= r.last, has_upper = upper >= r.first && upper <= r.last;

			if (has_lower != has_upper)
				err = regex_add_range(d, has_lower ? upper : c, has_lower ? upper : c);
		}
	}
	return err;
}

static bool in_ranges(const struct regex *r, unsigned int from, unsigned int end, uint32_t c, uint32_t *next)
{
	bool in = false;

	/* how far what holds for 'c' goes on */
	*next = REGEX_LAST + 1;
	for (unsigned int i = from; i < end; i++) {
		const struct regex_range *range = &r->range[i];

		if (c >= range->first && c <= range->last) {
			if (!in || range->last + 1 > *next)
				*next = range->last + 1;
			in = true;
		}
	}
	for (unsigned int i = from; i < end && !in; i++)
		if (r->range[i].first > c && r->range[i].first < *next)
			*next = r->range[i].first;
	return in;
}

/* The ranges from 'from' on become those between them. */
static int invert_ranges(struct regex_reader *d, unsigned int from)
{
	unsigned int end = d->r->ranges, n;
	uint32_t c = 0, next;
	int err = 0;

	for (; c <= REGEX_LAST && !err; c = next)
		if (!in_ranges(d->r, from, end, c, &next))
			err = regex_add_range(d, c, next - 1);
	if (err)
		return err;
	n = d->r->ranges - end;
	memmove(&d->r->range[from], &d->r->range[end], n * sizeof(d->r->range[0]));
	d->r->ranges = from + n;
	return 0;
}

int regex_read_class(struct regex_reader *d)
{
	unsigned int first = d->r->ranges;
	bool not = d->at[1] == '^', begun = false;
	int err = 0;

	d->at += 1 + not;
	while (!err && (*d->at != ']' || !begun)) {
		if (!*d->at)
			return regex_refuse(d, "'[' is not closed");
		err = read_class_range(d);
		begun = true;
	}
	d->at++;
	if (!err && d->fold)
		err = fold_ranges(d, first);
	if (!err && not)
		err = invert_ranges(d, first);
	return err ?: regex_add_class(d, first);
}
