// SPDX-License-Identifier: Apache-2.0
/* The registry: what is written, what is folded, what goes. */
#include <stdlib.h>

#include "lib/metrics/metrics.h"
#include "tests/check.h"

static const char *const ends[] = { "verdict", "source", "destination", NULL };
static const double bounds[] = { 0.001, 0.5, 1 };

static struct metrics *m;
static char *text;

static const char *written(enum metrics_format format)
{
	size_t size;

	free(text);
	CHECK_EQ(metrics_write(m, format, &text, &size), 0, "write");
	return text;
}

static void has(enum metrics_format format, const char *line)
{
	char want[600];

	snprintf(want, sizeof(want), "\n%s\n", line);
	CHECK(strstr(written(format), want) || !strncmp(text, line, strlen(line)), "'%s' is not in\n%s", line, text);
}

static void lacks(enum metrics_format format, const char *part)
{
	CHECK(!strstr(written(format), part), "'%s' is in\n%s", part, text);
}

static struct series *flow(struct metric *f, const char *verdict, const char *src, const char *dst, uint64_t a, uint64_t b)
{
	return metric_series(f, (const char *[]){ verdict, src, dst }, (const uint64_t[]){ a, b });
}

static void test_words(void)
{
	struct metric *flows, *took, *gauge;

	CHECK_EQ(metrics_new(&m), 0, "new");
	flows = metrics_add(m, &(struct metric_about){ .name = "weir_flows", .help = "Flows, \"all\" of\\them.\nReally.",
						       .label = ends });
	took = metrics_add(m, &(struct metric_about){ .name = "weir_took_seconds", .help = "Time.", .unit = "seconds",
						      .type = METRIC_HISTOGRAM, .bound = bounds, .bounds = 3 });
	gauge = metrics_add(m, &(struct metric_about){ .name = "weir_use_ratio", .help = "Use.", .type = METRIC_GAUGE });
	CHECK(flows && took && gauge, "added");
	CHECK(!strstr(written(METRICS_TEXT), "HELP"), "nothing is said of what is not there");
	series_count(flow(flows, "FORWARDED", "a\"b\\c\nd", "\377x\303\251", 0, 0), 3);
	series_count(flow(flows, "FORWARDED", "a\"b\\c\nd", "\377x\303\251", 0, 0), 18446744073709551000UL);
	series_example(flow(flows, "FORWARDED", "a\"b\\c\nd", "\377x\303\251", 0, 0), 1, 1700000000005000000UL, "flow=\"y\"");
	series_set(metric_series(gauge, NULL, NULL), 0.1);
	series_observe(metric_series(took, NULL, NULL), 0.001, 0, NULL);
	series_observe(metric_series(took, NULL, NULL), 0.7, 1700000000123456789UL, "flow=\"x\"");
	series_observe(metric_series(took, NULL, NULL), 7, 0, NULL);
	has(METRICS_TEXT, "# HELP weir_flows_total Flows, \"all\" of\\\\them.\\nReally.");
	has(METRICS_TEXT, "# TYPE weir_flows_total counter");
	has(METRICS_TEXT, "weir_flows_total{verdict=\"FORWARDED\",source=\"a\\\"b\\\\c\\nd\",destination=\"\357\277\275x\303\251\"} "
			  "18446744073709551003");
	has(METRICS_TEXT, "weir_use_ratio 0.1");
	has(METRICS_TEXT, "weir_took_seconds_bucket{le=\"0.001\"} 1");
	has(METRICS_TEXT, "weir_took_seconds_bucket{le=\"1\"} 2");
	has(METRICS_TEXT, "weir_took_seconds_bucket{le=\"+Inf\"} 3");
	has(METRICS_TEXT, "weir_took_seconds_sum 7.701");
	has(METRICS_TEXT, "weir_took_seconds_count 3");
	lacks(METRICS_TEXT, "EOF");
	lacks(METRICS_TEXT, "UNIT");
	has(METRICS_OPEN, "# HELP weir_flows Flows, \\\"all\\\" of\\\\them.\\nReally.");
	has(METRICS_OPEN, "# TYPE weir_flows counter");
	has(METRICS_OPEN, "# UNIT weir_took_seconds seconds");
	has(METRICS_OPEN, "weir_took_seconds_bucket{le=\"1.0\"} 2 # {flow=\"x\"} 0.7 1700000000.123");
	has(METRICS_OPEN, "weir_flows_total{verdict=\"FORWARDED\",source=\"a\\\"b\\\\c\\nd\",destination=\"\357\277\275x\303\251\"} "
			  "18446744073709551003 # {flow=\"y\"} 1 1700000000.005");
	lacks(METRICS_TEXT, " # {");
	CHECK(strlen(written(METRICS_OPEN)) > 6 && !strcmp(text + strlen(text) - 6, "# EOF\n"), "the end");
	metrics_free(m);
}

/* Sums stay whole, whatever has no place. */
static void test_budget(void)
{
	struct metrics_counts c;
	struct metric *f;
	char name[32];

	CHECK_EQ(metrics_new(&m), 0, "new");
	CHECK_EQ(metrics_add_own(m), 0, "own");
	f = metrics_add(m, &(struct metric_about){ .name = "weir_flows", .help = "Flows.", .label = ends, .keep = 1, .most = 4 });
	for (int turn = 0; turn < 3; turn++)
		for (int i = 0; i < 100; i++) {
			snprintf(name, sizeof(name), "pod-%d", i);
			series_count(flow(f, i % 2 ? "FORWARDED" : "DROPPED", name, "db", i + 1, 1000), 1);
		}
	has(METRICS_TEXT, "weir_flows_total{verdict=\"DROPPED\",source=\"pod-0\",destination=\"db\"} 3");
	has(METRICS_TEXT, "weir_flows_total{verdict=\"FORWARDED\",source=\"pod-3\",destination=\"db\"} 3");
	has(METRICS_TEXT, "weir_flows_total{verdict=\"DROPPED\",source=\"other\",destination=\"other\"} 144");
	has(METRICS_TEXT, "weir_flows_total{verdict=\"FORWARDED\",source=\"other\",destination=\"other\"} 144");
	has(METRICS_TEXT, "weir_metrics_folded_total{metric=\"weir_flows\"} 288");
	has(METRICS_TEXT, "weir_metrics_series{metric=\"weir_flows\"} 6");
	lacks(METRICS_TEXT, "pod-4");
	metrics_count(m, &c);
	CHECK_EQ(c.folded, 288, "folded");

	/* a place that becomes free is taken, and what was folded stays where it is */
	metrics_gone(m, 1, 100);
	metrics_gone(m, 2, 100);
	metrics_gone(m, 3, 110);
	metrics_back(m, 2);
	metrics_expire(m, 159);
	has(METRICS_TEXT, "weir_flows_total{verdict=\"DROPPED\",source=\"pod-0\",destination=\"db\"} 3");
	metrics_expire(m, 160);
	lacks(METRICS_TEXT, "pod-0");
	has(METRICS_TEXT, "weir_flows_total{verdict=\"FORWARDED\",source=\"pod-1\",destination=\"db\"} 3");
	has(METRICS_TEXT, "weir_metrics_expired_series_total 1");
	series_count(flow(f, "FORWARDED", "pod-77", "db", 78, 1000), 1);
	has(METRICS_TEXT, "weir_flows_total{verdict=\"FORWARDED\",source=\"pod-77\",destination=\"db\"} 1");
	has(METRICS_TEXT, "weir_flows_total{verdict=\"FORWARDED\",source=\"other\",destination=\"other\"} 144");
	metrics_expire(m, 170);
	lacks(METRICS_TEXT, "pod-2");
	metrics_gone(m, 1000, 200);
	metrics_expire(m, 260);
	lacks(METRICS_TEXT, "pod-");
	has(METRICS_TEXT, "weir_flows_total{verdict=\"DROPPED\",source=\"other\",destination=\"other\"} 144");
	metrics_free(m);
}

static uint64_t rules;

static void read_rules(void *ctx, struct metric *to)
{
	char name[32];

	CHECK(ctx == &rules, "whose");
	for (uint64_t i = 0; i < rules; i++) {
		snprintf(name, sizeof(name), "%lu", i);
		metric_put_count(to, (const char *[]){ i < 5 ? "allow" : "deny", name, "" }, i);
	}
}

static void test_read(void)
{
	CHECK_EQ(metrics_new(&m), 0, "new");
	CHECK(metrics_add(m, &(struct metric_about){ .name = "weir_rules", .help = "Rules.", .label = ends, .keep = 1, .most = 5,
						     .read = read_rules, .ctx = &rules }), "added");
	rules = 3;
	has(METRICS_TEXT, "weir_rules_total{verdict=\"allow\",source=\"2\",destination=\"\"} 2");
	rules = 8;
	has(METRICS_TEXT, "weir_rules_total{verdict=\"allow\",source=\"4\",destination=\"\"} 4");
	has(METRICS_TEXT, "weir_rules_total{verdict=\"deny\",source=\"other\",destination=\"other\"} 18");
	rules = 1;
	has(METRICS_TEXT, "weir_rules_total{verdict=\"allow\",source=\"0\",destination=\"\"} 0");
	lacks(METRICS_TEXT, "deny");
	metrics_free(m);
}

static void test_refused(void)
{
	static const char *const bad[] = { "2bad", NULL }, *const le[] = { "le", NULL };
	static const struct { const char *what; struct metric_about about; } rows[] = {
		{ "a name that is none", { .name = "a-b", .help = "x" } },
		{ "a suffix that we write", { .name = "a_total", .help = "x" } },
		{ "no help", { .name = "a", .help = "" } },
		{ "a unit that is not in the name", { .name = "a_bytes", .help = "x", .unit = "seconds" } },
		{ "a label that is none", { .name = "a", .help = "x", .label = bad } },
		{ "a label that is ours", { .name = "a", .help = "x", .label = le } },
		{ "a histogram without bounds", { .name = "a", .help = "x", .type = METRIC_HISTOGRAM } },
		{ "twice", { .name = "weir_there", .help = "x" } },
	};

	CHECK_EQ(metrics_new(&m), 0, "new");
	CHECK(metrics_add(m, &(struct metric_about){ .name = "weir_there", .help = "There." }), "there");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK(!metrics_add(m, &rows[i].about), "%s", rows[i].what);
	metrics_free(m);
}

static void test_accept(void)
{
	static const struct { const char *accept; enum metrics_format want; } rows[] = {
		{ "", METRICS_TEXT }, { "*/*", METRICS_TEXT }, { "text/plain", METRICS_TEXT },
		{ "application/openmetrics-text", METRICS_OPEN },
		{ "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
		  "text/plain;version=0.0.4;q=0.3,*/*;q=0.2", METRICS_OPEN },
		{ "text/plain;version=0.0.4;q=0.5,application/openmetrics-text; q=0.1", METRICS_TEXT },
		{ "application/openmetrics-text;q=0", METRICS_TEXT },
		{ "application/openmetrics-textual", METRICS_TEXT },
		{ ",,; q=", METRICS_TEXT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK_EQ(metrics_wanted(rows[i].accept), rows[i].want, "'%s'", rows[i].accept);
}

int main(void)
{
	test_words();
	test_budget();
	test_read();
	test_refused();
	test_accept();
	free(text);
	return check_done();
}
