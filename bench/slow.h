/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Put before the kernel programs of the build that must miss its goals: each pause of the flow table takes its time. */
#define PAUSE() do {					\
	for (int pause_i = 0; pause_i < 400; pause_i++)	\
		asm volatile("" ::: "memory");		\
} while (0)
