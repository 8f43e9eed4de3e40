// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "lib/wire/json.h"
#include "tools/print.h"
#include "tools/table.h"
#include "tools/stamp.h"

#define OUT_BUFFER (256 << 10)
#define NAMES_WIDTH 50		/* columns for names of nodes in one line, then "(and 7 more)" */

struct print {
	struct print_how how;
	struct cells cells;
	FILE *to, *talk;	/* not ours */
	struct stamp stamp;
	struct text line;
	struct table table;
	bool is_table, begun, told_away;	/* a node that was away is told when it is back */
	void (*flow)(struct print *p, const Observer__GetFlowsResponse *r);
	struct reuse detail;
};

static bool is(const char *a, const char *b)
{
	return a && !strcmp(a, b);
}

bool print_is_json(const struct print_how *how)
{
	return is(how->output, "json") || is(how->output, "jsonpb");
}

static void put_time(struct print *p, struct text *t, const Google__Protobuf__Timestamp *time)
{
	if (time)
		stamp_put(&p->stamp, t, time->seconds, time->nanos);
	else
		text_put(t, "N/A");
}

/* Who decided and what came near, as one phrase. */
static void put_rules(struct print *p, struct text *t, const Flow__Flow *f, const char *by)
{
	const Weir__V1__FlowDetail *d = cells_detail(f, &p->detail);
	size_t from;

	if (!d)
		return;
	from = t->n;
	cells_author(t, f, d, by);
	if (*d->nearest_miss && t->n > from)
		text_put(t, "; ");
	cells_nearest(t, d);
	if (d->repeats)
		text_print(t, " [%u more]", d->repeats);
}

static void put_both(struct print *p, struct text *t, const Flow__Flow *f, bool source)
{
	cells_end(t, &p->cells, f, source);
	text_char(t, ' ');
	cells_identity(t, &p->cells, source ? f->source : f->destination);
}

static void put_head(struct print *p, struct text *t, const Flow__Flow *f)
{
	put_time(p, t, f->time);
	if (p->how.node) {
		text_put(t, " [");
		text_clean(t, f->node_name);
		text_char(t, ']');
	}
	text_put(t, ": ");
}

static void print_compact(struct print *p, const Observer__GetFlowsResponse *r)
{
	const Flow__Flow *f = r->flow;
	struct text *t = &p->line;
	bool turned = cells_turned(f);
	size_t at;

	put_head(p, t, f);
	put_both(p, t, f, !turned);
	text_char(t, ' ');
	text_put(t, cells_arrow(f));
	text_char(t, ' ');
	put_both(p, t, f, turned);
	text_char(t, ' ');
	cells_type(t, f);
	text_char(t, ' ');
	cells_verdict(t, &p->cells, f);
	text_put(t, " (");
	cells_summary(t, f);
	text_char(t, ')');
	if (p->how.rules) {
		text_char(t, ' ');
		at = t->n;
		put_rules(p, t, f, "by ");
		t->n -= t->n == at;
	}
	text_char(t, '\n');
	fwrite_unlocked(t->data, 1, t->n, p->to);
}

/* The cells of one flow in the order of the heads, each handed to 'each'; ends as they are, an answer's too. */
static void each_cell(struct print *p, const Flow__Flow *f, void (*each)(struct print *p, const char *head))
{
	struct text *t = &p->line;

	put_time(p, t, f->time);
	each(p, "TIMESTAMP");
	if (p->how.node) {
		text_clean(t, f->node_name);
		each(p, "NODE");
	}
	cells_end(t, &p->cells, f, true);
	each(p, "SOURCE");
	cells_end(t, &p->cells, f, false);
	each(p, "DESTINATION");
	cells_type(t, f);
	each(p, "TYPE");
	cells_verdict(t, &p->cells, f);
	each(p, "VERDICT");
	cells_summary(t, f);
	each(p, "SUMMARY");
	if (p->how.rules) {
		put_rules(p, t, f, "");
		each(p, "RULE");
	}
}

static void dict_cell(struct print *p, const char *head)
{
	if (strcmp(head, "RULE") || p->line.n)
		fprintf(p->to, "%11s: %.*s\n", head, (int)p->line.n, p->line.data);
	p->line.n = 0;
}

static void print_dict(struct print *p, const Observer__GetFlowsResponse *r)
{
	if (p->begun)
		fputs("------------\n", p->to);
	each_cell(p, r->flow, dict_cell);
}

static void table_one(struct print *p, const char *head)
{
	table_cell(&p->table, "%.*s", (int)p->line.n, p->line.data);
	p->line.n = 0;
}

static void print_table(struct print *p, const Observer__GetFlowsResponse *r)
{
	each_cell(p, r->flow, table_one);
}

static void print_json(struct print *p, const ProtobufCMessage *m)
{
	struct json_out j;

	json_begin(&j, p->to, false);
	wire_json(&j, NULL, m);
	json_done(&j);
}

static void print_json_flow(struct print *p, const Observer__GetFlowsResponse *r)
{
	print_json(p, &r->base);
}

static const char *lost_source(Flow__LostEventSource source)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(&flow__lost_event_source__descriptor, source);

	return v ? v->name : "UNKNOWN_LOST_EVENT_SOURCE";
}

static void print_lost(struct print *p, const Observer__GetFlowsResponse *r)
{
	const Flow__LostEvent *l = r->lost_events;
	struct text *t = &p->line;

	put_time(p, t, r->time);
	if (*r->node_name) {
		text_put(t, " [");
		text_clean(t, r->node_name);
		text_char(t, ']');
	}
	text_print(t, " EVENTS LOST: %s ", lost_source(l->source));
	if (l->cpu)
		text_print(t, "CPU(%d) ", l->cpu->value);
	text_uint(t, l->num_events_lost);
	if (l->first || l->last) {
		text_put(t, " (first: ");
		put_time(p, t, l->first);
		text_put(t, ", last: ");
		put_time(p, t, l->last);
		text_char(t, ')');
	}
	text_char(t, '\n');
	fwrite(t->data, 1, t->n, p->talk);
}

static void put_names(struct text *t, char *const *name, size_t n)
{
	size_t from = t->n;

	for (size_t i = 0; i < n; i++) {
		if (i && t->n - from + strlen(name[i]) > NAMES_WIDTH) {
			text_print(t, " (and %zu more)", n - i);
			return;
		}
		text_put(t, i ? ", " : "");
		text_clean(t, name[i]);
	}
}

static void print_status(struct print *p, const Observer__GetFlowsResponse *r)
{
	static const char *const word[] = { "unknown", "connected", "unavailable", "gone", "error" };
	const Relay__NodeStatusEvent *s = r->node_status;
	unsigned int state = s->state_change;
	struct text *t = &p->line;

	if (state >= sizeof(word) / sizeof(word[0]))
		state = 0;
	if (!strcmp(word[state], "unavailable"))
		p->told_away = true;
	else if (!p->how.debug && strcmp(word[state], "error") && !(p->told_away && !strcmp(word[state], "connected")))
		return;
	put_time(p, t, r->time);
	text_put(t, s->n_node_names == 1 ? ": node " : ": nodes ");
	text_put(t, word[state]);
	text_put(t, ": ");
	put_names(t, s->node_names, s->n_node_names);
	if (*s->message) {
		text_put(t, ": ");
		text_clean(t, s->message);
	}
	text_char(t, '\n');
	fwrite(t->data, 1, t->n, p->talk);
}

void print_flows(struct print *p, const Observer__GetFlowsResponse *r)
{
	p->line.n = 0;
	switch (r->response_types_case) {
	case OBSERVER__GET_FLOWS_RESPONSE__RESPONSE_TYPES_FLOW:
		p->flow(p, r);
		p->begun = true;
		break;
	case OBSERVER__GET_FLOWS_RESPONSE__RESPONSE_TYPES_LOST_EVENTS:
		if (print_is_json(&p->how))
			print_json(p, &r->base);
		else if (!p->how.silent)
			print_lost(p, r);
		break;
	case OBSERVER__GET_FLOWS_RESPONSE__RESPONSE_TYPES_NODE_STATUS:
		if (!p->how.silent)
			print_status(p, r);
		break;
	default:
		break;		/* a mark, or of a newer server */
	}
}

/* One value; false if it is not set. */
static bool put_value(struct print *p, struct text *t, const void *at, const ProtobufCFieldDescriptor *f)
{
	const ProtobufCMessage *const *m = at;
	size_t from = t->n;

	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING:
		text_clean(t, *(char *const *)at);
		return t->n > from;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64:
		text_uint(t, *(const uint64_t *)at);
		return *(const uint64_t *)at;
	case PROTOBUF_C_TYPE_MESSAGE:
		if (*m && (*m)->descriptor == &google__protobuf__timestamp__descriptor)
			put_time(p, t, (const void *)*m);
		else if (*m && (*m)->descriptor == &google__protobuf__uint32_value__descriptor)
			text_uint(t, ((const Google__Protobuf__UInt32Value *)*m)->value);
		return t->n > from;
	case PROTOBUF_C_TYPE_UINT32:
		text_uint(t, *(const uint32_t *)at);
		return *(const uint32_t *)at;
	default:
		return false;
	}
}

static bool put_field(struct print *p, struct text *t, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	const char *at = (const char *)m + f->offset;
	size_t n;

	if (f->label != PROTOBUF_C_LABEL_REPEATED)
		return put_value(p, t, at, f);
	n = *(const size_t *)((const char *)m + f->quantifier_offset);
	for (size_t i = 0; i < n && f->type == PROTOBUF_C_TYPE_STRING; i++) {
		text_put(t, i ? " " : "");
		text_clean(t, (*(char **const *)at)[i]);
	}
	return n;
}

/* "revision: 7, labels: a b": what is set, in the order of the numbers. */
static void put_details(struct print *p, struct text *t, const ProtobufCMessage *m)
{
	size_t from = t->n;

	for (unsigned int i = 0; m && i < m->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
		size_t before = t->n;

		text_print(t, "%s%s: ", before == from ? "" : ", ", f->name);
		if (!put_field(p, t, m, f))
			t->n = before;
	}
}

static void each_event_cell(struct print *p, const struct print_event *e, void (*each)(struct print *p, const char *head))
{
	put_time(p, &p->line, e->time);
	each(p, "TIMESTAMP");
	if (p->how.node) {
		text_clean(&p->line, e->node);
		each(p, "NODE");
	}
	text_put(&p->line, e->type);
	each(p, "TYPE");
	put_details(p, &p->line, e->details);
	each(p, "DETAILS");
}

static void print_event_line(struct print *p, const struct print_event *e)
{
	struct text *t = &p->line;

	put_time(p, t, e->time);
	if (p->how.node) {
		text_put(t, " [");
		text_clean(t, e->node);
		text_char(t, ']');
	}
	text_put(t, ": ");
	text_put(t, e->type);
	text_put(t, " (");
	put_details(p, t, e->details);
	text_put(t, ")\n");
	fwrite(t->data, 1, t->n, p->to);
}

void print_event(struct print *p, const struct print_event *e)
{
	p->line.n = 0;
	if (print_is_json(&p->how)) {
		print_json(p, e->whole);
	} else if (p->is_table) {
		each_event_cell(p, e, table_one);
	} else if (is(p->how.output, "dict")) {
		if (p->begun)
			fputs("------------\n", p->to);
		each_event_cell(p, e, dict_cell);
	} else {
		print_event_line(p, e);
	}
	p->begun = true;
}

int print_flush(struct print *p)
{
	if (fflush(p->to))
		return -errno;
	return ferror(p->to) ? -EIO : 0;
}

static void begin_table(struct print *p)
{
	const char *head[9];
	unsigned int n = 0;

	head[n++] = "TIMESTAMP";
	if (p->how.node)
		head[n++] = "NODE";
	if (p->how.events) {
		head[n++] = "TYPE";
		head[n++] = "DETAILS";
	} else {
		head[n++] = "SOURCE";
		head[n++] = "DESTINATION";
		head[n++] = "TYPE";
		head[n++] = "VERDICT";
		head[n++] = "SUMMARY";
		if (p->how.rules)
			head[n++] = "RULE";
	}
	table_heads(&p->table, head, n);
	p->table.gap = 3;
	p->is_table = true;
}

int print_open(struct print **out, const struct print_how *how, FILE *to, FILE *talk)
{
	struct print *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->how = *how;
	p->to = to;
	p->talk = talk;
	p->flow = print_compact;
	reuse_begin(&p->detail);
	stamp_format(&p->stamp, how->time_format);
	if (print_is_json(how))
		p->flow = print_json_flow;
	else if (is(how->output, "dict"))
		p->flow = print_dict;
	else if (how->output && !strncmp(how->output, "tab", 3))
		p->flow = print_table;
	if (p->flow == print_table)
		begin_table(p);
	p->cells = (struct cells){
		.numeric = how->numeric || !how->translate, .policies = how->policies,
		.colour = how->colour && (p->flow == print_compact || p->flow == print_dict),
	};
	setvbuf(to, NULL, _IOFBF, OUT_BUFFER);
	*out = p;
	return 0;
}

void print_close(struct print *p)
{
	if (!p)
		return;
	if (p->is_table)
		table_end(&p->table, p->to);
	fflush(p->to);
	text_free(&p->line);
	reuse_end(&p->detail);
	free(p);
}
