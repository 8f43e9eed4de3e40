/* SPDX-License-Identifier: Apache-2.0 */
/* What time it is, in nanoseconds. */
#ifndef WEIR_RELAY_WHEN_H
#define WEIR_RELAY_WHEN_H

#include <stdint.h>
#include <time.h>

static inline uint64_t when_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline uint64_t when_real(void)
{
	return when_of(CLOCK_REALTIME);
}

static inline uint64_t when_mono(void)
{
	return when_of(CLOCK_MONOTONIC);
}

/* Both by reading one: what lies between them is looked at ten times a second. */
static inline void when_both(uint64_t *real, uint64_t *mono)
{
	static __thread uint64_t between, looked;

	*mono = when_mono();
	if (*mono - looked > 100000000) {
		looked = *mono;
		between = when_real() - *mono;
	}
	*real = *mono + between;
}

#endif
