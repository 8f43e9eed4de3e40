// SPDX-License-Identifier: Apache-2.0
/*
 * Random flows for judges in other languages: FILE.pb, each response with its length before it (4 bytes, big endian),
 * FILE.jsonl, the same as JSON lines straight from the view, FILE.any.jsonl, as JSON by the messages' descriptors.
 * One in three goes through a mask.
 *
 *	emit FILE FLOWS SEED
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/wire/encode.h"
#include "lib/wire/json.h"
#include "lib/wire/json_flow.h"
#include "proto/observer/observer.pb-c.h"
#include "tests/wire/random.h"

struct files {
	FILE *pb, *line, *any;
};

static FILE *create(const char *path, const char *ending)
{
	char name[512];
	FILE *f;

	snprintf(name, sizeof(name), "%s%s", path, ending);
	f = fopen(name, "w");
	if (!f) {
		perror(name);
		exit(1);
	}
	return f;
}

static void put_response(struct files *to, const uint8_t *bytes, size_t n)
{
	uint8_t head[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };
	Observer__GetFlowsResponse *m = observer__get_flows_response__unpack(NULL, n, bytes);
	struct json_out j;

	if (!n || !m)
		exit(1);
	fwrite(head, 1, sizeof(head), to->pb);
	fwrite(bytes, 1, n, to->pb);
	json_begin(&j, to->any, false);
	wire_json(&j, NULL, &m->base);
	if (json_done(&j))
		exit(1);
	observer__get_flows_response__free_unpacked(m, NULL);
}

/* "extensions.value" alone is an Any without a type: no JSON has words for it. */
static struct wire_mask *a_mask(struct random_flows *r)
{
	char text[7][128], *list[7];
	struct wire_mask *mask = NULL;
	struct complaint why;
	unsigned int n = random_paths(r, text, 6);

	for (unsigned int i = 0; i < n; i++)
		list[i] = text[i];
	snprintf(text[n], sizeof(text[n]), "extensions.type_url");
	list[n] = text[n];
	if (wire_mask_new(&mask, list, n + 1, &why))
		exit(1);
	return mask;
}

int main(int argc, char **argv)
{
	static uint8_t bytes[WIRE_RESPONSE_MAX];
	static char line[WIRE_JSON_MAX];
	struct random_flows r;
	struct files to;

	if (argc != 4)
		return 2;
	to = (struct files){ create(argv[1], ".pb"), create(argv[1], ".jsonl"), create(argv[1], ".any.jsonl") };
	random_begin(&r, (uint64_t)atoll(argv[3]));
	for (int i = 0, n = atoi(argv[2]); i < n; i++) {
		struct wire_mask *mask = i % 3 ? NULL : a_mask(&r);
		struct flow f;
		size_t size;

		random_flow(&r, &f);
		size = wire_flow_response(&f, mask, bytes, sizeof(bytes));
		put_response(&to, bytes + sizeof(bytes) - size, size);
		size = wire_json_flow(&f, mask, line, sizeof(line));
		if (!size)
			return 1;
		fwrite(line, 1, size, to.line);
		wire_mask_free(mask);
	}
	return fclose(to.pb) || fclose(to.line) || fclose(to.any);
}
