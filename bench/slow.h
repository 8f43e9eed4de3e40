/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Put before the kernel programs of the build that must miss its goals: each pause of the flow table takes its time.  Divisions in a
 * row: a loop of as much time is walked by the verifier round by round, until it has had enough. */
#define PAUSE() do {									\
	__u64 pause_x = 1;								\
	asm volatile(".rept 64\n\t%0 /= 3\n\t.endr" : "+r"(pause_x));			\
} while (0)
