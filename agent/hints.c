// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/hints.h"
#include "agent/nearest.h"
#include "lib/word.h"

#define PATIENCE_MS 20			/* a question that would wait longer for its turn is not asked */

enum answer_state { EMPTY, ASKED, KNOWN };

struct kept_hint {
	enum answer_state state;
	struct nearest_key key;
	char *text;			/* the sentence, zero, the list; NULL: neither */
};

struct batch {
	struct errand errand;
	struct hints *h;
	unsigned int n;
	uint64_t took_ns;
	struct record record[HINTS_BATCH];
	struct nearest_key key[HINTS_BATCH];
	struct nearest_answer answer[HINTS_BATCH];
};

struct hints {
	struct agent *a;		/* not ours */
	struct errands *errands;	/* not ours */
	struct rpc_loop *rpc;		/* not ours */
	void (*news)(void *ctx);
	void *ctx;
	struct batch *next, *away;	/* being filled; on its way.  NULL: none */
	uint64_t rests_until;		/* milliseconds, as rpc_now_ms() */
	struct rpc_timer timer;
	char *isolating[HINT_ISOLATING];
	char list[HINT_LIST];
	struct hints_counts counts;
	struct kept_hint kept[HINTS_KEPT];
};

static void on_time(void *ctx);

int hints_new(struct hints **out, struct agent *a, struct errands *errands, struct rpc_loop *rpc,
	      void (*news)(void *ctx), void *ctx)
{
	struct hints *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->a = a;			/* not ours */
	h->errands = errands;		/* not ours */
	h->rpc = rpc;			/* not ours */
	h->news = news;
	h->ctx = ctx;
	*out = h;
	return 0;
}

void hints_free(struct hints *h)
{
	if (!h)
		return;
	for (unsigned int i = 0; i < HINTS_KEPT; i++)
		free(h->kept[i].text);
	rpc_timer_stop(h->rpc, &h->timer);
	free(h->next);
	free(h);
}

void hints_count(const struct hints *h, struct hints_counts *out)
{
	out->asked = __atomic_load_n(&h->counts.asked, __ATOMIC_RELAXED);
	out->answered = __atomic_load_n(&h->counts.answered, __ATOMIC_RELAXED);
	out->refused = __atomic_load_n(&h->counts.refused, __ATOMIC_RELAXED);
}

static struct kept_hint *place_of(struct hints *h, const struct nearest_key *key)
{
	return &h->kept[nearest_hash(key) % HINTS_KEPT];
}

static void tell(struct hints *h, const struct kept_hint *k, struct hint *out)
{
	const char *list = k->text ? k->text + strlen(k->text) + 1 : "";

	out->nearest = k->text ? k->text : "";
	snprintf(h->list, sizeof(h->list), "%s", list);
	out->isolating = (const char *const *)h->isolating;
	out->isolatings = word_split(h->list, h->isolating, HINT_ISOLATING);
}

/* Room in the batch that goes next, and not too far off. */
static bool has_time(struct hints *h)
{
	if (h->rests_until > rpc_now_ms() + PATIENCE_MS)
		return false;
	if (!h->next && (h->next = calloc(1, sizeof(*h->next))))
		h->next->h = h;
	return h->next && h->next->n < HINTS_BATCH;
}

/* When the loop's thread has had its rest; and not before all that is asked in one go is together. */
static void schedule(struct hints *h)
{
	uint64_t now = rpc_now_ms();

	rpc_timer_set(h->rpc, &h->timer, h->rests_until > now ? h->rests_until - now : 0, on_time, h);
}

static void ask(struct hints *h, const struct record *r, const struct nearest_key *key)
{
	struct batch *b = h->next;

	b->record[b->n] = *r;
	b->key[b->n++] = *key;
	__atomic_fetch_add(&h->counts.asked, 1, __ATOMIC_RELAXED);
	if (b->n == 1 && !h->away)
		schedule(h);
}

enum hint_state hints_get(struct hints *h, const struct record *r, struct hint *out)
{
	struct nearest_key key;
	struct kept_hint *k;

	if (!nearest_key(h->a, r, &key))
		return HINT_NONE;
	k = place_of(h, &key);
	if (k->state != EMPTY && !memcmp(&k->key, &key, sizeof(key))) {
		if (k->state == ASKED)
			return HINT_ASKED;
		tell(h, k, out);
		return HINT_KNOWN;
	}
	if (!has_time(h)) {
		__atomic_fetch_add(&h->counts.refused, 1, __ATOMIC_RELAXED);
		return HINT_NONE;
	}
	free(k->text);
	*k = (struct kept_hint){ .state = ASKED, .key = key };
	ask(h, r, &key);
	return HINT_ASKED;
}

/* On the loop's thread. */
static void on_work(struct errand *e)
{
	struct batch *b = (struct batch *)e;
	uint64_t began = agent_now();

	for (unsigned int i = 0; i < b->n; i++)
		nearest_work(b->h->a, &b->record[i], &b->answer[i]);
	b->took_ns = agent_now() - began;
}

static void keep(struct hints *h, const struct nearest_key *key, const struct nearest_answer *answer, bool done)
{
	struct kept_hint *k = place_of(h, key);
	size_t text = strlen(answer->text) + 1, list = strlen(answer->isolating) + 1;

	if (k->state != ASKED || memcmp(&k->key, key, sizeof(*key)))
		return;			/* another question has its place now */
	k->state = done ? KNOWN : EMPTY;
	k->text = done && text + list > 2 ? malloc(text + list) : NULL;
	if (!k->text)
		return;
	memcpy(k->text, answer->text, text);
	memcpy(k->text + text, answer->isolating, list);
}

static void on_back(struct errand *e, bool done)
{
	struct batch *b = (struct batch *)e;
	struct hints *h = b->h;

	for (unsigned int i = 0; i < b->n; i++)
		keep(h, &b->key[i], &b->answer[i], done);
	__atomic_fetch_add(&h->counts.answered, b->n, __ATOMIC_RELAXED);
	h->away = NULL;
	if (!done) {
		free(b);
		return;
	}
	h->rests_until = rpc_now_ms() + b->took_ns * HINTS_REST / 1000000;
	free(b);
	if (h->next)
		schedule(h);
	h->news(h->ctx);
}

/* What could not be asked will be asked anew when somebody wants to know. */
static void forget(struct hints *h, struct batch *b)
{
	struct nearest_answer nothing = { "", "" };

	for (unsigned int i = 0; i < b->n; i++)
		keep(h, &b->key[i], &nothing, false);
	free(b);
}

static void on_time(void *ctx)
{
	struct hints *h = ctx;
	struct batch *b = h->next;

	if (!b || h->away)
		return;
	h->next = NULL;
	b->errand.work = on_work;
	b->errand.back = on_back;
	if (errand_send(h->errands, &b->errand))
		forget(h, b);
	else
		h->away = b;
}
