/* SPDX-License-Identifier: Apache-2.0 */
/* mini2 with the same two pods as world.h, IPv4 only: the floor. */
#ifndef WEIR_BENCH_FLOOR_H
#define WEIR_BENCH_FLOOR_H

#include <stdbool.h>

#include <weir/base.h>

struct floor;

int floor_open(struct floor **out, const unsigned int ifindex[2], unsigned int peers);
void floor_close(struct floor *f);
void floor_drain(struct floor *f);
void floor_shut(struct floor *f, bool shut);	/* the server lets nobody in */

enum floor_program { FLOOR_FROM_POD, FLOOR_TO_POD, FLOOR_REDIRECT };
int floor_fd(const struct floor *f, enum floor_program which);

#endif
