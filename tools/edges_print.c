// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "tools/edges_print.h"

const char *edges_port_text(const struct edges_row *r, char buf[32])
{
	const struct edge *e = r->edge;
	const char *proto = e->proto == 6 ? "tcp" : e->proto == 17 ? "udp" : e->proto == 132 ? "sctp" :
		e->proto == 1 || e->proto == 58 ? "icmp" : NULL;

	if (r->ports)
		return "(several)";
	if (!proto)
		snprintf(buf, 32, "proto %u", e->proto);
	else if (e->port)
		snprintf(buf, 32, "%u/%s", e->port, proto);
	else
		snprintf(buf, 32, "%s", proto);
	return buf;
}

void edges_row_json(struct json_out *j, const struct edges_row *r)
{
	const struct edge_sums *s = &r->sums;

	json_object(j, NULL);
	json_text(j, "source", r->edge->source);
	json_text(j, "destination", r->edge->destination);
	if (!r->ports) {
		json_uint(j, "protocol", r->edge->proto);
		json_uint(j, "port", r->edge->port);
	}
	json_uint(j, "bytes", s->bytes);
	json_uint(j, "packets", s->packets);
	json_uint(j, "opened", s->opened);
	json_uint(j, "closed", s->closed);
	json_uint(j, "live", r->live);
	json_uint(j, "denied", s->denied);
	json_uint(j, "would_deny", s->would_deny);
	json_uint(j, "dropped", s->dropped);
	json_uint(j, "handshakes", s->handshakes);
	json_uint(j, "handshake_us", s->handshake_us);
	json_uint(j, "answers", s->answers);
	json_uint(j, "rtt_us", s->answer_us);
	if (r->edge->author)
		json_text(j, "denied_by", r->edge->author);
	json_end(j);
}
