// SPDX-License-Identifier: Apache-2.0
/* Rule numbers and the book of endpoints: what the next agent reads is what this one published. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/book.h"
#include "agent/rules.h"
#include "tests/check.h"

static char dir[] = "/tmp/weir-rules-XXXXXX";

static struct compile_rule rule(const char *policy, unsigned int index, const char *text)
{
	return (struct compile_rule){ .tier = TIER_NETPOL, .dir = WEIR_INGRESS, .ns = "shop", .policy = policy,
				      .index = index, .name = "", .text = text };
}

static void publish(struct rules *r, uint16_t kernel, const char *policy, const char *text, uint64_t now)
{
	struct compile_rule one = rule(policy, 1, text);

	CHECK_EQ(rules_publish(r, kernel, &one, now), 0, "publish %u", kernel);
	CHECK_EQ(rules_flush(r), 0, "flush");
}

static void rule_numbers(void)
{
	uint32_t db, web;
	struct rules *r;

	CHECK_EQ(rules_open(&r, dir), 0, "open");
	publish(r, 16, "db", "from app=web: TCP 5432", 0);
	publish(r, 17, "web", "from anybody", 0);
	db = rules_number(r, 16);
	web = rules_number(r, 17);
	CHECK(db >= WEIR_RULE_FIRST && web != db, "each its own");
	publish(r, 16, "cart", "from app=web: TCP 80", 100);
	CHECK(rules_number(r, 16) != db, "the kernel's number serves another");
	CHECK_TEXT(rules_get(r, db)->policy, "db", "the name number keeps its meaning");
	rules_forget(r, 99);
	CHECK(rules_get(r, db), "while record 99 may hold it");
	rules_forget(r, 100);
	CHECK(!rules_get(r, db), "and no longer");
	CHECK_EQ(rules_number(r, WEIR_RULE_ISOLATED), WEIR_RULE_ISOLATED, "fixed ones stay what they are");
	rules_close(r);

	CHECK_EQ(rules_open(&r, dir), 0, "the next agent");
	CHECK_EQ(rules_number(r, 17), web, "finds the same number");
	CHECK_TEXT(rules_of(r, 16)->policy, "cart", "and who has the kernel's");
	CHECK_TEXT(rules_of(r, 17)->text, "from anybody", "and what it says");
	publish(r, 18, "new", "x", 0);
	CHECK(rules_number(r, 18) > web, "new ones go on from there");
	rules_close(r);
}

static void torn_file(void)
{
	char path[64];
	struct rules *r;
	FILE *f;

	snprintf(path, sizeof(path), "%s/rules", dir);
	f = fopen(path, "a");
	fputs("nonsense\n99999999999\t5\n77\t20\t1\t0\t0\tshop\ttorn", f);
	fclose(f);
	CHECK_EQ(rules_open(&r, dir), 0, "lines that make no sense are passed over");
	CHECK_TEXT(rules_of(r, 17)->policy, "web", "the others count");
	CHECK(!rules_of(r, 20), "a torn one does not");
	rules_close(r);
	unlink(path);
}

static void endpoint_numbers(void)
{
	const char *ns, *name;
	char path[64];
	struct book *b;

	CHECK_EQ(book_open(&b, dir), 0, "open");
	book_set(b, 5, "shop", "web-0");
	book_set(b, 6, "shop", "db-0");
	book_set(b, 6, "shop", "db-1");
	book_clear(b, 5);
	book_set(b, 7, "other", "x");
	CHECK_EQ(book_write(b), 0, "write");
	book_close(b);
	CHECK_EQ(book_open(&b, dir), 0, "again");
	CHECK(!book_get(b, 5, &ns, &name), "who left is not in it");
	CHECK(book_get(b, 6, &ns, &name) && !strcmp(ns, "shop") && !strcmp(name, "db-1"), "who came is");
	CHECK(book_get(b, 7, &ns, &name) && !strcmp(ns, "other"), "and the other");
	book_close(b);
	snprintf(path, sizeof(path), "%s/endpoints", dir);
	unlink(path);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	rule_numbers();
	torn_file();
	endpoint_numbers();
	rmdir(dir);
	return check_done();
}
