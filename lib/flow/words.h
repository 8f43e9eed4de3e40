/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of flows: enums by name, as the wire's JSON and filters have them, and as texts, as people read them.
 *
 *	flow_verdict_name(FLOW_DROPPED)			"DROPPED"; NULL: no such number
 *	flow_drop_number("POLICY_DENIED")		133; -1: no such word
 *	flow_drop_text(133)				"Policy denied"
 *
 * Names are compared as they are written.  Texts are constant.
 */
#ifndef WEIR_LIB_FLOW_WORDS_H
#define WEIR_LIB_FLOW_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/flow/flow.h"

const char *flow_verdict_name(unsigned int verdict);
int flow_verdict_number(const char *name);

const char *flow_direction_name(unsigned int direction);	/* "INGRESS"; 0: "TRAFFIC_DIRECTION_UNKNOWN" */
int flow_direction_number(const char *name);

/* What an event is called on a command line: "drop", "trace", "policy-verdict", "l7" ... */
const char *flow_event_text(unsigned int event);
int flow_event_number(const char *text);

/* Trace points by the wire's enum (TO_ENDPOINT is 101): "TO_ENDPOINT", "to-endpoint".  An event's subtype has the same
 * numbers but for TO_ENDPOINT, which is 0 there. */
const char *flow_trace_name(unsigned int point);
const char *flow_trace_text(unsigned int point);
int flow_trace_number(const char *text);		/* of either form */
static inline unsigned int flow_trace_of_sub(unsigned int sub) { return sub ? sub : 101; }
static inline unsigned int flow_trace_to_sub(unsigned int point) { return point == 101 ? 0 : point; }

const char *flow_trace_reason_name(unsigned int reason);	/* "ESTABLISHED" */

const char *flow_drop_name(unsigned int reason);	/* "POLICY_DENIED" */
const char *flow_drop_text(unsigned int reason);	/* "Policy denied" */
int flow_drop_number(const char *name);
uint16_t flow_drop_of(unsigned int reason);		/* the nearest to an enum weir_reason; 0: none is near */

const char *flow_match_text(unsigned int match);	/* "L3-L4"; "none" */
const char *flow_identity_text(uint32_t identity);	/* of reserved ones: "world"; NULL: none of them */
int flow_identity_number(const char *text);		/* "world", "reserved:world" */

const char *flow_protocol_text(uint8_t proto, char buf[8]);	/* "TCP", "ICMPv6", "47" */

#define FLOW_FLAGS_SIZE 48
/* "SYN, ACK", in the order in which Hubble says them; 'flags' as in the header.  Returns 'buf'. */
const char *flow_flags_text(unsigned int flags, char buf[FLOW_FLAGS_SIZE]);

#endif
