// SPDX-License-Identifier: Apache-2.0
/* Field masks: paths that are fields and paths that are none, and what is wanted then; the list of a flow's fields. */
#include <errno.h>

#include <protobuf-c/protobuf-c.h>

#include "lib/wire/flow_fields.h"
#include "lib/wire/mask.h"
#include "proto/flow/flow.pb-c.h"
#include "tests/check.h"

static int parse(struct wire_mask **m, struct complaint *why, const char *a, const char *b)
{
	char *path[] = { (char *)a, (char *)b };

	return wire_mask_new(m, path, b ? 2 : 1, why);
}

static void none(void)
{
	static const char *const rows[] = {
		"", ".", "tim", "times", "Time", "time.", ".time", "source..pod_name", "source.pot_name", "ip", "type",
		"summary", "source.labels.x", "egress_allowed_by.name", "verdict.x", "l4.tcp", "podName",
		"source.workloads.name", "time.seconds.x", "extensions.kind", "l4.TCP.flags.NSX", "\xff",
	};
	struct complaint why;
	struct wire_mask *m;

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char show[64], want[128];

		CHECK_EQ(parse(&m, &why, "verdict", rows[i]), -EINVAL, "'%s'", rows[i]);
		snprintf(want, sizeof(want), "field mask: '%s' is no field of a flow", complaint_show(rows[i], show, sizeof(show)));
		CHECK_TEXT(why.text, want, "what is said");
	}
}

static void fields(void)
{
	static const struct { unsigned int number; const char *name; } list[] = {
#define X(name, number, text) { number, text },
		WIRE_FLOW_FIELDS(X)
#undef X
	};

	CHECK_EQ(flow__flow__descriptor.n_fields, WIRE_FIELDS, "as many as the descriptor has");
	for (unsigned int i = 0; i < WIRE_FIELDS && i < flow__flow__descriptor.n_fields; i++) {
		CHECK_EQ(flow__flow__descriptor.fields[i].id, list[i].number, "field %u", i);
		CHECK_TEXT(list[i].name, flow__flow__descriptor.fields[i].name, "its name");
	}
}

/* Encoders take a field's number less one for its bit below the first level. */
static void numbers_without_gaps(void)
{
	static const ProtobufCMessageDescriptor *const types[] = {
		&flow__ip__descriptor, &flow__layer4__descriptor, &flow__tcp__descriptor, &flow__tcpflags__descriptor,
		&flow__udp__descriptor, &flow__icmpv4__descriptor, &flow__endpoint__descriptor, &flow__service__descriptor,
		&flow__network_interface__descriptor, &flow__emitter__descriptor, &flow__aggregate__descriptor,
		&flow__cilium_event_type__descriptor, &google__protobuf__timestamp__descriptor,
		&google__protobuf__any__descriptor, &google__protobuf__bool_value__descriptor,
	};

	for (unsigned int i = 0; i < sizeof(types) / sizeof(*types); i++)
		for (unsigned int k = 0; k < types[i]->n_fields; k++)
			CHECK_EQ(types[i]->fields[k].id, k + 1, "%s.%s", types[i]->name, types[i]->fields[k].name);
}

static void wanted(void)
{
	struct complaint why;
	struct wire_mask *m;

	CHECK_EQ(wire_mask_new(&m, NULL, 0, &why), 0, "no paths");
	CHECK(!m && wire_mask_wants(m, WIRE_FIELD_SUMMARY), "want everything");

	CHECK_EQ(parse(&m, &why, "source.pod_name", "IP"), 0, "two paths");
	CHECK(wire_mask_wants(m, WIRE_FIELD_IP) && !wire_mask_below(m, WIRE_FIELD_IP), "all of IP");
	CHECK(wire_mask_wants(m, WIRE_FIELD_SOURCE) && wire_mask_below(m, WIRE_FIELD_SOURCE), "a part of the source");
	CHECK(wire_mask_wants(wire_mask_below(m, WIRE_FIELD_SOURCE), 4), "its pod's name");
	CHECK(!wire_mask_wants(wire_mask_below(m, WIRE_FIELD_SOURCE), 2), "not its namespace");
	CHECK(!wire_mask_wants(m, WIRE_FIELD_TIME), "no time");
	wire_mask_free(m);

	CHECK_EQ(parse(&m, &why, "source.pod_name", "source"), 0, "a part, then all");
	CHECK(wire_mask_wants(m, WIRE_FIELD_SOURCE) && !wire_mask_below(m, WIRE_FIELD_SOURCE), "is all");
	wire_mask_free(m);
	CHECK_EQ(parse(&m, &why, "l4", "l4.TCP.flags.SYN"), 0, "all, then a part");
	CHECK(wire_mask_wants(m, WIRE_FIELD_L4) && !wire_mask_below(m, WIRE_FIELD_L4), "is all");
	wire_mask_free(m);
}

int main(void)
{
	none();
	fields();
	numbers_without_gaps();
	wanted();
	return check_done();
}
