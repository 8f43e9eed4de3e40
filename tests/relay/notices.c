// SPDX-License-Identifier: Apache-2.0
// What a client is told of nodes: equal things together, unequal errors apart, never more than there is room for.
#include "lib/wire/scan.h"
#include "lib/wire/unpack.h"
#include "observer/observer.pb-c.h"
#include "relay/notices.h"
#include "tests/check.h"

#define MS 1000000ULL

static uint8_t buf[65536];

static Relay__NodeStatusEvent *take(struct notices *n, uint64_t now)
{
	size_t size = notices_take(n, now, buf, sizeof(buf));
	struct wire_scan scan;

	if (!size || wire_scan(buf + sizeof(buf) - size, size, &scan) || scan.kind != WIRE_NODE_STATUS)
		return NULL;
	return unpack_message(&relay__node_status_event__descriptor, scan.body, scan.body_size);
}

static void expect(struct notices *n, uint64_t now, unsigned int state, size_t names, const char *message)
{
	Relay__NodeStatusEvent *e = take(n, now);

	CHECK(e && e->state_change == state && e->n_node_names == names, "%s: %zu names", message, e ? e->n_node_names : 0);
	CHECK_TEXT(e ? e->message : NULL, message, "the message");
	unpack_free(e);
}

int main(void)
{
	struct notices n = { 0 };
	char name[64];

	CHECK_EQ(notices_due(&n), UINT64_MAX, "nothing is to be told");
	notices_add(&n, WIRE_NODE_ERROR, "a", "boom", 10 * MS);
	notices_add(&n, WIRE_NODE_ERROR, "b", "boom", 90 * MS);
	notices_add(&n, WIRE_NODE_ERROR, "c", "bang", 90 * MS);
	notices_add(&n, WIRE_NODE_UNAVAILABLE, "d", "refused", 95 * MS);
	notices_add(&n, WIRE_NODE_UNAVAILABLE, "e", "no such host", 95 * MS);
	CHECK_EQ(notices_due(&n), (10 + NOTICES_MS) * MS, "it waits for its like");
	CHECK(!take(&n, 100 * MS), "and so long");
	expect(&n, (10 + NOTICES_MS) * MS, 4, 2, "boom");
	CHECK(!take(&n, (10 + NOTICES_MS) * MS), "the others are not due");
	notices_hurry(&n);
	expect(&n, 300 * MS, 4, 1, "bang");
	expect(&n, 300 * MS, 2, 2, "refused");
	CHECK_EQ(notices_due(&n), UINT64_MAX, "all has been told");

	for (int i = 0; i < NOTICES_NAMES + 1000; i++) {
		snprintf(name, sizeof(name), "node-with-a-rather-long-name-%d.example.org", i);
		notices_add(&n, WIRE_NODE_CONNECTED, name, "", 400 * MS);
	}
	notices_hurry(&n);
	expect(&n, 500 * MS, 1, 750, " (and 5250 more nodes)");
	for (int i = 0; i < 3 * NOTICES_KINDS; i++) {
		snprintf(name, sizeof(name), "error %d", i);
		notices_add(&n, WIRE_NODE_ERROR, "a", name, 600 * MS);
	}
	notices_hurry(&n);
	for (int i = 0; i < NOTICES_KINDS; i++) {
		snprintf(name, sizeof(name), "error %d", i);
		expect(&n, 700 * MS, 4, i ? 1 : 1 + 2 * NOTICES_KINDS, name);
	}
	CHECK(!take(&n, 700 * MS), "bounded");
	notices_free(&n);
	return check_done();
}
