// SPDX-License-Identifier: Apache-2.0
/* One packet after another, and why each met its fate.  A row that begins with '*' starts from an empty table. */
#include <stdio.h>

#include "tests/bpf/world.h"
#include "tests/check.h"

struct row {
	const char *says;
	struct place at;
	const char *packet;
	enum weir_reason want;
};

/* B is isolated both ways.  In: TCP 80 and 8000-8007 and UDP 53 from A, everything from the remote pod, SCTP 9 from the
 * outside.  Out: TCP 443 to the outside, everything portless to A.  C may not reach A. */
static const struct row policy[] = {
	{ "a rule lets the port in", FROM(A), "tcp A:4000 > B:80 S", WEIR_ALLOWED },
	{ "its answer", FROM(B), "tcp B:80 > A:4000 SA", WEIR_KNOWN },
	{ "and on", FROM(A), "tcp A:4000 > B:80 A", WEIR_KNOWN },
	{ "confirmed now: the short way", FROM(A), "tcp A:4000 > B:80 A", WEIR_KNOWN },
	{ "the short way back", FROM(B), "tcp B:80 > A:4000 A", WEIR_KNOWN },
	{ "over IPv6", FROM(A), "tcp A6.4000 > B6.80 S", WEIR_ALLOWED },
	{ "its answer over IPv6", FROM(B), "tcp B6.80 > A6.4000 SA", WEIR_KNOWN },
	{ "first port of the range", FROM(A), "tcp A:4001 > B:8000 S", WEIR_ALLOWED },
	{ "last port of the range", FROM(A), "tcp A:4001 > B:8007 S", WEIR_ALLOWED },
	{ "one past the range", FROM(A), "tcp A:4001 > B:8008 S", WEIR_NO_RULE },
	{ "one before the range", FROM(A), "tcp A:4001 > B:7999 S", WEIR_NO_RULE },
	{ "past the range in IPv6", FROM(A), "tcp A6.4001 > B6.8008 S", WEIR_NO_RULE },
	{ "the port of another protocol", FROM(A), "udp A:4000 > B:80", WEIR_NO_RULE },
	{ "UDP by its own rule", FROM(A), "udp A:4000 > B:53", WEIR_ALLOWED },
	{ "what has no ports, where rules have", FROM(A), "icmp A > B id=7", WEIR_NO_RULE },
	{ "what has no ports, where no policy is", FROM(B), "icmp B > A id=7", WEIR_ALLOWED },
	{ "its answer", FROM(A), "icmp A > B type=0 id=7", WEIR_KNOWN },
	{ "another id is another flow", FROM(A), "icmp A > B type=0 id=8", WEIR_NO_RULE },
	{ "some other protocol", FROM(B), "proto=47 B > A len=20", WEIR_ALLOWED },
	{ "its answer", FROM(A), "proto=47 A > B len=20", WEIR_KNOWN },
	{ "another one", FROM(A), "proto=50 A > B len=20", WEIR_NO_RULE },
	{ "a denied pair", FROM(C), "tcp C:1 > A:80 S", WEIR_DENIED },
	{ "and not the other way", FROM(A), "tcp A:2 > C:80 S", WEIR_ALLOWED },
	{ "out to where a rule allows", FROM(B), "tcp B:5000 > O:443 S", WEIR_ALLOWED },
	{ "out to another port", FROM(B), "tcp B:5000 > O:444 S", WEIR_NO_RULE },
	{ "the answer from outside", TO(B, IF_UPLINK), "tcp O:443 > B:5000 SA", WEIR_KNOWN },
	{ "the outside comes in by a rule", TO(B, IF_UPLINK), "sctp O:7 > B:9", WEIR_ALLOWED },
	{ "the answer to the outside", FROM(B), "sctp B:9 > O:7", WEIR_KNOWN },
	{ "from outside without a rule", TO(B, IF_UPLINK), "tcp O:9 > B:80 S", WEIR_NO_RULE },
	{ "from an address to itself, and not the pod's", TO(B, IF_UPLINK), "tcp O:9 > O:9 S", WEIR_NO_RULE },
	{ "a remote pod by a rule for all", TO(B, IF_UPLINK), "proto=47 R > B len=8", WEIR_ALLOWED },
	{ "a remote pod in IPv6", TO(B, IF_UPLINK), "udp R6.9 > B6.9", WEIR_ALLOWED },
	{ "an address nobody knows, outside", TO(B, IF_UPLINK), "tcp X:1 > B:80 S", WEIR_NO_RULE },
	{ "a pod nobody knows yet", TO(B, IF_UPLINK), "tcp S:1 > B:80 S", WEIR_STRANGER },
	{ "a pod nobody knows yet, in IPv6", TO(B, IF_UPLINK), "tcp S6.1 > B6.80 S", WEIR_STRANGER },
	{ "to a pod nobody knows yet", FROM(B), "tcp B:1 > S:80 S", WEIR_STRANGER },
	{ "an address that changed hands", TO(B, IF_UPLINK), "tcp T:1 > B:80 S", WEIR_RESTING },
	{ "to an address that changed hands", FROM(A), "tcp A:1 > T:80 S", WEIR_RESTING },
	{ "the node's own socket", TO(B, IF_NONE), "tcp N:1 > B:80 S", WEIR_ALLOWED },
	{ "the node's own socket, link-local", TO(B, IF_NONE), "udp fe80::9.1 > B6.80", WEIR_ALLOWED },
	{ "the answer to the node", FROM(B), "tcp B:80 > N:1 SA", WEIR_KNOWN },
	{ "the node's address by the uplink is a remote peer's", TO(B, IF_UPLINK), "tcp N:2 > B:80 S", WEIR_NO_RULE },
	{ "the node's address by a pod's veth is a remote peer's", TO(B, IF_A), "tcp N:3 > B:80 S", WEIR_NO_RULE },
};

static const struct row malformed[] = {
	{ "not even a type", FROM(A), "tcp A:1 > B:80 S vlan=5 cut=15", WEIR_SHORT_LINK },
	{ "neither IP nor ARP", FROM(A), "arp A > B cut=14", WEIR_BAD_ARP },
	{ "IP cut short", FROM(A), "tcp A:1 > B:80 S vlan=5 cut=37", WEIR_SHORT_IP },
	{ "IPv6 cut short", FROM(A), "tcp A6.1 > B6.80 S vlan=5 cut=57", WEIR_SHORT_IP },
	{ "TCP cut short", FROM(A), "tcp A:1 > B:80 S cut=40 tot=26", WEIR_SHORT_L4 },
	{ "longer than it is", FROM(A), "tcp A:1 > B:80 S tot=41", WEIR_BAD_LENGTH },
	{ "shorter than its header", FROM(A), "tcp A:1 > B:80 S tot=19", WEIR_BAD_LENGTH },
	{ "IPv6 longer than it is", FROM(A), "udp A6.1 > B6.53 tot=9", WEIR_BAD_LENGTH },
	{ "version 6 in an IPv4 frame", FROM(A), "tcp A:1 > B:80 S version=6", WEIR_BAD_VERSION },
	{ "version 4 in an IPv6 frame", FROM(A), "tcp A6.1 > B6.80 S version=4", WEIR_BAD_VERSION },
	{ "a TCP header of 16 bytes", FROM(A), "tcp A:1 > B:80 S doff=4", WEIR_BAD_L4 },
	{ "a TCP header longer than the packet", FROM(A), "tcp A:1 > B:80 S doff=6", WEIR_BAD_L4 },
	{ "UDP longer than its packet", FROM(A), "udp A:1 > B:53 udplen=9", WEIR_BAD_L4 },
	{ "UDP shorter than its header", FROM(A), "udp A:1 > B:53 udplen=7", WEIR_BAD_L4 },
	{ "SCTP cut short", FROM(A), "sctp A:1 > B:9 tot=28", WEIR_SHORT_L4 },
	{ "an IPv4 address in an IPv6 header, from", FROM(A), "tcp ::ffff:10.0.0.1 > fd00::2 S", WEIR_MAPPED },
	{ "an IPv4 address in an IPv6 header, to", FROM(A), "tcp fd00::1 > ::ffff:10.0.0.2 S", WEIR_MAPPED },
	{ "options are walked", FROM(A), "tcp A:7 > B:80 S opt=8", WEIR_ALLOWED },
	{ "padding is no part of it", FROM(A), "udp A:7 > B:53 pad=18", WEIR_ALLOWED },
	{ "a tag before it", FROM(A), "tcp A:8 > B:80 S vlan=5", WEIR_ALLOWED },
	{ "a tag before what is denied", FROM(A), "tcp A:8 > B:81 S vlan=5", WEIR_NO_RULE },
	{ "extension headers are walked", FROM(A), "tcp A6.7 > B6.80 S ext=0,60", WEIR_ALLOWED },
	{ "to a port that is denied", FROM(A), "tcp A6.7 > B6.81 S ext=0,60", WEIR_NO_RULE },
	{ "hop-by-hop not first", FROM(A), "tcp A6.7 > B6.80 S ext=60,0", WEIR_BAD_EXTENSION },
	{ "more extension headers than anybody needs", FROM(A), "tcp A6.7 > B6.80 S ext=60,60,60,60,60,60,60,60", WEIR_BAD_EXTENSION },
};

static const struct row identity[] = {
	{ "another pod's address", FROM(A), "tcp B:1 > C:80 S", WEIR_SPOOFED },
	{ "another pod's address in IPv6", FROM(A), "tcp B6.1 > C6.80 S", WEIR_SPOOFED },
	{ "an address from outside", FROM(A), "udp O:1 > C:80", WEIR_SPOOFED },
	{ "an IPv6 address that ends as the pod's IPv4 one", FROM(A), "icmp fd00::a00:1 > C6 type=128", WEIR_SPOOFED },
	{ "the pod's own, which stands at hand", FROM(A), "udp A:77 > C:80", WEIR_ALLOWED },
	{ "the pod's own, which does not", FROM(C), "udp C:77 > A:80", WEIR_ALLOWED },
	{ "the node's address", FROM(A), "udp N:1 > C:80", WEIR_SPOOFED },
	{ "nobody's address", FROM(A), "udp 0.0.0.0:1 > C:80", WEIR_SPOOFED },
	{ "nobody's address, to ask for one", FROM(A), "udp 0.0.0.0:68 > 255.255.255.255:67", WEIR_ALLOWED },
	{ "its link-local", FROM(A), "udp fe80::1.5 > C6.80", WEIR_SPOOFED },
	{ "its link-local, to ask for an address", FROM(A), "udp fe80::1.546 > ff02::1:2.547", WEIR_ALLOWED },
	{ "a prefix granted to its namespace", FROM(C), "udp G:1 > A:80", WEIR_ALLOWED },
	{ "the answer to it", FROM(A), "udp A:80 > G:1", WEIR_KNOWN },
	{ "a prefix granted to another namespace", FROM(A), "udp G:2 > C:80", WEIR_SPOOFED },
	{ "a local pod's address by its own veth (its hook counts)", TO(B, IF_A), "tcp A:1 > B:80 S", WEIR_KNOWN },
	{ "a local pod's address by the uplink", TO(B, IF_UPLINK), "tcp A:1 > B:80 S", WEIR_WRONG_WAY },
	{ "a new one by the uplink", TO(B, IF_UPLINK), "tcp A:2 > B:80 S", WEIR_WRONG_WAY },
	{ "a local pod's address by another pod's veth", TO(B, IF_C), "tcp A:1 > B:80 S", WEIR_WRONG_WAY },
	{ "a local pod's address by no interface", TO(B, IF_NONE), "tcp A:1 > B:80 S", WEIR_WRONG_WAY },
	{ "by the bridge that its end is a port of", TO(A, IF_BRIDGE), "tcp B:1 > A:80 S", WEIR_KNOWN },
	{ "by a bridge that it is no port of", TO(A, IF_BRIDGE), "tcp C:1 > A:80 S", WEIR_WRONG_WAY },
	{ "from nowhere, and not the node's", TO(B, IF_NONE), "tcp O:1 > B:80 S", WEIR_SPOOFED },
	{ "an outside address by a pod's veth", TO(B, IF_A), "tcp O:1 > B:80 S", WEIR_WRONG_WAY },
	{ "the node opens a connection", TO(B, IF_NONE), "tcp N:1 > B:80 S", WEIR_ALLOWED },
	{ "its addresses by the uplink are not known", TO(B, IF_UPLINK), "tcp N:1 > B:80 A", WEIR_WRONG_WAY },
	{ "an outside client opens one", TO(B, IF_UPLINK), "udp R:1 > B:80", WEIR_ALLOWED },
	{ "its addresses from nowhere are not known", TO(B, IF_NONE), "udp R:1 > B:80", WEIR_WRONG_WAY },
	{ "its addresses by a pod's veth are not known", TO(B, IF_A), "udp R:1 > B:80", WEIR_WRONG_WAY },
	{ "a pod that the node masqueraded opens one", TO(C, IF_B), "tcp N:9 > C:80 S", WEIR_ALLOWED },
	{ "the pod answers", FROM(C), "tcp C:80 > N:9 SA", WEIR_KNOWN },
	{ "the masqueraded pod goes on", TO(C, IF_B), "tcp N:9 > C:80 A", WEIR_KNOWN },
	{ "an interface that weir does not guard", { 1, IF_FOREIGN, IF_UPLINK }, "tcp O:1 > B:80 S", WEIR_NOT_OURS },
	{ "nonsense at such an interface", { 1, IF_FOREIGN, IF_UPLINK }, "tcp O:1 > B:80 S doff=1", WEIR_NOT_OURS },
	{ "a way in that nobody armed", { 0, IF_FOREIGN, IF_FOREIGN }, "tcp A:1 > B:80 S", WEIR_UNARMED },
	{ "the pod asks who has an address", FROM(A), "arp A > B op=1", WEIR_NEIGHBOUR },
	{ "it asks in another's name", FROM(A), "arp B > C op=1", WEIR_SPOOFED_ARP },
	{ "it claims another's address", FROM(A), "arp B > A op=2", WEIR_SPOOFED_ARP },
	{ "it probes for its own", FROM(A), "arp 0.0.0.0 > A op=1", WEIR_NEIGHBOUR },
	{ "it probes for another's", FROM(A), "arp 0.0.0.0 > B op=1", WEIR_SPOOFED_ARP },
	{ "the node asks for the pod", TO(A, IF_NONE), "arp N > A op=1", WEIR_NEIGHBOUR },
	{ "another claims to be a pod, from outside", TO(A, IF_UPLINK), "arp B > A op=2", WEIR_SPOOFED_ARP },
	{ "another claims to be this pod", TO(A, IF_UPLINK), "arp A > A op=2", WEIR_SPOOFED_ARP },
	{ "a strange operation", FROM(A), "arp A > B op=9", WEIR_BAD_ARP },
	{ "the pod looks for a neighbour", FROM(A), "icmp A6 > B6 type=135 ttl=255", WEIR_NEIGHBOUR },
	{ "by its link-local", FROM(A), "icmp fe80::1 > B6 type=135 ttl=255", WEIR_NEIGHBOUR },
	{ "in another's name", FROM(A), "icmp B6 > C6 type=135 ttl=255", WEIR_SPOOFED_ND },
	{ "it says who it is", FROM(A), "icmp A6 > B6 type=136 ttl=255 id=1", WEIR_NEIGHBOUR },
	{ "it says it is another", FROM(A), "icmp A6 > B6 type=136 ttl=255", WEIR_SPOOFED_ND },
	{ "it checks that its address is free", FROM(A), "icmp :: > A6 type=135 ttl=255", WEIR_NEIGHBOUR },
	{ "it checks for another's address", FROM(A), "icmp :: > B6 type=135 ttl=255", WEIR_SPOOFED_ND },
	{ "it asks as the node's next hop", FROM(A), "icmp fe80::fe > B6 type=135 ttl=255", WEIR_SPOOFED_ND },
	{ "it says it is the next hop", FROM(A), "icmp A6 > fe80::fe type=136 ttl=255", WEIR_SPOOFED_ND },
	{ "it checks for the next hop's address", FROM(A), "icmp :: > fe80::fe type=135 ttl=255", WEIR_SPOOFED_ND },
	{ "it reports groups as that", FROM(A), "icmp fe80::fe > ff02::16 type=143 ttl=1 ext=0", WEIR_SPOOFED_ND },
	{ "it asks for the next hop", FROM(A), "icmp A6 > fe80::fe type=135 ttl=255", WEIR_NEIGHBOUR },
	{ "it came from further than next door", FROM(A), "icmp A6 > B6 type=135 ttl=254", WEIR_BAD_L4 },
	{ "it plays router", FROM(A), "icmp fe80::1 > ff02::1 type=134 ttl=255", WEIR_ROUTER },
	{ "it redirects", FROM(A), "icmp fe80::1 > B6 type=137 ttl=255", WEIR_ROUTER },
	{ "it plays router in IPv4", FROM(A), "icmp A > B type=9", WEIR_ROUTER },
	{ "it redirects in IPv4", FROM(A), "icmp A > B type=5 quote(udp B:1 > A:2)", WEIR_ROUTER },
	{ "the node's router speaks", TO(A, IF_UPLINK), "icmp fe80::1 > ff02::1 type=134 ttl=255", WEIR_NEIGHBOUR },
	{ "another says it is a pod", TO(A, IF_UPLINK), "icmp fe80::1 > B6 type=136 ttl=255", WEIR_SPOOFED_ND },
	{ "it listens to a group", FROM(A), "icmp fe80::1 > ff02::16 type=143 ttl=1 ext=0", WEIR_NEIGHBOUR },
	{ "a report that would be routed", FROM(B), "icmp B6 > O6 type=143 ttl=64 len=100", WEIR_NO_RULE },
	{ "an old report that would be routed", FROM(B), "icmp B6 > R6 type=131 ttl=2 len=100", WEIR_NO_RULE },
	{ "a report from afar", TO(B, IF_UPLINK), "icmp O6 > B6 type=143 ttl=64 len=100", WEIR_NO_RULE },
	{ "a query from afar", TO(B, IF_UPLINK), "icmp O6 > B6 type=130 ttl=64 len=100", WEIR_NO_RULE },
	{ "the node's router asks for groups", TO(A, IF_UPLINK), "icmp fe80::1 > ff02::1 type=130 ttl=1 ext=0", WEIR_NEIGHBOUR },
	{ "it looks for a neighbour beyond the link", FROM(B), "icmp B6 > O6 type=135 ttl=255 len=100", WEIR_NO_RULE },
	{ "it says who it is beyond the link", FROM(B), "icmp B6 > O6 type=136 ttl=255 id=1 len=100", WEIR_NO_RULE },
	{ "it asks a router beyond the link", FROM(B), "icmp B6 > R6 type=133 ttl=255 len=100", WEIR_NO_RULE },
	{ "by its link-local beyond the link", FROM(B), "icmp fe80::2 > O6 type=133 ttl=255", WEIR_SPOOFED },
	{ "it looks for a group that is routed", FROM(B), "icmp B6 > ff0e::1 type=135 ttl=255", WEIR_NO_RULE },
	{ "it tells the node who it is", FROM(B), "icmp B6 > N6 type=136 ttl=255 id=1", WEIR_NEIGHBOUR },
	{ "nobody's address asks one in particular", FROM(A), "udp 0.0.0.0:68 > O:67", WEIR_SPOOFED },
	{ "nobody's address asks a pod", FROM(A), "udp 0.0.0.0:68 > C:67", WEIR_SPOOFED },
	{ "its link-local asks a pod", FROM(A), "udp fe80::1.546 > C6.547", WEIR_SPOOFED },
};

static const struct row fragments[] = {
	{ "first fragment, allowed", FROM(A), "udp A:1 > B:53 frag=5,0,1 len=1000 udplen=4000", WEIR_ALLOWED },
	{ "a later one", FROM(A), "udp A:1 > B:53 frag=5,1008,1 len=1000", WEIR_FRAGMENT },
	{ "the last one", FROM(A), "udp A:1 > B:53 frag=5,2008,0 len=100", WEIR_FRAGMENT },
	{ "of a datagram never seen", FROM(A), "udp A:1 > B:53 frag=6,1008,1 len=1000", WEIR_ORPHAN },
	{ "with that id from another pod", FROM(C), "udp C:1 > B:53 frag=5,1008,1 len=1000", WEIR_ORPHAN },
	{ "first fragment, denied", FROM(A), "udp A:1 > B:54 frag=7,0,1 len=1000 udplen=4000", WEIR_NO_RULE },
	{ "a later one of it", FROM(A), "udp A:1 > B:54 frag=7,1008,0 len=1000", WEIR_ORPHAN },
	{ "over IPv6", FROM(A), "udp A6.1 > B6.53 frag=5,0,1 len=1000 udplen=4000", WEIR_ALLOWED },
	{ "a later one over IPv6", FROM(A), "udp A6.1 > B6.53 frag=5,1008,0 len=1000", WEIR_FRAGMENT },
	{ "an orphan over IPv6", FROM(A), "udp A6.1 > B6.53 frag=8,1008,0 len=1000", WEIR_ORPHAN },
	{ "a whole datagram in one fragment", FROM(A), "udp A6.2 > B6.53 frag=9,0,0 len=100", WEIR_ALLOWED },
	{ "a first fragment without ports", FROM(A), "tcp A:1 > B:80 S frag=9,0,1 tot=36", WEIR_BAD_FRAGMENT },
	{ "one that would overlap TCP's flags", FROM(A), "tcp A:1 > B:80 S frag=9,8,0 len=80", WEIR_BAD_FRAGMENT },
	{ "one that ends beyond 64 KiB", FROM(A), "udp A:1 > B:53 frag=5,65512,0 len=100", WEIR_BAD_FRAGMENT },
	{ "one with an odd length", FROM(A), "udp A:1 > B:53 frag=5,1008,1 len=1001", WEIR_BAD_FRAGMENT },
};

static const struct row errors[] = {
	{ "a connection goes out", FROM(B), "tcp B:5000 > O:443 S", WEIR_ALLOWED },
	{ "a router says it is too big", TO(B, IF_UPLINK), "icmp X > B type=3 code=4 quote(tcp B:5000 > O:443 S)", WEIR_RELATED },
	{ "about a connection that is none", TO(B, IF_UPLINK), "icmp X > B type=3 code=4 quote(tcp B:5001 > O:443 S)", WEIR_UNRELATED },
	{ "about what another pod sent", TO(B, IF_UPLINK), "icmp X > B type=3 code=4 quote(tcp A:5000 > O:443 S)", WEIR_UNRELATED },
	{ "about a packet that its receiver never sent", FROM(B), "icmp B > O type=3 code=3 quote(tcp O:443 > B:5000 A)", WEIR_UNRELATED },
	{ "a quote cut short", TO(B, IF_UPLINK), "icmp X > B type=3 quote(tcp B:5000 > O:443 S) tot=50", WEIR_BAD_QUOTE },
	{ "an error about an error", TO(B, IF_UPLINK), "icmp X > B type=3 quote(icmp B > O type=3)", WEIR_BAD_QUOTE },
	{ "from a pod's address by the uplink", TO(B, IF_UPLINK), "icmp A > B type=3 code=4 quote(tcp B:5000 > O:443 S)", WEIR_WRONG_WAY },
	{ "a datagram comes in", FROM(A), "udp A:9 > B:53", WEIR_ALLOWED },
	{ "nobody listens", FROM(B), "icmp B > A type=3 code=3 quote(udp A:9 > B:53)", WEIR_RELATED },
	{ "in another's name", FROM(C), "icmp B > A type=3 code=3 quote(udp A:9 > B:53)", WEIR_SPOOFED },
	{ "over IPv6", FROM(A), "udp A6.9 > B6.53", WEIR_ALLOWED },
	{ "nobody listens over IPv6", FROM(B), "icmp B6 > A6 type=1 code=4 quote(udp A6.9 > B6.53)", WEIR_RELATED },
	{ "a mapped address in the quote", FROM(B), "icmp B6 > A6 type=1 code=4 quote(udp ::ffff:10.0.0.1 > fd00::2)", WEIR_MAPPED },
	{ "an echo", FROM(B), "icmp B > A id=77", WEIR_ALLOWED },
	{ "the echo cannot be delivered", TO(B, IF_UPLINK), "icmp X > B type=11 quote(icmp B > A id=77)", WEIR_RELATED },
};

static void policy_make(struct world *w)
{
	world_rule(w, ALLOWS(B, WEIR_INGRESS, WHO_A, 6, 80, 80, 100));
	world_rule(w, ALLOWS(B, WEIR_INGRESS, WHO_A, 6, 8000, 8007, 101));
	world_rule(w, ALLOWS(B, WEIR_INGRESS, WHO_A, 17, 53, 53, 102));
	world_rule(w, ALLOWS(B, WEIR_INGRESS, WHO_REMOTE, 0, 0, 0, 103));
	world_rule(w, ALLOWS(B, WEIR_INGRESS, WHO_OUTSIDE, 132, 9, 9, 104));
	world_rule(w, ALLOWS(B, WEIR_EGRESS, WHO_OUTSIDE, 6, 443, 443, 105));
	world_rule(w, ALLOWS(B, WEIR_EGRESS, WHO_A, 0, 0, 0, 106));
	world_rule(w, DENIES(A, WEIR_INGRESS, WHO_C, 6, 0, 65535, 107));
	world_isolate(w, B, WEIR_INGRESS);
	world_isolate(w, B, WEIR_EGRESS);
	world_commit(w);
}

static int fate(enum weir_reason reason)
{
	enum { PASS, DROP };
	static const int fates[] = {
#define X(name, fate, word, text) fate,
		WEIR_REASONS(X)
#undef X
	};
	return fates[reason] == DROP;
}

static void run(struct world *w, const char *table, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum weir_reason got = world_send(w, rows[i].at, rows[i].packet);

		CHECK(got == rows[i].want, "%s: %s: %s, not %s (%s)", table, rows[i].says, reason_word(got),
		      reason_word(rows[i].want), rows[i].packet);
		CHECK((w->retval == 2) == fate(rows[i].want), "%s: %s: its fate (returned %d)", table, rows[i].says, w->retval);
	}
}

int main(void)
{
#define TABLE(name) { #name, name, sizeof(name) / sizeof(name[0]) }
	static const struct { const char *name; const struct row *rows; size_t n; } tables[] = {
		TABLE(policy), TABLE(malformed), TABLE(identity), TABLE(fragments), TABLE(errors),
	};

	struct world *w;
	int err = world_open(&w, 64);

	CHECK(!err, "a world opens (%d)", err);
	for (size_t i = 0; !err && i < sizeof(tables) / sizeof(tables[0]); i++) {
		world_reset(w);
		policy_make(w);
		run(w, tables[i].name, tables[i].rows, tables[i].n);
	}
	if (!err)
		world_close(w);
	return check_done();
}
