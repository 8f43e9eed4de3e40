// SPDX-License-Identifier: Apache-2.0
// The rules' numbers are those of the semantics page.
#include "tests/reference/read.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static const char *const direction_type[] = { "Ingress", "Egress" };

uint8_t ref_proto(const char *word)
{
	return !strcmp(word, "TCP") ? 6 : !strcmp(word, "UDP") ? 17 : !strcmp(word, "SCTP") ? 132 : 255;
}

/* Old objects hold leading zeros (38): each part of an IPv4 address is read as a decimal number. */
static bool read_v4(const char *text, uint8_t out[4])
{
	for (int i = 0; i < 4; i++) {
		char *end;
		unsigned long part = strtoul(text, &end, 10);

		if (end == text || part > 255 || (i < 3 ? *end != '.' : *end))
			return false;
		out[i] = part;
		text = end + 1;
	}
	return true;
}

bool ref_address(const char *text, struct address *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (strchr(text, ':'))
		return inet_pton(AF_INET6, text, out->byte) == 1;
	memcpy(out->byte, mapped, 12);
	return read_v4(text, out->byte + 12);
}

bool ref_is_v4(const struct address *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(a->byte, mapped, 12);
}

static void pod_ports(struct ref_pod *pod, const struct value *containers, bool init)
{
	for value_each(c, containers) {
		if (init && strcmp(value_text(c, "restartPolicy", ""), "Always"))
			continue;				/* 30: plain init containers do not count */
		for value_each(p, value_get(c, "ports")) {
			const char *name = value_text(p, "name", "");

			if (*name && pod->nport < 64)
				pod->port[pod->nport++] = (struct named_port){ name, value_number(p, "containerPort", 0),
					ref_proto(value_text(p, "protocol", "TCP")) };
		}
	}
}

static void read_pod(struct reference *r, const struct value *m)
{
	struct ref_pod pod = { .ns = value_text(m, "metadata.namespace", "default"), .labels = value_at(m, "metadata.labels"),
			       .host = value_true(m, "spec.hostNetwork"),
			       .node = value_text(m, "spec.nodeName", ""),
			       .created = value_text(m, "metadata.creationTimestamp", "") };
	const char *phase = value_text(m, "status.phase", ""), *one = value_text(m, "status.podIP", NULL);

	if (!strcmp(phase, "Succeeded") || !strcmp(phase, "Failed"))
		return;						/* 58: in no set any more */
	for value_each(ip, value_at(m, "status.podIPs"))
		if (pod.naddr < 8 && ref_address(value_text(ip, "ip", ""), &pod.addr[pod.naddr]))
			pod.naddr++;				/* 59: all of them */
	if (!pod.naddr && one && ref_address(one, &pod.addr[0]))
		pod.naddr = 1;
	pod_ports(&pod, value_at(m, "spec.containers"), false);
	pod_ports(&pod, value_at(m, "spec.initContainers"), true);
	r->pod[r->npod++] = pod;
}

static void read_node(struct reference *r, const struct value *m)
{
	struct ref_node node = { .labels = value_at(m, "metadata.labels") };

	for value_each(a, value_at(m, "status.addresses"))
		if (node.naddr < 8 && ref_address(value_text(a, "address", ""), &node.addr[node.naddr]))
			node.naddr++;
	r->node[r->nnode++] = node;
}

static bool is_audited(const struct value *m)
{
	const struct value *mark = value_get(value_at(m, "metadata.annotations"), "weir.dev/audit");

	return mark && mark->text && !strcmp(mark->text, "true");
}

/* 4, 5: types as written are final; none written: Ingress, and Egress if there is an egress rule. */
static void read_policy(struct reference *r, const struct value *m)
{
	const struct value *spec = value_get(m, "spec"), *types = value_get(spec, "policyTypes");
	struct ref_policy p = { .tier = "networkpolicy", .ns = value_text(m, "metadata.namespace", "default"),
				.name = value_text(m, "metadata.name", ""), .spec = spec };

	p.audited = is_audited(m);
	for value_each(t, types)
		for (int d = 0; d < 2; d++)
			if (!strcmp(t->text, direction_type[d]))
				p.applies[d] = true;
	if (!value_count(types)) {
		p.applies[REFERENCE_INGRESS] = true;
		p.applies[REFERENCE_EGRESS] = value_count(value_get(spec, "egress"));
	}
	r->policy[r->npolicy++] = p;
}

static void read_cluster_policy(struct reference *r, const struct value *m)
{
	const struct value *spec = value_get(m, "spec");
	struct ref_policy p = { .ns = "", .name = value_text(m, "metadata.name", ""), .spec = spec,
				.priority = value_number(spec, "priority", 0),
				.audited = is_audited(m), .applies = { true, true } };

	p.tier = !strcmp(value_text(spec, "tier", ""), "Admin") ? "admin" : "baseline";
	r->policy[r->npolicy++] = p;
}

static int by_order(const void *x, const void *y)
{
	const struct ref_policy *a = x, *b = y;

	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	return strcmp(a->ns, b->ns) ?: strcmp(a->name, b->name);
}

void ref_read(struct reference *r, const struct value *manifests)
{
	unsigned int n = value_count(manifests);

	r->pod = calloc(n + 1, sizeof(*r->pod));
	r->node = calloc(n + 1, sizeof(*r->node));
	r->ns = calloc(n + 1, sizeof(*r->ns));
	r->policy = calloc(n + 1, sizeof(*r->policy));
	for value_each(m, manifests) {
		const char *kind = value_text(m, "kind", "");

		if (!strcmp(kind, "Namespace"))
			r->ns[r->nns++] = (struct ref_ns){ value_text(m, "metadata.name", ""), value_at(m, "metadata.labels") };
		else if (!strcmp(kind, "Pod"))
			read_pod(r, m);
		else if (!strcmp(kind, "Node"))
			read_node(r, m);
		else if (!strcmp(kind, "NetworkPolicy"))
			read_policy(r, m);
		else if (!strcmp(kind, "ClusterNetworkPolicy"))
			read_cluster_policy(r, m);
	}
	qsort(r->policy, r->npolicy, sizeof(*r->policy), by_order);
}

void ref_forget(struct reference *r)
{
	free(r->pod);
	free(r->node);
	free(r->ns);
	free(r->policy);
}
