// SPDX-License-Identifier: Apache-2.0
/* A record as a line: verdict first, then who to whom, then who decided. */
#include <stdlib.h>

#include "tests/check.h"
#include "tools/record.h"

struct row {
	const char *what;
	Weir__V1__Record record;
	const char *line;	/* behind the time */
};

#define FLOW(from, from_addr, to, to_addr, dport)					\
	.base = PROTOBUF_C_MESSAGE_INIT(&weir__v1__record__descriptor), .time_ns = 1000000,	\
	.source = from, .source_address = from_addr, .destination = to, .destination_address = to_addr, \
	.source_port = 40000, .destination_port = dport, .protocol = "TCP"
#define SHOP FLOW("shop/a", "10.0.0.1", "shop/b", "10.0.0.2", 80)

static const struct row rows[] = {
	{ "both sides by a rule",
	  { SHOP, .kind = "opened", .verdict = "allowed", .direction = "ingress", .policy = "shop/b", .rule = 1,
	    .egress_policy = "shop/a", .egress_rule = 2, .ingress_policy = "shop/b", .ingress_rule = 1 },
	  "  allowed  shop/a -> shop/b:80/tcp  egress shop/a rule 2, ingress shop/b rule 1\n" },
	{ "one side by a rule, the other open",
	  { SHOP, .kind = "opened", .verdict = "allowed", .direction = "ingress", .ingress_policy = "shop/b", .ingress_rule = 3 },
	  "  allowed  shop/a -> shop/b:80/tcp  ingress shop/b rule 3\n" },
	{ "both open",
	  { SHOP, .kind = "opened", .verdict = "allowed", .direction = "ingress", .rule_text = "no policy isolates the pod" },
	  "  allowed  shop/a -> shop/b:80/tcp  ingress: no policy isolates the pod\n" },
	{ "picked up",
	  { SHOP, .kind = "opened", .verdict = "allowed", .direction = "ingress", .picked_up = 1 },
	  "  allowed  shop/a -> shop/b:80/tcp  picked up: it is older than the pod's policy\n" },
	{ "a default denial, who isolates, what is nearest, repeats",
	  { SHOP, .kind = "denied", .verdict = "denied", .reason = "no-rule", .direction = "ingress", .policy = "shop/all",
	    .nearest_miss = "rule 1 of shop/b", .repeats = 3 },
	  "  DENIED   shop/a -> shop/b:80/tcp  ingress: the pod is isolated, and no rule allows it (isolated by shop/all); "
	  "nearest: rule 1 of shop/b [3 more]\n" },
	{ "a rule denies",
	  { SHOP, .kind = "denied", .verdict = "denied", .reason = "denied", .direction = "egress", .policy = "no-out",
	    .rule = 2, .rule_text = "to everybody" },
	  "  DENIED   shop/a -> shop/b:80/tcp  egress: no-out rule 2 denies to everybody\n" },
	{ "an open connection is cut",
	  { SHOP, .kind = "again", .verdict = "denied", .reason = "cut", .direction = "ingress" },
	  "  CUT      shop/a -> shop/b:80/tcp  ingress: belongs to a flow that policy has cut\n" },
	{ "an audited policy would deny",
	  { SHOP, .kind = "opened", .verdict = "audit", .direction = "ingress", .rule_text = "no policy isolates the pod",
	    .would_be = "denied", .would_be_policy = "shop/trial" },
	  "  AUDIT    shop/a -> shop/b:80/tcp  ingress: no policy isolates the pod; would be denied by shop/trial\n" },
	{ "the world has an address, a node both",
	  { FLOW("world", "203.0.113.7", "node", "192.0.2.1", 30080), .kind = "denied", .verdict = "denied",
	    .reason = "spoofed", .direction = "" },
	  "  DENIED   203.0.113.7 -> node(192.0.2.1):30080/tcp  the source address is not the sender's own\n" },
	{ "an IPv6 address with a port stands in brackets",
	  { FLOW("shop/a", "fd00::1", "world", "2001:db8::1", 443), .kind = "again", .verdict = "allowed",
	    .direction = "egress", .egress_policy = "shop/a", .egress_rule = 1 },
	  "  again    shop/a -> [2001:db8::1]:443/tcp  egress shop/a rule 1\n" },
	{ "closed with totals",
	  { SHOP, .kind = "closed", .verdict = "allowed", .direction = "egress", .end = "expired", .packets = 5, .bytes = 2048,
	    .reply_packets = 4, .reply_bytes = 300, .duration_ms = 61000, .duration_at_least = 1 },
	  "  closed   shop/a -> shop/b:80/tcp  expired after at least 1m 01s: 5 packets 2.0 KiB out, 4 packets 300 B back\n" },
	{ "how long it was silent at its end",
	  { SHOP, .kind = "closed", .verdict = "allowed", .direction = "egress", .end = "expired", .packets = 1, .bytes = 60,
	    .duration_ms = 3000, .idle_ms = 61000 },
	  "  closed   shop/a -> shop/b:80/tcp  expired after 3.0 s, then idle for 1m 01s: 1 packets 60 B out, 0 packets 0 B back\n" },
	{ "whose ends said so is closed",
	  { SHOP, .kind = "closed", .verdict = "allowed", .direction = "egress", .end = "expired", .packets = 1, .bytes = 60,
	    .duration_ms = 3000, .idle_ms = 61000, .ended = 1 },
	  "  closed   shop/a -> shop/b:80/tcp  closed after 3.0 s: 1 packets 60 B out, 0 packets 0 B back\n" },
};

/* What a row does not say is empty, as in a message from the wire. */
static Weir__V1__Record filled(const Weir__V1__Record *from)
{
	const ProtobufCMessageDescriptor *d = &weir__v1__record__descriptor;
	Weir__V1__Record r = *from;

	for (unsigned int i = 0; i < d->n_fields; i++) {
		char **text = (char **)((char *)&r + d->fields[i].offset);

		if (d->fields[i].type == PROTOBUF_C_TYPE_STRING && !*text)
			*text = "";
	}
	return r;
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = NULL;
		size_t size = 0;
		FILE *to = open_memstream(&text, &size);
		Weir__V1__Record r = filled(&rows[i].record);

		record_print(to, &r, false);
		fclose(to);
		CHECK(!strncmp(text, "00:00:00.001", 12), "%s: the time", rows[i].what);
		CHECK_TEXT(text + 12, rows[i].line, "%s", rows[i].what);
		free(text);
	}
	return check_done();
}
