// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/flow/from_wire.h"
#include "lib/json.h"
#include "lib/wire/json.h"
#include "tools/stored.h"

/* One that may be among the last. */
struct kept {
	struct kept *next;
	bool flow;
	size_t size;
	char line[];
};

struct stored {
	const struct select *select;	/* not ours */
	stored_fn each;
	void *ctx;
	const char *name;		/* of the file */
	uint64_t most, flows;		/* --first: flows told; --last: kept */
	struct kept *first, **end;
	unsigned long kept;
	unsigned long line, good, bad, cut;
	struct wire_unknown unknown;
	unsigned long unknown_line;
	struct complaint wrong;		/* about the first bad line */
};

static int take_line(struct stored *s, const char *line, size_t size);
static int tell_kept(struct stored *s);

/* The next line without its end, in a buffer that grows up to the limit; what is longer is cut and so no JSON.
 * -1: the file has ended; -ENOMEM. */
static ssize_t read_line(FILE *from, char **buf, size_t *room)
{
	size_t n = 0;
	int c;

	while ((c = getc_unlocked(from)) != EOF && c != '\n') {
		if (n == STORED_LINE_MOST)
			continue;
		if (n == *room) {
			size_t more = *room ? *room * 2 : 4096;
			char *bigger = realloc(*buf, more);

			if (!bigger)
				return -ENOMEM;
			*buf = bigger;
			*room = more;
		}
		(*buf)[n++] = c;
	}
	return c == EOF && !n ? -1 : (ssize_t)n;
}

static void talk(const struct stored *s)
{
	if (s->unknown.fields)
		fprintf(stderr, "%s:%lu: fields that are not known are left out, '%s' the first of them\n", s->name, s->unknown_line,
			s->unknown.first);
	if (s->bad && s->good)
		fprintf(stderr, "%s:%u: %s; %lu such line%s left out\n", s->name, s->wrong.line, s->wrong.text, s->bad,
			s->bad == 1 ? " is" : "s are");
}

static int read_all(struct stored *s, FILE *from)
{
	char *buf = NULL;
	size_t room = 0;
	ssize_t n;
	int err = 0;

	errno = 0;
	while (!err && (n = read_line(from, &buf, &room)) != -1) {
		if (n < 0) {
			err = n;
			break;
		}
		s->line++;
		/* a byte order mark and empty lines are nobody's flows */
		if (n > 0 && strspn(buf, " \t\r") < (size_t)n)
			err = take_line(s, buf, n);
	}
	free(buf);
	if (!err && ferror(from))
		err = errno == EISDIR ? -EISDIR : -EIO;
	return err;
}

static void forget(struct stored *s)
{
	while (s->first) {
		struct kept *k = s->first;

		s->first = k->next;
		free(k);
	}
}

int stored_each(const struct select *select, stored_fn each, void *ctx, struct complaint *why)
{
	bool in = !strcmp(select->input, "-");
	struct stored s = { .select = select, .each = each, .ctx = ctx, .name = in ? "stdin" : select->input };
	FILE *from = in ? stdin : fopen(select->input, "re");
	int err;

	if (!from) {
		err = -errno;
		complaint_set(why, 0, 0, "cannot open '%s': %s", select->input, strerror(-err));
		return err;
	}
	s.end = &s.first;
	s.most = select->ask->number > STORED_LAST_MOST && select->ask->number != UINT64_MAX ? STORED_LAST_MOST :
		 select->ask->number;
	err = read_all(&s, from);
	if (err == -EIO || err == -ENOMEM || err == -EISDIR)
		complaint_set(why, 0, 0, "cannot read '%s': %s", s.name, strerror(-err));
	else if (!err)
		err = tell_kept(&s);
	else if (err == 1)
		err = 0;		/* there were as many as were asked for */
	if (!err && s.bad && !s.good) {
		complaint_set(why, 0, 0, "%s:%u: %s", s.name, s.wrong.line, s.wrong.text);
		err = -EINVAL;
	}
	talk(&s);
	forget(&s);
	if (!in)
		fclose(from);
	return err;
}

/* Is a line a flow alone: it has none of the parts that a response may have. */
static bool is_bare(const char *line, size_t size)
{
	static const char *const parts[] = {
		"flow", "node_status", "nodeStatus", "lost_events", "lostEvents", "agent_event", "agentEvent", "debug_event",
		"debugEvent",
	};
	struct json_span key;
	struct json j;
	bool some = false;

	json_read(&j, line, size);
	if (json_peek(&j) != JSON_OBJECT || !json_enter(&j, '{'))
		return false;
	while (json_key(&j, &key)) {
		for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
			if (json_is(&key, parts[i]))
				return false;
		some |= json_is(&key, "verdict") || json_is(&key, "IP") || json_is(&key, "source") || json_is(&key, "event_type") ||
			json_is(&key, "Type") || json_is(&key, "l4");
		json_skip(&j);
	}
	return some && !j.error;
}

/* A bare flow in a response of its own. */
static Observer__GetFlowsResponse *wrap(Flow__Flow *flow)
{
	Observer__GetFlowsResponse *r = malloc(sizeof(*r));

	if (!r)
		return NULL;
	observer__get_flows_response__init(r);
	r->response_types_case = OBSERVER__GET_FLOWS_RESPONSE__RESPONSE_TYPES_FLOW;
	r->flow = flow;
	if (*flow->node_name)
		r->node_name = strdup(flow->node_name);
	if (flow->time) {
		r->time = malloc(sizeof(*r->time));
		if (r->time)
			*r->time = *flow->time;
	}
	if (!r->node_name || (flow->time && !r->time)) {
		if (!r->node_name)
			r->node_name = (char *)protobuf_c_empty_string;
		r->flow = NULL;
		r->response_types_case = 0;
		observer__get_flows_response__free_unpacked(r, NULL);
		return NULL;
	}
	return r;
}

/* NULL with 0: no flow, but nothing wrong either. */
static int parse(struct stored *s, const char *line, size_t size, Observer__GetFlowsResponse **out)
{
	bool bare = is_bare(line, size);
	struct wire_unknown unknown = { 0 };
	struct complaint wrong = { 0 };
	ProtobufCMessage *m;
	int err = wire_json_read(line, size, bare ? &flow__flow__descriptor : &observer__export_event__descriptor, &m, &unknown, &wrong);

	*out = NULL;
	if (err == -EINVAL && !s->bad++) {
		s->wrong = wrong;
		s->wrong.line = s->line;
	}
	if (err)
		return err;
	s->good++;
	if (unknown.fields && !s->unknown.fields) {
		s->unknown = unknown;
		s->unknown_line = s->line;
	}
	if (bare) {
		*out = wrap((Flow__Flow *)m);
		if (*out)
			return 0;
		protobuf_c_message_free_unpacked(m, NULL);
		return -ENOMEM;
	}
	/* an event of export and a response are the same but for the parts that responses do not have */
	Observer__ExportEvent *e = (Observer__ExportEvent *)m;
	unsigned int part = e->response_types_case;

	if (part != OBSERVER__EXPORT_EVENT__RESPONSE_TYPES_FLOW && part != OBSERVER__EXPORT_EVENT__RESPONSE_TYPES_NODE_STATUS &&
	    part != OBSERVER__EXPORT_EVENT__RESPONSE_TYPES_LOST_EVENTS) {
		protobuf_c_message_free_unpacked(m, NULL);
		return 0;
	}
	*out = malloc(sizeof(**out));
	if (!*out) {
		protobuf_c_message_free_unpacked(m, NULL);
		return -ENOMEM;
	}
	observer__get_flows_response__init(*out);
	(*out)->response_types_case = part;
	(*out)->flow = e->flow;
	(*out)->node_name = e->node_name;
	(*out)->time = e->time;
	free(e);
	return 0;
}

static uint64_t time_of(const Observer__GetFlowsResponse *r)
{
	const Google__Protobuf__Timestamp *t = r->time;

	if (!t && r->response_types_case == OBSERVER__GET_FLOWS_RESPONSE__RESPONSE_TYPES_FLOW)
		t = r->flow->time;
	return t && t->seconds > 0 ? (uint64_t)t->seconds * 1000000000 + t->nanos : 0;
}

static bool is_flow(const Observer__GetFlowsResponse *r)
{
	return r->response_types_case == OBSERVER__GET_FLOWS_RESPONSE__RESPONSE_TYPES_FLOW;
}

static bool wanted(const struct select *select, const Observer__GetFlowsResponse *r)
{
	uint64_t time = time_of(r);
	struct flow_wire w;
	bool pass;

	if ((select->since && time < select->since) || (select->until && time > select->until))
		return false;
	if (!is_flow(r))
		return true;
	flow_from_wire(r->flow, &w);
	pass = filters_pass(select->filters, &w.flow);
	flow_wire_free(&w);
	return pass;
}

/* Lines are kept as they are: a message takes several times their size. */
static int keep(struct stored *s, const char *line, size_t size, bool flow)
{
	struct kept *k = malloc(sizeof(*k) + size);

	if (!k)
		return -ENOMEM;
	*k = (struct kept){ .flow = flow, .size = size };
	memcpy(k->line, line, size);
	*s->end = k;
	s->end = &k->next;
	s->flows += flow;
	s->kept++;
	while (s->flows > s->most || s->kept > 2 * STORED_LAST_MOST) {
		k = s->first;
		s->first = k->next;
		if (!s->first)
			s->end = &s->first;
		s->flows -= k->flow;
		s->kept--;
		free(k);
	}
	return 0;
}

static int take_line(struct stored *s, const char *line, size_t size)
{
	bool first = s->select->ask->first, last = s->most && s->most != UINT64_MAX && !first;
	Observer__GetFlowsResponse *r;
	int err = parse(s, line, size, &r);

	if (err || !r)
		return err == -EINVAL ? 0 : err;
	if (wanted(s->select, r)) {
		if (last) {
			err = keep(s, line, size, is_flow(r));
		} else {
			err = s->each(s->ctx, r);
			s->flows += is_flow(r);
			if (!err && first && s->flows >= s->most)
				err = 1;
		}
	}
	observer__get_flows_response__free_unpacked(r, NULL);
	return err;
}

static int tell_kept(struct stored *s)
{
	unsigned long good = s->good;
	int err = 0;

	for (const struct kept *k = s->first; k && !err; k = k->next) {
		Observer__GetFlowsResponse *r;

		err = parse(s, k->line, k->size, &r);
		if (err || !r)
			continue;
		err = s->each(s->ctx, r);
		observer__get_flows_response__free_unpacked(r, NULL);
	}
	s->good = good;
	return err;
}
