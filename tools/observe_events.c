// SPDX-License-Identifier: Apache-2.0
/* What an agent tells of itself: policies, pods, its start; and debug events, which weir has none of. */
#include "tools/connect.h"
#include "tools/observe.h"
#include "tools/verb.h"

struct seen {
	struct print *print;
	struct reuse room;
	unsigned long long shown;
};

static const char *word(const ProtobufCEnumDescriptor *d, int value)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(d, value);

	return v ? v->name : "UNKNOWN";
}

static int on_agent_event(void *ctx, const uint8_t *data, size_t size)
{
	struct seen *me = ctx;
	const Observer__GetAgentEventsResponse *r =
		reuse_unpack(&me->room, &observer__get_agent_events_response__descriptor, data, size);

	if (!r || !r->agent_event)
		return VERB_GO;
	print_event(me->print, &(struct print_event){
		.whole = &r->base, .time = r->time, .node = r->node_name,
		.type = word(&flow__agent_event_type__descriptor, r->agent_event->type),
		/* every case of the oneof is a message */
		.details = r->agent_event->notification_case ? (const ProtobufCMessage *)r->agent_event->agent_start : NULL,
	});
	me->shown++;
	return VERB_GO;
}

static int on_debug_event(void *ctx, const uint8_t *data, size_t size)
{
	struct seen *me = ctx;
	const Observer__GetDebugEventsResponse *r =
		reuse_unpack(&me->room, &observer__get_debug_events_response__descriptor, data, size);

	if (!r || !r->debug_event)
		return VERB_GO;
	print_event(me->print, &(struct print_event){
		.whole = &r->base, .time = r->time, .node = r->node_name,
		.type = word(&flow__debug_event_type__descriptor, r->debug_event->type), .details = &r->debug_event->base,
	});
	me->shown++;
	return VERB_GO;
}

static int on_idle(void *ctx)
{
	struct seen *me = ctx;

	return print_flush(me->print) ? VERB_OK : VERB_GO;
}

/* Both requests have the same fields under the same numbers. */
static int stream(struct connect *c, const Observer__GetFlowsRequest *from, struct seen *me, bool debug, unsigned int for_ms)
{
	Observer__GetAgentEventsRequest agent = OBSERVER__GET_AGENT_EVENTS_REQUEST__INIT;
	struct connect_stream s = {
		.path = debug ? "/observer.Observer/GetDebugEvents" : "/observer.Observer/GetAgentEvents", .ask = &agent.base,
		.message = debug ? on_debug_event : on_agent_event, .idle = on_idle, .ctx = me, .for_ms = for_ms,
	};

	agent.number = from->number;
	agent.follow = from->follow;
	agent.first = from->first;
	agent.since = from->since;
	agent.until = from->until;
	return connect_stream(c, &s);
}

int observe_events(const struct observe_want *want, const struct select *s, bool debug)
{
	struct print_how how = want->how;
	struct seen me = { .shown = 0 };
	struct connect *c;
	int code;

	if (s->input || s->ask->n_whitelist || s->ask->n_blacklist)
		return verb_fail(VERB_USAGE, "events have no filters: only numbers and times choose among them");
	how.events = true;
	code = connect_open(&c);
	if (code != VERB_GO)
		return code;
	if (print_open(&me.print, &how, stdout, stderr)) {
		connect_close(c);
		return verb_fail(VERB_FAILED, "no memory");
	}
	reuse_begin(&me.room);
	code = stream(c, s->ask, &me, debug, want->for_ms);
	print_close(me.print);
	reuse_end(&me.room);
	connect_close(c);
	if (code != VERB_GO && code != VERB_OK)
		return code;
	if (!me.shown && !how.silent)
		fprintf(stderr, "no events of that time\n");
	return me.shown ? VERB_OK : VERB_NO;
}
