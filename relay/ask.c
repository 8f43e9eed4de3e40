// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire/unpack.h"
#include "observer/observer.pb-c.h"
#include "relay/ask.h"
#include "weir/v1/agent.pb-c.h"

#define ASK_FLOWS    "/observer.Observer/GetFlows"
#define OPTIONS_TYPE "type.googleapis.com/weir.v1.FlowsOptions"

static uint64_t nanoseconds(const Google__Protobuf__Timestamp *t)
{
	return t && t->seconds >= 0 && t->seconds < 18446744073 ? (uint64_t)t->seconds * 1000000000 + (uint32_t)t->nanos : 0;
}

/* The client's own options, if what it sends along are such. */
static int read_options(struct flows_ask *a, struct complaint *why)
{
	const Google__Protobuf__Any *any = a->request->extensions;

	if (!any || !any->type_url || strcmp(any->type_url, OPTIONS_TYPE))
		return 0;
	a->options = unpack_message(&weir__v1__flows_options__descriptor, any->value.data, any->value.len);
	if (!a->options) {
		complaint_set(why, 0, 0, "extensions: no weir.v1.FlowsOptions");
		return -EINVAL;
	}
	a->ours = a->options->n_policy || a->options->n_rule;
	return 0;
}

static int read_flows(struct flows_ask *a, const uint8_t *data, size_t size, struct complaint *why)
{
	const Observer__GetFlowsRequest *r = a->request = unpack_message(&observer__get_flows_request__descriptor, data, size);

	if (!r) {
		complaint_set(why, 0, 0, "this is no GetFlowsRequest");
		return -EINVAL;
	}
	a->number = r->number;
	a->first = r->first;
	a->follow = r->follow;
	a->since = nanoseconds(r->since);
	a->until = nanoseconds(r->until);
	return read_options(a, why);
}

/* Agent's and debug events are asked for in equal fields. */
static int read_events(struct flows_ask *a, const uint8_t *data, size_t size, struct complaint *why)
{
	const Observer__GetAgentEventsRequest *r = a->events =
		unpack_message(&observer__get_agent_events_request__descriptor, data, size);

	if (!r) {
		complaint_set(why, 0, 0, "this is no request for events");
		return -EINVAL;
	}
	a->number = r->number;
	a->first = r->first;
	a->follow = r->follow;
	a->since = nanoseconds(r->since);
	a->until = nanoseconds(r->until);
	return 0;
}

int flows_ask_read(struct flows_ask *out, const char *path, const uint8_t *data, size_t size, struct complaint *why)
{
	struct flows_ask a = { .path = path };
	int err = strcmp(path, ASK_FLOWS) ? read_events(&a, data, size, why) : read_flows(&a, data, size, why);

	if (!err && a.first && a.follow) {
		complaint_set(why, 0, 0, "first: not together with follow");
		err = -EINVAL;
	}
	if (err)
		flows_ask_free(&a);
	else
		*out = a;
	return err;
}

static void set_since(Google__Protobuf__Timestamp *t, uint64_t since)
{
	google__protobuf__timestamp__init(t);
	t->seconds = (int64_t)(since / 1000000000);
	t->nanos = (int32_t)(since % 1000000000);
}

static uint8_t *pack(const ProtobufCMessage *m, size_t *size)
{
	uint8_t *bytes;

	*size = protobuf_c_message_get_packed_size(m);
	bytes = malloc(*size + 1);
	if (bytes)
		protobuf_c_message_pack(m, bytes);
	return bytes;
}

static uint8_t *pack_events(const struct flows_ask *a, const struct flows_ask_node *node, size_t *size)
{
	Observer__GetAgentEventsRequest request = *a->events;
	Google__Protobuf__Timestamp since;

	set_since(&since, node->since);
	if (node->again) {
		request.number = 0;
		request.first = false;
		request.since = node->since ? &since : NULL;
	}
	return pack(&request.base, size);
}

static uint8_t *pack_flows(const struct flows_ask *a, const struct flows_ask_node *node, size_t *size)
{
	Observer__GetFlowsRequest request = *a->request;
	Weir__V1__FlowsOptions options = WEIR__V1__FLOWS_OPTIONS__INIT;
	Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
	Google__Protobuf__Timestamp since;
	uint8_t *packed = NULL, *bytes;

	if (a->options)
		options = *a->options;
	options.stream = (char *)node->stream;
	options.marks = node->marks;
	if (node->marks) {
		any.type_url = (char *)OPTIONS_TYPE;
		any.value.data = packed = pack(&options.base, &any.value.len);
		if (!packed)
			return NULL;
		request.extensions = &any;
	}
	set_since(&since, node->since);
	if (node->again) {
		request.number = 0;
		request.first = false;
		request.since = node->since ? &since : NULL;
	}
	bytes = pack(&request.base, size);
	free(packed);
	return bytes;
}

uint8_t *flows_ask_pack(const struct flows_ask *a, const struct flows_ask_node *node, size_t *size)
{
	return a->events ? pack_events(a, node, size) : pack_flows(a, node, size);
}

void flows_ask_free(struct flows_ask *a)
{
	unpack_free(a->request);
	unpack_free(a->events);
	unpack_free(a->options);
	*a = (struct flows_ask){ 0 };
}
