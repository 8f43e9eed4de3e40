// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/edges_inside.h"
#include "weir/v1/agent.pb-c.h"

#define NOTES_PER_ROW 4
#define SECOND 1000000000ULL
#define REMEMBER_S (24 * 3600)		/* a node that went: the instance of its agent */

/* --- Rows. --- */

static uint64_t hash_text(uint64_t h, const char *text)
{
	do {
		h = (h ^ (uint8_t)*text) * 0x100000001b3ULL;
	} while (*text++);
	return h;
}

static uint64_t hash_edge(const Weir__V1__Edge *in)
{
	uint64_t h = 0xcbf29ce484222325ULL ^ ((uint64_t)in->protocol << 32 | in->port) * 0x9e3779b97f4a7c15ULL;
	const Weir__V1__EdgeEnd *end[] = { in->source, in->destination };

	for (int i = 0; i < 2; i++) {
		h = hash_text(h, end[i] ? end[i]->namespace_ : "");
		h = hash_text(h, end[i] ? end[i]->workload : "");
		h = hash_text(h, end[i] ? end[i]->kind : "");
	}
	h ^= h >> 29;
	return h * 0xbf58476d1ce4e5b9ULL;
}

static const char *copy_text(char **to, const char *text)
{
	const char *at = *to;

	*to = stpcpy(*to, text) + 1;
	return at;
}

static int set_ends(struct edges *e, struct row *r, const Weir__V1__EdgeEnd *source, const Weir__V1__EdgeEnd *destination)
{
	const Weir__V1__EdgeEnd nobody = WEIR__V1__EDGE_END__INIT, *end[] = { source ? source : &nobody,
									     destination ? destination : &nobody };
	struct edge_end *out[] = { &r->edge.source, &r->edge.destination };
	size_t size = 0;
	char *at;

	for (int i = 0; i < 2; i++)
		size += strlen(end[i]->namespace_) + strlen(end[i]->workload) + strlen(end[i]->kind) + 3;
	at = r->texts = malloc(size);
	if (!at)
		return -ENOMEM;
	r->texts_size = size;
	e->texts += size;
	for (int i = 0; i < 2; i++) {
		out[i]->ns = copy_text(&at, end[i]->namespace_);
		out[i]->workload = copy_text(&at, end[i]->workload);
		out[i]->kind = copy_text(&at, end[i]->kind);
	}
	return 0;
}

static uint32_t row_find(const struct edges *e, uint64_t hash)
{
	uint32_t i = e->row_bucket[hash & (e->buckets - 1)];

	while (i != NONE && e->row[i].hash != hash)
		i = e->row[i].next;
	return i;
}

/* NONE: there is no room. */
static uint32_t row_new(struct edges *e, uint64_t hash, const Weir__V1__Edge *in)
{
	uint32_t i = e->free_row, *bucket = &e->row_bucket[hash & (e->buckets - 1)];
	uint32_t next = i != NONE ? e->row[i].next : 0;
	struct row *r;

	if (i == NONE && e->end == e->capacity)
		return NONE;
	if (i == NONE)
		i = e->end;
	r = &e->row[i];
	*r = (struct row){ .hash = hash, .next = *bucket, .used = true };
	r->edge.port = in->port;
	r->edge.proto = in->protocol;
	if (set_ends(e, r, in->source, in->destination)) {
		r->used = false;
		r->next = next;
		return NONE;
	}
	if (i == e->end)
		e->end++;
	else
		e->free_row = next;
	*bucket = i;
	e->counts.edges++;
	return i;
}

static void drop_author(struct edges *e, struct row *r)
{
	e->texts -= r->edge.author_size;
	free((uint8_t *)r->edge.author);
	r->edge.author = NULL;
	r->edge.author_size = 0;
}

static void row_free(struct edges *e, uint32_t i)
{
	struct row *r = &e->row[i];
	uint32_t *at = &e->row_bucket[r->hash & (e->buckets - 1)];

	while (*at != i)
		at = &e->row[*at].next;
	*at = r->next;
	drop_author(e, r);
	free(r->texts);
	e->texts -= r->texts_size;
	*r = (struct row){ .next = e->free_row };
	e->free_row = i;
	e->counts.edges--;
}

static void touch(struct edges *e, struct row *r, uint64_t now)
{
	r->edge.version = ++e->version;
	if (now)
		r->edge.changed = now;
}

void row_live(struct edges *e, struct row *r, struct note *note, uint32_t live)
{
	if (note->live == live)
		return;
	r->edge.live += live;
	r->edge.live -= note->live;
	note->live = live;
	touch(e, r, 0);
}

static bool add(struct edges *e, struct row *r, const struct moved *m, uint64_t now)
{
	uint64_t any = 0;

	for (int k = 0; k < EDGE_SUMS; k++)
		any |= m->sum[k];
	if (!any)
		return false;
	for (int k = 0; k < EDGE_SUMS; k++)
		r->edge.sum[k] += m->sum[k];
	for (int k = 0; k < EDGES_BUCKETS; k++)
		r->edge.bucket[k] += m->bucket[k];
	touch(e, r, now);
	return true;
}

/* --- What a node tells. --- */

static void read_sums(const Weir__V1__Edge *in, uint64_t *sum)
{
	sum[EDGE_OPENED] = in->opened;
	sum[EDGE_DENIED] = in->denied;
	sum[EDGE_WOULD_DENY] = in->would_deny;
	sum[EDGE_DROPPED] = in->dropped;
	sum[EDGE_PACKETS] = in->packets;
	sum[EDGE_BYTES] = in->bytes;
	sum[EDGE_REPLY_PACKETS] = in->reply_packets;
	sum[EDGE_REPLY_BYTES] = in->reply_bytes;
	sum[EDGE_CLOSED] = in->closed;
	sum[EDGE_HANDSHAKES] = in->handshakes;
	sum[EDGE_HANDSHAKE_US] = in->handshake_us;
	sum[EDGE_ANSWERS] = in->answers;
	sum[EDGE_ANSWER_US] = in->answer_us;
}

/* What is new since the note, which then says what was told.  A sum that fell began anew. */
static void difference(struct note *note, const Weir__V1__Edge *in, struct moved *out)
{
	uint64_t sum[EDGE_SUMS];
	bool anew = false;

	read_sums(in, sum);
	for (int k = 0; k < EDGE_SUMS; k++)
		anew |= sum[k] < note->sum[k];
	for (int k = 0; k < EDGE_SUMS; k++) {
		out->sum[k] = sum[k] - (anew ? 0 : note->sum[k]);
		note->sum[k] = sum[k];
	}
	for (int k = 0; k < EDGES_BUCKETS; k++) {
		uint32_t n = (size_t)k < in->n_handshake_bucket ? in->handshake_bucket[k] : 0;

		out->bucket[k] = (uint32_t)(n - (anew ? 0 : note->bucket[k]));
		note->bucket[k] = n;
	}
}

static void set_author(struct edges *e, struct row *r, const Weir__V1__Edge *in, const Weir__V1__EdgesReply *reply)
{
	const Weir__V1__Decision *by = in->denied_rule && in->denied_rule <= reply->n_author ? reply->author[in->denied_rule - 1]
												: NULL;
	uint8_t packed[EDGES_AUTHOR], *copy;
	size_t size = by ? weir__v1__decision__get_packed_size(by) : 0;

	if (!size || size > sizeof(packed))
		return;
	weir__v1__decision__pack(by, packed);
	if (size == r->edge.author_size && !memcmp(packed, r->edge.author, size))
		return;
	copy = malloc(size);
	if (!copy)
		return;
	drop_author(e, r);
	r->edge.author = memcpy(copy, packed, size);
	r->edge.author_size = size;
	e->texts += size;
}

/* The edge's row, or "other" if there is no room for one. */
static uint32_t row_of(struct edges *e, uint64_t hash, const Weir__V1__Edge *in)
{
	uint32_t i = row_find(e, hash);

	if (i == NONE)
		i = row_new(e, hash, in);
	if (i == NONE) {
		i = EDGES_OTHER;
		e->counts.folded++;
	}
	e->row[i].notes++;
	return i;
}

static void take_edge(struct edges *e, uint32_t number, const Weir__V1__Edge *in, const Weir__V1__EdgesReply *reply,
		      uint64_t now)
{
	struct node *n = e->node[number];
	uint64_t hash = hash_edge(in);
	struct moved new = { 0 };
	bool fresh;
	struct note *note = notes_get(e, number, hash, &fresh);
	struct row *r;

	if (!note) {
		e->counts.unnoted++;
		return;
	}
	if (fresh)
		note->row = row_of(e, hash, in);
	note->pass = n->pass;
	r = &e->row[note->row];
	difference(note, in, &new);
	row_live(e, r, note, in->live);
	if (n->forgotten)
		return;			/* counted before it was forgotten */
	if (n->whole && hash == e->row[EDGES_OTHER].hash) {
		n->other = new;		/* may hold what other edges of it were: known at the end */
		return;
	}
	if (add(e, r, &new, now) && new.sum[EDGE_DENIED] && note->row != EDGES_OTHER)
		set_author(e, r, in, reply);
	if (new.sum[EDGE_DENIED])
		r->edge.denied_egress = in->denied_egress;
}

static uint32_t where_of(struct edges *e, const char *where)
{
	uint32_t i = 0;

	while (i < LOST_WHERE - 1 && e->where[i][0] && strncmp(e->where[i], where, sizeof(e->where[i]) - 1))
		i++;
	if (!e->where[i][0])
		snprintf(e->where[i], sizeof(e->where[i]), "%s", i == LOST_WHERE - 1 ? "elsewhere" : where);
	return i;
}

static void take_lost(struct edges *e, struct node *n, const Weir__V1__EdgesReply *reply)
{
	uint64_t told[LOST_WHERE] = { 0 };

	for (size_t i = 0; i < reply->n_lost; i++)
		told[where_of(e, reply->lost[i]->where)] += reply->lost[i]->events;
	for (uint32_t i = 0; reply->n_lost && i < LOST_WHERE; i++) {
		if (told[i] > n->lost[i] && !n->forgotten)
			e->lost[i] += told[i] - n->lost[i];
		n->lost[i] = told[i];
	}
}

static void begin_instance(struct edges *e, struct node *n, uint64_t instance)
{
	notes_drop(e, n, UINT32_MAX, NULL);
	e->counts.restarts += n->instance != 0;
	n->instance = instance;
	n->whole = n->forgotten = false;
	memset(n->lost, 0, sizeof(n->lost));
}

/* All has been told: what was not is now under the node's "other", and is not counted there again. */
static void end_whole(struct edges *e, struct node *n, uint64_t now)
{
	struct moved gone = { 0 };

	notes_drop(e, n, n->pass, &gone);
	for (int k = 0; k < EDGE_SUMS; k++)
		n->other.sum[k] -= gone.sum[k] < n->other.sum[k] ? gone.sum[k] : n->other.sum[k];
	for (int k = 0; k < EDGES_BUCKETS; k++)
		n->other.bucket[k] -= gone.bucket[k] < n->other.bucket[k] ? gone.bucket[k] : n->other.bucket[k];
	add(e, &e->row[EDGES_OTHER], &n->other, now);
	n->whole = n->forgotten = false;
}

void edges_take(struct edges *e, const char *node, const Weir__V1__EdgesReply *reply, uint64_t now)
{
	struct node *n = notes_node(e, node, true);
	uint32_t number;

	if (!n) {
		e->counts.unnoted += reply->n_edge;
		return;
	}
	number = notes_number(e, n);
	if (n->instance != reply->instance)
		begin_instance(e, n, reply->instance);
	n->gone = 0;
	if (reply->whole && !n->whole) {
		n->whole = true;
		n->pass++;
		n->other = (struct moved){ 0 };
	}
	for (size_t i = 0; i < reply->n_edge; i++)
		take_edge(e, number, reply->edge[i], reply, now);
	take_lost(e, n, reply);
	if (reply->last && n->whole)
		end_whole(e, n, now);
}

/* --- Nodes that fall silent, edges that grow old. --- */

void edges_silent(struct edges *e, const char *node)
{
	struct node *n = notes_node(e, node, false);

	for (uint32_t i = n ? n->first : NONE; i != NONE; i = e->note[i].of_node)
		row_live(e, &e->row[e->note[i].row], &e->note[i], 0);
	if (n)
		n->whole = false;
}

void edges_gone(struct edges *e, const char *node, uint64_t now)
{
	struct node *n = notes_node(e, node, false);

	edges_silent(e, node);
	if (n)
		n->gone = now;
}

static void expire_row(struct edges *e, uint32_t i, uint64_t now)
{
	struct row *r = &e->row[i];
	struct moved m;

	memcpy(m.sum, r->edge.sum, sizeof(m.sum));
	memcpy(m.bucket, r->edge.bucket, sizeof(m.bucket));
	add(e, &e->row[EDGES_OTHER], &m, now);
	row_free(e, i);
	e->removed++;
	e->version++;
}

void edges_expire(struct edges *e, uint64_t now)
{
	for (uint32_t i = 0; i < e->nodes; i++) {
		struct node *n = e->node[i];

		if (!n || !n->gone || now - n->gone < EDGES_IDLE_S * SECOND)
			continue;
		notes_drop(e, n, UINT32_MAX, NULL);
		n->forgotten = true;
		if (now - n->gone > REMEMBER_S * SECOND)
			notes_drop_node(e, n);
	}
	for (uint32_t i = EDGES_OTHER + 1; i < e->end; i++)
		if (e->row[i].used && !e->row[i].notes && now - e->row[i].edge.changed > EDGES_IDLE_S * SECOND)
			expire_row(e, i, now);
}

/* --- The whole. --- */

int edges_open(struct edges **out, unsigned int capacity)
{
	Weir__V1__EdgeEnd end = WEIR__V1__EDGE_END__INIT;
	Weir__V1__Edge other = WEIR__V1__EDGE__INIT;
	struct edges *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->capacity = (capacity ? capacity : EDGES_DEFAULT) + 1;
	e->notes_capacity = e->capacity * NOTES_PER_ROW;
	e->free_row = NONE;
	for (e->buckets = 64; e->buckets < e->capacity; e->buckets *= 2)
		;
	e->row = calloc(e->capacity, sizeof(*e->row));
	e->row_bucket = malloc(e->buckets * sizeof(*e->row_bucket));
	if (!e->row || !e->row_bucket || notes_open(e)) {
		edges_close(e);
		return -ENOMEM;
	}
	memset(e->row_bucket, 0xff, e->buckets * sizeof(*e->row_bucket));
	end.workload = (char *)"other";
	other.source = other.destination = &end;
	if (row_new(e, hash_edge(&other), &other) != EDGES_OTHER) {
		edges_close(e);
		return -ENOMEM;
	}
	*out = e;
	return 0;
}

void edges_close(struct edges *e)
{
	if (!e)
		return;
	for (uint32_t i = 0; i < e->end; i++) {
		free(e->row[i].texts);
		free((uint8_t *)e->row[i].edge.author);
	}
	notes_close(e);
	free(e->row);
	free(e->row_bucket);
	free(e);
}

unsigned int edges_end(const struct edges *e)
{
	return e->end;
}

const struct edge *edges_at(const struct edges *e, unsigned int i)
{
	return i < e->end && e->row[i].used ? &e->row[i].edge : NULL;
}

uint64_t edges_version(const struct edges *e)
{
	return e->version;
}

uint64_t edges_removed(const struct edges *e)
{
	return e->removed;
}

void edges_count(const struct edges *e, struct edges_counts *out)
{
	*out = e->counts;
	out->capacity = e->capacity;
	out->notes_capacity = e->notes_capacity;
	out->nodes = e->nodes;
	out->bytes = e->end * sizeof(*e->row) + e->notes_room * sizeof(*e->note) + e->texts +
		     (e->buckets + e->note_buckets) * sizeof(uint32_t);
}

unsigned int edges_of(const struct edges *e, const char *node)
{
	const struct node *n = notes_node((struct edges *)e, node, false);

	return n ? n->notes : 0;
}

bool edges_lost(const struct edges *e, unsigned int i, struct edges_lost *out)
{
	if (i >= LOST_WHERE || !e->where[i][0])
		return false;
	*out = (struct edges_lost){ e->where[i], e->lost[i] };
	return true;
}
