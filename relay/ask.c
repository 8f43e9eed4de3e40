// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire/unpack.h"
#include "observer/observer.pb-c.h"
#include "relay/ask.h"
#include "weir/v1/agent.pb-c.h"

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

int flows_ask_read(struct flows_ask *out, const uint8_t *data, size_t size, struct complaint *why)
{
	struct flows_ask a = { .request = unpack_message(&observer__get_flows_request__descriptor, data, size) };
	int err = 0;

	if (!a.request) {
		complaint_set(why, 0, 0, "this is no GetFlowsRequest");
		return -EINVAL;
	}
	a.number = a.request->number;
	a.first = a.request->first;
	a.follow = a.request->follow;
	a.since = nanoseconds(a.request->since);
	a.until = nanoseconds(a.request->until);
	if (a.first && a.follow) {
		complaint_set(why, 0, 0, "first: not together with follow");
		err = -EINVAL;
	}
	if (!err)
		err = read_options(&a, why);
	if (err)
		flows_ask_free(&a);
	else
		*out = a;
	return err;
}

/* What the client sent, changed for a while: it is put back before anybody looks. */
uint8_t *flows_ask_pack(const struct flows_ask *a, const struct flows_ask_node *node, size_t *size)
{
	Observer__GetFlowsRequest request = *a->request;
	Weir__V1__FlowsOptions options = WEIR__V1__FLOWS_OPTIONS__INIT;
	Google__Protobuf__Timestamp since = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
	uint8_t *packed = NULL, *bytes;

	if (a->options)
		options = *a->options;
	options.stream = (char *)node->stream;
	options.marks = node->marks;
	if (node->marks) {
		any.type_url = (char *)OPTIONS_TYPE;
		any.value.len = weir__v1__flows_options__get_packed_size(&options);
		any.value.data = packed = malloc(any.value.len + 1);
		if (!packed)
			return NULL;
		weir__v1__flows_options__pack(&options, packed);
		request.extensions = &any;
	}
	if (node->again) {
		request.number = 0;
		request.first = false;
		since.seconds = (int64_t)(node->since / 1000000000);
		since.nanos = (int32_t)(node->since % 1000000000);
		request.since = node->since ? &since : NULL;
	}
	*size = observer__get_flows_request__get_packed_size(&request);
	bytes = malloc(*size + 1);
	if (bytes)
		observer__get_flows_request__pack(&request, bytes);
	free(packed);
	return bytes;
}

void flows_ask_free(struct flows_ask *a)
{
	unpack_free(a->request);
	unpack_free(a->options);
	*a = (struct flows_ask){ 0 };
}
