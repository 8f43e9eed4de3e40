/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields by kind: how a value is read (once) and how one is held against a flow.  fields.c puts them in its table.
 * A reader gets a pointer to the element of the wire's array and to the zeroed value; 0, -EINVAL or -ENOMEM.
 */
#ifndef WEIR_LIB_FILTER_READERS_H
#define WEIR_LIB_FILTER_READERS_H

#include "lib/filter/glob.h"
#include "lib/filter/inside.h"

#define READER(name) int filter_read_##name(struct compiler *c, const void *element, void *value)
#define HOLDS(name) bool filter_holds_##name(const struct condition *c, const struct flow *flow)
#define ORDER(name) int filter_order_##name(const void *a, const void *b)

/* values.c: numbers, as uint64_t, found by search */
READER(number32);
READER(number64);
READER(bool);
READER(port);
READER(protocol);
ORDER(number);
HOLDS(port);
HOLDS(identity);
HOLDS(verdict);
HOLDS(drop_reason);
HOLDS(direction);
HOLDS(ip_version);
HOLDS(protocol);
HOLDS(reply);
HOLDS(encrypted);
HOLDS(ip_trace_id);
/* ... addresses and prefixes, as struct weir_prefix */
READER(ip);
ORDER(ip);
HOLDS(ip);
HOLDS(ip_xlated);
void filter_finish_ip(struct condition *c);
/* ... texts, as const char * */
READER(text);
ORDER(text);
HOLDS(uuid);
HOLDS(trace_id);
/* ... and what has several parts */
struct event_value {
	int32_t type, sub_type;
	bool match_sub_type;
};
READER(event);
HOLDS(event);
struct tcp_value {
	uint8_t flags;
	bool never;			/* asks for NS, which no record has */
};
READER(tcp_flags);
HOLDS(tcp_flags);
struct interface_value {
	uint32_t index;
	const char *name;
};
READER(interface);
HOLDS(interface);

/* names.c */
struct name_value {			/* "ns/beginning" */
	const char *ns, *name;		/* NULL: any */
	size_t length;			/* of name */
};
READER(pod);
HOLDS(pod);
HOLDS(service);
struct workload_value {
	const char *name, *kind;	/* "" is any */
};
READER(workload);
HOLDS(workload);
READER(fqdn);				/* struct glob */
HOLDS(fqdn);
READER(cluster);
HOLDS(cluster);
struct node_value {
	struct glob cluster, name;	/* text NULL: any */
};
READER(node);
HOLDS(node);
READER(selector);			/* struct selector */
HOLDS(label);
HOLDS(node_label);

/* above.c: HTTP and DNS */
struct status_value {
	uint32_t first, last;
};
READER(status);
HOLDS(status);
READER(method);
HOLDS(method);
READER(regex);				/* struct regex * */
HOLDS(http_path);
HOLDS(http_url);
HOLDS(dns_query);
READER(header);				/* struct flow_header */
HOLDS(header);

/* A text that lasts; NULL: no memory. */
const char *filter_keep_text(struct compiler *c, const char *text);

static inline const struct flow_end *end_of(const struct condition *c, const struct flow *flow)
{
	return c->destination ? flow->destination : flow->source;
}

#endif
