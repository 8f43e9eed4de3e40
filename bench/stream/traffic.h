/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New flows between two pods of a lab at a given rate: TCP connections, opened and reset; or UDP, one datagram each, no
 * pair of ports twice for a long while.  Both ends are in one process, which dies with its parent.
 *
 *	traffic_connections(&t, "/run/netns/a", "/run/netns/b", "10.244.1.11", 8080, 10000);
 *	traffic_datagrams(&t, "/run/netns/a", "/run/netns/b", "10.244.1.10", "10.244.1.11", 100000);
 *	...
 *	n = traffic_stop(&t);			how many a second
 */
#ifndef WEIR_BENCH_STREAM_TRAFFIC_H
#define WEIR_BENCH_STREAM_TRAFFIC_H

#include <stdint.h>
#include <sys/types.h>

struct traffic {
	pid_t pid;
	int words;			/* a pipe: what it says at its end */
};

int traffic_connections(struct traffic *t, const char *from, const char *to, const char *address, uint16_t port,
			unsigned int rate);
int traffic_datagrams(struct traffic *t, const char *from, const char *to, const char *source, const char *address,
		      unsigned int rate);
double traffic_stop(struct traffic *t);

#endif
