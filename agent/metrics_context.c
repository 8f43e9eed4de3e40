// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/metrics_context.h"
#include "lib/word.h"

static const char *const kind_word[] = {
	[CONTEXT_NONE] = "", [CONTEXT_IDENTITY] = "identity", [CONTEXT_NAMESPACE] = "namespace", [CONTEXT_POD] = "pod",
	[CONTEXT_POD_NAME] = "pod-name", [CONTEXT_DNS] = "dns", [CONTEXT_IP] = "ip", [CONTEXT_RESERVED] = "reserved-identity",
	[CONTEXT_WORKLOAD] = "workload", [CONTEXT_WORKLOAD_NAME] = "workload-name", [CONTEXT_APP] = "app",
};
#define KINDS (CONTEXT_APP + 1)

static const struct {
	const char *name;
	uint8_t side, kind;
} label_of[] = {
	{ "source_ip", 0, CONTEXT_IP }, { "source_pod", 0, CONTEXT_POD_NAME }, { "source_namespace", 0, CONTEXT_NAMESPACE },
	{ "source_workload", 0, CONTEXT_WORKLOAD_NAME }, { "source_workload_kind", 0, CONTEXT_WORKLOAD_KIND },
	{ "source_app", 0, CONTEXT_APP }, { "destination_ip", 1, CONTEXT_IP }, { "destination_pod", 1, CONTEXT_POD_NAME },
	{ "destination_namespace", 1, CONTEXT_NAMESPACE }, { "destination_workload", 1, CONTEXT_WORKLOAD_NAME },
	{ "destination_workload_kind", 1, CONTEXT_WORKLOAD_KIND }, { "destination_app", 1, CONTEXT_APP },
	{ "traffic_direction", 2, CONTEXT_NONE },
};
#define LABELS (sizeof(label_of) / sizeof(label_of[0]))
_Static_assert(LABELS <= 13, "source and destination come to them");

static int not_one_of(struct complaint *why, const char *what, const char *word, const char *const *words, unsigned int n)
{
	const char *close = word_closest(word, words, n);
	char list[400] = "";
	size_t at = 0;

	for (unsigned int i = 0; i < n && at < sizeof(list); i++)
		if (*words[i])
			at += snprintf(list + at, sizeof(list) - at, "%s%s", at ? ", " : "", words[i]);
	if (close)
		complaint_set(why, 0, 0, "no %s is '%s': '%s' is close", what, word, close);
	else
		complaint_set(why, 0, 0, "no %s is '%s'; there are %s", what, word, list);
	return -EINVAL;
}

static int read_kinds(uint8_t to[CONTEXT_KINDS], char *value, struct complaint *why)
{
	unsigned int n = 0;

	memset(to, 0, CONTEXT_KINDS);
	for (char *word = strsep(&value, "|"); word; word = strsep(&value, "|")) {
		unsigned int kind = 1;

		while (kind < KINDS && strcmp(kind_word[kind], word))
			kind++;
		if (kind == KINDS)
			return not_one_of(why, "context", word, kind_word, KINDS);
		if (n == CONTEXT_KINDS) {
			complaint_set(why, 0, 0, "a context has at most %d kinds", CONTEXT_KINDS);
			return -EINVAL;
		}
		to[n++] = kind;
	}
	return 0;
}

/* sourceContext is for both directions, unless sourceEgressContext or sourceIngressContext says otherwise. */
static int read_context(struct context *c, bool given[2][2], const char *option, char *value, struct complaint *why)
{
	unsigned int side = *option == 'd';
	const char *rest = option + (side ? strlen("destination") : strlen("source"));
	uint8_t kinds[CONTEXT_KINDS];
	int err = read_kinds(kinds, value, why);

	for (unsigned int way = 0; way < 2 && !err; way++) {
		bool own = !strncmp(rest, way ? "Ingress" : "Egress", way ? 7 : 6);

		if (!own && (*rest != 'C' || given[side][way]))
			continue;
		given[side][way] |= own;
		memcpy(c->kind[side][way], kinds, sizeof(kinds));
	}
	c->has[side] = true;
	return err;
}

static int read_labels(struct context *c, char *value, struct complaint *why)
{
	const char *words[LABELS];

	for (unsigned int i = 0; i < LABELS; i++)
		words[i] = label_of[i].name;
	for (char *word = strsep(&value, ","); word; word = strsep(&value, ",")) {
		unsigned int i = 0;

		while (i < LABELS && strcmp(words[i], word))
			i++;
		if (i == LABELS)
			return not_one_of(why, "label", word, words, LABELS);
		c->labels |= 1U << i;
	}
	return 0;
}

static bool is_on(const char *value)
{
	return !value || !*value || !strcmp(value, "true");
}

static int read_option(struct context *c, bool given[2][2], const char *metric, char *option, struct complaint *why)
{
	static const char *const names[] = { "sourceContext", "sourceEgressContext", "sourceIngressContext",
		"destinationContext", "destinationEgressContext", "destinationIngressContext", "labelsContext", "exemplars",
		"query", "ignoreAAAA", "any-drop", "port", "syn-only" };
	char *value = strchr(option, '=');
	unsigned int i = 0;

	if (value)
		*value++ = '\0';
	while (i < sizeof(names) / sizeof(names[0]) && strcmp(names[i], option))
		i++;
	if (i == sizeof(names) / sizeof(names[0]))
		return not_one_of(why, "option of a metric", option, names, i);
	if (i < 7 && (!value || !*value)) {
		complaint_set(why, 0, 0, "'%s' of metric '%s' has no value", option, metric);
		return -EINVAL;
	}
	if (i < 6)
		return read_context(c, given, option, value, why);
	if (i == 6)
		return read_labels(c, value, why);
	c->any_drop |= !strcmp(option, "any-drop") && is_on(value);
	c->port |= !strcmp(option, "port") && is_on(value);
	c->syn_only |= !strcmp(option, "syn-only") && is_on(value);
	return 0;
}

static int read_metric(struct metric_list *out, char *item, const char *const *name, struct complaint *why)
{
	struct metric_wanted *m = &out->metric[out->metrics];
	char *options = strchr(item, ':');
	bool given[2][2] = { 0 };
	unsigned int n = 0;
	int err = 0;

	if (options)
		*options++ = '\0';
	while (name[n] && strcmp(name[n], item))
		n++;
	if (!name[n])
		return not_one_of(why, "metric", item, name, n);
	for (unsigned int i = 0; i < out->metrics; i++) {
		if (strcmp(out->metric[i].name, item))
			continue;
		complaint_set(why, 0, 0, "metric '%s' is named twice", item);
		return -EINVAL;
	}
	if (out->metrics == METRIC_LIST_MOST)
		return -E2BIG;
	*m = (struct metric_wanted){ .name = name[n] };
	for (char *one = options ? strsep(&options, ";") : NULL; one && !err; one = strsep(&options, ";"))
		if (*one)
			err = read_option(&m->context, given, item, one, why);
	out->metrics += !err;
	return err;
}

int metric_list_read(struct metric_list *out, const char *list, const char *const *name, struct complaint *why)
{
	char *copy = strdup(list), *rest = copy;
	int err = copy ? 0 : -ENOMEM;

	memset(out, 0, sizeof(*out));
	for (char *item = copy ? strsep(&rest, " \t\n") : NULL; item && !err; item = strsep(&rest, " \t\n"))
		if (*item)
			err = read_metric(out, item, name, why);
	free(copy);
	return err;
}

unsigned int context_labels(const struct context *c, const char *label[CONTEXT_LABELS])
{
	unsigned int n = 0;

	if (c->has[0])
		label[n++] = "source";
	if (c->has[1])
		label[n++] = "destination";
	for (unsigned int i = 0; i < LABELS && n < CONTEXT_LABELS; i++)
		if (c->labels >> i & 1)
			label[n++] = label_of[i].name;
	return n;
}

static const char *app_of(const struct flow_end *end)
{
	static const char *const keys[] = { "k8s:app.kubernetes.io/name=", "k8s:k8s-app=", "k8s:app=" };

	for (unsigned int k = 0; k < 3; k++)
		for (unsigned int i = 0; i < end->labels; i++)
			if (!strncmp(end->label[i], keys[k], strlen(keys[k])))
				return end->label[i] + strlen(keys[k]);
	return "";
}

static const char *reserved_of(const struct flow_end *end, char text[CONTEXT_TEXT])
{
	size_t n = 0;

	*text = '\0';
	for (unsigned int i = 0; i < end->labels && n < CONTEXT_TEXT; i++)
		if (!strncmp(end->label[i], "reserved:", 9))
			n += snprintf(text + n, CONTEXT_TEXT - n, "%s%s", n ? "," : "", end->label[i]);
	return text;
}

/* A pod's name with its namespace, or another's without. */
static const char *full_name(const char *ns, const char *name, char text[CONTEXT_TEXT])
{
	snprintf(text, CONTEXT_TEXT, "%s%s%s", ns, *ns && *name ? "/" : "", *name ? name : "");
	return *name ? text : "";
}

/* Who outlives the value: nobody does a label of the world. */
static const char *value_of(unsigned int kind, const struct context_end *e, char text[CONTEXT_TEXT], uint64_t *owner)
{
	const struct flow_end *end = e->end;
	bool pod = *end->pod;

	if (kind == CONTEXT_POD || kind == CONTEXT_POD_NAME || kind == CONTEXT_IP)
		*owner = e->pod;
	else if ((kind == CONTEXT_WORKLOAD || kind == CONTEXT_WORKLOAD_NAME) && *owner != e->pod)
		*owner = e->workload;
	switch (kind) {
	case CONTEXT_IDENTITY:
		snprintf(text, CONTEXT_TEXT, "%u", end->identity);
		return text;
	case CONTEXT_NAMESPACE:		return end->ns;
	case CONTEXT_POD:		return full_name(end->ns, end->pod, text);
	case CONTEXT_POD_NAME:		return end->pod;
	case CONTEXT_IP:		return e->ip;
	case CONTEXT_RESERVED:		return reserved_of(end, text);
	case CONTEXT_WORKLOAD:		return pod ? full_name(end->ns, end->workload, text) : "";
	case CONTEXT_WORKLOAD_NAME:	return pod ? end->workload : "";
	case CONTEXT_WORKLOAD_KIND:	return pod ? end->workload_kind : "";
	case CONTEXT_APP:		return app_of(end);
	default:			return "";
	}
}

static const char *first_of(const uint8_t kind[CONTEXT_KINDS], const struct context_end *e, char text[CONTEXT_TEXT],
			    uint64_t *owner)
{
	const char *value = "";

	for (unsigned int i = 0; i < CONTEXT_KINDS && kind[i] && !*value; i++)
		value = value_of(kind[i], e, text, owner);
	return value;
}

unsigned int context_values(const struct context *c, enum flow_direction direction, const struct context_end end[2],
			    char text[2][CONTEXT_TEXT], const char *value[CONTEXT_LABELS], uint64_t owner[2])
{
	static const char *const ways[] = { "unknown", "ingress", "egress" };
	unsigned int n = 0, way = direction == FLOW_INGRESS;
	char none[CONTEXT_TEXT];

	owner[0] = owner[1] = 0;
	for (unsigned int side = 0; side < 2; side++)
		if (c->has[side])
			value[n++] = first_of(c->kind[side][way], &end[side], text[side], &owner[side]);
	for (unsigned int i = 0; i < LABELS && n < CONTEXT_LABELS; i++) {
		if (!(c->labels >> i & 1))
			continue;
		if (label_of[i].side == 2)
			value[n++] = ways[direction <= FLOW_EGRESS ? direction : 0];
		else		/* none of these is put together in 'none' */
			value[n++] = value_of(label_of[i].kind, &end[label_of[i].side], none, &owner[label_of[i].side]);
	}
	return n;
}
