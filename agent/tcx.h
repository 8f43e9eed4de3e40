/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcx links by the bpf system call itself: libbpf before 1.3 does not know them.  Any thread.
 */
#ifndef WEIR_AGENT_TCX_H
#define WEIR_AGENT_TCX_H

#include <linux/types.h>
#include <stdbool.h>

bool tcx_supported(void);

/* First in the chain.  A descriptor: the link lives as long as it or a pin does.  Waits for RCU, 8 to 28 ms. */
int tcx_attach(unsigned int ifindex, bool to_pod, int prog_fd);

/* The interface that a link is on, 0 if that is gone; -EINVAL: no tcx link of that direction. */
int tcx_interface(int link_fd, bool to_pod);

#define TCX_PROGS 64
struct tcx_chain {
	__u64 revision;
	unsigned int n;
	__u32 prog[TCX_PROGS];
};
int tcx_query(unsigned int ifindex, bool to_pod, struct tcx_chain *out);
void tcx_prog_name(__u32 id, char name[16]);	/* "" if it cannot be asked */

#endif
