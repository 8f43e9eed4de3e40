/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lab of the bench's own: named by the process, gone when it ends or is told to.
 *
 *	lab_begin();
 *	lab_up("policies/shop");		true: lab.agent serves on lab.observer
 *	lab_netns(where, "shop", "cart");
 *	lab_down();
 */
#ifndef WEIR_BENCH_STREAM_LAB_H
#define WEIR_BENCH_STREAM_LAB_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct lab {
	char build[PATH_MAX];		/* where the programs are */
	char name[64];
	char observer[128];		/* of node n1's agent */
	pid_t agent;			/* n1's; 0: none */
};
extern struct lab lab;

void lab_begin(void);
bool lab_up(const char *manifests);
void lab_down(void);
void lab_netns(char where[128], const char *ns, const char *pod);
__attribute__((format(printf, 1, 2))) int lab_run(const char *format, ...);	/* by the shell */

#endif
