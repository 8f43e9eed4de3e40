// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "agent/quiet.h"

#define AWAY UINT64_MAX

struct quiet {
	uint64_t now;
	struct {
		uint64_t seen __attribute__((aligned(64)));	/* 'now' at its last quiet point; AWAY */
	} thread[QUIET_THREADS];
};

int quiet_new(struct quiet **out)
{
	struct quiet *q = aligned_alloc(64, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->now = 0;
	for (unsigned int i = 0; i < QUIET_THREADS; i++)
		q->thread[i].seen = AWAY;
	*out = q;
	return 0;
}

void quiet_free(struct quiet *q)
{
	free(q);
}

/* The fence pairs with quiet_mark(): whoever was not seen to be here sees what was unpublished. */
void quiet_point(struct quiet *q, enum quiet_thread who)
{
	__atomic_store_n(&q->thread[who].seen, __atomic_load_n(&q->now, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void quiet_away(struct quiet *q, enum quiet_thread who)
{
	__atomic_store_n(&q->thread[who].seen, AWAY, __ATOMIC_RELEASE);
}

uint64_t quiet_mark(struct quiet *q)
{
	uint64_t mark = __atomic_add_fetch(&q->now, 1, __ATOMIC_SEQ_CST);

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return mark;
}

bool quiet_passed(const struct quiet *q, uint64_t mark)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < QUIET_THREADS; i++)
		if (__atomic_load_n(&q->thread[i].seen, __ATOMIC_ACQUIRE) < mark)
			return false;
	return true;
}
