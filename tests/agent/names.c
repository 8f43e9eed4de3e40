// SPDX-License-Identifier: Apache-2.0
/* Names: numbers that keep their meaning, whose an address is, and a reader beside a busy writer. */
#include <pthread.h>
#include <stdlib.h>

#include <weir/endpoint.h>

#include "agent/names.h"
#include "lib/addr.h"
#include "tests/check.h"

static struct weir_addr addr(const char *text)
{
	struct weir_addr a = { 0 };

	CHECK_EQ(addr_parse(text, &a), 0, "'%s'", text);
	return a;
}

static void put(struct names *n, const char *name, const char *app, const char *address, uint64_t now)
{
	struct label label = { "app", app };
	struct weir_addr a = addr(address);
	struct container_port port = { "http", 8080, 6 };
	struct object o = { .kind = OBJECT_POD, .ns = "shop", .name = name, .labels = { &label, 1 },
			    .pod = { .node = "n1", .addr = &a, .naddr = 1, .port = &port, .nport = 1, .interface = "",
				     .stack = "", .owner_kind = "Deployment", .owner_name = app, .phase = POD_RUNNING } };

	CHECK_EQ(names_put(n, &o, now), 0, "put '%s'", name);
}

static const char *who(struct names *n, const char *address)
{
	static char buf[600];
	struct weir_addr a = addr(address);

	return names_text(names_get(n, names_at(n, &a)), buf, sizeof(buf));
}

static void meaning(void)
{
	struct weir_addr first = addr("10.0.0.1");
	struct object *o;
	struct names *n;
	uint32_t old;
	char buf[600];

	CHECK_EQ(names_new(&n, "n1"), 0, "new");
	CHECK_TEXT(who(n, "10.0.0.1"), "world", "nobody yet");
	put(n, "web", "web", "10.0.0.1", 5);
	CHECK_TEXT(who(n, "10.0.0.1"), "shop/web", "a pod");
	old = names_at(n, &first);
	names_endpoint(n, 7, old);
	put(n, "web", "web", "10.0.0.2", 6);
	CHECK_TEXT(who(n, "10.0.0.2"), "shop/web", "it moved");
	CHECK_TEXT(who(n, "10.0.0.1"), "world", "from here");
	CHECK_EQ(names_of(n, 7), old, "an address is no identity");
	put(n, "web", "api", "10.0.0.2", 10);
	CHECK(names_of(n, 7) != old, "other labels, another number");
	CHECK_TEXT(names_text(names_get(n, old), buf, sizeof(buf)), "shop/web", "the old number keeps its meaning");
	names_forget(n, 10);
	CHECK_TEXT(names_text(names_get(n, old), buf, sizeof(buf)), "shop/web", "as long as record 10 may hold it");
	names_forget(n, 11);
	CHECK_TEXT(names_text(names_get(n, old), buf, sizeof(buf)), "world", "and no longer");
	put(n, "new", "web", "10.0.0.2", 12);
	CHECK_TEXT(who(n, "10.0.0.2"), "shop/new", "of two the one that came last");
	names_gone(n, OBJECT_POD, "shop", "new", 13);
	CHECK_TEXT(who(n, "10.0.0.2"), "shop/web", "and when it goes, the other");
	CHECK_EQ(names_object(names_find(n, NAME_POD, "shop", "web"), &o), 0, "as an object");
	CHECK(o->labels.n == 1 && !strcmp(o->labels.v[0].value, "api"), "with its labels");
	CHECK(o->pod.nport == 1 && o->pod.port[0].port == 8080 && !strcmp(o->pod.port[0].name, "http"), "and ports");
	free(o);
	names_host_address(n, &first, true);
	CHECK_TEXT(who(n, "10.0.0.1"), "node", "the node's own");
	CHECK_EQ(names_of(n, WEIR_ENDPOINT_NODE), NAMES_OWN_NODE, "and its sockets");
	names_free(n);
}

static struct names *shared;
static int done;

/* Whatever moves, 10.0.0.1 never does. */
static void *read_names(void *ctx)
{
	struct weir_addr fixed = addr("10.0.0.1");
	uint32_t number = names_at(shared, &fixed);
	unsigned long *wrong = ctx;

	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE))
		*wrong += names_at(shared, &fixed) != number;
	return NULL;
}

static void beside_a_writer(void)
{
	unsigned long wrong = 0;
	char name[32], address[32];
	pthread_t reader;

	CHECK_EQ(names_new(&shared, "n1"), 0, "new");
	put(shared, "fixed", "web", "10.0.0.1", 0);
	pthread_create(&reader, NULL, read_names, &wrong);
	for (int i = 0; i < 60000; i++) {
		struct weir_addr a = { .w = { 0, i } };

		snprintf(name, sizeof(name), "p%d", i % 500);
		snprintf(address, sizeof(address), "10.1.%d.%d", i % 250, i / 250);
		put(shared, name, i & 1 ? "a" : "b", address, i);
		names_host_address(shared, &a, i & 1);
		names_forget(shared, i);
	}
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	pthread_join(reader, NULL);
	CHECK_EQ(wrong, 0, "the reader is never misled");
	names_free(shared);
}

int main(void)
{
	meaning();
	beside_a_writer();
	return check_done();
}
