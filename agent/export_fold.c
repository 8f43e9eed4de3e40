// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/export_fold.h"
#include "lib/arena.h"
#include "lib/json_write.h"
#include "lib/wire/encode.h"
#include "lib/wire/json.h"
#include "proto/observer/observer.pb-c.h"

#define TABLE (2 * FOLD_GROUPS)		/* a power of two */

struct export_fold {
	const struct wire_mask *by;
	struct arena bytes;
	unsigned int groups;
	struct export_fold_group group[FOLD_GROUPS];
	uint32_t table[TABLE];		/* group from 1, by hash; 0: free */
	uint8_t buf[WIRE_RESPONSE_MAX];
};

int export_fold_new(struct export_fold **out, const struct wire_mask *by)
{
	struct export_fold *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->by = by;
	*out = f;
	return 0;
}

void export_fold_free(struct export_fold *f)
{
	if (!f)
		return;
	arena_free(&f->bytes);
	free(f);
}

static uint32_t hash_of(const uint8_t *bytes, size_t size)
{
	uint64_t h = 14695981039346656037ULL;

	for (size_t i = 0; i < size; i++)
		h = (h ^ bytes[i]) * 1099511628211ULL;
	return (uint32_t)(h ^ h >> 32);
}

static bool is_group(const struct export_fold_group *g, const uint8_t *fields, size_t size, uint32_t hash)
{
	return g->hash == hash && g->size == size && !memcmp(g->fields, fields, size);
}

static uint32_t *place_of(struct export_fold *f, const uint8_t *fields, size_t size, uint32_t hash)
{
	for (uint32_t i = hash & (TABLE - 1);; i = (i + 1) & (TABLE - 1))
		if (!f->table[i] || is_group(&f->group[f->table[i] - 1], fields, size, hash))
			return &f->table[i];
}

static struct export_fold_group *group_new(struct export_fold *f, const uint8_t *fields, size_t size, uint32_t hash)
{
	struct export_fold_group *g = &f->group[f->groups];
	char *kept;

	if (f->groups == FOLD_GROUPS || f->bytes.used + size > FOLD_BYTES)
		return NULL;
	kept = arena_text(&f->bytes, (const char *)fields, size);
	if (!kept)
		return NULL;
	*g = (struct export_fold_group){ .fields = (const uint8_t *)kept, .size = (uint32_t)size, .hash = hash };
	f->groups++;
	return g;
}

bool export_fold_add(struct export_fold *f, const struct flow *flow)
{
	size_t size = wire_flow(flow, f->by, f->buf, sizeof(f->buf));
	const uint8_t *fields = f->buf + sizeof(f->buf) - size;
	uint32_t hash = hash_of(fields, size), *place = place_of(f, fields, size, hash);
	struct export_fold_group *g = *place ? &f->group[*place - 1] : group_new(f, fields, size, hash);

	if (!g)
		return false;
	*place = (uint32_t)(g - f->group) + 1;
	if (!g->first || flow->time < g->first)
		g->first = flow->time;
	if (flow->time > g->last)
		g->last = flow->time;
	g->flows.flows[flow->direction]++;
	return true;
}

unsigned int export_fold_groups(const struct export_fold *f)
{
	return f->groups;
}

bool export_fold_next(const struct export_fold *f, unsigned int *at, const struct export_fold_group **out)
{
	if (*at >= f->groups)
		return false;
	*out = &f->group[(*at)++];
	return true;
}

void export_fold_clear(struct export_fold *f)
{
	if (f->groups)
		memset(f->table, 0, sizeof(f->table));
	f->groups = 0;
	arena_reset(&f->bytes);
}

static size_t print(const ProtobufCMessage *m, char *buf, size_t size)
{
	FILE *to = fmemopen(buf, size, "w");
	struct json_out j;
	long length;

	if (!to)
		return 0;
	json_begin(&j, to, false);
	wire_json(&j, NULL, m);
	length = json_done(&j) || fflush(to) ? 0 : ftell(to);
	fclose(to);
	return length > 0 && (size_t)length < size ? (size_t)length : 0;
}

size_t export_fold_line(const struct export_fold_group *g, const char *node, char *buf, size_t size)
{
	Flow__Flow *flow = flow__flow__unpack(NULL, g->size, g->fields);
	Observer__ExportEvent event = OBSERVER__EXPORT_EVENT__INIT;
	Flow__Aggregate counts = FLOW__AGGREGATE__INIT;
	Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Flow__Flow said;
	size_t n;

	if (!flow)
		return 0;
	counts.ingress_flow_count = g->flows.flows[FLOW_INGRESS];
	counts.egress_flow_count = g->flows.flows[FLOW_EGRESS];
	counts.unknown_direction_flow_count = g->flows.flows[FLOW_DIRECTION_UNKNOWN];
	time.seconds = (int64_t)(g->last / 1000000000);
	time.nanos = (int32_t)(g->last % 1000000000);
	said = *flow;			/* what is ours to add is not for the unpacked one to free */
	said.time = &time;
	said.aggregate = &counts;
	event.response_types_case = OBSERVER__EXPORT_EVENT__RESPONSE_TYPES_FLOW;
	event.flow = &said;
	event.node_name = (char *)node;
	event.time = &time;
	n = print(&event.base, buf, size);
	flow__flow__free_unpacked(flow, NULL);
	return n;
}
