/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow, as filters, encoders and printers see it: a view, flat, that owns nothing.  The agent makes it of a record
 * in its history and the names frozen into it; a client of a message that came by the wire (lib/flow/from_wire.h).
 *
 *	if (filters_pass(f, &flow))
 *		n = wire_flow(&flow, mask, buf, sizeof(buf));
 *
 * Strings end with a zero, and are never NULL: "" says nothing.  What is pointed at outlives the view.
 */
#ifndef WEIR_LIB_FLOW_FLOW_H
#define WEIR_LIB_FLOW_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/base.h>

/* Identities below this are the reserved ones that tools know by name. */
enum flow_identity {
	FLOW_ID_UNKNOWN, FLOW_ID_HOST, FLOW_ID_WORLD, FLOW_ID_REMOTE_NODE = 6, FLOW_ID_API_SERVER, FLOW_ID_WORLD_4 = 9,
	FLOW_ID_WORLD_6, FLOW_ID_FIRST = 1 << 16,	/* pods: a hash of namespace and labels, 24 bits, equal on every node */
};

/* One end, as it was when the flow was seen.  Never changes. */
struct flow_end {
	uint32_t number;		/* the agent's name number; 0: none */
	uint32_t identity;		/* enum flow_identity, or from FLOW_ID_FIRST on */
	const char *ns, *pod;		/* "" for what is no pod */
	const char *workload, *workload_kind;	/* "cart", "Deployment" */
	const char *node;		/* on which it runs, or which it is */
	const char *cluster;
	const char *const *label;	/* "k8s:app=cart", "reserved:world"; sorted */
	unsigned int labels;
	const uint8_t *wire;		/* the same as a message flow.Endpoint, less its ID; NULL: not kept */
	size_t wire_size;
};

/* Who decided on one side. */
struct flow_author {
	const char *policy, *ns, *kind;	/* kind: NetworkPolicy, ClusterNetworkPolicy */
	const char *tier;		/* admin, networkpolicy, baseline, default */
	const char *rule_name, *text;	/* as written; what a fixed number says */
	uint32_t number;		/* rule's name number */
	uint32_t rule;			/* in written order, from 1; 0: none */
};

enum flow_kind { FLOW_OPENED = 1, FLOW_AGAIN, FLOW_DENIED, FLOW_CLOSED };	/* as enum weir_kind */
enum flow_verdict {		/* the wire's numbers */
	FLOW_VERDICT_UNKNOWN, FLOW_FORWARDED, FLOW_DROPPED, FLOW_ERROR, FLOW_AUDIT, FLOW_REDIRECTED, FLOW_TRACED,
	FLOW_TRANSLATED,
};
enum flow_direction { FLOW_DIRECTION_UNKNOWN, FLOW_INGRESS, FLOW_EGRESS };
enum flow_event { FLOW_EVENT_DROP = 1, FLOW_EVENT_TRACE = 4, FLOW_EVENT_POLICY = 5, FLOW_EVENT_L7 = 129 };
enum flow_reply { FLOW_REPLY_UNKNOWN, FLOW_REPLY_NO, FLOW_REPLY_YES };

/* What weir does not see, but flows of others that came by the wire (or from a file) may say. */
enum flow_l7 { FLOW_L7_NONE, FLOW_L7_DNS, FLOW_L7_HTTP, FLOW_L7_KAFKA };
struct flow_header {
	const char *key, *value;
};
struct flow_more {
	struct weir_addr src_xlated;	/* the source as others see it; all zero: not said */
	bool encrypted;
	const char *trace_id;
	uint64_t ip_trace_id;		/* 0: none */
	uint8_t l7;			/* enum flow_l7 */
	uint32_t http_status;		/* of an answer; 0: none */
	const char *http_method, *http_url;
	const struct flow_header *http_header;
	unsigned int http_headers;
	const char *dns_query;
};

struct flow {
	uint64_t time;			/* nanoseconds of CLOCK_REALTIME, of the kernel's event */
	uint64_t record;		/* its number in the agent's history */
	struct weir_addr src, dst;
	uint16_t sport, dport;		/* host order; ICMP: type and code in 'sport' (type << 8 | code) if 'icmp' */
	uint8_t proto;			/* IPPROTO_* */
	uint8_t tcp_flags;		/* as in the header */
	bool icmp;
	uint8_t kind;			/* enum flow_kind */
	uint8_t verdict;		/* enum flow_verdict */
	uint8_t direction;		/* enum flow_direction: of the side whose word decided */
	uint8_t directions;		/* bit (1 << enum flow_direction) for each side that was judged here */
	uint8_t reply;			/* enum flow_reply */
	uint8_t event;			/* enum flow_event */
	uint8_t sub_event;
	uint8_t match;			/* how far the rule narrowed: the wire's policy_match_type */
	uint8_t trace_point;		/* the wire's trace_observation_point; 0: none */
	uint8_t trace_reason;
	uint16_t drop_reason;		/* the wire's DropReason; 0: not dropped */
	const char *reason;		/* the word of enum weir_reason; closed: of enum weir_end */
	const char *node;		/* who saw it */
	const char *const *node_label;
	unsigned int node_labels;
	const struct flow_end *source, *destination;
	uint16_t source_endpoint, destination_endpoint;		/* numbers on the node; 0: none */
	const char *source_service, *source_service_ns, *destination_service, *destination_service_ns;
	const char *const *source_name, *const *destination_name;	/* DNS names, without trailing dot */
	unsigned int source_names, destination_names;
	const char *interface;
	uint32_t ifindex;
	const struct flow_more *more;	/* NULL: nothing of it */
	char uuid[40];			/* "" or: unique over nodes and restarts, the same for all of one flow */

	/* what only weir says */
	struct flow_author egress, ingress;		/* who decided; .policy "" and .text "": that side was not judged here */
	struct flow_author would_egress, would_ingress;	/* with audited policies in force, if it differs */
	bool egress_denied, ingress_denied;
	bool would_differ, would_deny;
	const char *const *isolating;	/* of a default deny: "namespace/policy" of those that isolate the pod */
	unsigned int isolatings;
	const char *nearest;		/* how close a rule came */
	uint64_t packets[2], bytes[2];	/* [0] source to destination */
	uint64_t duration;		/* closed: nanoseconds up to its last packet, to about a second; 0 else */
	uint64_t idle;			/* closed: nanoseconds without a packet when its slot was given up; 0: none, or not known */
	uint32_t handshake_us;		/* TCP: SYN to the opener's ACK; 0: not measured */
	uint32_t repeats;		/* denied: equal packets since the last record, this one apart */
	bool at_least;			/* its beginning was not seen: duration, packets and bytes say "at least" */
	bool ended;			/* closed: its ends said so */
	bool partial, picked_up, cut;
};

#endif
