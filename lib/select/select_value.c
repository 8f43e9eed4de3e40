// SPDX-License-Identifier: Apache-2.0
/* Texts of options into the fields of a flow.FlowFilter. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/flow/words.h"
#include "lib/word.h"
#include "lib/select/select_inside.h"
#include "lib/wire/value.h"

#define SHOW 80
#define WORDS_MOST 128

int select_append(ProtobufCMessage *m, uint32_t field, const void *element)
{
	const ProtobufCFieldDescriptor *d = protobuf_c_message_descriptor_get_field(m->descriptor, field);
	size_t *n = (size_t *)((char *)m + d->quantifier_offset), size = wire_value_size(d->type);
	char **array = (char **)((char *)m + d->offset), *more;

	more = realloc(*array, (*n + 1) * size);
	if (!more)
		return -ENOMEM;
	memcpy(more + *n * size, element, size);
	*array = more;
	++*n;
	return 0;
}

void select_clear(ProtobufCMessage *m, const ProtobufCFieldDescriptor *d)
{
	size_t *n = (size_t *)((char *)m + d->quantifier_offset);
	void **array = (void **)((char *)m + d->offset);

	if (d->label != PROTOBUF_C_LABEL_REPEATED) {
		if (d->type == PROTOBUF_C_TYPE_MESSAGE && *array)
			protobuf_c_message_free_unpacked(*array, NULL);
		return;
	}
	for (size_t i = 0; i < *n; i++) {
		void *element = ((void **)*array)[d->type == PROTOBUF_C_TYPE_STRING || d->type == PROTOBUF_C_TYPE_MESSAGE ? i : 0];

		if (d->type == PROTOBUF_C_TYPE_STRING)
			free(element);
		else if (d->type == PROTOBUF_C_TYPE_MESSAGE)
			protobuf_c_message_free_unpacked(element, NULL);
	}
	free(*array);
}

static int put_text(Flow__FlowFilter *f, uint32_t field, const char *value)
{
	char *copy = strdup(value);
	int err = copy ? select_append(&f->base, field, &copy) : -ENOMEM;

	if (err)
		free(copy);
	return err;
}

static int put_number(Flow__FlowFilter *f, uint32_t field, uint32_t number)
{
	return select_append(&f->base, field, &number);
}

/* Takes 'm' over. */
static int put_message(Flow__FlowFilter *f, uint32_t field, void *m)
{
	int err = select_append(&f->base, field, &m);

	if (err)
		protobuf_c_message_free_unpacked(m, NULL);
	return err;
}

/* A message of that type, all of it zero; NULL: no memory. */
static void *message(const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *m = calloc(1, type->sizeof_message);

	if (m)
		protobuf_c_message_init(type, m);
	return m;
}

/* An enum's word in any case, '-' and ' ' as good as '_'. */
static const ProtobufCEnumValue *enum_word(const ProtobufCEnumDescriptor *type, const char *text)
{
	for (unsigned int i = 0; i < type->n_values; i++) {
		const char *name = type->values[i].name, *c = text;

		for (; *name && *c; name++, c++)
			if (toupper((unsigned char)*c) != toupper((unsigned char)*name) &&
			    !(*name == '_' && (*c == '-' || *c == ' ')))
				break;
		if (!*name && !*c)
			return &type->values[i];
	}
	return NULL;
}

static int refuse_word(const char *what, const char *text, const char *const *word, unsigned int n, struct complaint *why)
{
	const char *near = word_closest(text, word, n);
	char show[SHOW], list[300] = "";
	size_t at = 0;

	complaint_show(text, show, sizeof(show));
	for (unsigned int i = 0; i < n && at < sizeof(list); i++)
		at += snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "", word[i]);
	if (near)
		complaint_set(why, 0, 0, "no %s '%s' (did you mean '%s'?)", what, show, near);
	else if (at < sizeof(list))
		complaint_set(why, 0, 0, "no %s '%s' (%s)", what, show, list);
	else
		complaint_set(why, 0, 0, "no %s '%s'", what, show);
	return -EINVAL;
}

static int put_enum(Flow__FlowFilter *f, uint32_t field, const ProtobufCEnumDescriptor *type, const char *what,
		    const char *text, struct complaint *why)
{
	const ProtobufCEnumValue *value = enum_word(type, text);
	const char *word[WORDS_MOST];
	unsigned int n = 0;

	if (value && (value->value || type != &flow__verdict__descriptor))
		return put_number(f, field, value->value);
	for (unsigned int i = 0; i < type->n_values && n < WORDS_MOST; i++)
		if (type->values[i].value)
			word[n++] = type->values[i].name;
	return refuse_word(what, text, word, n, why);
}

static int put_verdict(Flow__FlowFilter *f, uint32_t field, const char *text, struct complaint *why)
{
	/* as the lines of policy-verdict events say it */
	static const char *const said[][2] = { { "ALLOWED", "FORWARDED" }, { "DENIED", "DROPPED" }, { "AUDITED", "AUDIT" } };

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		if (!strcasecmp(text, said[i][0])) {
			complaint_set(why, 0, 0, "no verdict '%s': it is called %s", said[i][0], said[i][1]);
			return -EINVAL;
		}
	return put_enum(f, field, &flow__verdict__descriptor, "verdict", text, why);
}

static bool whole_number(const char *text, uint64_t most, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	return isdigit((unsigned char)*text) && !*end && !errno && *out <= most;
}

const char *const select_identities[SELECT_IDENTITIES + 1] = {
	"host", "world", "unmanaged", "health", "init", "remote-node", "kube-apiserver", "ingress", "world-ipv4", "world-ipv6", NULL
};

static int put_identity(Flow__FlowFilter *f, uint32_t field, const char *text, struct complaint *why)
{
	uint64_t number;
	int known = flow_identity_number(text);

	if (known >= 0)
		return put_number(f, field, known);
	if (whole_number(text, UINT32_MAX, &number))
		return put_number(f, field, number);
	return refuse_word("identity", text, select_identities, SELECT_IDENTITIES, why);
}

static int put_workload(Flow__FlowFilter *f, uint32_t field, const char *text, struct complaint *why)
{
	Flow__Workload *w = message(&flow__workload__descriptor);
	const char *slash = strchr(text, '/');

	if (!*text || !strcmp(text, "/")) {
		protobuf_c_message_free_unpacked(w ? &w->base : NULL, NULL);
		complaint_set(why, 0, 0, "a workload is cart, Deployment/cart, or Deployment/ for all of that kind");
		return -EINVAL;
	}
	if (!w)
		return -ENOMEM;
	if (slash && slash != text)
		w->kind = strndup(text, slash - text);
	if (!slash || slash[1])
		w->name = strdup(slash ? slash + 1 : text);
	if (!w->kind || !w->name) {
		w->kind = w->kind ? w->kind : (char *)protobuf_c_empty_string;
		w->name = w->name ? w->name : (char *)protobuf_c_empty_string;
		protobuf_c_message_free_unpacked(&w->base, NULL);
		return -ENOMEM;
	}
	return put_message(f, field, w);
}

/* drop, trace:to-endpoint, drop:133, drop:policy_denied, 4:0 */
static int read_type(const char *text, Flow__EventTypeFilter *e, struct complaint *why)
{
	static const char *const types[] = { "drop", "debug", "capture", "trace", "policy-verdict", "trace-sock", "l7", "agent" };
	static const int numbers[] = { 1, 2, 3, 4, 5, 7, 129, 130 };
	const char *colon = strchr(text, ':');
	char type[SHOW], show[SHOW];
	uint64_t number;

	snprintf(type, sizeof(type), "%.*s", (int)(colon ? colon - text : SHOW - 1), text);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcasecmp(type, types[i]))
			e->type = numbers[i];
	if (!e->type) {
		if (!whole_number(type, 255, &number))
			return refuse_word("event type", type, types, sizeof(types) / sizeof(types[0]), why);
		e->type = number;
	}
	if (!colon)
		return 0;
	e->match_sub_type = true;
	if (whole_number(colon + 1, INT32_MAX, &number)) {
		e->sub_type = number;
	} else if (e->type == FLOW_EVENT_TRACE && flow_trace_number(colon + 1) >= 0) {
		e->sub_type = flow_trace_to_sub(flow_trace_number(colon + 1));
	} else if (e->type == FLOW_EVENT_DROP && enum_word(&flow__drop_reason__descriptor, colon + 1)) {
		e->sub_type = enum_word(&flow__drop_reason__descriptor, colon + 1)->value;
	} else {
		complaint_set(why, 0, 0, "'%s' is no subtype of '%s': a number%s", complaint_show(colon + 1, show, sizeof(show)), type,
			      e->type == FLOW_EVENT_TRACE ? ", or a point such as to-endpoint, to-network, from-host" :
			      e->type == FLOW_EVENT_DROP ? ", or a reason such as policy_denied" : "");
		return -EINVAL;
	}
	return 0;
}

static int put_type(Flow__FlowFilter *f, uint32_t field, const char *text, struct complaint *why)
{
	Flow__EventTypeFilter *e = message(&flow__event_type_filter__descriptor);
	int err = e ? read_type(text, e, why) : -ENOMEM;

	if (err) {
		protobuf_c_message_free_unpacked(e ? &e->base : NULL, NULL);
		return err;
	}
	return put_message(f, field, e);
}

static int read_flags(const char *text, Flow__TCPFlags *flags, struct complaint *why)
{
	const ProtobufCMessageDescriptor *type = flags->base.descriptor;
	const char *word[16];
	unsigned int n = 0;

	for (; n < type->n_fields && n < 16; n++)
		word[n] = type->fields[n].name;
	for (;;) {
		size_t length = strcspn(text, ",");
		unsigned int i = 0;
		char flag[SHOW];

		text += strspn(text, " ");
		length = strcspn(text, ",");
		snprintf(flag, sizeof(flag), "%.*s", (int)(length < SHOW ? length : SHOW - 1), text);
		while (*flag && flag[strlen(flag) - 1] == ' ')
			flag[strlen(flag) - 1] = 0;
		while (i < n && strcasecmp(word[i], flag))
			i++;
		if (i == n)
			return refuse_word("flag of TCP", flag, word, n, why);
		*(protobuf_c_boolean *)((char *)flags + type->fields[i].offset) = true;
		if (!text[length])
			return 0;
		text += length + 1;
	}
}

static int put_flags(Flow__FlowFilter *f, uint32_t field, const char *text, struct complaint *why)
{
	Flow__TCPFlags *flags = message(&flow__tcpflags__descriptor);
	int err = flags ? read_flags(text, flags, why) : -ENOMEM;

	if (err) {
		protobuf_c_message_free_unpacked(flags ? &flags->base : NULL, NULL);
		return err;
	}
	return put_message(f, field, flags);
}

static int put_ip_version(Flow__FlowFilter *f, uint32_t field, const char *text, struct complaint *why)
{
	static const char *const words[] = { "v4", "v6", "none", "ipv4", "ipv6", "4", "6" };
	static const uint32_t numbers[] = { 1, 2, 0, 1, 2, 1, 2 };

	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcasecmp(text, words[i]))
			return put_number(f, field, numbers[i]);
	return refuse_word("version of IP", text, words, 3, why);
}

static int put_direction(Flow__FlowFilter *f, uint32_t field, const char *text, struct complaint *why)
{
	static const char *const words[] = { "ingress", "egress" };

	for (unsigned int i = 0; i < 2; i++)
		if (!strcasecmp(text, words[i]))
			return put_number(f, field, FLOW_INGRESS + i);
	return refuse_word("direction", text, words, 2, why);
}

static int put_interface(Flow__FlowFilter *f, uint32_t field, const char *text, struct complaint *why)
{
	Flow__NetworkInterface *w;

	if (!*text) {
		complaint_set(why, 0, 0, "the name of an interface is needed");
		return -EINVAL;
	}
	w = message(&flow__network_interface__descriptor);
	if (!w)
		return -ENOMEM;
	w->name = strdup(text);
	if (!w->name) {
		free(w);
		return -ENOMEM;
	}
	return put_message(f, field, w);
}

static int put_header(Flow__FlowFilter *f, uint32_t field, const char *text, struct complaint *why)
{
	const char *colon = strchr(text, ':');
	Flow__HTTPHeader *h;

	if (!colon || colon == text) {
		complaint_set(why, 0, 0, "a header is NAME:VALUE");
		return -EINVAL;
	}
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	flow__httpheader__init(h);
	h->key = strndup(text, colon - text);
	h->value = strdup(colon + 1);
	if (!h->key || !h->value) {
		free(h->key);
		free(h->value);
		free(h);
		return -ENOMEM;
	}
	return put_message(f, field, h);
}

static int put_trace_number(Flow__FlowFilter *f, uint32_t field, const char *text, struct complaint *why)
{
	uint64_t number;

	if (!whole_number(text, UINT64_MAX, &number)) {
		complaint_set(why, 0, 0, "a number is needed");
		return -EINVAL;
	}
	return select_append(&f->base, field, &number);
}

static int put_bool(Flow__FlowFilter *f, uint32_t field, bool on)
{
	protobuf_c_boolean value = on;

	return select_append(&f->base, field, &value);
}

static int check_rule(const char *text, struct complaint *why)
{
	uint64_t number;

	if (whole_number(text, UINT32_MAX, &number) && number)
		return 0;
	complaint_set(why, 0, 0, "a rule is known by its number in written order, from 1");
	return -EINVAL;
}

static int check_policy(const char *text, struct complaint *why)
{
	const char *slash = strchr(text, '/');

	if (*text && strcmp(text, "/") && (!slash || !strchr(slash + 1, '/')))
		return 0;
	complaint_set(why, 0, 0, "a policy is namespace/name, namespace/ for all of it, or name anywhere");
	return -EINVAL;
}

int select_put(Flow__FlowFilter *f, uint32_t field, const struct given *g, const char *value, struct complaint *why)
{
	bool on = strcmp(value, "false");

	switch (g->choice->how) {
	case HOW_IDENTITY:
		return put_identity(f, field, value, why);
	case HOW_WORKLOAD:
		return put_workload(f, field, value, why);
	case HOW_VERDICT:
		return put_verdict(f, field, value, why);
	case HOW_DROP_REASON:
		return put_enum(f, field, &flow__drop_reason__descriptor, "reason of a drop", value, why);
	case HOW_TYPE:
		return put_type(f, field, value, why);
	case HOW_FLAGS:
		return put_flags(f, field, value, why);
	case HOW_IP_VERSION:
		return put_ip_version(f, field, value, why);
	case HOW_IPV4:
		return put_number(f, field, FLOW__IPVERSION__IPv4);
	case HOW_IPV6:
		return put_number(f, field, FLOW__IPVERSION__IPv6);
	case HOW_NUMBER:
		return put_trace_number(f, field, value, why);
	case HOW_DIRECTION:
		return put_direction(f, field, value, why);
	case HOW_INTERFACE:
		return put_interface(f, field, value, why);
	case HOW_HEADER:
		return put_header(f, field, value, why);
	case HOW_ENCRYPTED:
		return put_bool(f, field, on);
	case HOW_UNENCRYPTED:
		return put_bool(f, field, !on);
	case HOW_DENIED:
		return put_number(f, field, FLOW_DROPPED) ?: put_number(f, field, FLOW_AUDIT);
	case HOW_CEL:
		complaint_set(why, 0, 0, "expressions in CEL are not supported; the other filters are");
		return -EINVAL;
	case HOW_RULE:
		return check_rule(value, why);
	case HOW_POLICY:
		return check_policy(value, why);
	default:
		return put_text(f, field, value);
	}
}
