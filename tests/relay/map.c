// SPDX-License-Identifier: Apache-2.0
/* What a map shows of small worlds, written down by hand; and of large ones, what must hold whatever it shows. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/json.h"
#include "relay/map.h"
#include "relay/narrow.h"
#include "relay/question.h"
#include "tests/check.h"

static char *text;
static size_t size;

static const char *written(const struct map *m)
{
	struct json_out j;
	FILE *to;

	free(text);
	to = open_memstream(&text, &size);
	json_begin(&j, to, false);
	json_object(&j, NULL);
	map_write(m, &j);
	json_end(&j);
	CHECK(!json_done(&j), "it is JSON");
	fclose(to);
	return text;
}

static struct past_edge edge(const char *from, const char *to, unsigned int port, uint64_t opened, uint64_t denied)
{
	static char names[4][4][64];
	static unsigned int turn;
	struct past_edge e = { .port = port, .proto = 6, .sum = { [PAST_OPENED] = opened, [PAST_DENIED] = denied,
								  [PAST_BYTES] = opened * 1000 } };
	const char *end[] = { from, to };
	struct edge_end *out[] = { &e.source, &e.destination };

	turn = (turn + 1) % 4;
	for (int i = 0; i < 2; i++) {
		const char *slash = strchr(end[i], '/');
		char *ns = names[turn][2 * i], *name = names[turn][2 * i + 1];

		snprintf(ns, 64, "%.*s", slash ? (int)(slash - end[i]) : 0, end[i]);
		snprintf(name, 64, "%s", slash ? slash + 1 : end[i]);
		*out[i] = (struct edge_end){ ns, name, slash ? "Deployment" : !strncmp(end[i], "n", 1) ? "node" : "" };
	}
	return e;
}

static void add(struct map *m, const char *from, const char *to, unsigned int port, uint64_t opened, uint64_t denied)
{
	struct past_edge e = edge(from, to, port, opened, denied);

	CHECK(!map_add(m, &e, opened % 5), "added");
}

#define SAYS(what) CHECK(strstr(written(m), what), "%s is in %s", what, text)
#define SAYS_NOT(what) CHECK(!strstr(written(m), what), "%s is not in %s", what, text)

static struct map *shop(void)
{
	struct map *m;

	CHECK(!map_new(&m, 10000, 5), "a map");
	add(m, "world", "shop/web", 443, 100, 0);
	add(m, "shop/web", "shop/cart", 8080, 50, 0);
	add(m, "shop/cart", "shop/redis", 6379, 40, 0);
	add(m, "shop/cart", "pay/api", 9000, 10, 0);
	add(m, "pay/api", "bank.example", 443, 5, 0);
	add(m, "lab/shell", "shop/redis", 6379, 0, 7);
	return m;
}

static void small(void)
{
	struct map *m = shop();
	struct past_edge denied = edge("lab/shell", "shop/redis", 6379, 0, 0);

	map_denied(m, &denied, true, NULL, 0);
	map_fold(m, &(struct map_want){ 0 });
	SAYS("\"level\":\"workloads\"");
	SAYS("{\"id\":\"out:world\",\"kind\":\"outside\",\"ns\":\"\",\"name\":\"world\",\"count\":1,\"layer\":0,");
	SAYS("\"id\":\"shop/web\",\"kind\":\"workload\",\"ns\":\"shop\",\"name\":\"web\",\"workload_kind\":\"Deployment\",\"count\":1,\"layer\":1,\"denies\":0,\"ports\":[\"443/tcp\"],\"spark\":[100,0,0,0,0]");
	SAYS("\"id\":\"shop/redis\",\"kind\":\"workload\",\"ns\":\"shop\",\"name\":\"redis\",\"workload_kind\":\"Deployment\",\"count\":1,\"layer\":3,\"denies\":7,");
	SAYS("\"id\":\"out:bank.example\",\"kind\":\"outside\",\"ns\":\"\",\"name\":\"bank.example\",\"count\":1,\"layer\":4,");
	SAYS("\"from\":\"lab/shell\",\"to\":\"shop/redis\",\"proto\":\"tcp\",\"port\":6379,\"verdict\":\"denied\",\"rate\":0,\"bytes\":0,\"opened\":0,\"denied\":7,\"would\":0,\"dropped\":0,\"side\":\"egress\"");
	SAYS("\"from\":\"shop/web\",\"to\":\"shop/cart\",\"proto\":\"tcp\",\"port\":8080,\"verdict\":\"allowed\",\"rate\":5,");
	SAYS("\"folded\":{\"marks\":0,\"edges\":0,");
	map_free(m);
}

static void folded(void)
{
	const char *const expand[] = { "pay", NULL };
	struct map *m = shop();

	map_fold(m, &(struct map_want){ .most = 5 });
	SAYS("\"id\":\"ns:shop\",\"kind\":\"namespace\",\"ns\":\"shop\",\"name\":\"shop\",\"count\":3");
	SAYS("\"from\":\"ns:shop\",\"to\":\"pay/api\"");
	SAYS_NOT("\"id\":\"shop/web\"");
	SAYS("\"edges\":2,\"workloads\"");			/* web to cart, cart to redis: within shop */
	map_fold(m, &(struct map_want){ .focus = "pay/api" });
	SAYS("\"id\":\"shop/cart\"");
	SAYS("\"id\":\"out:bank.example\"");
	SAYS_NOT("redis");
	SAYS_NOT("lab");
	map_free(m);
	m = shop();
	map_fold(m, &(struct map_want){ .most = 1, .expand = expand });
	SAYS("\"marks\":");
	map_free(m);
	CHECK(!map_new(&m, 1000, 0), "an empty map");
	map_fold(m, &(struct map_want){ 0 });
	SAYS("\"marks\":[],\"edges\":[]");
	map_free(m);
}

/* Two namespaces of two, room to open one: who is open stays so until the other is far busier. */
static const char *opened_of(uint64_t left, uint64_t right, const uint32_t *keep, unsigned int nkeep)
{
	struct map *m;
	const char *which;

	CHECK(!map_new(&m, 10000, 5), "a map");
	add(m, "left/a", "left/b", 1, left, 0);
	add(m, "right/a", "right/b", 1, right, 0);
	map_fold(m, &(struct map_want){ .most = 3, .keep = keep, .nkeep = nkeep });
	written(m);
	which = strstr(text, "\"id\":\"left/a\"") ? "left" : strstr(text, "\"id\":\"right/a\"") ? "right" : "none";
	map_free(m);
	return which;
}

/* What somebody folded by hand stays one mark though there is room; what is expanded or in focus, too, is open. */
static void by_hand(void)
{
	const char *const shop_pay[] = { "shop", "pay", NULL }, *const pay[] = { "pay", NULL };
	struct map *m = shop();

	map_fold(m, &(struct map_want){ .fold = shop_pay });
	SAYS("\"id\":\"ns:shop\"");
	SAYS("\"id\":\"ns:pay\"");
	SAYS("\"id\":\"lab/shell\"");
	SAYS_NOT("\"id\":\"shop/web\"");
	SAYS("\"from\":\"lab/shell\",\"to\":\"ns:shop\"");
	map_fold(m, &(struct map_want){ .fold = shop_pay, .expand = pay });
	SAYS("\"id\":\"pay/api\"");
	SAYS("\"id\":\"ns:shop\"");
	map_fold(m, &(struct map_want){ .fold = shop_pay, .focus = "shop/cart" });
	SAYS("\"id\":\"shop/cart\"");
	SAYS("\"id\":\"ns:pay\"");
	map_free(m);
}

static void kept(void)
{
	const uint32_t keep[] = { map_hash("left", "a"), map_hash("left", "b"), map_hash("right", NULL) };

	CHECK_EQ(map_hash("shop", "cart"), 0x8fcf87b5u, "as the page works it out");
	CHECK_TEXT(opened_of(100, 200, NULL, 0), "right", "the busier is open");
	CHECK_TEXT(opened_of(100, 200, keep, 3), "left", "who is open stays open");
	CHECK_TEXT(opened_of(100, 30000, keep, 3), "right", "unless another is far busier");
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* Ids are there once, lines end at marks, no more than asked, who is denied is shown. */
static void large(unsigned int workloads, unsigned int namespaces, unsigned int edges, unsigned int most)
{
	struct map_counts c;
	struct map *m;
	double began = now();
	const char *p;
	unsigned int lines = 0;

	CHECK(!map_new(&m, 60000, 20), "a map");
	for (unsigned int i = 0; i < edges; i++) {
		unsigned int a = rand() % workloads, b = rand() % workloads;
		char from[64], to[64];

		snprintf(from, sizeof(from), "ns%u/w%u", a % namespaces, a);
		snprintf(to, sizeof(to), "ns%u/w%u", b % namespaces, b);
		if (i % 50 == 0)
			snprintf(from, sizeof(from), "10.%u.%u.%u", rand() % 9, rand() % 256, rand() % 256);
		add(m, from, to, 1000 + rand() % 3, rand() % 100, i == 77 ? 5 : 0);
	}
	map_fold(m, &(struct map_want){ .most = most });
	written(m);
	map_count(m, &c);
	printf("%u workloads, %u edges: %u marks, %u lines, %zu bytes of JSON, %.1f ms CPU\n", workloads, edges, c.marks, c.lines,
	       size, now() - began);
	CHECK(c.marks <= (most ?: MAP_MOST) + 4, "%u marks of %u", c.marks, most);
	for (p = strstr(text, "\"edges\":["); p && (p = strstr(p, "{\"from\":\"")); p++) {
		char want[700];
		const char *end = strchr(p + 9, '"');

		snprintf(want, sizeof(want), "\"id\":\"%.*s\"", (int)(end - p - 9), p + 9);
		if (lines++ % 50 == 0)
			CHECK(strstr(text, want), "the line's end %s is a mark", want);
	}
	CHECK_EQ(lines, c.lines, "every line is written");
	CHECK(strstr(text, "\"verdict\":\"mixed\"") || strstr(text, "\"verdict\":\"denied\""), "the denial is drawn");
	map_free(m);
}

static void narrowed(void)
{
	static const struct { const char *q; uint64_t opened, denied, would, dropped, bytes; bool any; } rows[] = {
		{ "", 100, 5, 30, 2, 9000, true }, { "-n shop", 100, 5, 30, 2, 9000, true }, { "-n pay", 0, 0, 0, 0, 0, false },
		{ "--verdict FORWARDED", 70, 0, 0, 0, 9000, true }, { "--verdict DROPPED", 0, 5, 0, 2, 0, true },
		{ "--verdict AUDIT", 30, 0, 30, 0, 0, true }, { "--denied", 30, 5, 30, 2, 0, true },
		{ "--not --denied", 70, 0, 0, 0, 9000, true }, { "--not --verdict AUDIT", 70, 5, 0, 2, 9000, true },
		{ "--denied --to-port 8080", 0, 0, 0, 0, 0, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct past_edge e = edge("shop/cart", "shop/redis", 6379, 100, 5);
		struct complaint why = { 0 };
		struct select *s = NULL;
		char q[64];

		snprintf(q, sizeof(q), "%s", rows[i].q);
		e.sum[PAST_WOULD_DENY] = 30;
		e.sum[PAST_DROPPED] = 2;
		e.sum[PAST_BYTES] = 9000;
		CHECK(!question_read(q, QUESTION_EDGES, &s, &why), "'%s': %s", rows[i].q, why.text);
		CHECK_EQ(narrow(&e, s), rows[i].any, "'%s': something is left", rows[i].q);
		CHECK_EQ(e.sum[PAST_OPENED], rows[i].opened, "'%s': opened", rows[i].q);
		CHECK_EQ(e.sum[PAST_DENIED], rows[i].denied, "'%s': denied", rows[i].q);
		CHECK_EQ(e.sum[PAST_WOULD_DENY], rows[i].would, "'%s': would be", rows[i].q);
		CHECK_EQ(e.sum[PAST_DROPPED], rows[i].dropped, "'%s': dropped", rows[i].q);
		CHECK_EQ(e.sum[PAST_BYTES], rows[i].bytes, "'%s': bytes", rows[i].q);
		select_free(s);
	}
}

int main(void)
{
	srand(11);
	narrowed();
	small();
	folded();
	by_hand();
	kept();
	large(40, 6, 120, 0);
	large(3000, 250, 20000, 0);
	large(3000, 250, 20000, 60);
	large(3000, 1, 20000, 0);
	large(6000, 3000, 20000, 0);
	free(text);
	return check_done();
}
