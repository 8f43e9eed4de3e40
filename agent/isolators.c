// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/cluster.h"
#include "agent/isolators.h"
#include "lib/word.h"

#define WAYS 4				/* places of one key */
#define LIST 4096			/* bytes of names */
#define AT_ONCE_NS 2000000ULL
#define REST_LEAST_MS 20
#define NOW_MOST 32			/* worked out at once in a window */
#define NOW_WINDOW_NS 500000000ULL

/* What is known of one pod and direction.  Never changes. */
struct who {
	struct isolators_who public;
	uint32_t name, version;
	uint8_t dir;
	uint64_t mark;			/* out of use: freed when everybody has passed it */
	struct who *next;
	const char *policy[ISOLATORS_NAMED];
	char bytes[];
};

struct want {
	uint32_t name;
	uint8_t dir;
};

struct isolators {
	struct agent *a;		/* not ours */
	struct who *slot[ISOLATORS_KEPT];
	struct who *limbo;
	unsigned int turn;		/* whose place is taken next */
	uint32_t version;		/* of the policies in force */
	struct loop_timer timer;
	uint64_t window;		/* of isolators_now(): when it began */
	unsigned int now_left;
	pthread_mutex_t lock;		/* of these: */
	struct want want[ISOLATORS_ASKED];
	unsigned int wants;
	bool scheduled;			/* work() will run */
};

static void work(void *ctx);

int isolators_new(struct isolators **out, struct agent *a)
{
	struct isolators *i = calloc(1, sizeof(*i));

	if (!i)
		return -ENOMEM;
	i->a = a;
	pthread_mutex_init(&i->lock, NULL);
	*out = i;
	return 0;
}

void isolators_free(struct isolators *i)
{
	if (!i)
		return;
	loop_cancel(i->a->loop, &i->timer);
	for (unsigned int at = 0; at < ISOLATORS_KEPT; at++)
		free(i->slot[at]);
	while (i->limbo) {
		struct who *w = i->limbo;

		i->limbo = w->next;
		free(w);
	}
	pthread_mutex_destroy(&i->lock);
	free(i);
}

static unsigned int place(uint32_t name, enum weir_dir dir)
{
	uint64_t h = ((uint64_t)name << 1 | dir) * 0x9e3779b97f4a7c15ULL;

	return (h >> 40) % (ISOLATORS_KEPT / WAYS) * WAYS;
}

static const struct who *find(const struct isolators *i, uint32_t name, enum weir_dir dir)
{
	unsigned int at = place(name, dir);

	for (unsigned int way = 0; way < WAYS; way++) {
		const struct who *w = __atomic_load_n(&i->slot[at + way], __ATOMIC_ACQUIRE);

		if (w && w->name == name && w->dir == dir)
			return w;
	}
	return NULL;
}

const struct isolators_who *isolators_get(const struct isolators *i, uint32_t name, enum weir_dir dir)
{
	const struct who *w = i ? find(i, name, dir) : NULL;

	return w && w->version == __atomic_load_n(&i->version, __ATOMIC_ACQUIRE) ? &w->public : NULL;
}

void isolators_want(struct isolators *i, uint32_t name, enum weir_dir dir)
{
	unsigned int at = 0;

	if (!i || isolators_get(i, name, dir))
		return;
	pthread_mutex_lock(&i->lock);
	while (at < i->wants && (i->want[at].name != name || i->want[at].dir != dir))
		at++;
	if (at == i->wants && at < ISOLATORS_ASKED)
		i->want[i->wants++] = (struct want){ name, dir };
	if (!i->scheduled)
		i->scheduled = !loop_post(i->a->loop, work, i);
	pthread_mutex_unlock(&i->lock);
}

/* ---------------------------------------------------------------- the loop's thread */

void isolators_committed(struct isolators *i)
{
	if (i)
		__atomic_store_n(&i->version, i->version + 1, __ATOMIC_RELEASE);
}

static void drop_old(struct isolators *i)
{
	struct who **at = &i->limbo, *w;

	while ((w = *at)) {
		if (!quiet_passed(i->a->quiet, w->mark)) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		free(w);
	}
}

/* "" for who is no pod of this node any more. */
static void ask(const struct isolators *i, uint32_t number, enum weir_dir dir, char list[LIST])
{
	const struct name *name = names_get(i->a->names, number);
	struct policy_list policies;
	struct end end;

	list[0] = '\0';
	if (name->kind != NAME_POD || end_of_pod(i->a, NAME_NS(name), NAME_NAME(name), &end))
		return;
	if (!policies_in_force(i->a, NAME_NS(name), &policies)) {
		explain_isolating(policies.v, policies.n, dir, &end.explain, list, LIST);
		policies_drop(&policies);
	}
	end_drop(&end);
}

static void publish(struct isolators *i, struct who *w)
{
	unsigned int at = place(w->name, w->dir), way = 0;
	struct who *old;

	while (way < WAYS && i->slot[at + way] && (i->slot[at + way]->name != w->name || i->slot[at + way]->dir != w->dir))
		way++;
	if (way == WAYS)
		way = i->turn++ % WAYS;
	old = i->slot[at + way];
	__atomic_store_n(&i->slot[at + way], w, __ATOMIC_RELEASE);
	if (!old)
		return;
	old->mark = quiet_mark(i->a->quiet);
	old->next = i->limbo;
	i->limbo = old;
}

static void work_out(struct isolators *i, uint32_t name, enum weir_dir dir)
{
	char list[LIST], *policy[LIST / 4];
	struct who *w;
	size_t size, n;

	ask(i, name, dir, list);
	size = strlen(list) + 1;
	w = malloc(sizeof(*w) + size);
	if (!w)
		return;
	*w = (struct who){ .name = name, .dir = dir, .version = i->version };
	memcpy(w->bytes, list, size);
	n = word_split(w->bytes, policy, sizeof(policy) / sizeof(policy[0]));
	w->public.named = n < ISOLATORS_NAMED ? n : ISOLATORS_NAMED;
	w->public.more = n - w->public.named;
	w->public.policy = w->policy;
	memcpy(w->policy, policy, w->public.named * sizeof(*policy));
	publish(i, w);
}

static bool next_want(struct isolators *i, struct want *out)
{
	bool some;

	pthread_mutex_lock(&i->lock);
	some = i->wants;
	if (some)
		*out = i->want[--i->wants];
	else
		i->scheduled = false;
	pthread_mutex_unlock(&i->lock);
	return some;
}

static void work(void *ctx)
{
	struct isolators *i = ctx;
	uint64_t began = agent_now(), took = 0;
	struct want want;
	bool some = false;

	drop_old(i);
	while (took < AT_ONCE_NS && (some = next_want(i, &want))) {
		if (!isolators_get(i, want.name, want.dir))
			work_out(i, want.name, want.dir);
		took = agent_now() - began;
	}
	if (!some)
		return;
	took = took * ISOLATORS_REST / 1000000;
	loop_after(i->a->loop, &i->timer, took > REST_LEAST_MS ? took : REST_LEAST_MS, work, i);
}

const struct isolators_who *isolators_now(struct isolators *i, uint32_t name, enum weir_dir dir)
{
	const struct isolators_who *who = isolators_get(i, name, dir);

	if (who || !i)
		return who;
	if (agent_now() - i->window > NOW_WINDOW_NS) {
		i->window = agent_now();
		i->now_left = NOW_MOST;
	}
	if (!i->now_left) {
		isolators_want(i, name, dir);
		return NULL;
	}
	i->now_left--;
	work_out(i, name, dir);
	return isolators_get(i, name, dir);
}
