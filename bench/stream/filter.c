// SPDX-License-Identifier: Apache-2.0
/*
 * What it costs to ask a filter about a flow: those that people write, and the worst that a stranger may send.
 *
 *	filter DIRECTORY
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report.h"
#include "lib/filter/filter.h"
#include "lib/wire/json.h"
#include "tests/filter/make.h"

#define FLOWS 2000
#define ROUNDS 9
#define PEOPLE 100000		/* evaluations a round */

static struct made flows[FLOWS];

static const struct part {
	const char *what, *white, *black;	/* JSON; white ';' between two */
} parts[] = {
	{ "none", "", "" },
	{ "verdict DROPPED", "{\"verdict\":[\"DROPPED\"]}", "" },
	{ "--pod shop/cart: either end", "{\"source_pod\":[\"shop/cart\"]};{\"destination_pod\":[\"shop/cart\"]}", "" },
	{ "--pod, denied, not kube-system", "{\"source_pod\":[\"shop/cart\"],\"verdict\":[\"DROPPED\",\"AUDIT\"]};{\"destination_pod\":[\"shop/cart\"],\"verdict\":[\"DROPPED\",\"AUDIT\"]}",
	  "{\"source_pod\":[\"kube-system/\"]}" },
	{ "a selector of three, one end", "{\"source_label\":[\"app in (cart,web),tier!=front,!debug\"]}", "" },
	{ "a prefix, one end", "{\"destination_ip\":[\"10.0.0.0/24\"]}", "" },
	{ "a name with stars, one end", "{\"destination_fqdn\":[\"*.example.com\"]}", "" },
	{ "what Hubble's page sends", "{\"source_pod\":[\"shop/\"],\"event_type\":[{\"type\":1},{\"type\":4,\"match_sub_type\":true},{\"type\":5},{\"type\":129}],\"reply\":[false]};"
	  "{\"destination_pod\":[\"shop/\"],\"event_type\":[{\"type\":1},{\"type\":4,\"match_sub_type\":true},{\"type\":5},{\"type\":129}],\"reply\":[false]}",
	  "{\"source_label\":[\"reserved:unknown\"]}" },
};

struct list {
	Flow__FlowFilter *filter[4];
	size_t n;
};

static void read_list(const char *text, struct list *l)
{
	char copy[1024];
	struct complaint why;

	l->n = 0;
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *one = strtok(copy, ";"); one; one = strtok(NULL, ";"))
		if (wire_json_read(one, strlen(one), &flow__flow_filter__descriptor, (ProtobufCMessage **)&l->filter[l->n++], NULL, &why))
			exit(2);
}

/* Nanoseconds of CPU for each evaluation. */
static void measure(const struct filters *f, unsigned int times, double *ns)
{
	unsigned int passed = 0;

	for (unsigned int r = 0; r < ROUNDS; r++) {
		double begin = cpu_ns();

		for (unsigned int i = 0; i < times; i++)
			passed += filters_pass(f, &flows[i % FLOWS].flow);
		ns[r] = (cpu_ns() - begin) / times;
	}
	/* so that nobody leaves out what nobody looks at */
	if (passed > ROUNDS * times)
		exit(2);
}

static void people(struct report *r)
{
	double ns[ROUNDS];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct list white, black;
		struct complaint why;
		struct filters *f;

		read_list(parts[i].white, &white);
		read_list(parts[i].black, &black);
		if (filters_new(&f, white.filter, white.n, black.filter, black.n, &why))
			exit(2);
		measure(f, PEOPLE, ns);
		report_goal(r, parts[i].what, "ns", ns, ROUNDS, 300);
		filters_free(f);
	}
}

/* One filter with as many values as there may be; nothing of it fits. */
static void worst(struct report *r, const char *what, uint32_t field, const char *format, unsigned int n, double bound)
{
	Flow__FlowFilter filter = FLOW__FLOW_FILTER__INIT, *list = &filter;
	const ProtobufCFieldDescriptor *d = protobuf_c_message_descriptor_get_field(filter.base.descriptor, field);
	char **value = calloc(n, sizeof(*value));
	double ns[ROUNDS], compile[ROUNDS];
	struct complaint why;
	struct filters *f;
	char row[80];

	for (unsigned int i = 0; i < n; i++)
		if (asprintf(&value[i], format, i >> 8, i & 255) < 0)
			exit(2);
	*(size_t *)((char *)&filter + d->quantifier_offset) = n;
	*(char ***)((char *)&filter + d->offset) = value;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		double begin = cpu_ns();

		if (filters_new(&f, &list, 1, NULL, 0, &why)) {
			fprintf(stderr, "%s\n", why.text);
			exit(2);
		}
		compile[i] = (cpu_ns() - begin) / 1e6;
		if (i + 1 < ROUNDS)
			filters_free(f);
	}
	measure(f, bound > 10000 ? 500 : PEOPLE, ns);
	report_goal(r, what, "ns", ns, ROUNDS, bound);
	snprintf(row, sizeof(row), "  made");
	report_row(r, row, "ms", compile, ROUNDS);
	filters_free(f);
	for (unsigned int i = 0; i < n; i++)
		free(value[i]);
	free(value);
}

int main(int argc, char **argv)
{
	static struct report r;
	uint64_t seed = 20261121;

	if (argc < 2)
		return 2;
	pin_to(1);
	for (unsigned int i = 0; i < FLOWS; i++)
		make_flow(&seed, &flows[i]);
	report_begin(&r, "filter", "ns of CPU to ask a filter about a flow; 2,000 random flows, 9 rounds");
	people(&r);
	worst(&r, "65,536 addresses", 1, "11.1.%u.%u", FILTERS_VALUES, 300);
	worst(&r, "1,024 prefixes", 1, "11.%u.%u.0/24", FILTERS_PATTERNS, 100000);
	worst(&r, "1,024 pods", 2, "shop/none-%u-%u", FILTERS_PATTERNS, 100000);
	worst(&r, "1,024 names with stars", 7, "*.a.*.%u.%u", FILTERS_PATTERNS, 200000);
	worst(&r, "1,024 selectors", 10, "app=none%u-%u", FILTERS_PATTERNS, 200000);
	return report_end(&r, argv[1]) || r.missed ? 1 : 0;
}
