/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A slot's age and when it has expired: for the programs, which treat an expired slot as absent, and for the agent,
 * which asks for it to be freed.  'now' is in jiffies as programs see them, 'clock' and 'hz' are weir_control's.
 */
#ifndef WEIR_LIFE_H
#define WEIR_LIFE_H

#include <weir/flow.h>

struct weir_time {
	__u32 now, hz, clock;
};

/* A tag's 'when' counts ticks before a flow is confirmed or cut, and after that seconds of sixteen ticks. */
static inline __attribute__((always_inline)) int weir_in_seconds(__u64 tag)
{
	return WEIR_TAG_PHASE(tag) == WEIR_CONFIRMED || WEIR_TAG_PHASE(tag) == WEIR_CUT_FLOW;
}

static inline __attribute__((always_inline)) __u32 weir_life_shift(__u64 tag, const struct weir_time *t)
{
	return (t->clock & 15) + (weir_in_seconds(tag) ? 4 : 0);
}

/* How long it may be silent, in its own unit. */
static inline __attribute__((always_inline)) __u32 weir_life(__u64 tag, const struct weir_time *t)
{
	__u32 proto = WEIR_TAG_PROTO(tag), phase = WEIR_TAG_PHASE(tag), life;

	if (phase == WEIR_ENDED)
		life = WEIR_LIFE_ENDED;
	else if (proto == 1 || proto == 58)
		life = WEIR_LIFE_ICMP;
	else if (weir_in_seconds(tag))
		life = proto == 6 || proto == 132 ? WEIR_LIFE_STREAM : WEIR_LIFE_OTHER;
	else if (phase == WEIR_ANSWERED)
		life = WEIR_LIFE_ANSWERED;
	else
		life = proto == 17 ? WEIR_LIFE_OPENED_UDP : WEIR_LIFE_OPENED;
	return life * t->hz >> weir_life_shift(tag, t);
}

/* Silent for how long.  Another CPU's clock may be a moment ahead of ours: then it is 0, not an age ago. */
static inline __attribute__((always_inline)) __u32 weir_age(__u64 tag, const struct weir_time *t)
{
	__u16 age = (__u16)(t->now >> weir_life_shift(tag, t)) - WEIR_TAG_WHEN(tag);

	return age >= 0xff00 ? 0 : age;
}

static inline __attribute__((always_inline)) int weir_expired(__u64 tag, const struct weir_time *t)
{
	return weir_age(tag, t) > weir_life(tag, t);
}

/*
 * Does it go on, as far as anybody can tell?  Neither ended nor cut, and heard of lately: a connection within the two hours
 * after which TCP's keep-alive speaks, anything else within half a minute.  For whoever counts; programs do not ask.
 */
#define WEIR_LIVE_STREAM 7200	/* seconds */
#define WEIR_LIVE_OTHER 30
static inline int weir_live(__u64 tag, const struct weir_time *t)
{
	__u32 proto = WEIR_TAG_PROTO(tag), phase = WEIR_TAG_PHASE(tag);
	__u32 life = phase == WEIR_CONFIRMED && (proto == 6 || proto == 132) ? WEIR_LIVE_STREAM : WEIR_LIVE_OTHER;

	return phase >= WEIR_OPENED && phase <= WEIR_CONFIRMED && weir_age(tag, t) <= life * t->hz >> weir_life_shift(tag, t);
}

/*
 * How long a flow has been silent, in 13 bits for a record: 12..11 scale | 10..0 ticks, times 16 for each step of the scale.
 * Exact (to the unit of 'when') up to 131 s, up to 35 minutes where that counts seconds, beyond to one part in 128.
 */
static inline __attribute__((always_inline)) __u32 weir_silence(__u64 tag, const struct weir_time *t)
{
	__u32 age = weir_age(tag, t), scale = weir_in_seconds(tag), wide = age > 0x7ff;

	age >>= wide * 4;		/* 16 bits become 12 */
	scale += wide;
	wide = age > 0x7ff;
	age >>= wide * 4;
	scale += wide;
	return scale << 11 | age;
}

/* The same in ticks. */
static inline __u32 weir_silence_ticks(__u32 silence)
{
	return (silence & 0x7ff) << 4 * (silence >> 11 & 3);
}

#endif
