// SPDX-License-Identifier: Apache-2.0
// One heap of all nodes: by its first message, or, of a node whose queue is empty, by its watermark.  If the least is a
// message, it goes out; if it is a watermark, that node is what the merge waits for.
#include <errno.h>
#include <stdlib.h>

#include "relay/merge.h"

#define ASK_EVERY (25 * MERGE_MS)	/* a node is asked for a mark at most so often */
#define ASK_AGAIN (5 * MERGE_MS)	/* the last mark came too early to help */
#define ASK_FULL  (1 * MERGE_MS)	/* another's queue is full */
#define ASK_TALKS (35 * MERGE_MS)	/* one that speaks all the time will most likely speak again unasked */
#define TALKS	  (120 * MERGE_MS)	/* that is: twice within */
#define AT_ONCE	  (5 * MERGE_MS)	/* what comes within so long is one time */
#define LATE	  (5 * MERGE_MS)	/* we are, if we look so long after we wanted to */

struct merge_source {
	struct merge_source *next;	/* all of them */
	struct merge_source *to_ask;
	struct merge_node node;
	struct queue queue;
	uint64_t water;			/* watermark */
	uint64_t spoke, asked, marked;	/* mono; 0: never; 'spoke' by itself */
	uint64_t before;		/* when it had spoken before that */
	unsigned int at;		/* in the heap, from 1; 0: not in it */
	bool ended, paused;
	bool behind;			/* patience ended: not waited for until it has caught up */
	bool wanted;			/* in the list of those to be asked */
};

struct merge {
	struct merge_source *sources, *to_ask;
	struct merge_source **heap;	/* [1..n] */
	unsigned int n, room;
	unsigned int known, live, paused;	/* sources: all, those that go on, those not read */
	struct merge_source *taken;	/* whose first message is with the user */
	struct merge_source *flags;
	uint64_t start;
	uint64_t front;			/* key of the last that went out */
	uint64_t blocked;		/* mono: nothing to look at before, unless something comes; 0: not known */
	uint64_t grace;			/* mono: we were late ourselves, so nobody is given up before */
	unsigned int queued;		/* messages */
	size_t bytes;
	uint64_t dropped;
	bool resume;			/* somebody may have room again */
};

static uint64_t key(const struct merge_source *s)
{
	return s->queue.count ? queue_first(&s->queue)->key : s->water;
}

/* At the same time, messages go before those that are waited for. */
static bool less(const struct merge_source *a, const struct merge_source *b)
{
	uint64_t ka = key(a), kb = key(b);

	return ka < kb || (ka == kb && a->queue.count && !b->queue.count);
}

static void heap_put(struct merge *m, unsigned int at, struct merge_source *s)
{
	m->heap[at] = s;
	s->at = at;
}

static void heap_up(struct merge *m, unsigned int at)
{
	struct merge_source *s = m->heap[at];

	for (; at > 1 && less(s, m->heap[at / 2]); at /= 2)
		heap_put(m, at, m->heap[at / 2]);
	heap_put(m, at, s);
}

static void heap_down(struct merge *m, unsigned int at)
{
	struct merge_source *s = m->heap[at];

	for (unsigned int child; (child = at * 2) <= m->n; at = child) {
		if (child < m->n && less(m->heap[child + 1], m->heap[child]))
			child++;
		if (!less(m->heap[child], s))
			break;
		heap_put(m, at, m->heap[child]);
	}
	heap_put(m, at, s);
}

static void heap_remove(struct merge *m, struct merge_source *s)
{
	struct merge_source *last = m->heap[m->n--];
	unsigned int at = s->at;

	s->at = 0;
	if (last == s)
		return;
	heap_put(m, at, last);
	heap_up(m, at);
	heap_down(m, last->at);
}

/* After anything about it has changed. */
static void place(struct merge *m, struct merge_source *s)
{
	bool in = s->queue.count || (!s->ended && !s->behind && s != m->flags);

	if (in && s->at) {
		heap_up(m, s->at);
		heap_down(m, s->at);
	} else if (in) {
		heap_put(m, ++m->n, s);
		heap_up(m, m->n);
	} else if (s->at) {
		heap_remove(m, s);
	}
}

int merge_new(struct merge **out, uint64_t start)
{
	struct merge *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->start = start;
	*out = m;
	return 0;
}

static void source_free(struct merge *m, struct merge_source *s)
{
	struct merge_source **p = &m->sources;

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	m->known--;
	for (p = &m->to_ask; s->wanted && *p; p = &(*p)->to_ask) {
		if (*p != s)
			continue;
		*p = s->to_ask;
		break;
	}
	if (s == m->flags)
		m->flags = NULL;
	queue_free(&s->queue);
	free(s);
}

void merge_free(struct merge *m)
{
	if (!m)
		return;
	while (m->sources)
		source_free(m, m->sources);
	free(m->heap);
	free(m);
}

struct merge_source *merge_add(struct merge *m, const struct merge_node *node)
{
	struct merge_source *s = calloc(1, sizeof(*s));
	unsigned int room = m->room ? m->room : 8;

	while (room < m->known + 2)
		room *= 2;
	if (s && room > m->room) {
		struct merge_source **heap = realloc(m->heap, room * sizeof(*heap));

		if (!heap) {
			free(s);
			return NULL;
		}
		m->heap = heap;
		m->room = room;
	}
	if (!s)
		return NULL;
	s->node = *node;
	s->water = node->from;
	s->next = m->sources;
	m->sources = s;
	m->known++;
	m->live++;
	m->blocked = 0;
	place(m, s);
	return s;
}

static bool may_resume(const struct merge *m, const struct merge_source *s)
{
	return s->queue.count <= MERGE_MESSAGES / 2 && s->queue.bytes <= MERGE_BYTES / 2 &&
	       (s->queue.bytes <= MERGE_FLOOR / 2 || m->bytes < MERGE_POOL / 2);
}

/* The first message that is with the user leaves its queue. */
static void drop_taken(struct merge *m)
{
	struct merge_source *s = m->taken;
	size_t before;
	bool full = m->bytes >= MERGE_POOL / 2;

	if (!s)
		return;
	m->taken = NULL;
	before = s->queue.bytes;
	queue_pop(&s->queue);
	m->bytes -= before - s->queue.bytes;
	m->queued--;
	m->resume |= (s->paused && may_resume(m, s)) || (m->paused && full && m->bytes < MERGE_POOL / 2);
	place(m, s);
	if (s->ended && !s->queue.count)
		source_free(m, s);
}

void merge_end(struct merge *m, struct merge_source *s)
{
	if (s->paused)
		m->paused--;
	s->paused = false;
	s->ended = true;
	m->live--;
	m->blocked = 0;
	place(m, s);
	if (!s->queue.count)
		source_free(m, s);
}

void merge_shift(struct merge_source *s, int64_t shift)
{
	s->node.shift = shift;
}

/* Where in the order a time of that node belongs. */
static uint64_t ordered(struct merge_source *s, uint64_t time, const struct merge_now *now)
{
	uint64_t k = time - (uint64_t)s->node.shift;

	if (!time)
		return s->water ? s->water : now->real;
	if (s->node.shift > 0 && time < (uint64_t)s->node.shift)
		return 0;
	if (k <= now->real + MERGE_AHEAD)
		return k;
	s->node.counts->ahead++;
	return now->real;
}

/* It has spoken: up to 'k' all is here. */
static void heard(struct merge *m, struct merge_source *s, uint64_t k)
{
	if (k > s->water)
		s->water = k;
	if (s->behind && s->water >= m->front)
		s->behind = false;
}

static bool has_room(const struct merge *m, const struct merge_source *s)
{
	return s->queue.count < MERGE_MESSAGES && s->queue.bytes < MERGE_BYTES &&
	       (s->queue.bytes < MERGE_FLOOR || m->bytes < MERGE_POOL);
}

static int enqueue(struct merge *m, struct merge_source *s, const struct message *head, const void *data)
{
	size_t before = s->queue.bytes;
	/* a push may move the bytes that the user holds */
	int err = (drop_taken(m), queue_push(&s->queue, head, data));

	if (err) {
		m->dropped++;
		return err;
	}
	m->bytes += s->queue.bytes - before;
	m->queued++;
	return 0;
}

bool merge_push(struct merge *m, struct merge_source *s, const struct merge_message *what, const struct merge_now *now)
{
	struct message head = { .arrived = now->mono, .size = what->size, .kind = what->kind };

	head.key = ordered(s, what->time, now);
	if (head.key < s->water && s->water != s->node.from)
		s->node.counts->backwards++;
	drop_taken(m);
	enqueue(m, s, &head, what->data);
	heard(m, s, head.key);
	if (now->mono - s->spoke > AT_ONCE)
		s->before = s->spoke;
	s->spoke = now->mono;
	place(m, s);
	if (has_room(m, s) || s->paused)
		return !s->paused;
	s->paused = true;
	s->node.counts->pauses++;
	m->paused++;
	m->blocked = 0;			/* marks are asked for sooner now */
	return false;
}

void merge_mark(struct merge *m, struct merge_source *s, uint64_t time, const struct merge_now *now)
{
	drop_taken(m);
	s->marked = now->mono;
	heard(m, s, ordered(s, time, now));
	place(m, s);
	m->blocked = 0;			/* it may have come too early to help */
}

int merge_flag(struct merge *m, uint64_t time, uint32_t kind, const struct merge_now *now)
{
	static struct merge_counts nobodys;
	int err;

	drop_taken(m);
	if (!m->flags) {
		m->flags = merge_add(m, &(struct merge_node){ .from = time, .counts = &nobodys });
		if (!m->flags)
			return -ENOMEM;
		m->live--;		/* it keeps nobody waiting */
		place(m, m->flags);
	}
	err = enqueue(m, m->flags, &(struct message){ .key = time, .arrived = now->mono, .kind = kind }, NULL);
	place(m, m->flags);
	return err;
}

/* Of all that is queued, what would go out next. */
static const struct message *candidate(const struct merge *m)
{
	const struct message *best = NULL;

	for (unsigned int i = 1; i <= m->n; i++) {
		const struct message *first = queue_first(&m->heap[i]->queue);

		if (first && (!best || first->key < best->key))
			best = first;
	}
	return best;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Until when 's', which keeps 'first' waiting, is waited for: one that speaks, but of what is long past, for longer
 * than one that is silent. */
static uint64_t patience(const struct merge *m, const struct merge_source *s, const struct message *first)
{
	uint64_t most = first->arrived + MERGE_PATIENCE_SLOW, until;

	if (s->water < m->start)
		return first->arrived + MERGE_PATIENCE_PAST;
	until = later(later(first->arrived, s->spoke) + MERGE_PATIENCE, m->grace);
	return until < most ? until : most;
}

/* When 's', which keeps 'first' waiting, is to be asked for a mark. */
static uint64_t ask_due(const struct merge *m, const struct merge_source *s, const struct message *first)
{
	uint64_t due = first->arrived, every = ASK_EVERY;

	if (m->paused)
		every = ASK_FULL;
	else if (s->marked > s->asked && s->marked > first->arrived)
		every = ASK_AGAIN;
	else if (s->before && s->before + TALKS > first->arrived)
		due = later(first->arrived, s->spoke) + ASK_TALKS;
	if (s->asked && s->asked + every > due)
		due = s->asked + every;
	if (s->asked > s->marked && s->asked + MERGE_PATIENCE > due)
		due = s->asked + MERGE_PATIENCE;	/* its answer is under way */
	return due;
}

static void want(struct merge *m, struct merge_source *s, const struct merge_now *now)
{
	s->asked = now->mono;
	if (s->wanted)
		return;
	s->wanted = true;
	s->to_ask = m->to_ask;
	m->to_ask = s;
}

/* Patience with 's' has ended: the order goes on without it. */
static void give_up(struct merge *m, struct merge_source *s, const struct message *first, const struct merge_now *now)
{
	s->node.counts->waited++;
	if (s->node.marks || s->water < m->start || now->mono >= first->arrived + MERGE_PATIENCE_SLOW)
		s->behind = true;
	else
		s->water = first->key;	/* who cannot be asked is waited for by arrival, each time */
	place(m, s);
}

/* Something is queued, and 's', the least of the heap, has said nothing of that time.  Returns true if the heap has
 * changed, else when to look again. */
static bool look(struct merge *m, const struct merge_now *now, uint64_t *wake)
{
	const struct message *first = candidate(m);
	bool changed = false;

	*wake = UINT64_MAX;
	for (struct merge_source *s = m->sources; s; s = s->next) {
		uint64_t until = patience(m, s, first), due;

		if (!s->at || s->queue.count || s->water >= first->key)
			continue;
		if (until <= now->mono) {
			give_up(m, s, first, now);
			changed = true;
			continue;
		}
		if (until < *wake)
			*wake = until;
		due = s->node.marks ? ask_due(m, s, first) : UINT64_MAX;
		if (due <= now->mono) {
			want(m, s, now);
			due = now->mono + MERGE_PATIENCE;	/* the question may get lost */
		}
		if (due < *wake)
			*wake = due;
	}
	return changed;
}

static void take(struct merge *m, struct merge_source *s, struct merge_item *item)
{
	const struct message *first = queue_first(&s->queue);

	*item = (struct merge_item){ .data = queue_bytes(first), .size = first->size, .time = first->key,
				     .kind = first->kind, .ctx = s == m->flags ? NULL : s->node.ctx };
	s->node.counts->passed++;
	if (first->key < m->front)
		s->node.counts->late++;
	else
		m->front = first->key;
	m->taken = s;
	m->blocked = 0;
}

/* What nodes have said meanwhile is still to be read: their time begins anew. */
static void overslept(struct merge *m, const struct merge_now *now)
{
	uint64_t late = now->mono - m->blocked;

	m->grace = now->mono + (late < MERGE_PATIENCE ? late : MERGE_PATIENCE);
}

enum merge_next merge_next(struct merge *m, const struct merge_now *now, struct merge_item *item, uint64_t *wake)
{
	drop_taken(m);
	if (m->queued && m->blocked && now->mono > m->blocked + LATE)
		overslept(m, now);
	while (m->queued) {
		if (m->heap[1]->queue.count) {
			take(m, m->heap[1], item);
			return MERGE_ITEM;
		}
		if (m->blocked > now->mono || !look(m, now, &m->blocked)) {
			*wake = m->blocked;
			return MERGE_WAIT;
		}
	}
	*wake = UINT64_MAX;
	return m->live ? MERGE_IDLE : MERGE_DONE;
}

void *merge_ask(struct merge *m)
{
	struct merge_source *s = m->to_ask;

	if (!s)
		return NULL;
	m->to_ask = s->to_ask;
	s->wanted = false;
	return s->node.ctx;
}

void *merge_resume(struct merge *m)
{
	drop_taken(m);
	for (struct merge_source *s = m->resume ? m->sources : NULL; s; s = s->next) {
		if (!s->paused || !may_resume(m, s))
			continue;
		s->paused = false;
		m->paused--;
		return s->node.ctx;
	}
	m->resume = false;
	return NULL;
}

bool merge_holds(const struct merge *m, const void *ctx)
{
	const struct merge_source *s = m->sources;

	while (s && s->node.ctx != ctx)
		s = s->next;
	return s;
}

size_t merge_bytes(const struct merge *m)
{
	return m->bytes;
}

uint64_t merge_dropped(const struct merge *m)
{
	return m->dropped;
}
