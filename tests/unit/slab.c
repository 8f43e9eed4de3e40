// SPDX-License-Identifier: Apache-2.0
/* Blocks do not overlap, are zeroed, and what was dropped comes back to the kernel. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/slab.h"
#include "tests/check.h"

#define BLOCKS 40000

static struct {
	uint8_t *p;
	size_t size;
} held[BLOCKS];

static bool all(const uint8_t *p, size_t n, uint8_t what)
{
	while (n && *p == what)
		p++, n--;
	return !n;
}

static size_t some_size(void)
{
	return rand() % 16 ? rand() % 200 : rand() % 2000;
}

int main(void)
{
	struct slab s = {};
	bool zeroed = true, whole = true;
	size_t asked = 0;

	srand(7);
	for (int round = 0; round < 300000; round++) {
		unsigned int i = rand() % BLOCKS;

		if (held[i].p) {
			whole &= all(held[i].p, held[i].size, i & 0xff);
			slab_drop(&s, held[i].p, held[i].size);
			held[i].p = NULL;
			continue;
		}
		held[i].size = some_size();
		held[i].p = slab_alloc(&s, held[i].size);
		zeroed &= held[i].p && all(held[i].p, held[i].size, 0);
		memset(held[i].p, i & 0xff, held[i].size);
	}
	CHECK(zeroed, "a block is zeroed, a new one and one used before");
	CHECK(whole, "nobody writes into another's block");
	for (unsigned int i = 0; i < BLOCKS; i++)
		asked += held[i].p ? held[i].size : 0;
	CHECK(s.bytes < asked * 3 / 2 + 64 * 65536, "%zu bytes held for %zu asked", s.bytes, asked);
	for (unsigned int i = 0; i < BLOCKS; i++)
		slab_drop(&s, held[i].p, held[i].size);
	CHECK(!s.bytes, "all is given back: %zu bytes are held", s.bytes);
	for (unsigned int i = 0; i < SLAB_MOST / SLAB_STEP; i++)
		CHECK(!s.room[i], "no chunk is left of size %u", (i + 1) * SLAB_STEP);
	slab_drop(&s, NULL, 8);
	return check_done();
}
