// SPDX-License-Identifier: Apache-2.0
#include "flow/flow.pb-c.h"
#include "lib/filter/glob.h"
#include "lib/filter/readers.h"
#include "lib/filter/selector.h"

#define NUMBERS(number, end, name, type) \
	{ number, end, sizeof(uint64_t), false, filter_read_##type, filter_order_number, filter_holds_##name, NULL }
#define TEXTS(number, name) \
	{ number, false, sizeof(const char *), false, filter_read_text, filter_order_text, filter_holds_##name, NULL }
#define ADDRESSES(number, end, name) \
	{ number, end, sizeof(struct weir_prefix), false, filter_read_ip, filter_order_ip, filter_holds_##name, filter_finish_ip }
#define PATTERNS(number, end, type, reader, name) \
	{ number, end, sizeof(type), true, filter_read_##reader, NULL, filter_holds_##name, NULL }
#define FROM false
#define TO true

/* In the order in which they are asked: a glance first, then a search, then a walk through texts. */
const struct field fields[] = {
	NUMBERS(5, FROM, verdict, number32),
	NUMBERS(33, FROM, drop_reason, number32),
	PATTERNS(6, FROM, struct event_value, event, event),
	NUMBERS(30, FROM, direction, number32),
	NUMBERS(15, FROM, reply, bool),
	NUMBERS(25, FROM, ip_version, number32),
	NUMBERS(12, FROM, protocol, protocol),
	PATTERNS(23, FROM, struct tcp_value, tcp_flags, tcp_flags),
	NUMBERS(40, FROM, encrypted, bool),
	NUMBERS(39, FROM, ip_trace_id, number64),
	NUMBERS(13, FROM, port, port),
	NUMBERS(14, TO, port, port),
	NUMBERS(19, FROM, identity, number32),
	NUMBERS(20, TO, identity, number32),
	ADDRESSES(1, FROM, ip),
	ADDRESSES(3, TO, ip),
	ADDRESSES(34, FROM, ip_xlated),
	TEXTS(29, uuid),
	TEXTS(28, trace_id),
	PATTERNS(2, FROM, struct name_value, pod, pod),
	PATTERNS(4, TO, struct name_value, pod, pod),
	PATTERNS(16, FROM, struct name_value, pod, service),
	PATTERNS(17, TO, struct name_value, pod, service),
	PATTERNS(26, FROM, struct workload_value, workload, workload),
	PATTERNS(27, TO, struct workload_value, workload, workload),
	PATTERNS(35, FROM, struct interface_value, interface, interface),
	PATTERNS(37, FROM, struct glob, cluster, cluster),
	PATTERNS(38, TO, struct glob, cluster, cluster),
	PATTERNS(24, FROM, struct node_value, node, node),
	PATTERNS(9, FROM, struct status_value, status, status),
	PATTERNS(21, FROM, const char *, method, method),
	PATTERNS(7, FROM, struct glob, fqdn, fqdn),
	PATTERNS(8, TO, struct glob, fqdn, fqdn),
	PATTERNS(10, FROM, struct selector, selector, label),
	PATTERNS(11, TO, struct selector, selector, label),
	PATTERNS(36, FROM, struct selector, selector, node_label),
	PATTERNS(32, FROM, struct flow_header, header, header),
	PATTERNS(22, FROM, struct regex *, regex, http_path),
	PATTERNS(31, FROM, struct regex *, regex, http_url),
	PATTERNS(18, FROM, struct regex *, regex, dns_query),
};
const unsigned int fields_n = sizeof(fields) / sizeof(fields[0]);

const ProtobufCFieldDescriptor *field_descriptor(const struct field *field)
{
	return protobuf_c_message_descriptor_get_field(&flow__flow_filter__descriptor, field->number);
}
