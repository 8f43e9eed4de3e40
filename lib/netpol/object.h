/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes objects as weir understands them: read, defaulted and checked, names still in words.
 * lib/netpol readers make them (from YAML, from JSON); the compiler, explain and the state take them.
 *
 * An object and all it points to live in one block: object_free() gives it back.  Whoever keeps something of
 * it copies it.  Strings are never NULL where this page does not say so.
 */
#ifndef WEIR_LIB_NETPOL_OBJECT_H
#define WEIR_LIB_NETPOL_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/base.h>

struct label {
	const char *key, *value;
};
struct labels {
	const struct label *v;		/* sorted by key, no key twice */
	unsigned int n;
};

enum requirement_op { OP_IN, OP_NOT_IN, OP_EXISTS, OP_NOT_EXISTS };
struct requirement {
	const char *key;
	enum requirement_op op;
	unsigned int n;
	const char *const *value;	/* sorted, none twice */
};
/* matchLabels are requirements IN with one value.  No requirement: everything. */
struct selector {
	const struct requirement *v;
	unsigned int n;
};

enum peer_kind {
	PEER_NOBODY,		/* an item that says nothing we know: matches nothing */
	PEER_PODS,
	PEER_NODES,		/* ClusterNetworkPolicy, egress */
	PEER_BLOCK,
};
struct peer {
	enum peer_kind kind;
	bool own_namespace;		/* PODS: no namespaceSelector given: the policy's own */
	struct selector namespaces;	/* PODS */
	struct selector pods;		/* PODS; NODES: the node selector */
	struct weir_prefix block;	/* BLOCK: masked; an IPv6 block says nothing on IPv4, ::/0 neither */
	const struct weir_prefix *except;
	unsigned int nexcept;
};

struct port {
	const char *name;		/* NULL: a number */
	uint16_t first, last;		/* 0-65535 when the port is missing */
	uint8_t proto;			/* IPPROTO_*; 0: any, only with a name (ClusterNetworkPolicy) */
};

enum rule_action { ACTION_ALLOW, ACTION_DENY, ACTION_PASS };
/* A rule of a cluster tier with a peer or a protocol of an unknown kind fails closed: Accept gets one PEER_NOBODY;
 * Deny and Pass become a Deny of everything. */
struct rule {
	enum rule_action action;
	const char *name;		/* ClusterNetworkPolicy rules may have one; else "" */
	bool any_peer;			/* no peers given: everybody, outside too */
	bool any_port;			/* no ports given: everything, what has no ports too */
	const struct peer *peer;
	unsigned int npeer;
	const struct port *port;
	unsigned int nport;
	unsigned int line;		/* in its file, 0 unknown */
};

enum policy_tier { TIER_ADMIN, TIER_NETPOL, TIER_BASELINE };
struct policy {
	enum policy_tier tier;
	uint32_t priority;		/* ADMIN, BASELINE: lower first; ties by name */
	bool audit;			/* weir.dev/audit: "true" */
	bool applies[WEIR_DIRS];	/* policyTypes, defaulted; for cluster tiers: has rules in that direction */
	bool subject_all_namespaces;	/* cluster tiers: 'subject_namespaces' counts; else the policy's own namespace */
	struct selector subject_namespaces;
	struct selector subject_pods;
	const struct rule *rule[WEIR_DIRS];	/* in written order */
	unsigned int nrule[WEIR_DIRS];
};

struct container_port {
	const char *name;
	uint16_t port;
	uint8_t proto;
};
enum pod_phase { POD_PENDING, POD_RUNNING, POD_SUCCEEDED, POD_FAILED };
struct pod {
	const char *node;		/* "" while not scheduled */
	bool host_network;
	bool terminating;		/* stays in force until gone */
	enum pod_phase phase;		/* SUCCEEDED and FAILED own no address any more */
	const struct weir_addr *addr;	/* status.podIPs, else podIP */
	unsigned int naddr;
	const struct container_port *port;	/* named ones only: containers and restartable init containers */
	unsigned int nport;
	const char *interface;		/* weir.dev/interface, or "" */
	const char *stack;		/* weir.dev/stack-mode: "true" or "" */
	uint32_t quota;			/* weir.dev/flow-quota, 0: none given */
	const char *owner_kind, *owner_name;	/* the workload that made it (ReplicaSets resolved to their Deployment's name), or "" */
};

struct namespace {
	const struct weir_prefix *grant;	/* weir.dev/allowed-sources: prefixes its pods may send from */
	unsigned int ngrant;
};

struct node {
	const struct weir_addr *addr;
	unsigned int naddr;
	const struct weir_prefix *pod_cidr;
	unsigned int npod_cidr;
};

struct service_port {
	const char *name;
	uint16_t port, node_port;
	uint8_t proto;
};
struct service {
	const struct weir_addr *addr;	/* clusterIPs */
	unsigned int naddr;
	const struct service_port *port;
	unsigned int nport;
};
struct endpoint_slice {
	const char *service;		/* label kubernetes.io/service-name */
	const struct weir_addr *addr;	/* ready ones */
	unsigned int naddr;
	const struct service_port *port;	/* .port is the backend's */
	unsigned int nport;
};

enum object_kind {
	OBJECT_NAMESPACE, OBJECT_POD, OBJECT_NODE, OBJECT_POLICY, OBJECT_CLUSTER_POLICY, OBJECT_SERVICE,
	OBJECT_ENDPOINT_SLICE, OBJECT_KINDS
};
struct object {
	enum object_kind kind;
	const char *ns;			/* "" for what has none */
	const char *name;
	struct labels labels;		/* namespaces always have kubernetes.io/metadata.name */
	uint64_t created;		/* metadata.creationTimestamp, seconds; 0 unknown */
	unsigned int line;		/* where it began, 0 unknown */
	union {
		struct namespace namespace;
		struct pod pod;
		struct node node;
		struct policy policy;
		struct service service;
		struct endpoint_slice slice;
	};
};

const char *object_kind_name(enum object_kind kind);	/* "NetworkPolicy" */
void object_free(struct object *o);			/* NULL is fine */
bool selector_matches(const struct selector *s, const struct labels *l);
bool requirement_holds(const struct requirement *q, const struct labels *l);
const char *labels_get(const struct labels *l, const char *key);	/* NULL: it is not there */

#endif
