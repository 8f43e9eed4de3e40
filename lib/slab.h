/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slab: small blocks that live long and are many, apart from what comes and goes in malloc's heap.
 *
 *	p = slab_alloc(&s, size);	zeroed; NULL: no memory
 *	slab_drop(&s, p, size);		the size it was asked with
 *
 * No header per block, no holes of malloc's between them: blocks of one size (to 8 bytes) share chunks, and a chunk
 * whose last block goes is given back to the kernel.  What is larger than SLAB_MOST is malloc's.  One thread.
 */
#ifndef WEIR_LIB_SLAB_H
#define WEIR_LIB_SLAB_H

#include <stddef.h>

#define SLAB_MOST 512
#define SLAB_STEP 8

struct slab_chunk;
struct slab {				/* zeroed before its first use; nothing to free when every block has been dropped */
	struct slab_chunk *room[SLAB_MOST / SLAB_STEP];	/* chunks with room, by size */
	size_t bytes;			/* of chunks, and of what is malloc's */
};

void *slab_alloc(struct slab *s, size_t size);
void slab_drop(struct slab *s, void *p, size_t size);	/* NULL is fine */

#endif
