// SPDX-License-Identifier: Apache-2.0
/*
 * One writer, so plain stores do; a reader's copy is whole if the edge's 'turn' was even and the same before and after.
 * A record costs two look-ups at most: its index line, its edge's two lines; batches fetch both ahead.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <weir/endpoint.h>
#include <weir/flow.h>

#include "agent/edges.h"

#define NONE 0				/* in the index and in chains: edge 0 is never looked up */
#define HANDSHAKE_FIRST 64		/* microseconds */

struct slot {
	uint32_t turn;			/* odd while it is written */
	uint16_t port;
	uint8_t proto;
	bool full;			/* of a pair's edge of port 0: its ports are at their cap */
	const struct ends_group *group[WEIR_DIRS];
	uint64_t version, last;
	struct edge_sums sums;
	uint32_t pair;			/* the next of the same pairs of workloads, roughly */
	uint32_t free;			/* of a free slot: the next one */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct slot) == 256, "an edge is four lines, of which a record touches two");

struct edges {
	struct ends *ends;		/* not ours */
	struct slot *slot;
	uint32_t *index;		/* open addressing, edge numbers */
	uint32_t *pairs;		/* heads of chains */
	uint32_t *live;			/* counted in this reading of the flow table */
	uint32_t mask, end, free;
	uint64_t version, removed;
	uint32_t idle_at;		/* where the search for idle edges goes on */
	struct edges_counts counts;
};

struct key {
	const struct ends_group *group[WEIR_DIRS];
	uint32_t hash;
	uint16_t port;
	uint8_t proto;
};

static void *reserve(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static size_t slots_size(const struct edges *e)
{
	return (EDGES_FIRST + e->counts.capacity) * sizeof(struct slot);
}

int edges_new(struct edges **out, struct ends *ends, unsigned int capacity)
{
	struct edges *e = calloc(1, sizeof(*e));
	uint32_t size = 64;

	if (!e)
		return -ENOMEM;
	while (size < capacity * 4)
		size *= 2;
	e->ends = ends;
	e->mask = size - 1;
	e->counts.capacity = capacity;
	e->end = EDGES_FIRST;
	e->version = 1;
	e->slot = reserve(slots_size(e));
	e->index = reserve(size * sizeof(*e->index));
	e->pairs = reserve(size * sizeof(*e->pairs));
	e->live = reserve((EDGES_FIRST + capacity) * sizeof(*e->live));
	if (!e->slot || !e->index || !e->pairs || !e->live) {
		edges_free(e);
		return -ENOMEM;
	}
	*out = e;
	return 0;
}

void edges_free(struct edges *e)
{
	if (!e)
		return;
	for (uint32_t i = EDGES_FIRST; e->slot && i < e->end; i++) {
		for (int dir = 0; dir < WEIR_DIRS && e->slot[i].group[0]; dir++)
			ends_group_drop(e->ends, e->slot[i].group[dir]);
	}
	if (e->slot)
		munmap(e->slot, slots_size(e));
	if (e->index)
		munmap(e->index, (e->mask + 1) * sizeof(*e->index));
	if (e->pairs)
		munmap(e->pairs, (e->mask + 1) * sizeof(*e->pairs));
	if (e->live)
		munmap(e->live, (EDGES_FIRST + e->counts.capacity) * sizeof(*e->live));
	free(e);
}

/* A copy by words: each is read whole, and the turn tells whether they belong together. */
typedef uint64_t __attribute__((may_alias)) any_word;
static void copy_words(void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size / 8; i++)
		((any_word *)to)[i] = __atomic_load_n((const any_word *)from + i, __ATOMIC_RELAXED);
}

static bool copy_slot(const struct slot *s, struct slot *out)
{
	uint32_t turn;

	do {
		turn = __atomic_load_n(&s->turn, __ATOMIC_ACQUIRE);
		copy_words(out, s, sizeof(*out));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (turn & 1 || __atomic_load_n(&s->turn, __ATOMIC_RELAXED) != turn);
	return out->version != 0;
}

unsigned int edges_end(const struct edges *e)
{
	return __atomic_load_n(&e->end, __ATOMIC_ACQUIRE);
}

bool edges_copy(const struct edges *e, unsigned int i, uint64_t since, struct edge *out)
{
	static const struct ends_group other = { .ns = "", .workload = "other", .kind = "" }, nobody = { "", "", "", 0, false };
	const struct slot *s = &e->slot[i];
	struct slot copy;

	if (i >= edges_end(e) || __atomic_load_n(&s->version, __ATOMIC_RELAXED) <= since || !copy_slot(s, &copy))
		return false;
	*out = (struct edge){ .port = copy.port, .proto = copy.proto, .version = copy.version, .last = copy.last, .sums = copy.sums };
	out->source = i == EDGES_OTHER ? other : i == EDGES_LOST ? nobody : *copy.group[WEIR_EGRESS];
	out->destination = i == EDGES_OTHER ? other : i == EDGES_LOST ? nobody : *copy.group[WEIR_INGRESS];
	return true;
}

/* The version that edges get from now on, less two: one that is being written may still get the one before. */
uint64_t edges_version(struct edges *e)
{
	return __atomic_fetch_add(&e->version, 1, __ATOMIC_ACQ_REL) - 1;
}

uint64_t edges_removed(const struct edges *e)
{
	return __atomic_load_n(&e->removed, __ATOMIC_ACQUIRE);
}

void edges_count(const struct edges *e, struct edges_counts *out)
{
	*out = e->counts;
}

static void write_begin(struct edges *e, struct slot *s, uint64_t now)
{
	__atomic_store_n(&s->turn, s->turn + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	s->version = __atomic_load_n(&e->version, __ATOMIC_ACQUIRE);
	s->last = now;
}

static void write_end(struct slot *s)
{
	__atomic_store_n(&s->turn, s->turn + 1, __ATOMIC_RELEASE);
}

static uint32_t hash_of(const struct key *k)
{
	uint64_t h = (uint64_t)k->group[0]->number << 32 | k->group[1]->number;

	h = (h ^ (uint64_t)k->proto << 24 ^ (uint64_t)k->port << 40 ^ k->port) * 0x9e3779b97f4a7c15ULL;
	h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9ULL;
	return h >> 32;
}

static uint32_t pair_hash(const struct edges *e, const struct key *k)
{
	struct key pair = *k;

	pair.port = 0;
	return hash_of(&pair) >> 3 & e->mask;
}

static bool has_port(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

static void key_make(const struct edges *e, const uint32_t name[WEIR_DIRS], uint8_t proto, uint16_t port, struct key *k)
{
	for (int dir = 0; dir < WEIR_DIRS; dir++)
		k->group[dir] = ends_group(e->ends, name[dir]);
	k->proto = proto;
	k->port = has_port(proto) ? port : 0;
	k->hash = hash_of(k);
}

static bool is_key(const struct slot *s, const struct key *k)
{
	return s->group[0] == k->group[0] && s->group[1] == k->group[1] && s->port == k->port && s->proto == k->proto;
}

static uint32_t find(const struct edges *e, const struct key *k)
{
	for (uint32_t at = k->hash & e->mask; e->index[at]; at = (at + 1) & e->mask)
		if (is_key(&e->slot[e->index[at]], k))
			return e->index[at];
	return NONE;
}

static unsigned int ports_of(const struct edges *e, const struct key *k)
{
	unsigned int n = 0;

	for (uint32_t i = e->pairs[pair_hash(e, k)]; i; i = e->slot[i].pair) {
		const struct slot *s = &e->slot[i];

		n += s->group[0] == k->group[0] && s->group[1] == k->group[1] && s->proto == k->proto && s->port;
	}
	return n;
}

static uint32_t add(struct edges *e, const struct key *k, uint64_t now)
{
	uint32_t i = e->free, at = k->hash & e->mask, *pair = &e->pairs[pair_hash(e, k)];
	struct slot *s;

	if (!i && e->end == EDGES_FIRST + e->counts.capacity)
		return NONE;
	if (i)
		e->free = e->slot[i].free;
	else
		i = e->end;
	s = &e->slot[i];
	write_begin(e, s, now);
	s->port = k->port;
	s->proto = k->proto;
	s->full = false;
	memset(&s->sums, 0, sizeof(s->sums));
	for (int dir = 0; dir < WEIR_DIRS; dir++) {
		s->group[dir] = k->group[dir];
		ends_group_hold(k->group[dir]);
	}
	write_end(s);
	if (i == e->end)
		__atomic_store_n(&e->end, i + 1, __ATOMIC_RELEASE);
	while (e->index[at])
		at = (at + 1) & e->mask;
	e->index[at] = i;
	s->pair = *pair;
	*pair = i;
	e->live[i] = 0;
	e->counts.edges++;
	return i;
}

/* Not found: it is made, or goes to its pair's port 0 when the pair has too many ports, or to "other". */
static uint32_t find_or_add(struct edges *e, struct key *k, uint64_t now)
{
	uint32_t i = find(e, k), pair;
	struct key whole = *k;

	if (i || (!k->port && (i = add(e, k, now))))
		return i;
	whole.port = 0;
	whole.hash = hash_of(&whole);
	pair = find(e, &whole);
	if (pair && e->slot[pair].full)
		return pair;
	if (k->port && ports_of(e, k) < EDGES_PORTS && (i = add(e, k, now)))
		return i;
	if (!pair)
		pair = k->port ? add(e, &whole, now) : NONE;
	if (pair) {
		e->slot[pair].full = true;
		return pair;
	}
	e->counts.refused++;
	if (e->end < EDGES_FIRST)
		e->end = EDGES_FIRST;
	return EDGES_OTHER;
}

static bool is_policy(unsigned int reason)
{
	return reason == WEIR_NO_RULE || reason == WEIR_DENIED || reason == WEIR_CLOSED || reason == WEIR_CUT;
}

static bool would_deny(const struct record *r)
{
	return r->flags & WEIR_REC_AUDIT && ((r->audit & 3) == WEIR_DENY || (r->audit >> 2 & 3) == WEIR_DENY);
}

/* Openings and traffic of a pod of another node are that node's to count. */
static bool counts_here(const struct edges *e, unsigned int endpoint, uint32_t source)
{
	return (endpoint && endpoint != WEIR_ENDPOINT_NODE) || !ends_elsewhere(e->ends, source);
}

static void count_handshake(struct edge_sums *s, uint32_t us)
{
	unsigned int bucket = 0;

	while (bucket < EDGES_BUCKETS - 1 && us >= (uint32_t)HANDSHAKE_FIRST << bucket)
		bucket++;
	s->handshakes++;
	s->handshake_us += us;
	s->handshake_bucket[bucket]++;
}

static void count_traffic(struct edges *e, struct edge_sums *s, const struct edge_traffic *t, bool cut)
{
	if (cut) {
		s->denied += t->packets[0] + t->packets[1];
		e->counts.cut_bytes += t->bytes[0] + t->bytes[1];
		return;
	}
	for (int side = 0; side < 2; side++) {
		s->packets[side] += t->packets[side];
		s->bytes[side] += t->bytes[side];
	}
}

static void count_elsewhere(struct edges *e, const struct edge_traffic *t)
{
	e->counts.elsewhere_packets += t->packets[0] + t->packets[1];
	e->counts.elsewhere_bytes += t->bytes[0] + t->bytes[1];
}

static void count_flow(struct edges *e, struct edge_sums *s, const struct record *r, const struct edge_traffic *t)
{
	bool here = counts_here(e, r->endpoint[WEIR_EGRESS], r->name[WEIR_EGRESS]), opened = r->kind == WEIR_REC_OPENED;

	if (opened)
		s->would_deny += would_deny(r);
	if (!here) {
		*(opened ? &e->counts.elsewhere_opened : &e->counts.elsewhere_closed) += 1;
		count_elsewhere(e, t);
		return;
	}
	*(opened ? &s->opened : &s->closed) += 1;
	count_traffic(e, s, t, r->flags & WEIR_REC_CUT);
	if (!opened && r->handshake_us)
		count_handshake(s, r->handshake_us);
	if (t->answer_us) {
		s->answers++;
		s->answer_us += t->answer_us;
	}
}

static void count_record(struct edges *e, struct edge_sums *s, const struct record *r, const struct edge_traffic *t)
{
	bool cut = r->kind == WEIR_REC_AGAIN && r->flags & WEIR_REC_CUT;

	if (r->kind == WEIR_REC_OPENED || r->kind == WEIR_REC_CLOSED)
		count_flow(e, s, r, t);
	else if (r->kind == WEIR_REC_AGAIN)	/* a cut flow's packets are in its slot's counts */
		s->would_deny += !cut && would_deny(r);
	else
		*(is_policy(r->reason) ? &s->denied : &s->dropped) += (uint64_t)r->packets + r->repeats;
	if (cut || (r->kind == WEIR_REC_DENIED && is_policy(r->reason))) {
		s->denied_rule = r->rule[r->flags & WEIR_REC_EGRESS ? WEIR_EGRESS : WEIR_INGRESS];
		s->denied_time = r->time;
		s->denied_egress = r->flags & WEIR_REC_EGRESS;
		s->denied_name = s->denied_rule == WEIR_RULE_ISOLATED ? r->name[s->denied_egress ? WEIR_EGRESS : WEIR_INGRESS] : 0;
	}
}

void edges_records(struct edges *e, const struct record *r, const struct edge_traffic *traffic, unsigned int n, uint64_t now)
{
	struct key key[EDGES_BATCH];

	for (unsigned int i = 0; i < n; i++) {
		key_make(e, r[i].name, r[i].proto, r[i].dport, &key[i]);
		__builtin_prefetch(&e->index[key[i].hash & e->mask]);
	}
	for (unsigned int i = 0; i < n; i++) {
		const struct slot *s = &e->slot[e->index[key[i].hash & e->mask]];

		__builtin_prefetch(s, 1);
		__builtin_prefetch((const char *)s + 64, 1);
	}
	for (unsigned int i = 0; i < n; i++) {
		struct slot *s = &e->slot[find_or_add(e, &key[i], now)];

		write_begin(e, s, now);
		count_record(e, &s->sums, &r[i], &traffic[i]);
		write_end(s);
	}
}

void edges_live_begin(struct edges *e)
{
	memset(e->live, 0, e->end * sizeof(*e->live));
}

void edges_live(struct edges *e, const struct edge_flow *f, uint64_t now)
{
	const struct edge_traffic *t = &f->traffic;
	bool silent = !(t->packets[0] | t->packets[1] | t->bytes[0] | t->bytes[1]);
	struct slot *s;
	struct key k;
	uint32_t i;

	if (silent && !f->live)		/* else an edge that left would come back for it, to leave again */
		return;
	if (!counts_here(e, f->source_endpoint, f->name[WEIR_EGRESS])) {
		count_elsewhere(e, t);
		return;
	}
	key_make(e, f->name, f->proto, f->port, &k);
	i = find_or_add(e, &k, now);
	e->live[i] += f->live;
	if (silent)
		return;
	s = &e->slot[i];
	write_begin(e, s, now);
	count_traffic(e, &s->sums, t, f->cut);
	write_end(s);
}

static void index_remove(struct edges *e, uint32_t hash, uint32_t i)
{
	uint32_t at = hash & e->mask, next;

	while (e->index[at] != i)
		at = (at + 1) & e->mask;
	/* those behind it move up, unless they are where they belong */
	for (next = (at + 1) & e->mask; e->index[next]; next = (next + 1) & e->mask) {
		const struct slot *s = &e->slot[e->index[next]];
		struct key k = { .group = { s->group[0], s->group[1] }, .port = s->port, .proto = s->proto };
		uint32_t home = hash_of(&k) & e->mask;

		if (((next - home) & e->mask) < ((next - at) & e->mask))
			continue;
		e->index[at] = e->index[next];
		at = next;
	}
	e->index[at] = NONE;
}

static void pair_remove(struct edges *e, const struct key *k, uint32_t i)
{
	uint32_t *at = &e->pairs[pair_hash(e, k)];

	while (*at != i)
		at = &e->slot[*at].pair;
	*at = e->slot[i].pair;
}

/* Its sums go on under "other", so that nothing is missed in the whole. */
static void remove_edge(struct edges *e, uint32_t i, uint64_t now)
{
	struct slot *s = &e->slot[i], *other = &e->slot[EDGES_OTHER];
	struct key k = { .group = { s->group[0], s->group[1] }, .port = s->port, .proto = s->proto };
	struct key whole = k;
	uint32_t pair;

	k.hash = hash_of(&k);
	index_remove(e, k.hash, i);
	pair_remove(e, &k, i);
	whole.port = 0;
	whole.hash = hash_of(&whole);
	pair = find(e, &whole);
	if (pair)
		e->slot[pair].full = false;
	write_begin(e, other, now);
	other->sums.opened += s->sums.opened;
	other->sums.closed += s->sums.closed;
	other->sums.denied += s->sums.denied;
	other->sums.dropped += s->sums.dropped;
	other->sums.would_deny += s->sums.would_deny;
	for (int side = 0; side < 2; side++) {
		other->sums.packets[side] += s->sums.packets[side];
		other->sums.bytes[side] += s->sums.bytes[side];
	}
	other->sums.handshakes += s->sums.handshakes;
	other->sums.handshake_us += s->sums.handshake_us;
	other->sums.answers += s->sums.answers;
	other->sums.answer_us += s->sums.answer_us;
	for (int b = 0; b < EDGES_BUCKETS; b++)
		other->sums.handshake_bucket[b] += s->sums.handshake_bucket[b];
	write_end(other);
	write_begin(e, s, now);
	for (int dir = 0; dir < WEIR_DIRS; dir++) {
		ends_group_drop(e->ends, s->group[dir]);
		s->group[dir] = NULL;
	}
	s->version = 0;
	write_end(s);
	s->free = e->free;
	e->free = i;
	e->counts.edges--;
	__atomic_store_n(&e->removed, e->removed + 1, __ATOMIC_RELEASE);
}

void edges_live_end(struct edges *e, uint64_t now)
{
	for (uint32_t i = EDGES_OTHER; i < e->end; i++) {
		struct slot *s = &e->slot[i];

		if (s->version && s->sums.live != e->live[i]) {
			write_begin(e, s, now);
			s->sums.live = e->live[i];
			write_end(s);
		}
		if (i >= EDGES_FIRST && s->version && !s->sums.live && now - s->last > EDGES_IDLE_S * 1000000000ULL)
			remove_edge(e, i, now);
	}
}

void edges_lost(struct edges *e, uint64_t opened, uint64_t denied, int64_t packets, int64_t bytes, uint64_t now)
{
	struct slot *s = &e->slot[EDGES_LOST];

	if (!opened && !denied && !packets && !bytes)
		return;
	write_begin(e, s, now);
	s->sums.opened += opened;
	s->sums.denied += denied;
	s->sums.packets[0] += packets;
	s->sums.bytes[0] += bytes;
	write_end(s);
}
