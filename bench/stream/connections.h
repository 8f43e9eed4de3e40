/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New TCP connections between two pods of a lab at a given rate: both ends in one process, which dies with its parent.
 *
 *	pid = connections_start("/run/netns/a", "/run/netns/b", "10.244.1.11", 8080, 10000);
 *	...
 *	n = connections_stop(pid);		how many were made a second
 */
#ifndef WEIR_BENCH_STREAM_CONNECTIONS_H
#define WEIR_BENCH_STREAM_CONNECTIONS_H

#include <stdint.h>
#include <sys/types.h>

struct connections {
	pid_t pid;
	int words;			/* a pipe: what it says at its end */
};

int connections_start(struct connections *c, const char *from, const char *to, const char *address, uint16_t port,
		      unsigned int rate);
double connections_stop(struct connections *c);

#endif
