// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/policy/explain.h"
#include "lib/policy/line.h"

void line_add(struct line *l, const char *format, ...)
{
	va_list args;
	int n;

	if (l->at + 1 >= l->size)
		return;
	va_start(args, format);
	n = vsnprintf(l->buf + l->at, l->size - l->at, format, args);
	va_end(args);
	if (n < 0)
		return;
	l->at += n;
	if (l->at < l->size)
		return;
	l->at = l->size - 1;
	if (l->size > 4)
		memcpy(l->buf + l->size - 4, "...", 4);
}

/* Beyond a few values a line tells nobody anything. */
#define VALUES_SHOWN 5

static void add_values(struct line *l, const struct requirement *q)
{
	for (unsigned int i = 0; i < q->n && i < VALUES_SHOWN; i++)
		line_add(l, "%s%s", i ? "," : "", q->value[i]);
	if (q->n > VALUES_SHOWN)
		line_add(l, ",... %u more", q->n - VALUES_SHOWN);
}

static void add_requirement(struct line *l, const struct requirement *q)
{
	switch (q->op) {
	case OP_EXISTS:
		line_add(l, "%s", q->key);
		return;
	case OP_NOT_EXISTS:
		line_add(l, "!%s", q->key);
		return;
	case OP_IN:
	case OP_NOT_IN:
		line_add(l, q->n == 1 ? q->op == OP_IN ? "%s=" : "%s!=" : q->op == OP_IN ? "%s in (" : "%s not in (", q->key);
		add_values(l, q);
		line_add(l, "%s", q->n == 1 ? "" : ")");
		return;
	}
}

void line_selector(struct line *l, const struct selector *s)
{
	for (unsigned int i = 0; i < s->n; i++) {
		line_add(l, "%s", i ? "," : "");
		add_requirement(l, &s->v[i]);
	}
}

/* The namespace that a selector names outright, or NULL. */
static const char *named_namespace(const struct selector *s)
{
	if (s->n == 1 && s->v[0].op == OP_IN && s->v[0].n == 1 && !strcmp(s->v[0].key, "kubernetes.io/metadata.name"))
		return s->v[0].value[0];
	return NULL;
}

static void add_pods(struct line *l, const struct peer *p, const char *own)
{
	const char *name = named_namespace(&p->namespaces);

	if (p->pods.n)
		line_selector(l, &p->pods);
	else
		line_add(l, "all pods");
	if (p->own_namespace || name)
		line_add(l, " in ns=%s", p->own_namespace ? own : name);
	else
		line_add(l, p->namespaces.n ? " in namespaces with " : " in any namespace");
	if (!p->own_namespace && !name)
		line_selector(l, &p->namespaces);
}

static void add_block(struct line *l, const struct peer *p)
{
	char text[ADDR_TEXT_SIZE];

	line_add(l, "%s", prefix_text(&p->block, text));
	for (unsigned int i = 0; i < p->nexcept && i < VALUES_SHOWN; i++)
		line_add(l, "%s%s", i ? ", " : " except ", prefix_text(&p->except[i], text));
	if (p->nexcept > VALUES_SHOWN)
		line_add(l, " and %u more", p->nexcept - VALUES_SHOWN);
}

void line_peer(struct line *l, const struct peer *p, const char *own)
{
	switch (p->kind) {
	case PEER_NOBODY:
		line_add(l, "nobody");
		return;
	case PEER_PODS:
		add_pods(l, p, own);
		return;
	case PEER_NODES:
		line_add(l, p->pods.n ? "nodes with " : "all nodes");
		line_selector(l, &p->pods);
		return;
	case PEER_BLOCK:
		add_block(l, p);
		return;
	}
}

const char *protocol_text(uint8_t proto, char buf[16])
{
	switch (proto) {
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_UDP:
		return "UDP";
	case IPPROTO_SCTP:
		return "SCTP";
	case IPPROTO_ICMP:
		return "ICMP";
	case IPPROTO_ICMPV6:
		return "ICMPv6";
	default:
		snprintf(buf, 16, "protocol %u", proto);
		return buf;
	}
}

/* A protocol is said once for the ports that follow it. */
void line_ports(struct line *l, const struct rule *rule)
{
	int said = -1;

	for (unsigned int i = 0; i < rule->nport && !rule->any_port; i++) {
		const struct port *p = &rule->port[i];
		char buf[16];

		line_add(l, "%s", i ? ", " : "");
		if (p->proto != said)
			line_add(l, "%s ", p->proto ? protocol_text(p->proto, buf) : "port");
		said = p->proto;
		if (p->name)
			line_add(l, "%s", p->name);
		else if (!p->first && p->last == 65535)
			line_add(l, "all ports");
		else if (p->first == p->last)
			line_add(l, "%u", p->first);
		else
			line_add(l, "%u-%u", p->first, p->last);
	}
}

void explain_rule_text(const struct object *policy, enum weir_dir dir, unsigned int index, char *buf, size_t size)
{
	static const char *const acts[] = { [ACTION_ALLOW] = "", [ACTION_DENY] = "deny ", [ACTION_PASS] = "pass " };
	const struct rule *rule = &policy->policy.rule[dir][index];
	struct line l = LINE(buf, size);

	line_add(&l, "%s", acts[rule->action]);
	line_add(&l, dir == WEIR_INGRESS ? "from " : "to ");
	if (rule->any_peer)
		line_add(&l, "anywhere");
	for (unsigned int i = 0; i < rule->npeer && !rule->any_peer; i++) {
		if (i == VALUES_SHOWN) {
			line_add(&l, " or %u more", rule->npeer - i);
			break;
		}
		line_add(&l, "%s", i ? " or " : "");
		line_peer(&l, &rule->peer[i], policy->ns);
	}
	if (!rule->any_port)
		line_add(&l, ": ");
	line_ports(&l, rule);
}
