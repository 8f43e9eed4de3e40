/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tape: a feed's newest events as they are sent, written once and read by any number of cursors.
 *
 *	tape_new(&t, &(struct tape_size){ .packs = packs, .block = 16 << 10, .most = 1 << 20, .flows = 300 });
 *	tape_add(t, &(struct tape_event){ .kind = TAPE_FLOW, .worth = 1, .size = n }, text);
 *	if (!tape_last(t, 300, &at))			the last 300 flows, and what is behind them
 *		while (tape_look(t, &at, &event))
 *			tape_take(t, &at, &event, buf);
 *	tape_free(t);
 *
 * Events are written into a block; a full one is packed (relay/pack.h).  The oldest block goes as soon as the others hold the flows that
 * the tape should, or when all take more bytes than they may.  What is missed by who misses an event is its worth: one for a flow, for
 * a loss what it tells, nothing for others.  A cursor that was lapped goes on in the middle of the tape, and its 'missed' says
 * exactly what lay between; so it does of what was skipped, which is counted and kept by nobody.  One thread, or a lock of the
 * user's, and so for all tapes of the same packs.
 */
#ifndef WEIR_RELAY_TAPE_H
#define WEIR_RELAY_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tape_kind { TAPE_FLOW, TAPE_LOST, TAPE_NODE, TAPE_END };

struct tape_event {
	uint64_t worth;
	uint32_t size;			/* of its text */
	enum tape_kind kind;
};

struct tape_at {
	uint64_t byte;			/* of text, written before it, ever */
	uint64_t worth;			/* of what is before it */
	uint64_t missed;		/* adds up; its user's to set back */
};

struct packs;

struct tape_size {
	struct packs *packs;		/* not ours */
	size_t block, most;		/* bytes: of text; of memory */
	uint64_t flows;			/* 0: as many as there is room for */
};

struct tape;

int tape_new(struct tape **out, const struct tape_size *size);
void tape_free(struct tape *t);			/* NULL is fine */

/* -EMSGSIZE: it is larger than the tape may be, and was skipped; as it was for -ENOMEM. */
int tape_add(struct tape *t, const struct tape_event *event, const void *text);
void tape_skip(struct tape *t, uint64_t worth);
/* Nothing is kept any longer, and the next event is written where the first was: the same pages again. */
void tape_rewind(struct tape *t);

/* No more memory than that from now on; what it has it keeps. */
void tape_limit(struct tape *t, size_t most);

uint64_t tape_end(const struct tape *t);	/* where the next event goes */
uint64_t tape_span(const struct tape *t);	/* bytes of text that it holds */
size_t tape_bytes(const struct tape *t);	/* of memory */
/* -ERANGE: the tape does not hold so many; -ENOMEM. */
int tape_last(struct tape *t, uint64_t flows, struct tape_at *at);
/* All that was ever added; -ERANGE: it does not hold that. */
int tape_all(const struct tape *t, struct tape_at *at);

bool tape_news(const struct tape *t, const struct tape_at *at);	/* tape_look() would say something */
bool tape_look(struct tape *t, struct tape_at *at, struct tape_event *event);	/* false: there is no next one */
/* The text of the event that tape_look() has just said, and on to the next. */
void tape_take(const struct tape *t, struct tape_at *at, const struct tape_event *event, char *text);
void tape_pass(struct tape_at *at, const struct tape_event *event);	/* on, without it */

#endif
