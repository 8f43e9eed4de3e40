/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire's DropReasons: number, name, and what a command line calls it.  One list for words and tests.
 */
#ifndef WEIR_LIB_FLOW_DROPS_H
#define WEIR_LIB_FLOW_DROPS_H

#define FLOW_DROPS(X)	\
	X(0, DROP_REASON_UNKNOWN, "Unknown")	\
	X(130, INVALID_SOURCE_MAC, "Invalid source MAC")	\
	X(131, INVALID_DESTINATION_MAC, "Invalid destination MAC")	\
	X(132, INVALID_SOURCE_IP, "Invalid source ip")	\
	X(133, POLICY_DENIED, "Policy denied")	\
	X(134, INVALID_PACKET_DROPPED, "Invalid packet")	\
	X(135, CT_TRUNCATED_OR_INVALID_HEADER, "CT: Truncated or invalid header")	\
	X(136, CT_MISSING_TCP_ACK_FLAG, "Fragmentation needed")	\
	X(137, CT_UNKNOWN_L4_PROTOCOL, "CT: Unknown L4 protocol")	\
	X(138, CT_CANNOT_CREATE_ENTRY_FROM_PACKET, "CT: Cannot create entry from packet")	\
	X(139, UNSUPPORTED_L3_PROTOCOL, "Unsupported L3 protocol")	\
	X(140, MISSED_TAIL_CALL, "Missed tail call")	\
	X(141, ERROR_WRITING_TO_PACKET, "Error writing to packet")	\
	X(142, UNKNOWN_L4_PROTOCOL, "Unknown L4 protocol")	\
	X(143, UNKNOWN_ICMPV4_CODE, "Unknown ICMPv4 code")	\
	X(144, UNKNOWN_ICMPV4_TYPE, "Unknown ICMPv4 type")	\
	X(145, UNKNOWN_ICMPV6_CODE, "Unknown ICMPv6 code")	\
	X(146, UNKNOWN_ICMPV6_TYPE, "Unknown ICMPv6 type")	\
	X(147, ERROR_RETRIEVING_TUNNEL_KEY, "Error retrieving tunnel key")	\
	X(148, ERROR_RETRIEVING_TUNNEL_OPTIONS, "Error retrieving tunnel options")	\
	X(149, INVALID_GENEVE_OPTION, "Invalid Geneve option")	\
	X(150, UNKNOWN_L3_TARGET_ADDRESS, "Unknown L3 target address")	\
	X(151, STALE_OR_UNROUTABLE_IP, "Stale or unroutable IP")	\
	X(152, NO_MATCHING_LOCAL_CONTAINER_FOUND, "No matching local container found")	\
	X(153, ERROR_WHILE_CORRECTING_L3_CHECKSUM, "Error while correcting L3 checksum")	\
	X(154, ERROR_WHILE_CORRECTING_L4_CHECKSUM, "Error while correcting L4 checksum")	\
	X(155, CT_MAP_INSERTION_FAILED, "CT: Map insertion failed")	\
	X(156, INVALID_IPV6_EXTENSION_HEADER, "Invalid IPv6 extension header")	\
	X(157, IP_FRAGMENTATION_NOT_SUPPORTED, "IP fragmentation not supported")	\
	X(158, SERVICE_BACKEND_NOT_FOUND, "Service backend not found")	\
	X(160, NO_TUNNEL_OR_ENCAPSULATION_ENDPOINT, "No tunnel or encapsulation endpoint")	\
	X(161, FAILED_TO_INSERT_INTO_PROXYMAP, "NAT46/64 not enabled")	\
	X(162, REACHED_EDT_RATE_LIMITING_DROP_HORIZON, "Reached EDT rate-limiting drop horizon")	\
	X(163, UNKNOWN_CONNECTION_TRACKING_STATE, "Unknown connection tracking state")	\
	X(164, LOCAL_HOST_IS_UNREACHABLE, "Local host is unreachable")	\
	X(165, NO_CONFIGURATION_AVAILABLE_TO_PERFORM_POLICY_DECISION, "No configuration available to perform policy decision")	\
	X(166, UNSUPPORTED_L2_PROTOCOL, "Unsupported L2 protocol")	\
	X(167, NO_MAPPING_FOR_NAT_MASQUERADE, "No mapping for NAT masquerade")	\
	X(168, UNSUPPORTED_PROTOCOL_FOR_NAT_MASQUERADE, "Unsupported protocol for NAT masquerade")	\
	X(169, FIB_LOOKUP_FAILED, "FIB lookup failed")	\
	X(170, ENCAPSULATION_TRAFFIC_IS_PROHIBITED, "Encapsulation traffic is prohibited")	\
	X(171, INVALID_IDENTITY, "Invalid identity")	\
	X(172, UNKNOWN_SENDER, "Unknown sender")	\
	X(173, NAT_NOT_NEEDED, "NAT not needed")	\
	X(174, IS_A_CLUSTERIP, "Is a ClusterIP")	\
	X(175, FIRST_LOGICAL_DATAGRAM_FRAGMENT_NOT_FOUND, "First logical datagram fragment not found")	\
	X(176, FORBIDDEN_ICMPV6_MESSAGE, "Forbidden ICMPv6 message")	\
	X(177, DENIED_BY_LB_SRC_RANGE_CHECK, "Denied by LB src range check")	\
	X(178, SOCKET_LOOKUP_FAILED, "Socket lookup failed")	\
	X(179, SOCKET_ASSIGN_FAILED, "Socket assign failed")	\
	X(180, PROXY_REDIRECTION_NOT_SUPPORTED_FOR_PROTOCOL, "Proxy redirection not supported for protocol")	\
	X(181, POLICY_DENY, "Policy denied by denylist")	\
	X(182, VLAN_FILTERED, "VLAN filtered")	\
	X(183, INVALID_VNI, "Invalid VNI")	\
	X(184, INVALID_TC_BUFFER, "Invalid TC buffer")	\
	X(185, NO_SID, "No SID")	\
	X(186, MISSING_SRV6_STATE, "Missing SRv6 state")	\
	X(187, NAT46, "NAT46")	\
	X(188, NAT64, "NAT64")	\
	X(189, AUTH_REQUIRED, "Authentication required")	\
	X(190, CT_NO_MAP_FOUND, "CT: No map found")	\
	X(191, SNAT_NO_MAP_FOUND, "SNAT: No map found")	\
	X(192, INVALID_CLUSTER_ID, "Invalid cluster ID")	\
	X(193, UNSUPPORTED_PROTOCOL_FOR_DSR_ENCAP, "Unsupported protocol for DSR encap")	\
	X(194, NO_EGRESS_GATEWAY, "No egress gateway")	\
	X(195, UNENCRYPTED_TRAFFIC, "Unencrypted traffic")	\
	X(196, TTL_EXCEEDED, "TTL exceeded")	\
	X(197, NO_NODE_ID, "No node ID")	\
	X(198, DROP_RATE_LIMITED, "Rate limited")	\
	X(199, IGMP_HANDLED, "IGMP handled")	\
	X(200, IGMP_SUBSCRIBED, "IGMP subscribed")	\
	X(201, MULTICAST_HANDLED, "Multicast handled")	\
	X(202, DROP_HOST_NOT_READY, "Host not ready")	\
	X(203, DROP_EP_NOT_READY, "Endpoint not ready")	\
	X(204, DROP_NO_EGRESS_IP, "No egress IP")	\
	X(205, DROP_PUNT_PROXY, "Punt to proxy")

#endif
