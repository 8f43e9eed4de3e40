// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "proto/weir/v1/flow.pb-c.h"
#include "relay/map_inside.h"

#define ID_SIZE 640
#define PORTS_MOST 6

static const char *id_of(const struct map *m, uint32_t mark, char id[ID_SIZE])
{
	const struct map_mark *k = &m->mark[mark];
	const struct map_end *x = m->end[k->end];

	if (k->rest)
		snprintf(id, ID_SIZE, "rest:%s", k->folded ? "namespaces" : x->map_kind == MAP_NODE ? "nodes" : "outside");
	else if (k->folded)
		snprintf(id, ID_SIZE, "ns:%s", x->ns);
	else if (x->space)
		snprintf(id, ID_SIZE, "%s/%s", x->ns, x->name);
	else if (x->map_kind == MAP_NODE)
		snprintf(id, ID_SIZE, "node:%s", x->name);
	else
		snprintf(id, ID_SIZE, "out:%s", x->name);
	return id;
}

static const char *kind_word(const struct map *m, const struct map_mark *k)
{
	static const char *const word[] = { [MAP_WORKLOAD] = "workload", [MAP_OUT] = "outside", [MAP_NODE] = "node",
					    [MAP_OTHER] = "other" };

	return k->folded ? "namespace" : word[m->end[k->end]->map_kind];
}

static const char *proto_word(uint8_t proto, char buf[8])
{
	switch (proto) {
	case IPPROTO_TCP: return "tcp";
	case IPPROTO_UDP: return "udp";
	case IPPROTO_SCTP: return "sctp";
	case IPPROTO_ICMP: return "icmp";
	case IPPROTO_ICMPV6: return "icmpv6";
	}
	snprintf(buf, 8, "%u", proto);
	return buf;
}

/* Where it is called. */
static void write_ports(const struct map *m, uint32_t mark, struct json_out *j)
{
	char text[32], buf[8];
	unsigned int n = 0;
	struct { uint16_t port; uint8_t proto; } said[PORTS_MOST];

	json_array(j, "ports");
	for (uint32_t i = 0; i < m->nmerged && n < PORTS_MOST; i++) {
		const struct map_line *l = &m->merged[i];
		unsigned int k = 0;

		if (l->to != mark || !l->port || !l->sum[PAST_OPENED])
			continue;
		while (k < n && (said[k].port != l->port || said[k].proto != l->proto))
			k++;
		if (k < n)
			continue;
		said[n].port = l->port;
		said[n++].proto = l->proto;
		snprintf(text, sizeof(text), "%u/%s", l->port, proto_word(l->proto, buf));
		json_text(j, NULL, text);
	}
	json_end(j);
}

static void write_mark(const struct map *m, uint32_t i, struct json_out *j)
{
	const struct map_mark *k = &m->mark[i];
	const struct map_end *x = m->end[k->end];
	char id[ID_SIZE];

	json_object(j, NULL);
	json_text(j, "id", id_of(m, i, id));
	json_text(j, "kind", kind_word(m, k));
	json_text(j, "ns", k->rest ? "" : x->ns);
	json_text(j, "name", k->rest ? "" : k->folded ? x->ns : x->name);
	if (!k->folded && *x->kind)
		json_text(j, "workload_kind", x->kind);
	json_uint(j, "count", k->count);
	json_uint(j, "layer", k->layer);
	json_uint(j, "denies", k->denies);
	write_ports(m, i, j);
	json_array(j, "spark");
	for (unsigned int p = 0; p < m->points; p++)
		json_uint(j, NULL, k->spark[p]);
	json_end(j);
	json_end(j);
}

static void write_author(const struct map_line *l, struct json_out *j)
{
	Weir__V1__Decision *d = l->decision ? weir__v1__decision__unpack(NULL, l->decision_size, l->decision) : NULL;

	json_text(j, "side", l->egress ? "egress" : "ingress");
	if (!d)
		return;
	json_object(j, "author");
	json_text(j, "tier", d->tier);
	json_text(j, "kind", d->kind);
	json_text(j, "ns", d->namespace_);
	json_text(j, "policy", d->policy);
	json_uint(j, "rule", d->rule);
	json_text(j, "text", d->text);
	if (d->n_isolating) {
		json_array(j, "isolating");
		for (size_t i = 0; i < d->n_isolating; i++)
			json_text(j, NULL, d->isolating[i]);
		json_end(j);
	}
	json_end(j);
	weir__v1__decision__free_unpacked(d, NULL);
}

static const char *verdict_of(const struct map_line *l)
{
	bool passed = l->sum[PAST_OPENED] || l->sum[PAST_BYTES] || l->sum[PAST_REPLY_BYTES];

	if (l->sum[PAST_DENIED])
		return passed ? "mixed" : "denied";
	return l->sum[PAST_WOULD_DENY] ? "audit" : "allowed";
}

static void write_line(const struct map *m, const struct map_line *l, struct json_out *j)
{
	char id[ID_SIZE], buf[8];
	double s = m->window_ms / 1000.0;

	json_object(j, NULL);
	json_text(j, "from", id_of(m, l->from, id));
	json_text(j, "to", id_of(m, l->to, id));
	json_text(j, "proto", proto_word(l->proto, buf));
	json_uint(j, "port", l->port);
	json_text(j, "verdict", verdict_of(l));
	json_number(j, "rate", l->sum[PAST_OPENED] / s);
	json_number(j, "bytes", (l->sum[PAST_BYTES] + l->sum[PAST_REPLY_BYTES]) / s);
	json_uint(j, "opened", l->sum[PAST_OPENED]);
	json_uint(j, "denied", l->sum[PAST_DENIED]);
	json_uint(j, "would", l->sum[PAST_WOULD_DENY]);
	json_uint(j, "dropped", l->sum[PAST_DROPPED]);
	if (l->sum[PAST_HANDSHAKES])
		json_number(j, "latency_us", (double)l->sum[PAST_HANDSHAKE_US] / l->sum[PAST_HANDSHAKES]);
	if (l->sum[PAST_DENIED])
		write_author(l, j);
	json_end(j);
}

void map_write(const struct map *m, struct json_out *j)
{
	bool folds = false;

	for (uint32_t i = 0; i < m->nmark; i++)
		folds |= m->mark[i].folded;
	json_text(j, "level", folds ? "namespaces" : "workloads");
	json_array(j, "marks");
	for (uint32_t i = 0; i < m->nmark; i++)
		write_mark(m, i, j);
	json_end(j);
	json_array(j, "edges");
	for (uint32_t i = 0; i < m->nmerged; i++)
		write_line(m, &m->merged[i], j);
	json_end(j);
	json_object(j, "folded");
	json_uint(j, "marks", m->counts.folded_marks);
	json_uint(j, "edges", m->counts.folded_lines);
	json_uint(j, "workloads", m->counts.workloads);
	json_uint(j, "namespaces", m->counts.namespaces);
	json_end(j);
}
