// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "agent/flows.h"
#include "agent/losses.h"

#define NOTICES 256		/* that a stream may be behind */

struct losses {
	uint64_t total[LOSS_STAGES];
	uint64_t cpu[2][LOSSES_CPUS];	/* of the rings, as last read */
	uint64_t looked;		/* when */
	unsigned int cpus;
	struct loss notice[NOTICES];
	uint64_t next;			/* notices so far */
};

static const char *const words[] = {
#define X(stage, source, word, text) word,
	LOSSES(X)
#undef X
};
static const char *const texts[] = {
#define X(stage, source, word, text) text,
	LOSSES(X)
#undef X
};
static const unsigned char sources[] = {
#define X(stage, source, word, text) source,
	LOSSES(X)
#undef X
};

const char *loss_word(enum loss_stage stage)
{
	return stage < LOSS_STAGES ? words[stage] : "";
}

const char *loss_text(enum loss_stage stage)
{
	return stage < LOSS_STAGES ? texts[stage] : "";
}

unsigned int loss_source(enum loss_stage stage)
{
	return stage < LOSS_STAGES ? sources[stage] : 0;
}

int losses_new(struct losses **out)
{
	struct losses *l = calloc(1, sizeof(*l));

	*out = l;
	return l ? 0 : -ENOMEM;
}

void losses_free(struct losses *l)
{
	free(l);
}

void losses_add(struct losses *l, enum loss_stage stage, uint64_t events)
{
	__atomic_fetch_add(&l->total[stage], events, __ATOMIC_RELAXED);
}

/* A reader copies a notice only if it is not being written again. */
static void notice(struct losses *l, const struct loss *loss)
{
	struct loss *to = &l->notice[l->next % NOTICES];

	__atomic_thread_fence(__ATOMIC_RELEASE);
	*to = *loss;
	__atomic_store_n(&l->next, l->next + 1, __ATOMIC_RELEASE);
}

static void look_at(struct losses *l, enum loss_stage stage, int cpu, uint64_t lost, const struct loss *when)
{
	uint64_t before = l->cpu[stage][cpu];
	struct loss loss = *when;

	if (lost == before)
		return;
	loss.stage = stage;
	loss.cpu = cpu;
	loss.events = lost - before;
	__atomic_store_n(&l->cpu[stage][cpu], lost, __ATOMIC_RELAXED);
	__atomic_store_n(&l->total[stage], l->total[stage] + loss.events, __ATOMIC_RELAXED);
	notice(l, &loss);
}

/* An earlier agent told of some; the rest was lost while none ran.  Of which CPU that was nobody knows any more. */
static void first_look(struct losses *l, const struct datapath *dp, uint64_t (*lost)[2], uint64_t now, uint64_t next)
{
	const struct weir_ledger *ledger = datapath_view(dp)->ledger;
	uint64_t told[2] = { ledger ? ledger->records : 0, ledger ? ledger->denials : 0 };

	for (int stage = LOSS_RING; stage <= LOSS_DENIALS; stage++) {
		struct loss away = { .stage = stage, .cpu = -1, .last = now, .next = next };
		uint64_t sum = 0;

		for (unsigned int cpu = 0; cpu < l->cpus; cpu++) {
			l->cpu[stage][cpu] = lost[cpu][stage];
			sum += lost[cpu][stage];
		}
		l->total[stage] = sum;
		away.events = sum > told[stage] ? sum - told[stage] : 0;
		if (away.events)
			notice(l, &away);
	}
}

int losses_kernel(struct losses *l, const struct datapath *dp, uint64_t now, uint64_t next)
{
	uint64_t lost[LOSSES_CPUS][2];
	struct loss when = { .first = l->looked, .last = now, .next = next };
	int n = datapath_lost(dp, lost, LOSSES_CPUS);
	struct weir_ledger *ledger = datapath_view(dp)->ledger;

	if (n < 0)
		return n;
	l->cpus = n;
	if (!l->looked)
		first_look(l, dp, lost, now, next);
	for (int cpu = 0; l->looked && cpu < n; cpu++)
		for (int stage = LOSS_RING; stage <= LOSS_DENIALS; stage++)
			look_at(l, stage, cpu, lost[cpu][stage], &when);
	l->looked = now;
	if (ledger) {
		ledger->records = l->total[LOSS_RING];
		ledger->denials = l->total[LOSS_DENIALS];
	}
	return 0;
}

uint64_t losses_total(const struct losses *l, enum loss_stage stage)
{
	return __atomic_load_n(&l->total[stage], __ATOMIC_RELAXED);
}

void losses_each(const struct losses *l, losses_fn fn, void *ctx)
{
	for (int stage = 0; stage < LOSS_STAGES; stage++) {
		uint64_t total = losses_total(l, stage);

		for (int cpu = 0; stage <= LOSS_DENIALS && cpu < LOSSES_CPUS; cpu++) {
			uint64_t events = __atomic_load_n(&l->cpu[stage][cpu], __ATOMIC_RELAXED);

			if (events)
				fn(ctx, stage, cpu, events);
		}
		if (stage > LOSS_DENIALS && total)
			fn(ctx, stage, -1, total);
	}
}

uint64_t losses_cursor(const struct losses *l)
{
	return __atomic_load_n(&l->next, __ATOMIC_ACQUIRE);
}

bool losses_next(const struct losses *l, uint64_t *cursor, struct loss *out)
{
	for (;;) {
		uint64_t next = __atomic_load_n(&l->next, __ATOMIC_ACQUIRE);

		if (next - *cursor >= NOTICES)		/* one less than there are: the oldest may be under the pen */
			*cursor = next - NOTICES + 1;
		if (*cursor >= next)
			return false;
		*out = l->notice[*cursor % NOTICES];
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&l->next, __ATOMIC_RELAXED) - *cursor < NOTICES) {
			++*cursor;
			return true;
		}
	}
}
