// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "lib/wire/json.h"
#include "lib/wire/scan.h"
#include "lib/wire/unpack.h"
#include "observer/observer.pb-c.h"
#include "relay/sse.h"

#define LOST_SIZE 256			/* a LostEvent's bytes */

int sse_open(struct sse *s)
{
	s->to = open_memstream(&s->text, &s->size);
	return s->to ? 0 : -ENOMEM;
}

void sse_close(struct sse *s)
{
	if (s->to)
		fclose(s->to);
	free(s->text);
	*s = (struct sse){ 0 };
}

static void begin(struct sse *s, const char *name)
{
	rewind(s->to);
	fprintf(s->to, "event: %s\ndata: ", name);
}

/* The JSON has ended its line; an empty one ends the event. */
static int done(struct sse *s, struct tape_event *out)
{
	long size;

	fputc('\n', s->to);
	size = ftell(s->to);
	if (fflush(s->to) || ferror(s->to) || size < 0) {
		clearerr(s->to);
		return -ENOMEM;
	}
	out->size = (uint32_t)size;
	return 0;
}

static int put(struct sse *s, const char *name, const ProtobufCMessage *m, struct tape_event *out)
{
	struct json_out j;

	begin(s, name);
	json_begin(&j, s->to, false);
	wire_json(&j, NULL, m);
	json_done(&j);
	return done(s, out);
}

static uint64_t lost_by(const struct wire_scan *scan)
{
	Flow__LostEvent *lost = scan->body_size <= LOST_SIZE ? unpack_message(&flow__lost_event__descriptor, scan->body,
									       scan->body_size) : NULL;
	uint64_t n = lost ? lost->num_events_lost : 1;

	unpack_free(lost);
	return n;
}

void sse_look(const uint8_t *data, size_t size, struct tape_event *out)
{
	struct wire_scan scan = { .kind = WIRE_MARK };

	*out = (struct tape_event){ .kind = TAPE_NODE };
	if (wire_scan(data, size, &scan))
		return;
	if (scan.kind == WIRE_FLOW)
		*out = (struct tape_event){ .kind = TAPE_FLOW, .worth = 1 };
	else if (scan.kind == WIRE_LOST)
		*out = (struct tape_event){ .kind = TAPE_LOST, .worth = lost_by(&scan) };
}

int sse_response(struct sse *s, const uint8_t *data, size_t size, struct tape_event *out)
{
	static const char *const name[] = { [TAPE_FLOW] = "flow", [TAPE_LOST] = "lost", [TAPE_NODE] = "node" };
	Observer__GetFlowsResponse *r;
	int err;

	sse_look(data, size, out);
	r = unpack_message(&observer__get_flows_response__descriptor, data, size);
	if (!r)
		return -EBADMSG;
	err = put(s, name[out->kind], &r->base, out);
	unpack_free(r);
	return err;
}

int sse_lost(struct sse *s, uint64_t lost, struct tape_event *out)
{
	Flow__LostEvent l = FLOW__LOST_EVENT__INIT;
	Observer__GetFlowsResponse r = OBSERVER__GET_FLOWS_RESPONSE__INIT;

	l.source = FLOW__LOST_EVENT_SOURCE__OBSERVER_EVENTS_QUEUE;
	l.num_events_lost = lost;
	r.response_types_case = OBSERVER__GET_FLOWS_RESPONSE__RESPONSE_TYPES_LOST_EVENTS;
	r.lost_events = &l;
	*out = (struct tape_event){ .kind = TAPE_LOST, .worth = lost };
	return put(s, "lost", &r.base, out);
}

int sse_end(struct sse *s, const char *error, struct tape_event *out)
{
	struct json_out j;

	*out = (struct tape_event){ .kind = TAPE_END };
	begin(s, "end");
	json_begin(&j, s->to, false);
	json_object(&j, NULL);
	json_text(&j, "error", error);
	json_end(&j);
	json_done(&j);
	return done(s, out);
}
