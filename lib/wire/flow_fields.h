/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of flow.Flow in the order of their numbers: a field's place here is its bit in a mask, and its index in
 * the descriptor of protobuf-c (tests/unit/wire_mask.c compares the two).
 */
#ifndef WEIR_LIB_WIRE_FLOW_FIELDS_H
#define WEIR_LIB_WIRE_FLOW_FIELDS_H

#define WIRE_FLOW_FIELDS(X)					\
	X(TIME, 1, "time")					\
	X(VERDICT, 2, "verdict")				\
	X(DROP_REASON, 3, "drop_reason")			\
	X(ETHERNET, 4, "ethernet")				\
	X(IP, 5, "IP")						\
	X(L4, 6, "l4")						\
	X(SOURCE, 8, "source")					\
	X(DESTINATION, 9, "destination")			\
	X(TYPE, 10, "Type")					\
	X(NODE_NAME, 11, "node_name")				\
	X(SOURCE_NAMES, 13, "source_names")			\
	X(DESTINATION_NAMES, 14, "destination_names")		\
	X(L7, 15, "l7")						\
	X(REPLY, 16, "reply")					\
	X(EVENT_TYPE, 19, "event_type")				\
	X(SOURCE_SERVICE, 20, "source_service")			\
	X(DESTINATION_SERVICE, 21, "destination_service")	\
	X(TRAFFIC_DIRECTION, 22, "traffic_direction")		\
	X(POLICY_MATCH_TYPE, 23, "policy_match_type")		\
	X(TRACE_POINT, 24, "trace_observation_point")		\
	X(DROP_REASON_DESC, 25, "drop_reason_desc")		\
	X(IS_REPLY, 26, "is_reply")				\
	X(DEBUG_CAPTURE_POINT, 27, "debug_capture_point")	\
	X(INTERFACE, 28, "interface")				\
	X(PROXY_PORT, 29, "proxy_port")				\
	X(TRACE_CONTEXT, 30, "trace_context")			\
	X(SOCK_XLATE_POINT, 31, "sock_xlate_point")		\
	X(SOCKET_COOKIE, 32, "socket_cookie")			\
	X(CGROUP_ID, 33, "cgroup_id")				\
	X(UUID, 34, "uuid")					\
	X(AUTH_TYPE, 35, "auth_type")				\
	X(TRACE_REASON, 36, "trace_reason")			\
	X(NODE_LABELS, 37, "node_labels")			\
	X(FILE, 38, "file")					\
	X(TUNNEL, 39, "tunnel")					\
	X(IP_TRACE_ID, 40, "ip_trace_id")			\
	X(EMITTER, 41, "emitter")				\
	X(EGRESS_ALLOWED_BY, 21001, "egress_allowed_by")	\
	X(INGRESS_ALLOWED_BY, 21002, "ingress_allowed_by")	\
	X(EGRESS_DENIED_BY, 21004, "egress_denied_by")		\
	X(INGRESS_DENIED_BY, 21005, "ingress_denied_by")	\
	X(POLICY_LOG, 21006, "policy_log")			\
	X(AGGREGATE, 21007, "aggregate")			\
	X(SUMMARY, 100000, "Summary")				\
	X(EXTENSIONS, 150000, "extensions")

enum wire_flow_field {
#define X(name, number, text) WIRE_FIELD_##name,
	WIRE_FLOW_FIELDS(X)
#undef X
	WIRE_FIELDS,
};
enum wire_flow_number {
#define X(name, number, text) WIRE_FLOW_##name = number,
	WIRE_FLOW_FIELDS(X)
#undef X
};

#endif
