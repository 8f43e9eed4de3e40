/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cluster as manifests, of any size: namespaces of 100 pods, ten workloads of ten pods each; a tenth of the policies
 * deny by default, a tenth let DNS out, the rest select a workload: peers by label, by expressions, by labels of the
 * namespace, by CIDR; ports by number, range and name.  One policy in 500 is the cluster's.  The same for the same numbers.
 *
 *	manifests_world(f, &m);
 *	manifests_policy(f, &m, 17, 1);		number 17 again, edited
 */
#ifndef WEIR_BENCH_MANIFESTS_H
#define WEIR_BENCH_MANIFESTS_H

#include <stdio.h>

#define MANIFESTS_NODE "node-0"
#define MANIFESTS_PER_NAMESPACE 100

struct manifests {
	unsigned int pods, policies, local;	/* local: on MANIFESTS_NODE */
};

void manifests_frame(FILE *f, const struct manifests *m);	/* namespaces, the node */
/* 'id' from 1; 'like' the pod whose labels it has; its own address */
void manifests_pod(FILE *f, const struct manifests *m, unsigned int id, unsigned int like);
void manifests_policy(FILE *f, const struct manifests *m, unsigned int id, unsigned int edit);

/* A file for each namespace and one for the frame.  0 or -errno. */
int manifests_directory(const char *directory, const struct manifests *m);

#endif
