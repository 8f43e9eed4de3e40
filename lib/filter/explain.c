// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.pb-c.h"
#include "lib/filter/explain.h"
#include "lib/flow/words.h"
#include "lib/utf8.h"

typedef void (*say_fn)(FILE *to, const void *element);

/* One field in words: "source pod is ...", each value by 'say'. */
struct phrase {
	uint32_t number;
	const char *what;
	const char *is;			/* between it and one value */
	const char *among;		/* between it and several */
	say_fn say;
};

#define PHRASES_MOST 48

/* What one filter asks, a text for each field that it has. */
struct words {
	char *text[PHRASES_MOST];
	unsigned int n;
};

/* What came from outside: nothing that a terminal would obey. */
static void say_safely(FILE *to, const char *text)
{
	while (*text) {
		unsigned int n = utf8_length(text, strlen(text));
		bool control = n < 2 && (*text < ' ' || *text == 127);

		if (control || (n == 2 && text[0] == '\xc2' && (unsigned char)text[1] < 0xa0))
			fputc('?', to);
		else
			fwrite(text, 1, n, to);
		text += n ? n : 1;
	}
}

static void say_text(FILE *to, const void *element)
{
	say_safely(to, *(char *const *)element);
}

static void say_quoted(FILE *to, const void *element)
{
	fputc('\'', to);
	say_text(to, element);
	fputc('\'', to);
}

/* A pod's name is a beginning: a star says so. */
static void say_pod(FILE *to, const void *element)
{
	const char *text = *(char *const *)element, *slash = strchr(text, '/');

	if (!strcmp(text, "/")) {
		fputs("any", to);
	} else if (slash && !slash[1]) {
		fputs("any in ", to);
		fwrite(text, 1, slash - text, to);
	} else {
		fputs(slash == text ? "any" : slash ? "" : "default/", to);
		say_safely(to, text);
		fputc('*', to);
	}
}

static void say_identity(FILE *to, const void *element)
{
	const char *name = flow_identity_text(*(const uint32_t *)element);

	if (name)
		fputs(name, to);
	else
		fprintf(to, "%u", *(const uint32_t *)element);
}

static void say_enum(FILE *to, const ProtobufCEnumDescriptor *type, int number)
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(type, number);

	if (value)
		fputs(value->name, to);
	else
		fprintf(to, "%d", number);
}

static void say_verdict(FILE *to, const void *element)
{
	say_enum(to, &flow__verdict__descriptor, *(const int *)element);
}

static void say_drop_reason(FILE *to, const void *element)
{
	say_enum(to, &flow__drop_reason__descriptor, *(const int *)element);
}

static void say_direction(FILE *to, const void *element)
{
	static const char *const words[] = { "unknown", "ingress", "egress" };
	uint32_t n = *(const uint32_t *)element;

	fputs(n < 3 ? words[n] : "unknown", to);
}

static void say_ip_version(FILE *to, const void *element)
{
	static const char *const words[] = { "no IP", "IPv4", "IPv6" };
	uint32_t n = *(const uint32_t *)element;

	fputs(n < 3 ? words[n] : "unknown", to);
}

static void say_event(FILE *to, const void *element)
{
	const Flow__EventTypeFilter *e = *(Flow__EventTypeFilter *const *)element;
	const char *type = flow_event_text(e->type), *point;

	if (!e->type)
		fputs("any", to);
	else if (type)
		fputs(type, to);
	else
		fprintf(to, "%d", e->type);
	if (!e->match_sub_type)
		return;
	point = e->type == FLOW_EVENT_TRACE ? flow_trace_text(flow_trace_of_sub(e->sub_type)) :
		e->type == FLOW_EVENT_DROP ? flow_drop_name(e->sub_type) : NULL;
	if (point)
		fprintf(to, ":%s", point);
	else
		fprintf(to, ":%d", e->sub_type);
}

static void say_flags(FILE *to, const void *element)
{
	const Flow__TCPFlags *flags = *(Flow__TCPFlags *const *)element;
	const ProtobufCMessageDescriptor *type = flags->base.descriptor;
	const char *between = "";

	for (unsigned int i = 0; i < type->n_fields; i++)
		if (*(const protobuf_c_boolean *)((const char *)flags + type->fields[i].offset)) {
			fprintf(to, "%s%s", between, type->fields[i].name);
			between = "+";
		}
	if (!*between)
		fputs("any", to);
}

static void say_workload(FILE *to, const void *element)
{
	const Flow__Workload *w = *(Flow__Workload *const *)element;

	if (*w->kind) {
		say_safely(to, w->kind);
		fputc('/', to);
	}
	say_safely(to, *w->name ? w->name : "any");
}

static void say_interface(FILE *to, const void *element)
{
	const Flow__NetworkInterface *w = *(Flow__NetworkInterface *const *)element;

	say_safely(to, *w->name ? w->name : w->index ? "" : "any");
	if (w->index)
		fprintf(to, "%s%u", *w->name ? " number " : "number ", w->index);
}

static void say_header(FILE *to, const void *element)
{
	const Flow__HTTPHeader *h = *(Flow__HTTPHeader *const *)element;

	say_safely(to, h->key);
	fputs(": ", to);
	say_safely(to, h->value);
}

static void say_reply(FILE *to, const void *element)
{
	fputs(*(const protobuf_c_boolean *)element ? "a reply" : "no reply", to);
}

static void say_encrypted(FILE *to, const void *element)
{
	fputs(*(const protobuf_c_boolean *)element ? "encrypted" : "not encrypted", to);
}

static void say_number64(FILE *to, const void *element)
{
	fprintf(to, "%llu", (unsigned long long)*(const uint64_t *)element);
}

#define IS " is ", " is one of "
#define FITS " fits ", " fits one of "

static const struct phrase phrases[] = {
	{ 2, "source pod", IS, say_pod }, { 4, "destination pod", IS, say_pod },
	{ 16, "source service", IS, say_pod }, { 17, "destination service", IS, say_pod },
	{ 26, "source workload", IS, say_workload }, { 27, "destination workload", IS, say_workload },
	{ 1, "source address", IS, say_text }, { 3, "destination address", IS, say_text },
	{ 34, "source address as others see it", IS, say_text },
	{ 7, "source DNS name", IS, say_text }, { 8, "destination DNS name", IS, say_text },
	{ 10, "source labels", " fit ", " fit one of ", say_quoted }, { 11, "destination labels", " fit ", " fit one of ", say_quoted },
	{ 37, "source cluster", IS, say_text }, { 38, "destination cluster", IS, say_text },
	{ 19, "source identity", IS, say_identity }, { 20, "destination identity", IS, say_identity },
	{ 13, "source port", IS, say_text }, { 14, "destination port", IS, say_text },
	{ 12, "protocol", IS, say_text }, { 23, "TCP flags", " include ", " include one of ", say_flags },
	{ 6, "event type", IS, say_event }, { 5, "verdict", IS, say_verdict }, { 33, "reason of the drop", IS, say_drop_reason },
	{ 30, "direction", IS, say_direction }, { 15, "flow", IS, say_reply }, { 25, "IP version", IS, say_ip_version },
	{ 40, "flow", IS, say_encrypted }, { 24, "node", IS, say_text },
	{ 36, "node's labels", " fit ", " fit one of ", say_quoted }, { 35, "interface", IS, say_interface },
	{ 29, "UUID", IS, say_text }, { 28, "trace id", IS, say_text }, { 39, "IP trace id", IS, say_number64 },
	{ 9, "HTTP status", IS, say_text }, { 21, "HTTP method", IS, say_text }, { 22, "HTTP path", FITS, say_quoted },
	{ 31, "HTTP URL", FITS, say_quoted }, { 32, "HTTP header", IS, say_header }, { 18, "DNS query", FITS, say_quoted },
};

static size_t element_size(const ProtobufCFieldDescriptor *d)
{
	return d->type == PROTOBUF_C_TYPE_BOOL ? sizeof(protobuf_c_boolean) : d->type == PROTOBUF_C_TYPE_UINT64 ? 8 :
	       d->type == PROTOBUF_C_TYPE_STRING || d->type == PROTOBUF_C_TYPE_MESSAGE ? sizeof(void *) : 4;
}

/* NULL if the filter has none of it. */
static char *say_phrase(const struct phrase *p, const Flow__FlowFilter *f)
{
	const ProtobufCFieldDescriptor *d =
		protobuf_c_message_descriptor_get_field(&flow__flow_filter__descriptor, p->number);
	size_t n = *(const size_t *)((const char *)f + d->quantifier_offset), size = 0;
	const char *element = *(const char *const *)((const char *)f + d->offset);
	char *text = NULL;
	FILE *to = n ? open_memstream(&text, &size) : NULL;

	if (!to)
		return NULL;
	fprintf(to, "%s%s", p->what, n == 1 ? p->is : p->among);
	for (size_t i = 0; i < n; i++) {
		if (i)
			fputs(", ", to);
		p->say(to, element + i * element_size(d));
	}
	fclose(to);
	return text;
}

static void say_filter(const Flow__FlowFilter *f, struct words *w)
{
	w->n = 0;
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		char *text = say_phrase(&phrases[i], f);

		if (text)
			w->text[w->n++] = text;
	}
}

static bool has_word(const struct words *w, const char *text)
{
	for (unsigned int i = 0; i < w->n; i++)
		if (!strcmp(w->text[i], text))
			return true;
	return false;
}

/* What all of them ask. */
static bool in_all(const struct words *w, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (!has_word(&w[i], text))
			return false;
	return true;
}

/* What one asks and not all; returns how many conditions that is. */
static unsigned int say_own(FILE *to, const struct words *w, size_t n, const struct words *one, bool say)
{
	unsigned int own = 0;

	for (unsigned int i = 0; i < one->n; i++) {
		if (in_all(w, n, one->text[i]))
			continue;
		if (say)
			fprintf(to, "%s%s", own ? " and " : "", one->text[i]);
		own++;
	}
	return own;
}

/* "(a or b) and c", "anything" */
static void say_words(FILE *to, const struct words *w, size_t n)
{
	bool alternatives = n > 1, begun = false;

	for (size_t i = 0; i < n; i++)
		alternatives &= say_own(to, w, n, &w[i], false) != 0;
	for (size_t i = 0; i < n && alternatives; i++) {
		bool several = say_own(to, w, n, &w[i], false) > 1;

		fprintf(to, "%s%s", i ? " or " : "(", several ? "(" : "");
		say_own(to, w, n, &w[i], true);
		fputs(several ? ")" : "", to);
		begun = true;
	}
	fputs(alternatives ? ")" : "", to);
	for (unsigned int i = 0; i < w[0].n; i++) {
		if (!in_all(w, n, w[0].text[i]))
			continue;
		fprintf(to, "%s%s", begun ? " and " : "", w[0].text[i]);
		begun = true;
	}
	if (!begun)
		fputs("anything holds", to);
}

static bool say_list(FILE *to, Flow__FlowFilter *const *list, size_t n)
{
	struct words *w = calloc(n, sizeof(*w));

	if (!w)
		return false;
	for (size_t i = 0; i < n; i++)
		say_filter(list[i], &w[i]);
	say_words(to, w, n);
	for (size_t i = 0; i < n; i++)
		for (unsigned int k = 0; k < w[i].n; k++)
			free(w[i].text[k]);
	free(w);
	return true;
}

char *filters_explain(Flow__FlowFilter *const *white, size_t n_white, Flow__FlowFilter *const *black, size_t n_black)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	bool whole = to;

	if (!to)
		return NULL;
	fputs(n_white ? "flows where " : "all flows", to);
	if (n_white)
		whole = say_list(to, white, n_white);
	if (n_black && whole) {
		fputs(n_white ? ", but not those where " : " but those where ", to);
		whole = say_list(to, black, n_black);
	}
	if (fclose(to) || !whole) {
		free(text);
		return NULL;
	}
	return text;
}
