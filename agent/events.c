// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/events.h"
#include "proto/observer/observer.pb-c.h"

#define LABELS_MOST 4

struct kept_event {
	uint64_t time;
	size_t size;
	uint8_t *data;
};

struct events {
	const char *node;		/* not ours */
	void (*news)(void *ctx);
	void *ctx;
	pthread_mutex_t lock;		/* of all below */
	uint64_t next;
	struct kept_event kept[EVENTS_KEPT];
};

int events_new(struct events **out, const char *node, void (*news)(void *ctx), void *ctx)
{
	struct events *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->node = node;			/* not ours */
	e->news = news;
	e->ctx = ctx;
	pthread_mutex_init(&e->lock, NULL);
	*out = e;
	return 0;
}

void events_free(struct events *e)
{
	if (!e)
		return;
	for (unsigned int i = 0; i < EVENTS_KEPT; i++)
		free(e->kept[i].data);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static uint64_t to_ns(const Google__Protobuf__Timestamp *t)
{
	return t->seconds * 1000000000ULL + t->nanos;
}

static void now(Google__Protobuf__Timestamp *to)
{
	struct timespec t;

	google__protobuf__timestamp__init(to);
	clock_gettime(CLOCK_REALTIME, &t);
	to->seconds = t.tv_sec;
	to->nanos = t.tv_nsec;
}

static void keep(struct events *e, const struct kept_event *new)
{
	struct kept_event *place;

	pthread_mutex_lock(&e->lock);
	place = &e->kept[e->next++ % EVENTS_KEPT];
	free(place->data);
	*place = *new;
	pthread_mutex_unlock(&e->lock);
	if (e->news)
		e->news(e->ctx);
}

static void add(struct events *e, Flow__AgentEvent *event, Google__Protobuf__Timestamp *time)
{
	Observer__GetAgentEventsResponse response = OBSERVER__GET_AGENT_EVENTS_RESPONSE__INIT;
	struct kept_event new = { .time = to_ns(time) };

	response.agent_event = event;
	response.node_name = (char *)e->node;
	response.time = time;
	new.size = observer__get_agent_events_response__get_packed_size(&response);
	new.data = new.size <= EVENT_SIZE ? malloc(new.size) : NULL;
	if (!new.data)
		return;			/* names of pods and policies are far shorter */
	observer__get_agent_events_response__pack(&response, new.data);
	keep(e, &new);
}

void events_started(struct events *e)
{
	Flow__TimeNotification start = FLOW__TIME_NOTIFICATION__INIT;
	Flow__AgentEvent event = FLOW__AGENT_EVENT__INIT;
	Google__Protobuf__Timestamp time;

	if (!e)
		return;
	now(&time);
	start.time = &time;
	event.type = FLOW__AGENT_EVENT_TYPE__AGENT_STARTED;
	event.notification_case = FLOW__AGENT_EVENT__NOTIFICATION_AGENT_START;
	event.agent_start = &start;
	add(e, &event, &time);
}

static void add_policy(struct events *e, enum object_kind kind, const char *ns, const char *name, uint64_t revision,
		       int64_t rules, bool gone)
{
	Flow__PolicyUpdateNotification policy = FLOW__POLICY_UPDATE_NOTIFICATION__INIT;
	Flow__AgentEvent event = FLOW__AGENT_EVENT__INIT;
	char label[LABELS_MOST][400], *labels[LABELS_MOST];
	Google__Protobuf__Timestamp time;

	now(&time);
	policy.labels = labels;
	snprintf(labels[policy.n_labels++] = label[0], sizeof(label[0]), "k8s:io.cilium.k8s.policy.name=%s", name);
	if (*ns)
		snprintf(labels[policy.n_labels++] = label[1], sizeof(label[1]), "k8s:io.cilium.k8s.policy.namespace=%s", ns);
	snprintf(labels[policy.n_labels++] = label[2], sizeof(label[2]), "k8s:io.cilium.k8s.policy.derived-from=%s",
		 kind == OBJECT_POLICY ? "NetworkPolicy" : "ClusterNetworkPolicy");
	policy.revision = revision;
	policy.rule_count = rules;
	event.type = gone ? FLOW__AGENT_EVENT_TYPE__POLICY_DELETED : FLOW__AGENT_EVENT_TYPE__POLICY_UPDATED;
	event.notification_case = FLOW__AGENT_EVENT__NOTIFICATION_POLICY_UPDATE;
	event.policy_update = &policy;
	add(e, &event, &time);
}

void events_policy(struct events *e, const struct object *o, uint64_t revision)
{
	if (e)
		add_policy(e, o->kind, o->ns, o->name, revision, o->policy.nrule[0] + o->policy.nrule[1], false);
}

void events_policy_gone(struct events *e, enum object_kind kind, const char *ns, const char *name, uint64_t revision)
{
	if (e)
		add_policy(e, kind, ns, name, revision, 0, true);
}

void events_endpoint(struct events *e, unsigned int number, const char *ns, const char *name, bool there)
{
	Flow__EndpointUpdateNotification update = FLOW__ENDPOINT_UPDATE_NOTIFICATION__INIT;
	Flow__AgentEvent event = FLOW__AGENT_EVENT__INIT;
	Google__Protobuf__Timestamp time;

	if (!e)
		return;
	now(&time);
	update.id = number;
	update.pod_name = (char *)name;
	update.namespace_ = (char *)ns;
	event.type = there ? FLOW__AGENT_EVENT_TYPE__ENDPOINT_CREATED : FLOW__AGENT_EVENT_TYPE__ENDPOINT_DELETED;
	event.notification_case = FLOW__AGENT_EVENT__NOTIFICATION_ENDPOINT_UPDATE;
	event.endpoint_update = &update;
	add(e, &event, &time);
}

void events_endpoint_refused(struct events *e, unsigned int number, const char *ns, const char *name, const char *why)
{
	Flow__EndpointRegenNotification failure = FLOW__ENDPOINT_REGEN_NOTIFICATION__INIT;
	Flow__AgentEvent event = FLOW__AGENT_EVENT__INIT;
	Google__Protobuf__Timestamp time;
	char label[600], text[512], *labels[1] = { label };

	if (!e)
		return;
	now(&time);
	snprintf(label, sizeof(label), "%s/%s", ns, name);
	snprintf(text, sizeof(text), "%s", why);
	failure.id = number;
	failure.labels = labels;
	failure.n_labels = 1;
	failure.error = text;
	event.type = FLOW__AGENT_EVENT_TYPE__ENDPOINT_REGENERATE_FAILURE;
	event.notification_case = FLOW__AGENT_EVENT__NOTIFICATION_ENDPOINT_REGENERATE;
	event.endpoint_regenerate = &failure;
	add(e, &event, &time);
}

static uint64_t first(const struct events *e)
{
	return e->next > EVENTS_KEPT ? e->next - EVENTS_KEPT : 0;
}

uint64_t events_first(struct events *e)
{
	uint64_t n;

	pthread_mutex_lock(&e->lock);
	n = first(e);
	pthread_mutex_unlock(&e->lock);
	return n;
}

uint64_t events_next(struct events *e)
{
	uint64_t n;

	pthread_mutex_lock(&e->lock);
	n = e->next;
	pthread_mutex_unlock(&e->lock);
	return n;
}

int events_copy(struct events *e, uint64_t n, struct event *out)
{
	const struct kept_event *k;
	int err;

	pthread_mutex_lock(&e->lock);
	err = n < first(e) ? -ESTALE : n >= e->next ? -EAGAIN : 0;
	if (!err) {
		k = &e->kept[n % EVENTS_KEPT];
		out->time = k->time;
		out->size = k->size;
		memcpy(out->data, k->data, k->size);
	}
	pthread_mutex_unlock(&e->lock);
	return err;
}
