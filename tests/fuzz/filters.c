// SPDX-License-Identifier: Apache-2.0
// fuzz-links: lib
/*
 * Filters from strangers.  An input that is a GetFlowsRequest is compiled, explained and asked of flows; any other
 * is a selector, an expression and a glob.  What is accepted once is accepted again, and says the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/filter/explain.h"
#include "lib/filter/filter.h"
#include "lib/filter/glob.h"
#include "lib/filter/regex.h"
#include "lib/filter/selector.h"
#include "lib/wire/unpack.h"
#include "observer/observer.pb-c.h"

static const char *const labels[] = { "k8s:app=cart", "k8s:weight=5", "reserved:world", "plain=x", "" };

static void ask_flows(const struct filters *f)
{
	struct flow_end end = { .ns = "shop", .pod = "cart-1", .workload = "cart", .workload_kind = "Deployment", .node = "n1",
				.cluster = "prod", .label = labels, .labels = 5, .identity = 65536 };
	struct flow_more more = { .trace_id = "t", .l7 = FLOW_L7_HTTP, .http_status = 404, .http_method = "GET",
				  .http_url = "http://a/b%20c?d", .dns_query = "" };
	struct flow flow = { .src.byte = { [10] = 255, [11] = 255, [12] = 10, [15] = 1 }, .dst.byte = { 0xfd, [15] = 1 },
			     .sport = 40000, .dport = 80, .proto = 6, .tcp_flags = 18, .verdict = FLOW_DROPPED, .event = 5,
			     .drop_reason = 133, .node = "c/n1", .node_label = labels, .node_labels = 5, .source = &end,
			     .destination = &end, .source_service = "", .source_service_ns = "", .destination_service = "web",
			     .destination_service_ns = "shop", .source_name = labels, .source_names = 2, .interface = "eth0",
			     .egress = { .policy = "p", .ns = "shop", .text = "" }, .ingress = { .policy = "", .ns = "", .text = "" },
			     .would_egress = { .policy = "" }, .would_ingress = { .policy = "" } };
	bool first = filters_pass(f, &flow);

	if (filters_pass(f, &flow) != first)
		abort();
	flow.more = &more;
	filters_pass(f, &flow);
	more.l7 = FLOW_L7_DNS;
	more.dns_query = "a.example.com.";
	filters_pass(f, &flow);
}

static void a_request(const uint8_t *data, size_t size)
{
	Observer__GetFlowsRequest *ask = unpack_message(&observer__get_flows_request__descriptor, data, size);
	struct complaint why = { 0 };
	struct filters *f, *again;
	char *text;
	int err;

	if (!ask)
		return;
	err = filters_new(&f, ask->whitelist, ask->n_whitelist, ask->blacklist, ask->n_blacklist, &why);
	text = filters_explain(ask->whitelist, ask->n_whitelist, ask->blacklist, ask->n_blacklist);
	free(text);
	if (!err) {
		if (filters_new(&again, ask->whitelist, ask->n_whitelist, ask->blacklist, ask->n_blacklist, &why))
			abort();
		ask_flows(f);
		filters_free(again);
		filters_free(f);
	} else if (!*why.text) {
		abort();
	}
	unpack_free(ask);
}

static void a_text(const char *text, size_t size)
{
	struct arena things = { 0 }, texts = { 0 };
	struct complaint why = { 0 };
	struct selector s;
	struct regex *r;

	if (!selector_parse(text, &things, &texts, &s, &why))
		selector_fits(&s, labels, 5);
	if (!regex_parse(text, &things, &r, &why)) {
		regex_find(r, "GET http://a.b/c/page/12?q=\xc3\xa9", 30);
		regex_find(r, text, size);
	}
	glob_match(&(struct glob){ text, size / 2 }, text + size / 2, size - size / 2);
	arena_free(&things);
	arena_free(&texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = 0;
	a_request(data, size);
	if (strlen(text) == size && size < 2000)
		a_text(text, size);
	free(text);
	return 0;
}
