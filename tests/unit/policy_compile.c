// SPDX-License-Identifier: Apache-2.0
/* The compiler row by row: what the maps say, by whom; what only it decides: modes, strangers, grants, hands, budgets. */
#include <stdlib.h>
#include <weir/endpoint.h>

#include "lib/policy/compile.h"
#include "lib/policy/image.h"
#include "lib/policy/words.h"
#include "tests/check.h"

static struct compiler *c;
static struct image *m;
static struct weir_addr pool[64];
static unsigned int npool;

static struct weir_addr four(unsigned int a, unsigned int b, unsigned int d, unsigned int e)
{
	return (struct weir_addr){ .byte = { [10] = 0xff, [11] = 0xff, [12] = a, b, d, e } };
}

static void begin(const struct compile_limits *limits)
{
	image_new(&m);
	image_strict(m);
	compile_new(&c, limits, image_op, m);
	compile_node_name(c, "n1");
}

static void end(void)
{
	CHECK(!image_error(m), "%s", image_error(m));
	compile_free(c);
	image_free(m);
	CHECK_EQ(words_bytes(), 0, "all memory is given back");
}

static void done(void)
{
	compile_commit(c, NULL);
	compile_finish(c);
}

static void node(const char *name, unsigned int last, bool prefix)
{
	static struct weir_prefix cidr;
	struct weir_addr *a = &pool[npool++ % 64];

	*a = four(172, 30, 0, last);
	cidr = (struct weir_prefix){ 96 + 16, four(10, 244, 0, 0) };
	compile_object(c, &(struct object){ .kind = OBJECT_NODE, .ns = "", .name = name,
		.node = { .addr = a, .naddr = 1, .pod_cidr = &cidr, .npod_cidr = prefix } }, NULL);
}

static void pod_at(const char *ns, const char *name, const char *app, const char *where, struct weir_addr at, unsigned int born)
{
	static struct container_port port = { "web", 8080, 6 };
	struct label l = { "app", app };
	struct weir_addr *a = &pool[npool++ % 64];

	*a = at;
	compile_object(c, &(struct object){ .kind = OBJECT_POD, .ns = ns, .name = name, .created = born, .labels = { &l, 1 },
		.pod = { .node = where, .phase = POD_RUNNING, .addr = a, .naddr = 1, .port = &port, .nport = 1 } }, NULL);
}

/* One rule, one peer: app=VALUE in the policy's own namespace, or a block. */
static void policy(const char *name, enum weir_dir dir, const char *app, const char *port, bool audit)
{
	const char *value[] = { app };
	struct requirement q = { "app", OP_IN, 1, value };
	struct peer peer = { .kind = PEER_PODS, .own_namespace = true, .pods = { &q, 1 } };
	struct port p = { .name = port && *port > '9' ? port : NULL, .proto = 6 };
	struct rule r = { .name = "", .peer = &peer, .npeer = 1, .port = &p, .nport = port != NULL, .any_port = !port };
	struct object o = { .kind = OBJECT_POLICY, .ns = "shop", .name = name, .policy = { .tier = TIER_NETPOL, .audit = audit } };

	if (port && !p.name)
		p.first = p.last = strtol(port, NULL, 10);
	o.policy.applies[dir] = true;
	o.policy.rule[dir] = &r;
	o.policy.nrule[dir] = app != NULL;
	compile_object(c, &o, NULL);
}

static void cluster(const char *name, enum policy_tier tier, enum rule_action action, enum peer_kind kind, unsigned int priority)
{
	struct peer peer = { .kind = kind };
	struct rule r = { .name = "", .action = action, .peer = &peer, .npeer = 1, .any_port = true };
	struct object o = { .kind = OBJECT_CLUSTER_POLICY, .ns = "", .name = name,
		.policy = { .tier = tier, .priority = priority, .subject_all_namespaces = true, .applies = { true, false } } };

	o.policy.rule[WEIR_INGRESS] = &r;
	o.policy.nrule[WEIR_INGRESS] = 1;
	compile_object(c, &o, NULL);
}

static const struct weir_addr a_web = { .byte = { [10] = 0xff, [11] = 0xff, 10, 244, 0, 1 } },
	a_db = { .byte = { [10] = 0xff, [11] = 0xff, 10, 244, 0, 2 } }, a_far = { .byte = { [10] = 0xff, [11] = 0xff, 10, 244, 1, 3 } },
	a_out = { .byte = { [10] = 0xff, [11] = 0xff, 203, 0, 113, 7 } }, a_new = { .byte = { [10] = 0xff, [11] = 0xff, 10, 244, 9, 9 } },
	a_node = { .byte = { [10] = 0xff, [11] = 0xff, 172, 30, 0, 1 } };

/* shop/web and shop/db here, shop/far elsewhere. */
static void shop(void)
{
	node("n1", 1, true);
	node("n2", 2, false);
	pod_at("shop", "web", "web", "n1", a_web, 1);
	pod_at("shop", "db", "db", "n1", a_db, 2);
	pod_at("shop", "far", "web", "n2", a_far, 3);
}

struct row {
	const char *text;
	const struct weir_addr *from;
	unsigned short port;
	enum weir_reason want;
	int rule;			/* enum weir_rule, or -1 - index of a policy's rule */
	bool would_deny;
};

/* What shop/db's ingress says. */
static void rows(const struct row *r, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct weir_answer a;
		struct compile_rule rule;
		enum weir_reason got = image_judge(m, r[i].from, &a_db, 6, r[i].port, WEIR_SIDE(WEIR_INGRESS), &a);
		unsigned int by = a.said[WEIR_INGRESS].rule;

		CHECK_EQ(got, r[i].want, "%s", r[i].text);
		CHECK_EQ(a.would_deny, r[i].would_deny, "%s: would be denied", r[i].text);
		if (r[i].rule >= 0)
			CHECK_EQ(by, r[i].rule, "%s: by whom", r[i].text);
		else
			CHECK(compile_rule_of(c, by, &rule) && (int)rule.index == -1 - r[i].rule, "%s: by a rule (%u)", r[i].text, by);
	}
}
#define ROWS(...) rows((struct row[]){ __VA_ARGS__ }, sizeof((struct row[]){ __VA_ARGS__ }) / sizeof(struct row))

static void network_policy(void)
{
	begin(NULL);
	shop();
	done();
	ROWS({ "no policy: open", &a_web, 80, WEIR_ALLOWED, WEIR_RULE_OPEN, false },
	     { "an open set passes a pod not yet known", &a_new, 80, WEIR_ALLOWED, WEIR_RULE_OPEN, false },
	     { "and whoever is outside", &a_out, 80, WEIR_ALLOWED, WEIR_RULE_OPEN, false });
	policy("db", WEIR_INGRESS, "web", "5432", false);
	done();
	ROWS({ "the peer, the port", &a_web, 5432, WEIR_ALLOWED, -1, false },
	     { "a peer on another node", &a_far, 5432, WEIR_ALLOWED, -1, false },
	     { "another port", &a_web, 80, WEIR_NO_RULE, WEIR_RULE_ISOLATED, false },
	     { "itself", &a_db, 5432, WEIR_NO_RULE, WEIR_RULE_ISOLATED, false },
	     { "outside", &a_out, 5432, WEIR_NO_RULE, WEIR_RULE_ISOLATED, false },
	     { "a node", &a_node, 5432, WEIR_NO_RULE, WEIR_RULE_ISOLATED, false },
	     { "a pod not yet known: not the policy's denial", &a_new, 5432, WEIR_STRANGER, WEIR_RULE_NONE, false });
	policy("db", WEIR_INGRESS, "web", "web", false);
	done();
	ROWS({ "a name, at the pod itself", &a_web, 8080, WEIR_ALLOWED, -1, false },
	     { "and no other port", &a_web, 5432, WEIR_NO_RULE, WEIR_RULE_ISOLATED, false });
	policy("db", WEIR_INGRESS, NULL, NULL, true);
	done();
	ROWS({ "audited: passes, and would not", &a_web, 8080, WEIR_ALLOWED, WEIR_RULE_OPEN, true });
	end();
}

static void tiers(void)
{
	begin(NULL);
	shop();
	policy("db", WEIR_INGRESS, "web", NULL, false);
	cluster("deny", TIER_ADMIN, ACTION_DENY, PEER_PODS, 5);
	done();
	ROWS({ "Admin denies before NetworkPolicy allows", &a_web, 80, WEIR_DENIED, -1, false },
	     { "what is no pod it does not mean", &a_out, 80, WEIR_NO_RULE, WEIR_RULE_ISOLATED, false });
	cluster("pass", TIER_ADMIN, ACTION_PASS, PEER_PODS, 4);
	done();
	ROWS({ "a Pass of a lower number skips the tier", &a_web, 80, WEIR_ALLOWED, -1, false });
	compile_gone(c, OBJECT_CLUSTER_POLICY, "", "pass");
	cluster("deny", TIER_BASELINE, ACTION_DENY, PEER_PODS, 5);
	done();
	ROWS({ "Baseline comes too late for an isolated pod", &a_web, 80, WEIR_ALLOWED, -1, false });
	compile_gone(c, OBJECT_POLICY, "shop", "db");
	done();
	ROWS({ "and decides for one that is not", &a_web, 80, WEIR_DENIED, -1, false },
	     { "else open", &a_out, 80, WEIR_ALLOWED, WEIR_RULE_OPEN, false });
	cluster("deny", TIER_BASELINE, ACTION_DENY, PEER_NOBODY, 5);
	done();
	ROWS({ "an unknown peer in a Deny: all is denied", &a_out, 80, WEIR_DENIED, -1, false });
	cluster("deny", TIER_BASELINE, ACTION_ALLOW, PEER_NOBODY, 5);
	done();
	ROWS({ "in an Accept it matches nothing", &a_web, 80, WEIR_ALLOWED, WEIR_RULE_OPEN, false });
	end();
}

static void modes(void)
{
	begin(NULL);
	shop();
	compile_set_mode(c, MODE_DEFAULT_DENY_AUDIT);
	done();
	ROWS({ "default-deny in audit: passes, and would not", &a_web, 80, WEIR_ALLOWED, WEIR_RULE_OPEN, true });
	compile_set_mode(c, MODE_DEFAULT_DENY);
	done();
	ROWS({ "default-deny: nobody allows it", &a_web, 80, WEIR_CLOSED, WEIR_RULE_CLOSED, false },
	     { "strangers neither", &a_new, 80, WEIR_STRANGER, WEIR_RULE_NONE, false });
	policy("db", WEIR_INGRESS, "web", "5432", false);
	done();
	ROWS({ "a rule opens it", &a_web, 5432, WEIR_ALLOWED, -1, false });
	end();
}

/* Address, endpoint, flags. */
static void words(void)
{
	struct weir_prefix grant = { 96 + 24, four(192, 168, 7, 0) };
	struct weir_addr bridge = four(10, 244, 0, 254), granted = four(192, 168, 7, 9);
	__u64 w;

	begin(NULL);
	shop();
	compile_host_address(c, &bridge, true);
	compile_object(c, &(struct object){ .kind = OBJECT_NAMESPACE, .ns = "", .name = "shop",
					    .namespace = { &grant, 1 } }, NULL);
	done();
	w = image_word(m, &a_db);
	CHECK_EQ(WEIR_WORD_FLAGS(w), WEIR_WORD_SET | WEIR_WORD_POD, "a pod's address");
	CHECK_EQ(WEIR_WORD_ENDPOINT(w), compile_endpoint(c, "shop", "db"), "names its endpoint");
	CHECK_EQ(WEIR_WORD_ENDPOINT(image_word(m, &a_far)), 0, "one elsewhere has none");
	CHECK_EQ(WEIR_WORD_FLAGS(image_word(m, &a_node)), WEIR_WORD_SET | WEIR_WORD_HOST, "this node's own address");
	CHECK_EQ(WEIR_WORD_FLAGS(image_word(m, &bridge)), WEIR_WORD_SET | WEIR_WORD_HOST, "a bridge of this host");
	CHECK(WEIR_WORD_CLASS(image_word(m, &bridge), WEIR_INGRESS) >= WEIR_CLASS_FIRST, "it is no stranger");
	w = image_word(m, &granted);
	CHECK_EQ(WEIR_WORD_FLAGS(w), WEIR_WORD_SET | WEIR_WORD_PREFIX | WEIR_WORD_GRANT, "a granted prefix");
	CHECK_EQ(WEIR_WORD_ENDPOINT(w), compile_namespace_id(c, "shop"), "names the namespace");
	CHECK_EQ(WEIR_WORD_CLASS(image_word(m, &a_new), WEIR_EGRESS), WEIR_CLASS_STRANGER, "a pod not yet known");
	compile_gone(c, OBJECT_NAMESPACE, "", "shop");
	compile_host_address(c, &bridge, false);
	done();
	CHECK_EQ(WEIR_WORD_FLAGS(image_word(m, &granted)), WEIR_WORD_SET | WEIR_WORD_PREFIX, "the grant is taken back");
	CHECK_EQ(WEIR_WORD_CLASS(image_word(m, &bridge), WEIR_INGRESS), WEIR_CLASS_STRANGER, "so is the host's address");
	end();
}

static unsigned int flags_of(const struct weir_addr *a)
{
	return WEIR_WORD_FLAGS(image_word(m, a));
}

/* An address changes hands: closed until the sweep; a number given up does not serve again before it either. */
static void hands(void)
{
	unsigned int old, mark;

	begin(NULL);
	shop();
	done();
	old = compile_endpoint(c, "shop", "db");
	compile_gone(c, OBJECT_POD, "shop", "db");
	pod_at("shop", "heir", "db", "n1", a_db, 9);
	compile_commit(c, NULL);
	CHECK(flags_of(&a_db) & WEIR_WORD_RESTING, "an address taken over rests");
	CHECK(compile_endpoint(c, "shop", "heir") != old, "the heir has a number of its own");
	CHECK_EQ(image_set(m, old, WEIR_INGRESS).limit, 0, "the old endpoint is closed");
	mark = compile_sweep_mark(c);
	image_grace(m);
	compile_settle(c);
	compile_swept(c, mark, NULL);
	CHECK(flags_of(&a_db) & WEIR_WORD_RESTING, "a sweep that began before the grace opens nothing");
	compile_swept(c, compile_sweep_mark(c), NULL);
	CHECK(!(flags_of(&a_db) & WEIR_WORD_RESTING), "the sweep after it does");
	compile_gone(c, OBJECT_POD, "shop", "heir");
	compile_commit(c, NULL);
	pod_at("shop", "third", "db", "n1", a_db, 10);
	compile_commit(c, NULL);
	CHECK(flags_of(&a_db) & WEIR_WORD_RESTING, "one that was free in between, too");
	compile_finish(c);
	pod_at("shop", "third", "web", "n1", a_db, 10);
	compile_commit(c, NULL);
	CHECK(!(flags_of(&a_db) & WEIR_WORD_RESTING), "the same pod with other labels does not rest");
	pod_at("shop", "elder", "db", "n1", a_db, 4);
	compile_commit(c, NULL);
	CHECK_EQ(WEIR_WORD_ENDPOINT(image_word(m, &a_db)), compile_endpoint(c, "shop", "third"), "the newest pod has it");
	done();
	end();
}

static bool raised(void)
{
	struct compile_report r;

	compile_commit(c, &r);
	compile_finish(c);
	return r.raised;
}

static void generation(void)
{
	struct weir_addr bare = four(198, 51, 100, 5);

	begin(NULL);
	shop();
	done();
	CHECK(!raised(), "nothing changed");
	pod_at("shop", "more", "web", "n2", four(10, 244, 2, 2), 5);
	CHECK(!raised(), "a pod added under a pod prefix");
	pod_at("shop", "bare", "web", "n2", bare, 6);
	CHECK(raised(), "a pod added where outside was judged");
	policy("db", WEIR_INGRESS, "web", "5432", false);
	CHECK(raised(), "a set changed");
	policy("db", WEIR_INGRESS, "web", "5432", false);
	CHECK(!raised(), "the same again");
	pod_at("shop", "more", "db", "n2", four(10, 244, 2, 2), 5);
	CHECK(raised(), "an address changed class");
	compile_gone(c, OBJECT_POD, "shop", "more");
	CHECK(raised(), "an address left");
	end();
}

/* Was shop/far let in to shop/db, or to shop/web, after any store of a commit? */
static bool seen_db, seen_web;

static int look(void *ctx, const struct op *op)
{
	struct weir_answer a;

	seen_db |= image_judge(m, &a_far, &a_db, 6, 80, WEIR_SIDE(WEIR_INGRESS), &a) == WEIR_ALLOWED;
	seen_web |= image_judge(m, &a_far, &a_web, 6, 80, WEIR_SIDE(WEIR_INGRESS), &a) == WEIR_ALLOWED;
	return 0;
}

/* Old policy and old labels deny, new and new deny; old policy and new labels would allow: no packet may see that. */
static void class_of_ones_own(void)
{
	begin(NULL);
	shop();
	pod_at("shop", "far", "cache", "n2", a_far, 3);
	policy("all", WEIR_INGRESS, "web", NULL, false);
	done();
	pod_at("shop", "far", "web", "n2", a_far, 3);
	policy("all", WEIR_INGRESS, "other", NULL, false);
	seen_db = seen_web = false;
	image_watch(m, look, NULL);
	compile_commit(c, NULL);
	CHECK(!seen_db && !seen_web, "a peer relabelled and a policy edited in one commit");
	compile_finish(c);
	CHECK(!seen_db && !seen_web, "nor when it joins");
	image_watch(m, NULL, NULL);
	end();
}

/* The same where only one of two pods leaves the set that both have: shop/db loses its rights, shop/web gains. */
static void twin(void)
{
	const char *only[] = { "db" };

	begin(NULL);
	shop();
	pod_at("shop", "far", "cache", "n2", a_far, 3);
	pod_at("shop", "db", "web", "n1", a_db, 2);
	policy("all", WEIR_INGRESS, "web", NULL, false);
	{
		struct peer peer = { .kind = PEER_PODS };
		struct requirement db = { "app", OP_IN, 1, only };
		struct rule r = { .name = "", .action = ACTION_DENY, .peer = &peer, .npeer = 1, .any_port = true };
		struct object o = { .kind = OBJECT_CLUSTER_POLICY, .ns = "", .name = "db-denies",
			.policy = { .tier = TIER_ADMIN, .subject_all_namespaces = true, .subject_pods = { &db, 1 },
				    .applies = { true, false } } };

		o.policy.rule[0] = &r;
		o.policy.nrule[0] = 1;
		compile_object(c, &o, NULL);
	}
	done();
	pod_at("shop", "far", "web", "n2", a_far, 3);
	pod_at("shop", "db", "db", "n1", a_db, 2);
	seen_db = seen_web = false;
	image_watch(m, look, NULL);
	compile_commit(c, NULL);
	CHECK(!seen_db, "the pod that leaves the set never sees the old policy on the new labels");
	CHECK(seen_web, "the pod that keeps what it says lets the peer in");
	compile_finish(c);
	CHECK(!seen_db, "nor when it joins");
	image_watch(m, NULL, NULL);
	end();
}

/* A rule keeps its number while it says the same; one that comes back before a sweep has it again. */
static void rule_numbers(void)
{
	struct weir_answer a;
	struct compile_rule r;
	unsigned int n;

	begin(NULL);
	shop();
	policy("db", WEIR_INGRESS, "web", "5432", false);
	compile_commit(c, NULL);
	image_judge(m, &a_web, &a_db, 6, 5432, WEIR_SIDE(WEIR_INGRESS), &a);
	n = a.said[WEIR_INGRESS].rule;
	CHECK(n >= WEIR_RULE_FIRST && compile_rule_of(c, n, &r), "a policy's rule");
	CHECK_TEXT(r.text, "from app=web in ns=shop: TCP 5432", "what it says");
	CHECK_TEXT(r.policy, "db", "whose");
	policy("db", WEIR_INGRESS, "web", "80", false);
	compile_commit(c, NULL);
	image_judge(m, &a_web, &a_db, 6, 80, WEIR_SIDE(WEIR_INGRESS), &a);
	CHECK(a.said[WEIR_INGRESS].rule != n, "another text, another number");
	policy("db", WEIR_INGRESS, "web", "5432", false);
	compile_commit(c, NULL);
	image_judge(m, &a_web, &a_db, 6, 5432, WEIR_SIDE(WEIR_INGRESS), &a);
	CHECK_EQ(a.said[WEIR_INGRESS].rule, n, "the old text, the old number");
	end();
}

/* Pods of one namespace with ever other labels use up their own budget; another's pods still find classes. */
static void budget(void)
{
	static char app[40][8];
	struct compile_counts n;

	begin(&(struct compile_limits){ .namespace_classes = 6 });
	shop();
	policy("db", WEIR_INGRESS, "web", "5432", false);
	for (unsigned int i = 0; i < 20; i++) {
		char name[16];

		snprintf(app[i], sizeof(app[i]), "app%u", i);
		snprintf(name, sizeof(name), "rule%u", i);
		policy(name, WEIR_INGRESS, app[i], "80", false);
	}
	done();
	for (unsigned int i = 0; i < 20; i++) {
		char name[16];

		snprintf(name, sizeof(name), "pod%u", i);
		pod_at("shop", name, app[i], "n2", four(10, 244, 3, i), 20 + i);
		done();
	}
	compile_count(c, &n);
	CHECK(n.over >= 10 && n.over < 20, "%u are closed", n.over);
	ROWS({ "who came early has its class", &a_web, 5432, WEIR_ALLOWED, -1, false });
	pod_at("other", "a", "x", "n2", four(10, 244, 4, 1), 90);
	done();
	CHECK(WEIR_WORD_CLASS(image_word(m, &(struct weir_addr){ .byte = { [10] = 0xff, [11] = 0xff, 10, 244, 4, 1 } }), 0) >=
	      WEIR_CLASS_FIRST, "another namespace is not touched");
	for (unsigned int i = 0; i < 12; i++) {
		char name[16];

		snprintf(name, sizeof(name), "pod%u", i);
		compile_gone(c, OBJECT_POD, "shop", name);
	}
	done();
	compile_commit(c, NULL);
	done();
	compile_count(c, &n);
	CHECK(n.over < 10, "as some leave others are let in: %u closed", n.over);
	end();
}

/* What does not fit is put back; what does fit of the same commit stands. */
static void refusal(void)
{
	struct compile_report r;
	struct compile_refusal why;
	struct weir_answer a;

	begin(&(struct compile_limits){ .ranges = 40 });
	shop();
	policy("db", WEIR_INGRESS, "web", "5432", false);
	done();
	{
		struct port p[30];
		struct rule rule = { .name = "", .any_peer = true, .port = p, .nport = 30 };
		struct object o = { .kind = OBJECT_POLICY, .ns = "shop", .name = "db",
				    .policy = { .applies = { true, false }, .tier = TIER_NETPOL } };

		for (unsigned int i = 0; i < 30; i++)
			p[i] = (struct port){ .first = 100 * i, .last = 100 * i + 1, .proto = 6 };
		o.policy.rule[0] = &rule;
		o.policy.nrule[0] = 1;
		compile_object(c, &o, NULL);
	}
	policy("web", WEIR_EGRESS, NULL, NULL, false);
	CHECK(compile_commit(c, &r) == -7 && r.nrefused == 1 && r.bound == BOUND_RANGES, "refused: %u, bound %d", r.nrefused, r.bound);
	CHECK(compile_refused(c, 0, &why), "who");
	CHECK_TEXT(why.name, "db", "the one that is too big");
	CHECK(!compile_refused(c, 1, &why), "and no other");
	ROWS({ "its last good version stands", &a_web, 5432, WEIR_ALLOWED, -1, false },
	     { "and no more", &a_web, 100, WEIR_NO_RULE, WEIR_RULE_ISOLATED, false });
	CHECK_EQ(image_judge(m, &a_db, &a_out, 6, 1, WEIR_SIDE(WEIR_EGRESS), &a), WEIR_NO_RULE, "the other policy is in force");
	compile_finish(c);
	end();
}

int main(void)
{
	network_policy();
	tiers();
	modes();
	words();
	hands();
	generation();
	class_of_ones_own();
	twin();
	rule_numbers();
	budget();
	refusal();
	return check_done();
}
