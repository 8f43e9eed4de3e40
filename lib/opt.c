// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/opt.h"

#define NAME_MAX_LENGTH 40
#define HELP_LEFT_MAX 36

static const struct opt *by_letter(const struct opt *options, char letter);
static const struct opt *by_name(const struct opt *options, const char *name, size_t length);
static const char *closest(const struct opt *options, const char *name);
static bool is_flag(const struct opt *o);
static int set(const struct opt *o, const char *text, struct complaint *why);
static int parse_name(const struct opt *options, int argc, char **argv, int *at, struct complaint *why);
static int parse_letters(const struct opt *options, int argc, char **argv, int *at, struct complaint *why);

int opt_parse(const struct opt *options, int argc, char **argv, struct complaint *why)
{
	int at = 0;

	while (at < argc) {
		const char *word = argv[at];
		int err;

		if (word[0] != '-' || !word[1])
			return at;
		if (!strcmp(word, "--"))
			return at + 1;
		if (word[1] == '-')
			err = parse_name(options, argc, argv, &at, why);
		else
			err = parse_letters(options, argc, argv, &at, why);
		if (err)
			return err;
		at++;
	}
	return at;
}

static int unknown(const struct opt *options, const char *name, size_t length, struct complaint *why)
{
	char word[NAME_MAX_LENGTH];
	const char *near;

	snprintf(word, sizeof(word), "%.*s", (int)length, name);
	near = closest(options, word);
	if (near)
		complaint_set(why, 0, 0, "no option '--%s' (did you mean '--%s'?)", word, near);
	else
		complaint_set(why, 0, 0, "no option '--%s' (--help lists them)", word);
	return -EINVAL;
}

/* --name, --name=VALUE, --name VALUE */
static int parse_name(const struct opt *options, int argc, char **argv, int *at, struct complaint *why)
{
	const char *name = argv[*at] + 2, *equal = strchr(name, '=');
	size_t length = equal ? (size_t)(equal - name) : strlen(name);
	const struct opt *o = by_name(options, name, length);

	if (!o)
		return unknown(options, name, length, why);
	if (is_flag(o))
		return set(o, equal ? equal + 1 : "true", why);
	if (equal)
		return set(o, equal + 1, why);
	if (*at + 1 >= argc) {
		complaint_set(why, 0, 0, "option '--%s' needs a value: %s", o->name, o->value);
		return -EINVAL;
	}
	return set(o, argv[++*at], why);
}

/* -f, -fn5, -n 5 */
static int parse_letters(const struct opt *options, int argc, char **argv, int *at, struct complaint *why)
{
	for (const char *c = argv[*at] + 1; *c; c++) {
		const struct opt *o = by_letter(options, *c);
		int err;

		if (!o) {
			complaint_set(why, 0, 0, "no option '-%c' (--help lists them)", *c);
			return -EINVAL;
		}
		if (is_flag(o)) {
			err = set(o, "true", why);
			if (err)
				return err;
			continue;
		}
		if (c[1])
			return set(o, c + 1, why);
		if (*at + 1 >= argc) {
			complaint_set(why, 0, 0, "option '-%c' needs a value: %s", *c, o->value);
			return -EINVAL;
		}
		return set(o, argv[++*at], why);
	}
	return 0;
}

void opt_walk(struct opt_walk *w, const struct opt *options)
{
	w->depth = 1;
	w->at[0] = options;
}

const struct opt *opt_next(struct opt_walk *w)
{
	while (w->depth) {
		const struct opt *o = w->at[w->depth - 1]++;

		if (!o->kind)
			w->depth--;
		else if (o->kind != OPT_KIND_TABLE)
			return o;
		else if (w->depth < OPT_DEPTH)
			w->at[w->depth++] = o->to;
	}
	return NULL;
}

static const struct opt *by_letter(const struct opt *options, char letter)
{
	const struct opt *o;
	struct opt_walk w;

	opt_walk(&w, options);
	while ((o = opt_next(&w)) && o->letter != letter)
		;
	return o;
}

static const struct opt *by_name(const struct opt *options, const char *name, size_t length)
{
	const struct opt *o;
	struct opt_walk w;

	opt_walk(&w, options);
	while ((o = opt_next(&w)))
		if (o->name && strlen(o->name) == length && !memcmp(o->name, name, length))
			return o;
	return NULL;
}

const struct opt *opt_find(const struct opt *options, const char *name)
{
	return by_name(options, name, strlen(name));
}

int opt_set(const struct opt *options, const char *name, const char *value, struct complaint *why)
{
	const struct opt *o = opt_find(options, name);

	return o ? set(o, value, why) : -ENOENT;
}

static bool is_flag(const struct opt *o)
{
	return o->kind == OPT_KIND_FLAG || (o->kind == OPT_KIND_CALL && !o->value);
}

static int set_flag(const struct opt *o, const char *text, struct complaint *why)
{
	if (strcmp(text, "true") && strcmp(text, "false")) {
		complaint_set(why, 0, 0, "option '--%s' takes no value but true and false, not '%s'", o->name, text);
		return -EINVAL;
	}
	if (o->kind == OPT_KIND_CALL)
		return o->call(o->to, o, text, why);
	*(bool *)o->to = text[0] == 't';
	return 0;
}

/* "a, b or c" */
static void say_words(const char *words, char *out, size_t size)
{
	size_t at = 0;

	for (const char *w = words; *w && at < size; w += strcspn(w, "|") + (w[strcspn(w, "|")] == '|')) {
		size_t n = strcspn(w, "|");
		const char *between = w == words ? "" : w[n] ? ", " : " or ";

		at += snprintf(out + at, size - at, "%s%.*s", between, (int)n, w);
	}
}

static int set_word(const struct opt *o, const char *text, struct complaint *why)
{
	char list[256], near[NAME_MAX_LENGTH];
	size_t length = strlen(text);

	for (const char *w = o->value; *w; w += strcspn(w, "|") + (w[strcspn(w, "|")] == '|')) {
		if (strcspn(w, "|") != length || memcmp(w, text, length))
			continue;
		*(const char **)o->to = text;
		return 0;
	}
	say_words(o->value, list, sizeof(list));
	if (opt_closest_word(o->value, text, near, sizeof(near)))
		complaint_set(why, 0, 0, "%s is %s, not '%s' (did you mean '%s'?)", o->name, list, text, near);
	else
		complaint_set(why, 0, 0, "%s is %s, not '%s'", o->name, list, text);
	return -EINVAL;
}

static int set_uint(const struct opt *o, const char *text, struct complaint *why)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno || n > UINT_MAX) {
		complaint_set(why, 0, 0, "option '--%s' wants a number from 0 to %u, not '%s'", o->name, UINT_MAX, text);
		return -EINVAL;
	}
	*(unsigned int *)o->to = n;
	return 0;
}

static int set_list(const struct opt *o, const char *text, struct complaint *why)
{
	struct opt_list *list = o->to;

	if (list->n == OPT_LIST_MAX) {
		complaint_set(why, 0, 0, "option '--%s' may be given %d times, no more", o->name, OPT_LIST_MAX);
		return -EINVAL;
	}
	list->value[list->n++] = text;
	return 0;
}

/* One number and its unit, in milliseconds; NULL if it is none.  '*end' is what stands behind. */
static const char *read_span(const char *text, double *ms)
{
	static const struct { const char *unit; double ms; } units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
	};
	size_t digits = strspn(text, "0123456789."), n;
	char *end;

	if (!isdigit((unsigned char)text[0]) || digits > 20)
		return NULL;
	*ms = strtod(text, &end);
	if (end != text + digits)
		return NULL;
	n = strspn(end, "hms");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].unit) != n || memcmp(units[i].unit, end, n))
			continue;
		*ms *= units[i].ms;
		return end + n;
	}
	return NULL;
}

static int set_duration(const struct opt *o, const char *text, struct complaint *why)
{
	const char *at = text;
	double sum = 0, ms;

	do {
		at = read_span(at, &ms);
		sum += ms;
	} while (at && *at && sum <= UINT_MAX);
	if (at && sum <= UINT_MAX) {
		*(unsigned int *)o->to = sum;
		return 0;
	}
	complaint_set(why, 0, 0, "option '--%s' wants a time such as 300ms, 10s, 5m or 1h30m, not '%s'", o->name, text);
	return -EINVAL;
}

static int set(const struct opt *o, const char *text, struct complaint *why)
{
	switch (o->kind) {
	case OPT_KIND_FLAG:
		return set_flag(o, text, why);
	case OPT_KIND_TEXT:
		*(const char **)o->to = text;
		return 0;
	case OPT_KIND_UINT:
		return set_uint(o, text, why);
	case OPT_KIND_LIST:
		return set_list(o, text, why);
	case OPT_KIND_DURATION:
		return set_duration(o, text, why);
	case OPT_KIND_WORD:
		return set_word(o, text, why);
	case OPT_KIND_CALL:
		return is_flag(o) ? set_flag(o, text, why) : o->call(o->to, o, text, why);
	default:
		return -EINVAL;
	}
}

/* How many letters must be put in, taken out or changed to make one of the other; both at most 39 long. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[NAME_MAX_LENGTH + 1], la = strlen(a), lb = strlen(b);

	for (unsigned int j = 0; j <= lb; j++)
		row[j] = j;
	for (unsigned int i = 1; i <= la; i++) {
		unsigned int corner = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= lb; j++) {
			unsigned int swap = corner + (a[i - 1] != b[j - 1]), put = row[j - 1] + 1, take = row[j] + 1;

			corner = row[j];
			row[j] = swap < put ? swap : put;
			if (take < row[j])
				row[j] = take;
		}
	}
	return row[lb];
}

static const char *closest(const struct opt *options, const char *name)
{
	const char *best = NULL;
	unsigned int best_distance = strlen(name) / 3 + 2;	/* further off is no slip of the finger */
	const struct opt *o;
	struct opt_walk w;

	opt_walk(&w, options);
	while ((o = opt_next(&w))) {
		unsigned int d;

		if (!o->name || !o->text || strlen(o->name) >= NAME_MAX_LENGTH)
			continue;
		d = distance(name, o->name);
		if (d < best_distance) {
			best = o->name;
			best_distance = d;
		}
	}
	return best;
}

const char *opt_closest_word(const char *words, const char *text, char *out, size_t size)
{
	unsigned int best = strlen(text) / 3 + 2;
	char word[NAME_MAX_LENGTH], typed[NAME_MAX_LENGTH];
	const char *found = NULL;

	if (strlen(text) >= sizeof(typed))
		return NULL;
	snprintf(typed, sizeof(typed), "%s", text);
	for (const char *w = words; *w; w += strcspn(w, "|") + (w[strcspn(w, "|")] == '|')) {
		unsigned int d;

		if (strcspn(w, "|") >= sizeof(word))
			continue;
		snprintf(word, sizeof(word), "%.*s", (int)strcspn(w, "|"), w);
		d = distance(typed, word);
		if (d >= best)
			continue;
		best = d;
		snprintf(out, size, "%s", word);
		found = out;
	}
	return found;
}

/* What stands left of an option's text.  Returns its length. */
static int help_left(const struct opt *o, char *buf, size_t size)
{
	char letter[8] = "    ";

	if (o->letter)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	return snprintf(buf, size, "  %s--%s%s%s", letter, o->name, o->value ? " " : "", o->value ? o->value : "");
}

static int help_width(const struct opt *options)
{
	const struct opt *o;
	struct opt_walk w;
	char left[160];
	int width = 0;

	opt_walk(&w, options);
	while ((o = opt_next(&w))) {
		int n = o->name && o->text ? help_left(o, left, sizeof(left)) : 0;

		if (n > width && n <= HELP_LEFT_MAX)
			width = n;
	}
	return width;
}

void opt_help(const struct opt *options, FILE *to)
{
	int width = help_width(options);
	const struct opt *o, *first = NULL;
	struct opt_walk w;
	char left[160];

	opt_walk(&w, options);
	while ((o = opt_next(&w))) {
		if (!o->text)
			continue;
		if (!first)
			first = o;
		if (o->kind == OPT_KIND_HEAD)
			fprintf(to, "%s%s\n", o == first ? "" : "\n", o->text);
		/* a long one has its text on a line of its own, so that the others stay readable */
		else if (help_left(o, left, sizeof(left)) > width)
			fprintf(to, "%s\n%*s   %s\n", left, width, "", o->text);
		else
			fprintf(to, "%-*s   %s\n", width, left, o->text);
	}
}
