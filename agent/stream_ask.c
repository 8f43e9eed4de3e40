// SPDX-License-Identifier: Apache-2.0
/* A stream from a request: what makes no sense is refused with the field's name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/stream_inside.h"
#include "lib/wire/unpack.h"
#include "proto/weir/v1/agent.pb-c.h"

#define OPTIONS_TYPE "weir.v1.FlowsOptions"
#define EXTENSIONS 150000		/* Flow's field */
#define OLD_MASK 1			/* GetFlowsRequest.Experimental's field of old */

static int read_time(const char *field, const Google__Protobuf__Timestamp *t, uint64_t *out, struct complaint *why)
{
	if (!t)
		return 0;
	if (t->nanos < 0 || t->nanos > 999999999 || t->seconds < -62135596800LL || t->seconds > 253402300799LL) {
		complaint_set(why, 0, 0, "%s: %lld seconds and %d nanoseconds are no time", field, (long long)t->seconds, t->nanos);
		return -EINVAL;
	}
	/* before 1970 is before any flow; beyond what nanoseconds can say is after any */
	*out = t->seconds < 0 ? 1 : t->seconds > 18000000000LL ? UINT64_MAX - 1 : t->seconds * NS_PER_S + t->nanos;
	return 0;
}

/* Servers up to 1.17 had the mask within 'experimental'; clients of that time still send it there. */
static Google__Protobuf__FieldMask *old_mask(const Observer__GetFlowsRequest *ask)
{
	const ProtobufCMessage *m = ask->experimental ? &ask->experimental->base : NULL;

	for (unsigned int i = 0; m && i < m->n_unknown_fields; i++) {
		const ProtobufCMessageUnknownField *f = &m->unknown_fields[i];
		size_t head = 0;

		if (f->tag != OLD_MASK || f->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
			continue;
		while (head < f->len && f->data[head] & 0x80)
			head++;		/* its length */
		if (head < f->len)
			return unpack_message(&google__protobuf__field_mask__descriptor, f->data + head + 1, f->len - head - 1);
	}
	return NULL;
}

/* Hints are worth their trouble only for who is told of them. */
static bool mask_wants(const struct wire_mask *mask, unsigned int number)
{
	const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(&flow__flow__descriptor, number);

	return f && wire_mask_wants(mask, f - flow__flow__descriptor.fields);
}

static int read_mask(struct stream *s, const Observer__GetFlowsRequest *ask, struct complaint *why)
{
	Google__Protobuf__FieldMask *old = ask->field_mask ? NULL : old_mask(ask);
	const Google__Protobuf__FieldMask *m = ask->field_mask ? ask->field_mask : old;
	struct complaint what = { 0 };
	int err = m ? wire_mask_new(&s->mask, m->paths, m->n_paths, &what) : 0;

	if (err == -EINVAL)
		complaint_set(why, 0, 0, "field_mask: %s", what.text);
	unpack_free(old);
	if (!err && !s->mask && !s->detail)
		err = wire_mask_without_detail(&s->mask);
	s->wants_hints = mask_wants(s->mask, EXTENSIONS) || mask_wants(s->mask, 21004) || mask_wants(s->mask, 21005) ||
			 s->by_policy;
	return err;
}

static int use_options(struct stream *s, const Weir__V1__FlowsOptions *o, struct complaint *why)
{
	struct complaint what = { 0 };
	int err;

	if (strlen(o->stream) > STREAM_NAME) {
		complaint_set(why, 0, 0, "extensions.stream: a stream's name has at most %d bytes", STREAM_NAME);
		return -EINVAL;
	}
	strcpy(s->name, o->stream);
	s->marks = o->marks;
	s->detail = o->detail;
	if (!o->n_policy && !o->n_rule)
		return 0;
	s->by_policy = true;
	err = s->filters ? 0 : filters_new(&s->filters, NULL, 0, NULL, 0, &what);
	if (!err)
		err = filters_authors(s->filters, o->policy, o->n_policy, o->rule, o->n_rule, &what);
	if (err == -EINVAL)
		complaint_set(why, 0, 0, "extensions.%s", what.text);
	return err;
}

/* Extensions of others say nothing to us. */
static int read_options(struct stream *s, const Google__Protobuf__Any *any, struct complaint *why)
{
	const char *name = any ? strrchr(any->type_url, '/') : NULL;
	Weir__V1__FlowsOptions *o;
	int err;

	if (!any || strcmp(name ? name + 1 : any->type_url, OPTIONS_TYPE))
		return 0;
	o = unpack_message(&weir__v1__flows_options__descriptor, any->value.data, any->value.len);
	if (!o) {
		complaint_set(why, 0, 0, "extensions: this is no " OPTIONS_TYPE);
		return -EINVAL;
	}
	err = use_options(s, o, why);
	unpack_free(o);
	return err;
}

static int read_filters(struct stream *s, const Observer__GetFlowsRequest *ask, struct complaint *why)
{
	if (!ask->n_whitelist && !ask->n_blacklist)
		return 0;
	return filters_new(&s->filters, ask->whitelist, ask->n_whitelist, ask->blacklist, ask->n_blacklist, why);
}

static void place(struct stream *s, const Observer__GetFlowsRequest *ask)
{
	uint64_t first = records_first(s->from.records), next = records_next(s->from.records);

	s->end = ask->follow ? UINT64_MAX : next;
	s->left = ask->follow ? 0 : ask->number;
	if (ask->since)
		s->at = records_since(s->from.records, s->since);
	else if (ask->first)
		s->at = first;
	else if (ask->follow && !ask->number)
		s->at = next;
	else if (!ask->number || ask->number >= next - first)
		s->at = first;		/* all there are */
	else
		s->seeking = true;
	s->start = s->at;
	s->back = next;
	s->to_find = ask->number;
	if (ask->follow && !ask->number && !ask->since)
		s->losses = losses_cursor(s->from.losses);
}

int stream_new(struct stream **out, const struct stream_source *from, struct rpc_call *call,
	       const Observer__GetFlowsRequest *ask, struct complaint *why)
{
	struct stream *s = calloc(1, sizeof(*s));
	int err = s ? 0 : -ENOMEM;

	if (err)
		return err;
	s->from = *from;
	s->call = call;			/* not ours */
	s->born_ms = rpc_now_ms();
	s->until = UINT64_MAX;
	if (ask->first && ask->follow) {
		complaint_set(why, 0, 0, "first: cannot be together with follow");
		err = -EINVAL;
	}
	if (!err)
		err = read_time("since", ask->since, &s->since, why) ?: read_time("until", ask->until, &s->until, why) ?:
		      read_filters(s, ask, why) ?: read_options(s, ask->extensions, why) ?: read_mask(s, ask, why);
	if (err) {
		stream_free(s);
		return err;
	}
	place(s, ask);
	*out = s;
	return 0;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	rpc_timer_stop(s->from.rpc, &s->timer);
	filters_free(s->filters);
	wire_mask_free(s->mask);
	free(s);
}
