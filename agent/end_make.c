// SPDX-License-Identifier: Apache-2.0
/* A name as an end: the strings that flows carry, its workload, its identity, its message encoded. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/end_inside.h"
#include "lib/wire/encode.h"

#define LABELS_MOST 128
#define TEXT_MOST 32768
#define WIRE_MOST 32768

/* Everything is put together here, then copied into a block of the right size. */
struct making {
	struct flow_end end;
	const char *label[LABELS_MOST];
	char text[TEXT_MOST];
	uint8_t wire[WIRE_MOST];
	size_t used;
};

/* "" when there is no more room: Kubernetes bounds names and labels far below it. */
__attribute__((format(printf, 2, 3))) static const char *say(struct making *m, const char *format, ...)
{
	char *at = m->text + m->used;
	size_t room = sizeof(m->text) - m->used;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(at, room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room)
		return "";
	m->used += n + 1;
	return at;
}

static bool ends_with(const char *text, size_t size, const char *tail)
{
	size_t n = strlen(tail);

	return n && size > n + 1 && text[size - n - 1] == '-' && !memcmp(text + size - n, tail, n);
}

static const char *label_of(const struct name *name, const char *key)
{
	for (const char *p = name->labels->bytes; p < name->labels->bytes + name->labels->size;) {
		const char *value = p + strlen(p) + 1;

		if (!strcmp(p, key))
			return value;
		p = value + strlen(value) + 1;
	}
	return "";
}

/* A Job of a CronJob is named after it and the minute for which it was due. */
static size_t cron_size(const char *job)
{
	size_t size = strlen(job), n = size;

	while (n && isdigit((unsigned char)job[n - 1]))
		n--;
	return size - n >= 8 && n > 1 && job[n - 1] == '-' ? n - 1 : 0;
}

/* The workload is what a person made: not the ReplicaSet of a Deployment's one version, nor one run of a CronJob. */
static void set_workload(struct making *m, const struct name *name)
{
	const struct text *said = texts_at(name->owner);
	const char *kind = said->bytes, *owner = kind + strlen(kind) + 1, *hash = label_of(name, "pod-template-hash");
	size_t size = said->size > strlen(kind) ? strlen(owner) : 0;

	m->end.workload_kind = "Pod";
	m->end.workload = m->end.pod;
	if (!size) {
		return;
	} else if (!strcmp(kind, "Node")) {		/* a static pod is named after its node, too */
		size = strlen(m->end.pod);
		if (ends_with(m->end.pod, size, m->end.node))
			m->end.workload = say(m, "%.*s", (int)(size - strlen(m->end.node) - 1), m->end.pod);
	} else if (!strcmp(kind, "ReplicaSet") && ends_with(owner, size, hash)) {
		m->end.workload_kind = "Deployment";
		m->end.workload = say(m, "%.*s", (int)(size - strlen(hash) - 1), owner);
	} else if (!strcmp(kind, "Job") && cron_size(owner)) {
		m->end.workload_kind = "CronJob";
		m->end.workload = say(m, "%.*s", (int)cron_size(owner), owner);
	} else {
		m->end.workload_kind = say(m, "%s", kind);
		m->end.workload = say(m, "%s", owner);
	}
}

/* Labels that tell pods of one workload apart, or its versions: no part of who it is. */
static bool is_passing(const char *key)
{
	static const char *const passing[] = { "pod-template-hash", "controller-revision-hash", "pod-template-generation",
		"statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "controller-uid", "job-name",
		"batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name",
		"batch.kubernetes.io/job-completion-index" };

	for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++)
		if (!strcmp(key, passing[i]))
			return true;
	return false;
}

static uint64_t hash_on(uint64_t h, const char *text)
{
	for (;; text++) {
		h = (h ^ (unsigned char)*text) * 0x100000001b3ULL;
		if (!*text)
			return h;
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The identity is a sum over labels, so that their order does not matter. */
static void set_labels(struct making *m, const struct name *name)
{
	uint64_t h = hash_on(0xcbf29ce484222325ULL, m->end.ns);

	for (const char *p = name->labels->bytes; p < name->labels->bytes + name->labels->size;) {
		const char *value = p + strlen(p) + 1;

		if (m->end.labels < LABELS_MOST - 1)
			m->label[m->end.labels++] = say(m, "k8s:%s=%s", p, value);
		if (!is_passing(p))
			h += hash_on(hash_on(0x9e3779b97f4a7c15ULL, p), value) | 1;
		p = value + strlen(value) + 1;
	}
	m->label[m->end.labels++] = say(m, "k8s:io.kubernetes.pod.namespace=%s", m->end.ns);
	qsort(m->label, m->end.labels, sizeof(*m->label), by_text);
	h ^= h >> 29;
	h *= 0xbf58476d1ce4e5b9ULL;
	m->end.identity = FLOW_ID_FIRST + (uint32_t)((h >> 32) % ((1 << 24) - FLOW_ID_FIRST));
}

static void set_pod(struct making *m, const struct name *name)
{
	m->end.pod = say(m, "%s", NAME_NAME(name));
	m->end.node = say(m, "%s", texts_at(name->node)->bytes);
	set_workload(m, name);
	set_labels(m, name);
}

static void set_reserved(struct making *m, uint32_t identity, const char *label)
{
	m->end.identity = identity;
	m->label[m->end.labels++] = label;
}

/* Strings of the making lie in its text; others are literals or outlive the end. */
static const char *moved(const struct making *m, const char *text, char *to)
{
	return text >= m->text && text < m->text + m->used ? to + (text - m->text) : text;
}

static struct end *settle(struct making *m)
{
	size_t n = wire_end(&m->end, m->wire, sizeof(m->wire)), at = m->end.labels * sizeof(char *);
	struct end *e = malloc(sizeof(*e) + at + m->used + n);
	char *text;

	if (!e)
		return NULL;
	*e = (struct end){ .flow = m->end, .size = sizeof(*e) + at + m->used + n };
	text = e->bytes + at;
	memcpy(text, m->text, m->used);
	for (unsigned int i = 0; i < m->end.labels; i++)
		((const char **)e->bytes)[i] = moved(m, m->label[i], text);
	e->flow.label = (const char *const *)e->bytes;
	e->flow.ns = moved(m, m->end.ns, text);
	e->flow.pod = moved(m, m->end.pod, text);
	e->flow.workload = moved(m, m->end.workload, text);
	e->flow.workload_kind = moved(m, m->end.workload_kind, text);
	e->flow.node = moved(m, m->end.node, text);
	if (n) {
		memcpy(text + m->used, m->wire + sizeof(m->wire) - n, n);
		e->flow.wire = (uint8_t *)text + m->used;
		e->flow.wire_size = n;
	}
	return e;
}

static void begin(struct making *m, uint32_t number, const char *cluster)
{
	m->end = (struct flow_end){ .number = number, .ns = "", .pod = "", .workload = "", .workload_kind = "", .node = "",
				    .cluster = cluster, .label = m->label };
	m->used = 0;
}

struct end *end_of_name(const struct name *name, const char *own_node, const char *cluster)
{
	struct making m;

	begin(&m, name->number, cluster);
	m.end.ns = say(&m, "%s", NAME_NS(name));
	if (name->kind == NAME_POD) {
		set_pod(&m, name);
	} else if (name->kind == NAME_SERVICE) {
		bool api = !strcmp(m.end.ns, "default") && !strcmp(NAME_NAME(name), "kubernetes");

		m.end.workload = say(&m, "%s", NAME_NAME(name));
		m.end.workload_kind = "Service";
		set_reserved(&m, api ? FLOW_ID_API_SERVER : FLOW_ID_WORLD, api ? "reserved:kube-apiserver" : "reserved:world");
	} else {
		bool own = !strcmp(NAME_NAME(name), own_node);

		m.end.node = m.end.workload = say(&m, "%s", NAME_NAME(name));
		m.end.workload_kind = "Node";
		set_reserved(&m, own ? FLOW_ID_HOST : FLOW_ID_REMOTE_NODE, own ? "reserved:host" : "reserved:remote-node");
	}
	return settle(&m);
}

struct end *end_reserved(uint32_t number, uint32_t identity, const char *label, const char *node, const char *cluster)
{
	struct making m;

	begin(&m, number, cluster);
	m.end.node = say(&m, "%s", node);
	m.end.workload = *node ? m.end.node : "world";
	m.end.workload_kind = *node || number == NAMES_OWN_NODE ? "Node" : "World";
	set_reserved(&m, identity, label);
	return settle(&m);
}
