// SPDX-License-Identifier: Apache-2.0
/* The box's language beyond flows: what may come next in a line, and what sums of flows can answer. */
#include <stdio.h>
#include <string.h>

#include "lib/select/complete.h"
#include "lib/select/select.h"
#include "tests/check.h"

static char said[16384];

static void on_word(void *ctx, const char *text, const char *value, const char *help)
{
	CHECK(help && *help, "%s says what it does", text);
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s ", text);
}

static void test_typing(void)
{
	static const struct {
		const char *line;
		enum select_kind kind;
		const char *raw, *lead, *word, *first;		/* first: of what is offered; NULL: not looked at */
	} rows[] = {
		{ "", SELECT_OPTIONS, "", "", "", "--not " },
		{ "--den", SELECT_OPTIONS, "--den", "", "--den", "--denied --denylist " },
		{ "-n", SELECT_OPTIONS, "-n", "", "-n", "--namespace " },
		{ "--denied -", SELECT_OPTIONS, "-", "", "-", NULL },
		{ "--denied workl", SELECT_OPTIONS, "workl", "", "workl", "--workload --from-workload --to-workload " },
		{ "-n ", SELECT_NAMESPACES, "", "", "", "" },
		{ "-n sh", SELECT_NAMESPACES, "sh", "", "sh", "" },
		{ "--namespace=sh", SELECT_NAMESPACES, "--namespace=sh", "--namespace=", "sh", "" },
		{ "--not --to-namespace 's", SELECT_NAMESPACES, "'s", "", "s", "" },
		{ "--pod shop/ca", SELECT_PODS, "shop/ca", "", "shop/ca", "" },
		{ "--from-workload x", SELECT_WORKLOADS, "x", "", "x", "" },
		{ "--to-port 5", SELECT_PORTS, "5", "", "5", "" },
		{ "--policy shop/", SELECT_POLICIES, "shop/", "", "shop/", "" },
		{ "--node-name ", SELECT_NODES, "", "", "", "" },
		{ "--verdict d", SELECT_WORDS, "d", "", "d", "DROPPED " },
		{ "--verdict=FOR", SELECT_WORDS, "--verdict=FOR", "--verdict=", "FOR", "--verdict=FORWARDED " },
		{ "--protocol icmpv", SELECT_WORDS, "icmpv", "", "icmpv", "icmpv4 icmpv6 " },
		{ "--traffic-direction ", SELECT_WORDS, "", "", "", "ingress egress " },
		{ "--identity w", SELECT_WORDS, "w", "", "w", "world world-ipv4 world-ipv6 " },
		{ "--tcp-flags=s", SELECT_WORDS, "--tcp-flags=s", "--tcp-flags=", "s", "--tcp-flags=syn " },
		{ "--drop-reason-desc policy", SELECT_WORDS, "policy", "", "policy", "POLICY_DENIED POLICY_DENY " },
		{ "--http-path /a", SELECT_NOTHING, "/a", "", "/a", "" },
		{ "--nonsense x", SELECT_OPTIONS, "x", "", "x", "" },
		{ "--nonsense=x", SELECT_NOTHING, "--nonsense=x", "--nonsense=", "x", "" },
		{ "--label 'app in (a, b)' --to-p", SELECT_OPTIONS, "--to-p", "", "--to-p", "--to-pod --to-port " },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct select_typing t;

		select_typing(rows[i].line, &t);
		CHECK_EQ(t.kind, rows[i].kind, "'%s'", rows[i].line);
		CHECK_TEXT(t.raw, rows[i].raw, "'%s': typed", rows[i].line);
		CHECK_TEXT(t.lead, rows[i].lead, "'%s': before it", rows[i].line);
		CHECK_TEXT(t.word, rows[i].word, "'%s': word", rows[i].line);
		said[0] = '\0';
		select_offer(&t, on_word, NULL);
		if (rows[i].first)
			CHECK(!strncmp(said, rows[i].first, strlen(rows[i].first)) && (*rows[i].first || !*said), "'%s': %s", rows[i].line, said);
		CHECK(!strstr(said, "input-file") && !strstr(said, "raw-filters"), "nothing of the command line's own");
	}
}

static void test_long_lines(void)
{
	static char line[20000];
	struct select_typing t;

	memset(line, 'x', sizeof(line) - 1);
	select_typing(line, &t);
	CHECK_EQ(strlen(t.raw), SELECT_WORD - 1, "a word without end is cut");
	memset(line, '\'', sizeof(line) - 1);
	select_typing(line, &t);
	memcpy(line, "--namespace=", 12);
	select_typing(line, &t);
	CHECK(strlen(t.lead) < SELECT_WORD && strlen(t.word) < SELECT_WORD, "and so are its parts");
}

/* The words into the table; the answer of select_check_edges(), or a filter. */
static int ask(const char *line, struct select **out, struct complaint *why)
{
	static const struct opt options[] = { OPT_TABLE(select_options), OPT_END };
	static char copy[512];
	char *word[32], *save = NULL;
	struct select *s = NULL;
	struct complaint other;
	int n = 0, err;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w && n < 31; w = strtok_r(NULL, " ", &save))
		word[n++] = w;
	word[n] = NULL;
	err = opt_parse(options, n, word, why) < 0 ? -1 : select_check_edges(why);
	if (select_done(&s, 1, &other))
		s = NULL;
	if (err)
		select_free(s);
	else
		*out = s;
	return err;
}

static void test_edges(void)
{
	static const struct select_edge cart = { { "shop", "cart", "Deployment" }, { "shop", "database", "StatefulSet" }, 5432, 6 };
	static const struct select_edge outside = { { "", "198.51.100.10", "" }, { "shop", "web", "Deployment" }, 443, 6 };
	static const struct select_edge dns = { { "lab", "shell", "Pod" }, { "kube-system", "dns", "Deployment" }, 53, 17 };
	static const struct {
		const char *line;
		const struct select_edge *edge;
		const char *verdicts;		/* F forwarded, D dropped, A audit: those that pass */
	} rows[] = {
		{ "", &cart, "FDA" }, { "-n shop", &cart, "FDA" }, { "-n shop", &dns, "" }, { "-n lab", &dns, "FDA" },
		{ "--to-namespace shop", &outside, "FDA" }, { "--from-namespace shop", &outside, "" }, { "--denied", &cart, "DA" },
		{ "--verdict FORWARDED", &cart, "F" }, { "--not --denied", &cart, "F" }, { "--to-port 5432", &cart, "FDA" },
		{ "--port 5432", &cart, "FDA" }, { "--port 443", &cart, "" }, { "--to-port 53 --protocol udp", &dns, "FDA" },
		{ "--to-port 53 --protocol tcp", &dns, "" }, { "--workload cart", &cart, "FDA" }, { "--to-workload cart", &cart, "" },
		{ "--workload Deployment/cart", &cart, "FDA" }, { "--workload DaemonSet/cart", &cart, "" },
		{ "--pod shop/ca", &cart, "FDA" }, { "--pod shop/cart-7d9f-x2x", &cart, "FDA" }, { "--to-pod shop/database-0", &cart, "FDA" },
		{ "--from-pod shop/cartoon-1", &cart, "" }, { "--pod lab/cart-7d9f-x2x", &cart, "" }, { "--pod /cart", &cart, "FDA" },
		{ "--not -n lab", &dns, "" }, { "--not -n lab --denied", &cart, "DA" }, { "--from-workload 198.51.100.10", &outside, "FDA" },
		{ "-A", &outside, "FDA" }, { "--from-all-namespaces", &outside, "" }, { "-f --denied", &cart, "DA" },
	};
	static const enum flow_verdict verdicts[] = { FLOW_FORWARDED, FLOW_DROPPED, FLOW_AUDIT };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct complaint why = { 0 };
		struct select *s = NULL;
		char got[8] = { 0 };

		CHECK_EQ(ask(rows[i].line, &s, &why), 0, "'%s': %s", rows[i].line, why.text);
		for (int v = 0; s && v < 3; v++)
			if (select_edge_pass(s, rows[i].edge, verdicts[v]))
				got[strlen(got)] = "FDA"[v];
		CHECK_TEXT(got, rows[i].verdicts, "'%s' of %s to %s", rows[i].line, rows[i].edge->source.workload,
			   rows[i].edge->destination.workload);
		select_free(s);
	}
}

static void test_refused(void)
{
	static const struct { const char *line, *says; } rows[] = {
		{ "--http-path /a", "'--http-path' is about single flows" }, { "--first 3", "'--first' is about single flows" },
		{ "-n shop --label app=x", "'--label'" }, { "--protocol http", "'--protocol http'" }, { "--from-port 9", "'--from-port'" },
		{ "--last 20", "'--last'" }, { "--all", "'--all'" }, { "--since 5m", "'--since' chooses flows by their time" },
		{ "--ip 10.0.0.1", "'--ip'" }, { "--node-name n1", "'--node-name'" }, { "--not --type drop", "'--type'" },
		{ "--denylist {}", "'--denylist'" }, { "--policy shop/x", "'--policy'" }, { "-4", "'--ipv4'" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct complaint why = { 0 };
		struct select *s = NULL;

		CHECK(ask(rows[i].line, &s, &why) && strstr(why.text, rows[i].says), "'%s': %s", rows[i].line, why.text);
	}
}

int main(void)
{
	test_typing();
	test_long_lines();
	test_edges();
	test_refused();
	return check_done();
}
