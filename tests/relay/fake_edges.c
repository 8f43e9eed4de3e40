// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "tests/relay/fake_edges.h"

#define BATCH	  200
#define NAMESPACE 30			/* workloads of one */
#define HEAD_START 30			/* seconds */

static const uint16_t ports[] = { 8080, 8443, 5432, 6379, 9090, 9092, 443, 80, 50051, 4222 };
static const char *const roles[] = { "gateway", "frontend", "api", "worker", "cache", "db" };

static uint32_t hash(uint32_t a, uint32_t b)
{
	uint64_t h = (a * 0x9e3779b97f4a7c15ULL) ^ (b * 0xff51afd7ed558ccdULL);

	h ^= h >> 31;
	h *= 0xd6e8feb86659fd93ULL;
	return h >> 32;
}

struct pair {
	uint32_t from, to;		/* workloads; OUTSIDE + n: a name outside */
};

#define OUTSIDE 0x80000000u

/* Workloads of one namespace call those further down, which is what makes layers; none calls twice at one port. */
static struct pair pair_of(const struct fake_edges *f, uint32_t e)
{
	uint32_t from = e % f->workloads, kind = hash(e, 2) % 100, far = hash(e, 3);
	uint32_t first = from - from % NAMESPACE, last = first + NAMESPACE < f->workloads ? first + NAMESPACE - 1 : f->workloads - 1;

	if (kind < 2)
		return (struct pair){ OUTSIDE + far % 3, from };
	if (kind < 4)
		return (struct pair){ from, OUTSIDE + 3 + far % 40 };
	if (kind < 12 || from == last)
		return (struct pair){ from, far % f->workloads };
	return (struct pair){ from, from + 1 + far % (last - from) };
}

static void name(Weir__V1__EdgeEnd *end, char ns[64], char workload[64], uint32_t who)
{
	weir__v1__edge_end__init(end);
	if (who >= OUTSIDE) {
		snprintf(workload, 64, "198.51.100.%u", who - OUTSIDE);
		end->workload = workload;
		return;
	}
	snprintf(ns, 64, "team-%02u", who / NAMESPACE);
	snprintf(workload, 64, "%s-%u", roles[who % NAMESPACE * (sizeof(roles) / sizeof(*roles)) / NAMESPACE], who % NAMESPACE);
	end->namespace_ = ns;
	end->workload = workload;
	end->kind = (char *)"Deployment";
}

/* A few carry most. */
static void count(Weir__V1__Edge *x, uint32_t e, unsigned int nth, uint64_t seconds)
{
	uint64_t h = hash(e, 4) % 1000, rate = 1 + h * h * h / 20000000;

	x->protocol = 6;
	x->port = ports[nth % (sizeof(ports) / sizeof(*ports))];
	if (e % 101 == 0) {
		x->denied = seconds * (1 + h % 3);
		x->denied_egress = e & 1;
		x->denied_rule = 1;
		return;
	}
	x->opened = seconds * rate;
	x->would_deny = e % 401 == 0 ? x->opened : 0;
	x->bytes = x->opened * 900;
	x->reply_bytes = x->opened * 4000;
	x->handshakes = x->opened;
	x->handshake_us = x->opened * (200 + h * 4);
}

bool fake_edges_next(struct fake_edges *f, uint64_t now, Weir__V1__EdgesReply *reply)
{
	static Weir__V1__Edge edge[BATCH], *list[BATCH];
	static Weir__V1__EdgeEnd end[BATCH][2];
	static char text[BATCH][2][2][64];
	static Google__Protobuf__Timestamp since;
	static Weir__V1__Decision author, *authors[] = { &author };
	uint64_t seconds = now - f->began + HEAD_START;
	unsigned int n = 0;

	if (f->at >= f->edges) {
		f->at = 0;
		return false;
	}
	weir__v1__edges_reply__init(reply);
	weir__v1__decision__init(&author);
	google__protobuf__timestamp__init(&since);
	since.seconds = f->began;
	author.policy = (char *)"default-deny";
	author.namespace_ = (char *)"team-00";
	author.kind = (char *)"NetworkPolicy";
	author.tier = (char *)"networkpolicy";
	author.text = (char *)"no rule allows it";
	for (; n < BATCH && f->at < f->edges; f->at++) {
		struct pair p = pair_of(f, f->at);

		if (f->at % f->agents != f->agent || p.from == p.to)
			continue;
		weir__v1__edge__init(&edge[n]);
		name(&end[n][0], text[n][0][0], text[n][0][1], p.from);
		name(&end[n][1], text[n][1][0], text[n][1][1], p.to);
		edge[n].source = &end[n][0];
		edge[n].destination = &end[n][1];
		count(&edge[n], f->at, f->at / f->workloads, seconds);
		list[n] = &edge[n];
		n++;
	}
	reply->edge = list;
	reply->n_edge = n;
	reply->author = authors;
	reply->n_author = 1;
	reply->since = &since;
	reply->instance = f->agent + 1;
	reply->whole = true;
	reply->last = f->at >= f->edges;
	return true;
}
