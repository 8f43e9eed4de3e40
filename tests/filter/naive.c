// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <ctype.h>
#include <fnmatch.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/filter/naive.h"

/* Each field: true if it has no values, or one of them fits.  'any' is written by the row's expression. */
#define FIELD(n_values, fits) do {				\
	bool any = !(n_values);					\
	for (size_t i = 0; i < (n_values) && !any; i++)		\
		any = (fits);					\
	if (!any)						\
		return false;					\
} while (0)

static bool is_v4(const struct weir_addr *a)
{
	static const unsigned char head[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255 };

	return !memcmp(a->byte, head, 12);
}

static bool no_addr(const struct weir_addr *a)
{
	static const struct weir_addr zero;

	return !memcmp(a, &zero, 16);
}

/* As texts: the bits of both, written out. */
static void bits(const unsigned char *bytes, int n, char *to)
{
	for (int i = 0; i < n * 8; i++)
		*to++ = bytes[i / 8] >> (7 - i % 8) & 1 ? '1' : '0';
	*to = 0;
}

static bool ip(const char *value, const struct weir_addr *a)
{
	char text[100], *slash, mine[130], theirs[130];
	unsigned char bytes[16];
	bool v4 = is_v4(a);

	if (no_addr(a))
		return false;
	snprintf(text, sizeof(text), "%s", value);
	slash = strchr(text, '/');
	if (slash)
		*slash = 0;
	if (inet_pton(v4 ? AF_INET : AF_INET6, text, bytes) != 1)
		return false;
	bits(bytes, v4 ? 4 : 16, theirs);
	bits(v4 ? a->byte + 12 : a->byte, v4 ? 4 : 16, mine);
	return !strncmp(mine, theirs, slash ? atoi(slash + 1) : 128);
}

static bool starts(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static bool name(const char *value, const char *ns, const char *pod)
{
	char first[1000];
	const char *rest = strchr(value, '/');

	if (!strlen(ns) && !strlen(pod))
		return false;
	if (!rest)
		return !strcmp(ns, "default") && starts(pod, value);
	snprintf(first, sizeof(first), "%.*s", (int)(rest - value), value);
	return (!strlen(first) || !strcmp(first, ns)) && starts(pod, rest + 1);
}

static void lower(const char *from, char *to)
{
	while ((*to++ = tolower((unsigned char)*from++)))
		;
}

/* fnmatch's star spans dots and slashes; of its other marks the values have none. */
static bool glob(const char *value, const char *text)
{
	return !fnmatch(value, text, 0);
}

static bool fqdn(const char *value, const char *const *names, unsigned int n)
{
	char want[1000];

	lower(value, want);
	if (want[strlen(want) - 1] == '.')
		want[strlen(want) - 1] = 0;
	for (unsigned int i = 0; i < n; i++)
		if (glob(want, names[i]))
			return true;
	return false;
}

static bool node(const char *value, const char *node_name)
{
	char full[1100], want[1100], low[1000];

	if (!strlen(node_name))
		return false;
	lower(value, low);
	snprintf(full, sizeof(full), "%s%s", strchr(node_name, '/') ? "" : "default/", node_name);
	if (!strchr(low, '/'))
		snprintf(want, sizeof(want), "*/%s", low);
	else
		snprintf(want, sizeof(want), "%s%s%s", low[0] == '/' ? "*" : "", low, low[strlen(low) - 1] == '/' ? "*" : "");
	return !fnmatch(want, full, FNM_PATHNAME);
}

/* One requirement, as the generator writes them: KEY, !KEY, KEY=V, KEY!=V, KEY in (A,B), KEY notin (A,B), KEY>N, KEY<N. */
static bool label_value(const char *key, const char *label, char *value)
{
	char source[300] = "", rest[1000];
	const char *colon = strchr(label, ':'), *equal = strchr(label, '=');

	snprintf(rest, sizeof(rest), "%s", label);
	if (colon && (!equal || colon < equal)) {
		snprintf(source, sizeof(source), "%.*s", (int)(colon - label), label);
		snprintf(rest, sizeof(rest), "%s", colon + 1);
	}
	colon = strchr(key, ':');
	if (colon) {
		if (strncmp(key, "any:", 4) && (strlen(source) != (size_t)(colon - key) || strncmp(source, key, colon - key)))
			return false;
		key = colon + 1;
	}
	strcpy(value, "");
	if (strchr(rest, '=')) {
		strcpy(value, strchr(rest, '=') + 1);
		*strchr(rest, '=') = 0;
	}
	return !strcmp(rest, key);
}

static bool whole(const char *text, long *n)
{
	char *end;

	*n = strtol(text, &end, 10);
	return *text && !*end;
}

static bool requirement(const char *text, const char *const *label, unsigned int n)
{
	char key[300], op[10] = "", list[1000] = "", value[1000];
	bool there = false, among = false, above = false, below = false;
	long number, bound;

	if (text[0] == '!')
		return !requirement(text + 1, label, n);
	if (sscanf(text, "%299[^ ] notin (%999[^)])", key, list) == 2)
		strcpy(op, "!=");
	else if (sscanf(text, "%299[^ ] in (%999[^)])", key, list) == 2)
		strcpy(op, "=");
	else if (sscanf(text, "%299[^!=<>]%9[!=<>]%999s", key, op, list) < 2)
		op[0] = 0;
	for (unsigned int i = 0; i < n; i++) {
		char values[1002], want[1002];

		if (!label_value(key, label[i], value))
			continue;
		there = true;
		snprintf(values, sizeof(values), ",%s,", list);
		snprintf(want, sizeof(want), ",%s,", value);
		among |= strstr(values, want) != NULL;
		above |= whole(value, &number) && whole(list, &bound) && number > bound;
		below |= whole(value, &number) && whole(list, &bound) && number < bound;
	}
	return !op[0] ? there : !strcmp(op, "!=") ? !among : op[0] == '>' ? above : op[0] == '<' ? below : among;
}

static bool selector(const char *text, const char *const *label, unsigned int n)
{
	char copy[5000], *at = copy, *begin = copy;
	int depth = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (;; at++) {
		char c = *at;

		depth += c == '(' ? 1 : c == ')' ? -1 : 0;
		if (c && (c != ',' || depth))
			continue;
		*at = 0;
		if (*begin && !requirement(begin, label, n))
			return false;
		if (!c)
			return true;
		begin = at + 1;
	}
}

static bool workload(const Flow__Workload *w, const struct flow_end *e)
{
	if (!strlen(e->workload) && !strlen(e->workload_kind))
		return false;
	return (!strlen(w->name) || !strcmp(w->name, e->workload)) && (!strlen(w->kind) || !strcmp(w->kind, e->workload_kind));
}

static bool event(const Flow__EventTypeFilter *e, int type, int sub)
{
	if (e->type && e->type != type)
		return false;
	return !e->match_sub_type || e->sub_type == sub;
}

static bool event_or_drop(const Flow__EventTypeFilter *e, const struct flow *f)
{
	if (event(e, f->event, f->sub_event))
		return true;
	return f->event == 5 && f->verdict == FLOW_DROPPED && event(e, 1, f->drop_reason);
}

static bool l7(const struct flow *f, int what)
{
	return f->more && f->more->l7 == what;
}

static bool protocol(const char *value, const struct flow *f)
{
	char word[1000];

	lower(value, word);
	return (!strcmp(word, "tcp") && f->proto == 6) || (!strcmp(word, "udp") && f->proto == 17) ||
	       (!strcmp(word, "sctp") && f->proto == 132) || (!strcmp(word, "icmpv4") && f->proto == 1) ||
	       (!strcmp(word, "icmpv6") && f->proto == 58) || (!strcmp(word, "icmp") && (f->proto == 1 || f->proto == 58)) ||
	       (!strcmp(word, "vrrp") && f->proto == 112) || (!strcmp(word, "igmp") && f->proto == 2) ||
	       (!strcmp(word, "dns") && l7(f, FLOW_L7_DNS)) || (!strcmp(word, "http") && l7(f, FLOW_L7_HTTP)) ||
	       (!strcmp(word, "kafka") && l7(f, FLOW_L7_KAFKA));
}

static bool port(const char *value, const struct flow *f, unsigned int is)
{
	return (f->proto == 6 || f->proto == 17 || f->proto == 132) && (unsigned int)atoi(value) == is;
}

static bool flag(protobuf_c_boolean wanted, unsigned int flags, unsigned int bit)
{
	return !wanted || flags & bit;
}

static bool tcp(const Flow__TCPFlags *t, const struct flow *f)
{
	unsigned int x = f->tcp_flags;

	return f->proto == 6 && flag(t->fin, x, 1) && flag(t->syn, x, 2) && flag(t->rst, x, 4) && flag(t->psh, x, 8) &&
	       flag(t->ack, x, 16) && flag(t->urg, x, 32) && flag(t->ece, x, 64) && flag(t->cwr, x, 128) && !t->ns;
}

static bool reply(bool wanted, const struct flow *f)
{
	if (f->reply == FLOW_REPLY_YES)
		return wanted;
	if (f->reply == FLOW_REPLY_NO)
		return !wanted;
	return f->verdict == FLOW_DROPPED && !wanted;
}

static bool direction(int wanted, const struct flow *f)
{
	bool ingress = f->directions & 2 || f->direction == 1, egress = f->directions & 4 || f->direction == 2;

	return wanted == 1 ? ingress : wanted == 2 ? egress : wanted == 0 ? f->direction == 0 : false;
}

static bool version(int wanted, const struct flow *f)
{
	return wanted == (no_addr(&f->src) ? 0 : is_v4(&f->src) ? 1 : 2);
}

static bool interface(const Flow__NetworkInterface *w, const struct flow *f)
{
	if (!f->ifindex && !strlen(f->interface))
		return false;
	return (!w->index || w->index == f->ifindex) && (!strlen(w->name) || !strcmp(w->name, f->interface));
}

static bool status(const char *value, const struct flow *f)
{
	char code[20], want[1000];

	if (!l7(f, FLOW_L7_HTTP))
		return false;
	snprintf(code, sizeof(code), "%u", f->more->http_status);
	snprintf(want, sizeof(want), "%s", value);
	if (strchr(want, '+')) {
		*strchr(want, '+') = 0;
		return strlen(code) == 3 && starts(code, want);
	}
	return !strcmp(code, want);
}

/* libc's: what the generator writes means the same to both. */
static bool regex(const char *pattern, const char *text)
{
	regex_t r;
	bool found;

	if (regcomp(&r, pattern, REG_EXTENDED | REG_NOSUB))
		abort();
	found = !regexec(&r, text, 0, NULL, 0);
	regfree(&r);
	return found;
}

/* Between the host and '?' or '#'; the generator's URLs have no escapes. */
static bool path(const char *pattern, const char *url)
{
	char copy[1000], *from = copy, *host;

	snprintf(copy, sizeof(copy), "%s", url);
	copy[strcspn(copy, "?#")] = 0;
	host = strstr(copy, "://");
	if (host)
		from = host + 3 + strcspn(host + 3, "/");
	return regex(pattern, from);
}

static bool header(const Flow__HTTPHeader *h, const struct flow *f)
{
	for (unsigned int i = 0; l7(f, FLOW_L7_HTTP) && i < f->more->http_headers; i++)
		if (!strcmp(f->more->http_header[i].key, h->key) && !strcmp(f->more->http_header[i].value, h->value))
			return true;
	return false;
}

static bool filter(const Flow__FlowFilter *w, const struct flow *f)
{
	const struct flow_end *s = f->source, *d = f->destination;
	static const struct flow_more none = { .trace_id = "", .http_url = "" };
	const struct flow_more *more = f->more ? f->more : &none;

	FIELD(w->n_source_ip, ip(w->source_ip[i], &f->src));
	FIELD(w->n_destination_ip, ip(w->destination_ip[i], &f->dst));
	FIELD(w->n_source_ip_xlated, ip(w->source_ip_xlated[i], &more->src_xlated));
	FIELD(w->n_source_pod, name(w->source_pod[i], s->ns, s->pod));
	FIELD(w->n_destination_pod, name(w->destination_pod[i], d->ns, d->pod));
	FIELD(w->n_source_service, name(w->source_service[i], f->source_service_ns, f->source_service));
	FIELD(w->n_destination_service, name(w->destination_service[i], f->destination_service_ns, f->destination_service));
	FIELD(w->n_source_fqdn, fqdn(w->source_fqdn[i], f->source_name, f->source_names));
	FIELD(w->n_destination_fqdn, fqdn(w->destination_fqdn[i], f->destination_name, f->destination_names));
	FIELD(w->n_source_label, selector(w->source_label[i], s->label, s->labels));
	FIELD(w->n_destination_label, selector(w->destination_label[i], d->label, d->labels));
	FIELD(w->n_node_labels, selector(w->node_labels[i], f->node_label, f->node_labels));
	FIELD(w->n_source_workload, workload(w->source_workload[i], s));
	FIELD(w->n_destination_workload, workload(w->destination_workload[i], d));
	FIELD(w->n_source_cluster_name, strlen(s->cluster) && glob(w->source_cluster_name[i], s->cluster));
	FIELD(w->n_destination_cluster_name, strlen(d->cluster) && glob(w->destination_cluster_name[i], d->cluster));
	FIELD(w->n_source_identity, w->source_identity[i] == s->identity);
	FIELD(w->n_destination_identity, w->destination_identity[i] == d->identity);
	FIELD(w->n_source_port, port(w->source_port[i], f, f->sport));
	FIELD(w->n_destination_port, port(w->destination_port[i], f, f->dport));
	FIELD(w->n_verdict, (unsigned int)w->verdict[i] == f->verdict);
	FIELD(w->n_drop_reason_desc, f->verdict == FLOW_DROPPED && (unsigned int)w->drop_reason_desc[i] == f->drop_reason);
	FIELD(w->n_event_type, event_or_drop(w->event_type[i], f));
	FIELD(w->n_protocol, protocol(w->protocol[i], f));
	FIELD(w->n_reply, reply(w->reply[i], f));
	FIELD(w->n_tcp_flags, tcp(w->tcp_flags[i], f));
	FIELD(w->n_node_name, node(w->node_name[i], f->node));
	FIELD(w->n_ip_version, version(w->ip_version[i], f));
	FIELD(w->n_uuid, !strcmp(w->uuid[i], f->uuid));
	FIELD(w->n_trace_id, !strcmp(w->trace_id[i], more->trace_id));
	FIELD(w->n_ip_trace_id, w->ip_trace_id[i] == more->ip_trace_id);
	FIELD(w->n_traffic_direction, direction(w->traffic_direction[i], f));
	FIELD(w->n_interface, interface(w->interface[i], f));
	FIELD(w->n_encrypted, !w->encrypted[i] == !more->encrypted);
	FIELD(w->n_http_status_code, status(w->http_status_code[i], f));
	FIELD(w->n_http_method, l7(f, FLOW_L7_HTTP) && !strcasecmp(w->http_method[i], more->http_method));
	FIELD(w->n_http_path, strlen(more->http_url) && path(w->http_path[i], more->http_url));
	FIELD(w->n_http_url, strlen(more->http_url) && regex(w->http_url[i], more->http_url));
	FIELD(w->n_http_header, header(w->http_header[i], f));
	FIELD(w->n_dns_query, l7(f, FLOW_L7_DNS) && regex(w->dns_query[i], more->dns_query));
	return true;
}

static bool one_of(Flow__FlowFilter *const *list, size_t n, const struct flow *flow)
{
	for (size_t i = 0; i < n; i++)
		if (filter(list[i], flow))
			return true;
	return false;
}

bool naive_pass(Flow__FlowFilter *const *white, size_t n_white, Flow__FlowFilter *const *black, size_t n_black,
		const struct flow *flow)
{
	return (!n_white || one_of(white, n_white, flow)) && !one_of(black, n_black, flow);
}
