/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packs: blocks of text, deflated; those that were used last are kept as they were.
 *
 *	packs_open(&all, &(struct packs_size){ .block = 16 << 10, .kept = 8 });
 *	p = pack_new(all, text, size);			NULL: no memory
 *	text = pack_text(all, p);			good until the next call; NULL: no memory
 *	pack_free(all, p);
 *	packs_rest(all);				nobody reads for now: what is kept, and zlib's states, are given back
 *	packs_close(all);
 *
 * Each block is deflated by itself, so any may go first.  Who reads what was packed just now, and who reads what another has read,
 * finds it kept and pays nothing.  One thread, or a lock of the user's.
 */
#ifndef WEIR_RELAY_PACK_H
#define WEIR_RELAY_PACK_H

#include <stddef.h>
#include <stdint.h>

struct packs;
struct pack;

struct packs_size {
	size_t block;			/* bytes; a larger one is not kept */
	unsigned int kept;
};

int packs_open(struct packs **out, const struct packs_size *size);
void packs_rest(struct packs *all);
void packs_close(struct packs *all);	/* NULL is fine; the packs have been freed */

struct pack *pack_new(struct packs *all, const void *text, size_t size);
size_t pack_bytes(const struct pack *p);	/* that it takes */
const uint8_t *pack_text(struct packs *all, const struct pack *p);
void pack_free(struct packs *all, struct pack *p);	/* NULL is fine */

#endif
