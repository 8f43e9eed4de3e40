// SPDX-License-Identifier: Apache-2.0
/* Families as text: Prometheus 0.0.4 and OpenMetrics 1.0. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/metrics/inside.h"
#include "lib/utf8.h"

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
static void put_escaped(FILE *f, const char *text, bool quote)
{
	size_t left = strlen(text);

	while (left) {
		unsigned int n = utf8_length(text, left);

		if (!n) {
			fputs("\357\277\275", f);
			n = 1;
		} else if (*text == '\n') {
			fputs("\\n", f);
		} else if (*text == '\\' || (*text == '"' && quote)) {
			fputc('\\', f);
			fputc(*text, f);
		} else {
			fwrite_unlocked(text, 1, n, f);
		}
		text += n;
		left -= n;
	}
}

/* The shortest that reads back as the same. */
static void put_number(FILE *f, double v)
{
	char buf[40];

	if (isnan(v) || isinf(v)) {
		fputs(isnan(v) ? "NaN" : v < 0 ? "-Inf" : "+Inf", f);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(buf, sizeof(buf), "%.*g", digits, v);
		if (strtod(buf, NULL) == v)
			break;
	}
	fputs(buf, f);
}

/* OpenMetrics wants a bound to look like no whole number. */
static void put_bound(FILE *f, double v, enum metrics_format format)
{
	put_number(f, v);
	if (format == METRICS_OPEN && v == floor(v) && fabs(v) < 1e15)
		fputs(".0", f);
}

/* "name{a="b"" and, unless more labels come, the rest. */
static void put_name(FILE *f, const struct series *s, const char *suffix)
{
	const struct metric *m = s->metric;
	const char *value[METRICS_LABELS];

	series_values(s, value);
	fputs(m->about.name, f);
	fputs(suffix, f);
	for (unsigned int i = 0; i < m->labels; i++) {
		fputc(i ? ',' : '{', f);
		fputs(m->about.label[i], f);
		fputs("=\"", f);
		put_escaped(f, value[i], true);
		fputc('"', f);
	}
}

static void put_example(FILE *f, const struct example *e)
{
	if (!e->time_ns)
		return;
	fprintf(f, " # {%s} ", e->text);
	put_number(f, e->value);
	fprintf(f, " %lu.%03lu", e->time_ns / 1000000000, e->time_ns / 1000000 % 1000);
}

static void put_histogram(FILE *f, const struct series *s, enum metrics_format format)
{
	const struct metric *m = s->metric;
	uint64_t sum = 0;

	for (unsigned int i = 0; i <= m->about.bounds; i++) {
		sum += s->bucket[i];
		put_name(f, s, "_bucket");
		fputs(m->labels ? ",le=\"" : "{le=\"", f);
		if (i < m->about.bounds)
			put_bound(f, m->about.bound[i], format);
		else
			fputs("+Inf", f);
		fprintf(f, "\"} %lu", sum);
		if (format == METRICS_OPEN && s->example)
			put_example(f, &s->example[i]);
		fputc('\n', f);
	}
	put_name(f, s, "_sum");
	fputs(m->labels ? "} " : " ", f);
	put_number(f, s->v);
	fputc('\n', f);
	put_name(f, s, "_count");
	fprintf(f, "%s %lu\n", m->labels ? "}" : "", sum);
}

static void put_series(FILE *f, const struct series *s, enum metrics_format format)
{
	const struct metric *m = s->metric;

	if (m->about.type == METRIC_HISTOGRAM) {
		put_histogram(f, s, format);
		return;
	}
	put_name(f, s, m->about.type == METRIC_COUNTER ? "_total" : "");
	fputs(m->labels ? "} " : " ", f);
	if (s->whole)
		fprintf(f, "%lu", s->n);
	else
		put_number(f, s->v);
	if (format == METRICS_OPEN && s->example && m->about.type == METRIC_COUNTER)
		put_example(f, s->example);
	fputc('\n', f);
}

static void put_about(FILE *f, const struct metric *m, enum metrics_format format)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };
	const struct metric_about *a = &m->about;
	const char *suffix = format == METRICS_TEXT && a->type == METRIC_COUNTER ? "_total" : "";

	fprintf(f, "# HELP %s%s ", a->name, suffix);
	put_escaped(f, a->help, format == METRICS_OPEN);
	fprintf(f, "\n# TYPE %s%s %s\n", a->name, suffix, types[a->type]);
	if (a->unit && format == METRICS_OPEN)
		fprintf(f, "# UNIT %s %s\n", a->name, a->unit);
}

int metrics_write(struct metrics *m, enum metrics_format format, char **text, size_t *size)
{
	FILE *f;

	*text = NULL;
	f = open_memstream(text, size);
	if (!f)
		return -errno;
	__fsetlocking(f, FSETLOCKING_BYCALLER);
	for (unsigned int i = 0; i < m->nmetric; i++) {
		struct metric *one = m->metric[i];

		metric_refresh(one);
		if (one->nseries)
			put_about(f, one, format);
		for (unsigned int j = 0; j < one->nseries; j++)
			put_series(f, one->series[j], format);
	}
	if (format == METRICS_OPEN)
		fputs("# EOF\n", f);
	if (fclose(f)) {
		free(*text);
		*text = NULL;
		return -ENOMEM;
	}
	return 0;
}
