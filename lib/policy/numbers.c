// SPDX-License-Identifier: Apache-2.0
#include "lib/policy/numbers.h"

static void use(struct numbers *x, u32 n)
{
	GROW(x->used, x->cap, n / 64);
	x->used[n / 64] |= 1ULL << (n % 64);
	if (n >= x->next)
		x->next = n + 1;
	x->live++;
}

static bool in_use(const struct numbers *x, u32 n)
{
	return n / 64 < x->cap && x->used[n / 64] >> (n % 64) & 1;
}

u32 number_take(struct numbers *x)
{
	u32 n = x->low > x->first ? x->low : x->first;

	while (n < x->end && in_use(x, n))
		n += x->used[n / 64] == ~0ULL ? 64 - n % 64 : 1;
	x->low = n;
	if (n >= x->end)
		return 0;
	use(x, n);
	return n;
}

bool number_claim(struct numbers *x, u32 n)
{
	if (n < x->first || n >= x->end || in_use(x, n))
		return false;
	use(x, n);
	return true;
}

void number_give(struct numbers *x, u32 n)
{
	vec_push(&x->rest, n);
}

void number_free(struct numbers *x, u32 n)
{
	x->used[n / 64] &= ~(1ULL << (n % 64));
	if (n < x->low)
		x->low = n;
	x->live--;
	while (x->next > x->first && !in_use(x, x->next - 1))
		x->next--;
}

void numbers_rested(struct numbers *x)
{
	for (u32 i = 0; i < x->rest.n; i++)
		number_free(x, x->rest.v[i]);
	vec_empty(&x->rest);
}

void numbers_free(struct numbers *x)
{
	words_free(x->used);
	vec_free(&x->rest);
	memset(x, 0, sizeof(*x));
}

/* stretches */
void extents_init(struct extents *x, u32 first, u32 end)
{
	memset(x, 0, sizeof(*x));
	extent_free(x, first, end - first);
}

u32 extent_take(struct extents *x, u32 count)
{
	for (u32 i = 0; i < x->n; i++)
		if (x->free[i].count >= count) {
			u32 at = x->free[i].first;

			extent_claim(x, at, count);
			return at;
		}
	return 0;
}

static void insert(struct extents *x, u32 i, struct extent e)
{
	GROW(x->free, x->cap, x->n);
	memmove(x->free + i + 1, x->free + i, (x->n - i) * sizeof(e));
	x->free[i] = e;
	x->n++;
}

static void take_out(struct extents *x, u32 i)
{
	memmove(x->free + i, x->free + i + 1, (x->n - i - 1) * sizeof(*x->free));
	x->n--;
}

bool extent_claim(struct extents *x, u32 first, u32 count)
{
	u32 i = 0, end = first + count;
	struct extent e;

	while (i < x->n && x->free[i].first + x->free[i].count <= first)
		i++;
	if (i == x->n || x->free[i].first > first || x->free[i].first + x->free[i].count < end)
		return false;
	e = x->free[i];
	x->left -= count;
	if (e.first + e.count > end && e.first < first) {
		x->free[i].count = first - e.first;
		insert(x, i + 1, (struct extent){ end, e.first + e.count - end });
	} else if (e.first < first) {
		x->free[i].count = first - e.first;
	} else if (e.first + e.count > end) {
		x->free[i] = (struct extent){ end, e.first + e.count - end };
	} else {
		take_out(x, i);
	}
	return true;
}

void extent_give(struct extents *x, u32 first, u32 count)
{
	GROW(x->rest, x->crest, x->nrest);
	x->rest[x->nrest++] = (struct extent){ first, count };
}

void extent_free(struct extents *x, u32 first, u32 count)
{
	u32 low = 0, high = x->n;

	if (!count)
		return;
	while (low < high) {
		u32 m = (low + high) / 2;

		if (x->free[m].first < first)
			low = m + 1;
		else
			high = m;
	}
	insert(x, low, (struct extent){ first, count });
	x->left += count;
	if (low + 1 < x->n && x->free[low].first + x->free[low].count == x->free[low + 1].first) {
		x->free[low].count += x->free[low + 1].count;
		take_out(x, low + 1);
	}
	if (low && x->free[low - 1].first + x->free[low - 1].count == x->free[low].first) {
		x->free[low - 1].count += x->free[low].count;
		take_out(x, low);
	}
}

void extents_rested(struct extents *x)
{
	for (u32 i = 0; i < x->nrest; i++)
		extent_free(x, x->rest[i].first, x->rest[i].count);
	x->nrest = 0;
}

void extents_free(struct extents *x)
{
	words_free(x->free);
	words_free(x->rest);
	memset(x, 0, sizeof(*x));
}
