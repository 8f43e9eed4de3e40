// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <weir/policy.h>

#include "agent/places.h"

/* A chain per head, in memory that is never given back, so that the reader may walk it at any time; 'turn' tells it
 * whether it walked while something moved. */
#define HEAD_BITS 17
#define HEADS (1 << HEAD_BITS)
struct place {
	uint64_t w[2];
	uint32_t number;
	uint32_t next;
};

struct places {
	struct place *place;
	uint32_t *head;
	uint32_t nplace, free, turn;
	size_t used, refused;
};

#define SIZE (PLACES * sizeof(struct place) + HEADS * sizeof(uint32_t))

int places_new(struct places **out)
{
	struct places *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->nplace = 1;
	p->place = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p->place == MAP_FAILED) {
		free(p);
		return -ENOMEM;
	}
	p->head = (uint32_t *)(p->place + PLACES);
	*out = p;
	return 0;
}

void places_free(struct places *p)
{
	if (p)
		munmap(p->place, SIZE);
	free(p);
}

static void turn_begin(struct places *p)
{
	__atomic_store_n(&p->turn, p->turn + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void turn_end(struct places *p)
{
	__atomic_store_n(&p->turn, p->turn + 1, __ATOMIC_RELEASE);
}

static uint32_t head_of(const struct weir_addr *a)
{
	/* the upper bits: of a product only they depend on every bit of the address, its last byte above all */
	return weir_addr_tag(a) >> (32 - HEAD_BITS);
}

void places_add(struct places *p, const struct weir_addr *a, uint32_t number)
{
	uint32_t at = p->free, head = head_of(a);
	struct place *to;

	if (at)
		p->free = p->place[at].next;
	else if (p->nplace < PLACES)
		at = p->nplace++;
	if (!at) {
		p->refused++;
		return;
	}
	to = &p->place[at];
	turn_begin(p);
	__atomic_store_n(&to->w[0], a->w[0], __ATOMIC_RELAXED);
	__atomic_store_n(&to->w[1], a->w[1], __ATOMIC_RELAXED);
	__atomic_store_n(&to->number, number, __ATOMIC_RELAXED);
	__atomic_store_n(&to->next, p->head[head], __ATOMIC_RELAXED);
	__atomic_store_n(&p->head[head], at, __ATOMIC_RELEASE);
	turn_end(p);
	p->used++;
}

void places_remove(struct places *p, const struct weir_addr *a, uint32_t number)
{
	uint32_t *link = &p->head[head_of(a)];

	for (; *link; link = &p->place[*link].next) {
		struct place *one = &p->place[*link];
		uint32_t at = *link;

		if (one->w[0] != a->w[0] || one->w[1] != a->w[1] || one->number != number)
			continue;
		turn_begin(p);
		__atomic_store_n(link, one->next, __ATOMIC_RELEASE);
		__atomic_store_n(&one->next, p->free, __ATOMIC_RELAXED);
		turn_end(p);
		p->free = at;
		p->used--;
		return;
	}
}

/* One walk; what it found counts only if nothing moved meanwhile. */
static uint32_t walk(const struct places *p, const struct weir_addr *a)
{
	uint32_t at = __atomic_load_n(&p->head[head_of(a)], __ATOMIC_ACQUIRE);

	for (unsigned int hops = 0; at && at < PLACES && hops < PLACES; hops++) {
		const struct place *one = &p->place[at];

		if (__atomic_load_n(&one->w[0], __ATOMIC_RELAXED) == a->w[0] &&
		    __atomic_load_n(&one->w[1], __ATOMIC_RELAXED) == a->w[1])
			return __atomic_load_n(&one->number, __ATOMIC_RELAXED);
		at = __atomic_load_n(&one->next, __ATOMIC_ACQUIRE);
	}
	return 0;
}

uint32_t places_at(const struct places *p, const struct weir_addr *a)
{
	uint32_t before, number;

	do {
		before = __atomic_load_n(&p->turn, __ATOMIC_ACQUIRE);
		number = walk(p, a);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (before & 1 || __atomic_load_n(&p->turn, __ATOMIC_RELAXED) != before);
	return number;
}

void places_count(const struct places *p, size_t *used, size_t *refused)
{
	*used = p->used;
	*refused = p->refused;
}
