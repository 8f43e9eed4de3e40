// SPDX-License-Identifier: Apache-2.0
/*
 * Real packets as a judge: a frame from the sender's namespace, and either it arrives or it does not.  Each cell has
 * a source port of its own, by which it is known again.  A denial must be silent: a reset or an ICMP error that
 * comes back instead counts as neither.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/suite/town.h"
#include "tools/policy_test.h"

#define BATCH 512
#define QUIET_MS 12		/* nothing more arrives after so long without any */
#define FIRST_PORT 20000

struct packets {
	struct judge judge;
	struct town *town;
	unsigned int port;
};

static void packets_close(struct judge *j)
{
	struct packets *p = (struct packets *)j;

	town_close(p->town);
	free(p);
}

static int packets_open(struct judge **out, const struct judge_options *options, struct complaint *why)
{
	struct packets *p = calloc(1, sizeof(*p));
	struct child_options child = { .agent = options->agent, .node = options->hand.node, .hairpin = options->hairpin,
				       .stack = options->hand.stack };
	int err;

	if (!p)
		return -ENOMEM;
	err = town_open(&p->town, &child, why);
	if (err) {
		free(p);
		return err;
	}
	*out = &p->judge;
	return 0;
}

static int packets_hand(struct judge *j, const struct cluster *c, struct complaint *why)
{
	struct packets *p = (struct packets *)j;

	return town_live(p->town, c, j->hand, why);
}

struct flight {
	struct cell *cell;
	struct judge_pair pair;
	struct place *from, *to;
	bool arrived, refused;
};

static unsigned int port_of(const struct packets *p, unsigned int i)
{
	return FIRST_PORT + (p->port + i) % 40000;
}

static bool is_mine(const struct flight *f, const struct wire_seen *seen)
{
	return seen->proto == f->cell->proto && (place_is_node(f->to) || addr_equal(&seen->dst, &f->pair.dst)) &&
	       addr_equal(&seen->src, &f->pair.src) && (seen->dport == f->cell->port || !seen->dport);
}

/* At the sender: what answers in the receiver's place. */
static bool is_refusal(const struct flight *f, const struct wire_seen *seen)
{
	return seen->proto == IPPROTO_TCP && seen->flags & WIRE_RST && addr_equal(&seen->src, &f->pair.dst) &&
	       seen->sport == f->cell->port;
}

static struct flight *flight_of(const struct packets *p, struct flight *f, unsigned int n, unsigned int port)
{
	unsigned int i = (port - FIRST_PORT + 40000 - p->port % 40000) % 40000;

	return port >= FIRST_PORT && port < FIRST_PORT + 40000 && i < n ? &f[i] : NULL;
}

static bool collect(struct packets *p, struct flight *f, unsigned int n, struct place *at, int ms)
{
	struct wire_seen seen;
	bool any = false;

	while (town_receive(p->town, at, &seen, any ? 0 : ms)) {
		struct flight *there = flight_of(p, f, n, seen.sport), *back = flight_of(p, f, n, seen.dport);

		any = true;
		if (there && there->to == at && is_mine(there, &seen))
			there->arrived = true;
		if (back && back->from == at && is_refusal(back, &seen))
			back->refused = true;
	}
	return any;
}

/* Each place once. */
static unsigned int places_of(const struct flight *f, unsigned int n, struct place **out)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < 2 * n; i++) {
		struct place *p = i & 1 ? f[i / 2].from : f[i / 2].to;
		unsigned int k = 0;

		while (k < count && out[k] != p)
			k++;
		if (k == count)
			out[count++] = p;
	}
	return count;
}

static int take_off(struct packets *p, struct flight *f, unsigned int n, struct complaint *why)
{
	for (unsigned int i = 0; i < n; i++) {
		struct wire w = { .src = f[i].pair.src, .dst = f[i].pair.dst, .proto = f[i].cell->proto,
				  .sport = port_of(p, i), .dport = f[i].cell->port, .flags = WIRE_SYN, .token = i + 1 };
		int err = town_send(p->town, f[i].from, &w);

		if (err) {
			complaint_set(why, 0, 0, "cannot send from '%s': %s", f[i].cell->from, strerror(-err));
			return err;
		}
	}
	return 0;
}

static int fly(struct packets *p, struct flight *f, unsigned int n, struct complaint *why)
{
	struct place *place[2 * BATCH];
	unsigned int places = places_of(f, n, place);
	bool any = true;
	int err;

	town_drain(p->town);
	err = take_off(p, f, n, why);
	while (any && !err) {
		any = false;
		for (unsigned int i = 0; i < places; i++)
			any |= collect(p, f, n, place[i], i ? 0 : QUIET_MS);
	}
	for (unsigned int i = 0; i < n; i++) {
		struct cell *c = f[i].cell;

		c->got = f[i].arrived ? EXPECT_ALLOW : f[i].refused ? EXPECT_UNSAID : EXPECT_DENY;
		snprintf(c->why, sizeof(c->why), "%s", f[i].arrived ? "arrived" : f[i].refused ? "refused aloud" : "silence");
	}
	p->port += n;
	return err;
}

static int packets_ask(struct judge *j, const struct cluster *c, struct cell *cell, unsigned int n, struct complaint *why)
{
	struct packets *p = (struct packets *)j;
	struct flight *f = calloc(BATCH, sizeof(*f));
	unsigned int ready = 0;
	int err = f ? 0 : -ENOMEM;

	for (unsigned int i = 0; i < n && !err; i++) {
		memset(&f[ready], 0, sizeof(*f));
		if (!judge_pair(j, c, &cell[i], &f[ready].pair))
			continue;
		f[ready].cell = &cell[i];
		f[ready].from = town_place(p->town, c, cell[i].from);
		f[ready].to = town_place(p->town, c, cell[i].to);
		if (!f[ready].from || !f[ready].to) {
			cell[i].got = EXPECT_IGNORED;
			snprintf(cell[i].why, sizeof(cell[i].why), "an end has no interface at this step of a script");
			continue;
		}
		if (++ready == BATCH) {
			err = fly(p, f, ready, why);
			ready = 0;
		}
	}
	if (!err && ready)
		err = fly(p, f, ready, why);
	free(f);
	return err;
}

const struct judge_ops judge_packets = { packets_open, packets_close, packets_hand, packets_ask };
