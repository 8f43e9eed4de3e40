/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traffic between two pods, both ends in one thread: a send runs the whole path in softirq on this CPU and the receive is
 * tried after it, so there is no scheduler, no idle wake-up, no interrupt between CPUs in what is timed.  Softirq time is
 * charged to the thread as long as the kernel does not account interrupts apart (CONFIG_IRQ_TIME_ACCOUNTING).
 *
 *	talk_open(&t, path, six, TALK_RR);	sockets in both pods
 *	n = talk_do(t);				one step: how many operations went well
 */
#ifndef WEIR_BENCH_TALK_H
#define WEIR_BENCH_TALK_H

#include "bench/paths.h"

enum talk_mode {
	TALK_RR,	/* TCP, one byte there and back */
	TALK_PPS,	/* UDP, frames of 64 bytes (IPv6: 84) one way, 32 at a time */
	TALK_STREAM,	/* TCP, 64 KiB one way */
	TALK_CRR,	/* connect, one byte there and back, reset */
	TALK_MODES
};

struct talk;

int talk_open(struct talk **out, const struct path *path, bool six, enum talk_mode mode);
void talk_close(struct talk *t);
long talk_do(struct talk *t);
unsigned long talk_lost(const struct talk *t);

#endif
