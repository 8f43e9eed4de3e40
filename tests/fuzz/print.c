// SPDX-License-Identifier: Apache-2.0
// fuzz-links: print
/*
 * What a server may send to the command line: any bytes.  The first says in which layout they are printed.  A flow is one
 * line, however it is made, and nothing in it moves a cursor.  Sums of edges from the same bytes are sorted and joined.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/edges.h"
#include "tools/print.h"
#include "tools/reuse.h"
#include "tools/tally.h"

static void check(const char *text, size_t size, unsigned int lines)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < size; i++) {
		seen += text[i] == '\n';
		if (text[i] != '\n' && ((unsigned char)text[i] < 0x20 || text[i] == 0x7f))
			abort();
	}
	if (lines && seen != lines)
		abort();
}

static void print(uint8_t how, const uint8_t *data, size_t size)
{
	static const char *const outputs[] = { "compact", "dict", "table", "json" };
	struct print_how want = {
		.output = outputs[how & 3], .translate = how & 4, .node = how & 8, .policies = how & 16, .rules = how & 32, .debug = true,
	};
	Observer__GetFlowsResponse *r;
	struct tally tally = { 0 };
	char *text = NULL, *talk = NULL;
	size_t n = 0, m = 0;
	FILE *to = open_memstream(&text, &n), *aside = open_memstream(&talk, &m);
	struct reuse room;
	struct print *p;

	reuse_begin(&room);
	r = reuse_unpack(&room, &observer__get_flows_response__descriptor, data, size);
	if (r && !print_open(&p, &want, to, aside)) {
		print_flows(p, r);
		print_close(p);
		tally_add(&tally, r);
		tally_print(&tally, aside);
		tally_free(&tally);
	}
	fclose(to);
	fclose(aside);
	if (r)
		check(text, n, (how & 3) == 0 && r->response_types_case == OBSERVER__GET_FLOWS_RESPONSE__RESPONSE_TYPES_FLOW);
	check(talk, m, 0);
	free(text);
	free(talk);
	reuse_end(&room);
}

static void add_up(uint8_t how, const uint8_t *data, size_t size)
{
	struct edges_how want = { .by = how % 3, .pairs = how & 4, .totals = how & 8, .ns = how & 16 ? "a" : NULL };
	struct edges_row row[8];
	Weir__V1__EdgesReply *r;
	struct edges edges = { 0 };
	struct reuse room;

	reuse_begin(&room);
	r = reuse_unpack(&room, &weir__v1__edges_reply__descriptor, data, size);
	for (int i = 0; r && i < 2; i++) {
		edges_take(&edges, r);
		if (edges_rows(&edges, &want, row, 8) > edges.n)
			abort();
		edges_span(&edges, &want);
		edges_turn(&edges);
	}
	edges_free(&edges);
	reuse_end(&room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	print(data[0], data + 1, size - 1);
	add_up(data[0], data + 1, size - 1);
	return 0;
}
