// SPDX-License-Identifier: Apache-2.0
/* Expressions into steps: by descent, alternatives over sequences over repeated atoms. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/filter/regex_inside.h"
#include "lib/utf8.h"

#define DEPTH 100		/* groups in each other */
#define REPEAT_MOST 1000	/* as in RE2 */

static int read_alternatives(struct regex_reader *d);
static int read_sequence(struct regex_reader *d);
static int read_atom(struct regex_reader *d);
static int read_group(struct regex_reader *d);
static int read_escape(struct regex_reader *d);

int regex_refuse(struct regex_reader *d, const char *what)
{
	complaint_set(d->why, 0, 0, "%s", what);
	return -EINVAL;
}

static int add(struct regex_reader *d, struct regex_step step)
{
	if (d->r->steps == REGEX_STEPS) {
		complaint_set(d->why, 0, 0, "the expression is too large (more than %d steps)", REGEX_STEPS);
		return -EINVAL;
	}
	d->r->step[d->r->steps++] = step;
	return 0;
}

/* Room for one step before those from 'at' on; distances inside them stay. */
static int add_before(struct regex_reader *d, unsigned int at, struct regex_step step)
{
	int err = add(d, step);

	if (err)
		return err;
	memmove(&d->r->step[at + 1], &d->r->step[at], (d->r->steps - 1 - at) * sizeof(step));
	d->r->step[at] = step;
	return 0;
}

int regex_add_range(struct regex_reader *d, uint32_t first, uint32_t last)
{
	if (d->r->ranges == REGEX_RANGES)
		return regex_refuse(d, "the expression's classes are too large");
	d->r->range[d->r->ranges++] = (struct regex_range){ first, last };
	return 0;
}

int regex_read(struct regex *r, const char *pattern, struct complaint *why)
{
	struct regex_reader d = { .r = r, .at = pattern, .why = why };
	int err;

	r->steps = r->ranges = 0;
	err = read_alternatives(&d);
	if (err)
		return err;
	if (*d.at == ')')
		return regex_refuse(&d, "')' closes nothing");
	return add(&d, (struct regex_step){ .kind = REGEX_FOUND });
}

/* a|b: FORK(a, b) a FORK(over b) b */
static int read_alternatives(struct regex_reader *d)
{
	unsigned int begin = d->r->steps, length;
	int err = read_sequence(d);

	while (!err && *d->at == '|') {
		unsigned int second;

		d->at++;
		length = d->r->steps - begin;
		err = add_before(d, begin, (struct regex_step){ .kind = REGEX_FORK, .to = 1, .also = length + 2 }) ?:
		      add(d, (struct regex_step){ .kind = REGEX_FORK });
		if (err)
			return err;
		second = d->r->steps;
		err = read_sequence(d);
		if (!err)
			d->r->step[second - 1].to = d->r->step[second - 1].also = d->r->steps - second + 1;
	}
	return err;
}

/* One more of the steps that begin at 'from'. */
static int add_copy(struct regex_reader *d, unsigned int from, unsigned int length)
{
	int err = 0;

	for (unsigned int i = 0; i < length && !err; i++)
		err = add(d, d->r->step[from + i]);
	return err;
}

static int make_star(struct regex_reader *d, unsigned int begin)
{
	unsigned int length = d->r->steps - begin;

	return add_before(d, begin, (struct regex_step){ .kind = REGEX_FORK, .to = 1, .also = length + 2 }) ?:
	       add(d, (struct regex_step){ .kind = REGEX_FORK, .to = -(int)length - 1, .also = -(int)length - 1 });
}

static int make_plus(struct regex_reader *d, unsigned int begin)
{
	return add(d, (struct regex_step){ .kind = REGEX_FORK, .to = -(int)(d->r->steps - begin), .also = 1 });
}

static int make_perhaps(struct regex_reader *d, unsigned int begin)
{
	unsigned int length = d->r->steps - begin;

	return add_before(d, begin, (struct regex_step){ .kind = REGEX_FORK, .to = 1, .also = length + 1 });
}

/* x{2,4} is xxx?x?, x{2,} is xx+ */
static int make_counted(struct regex_reader *d, unsigned int begin, int least, int most)
{
	unsigned int length = d->r->steps - begin, again;
	int err = 0;

	if (!least && most < 0)
		return make_star(d, begin);
	if (!least && !most) {
		d->r->steps = begin;
		return 0;
	}
	for (int i = 1; i < (most < 0 ? least : most) && !err; i++) {
		again = d->r->steps;
		/* the first copy is still plain: optional ones are made so only once they have been copied */
		err = add_copy(d, begin, length);
		if (!err && i >= least)
			err = make_perhaps(d, again);
		if (!err && most < 0 && i == least - 1)
			err = make_plus(d, again);
	}
	if (!err && most < 0 && least == 1)
		err = make_plus(d, begin);
	if (!err && !least)
		err = make_perhaps(d, begin);
	return err;
}

/* {2}, {2,}, {2,4}: false if it is none, then it is text. */
static bool read_count(const char *at, const char **end, int *least, int *most)
{
	int n = 0;

	if (sscanf(at, "{%4d%n", least, &n) < 1 || !n || !isdigit((unsigned char)at[1]))
		return false;
	at += n;
	*most = *least;
	if (*at == ',') {
		at++;
		*most = -1;
		if (isdigit((unsigned char)*at)) {
			if (sscanf(at, "%4d%n", most, &n) < 1)
				return false;
			at += n;
		}
	}
	*end = at + 1;
	return *at == '}';
}

static int read_repeats(struct regex_reader *d, unsigned int begin)
{
	bool repeated = false;
	int least, most, err;
	const char *end;

	for (;;) {
		if (*d->at == '*' || *d->at == '+' || *d->at == '?') {
			if (repeated)
				return regex_refuse(d, "something is repeated twice ('**', '+*')");
			err = *d->at == '*' ? make_star(d, begin) : *d->at == '+' ? make_plus(d, begin) :
			      make_perhaps(d, begin);
			d->at++;
		} else if (*d->at == '{' && read_count(d->at, &end, &least, &most)) {
			if (repeated)
				return regex_refuse(d, "something is repeated twice ('*{2}')");
			if (least > REPEAT_MOST || most > REPEAT_MOST || (most >= 0 && most < least))
				return regex_refuse(d, "a repeat is {n}, {n,} or {n,m}, of at most 1000, the lesser first");
			err = make_counted(d, begin, least, most);
			d->at = end;
		} else {
			return 0;
		}
		if (err)
			return err;
		if (*d->at == '?')
			d->at++;	/* not greedy: the same without captures */
		repeated = true;
	}
}

static bool is_repeat(const char *at)
{
	int least, most;
	const char *end;

	return *at == '*' || *at == '+' || *at == '?' || (*at == '{' && read_count(at, &end, &least, &most));
}

static int read_sequence(struct regex_reader *d)
{
	bool some = false;		/* something that can be repeated */
	unsigned int last = 0;
	int err = 0;

	while (!err && *d->at && *d->at != '|' && *d->at != ')') {
		if (is_repeat(d->at)) {
			err = some ? read_repeats(d, last) : regex_refuse(d, "'*', '+', '?' or '{n}' repeats nothing");
			continue;
		}
		d->atom = d->r->steps;
		d->flags_alone = false;
		err = read_atom(d);
		if (d->flags_alone)
			continue;	/* what was before them may still be repeated */
		last = d->atom;
		some = true;
	}
	return err;
}

int regex_add_class(struct regex_reader *d, unsigned int first)
{
	return add(d, (struct regex_step){ .kind = REGEX_CLASS, .first = first, .ranges = d->r->ranges - first });
}

static int add_character(struct regex_reader *d, uint32_t c)
{
	unsigned int first = d->r->ranges;

	if (!d->fold || c > 127 || !isalpha(c))
		return add(d, (struct regex_step){ .kind = REGEX_CHARACTER, .first = c });
	return regex_add_range(d, tolower(c), tolower(c)) ?: regex_add_range(d, toupper(c), toupper(c)) ?: regex_add_class(d, first);
}

static int add_dot(struct regex_reader *d)
{
	unsigned int first = d->r->ranges;
	int err = d->dot_newline ? regex_add_range(d, 0, REGEX_LAST) :
				   regex_add_range(d, 0, '\n' - 1) ?: regex_add_range(d, '\n' + 1, REGEX_LAST);

	return err ?: regex_add_class(d, first);
}

/* One character of the expression, as it is. */
int regex_read_plain(struct regex_reader *d, uint32_t *c)
{
	const unsigned char *p = (const unsigned char *)d->at;
	unsigned int n = utf8_length(d->at, strlen(d->at));

	if (!n)
		return regex_refuse(d, "the expression is no UTF-8");
	*c = n == 1 ? p[0] : p[0] & (0xff >> (n + 1));
	for (unsigned int i = 1; i < n; i++)
		*c = *c << 6 | (p[i] & 0x3f);
	d->at += n;
	return 0;
}

static int read_atom(struct regex_reader *d)
{
	uint32_t c;
	int err;

	switch (*d->at) {
	case '(':
		return read_group(d);
	case '[':
		return regex_read_class(d);
	case '\\':
		return read_escape(d);
	case '.':
		d->at++;
		return add_dot(d);
	case '^':
		d->at++;
		return add(d, (struct regex_step){ .kind = d->lines ? REGEX_LINE_BEGIN : REGEX_BEGIN });
	case '$':
		d->at++;
		return add(d, (struct regex_step){ .kind = d->lines ? REGEX_LINE_END : REGEX_END });
	default:
		err = regex_read_plain(d, &c);
		return err ?: add_character(d, c);
	}
}

/* Behind "(?": (?i) (?i-s) (?i:x).  'd->at' ends at ':' or ')'. */
static int read_flags(struct regex_reader *d)
{
	bool on = true;

	for (; *d->at && *d->at != ':' && *d->at != ')'; d->at++) {
		switch (*d->at) {
		case '-':
			if (!on)
				return regex_refuse(d, "'-' stands twice among the flags of a group");
			on = false;
			break;
		case 'i':
			d->fold = on;
			break;
		case 's':
			d->dot_newline = on;
			break;
		case 'm':
			d->lines = on;
			break;
		case 'U':
			break;
		default:
			return regex_refuse(d, "a group begins with '(?:', '(?P<name>', or flags i, s, m, U: there is no looking ahead or behind");
		}
	}
	return *d->at ? 0 : regex_refuse(d, "'(' is not closed");
}

static int read_group_name(struct regex_reader *d)
{
	const char *name = d->at + (*d->at == 'P') + 1, *end = strchr(name, '>');

	for (const char *c = name; end && c < end; c++)
		if (!isalnum((unsigned char)*c) && *c != '_')
			end = NULL;
	if (!end || end == name)
		return regex_refuse(d, "a group's name is made of letters, digits and '_': (?P<name>...)");
	d->at = end + 1;
	return 0;
}

static int read_group(struct regex_reader *d)
{
	struct regex_reader outside = *d;
	int err = 0;

	if (++d->depth > DEPTH)
		return regex_refuse(d, "groups are too deep in each other");
	d->at++;
	if (!strncmp(d->at, "?P<", 3) || (!strncmp(d->at, "?<", 2) && d->at[2] != '=' && d->at[2] != '!')) {
		d->at++;
		err = read_group_name(d);
	} else if (*d->at == '?') {
		d->at++;
		err = read_flags(d);
		if (!err && *d->at == ')') {
			d->at++;
			d->depth--;
			d->flags_alone = true;
			return 0;	/* for the rest of the group around */
		}
		d->at++;
	}
	err = err ?: read_alternatives(d);
	if (err)
		return err;
	if (*d->at != ')')
		return regex_refuse(d, "'(' is not closed");
	outside.at = d->at + 1;
	*d = outside;
	return 0;
}

static int read_hex(struct regex_reader *d, uint32_t *c)
{
	int n = 0;
	unsigned int value = 0;

	if (d->at[0] == '{') {
		if (sscanf(d->at, "{%8x}%n", &value, &n) != 1 || !n || !isxdigit((unsigned char)d->at[1]))
			n = 0;
	} else if (isxdigit((unsigned char)d->at[0]) && isxdigit((unsigned char)d->at[1])) {
		sscanf(d->at, "%2x", &value);
		n = 2;
	}
	if (!n || value > REGEX_LAST)
		return regex_refuse(d, "after '\\x' stand two hexadecimal digits, or more in braces");
	*c = value;
	d->at += n;
	return 0;
}

/* An escape that is one character; behind the backslash. */
int regex_read_escaped(struct regex_reader *d, uint32_t *c)
{
	static const char letters[] = "aftnrv", values[] = "\a\f\t\n\r\v";
	const char *found = *d->at ? strchr(letters, *d->at) : NULL;

	if (!*d->at)
		return regex_refuse(d, "'\\' ends the expression");
	if (found) {
		*c = values[found - letters];
	} else if (*d->at == 'x') {
		d->at++;
		return read_hex(d, c);
	} else if (*d->at == '0') {
		int n = 0;
		unsigned int value = 0;

		sscanf(d->at, "%3o%n", &value, &n);
		*c = value;
		d->at += n;
		return 0;
	} else if (ispunct((unsigned char)*d->at)) {
		*c = *d->at;
	} else {
		return regex_refuse(d, *d->at == 'p' || *d->at == 'P' ? "classes by Unicode's names (\\p) are not supported" :
			      isdigit((unsigned char)*d->at) ? "there is no referring back (\\1)" :
			      "an escape is not known: \\d \\w \\s \\b \\A \\z \\n \\t \\xHH and \\ before punctuation are");
	}
	d->at++;
	return 0;
}

/* \Q...\E: the last character alone may be repeated. */
static int read_quoted(struct regex_reader *d)
{
	int err = 0;
	uint32_t c;

	d->flags_alone = true;		/* nothing, so far */
	while (!err && *d->at && strncmp(d->at, "\\E", 2)) {
		d->atom = d->r->steps;
		d->flags_alone = false;
		err = regex_read_plain(d, &c) ?: add_character(d, c);
	}
	if (!err && *d->at)
		d->at += 2;
	return err;
}

static int read_escape(struct regex_reader *d)
{
	unsigned int first = d->r->ranges;
	char letter = *++d->at;
	uint32_t c;
	int kind = letter == 'b' ? REGEX_WORD_EDGE : letter == 'B' ? REGEX_NO_WORD_EDGE :
		   letter == 'A' ? REGEX_BEGIN : letter == 'z' ? REGEX_END : -1;

	if (kind >= 0) {
		d->at++;
		return add(d, (struct regex_step){ .kind = kind });
	}
	if (letter == 'Q') {
		d->at++;
		return read_quoted(d);
	}
	if (letter && strchr("dDwWsS", letter)) {
		d->at++;
		return regex_add_letters(d, letter) ?: regex_add_class(d, first);
	}
	return regex_read_escaped(d, &c) ?: add_character(d, c);
}
