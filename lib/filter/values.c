// SPDX-License-Identifier: Apache-2.0
/* Fields whose values are numbers, addresses or plain texts: found by search. */
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "flow/flow.pb-c.h"
#include "lib/addr.h"
#include "lib/filter/readers.h"
#include "lib/word.h"

#define PROTO_VRRP 112
/* numbers for what is no protocol of IP */
enum { ABOVE_DNS = 1000, ABOVE_HTTP, ABOVE_KAFKA };

static const struct protocol_word {
	const char *word;
	unsigned int number;
} protocols[] = {
	{ "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP }, { "sctp", IPPROTO_SCTP }, { "icmp", IPPROTO_ICMP + 2000 },
	{ "icmpv4", IPPROTO_ICMP }, { "icmpv6", IPPROTO_ICMPV6 }, { "vrrp", PROTO_VRRP }, { "igmp", IPPROTO_IGMP },
	{ "dns", ABOVE_DNS }, { "http", ABOVE_HTTP }, { "kafka", ABOVE_KAFKA },
};
#define PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

const char *filter_keep_text(struct compiler *c, const char *text)
{
	return arena_text(&c->f->texts, text, strlen(text));
}

READER(number32)
{
	*(uint64_t *)value = *(const uint32_t *)element;
	return 0;
}

READER(number64)
{
	*(uint64_t *)value = *(const uint64_t *)element;
	return 0;
}

READER(bool)
{
	*(uint64_t *)value = *(const protobuf_c_boolean *)element != 0;
	return 0;
}

READER(port)
{
	const char *text = *(char *const *)element;
	char show[COMPILER_SHOW], *end;
	unsigned long port = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end || port > 65535 || end - text > 20)
		return compiler_refuse(c, "'%s' is no port: one number from 0 to 65535 each", compiler_show(text, show));
	*(uint64_t *)value = port;
	return 0;
}

READER(protocol)
{
	const char *text = *(char *const *)element, *words[PROTOCOLS], *near;
	char show[COMPILER_SHOW];

	for (size_t i = 0; i < PROTOCOLS; i++) {
		words[i] = protocols[i].word;
		if (!strcasecmp(text, words[i])) {
			*(uint64_t *)value = protocols[i].number;
			return 0;
		}
	}
	near = word_closest(text, words, PROTOCOLS);
	if (near)
		return compiler_refuse(c, "no protocol '%s' (did you mean '%s'?)", compiler_show(text, show), near);
	return compiler_refuse(c, "no protocol '%s' (tcp, udp, sctp, icmp, icmpv4, icmpv6, vrrp, igmp, dns, http, kafka)",
			       compiler_show(text, show));
}

ORDER(number)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool has(const struct condition *c, uint64_t number)
{
	const uint64_t *value = c->value;
	uint32_t low = 0, high = c->n;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (value[middle] <= number)
			low = middle;
		else
			high = middle;
	}
	return value[low] == number;
}

HOLDS(port)
{
	if (flow->proto != IPPROTO_TCP && flow->proto != IPPROTO_UDP && flow->proto != IPPROTO_SCTP)
		return false;
	return has(c, c->destination ? flow->dport : flow->sport);
}

HOLDS(identity)
{
	return has(c, end_of(c, flow)->identity);
}

HOLDS(verdict)
{
	return has(c, flow->verdict);
}

HOLDS(drop_reason)
{
	return flow->verdict == FLOW_DROPPED && has(c, flow->drop_reason);
}

HOLDS(direction)
{
	if (flow->directions && ((flow->directions & 1 << FLOW_INGRESS && has(c, FLOW_INGRESS)) ||
				 (flow->directions & 1 << FLOW_EGRESS && has(c, FLOW_EGRESS))))
		return true;
	return has(c, flow->direction);
}

static bool is_address(const struct weir_addr *a)
{
	return a->w[0] | a->w[1];
}

HOLDS(ip_version)
{
	if (!is_address(&flow->src))
		return has(c, FLOW__IPVERSION__IP_NOT_USED);
	return has(c, addr_is_v4(&flow->src) ? FLOW__IPVERSION__IPv4 : FLOW__IPVERSION__IPv6);
}

HOLDS(protocol)
{
	static const unsigned int above[] = { [FLOW_L7_DNS] = ABOVE_DNS, [FLOW_L7_HTTP] = ABOVE_HTTP,
					      [FLOW_L7_KAFKA] = ABOVE_KAFKA };

	if (has(c, flow->proto))
		return flow->proto != 0;
	if ((flow->proto == IPPROTO_ICMP || flow->proto == IPPROTO_ICMPV6) && has(c, IPPROTO_ICMP + 2000))
		return true;
	return flow->more && flow->more->l7 && has(c, above[flow->more->l7 % 4]);
}

/* What was dropped has been no answer to anything; else not knowing is neither. */
HOLDS(reply)
{
	if (flow->reply == FLOW_REPLY_UNKNOWN)
		return flow->verdict == FLOW_DROPPED && has(c, 0);
	return has(c, flow->reply == FLOW_REPLY_YES);
}

HOLDS(encrypted)
{
	return has(c, flow->more && flow->more->encrypted);
}

HOLDS(ip_trace_id)
{
	return has(c, flow->more ? flow->more->ip_trace_id : 0);
}

READER(ip)
{
	const char *text = *(char *const *)element;
	struct weir_prefix *p = value;
	char show[COMPILER_SHOW];

	if (prefix_parse(text, p))
		return compiler_refuse(c, "'%s' is no %s", compiler_show(text, show),
				       strchr(text, '/') ? "prefix such as 10.0.0.0/8 or fd00::/8" : "IP address");
	return p->length == 128 ? 0 : compiler_spend(c, 0, 1);
}

/* Addresses first, in order: they are searched; then prefixes. */
ORDER(ip)
{
	const struct weir_prefix *x = a, *y = b;

	if (x->length != y->length)
		return x->length > y->length ? -1 : 1;
	return memcmp(&x->addr, &y->addr, sizeof(x->addr));
}

void filter_finish_ip(struct condition *c)
{
	const struct weir_prefix *p = c->value;

	while (c->sorted < c->n && p[c->sorted].length == 128)
		c->sorted++;
}

static bool has_address(const struct condition *c, const struct weir_addr *addr)
{
	struct weir_prefix key = { .length = 128, .addr = *addr };
	const struct weir_prefix *p = c->value;

	if (!is_address(addr))
		return false;
	if (c->sorted && bsearch(&key, p, c->sorted, sizeof(*p), filter_order_ip))
		return true;
	for (uint32_t i = c->sorted; i < c->n; i++)
		if (prefix_covers(&p[i], addr))
			return true;
	return false;
}

HOLDS(ip)
{
	return has_address(c, c->destination ? &flow->dst : &flow->src);
}

HOLDS(ip_xlated)
{
	return flow->more && has_address(c, &flow->more->src_xlated);
}

READER(text)
{
	const char *text = *(char *const *)element;

	if (strlen(text) > FILTERS_TEXT)
		return compiler_refuse(c, "longer than %d bytes", FILTERS_TEXT);
	*(const char **)value = filter_keep_text(c, text);
	return *(const char **)value ? 0 : -ENOMEM;
}

ORDER(text)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool has_text(const struct condition *c, const char *text)
{
	return bsearch(&text, c->value, c->n, sizeof(text), filter_order_text);
}

HOLDS(uuid)
{
	return has_text(c, flow->uuid);
}

HOLDS(trace_id)
{
	return has_text(c, flow->more && flow->more->trace_id ? flow->more->trace_id : "");
}

READER(event)
{
	const Flow__EventTypeFilter *e = *(Flow__EventTypeFilter *const *)element;

	*(struct event_value *)value = (struct event_value){
		.type = e->type, .sub_type = e->sub_type, .match_sub_type = e->match_sub_type,
	};
	return 0;
}

static bool is_event(const struct event_value *e, int type, int sub_type)
{
	return (!e->type || e->type == type) && (!e->match_sub_type || e->sub_type == sub_type);
}

/* A denial by policy is a verdict of policy and a drop: people ask for it as either. */
HOLDS(event)
{
	bool denial = flow->event == FLOW_EVENT_POLICY && flow->verdict == FLOW_DROPPED;
	const struct event_value *e = c->value;

	for (uint32_t i = 0; i < c->n; i++)
		if (is_event(&e[i], flow->event, flow->sub_event) ||
		    (denial && is_event(&e[i], FLOW_EVENT_DROP, flow->drop_reason)))
			return true;
	return false;
}

READER(tcp_flags)
{
	const Flow__TCPFlags *t = *(Flow__TCPFlags *const *)element;
	struct tcp_value *v = value;

	v->flags = (t->fin != 0) | (t->syn != 0) << 1 | (t->rst != 0) << 2 | (t->psh != 0) << 3 | (t->ack != 0) << 4 |
		   (t->urg != 0) << 5 | (t->ece != 0) << 6 | (t->cwr != 0) << 7;
	v->never = t->ns;
	return 0;
}

HOLDS(tcp_flags)
{
	const struct tcp_value *v = c->value;

	for (uint32_t i = 0; i < c->n && flow->proto == IPPROTO_TCP; i++)
		if (!v[i].never && (flow->tcp_flags & v[i].flags) == v[i].flags)
			return true;
	return false;
}

READER(interface)
{
	const Flow__NetworkInterface *w = *(Flow__NetworkInterface *const *)element;
	struct interface_value *v = value;

	if (strlen(w->name) > FILTERS_TEXT)
		return compiler_refuse(c, "longer than %d bytes", FILTERS_TEXT);
	v->index = w->index;
	v->name = filter_keep_text(c, w->name);
	return v->name ? 0 : -ENOMEM;
}

HOLDS(interface)
{
	const struct interface_value *v = c->value;

	if (!flow->ifindex && !flow->interface[0])
		return false;
	for (uint32_t i = 0; i < c->n; i++)
		if ((!v[i].index || v[i].index == flow->ifindex) && (!v[i].name[0] || !strcmp(v[i].name, flow->interface)))
			return true;
	return false;
}
