// SPDX-License-Identifier: Apache-2.0
/* Families as text: Prometheus 0.0.4 and OpenMetrics 1.0. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/metrics/inside.h"
#include "lib/utf8.h"

/* Text that grows.  A stream of stdio took three times as long: a scrape holds up whoever else is on the thread. */
struct out {
	char *text;
	size_t size, room;
	bool failed;
};

static void put(struct out *o, const char *text, size_t n)
{
	if (o->size + n >= o->room) {
		char *more = o->failed ? NULL : realloc(o->text, (o->size + n + 1024) * 2);

		if (!more) {
			o->failed = true;
			return;
		}
		o->text = more;
		o->room = (o->size + n + 1024) * 2;
	}
	memcpy(o->text + o->size, text, n);
	o->size += n;
}

static void put_text(struct out *o, const char *text)
{
	put(o, text, strlen(text));
}

static void put_count(struct out *o, uint64_t n)
{
	char buf[24], *at = buf + sizeof(buf);

	do
		*--at = '0' + n % 10;
	while (n /= 10);
	put(o, at, buf + sizeof(buf) - at);
}

/* q of the first media range in an Accept field that is 'type', in thousandths; -1: none is. */
static int wanted(const char *accept, const char *type)
{
	size_t want = strlen(type);

	while (*accept) {
		size_t n, all;

		accept += strspn(accept, ", \t");
		all = strcspn(accept, ",");
		n = strcspn(accept, ",; \t");
		if (n == want && !strncasecmp(accept, type, n)) {
			for (const char *at = accept + n; at < accept + all; at++)
				if ((at[0] == 'q' || at[0] == 'Q') && at[1] == '=' && strchr("; \t", at[-1]))
					return atof(at + 2) * 1000;
			return 1000;
		}
		accept += all;
	}
	return -1;
}

enum metrics_format metrics_wanted(const char *accept)
{
	static const char *const plain[] = { "text/plain", "text/*", "*/*" };
	int open = wanted(accept, "application/openmetrics-text"), text = -1;

	for (unsigned int i = 0; i < 3 && text < 0; i++)
		text = wanted(accept, plain[i]);
	return open > 0 && open >= text ? METRICS_OPEN : METRICS_TEXT;
}

const char *metrics_type(enum metrics_format format)
{
	return format == METRICS_OPEN ? "application/openmetrics-text; version=1.0.0; charset=utf-8" :
					"text/plain; version=0.0.4; charset=utf-8";
}

/* What is no UTF-8 comes out as U+FFFD. */
static void put_escaped(struct out *o, const char *text, bool quote)
{
	size_t left = strlen(text), n;

	while (left) {
		for (n = 0; n < left && (unsigned char)text[n] < 0x80 && text[n] != '\n' && text[n] != '\\' && text[n] != '"'; n++)
			;
		put(o, text, n);
		text += n;
		left -= n;
		if (!left)
			break;
		n = utf8_length(text, left);
		if (!n)
			put_text(o, "\357\277\275");
		else if (*text == '\n')
			put_text(o, "\\n");
		else if (*text == '\\' || (*text == '"' && quote))
			put(o, (const char[]){ '\\', *text }, 2);
		else
			put(o, text, n);
		text += n ?: 1;
		left -= n ?: 1;
	}
}

/* The shortest that reads back as the same. */
static void put_number(struct out *o, double v)
{
	char buf[40];

	if (isnan(v) || isinf(v)) {
		put_text(o, isnan(v) ? "NaN" : v < 0 ? "-Inf" : "+Inf");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(buf, sizeof(buf), "%.*g", digits, v);
		if (strtod(buf, NULL) == v)
			break;
	}
	put_text(o, buf);
}

/* OpenMetrics wants a bound to look like no whole number. */
static void put_bound(struct out *o, double v, enum metrics_format format)
{
	put_number(o, v);
	if (format == METRICS_OPEN && v == floor(v) && fabs(v) < 1e15)
		put_text(o, ".0");
}

/* "name{a="b"" and, unless more labels come, the rest. */
static void put_name(struct out *o, const struct series *s, const char *suffix)
{
	const struct metric *m = s->metric;
	const char *value[METRICS_LABELS];

	series_values(s, value);
	put_text(o, m->about.name);
	put_text(o, suffix);
	for (unsigned int i = 0; i < m->labels; i++) {
		put(o, (const char[]){ i ? ',' : '{' }, 1);
		put_text(o, m->about.label[i]);
		put_text(o, "=\"");
		put_escaped(o, value[i], true);
		put(o, (const char[]){ '"' }, 1);
	}
}

static void put_example(struct out *o, const struct example *e)
{
	char time[40];

	if (!e->time_ns)
		return;
	put_text(o, " # {");
	put_text(o, e->text);
	put_text(o, "} ");
	put_number(o, e->value);
	snprintf(time, sizeof(time), " %lu.%03lu", e->time_ns / 1000000000, e->time_ns / 1000000 % 1000);
	put_text(o, time);
}

static void put_histogram(struct out *o, const struct series *s, enum metrics_format format)
{
	const struct metric *m = s->metric;
	uint64_t sum = 0;

	for (unsigned int i = 0; i <= m->about.bounds; i++) {
		sum += s->bucket[i];
		put_name(o, s, "_bucket");
		put_text(o, m->labels ? ",le=\"" : "{le=\"");
		if (i < m->about.bounds)
			put_bound(o, m->about.bound[i], format);
		else
			put_text(o, "+Inf");
		put_text(o, "\"} ");
		put_count(o, sum);
		if (format == METRICS_OPEN && s->example)
			put_example(o, &s->example[i]);
		put(o, (const char[]){ '\n' }, 1);
	}
	put_name(o, s, "_sum");
	put_text(o, m->labels ? "} " : " ");
	put_number(o, s->v);
	put(o, (const char[]){ '\n' }, 1);
	put_name(o, s, "_count");
	put_text(o, m->labels ? "} " : " ");
	put_count(o, sum);
	put_text(o, "\n");
}

static void put_series(struct out *o, const struct series *s, enum metrics_format format)
{
	const struct metric *m = s->metric;

	if (m->about.type == METRIC_HISTOGRAM) {
		put_histogram(o, s, format);
		return;
	}
	put_name(o, s, m->about.type == METRIC_COUNTER ? "_total" : "");
	put_text(o, m->labels ? "} " : " ");
	if (s->whole)
		put_count(o, s->n);
	else
		put_number(o, s->v);
	if (format == METRICS_OPEN && s->example && m->about.type == METRIC_COUNTER)
		put_example(o, s->example);
	put(o, (const char[]){ '\n' }, 1);
}

static void put_line(struct out *o, const char *a, const char *b, const char *c)
{
	put_text(o, a);
	put_text(o, b);
	put_text(o, c);
}

static void put_about(struct out *o, const struct metric *m, enum metrics_format format)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };
	const struct metric_about *a = &m->about;
	const char *suffix = format == METRICS_TEXT && a->type == METRIC_COUNTER ? "_total" : "";

	put_line(o, "# HELP ", a->name, suffix);
	put_text(o, " ");
	put_escaped(o, a->help, format == METRICS_OPEN);
	put_line(o, "\n# TYPE ", a->name, suffix);
	put_line(o, " ", types[a->type], "\n");
	if (a->unit && format == METRICS_OPEN) {
		put_line(o, "# UNIT ", a->name, " ");
		put_line(o, a->unit, "\n", "");
	}
}

int metrics_write(struct metrics *m, enum metrics_format format, char **text, size_t *size)
{
	struct out o = { .room = 0 };

	for (unsigned int i = 0; i < m->nmetric; i++) {
		struct metric *one = m->metric[i];

		metric_refresh(one);
		if (one->nseries)
			put_about(&o, one, format);
		for (unsigned int j = 0; j < one->nseries; j++)
			put_series(&o, one->series[j], format);
	}
	put_text(&o, format == METRICS_OPEN ? "# EOF\n" : "");
	put(&o, "", 1);				/* who prints it needs a zero */
	if (o.failed) {
		free(o.text);
		return -ENOMEM;
	}
	*text = o.text;
	*size = o.size - 1;
	return 0;
}
