/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A way to a relay inside a Kubernetes cluster: kubectl's port-forward, run for as long as it is needed.
 *
 *	code = forward_open(&f, &want);		VERB_GO when it listens, else the exit code after a complaint
 *	forward_server(f)			"127.0.0.1:4245"
 *	forward_close(f);			kubectl ends
 *
 * kubectl runs in a process group of its own, so that Ctrl-C is ours alone, and is told to end when we do, however we
 * do.  What it says is read all the time, and its last line kept.
 */
#ifndef WEIR_TOOLS_FORWARD_H
#define WEIR_TOOLS_FORWARD_H

#include <stddef.h>

struct forward_want {
	const char *kubeconfig, *context;	/* NULL: kubectl's own */
	const char *ns, *service;
	unsigned int port;			/* here; 0: any that is free */
	unsigned int timeout;			/* ms, for each of kubectl's two answers */
};

struct forward;
int forward_open(struct forward **out, const struct forward_want *want);
const char *forward_server(const struct forward *f);
void forward_close(struct forward *f);			/* NULL is fine */

/* " (kubectl has ended: ...)" if it has, or does in a moment; else "".  NULL is fine. */
const char *forward_why(struct forward *f, char *buf, size_t size);

#endif
