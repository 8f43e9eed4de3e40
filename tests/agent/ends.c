// SPDX-License-Identifier: Apache-2.0
/* Ends of flows: workloads, labels, identities; what lives as long as records name it; records as flows; namespaces. */
#include <stdlib.h>

#include <weir/endpoint.h>
#include <weir/flow.h>

#include "agent/flow_view.h"
#include "lib/addr.h"
#include "tests/check.h"

static struct names *names;
static struct quiet *quiet;
static struct ends *ends;

static struct weir_addr addr(const char *text)
{
	struct weir_addr a = { 0 };

	CHECK_EQ(addr_parse(text, &a), 0, "'%s'", text);
	return a;
}

static void begin(void)
{
	struct ends_with with = { .cluster = "east" };

	CHECK_EQ(names_new(&names, "n1"), 0, "names");
	CHECK_EQ(quiet_new(&quiet), 0, "quiet");
	names_share(names, quiet);
	with.names = names;
	with.quiet = quiet;
	CHECK_EQ(ends_new(&ends, &with), 0, "ends");
	quiet_point(quiet, QUIET_READER);
}

static void end(void)
{
	ends_free(ends);
	names_free(names);
	quiet_free(quiet);
}

struct pod_of {
	const char *ns, *name, *address, *owner_kind, *owner, *hash;
};

static void put(const struct pod_of *p)
{
	struct label label[2] = { { "app", "web" }, { "pod-template-hash", p->hash ?: "" } };
	struct weir_addr a = addr(p->address);
	struct object o = { .kind = OBJECT_POD, .ns = p->ns, .name = p->name, .labels = { label, p->hash ? 2 : 1 },
			    .pod = { .node = "n1", .addr = &a, .naddr = 1, .interface = "", .stack = "",
				     .owner_kind = p->owner_kind ?: "", .owner_name = p->owner ?: "", .phase = POD_RUNNING } };

	CHECK_EQ(names_put(names, &o, 0), 0, "put '%s'", p->name);
}

static uint32_t name_at(const char *address, uint64_t record)
{
	struct weir_addr a = addr(address);

	return ends_name(ends, 0, &a, record);
}

static void workloads(void)
{
	static const struct {
		struct pod_of pod;
		const char *kind, *workload;
	} row[] = {
		{ { "shop", "cart-7d9f-x1", "10.0.0.1", "ReplicaSet", "cart-7d9f", "7d9f" }, "Deployment", "cart" },
		{ { "shop", "cart-7d9f-x2", "10.0.0.2", "Deployment", "cart", "7d9f" }, "Deployment", "cart" },
		{ { "shop", "odd-7d9f-x2", "10.0.0.3", "ReplicaSet", "odd", "7d9f" }, "ReplicaSet", "odd" },
		{ { "shop", "db-0", "10.0.0.4", "StatefulSet", "db", NULL }, "StatefulSet", "db" },
		{ { "shop", "backup-29345210-xk", "10.0.0.5", "Job", "backup-29345210", NULL }, "CronJob", "backup" },
		{ { "shop", "once-7-xk", "10.0.0.6", "Job", "once-7", NULL }, "Job", "once-7" },
		{ { "kube", "proxy-n1", "10.0.0.7", "Node", "n1", NULL }, "Pod", "proxy" },
		{ { "shop", "alone", "10.0.0.8", NULL, NULL, NULL }, "Pod", "alone" },
	};

	begin();
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		const struct flow_end *e;

		put(&row[i].pod);
		e = ends_get(ends, name_at(row[i].pod.address, i));
		CHECK_TEXT(e->workload_kind, row[i].kind, row[i].pod.name);
		CHECK_TEXT(e->workload, row[i].workload, row[i].pod.name);
		CHECK_TEXT(e->pod, row[i].pod.name, "its own name");
		CHECK_TEXT(e->cluster, "east", "its cluster");
		CHECK(e->wire && e->wire_size > strlen(e->pod), "its message is ready");
	}
	CHECK(ends_group(ends, name_at("10.0.0.1", 9)) == ends_group(ends, name_at("10.0.0.2", 9)), "one workload, one group");
	end();
}

static void identities(void)
{
	const struct flow_end *a, *b, *c, *d;

	begin();
	put(&(struct pod_of){ "shop", "a", "10.0.0.1", "ReplicaSet", "web-1", "1" });
	put(&(struct pod_of){ "shop", "b", "10.0.0.2", "ReplicaSet", "web-2", "2" });
	put(&(struct pod_of){ "bank", "c", "10.0.0.3", "ReplicaSet", "web-1", "1" });
	a = ends_get(ends, name_at("10.0.0.1", 0));
	b = ends_get(ends, name_at("10.0.0.2", 0));
	c = ends_get(ends, name_at("10.0.0.3", 0));
	CHECK(a->identity >= FLOW_ID_FIRST && a->identity < 1 << 24, "in the range of identities");
	CHECK_EQ(a->identity, b->identity, "two versions of one workload are the same");
	CHECK(a->identity != c->identity, "another namespace is not");
	CHECK_EQ(a->labels, 3, "labels, and the namespace");
	CHECK_TEXT(a->label[0], "k8s:app=web", "sorted");
	CHECK_TEXT(a->label[1], "k8s:io.kubernetes.pod.namespace=shop", "sorted");
	d = ends_get(ends, name_at("93.184.216.34", 0));
	CHECK_EQ(d->identity, FLOW_ID_WORLD, "nobody we know");
	CHECK_TEXT(d->label[0], "reserved:world", "the world");
	d = ends_get(ends, NAMES_OWN_NODE);
	CHECK_EQ(d->identity, FLOW_ID_HOST, "the node itself");
	CHECK_TEXT(d->node, "n1", "by its name");
	CHECK_EQ(ends_get(ends, 0x7fffff)->identity, FLOW_ID_WORLD, "a number that nobody has");
	end();
}

/* A block stays while a record may name it, then until every thread was quiet. */
static void lives(void)
{
	struct ends_counts count;
	const struct flow_end *held;
	uint32_t number;

	begin();
	put(&(struct pod_of){ "shop", "web", "10.0.0.1", "StatefulSet", "web", NULL });
	number = name_at("10.0.0.1", 10);
	held = ends_get(ends, number);
	quiet_point(quiet, QUIET_RPC);
	names_gone(names, OBJECT_POD, "shop", "web", 11);
	ends_forget(ends, 10);
	names_forget(names, 10);
	CHECK(ends_get(ends, number) == held, "record 10 names it");
	ends_touch(ends, number, 40);
	ends_forget(ends, 40);
	CHECK(ends_get(ends, number) == held, "so does a live flow at record 40");
	ends_forget(ends, 41);
	names_forget(names, 41);
	CHECK_EQ(ends_get(ends, number)->identity, FLOW_ID_WORLD, "no record does any more");
	CHECK_TEXT(held->pod, "web", "but a thread may still look at it");
	ends_forget(ends, 41);
	CHECK_TEXT(held->pod, "web", "until it says that it does not");
	ends_count(ends, &count);
	CHECK(count.bytes > 0, "the block is there");
	quiet_point(quiet, QUIET_RPC);
	quiet_point(quiet, QUIET_READER);
	ends_forget(ends, 41);
	names_forget(names, 41);
	ends_count(ends, &count);
	CHECK_EQ(count.bytes, 0, "then it is freed");
	CHECK_EQ(count.ends, 0, "none is left");
	put(&(struct pod_of){ "shop", "new", "10.0.0.1", "StatefulSet", "new", NULL });
	CHECK(name_at("10.0.0.1", 42) != number, "a number is not given twice");
	CHECK_TEXT(ends_get(ends, name_at("10.0.0.1", 42))->pod, "new", "the next one");
	end();
}

static char listed[256];

static void list(void *ctx, const char *ns, uint64_t last)
{
	strcat(strcat(listed, ns), " ");
}

static void namespaces(void)
{
	const uint64_t hour = 3600 * 1000000000ULL, now = 1000 * hour;

	begin();
	put(&(struct pod_of){ "shop", "web", "10.0.0.1", "StatefulSet", "web", NULL });
	put(&(struct pod_of){ "bank", "web", "10.0.0.2", "StatefulSet", "web", NULL });
	put(&(struct pod_of){ "quiet", "web", "10.0.0.3", "StatefulSet", "web", NULL });
	ends_now(ends, now);
	name_at("10.0.0.1", 1);
	ends_now(ends, now + hour / 2);
	name_at("10.0.0.2", 2);
	listed[0] = '\0';
	CHECK_EQ(ends_namespaces(ends, now + hour / 2, hour, list, NULL), 2, "two had traffic");
	CHECK_TEXT(listed, "bank shop ", "sorted");
	listed[0] = '\0';
	ends_namespaces(ends, now + hour + hour / 4, hour, list, NULL);
	CHECK_TEXT(listed, "bank ", "one of them too long ago");
	end();
}

static const struct flow *view(struct rules *rules, struct record *r)
{
	static struct flow f;
	struct flow_views v = { .ends = ends, .rules = rules, .node = "n1", .node_number = 7 };

	flow_view(&v, r, 4711, &f);
	return &f;
}

static struct record record_of(uint8_t kind, uint8_t reason)
{
	struct record r = { .time = 5000, .src = addr("10.0.0.1"), .dst = addr("10.0.0.2"), .sport = 40000, .dport = 80, .proto = 6,
			    .kind = kind, .reason = reason, .slot = 9, .incarnation = 3, .endpoint = { 2, 1 } };

	r.name[WEIR_EGRESS] = name_at("10.0.0.1", 0);
	r.name[WEIR_INGRESS] = name_at("10.0.0.2", 0);
	r.rule[WEIR_EGRESS] = WEIR_RULE_OPEN;
	return r;
}

static void views(void)
{
	struct compile_rule rule = { .tier = TIER_NETPOL, .dir = WEIR_INGRESS, .ns = "shop", .policy = "web", .name = "",
				     .text = "from app=api: TCP 80" };
	struct rules *rules;
	const struct flow *f;
	struct record r;
	char uuid[40];

	begin();
	CHECK_EQ(rules_open(&rules, NULL), 0, "rules");
	CHECK_EQ(rules_publish(rules, 100, &rule, 0), 0, "published");
	put(&(struct pod_of){ "shop", "api", "10.0.0.1", "StatefulSet", "api", NULL });
	put(&(struct pod_of){ "shop", "web", "10.0.0.2", "StatefulSet", "web", NULL });
	r = record_of(WEIR_REC_OPENED, WEIR_ALLOWED);
	r.rule[WEIR_INGRESS] = rules_number(rules, 100);
	f = view(rules, &r);
	CHECK(f->event == FLOW_EVENT_POLICY && f->verdict == FLOW_FORWARDED && f->reply == FLOW_REPLY_NO, "an opening");
	CHECK_EQ(f->direction, FLOW_INGRESS, "the receiver's word is the last");
	CHECK_EQ(f->directions, 1 << FLOW_INGRESS | 1 << FLOW_EGRESS, "both sides were judged here");
	CHECK_TEXT(f->ingress.policy, "web", "the policy");
	CHECK_TEXT(f->ingress.kind, "NetworkPolicy", "its kind");
	CHECK_EQ(f->ingress.rule, 1, "the first rule");
	CHECK_TEXT(f->egress.tier, "default", "nobody isolates the opener");
	CHECK_TEXT(f->source->workload, "api", "the source");
	strcpy(uuid, f->uuid);

	r = record_of(WEIR_REC_CLOSED, WEIR_END_EXPIRED);
	r.total.packets[1] = 12;
	r.span = record_span_word(&(struct record_span){ .ns = 77 * 50000, .idle = 62500000, .at_least = true, .ended = true });
	f = view(rules, &r);
	CHECK_TEXT(f->uuid, uuid, "its end has the same uuid");
	CHECK(f->event == FLOW_EVENT_TRACE && f->trace_point == 101 && f->sub_event == 0, "told at the endpoint");
	CHECK(f->packets[1] == 12 && f->duration == 77 * 50000 && f->at_least && f->ended && f->idle == 62500000, "with its totals");
	r.incarnation++;
	CHECK(strcmp(view(rules, &r)->uuid, uuid), "the slot's next flow has another");

	r = record_of(WEIR_REC_DENIED, WEIR_NO_RULE);
	r.flags = WEIR_REC_INGRESS;
	r.rule[WEIR_INGRESS] = WEIR_RULE_ISOLATED;
	f = view(rules, &r);
	CHECK(f->event == FLOW_EVENT_POLICY && f->verdict == FLOW_DROPPED && f->drop_reason == 133, "a default deny");
	CHECK(f->ingress_denied && !f->egress_denied && f->reply == FLOW_REPLY_UNKNOWN, "by the receiver's side");
	CHECK_TEXT(f->reason, "no-rule", "in a word");
	r = record_of(WEIR_REC_DENIED, WEIR_SPOOFED);
	f = view(rules, &r);
	CHECK(f->event == FLOW_EVENT_DROP && f->drop_reason == 132 && f->sub_event == 132, "a drop that is no policy's");

	r = record_of(WEIR_REC_OPENED, WEIR_ALLOWED);
	r.flags = WEIR_REC_AUDIT;
	r.audit = WEIR_DENY | WEIR_ALLOW << 2;
	r.audit_rule[WEIR_INGRESS] = WEIR_RULE_ISOLATED;
	f = view(rules, &r);
	CHECK(f->verdict == FLOW_AUDIT && f->would_deny, "an audited policy would deny it");
	CHECK_TEXT(f->would_ingress.tier, "default", "and who would");
	r = record_of(WEIR_REC_OPENED, WEIR_ALLOWED);
	r.proto = 1;
	r.sport = r.dport = 4711;
	f = view(rules, &r);
	CHECK(f->icmp && f->sport == 8 << 8, "an echo request has an id in the record, a type in the flow");
	rules_close(rules);
	end();
}

int main(void)
{
	workloads();
	identities();
	lives();
	namespaces();
	views();
	return check_done();
}
