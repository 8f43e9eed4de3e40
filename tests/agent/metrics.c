// SPDX-License-Identifier: Apache-2.0
/* Parts of the agent's metrics: contexts as Hubble writes them, who goes when, and counts that are exact. */
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/flow.h>

#include "agent/counts.h"
#include "agent/metrics_context.h"
#include "agent/metrics_hubble.h"
#include "agent/metrics_owners.h"
#include "tests/check.h"

static const char *const cart_label[] = { "k8s:app=cart", "k8s:io.kubernetes.pod.namespace=shop" };
static const char *const world_label[] = { "reserved:world" };
static const struct flow_end cart = { .identity = 70000, .ns = "shop", .pod = "cart-1", .workload = "cart",
	.workload_kind = "Deployment", .node = "n1", .cluster = "", .label = cart_label, .labels = 2 };
static const struct flow_end world = { .identity = FLOW_ID_WORLD, .ns = "", .pod = "", .workload = "world",
	.workload_kind = "World", .node = "", .cluster = "", .label = world_label, .labels = 1 };

/* From cart to the world, in either direction. */
static const struct {
	const char *list;
	enum flow_direction direction;
	const char *labels, *values;
	bool pod, workload;			/* whose series it is */
} contexts[] = {
	{ "drop", FLOW_EGRESS, "", "", false, false },
	{ "drop:sourceContext=pod", FLOW_EGRESS, "source", "shop/cart-1", true, false },
	{ "drop:sourceContext=pod-name;destinationContext=pod-name", FLOW_EGRESS, "source,destination", "cart-1,", true, false },
	{ "drop:sourceContext=namespace|pod", FLOW_EGRESS, "source", "shop", false, false },
	{ "drop:destinationContext=workload|reserved-identity", FLOW_EGRESS, "destination", "reserved:world", false, false },
	{ "drop:destinationContext=dns|ip|identity", FLOW_EGRESS, "destination", "2", false, false },
	{ "drop:sourceContext=ip", FLOW_EGRESS, "source", "10.0.0.1", true, false },
	{ "drop:sourceContext=identity", FLOW_EGRESS, "source", "70000", false, false },
	{ "drop:sourceContext=app", FLOW_EGRESS, "source", "cart", false, false },
	{ "drop:sourceContext=workload", FLOW_EGRESS, "source", "shop/cart", false, true },
	{ "drop:sourceContext=workload-name", FLOW_EGRESS, "source", "cart", false, true },
	{ "drop:sourceEgressContext=pod;sourceIngressContext=namespace", FLOW_EGRESS, "source", "shop/cart-1", true, false },
	{ "drop:sourceEgressContext=pod;sourceIngressContext=namespace", FLOW_INGRESS, "source", "shop", false, false },
	{ "drop:sourceIngressContext=namespace;sourceContext=pod", FLOW_INGRESS, "source", "shop", false, false },
	{ "drop:sourceIngressContext=namespace;sourceContext=pod", FLOW_EGRESS, "source", "shop/cart-1", true, false },
	{ "drop:labelsContext=source_pod,destination_workload,source_workload_kind,traffic_direction", FLOW_INGRESS,
	  "source_pod,source_workload_kind,destination_workload,traffic_direction", "cart-1,Deployment,,ingress", true, false },
	{ "drop:labelsContext=source_workload,source_namespace", FLOW_EGRESS, "source_namespace,source_workload", "shop,cart",
	  false, true },
};

static void join(char *to, size_t size, const char *const *word, unsigned int n)
{
	size_t at = 0;

	*to = '\0';
	for (unsigned int i = 0; i < n && at < size; i++)
		at += snprintf(to + at, size - at, "%s%s", i ? "," : "", word[i]);
}

static void test_contexts(void)
{
	const struct context_end end[2] = { { &cart, "10.0.0.1", 11, 12 }, { &world, "", 0, 0 } };

	for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
		const char *label[CONTEXT_LABELS], *value[CONTEXT_LABELS];
		char text[2][CONTEXT_TEXT], got[1200];
		struct complaint why = { 0 };
		struct metric_list list;
		uint64_t owner[2];
		unsigned int n;

		if (metric_list_read(&list, contexts[i].list, hubble_names, &why)) {
			CHECK(false, "'%s': %s", contexts[i].list, why.text);
			continue;
		}
		CHECK_EQ(list.metrics, 1, "'%s'", contexts[i].list);
		n = context_labels(&list.metric[0].context, label);
		join(got, sizeof(got), label, n);
		CHECK_TEXT(got, contexts[i].labels, "labels of '%s'", contexts[i].list);
		CHECK_EQ(context_values(&list.metric[0].context, contexts[i].direction, end, text, value, owner), n, "as many");
		join(got, sizeof(got), value, n);
		CHECK_TEXT(got, contexts[i].values, "values of '%s'", contexts[i].list);
		CHECK_EQ(owner[0], contexts[i].pod ? 11 : contexts[i].workload ? 12 : 0, "owner of '%s'", contexts[i].list);
		CHECK_EQ(owner[1], 0, "nobody owns the world");
	}
}

static const struct { const char *list, *says; } bad[] = {
	{ "flo", "no metric is 'flo': 'flow' is close" },
	{ "flow flow", "metric 'flow' is named twice" },
	{ "flow:sourcContext=pod", "'sourceContext' is close" },
	{ "flow:sourceContext=pot", "no context is 'pot': 'pod' is close" },
	{ "flow:sourceContext", "has no value" },
	{ "flow:labelsContext=source_pot", "'source_pod' is close" },
	{ "flow:sourceContext=pod|pod|pod|pod|pod|pod|pod|pod|pod", "at most 8 kinds" },
	{ "drop,flow", "no metric is 'drop,flow'" },
};

static void test_bad(void)
{
	struct metric_list list;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct complaint why = { 0 };

		CHECK(metric_list_read(&list, bad[i].list, hubble_names, &why) < 0 && strstr(why.text, bad[i].says), "'%s': %s",
		      bad[i].list, why.text);
	}
	CHECK_EQ(metric_list_read(&list, "  flow\ttcp:\n dns:query;ignoreAAAA ", hubble_names, NULL), 0, "blanks");
	CHECK_EQ(list.metrics, 3, "three");
}

static bool is_there(struct metrics *m, const char *what)
{
	char *text;
	size_t size;
	bool found;

	CHECK_EQ(metrics_write(m, METRICS_TEXT, &text, &size), 0, "write");
	found = strstr(text, what);
	free(text);
	return found;
}

/* Pods come, go, come back, and close their last flows when they are gone. */
static void test_owners(void)
{
	static const char *const labels[] = { "who", NULL };
	struct flow_end second = cart;
	struct metrics *m;
	struct metric *f;
	struct owners *o;
	uint64_t own[2] = { 0, 0 }, pod, workload, pod2, workload2;

	second.pod = "cart-2";
	CHECK_EQ(metrics_new(&m), 0, "new");
	CHECK_EQ(owners_new(&o, m), 0, "owners");
	f = metrics_add(m, &(struct metric_about){ .name = "weir_x", .help = "X.", .label = labels });
	owners_seen(o, &cart, false, 0, &pod, &workload);
	owners_seen(o, &second, false, 0, &pod2, &workload2);
	CHECK(pod && pod2 && pod != pod2 && workload == workload2, "two pods of one workload");
	own[0] = pod;
	series_count(metric_series(f, (const char *[]){ "pod" }, own), 1);
	own[0] = workload;
	series_count(metric_series(f, (const char *[]){ "workload" }, own), 1);
	owners_gone(o, "shop", "cart-1", 100);
	metrics_expire(m, 159);
	CHECK(is_there(m, "\"pod\""), "it lingers");
	owners_seen(o, &cart, true, 159, &pod, &workload);	/* a flow of it closes late */
	metrics_expire(m, 218);
	CHECK(is_there(m, "\"pod\""), "and begins anew to");
	metrics_expire(m, 219);
	CHECK(!is_there(m, "\"pod\""), "then it goes");
	CHECK(is_there(m, "\"workload\""), "a workload has another pod");
	owners_gone(o, "shop", "cart-2", 300);
	owners_seen(o, &cart, false, 330, &pod, &workload);	/* scaled up again */
	metrics_expire(m, 400);
	CHECK(is_there(m, "\"workload\""), "it came back in time");
	owners_gone(o, "shop", "cart-1", 500);
	owners_gone(o, "shop", "never-seen", 500);
	metrics_expire(m, 560);
	CHECK(!is_there(m, "\"workload\""), "with the last of them");
	owners_free(o);
	metrics_free(m);
}

#define THREAD_RECORDS 2000000

static struct counts *counts;
static int reading = 1, nobody_takes = 1;

/* A reader with many more kinds of records than fit. */
static void *reader(void *ctx)
{
	struct record r = { .proto = IPPROTO_TCP };

	for (unsigned int i = 0; i < THREAD_RECORDS; i++) {
		unsigned int k = (i * 2654435761U) >> (i & 4096 ? 12 : 24);

		r.kind = i % 3 ? WEIR_REC_OPENED : WEIR_REC_DENIED;
		r.reason = i % 3 ? WEIR_ALLOWED : WEIR_NO_RULE;
		r.repeats = i % 3 ? 0 : 2;
		r.name[0] = 2 + k % 1000;
		r.name[1] = 2 + k / 1000;
		r.dport = 80 + i % 2;
		counts_add(counts, &r, i);
		if (i % 1024 == 0)
			counts_flush(counts, i + 1);
		if (i == THREAD_RECORDS / 4)	/* by then there is no room, however quick the taker is */
			__atomic_store_n(&nobody_takes, 0, __ATOMIC_RELEASE);
	}
	counts_flush(counts, THREAD_RECORDS);
	__atomic_store_n(&reading, 0, __ATOMIC_RELEASE);
	return NULL;
}

static uint64_t opened, denied, repeats, other;

static void on_cell(void *ctx, const struct counts_cell *cell)
{
	if (cell->key.kind == WEIR_REC_OPENED)
		opened += cell->records;
	if (cell->key.kind == WEIR_REC_DENIED)
		denied += cell->records;
	repeats += cell->repeats;
	if (cell->other)
		other += cell->records;
	CHECK(cell->key.proto == IPPROTO_TCP && (cell->other ? !cell->key.name[0] : cell->key.name[0] > 1), "a cell as it was");
}

static void test_counts(void)
{
	struct counts_counts c;
	pthread_t thread;

	CHECK_EQ(counts_new(&counts), 0, "new");
	CHECK_EQ(counts_oldest(counts), 0, "all names are to be kept");
	pthread_create(&thread, NULL, reader, NULL);
	while (__atomic_load_n(&nobody_takes, __ATOMIC_ACQUIRE))
		usleep(100);
	while (__atomic_load_n(&reading, __ATOMIC_ACQUIRE))
		counts_take(counts, on_cell, NULL);
	pthread_join(thread, NULL);
	for (int i = 0; i < 3; i++) {
		counts_take(counts, on_cell, NULL);
		counts_flush(counts, THREAD_RECORDS);
	}
	counts_count(counts, &c);
	CHECK_EQ(c.added, THREAD_RECORDS, "added");
	CHECK_EQ(c.folded, other, "what no place was found for");
	CHECK(other > 0 && other < THREAD_RECORDS, "some: %lu", other);
	CHECK_EQ(denied, (THREAD_RECORDS + 2) / 3, "denied");
	CHECK_EQ(opened, THREAD_RECORDS - (THREAD_RECORDS + 2) / 3, "opened");
	CHECK_EQ(repeats, 2 * denied, "repeats");
	CHECK_EQ(counts_oldest(counts), THREAD_RECORDS, "no name is needed any more");
	counts_free(counts);
}

int main(void)
{
	test_contexts();
	test_bad();
	test_owners();
	test_counts();
	return check_done();
}
