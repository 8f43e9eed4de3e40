// SPDX-License-Identifier: Apache-2.0
/* Filters: what is refused on the wire and how it is said, the bounds, selectors and globs by themselves, authors. */
#include <errno.h>
#include <stdlib.h>

#include "flow/flow.pb-c.h"
#include "lib/filter/filter.h"
#include "lib/filter/glob.h"
#include "lib/filter/selector.h"
#include "lib/wire/json.h"
#include "tests/check.h"

static Flow__FlowFilter *read_filter(const char *json)
{
	struct complaint why = { 0 };
	ProtobufCMessage *m = NULL;

	if (wire_json_read(json, strlen(json), &flow__flow_filter__descriptor, &m, NULL, &why))
		check_fail(__FILE__, __LINE__, why.text, "%s", json);
	return (Flow__FlowFilter *)m;
}

static const struct {
	const char *json, *says;
} refused[] = {
	{ "{\"source_ip\":[\"10.0.0.1\",\"x\"]}", "whitelist[1].source_ip[1]: 'x' is no IP address" },
	{ "{\"destination_ip\":[\"10.0.0.0/33\"]}", "whitelist[1].destination_ip[0]: '10.0.0.0/33' is no prefix" },
	{ "{\"source_ip\":[\"::ffff:10.0.0.1\"]}", "source_ip[0]: '::ffff:10.0.0.1' is no IP address" },
	{ "{\"source_pod\":[\"\"]}", "source_pod[0]: a name is needed" },
	{ "{\"destination_service\":[\"a/b/c\"]}", "destination_service[0]: 'a/b/c' has two '/'" },
	{ "{\"source_fqdn\":[\"a?\"]}", "source_fqdn[0]: 'a?' has a '?'" },
	{ "{\"source_fqdn\":[\"..\"]}", "more than one '.' at the end" },
	{ "{\"node_name\":[\"a/b/c\"]}", "node_name[0]" },
	{ "{\"source_label\":[\"a\",\"a=b c\"]}", "whitelist[1].source_label[1]: 'c' stands where ',' or the end should" },
	{ "{\"source_label\":[\"a in b\"]}", "'b' stands where '(' should" },
	{ "{\"source_label\":[\"!!a\"]}", "'!' stands where a label's key should" },
	{ "{\"source_label\":[\"a,\"]}", "the selector ends where a label's key should follow" },
	{ "{\"source_label\":[\"a>x\"]}", "'x' is no whole number" },
	{ "{\"source_label\":[\"a=&\"]}", "'&' is no label's value" },
	{ "{\"source_label\":[\"-a\"]}", "'-a' is no label's key" },
	{ "{\"source_label\":[\"x/y/z\"]}", "'x/y/z' is no label's key" },
	{ "{\"node_labels\":[\"(\"]}", "node_labels[0]" },
	{ "{\"source_port\":[\"80\",\"http\"]}", "source_port[1]: 'http' is no port" },
	{ "{\"source_port\":[\"-1\"]}", "no port" },
	{ "{\"source_port\":[\"00000000000000000000080\"]}", "no port" },
	{ "{\"protocol\":[\"tcpp\"]}", "protocol[0]: no protocol 'tcpp' (did you mean 'tcp'?)" },
	{ "{\"http_status_code\":[\"600\"]}", "http_status_code[0]: '600' is no status" },
	{ "{\"http_path\":[\"a**\"]}", "http_path[0]: something is repeated twice" },
	{ "{\"http_url\":[\"(a{1,255}){1,255}\"]}", "too large" },
	{ "{\"dns_query\":[\"[\"]}", "dns_query[0]: '[' is not closed" },
	{ "{\"source_cluster_name\":[\"\"]}", "a name is needed" },
	{ "{\"experimental\":{\"cel_expression\":[\"true\"]}}", "whitelist[1].experimental.cel_expression[0]: expressions in CEL are not supported" },
	{ "{\"source_pod\":[\"a\\u001b[31m/b/c\"]}", "'a?[31m/b/c'" },
};

static void test_refused(void)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		Flow__FlowFilter *list[2] = { read_filter("{}"), read_filter(refused[i].json) };
		struct complaint why = { 0 };
		struct filters *f = NULL;

		CHECK_EQ(filters_new(&f, list, 2, NULL, 0, &why), -EINVAL, "%s", refused[i].json);
		CHECK(strstr(why.text, refused[i].says), "%s says: %s", refused[i].json, why.text);
		CHECK(!f, "nothing is made");
		CHECK_EQ(filters_new(&f, NULL, 0, list + 1, 1, &why), -EINVAL, "%s in the other list", refused[i].json);
		CHECK(!strncmp(why.text, "blacklist[0].", 13), "%s says: %s", refused[i].json, why.text);
		flow__flow_filter__free_unpacked(list[0], NULL);
		flow__flow_filter__free_unpacked(list[1], NULL);
	}
}

/* So many values of one field, all the same text. */
static int compile_many(const char *name, const char *value, unsigned int n, unsigned int filters, struct complaint *why)
{
	Flow__FlowFilter one = FLOW__FLOW_FILTER__INIT, *list[FILTERS_MOST + 1];
	const ProtobufCFieldDescriptor *d =
		protobuf_c_message_descriptor_get_field_by_name(one.base.descriptor, name);
	char **values = malloc(n * sizeof(*values));
	struct filters *f = NULL;
	int err;

	for (unsigned int i = 0; i < n; i++)
		values[i] = (char *)value;
	*(size_t *)((char *)&one + d->quantifier_offset) = n;
	*(char ***)((char *)&one + d->offset) = values;
	for (unsigned int i = 0; i < filters; i++)
		list[i] = &one;
	err = filters_new(&f, list, filters, NULL, 0, why);
	filters_free(f);
	free(values);
	return err;
}

static const struct {
	const char *field, *value;
	unsigned int n, filters;
	const char *says;		/* NULL: taken */
} bounds[] = {
	{ "source_ip", "10.0.0.1", FILTERS_VALUES, 1, NULL },
	{ "source_ip", "10.0.0.1", FILTERS_VALUES + 1, 1, "source_ip[0]: more than 65536 values" },
	{ "source_ip", "10.0.0.1", 100000, 1, "more than 65536 values" },
	{ "source_port", "80", FILTERS_VALUES / 2, 2, NULL },
	{ "source_port", "80", FILTERS_VALUES / 2 + 1, 2, "whitelist[1].source_port[0]: more than" },
	{ "source_ip", "10.0.0.0/8", FILTERS_PATTERNS, 1, NULL },
	{ "source_ip", "10.0.0.0/8", FILTERS_PATTERNS + 1, 1, "source_ip[1024]: more than 1024 patterns" },
	{ "source_pod", "a/b", FILTERS_PATTERNS, 1, NULL },
	{ "source_pod", "a/b", 100000, 1, "more than 1024 patterns" },
	{ "source_label", "a,b", FILTERS_PATTERNS / 2, 1, NULL },
	{ "source_label", "a,b", FILTERS_PATTERNS / 2 + 1, 1, "more than 1024 patterns" },
	{ "http_path", "a{500}", 32, 1, NULL },
	{ "http_path", "a{500}", 33, 1, "too large together" },
	{ "uuid", "u", 1, FILTERS_MOST, NULL },
	{ "uuid", "u", 1, FILTERS_MOST + 1, "more than 256 filters" },
};

static void test_bounds(void)
{
	char *text = malloc(5000);

	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		struct complaint why = { 0 };
		int err = compile_many(bounds[i].field, bounds[i].value, bounds[i].n, bounds[i].filters, &why);

		CHECK_EQ(err, bounds[i].says ? -EINVAL : 0, "%u of '%s': %s", bounds[i].n, bounds[i].value, why.text);
		CHECK(!bounds[i].says || strstr(why.text, bounds[i].says), "%u of '%s' says: %s", bounds[i].n, bounds[i].value,
		      why.text);
	}
	memset(text, 'a', 4999);
	text[4999] = 0;
	for (size_t i = 0; i < 8; i++) {
		static const char *const fields[] = { "source_pod", "source_fqdn", "source_label", "uuid", "http_url", "node_name",
						      "source_cluster_name", "http_method" };
		struct complaint why = { 0 };

		CHECK_EQ(compile_many(fields[i], text, 1, 1, &why), -EINVAL, "%s of 4999 bytes", fields[i]);
		CHECK(strstr(why.text, "longer than"), "%s says: %s", fields[i], why.text);
	}
	free(text);
}

static const char *const labels[] = { "k8s:app=cart", "k8s:tier=front", "k8s:weight=12", "reserved:world", "k8s:empty=", "k8s:a.b/c=d" };

static const struct {
	const char *selector;
	bool holds;
} selectors[] = {
	{ "", true }, { "  ", true }, { "app", true }, { "app=cart", true }, { "app==cart", true }, { " app = cart ", true }, { "app=web", false },
	{ "app!=cart", false }, { "app!=web", true }, { "gone!=x", true }, { "!gone", true }, { "!app", false }, { "! gone", true },
	{ "app in (web,cart)", true }, { "app in(cart)", true }, { "app in (web)", false }, { "app notin (web)", true }, { "app notin (cart,web)", false },
	{ "gone in (a)", false }, { "gone notin (a)", true }, { "empty in ()", true }, { "empty in (,x)", true }, { "empty=", true }, { "app=", false },
	{ "empty", true }, { "app in ()", false }, { "app=cart,tier", true }, { "app=cart,tier=back", false }, { "app=cart , !gone , tier in (front)", true },
	{ "k8s:app=cart", true }, { "any:app=cart", true }, { "reserved:app=cart", false }, { "reserved:world", true }, { "world", true }, { "k8s:world", false },
	{ "!reserved:host", true }, { "!reserved:world", false }, { "weight>11", true }, { "weight>12", false }, { "weight<13", true }, { "weight<-1", false },
	{ "app>1", false }, { "gone<1", false }, { "a.b/c=d", true }, { "in", false }, { "in in (in)", false }, { "notin", false }, { "app=in", false }, { "ap", false }, { "appp", false },
};

static void test_selectors(void)
{
	for (size_t i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++) {
		struct arena things = { 0 }, texts = { 0 };
		struct complaint why = { 0 };
		struct selector s;
		int err = selector_parse(selectors[i].selector, &things, &texts, &s, &why);

		CHECK_EQ(err, 0, "'%s': %s", selectors[i].selector, why.text);
		if (!err)
			CHECK_EQ(selector_fits(&s, labels, 6), selectors[i].holds, "'%s'", selectors[i].selector);
		arena_free(&things);
		arena_free(&texts);
	}
}

static const struct {
	const char *glob, *text;
	bool fits;
} globs[] = {
	{ "", "", true }, { "", "a", false }, { "a", "a", true }, { "a", "ab", false }, { "*", "", true }, { "*", "a.b", true }, { "**", "x", true },
	{ "a*", "a", true }, { "a*", "ba", false }, { "*a", "ba", true }, { "*a", "ab", false }, { "a*a", "a", false }, { "a*a", "aa", true },
	{ "*.b.*", "a.b.c", true }, { "*.b.*", "a.b", false }, { "*ab*ab*", "abab", true }, { "*ab*ab*", "aab", false }, { "a*b*c", "aXbXbXc", true }, { "a*b*c", "aXcXb", false },
};

static void test_globs(void)
{
	char *deep = malloc(8192), *text = malloc(100001);

	for (size_t i = 0; i < sizeof(globs) / sizeof(globs[0]); i++)
		CHECK_EQ(glob_match(&(struct glob){ globs[i].glob, strlen(globs[i].glob) }, globs[i].text, strlen(globs[i].text)),
			 globs[i].fits, "'%s' of '%s'", globs[i].glob, globs[i].text);
	for (unsigned int i = 0; i < 4096; i++)
		memcpy(deep + 2 * i, "a*", 2);
	memset(text, 'a', 100000);
	text[100000] = 0;
	deep[8191] = 'b';
	CHECK(!glob_match(&(struct glob){ deep, 8192 }, text, 100000), "four thousand stars");
	free(deep);
	free(text);
}

static bool author(const char *policy, uint32_t rule, const struct flow *flow)
{
	char *list[] = { (char *)policy };
	struct complaint why = { 0 };
	struct filters *f = NULL;
	bool pass;

	CHECK_EQ(filters_new(&f, NULL, 0, NULL, 0, &why), 0, "no filter");
	CHECK_EQ(filters_authors(f, list, policy ? 1 : 0, &rule, rule ? 1 : 0, &why), 0, "'%s': %s", policy, why.text);
	pass = filters_pass(f, flow);
	filters_free(f);
	return pass;
}

static void test_authors(void)
{
	static const char *const isolating[] = { "shop/closed", "everywhere" };
	const struct flow_author none = { .policy = "", .ns = "", .text = "" };
	struct flow flow = { .ingress = { .policy = "db", .ns = "shop", .text = "", .rule = 2 }, .egress = { .policy = "all", .ns = "", .text = "", .rule = 1 },
			     .would_egress = none, .would_ingress = { .policy = "try", .ns = "shop", .rule = 3 } };
	char *bad[] = { "a/b/c" };
	struct complaint why = { 0 };
	struct filters *f = NULL;

	CHECK(author(NULL, 0, &flow), "no policy asked for");
	CHECK(author("shop/db", 0, &flow) && author("db", 0, &flow) && author("/db", 0, &flow) && author("shop/", 0, &flow), "by its name");
	CHECK(author("all", 1, &flow) && author("a*", 0, &flow), "of the cluster");
	CHECK(!author("web/db", 0, &flow) && !author("d", 0, &flow) && !author("web/", 0, &flow), "not another's");
	CHECK(author("shop/db", 2, &flow) && !author("shop/db", 1, &flow), "by its rule");
	CHECK(!author("shop/try", 0, &flow), "what would decide, if nothing differs");
	flow.would_differ = true;
	CHECK(author("shop/try", 3, &flow), "what would decide");
	CHECK(!author("shop/closed", 0, &flow), "isolates nobody");
	flow.isolating = isolating;
	flow.isolatings = 2;
	CHECK(author("shop/closed", 0, &flow) && author("everywhere", 0, &flow) && !author("shop/closed", 1, &flow), "isolates");
	flow.isolatings = 0;
	flow.egress_denied = true;
	CHECK(!author("shop/other", 0, &flow), "another policy's rule denied it");
	flow.egress = (struct flow_author){ .policy = "", .ns = "", .text = "isolated" };
	CHECK(author("shop/other", 0, &flow) && !author("shop/other", 1, &flow), "isolated by nobody known: it may be");
	flow.isolatings = 2;
	CHECK(!author("shop/other", 0, &flow), "isolated by others");
	flow.isolatings = 0;
	flow.egress.text = "";
	CHECK(!author("shop/other", 0, &flow), "of another product, which says nothing");
	if (!filters_new(&f, NULL, 0, NULL, 0, &why)) {
		CHECK_EQ(filters_authors(f, bad, 1, NULL, 0, &why), -EINVAL, "no name");
		CHECK(strstr(why.text, "policy[0]: 'a/b/c' has two '/'"), "says: %s", why.text);
		filters_free(f);
	}
	CHECK(filters_pass(NULL, &flow), "no filters");
}

int main(void)
{
	test_refused();
	test_bounds();
	test_selectors();
	test_globs();
	test_authors();
	return check_done();
}
