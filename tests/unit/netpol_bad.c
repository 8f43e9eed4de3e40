// SPDX-License-Identifier: Apache-2.0
/* Manifests that are refused, each with the very sentence that its author reads. */
#include "tests/unit/objects.h"

#define NP(spec) "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: p\nspec:\n" spec
#define CNP(spec) "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata:\n  name: c\nspec:\n" spec
#define CNP_RULE(dir, rule) CNP("  tier: Admin\n  priority: 1\n  subject: {namespaces: {}}\n  " dir ":\n  - " rule "\n")
#define POD(rest) "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n" rest
#define META(kind, meta) "apiVersion: v1\nkind: " kind "\nmetadata: " meta "\n"

static const struct {
	const char *text, *wrong;
} rows[] = {
	/* YAML and JSON themselves */
	{ "kind: Pod\n\tapiVersion: v1\n",
	  "db.yaml:2:1: a tab indents this line: YAML wants spaces" },
	{ "a: b: c\n",
	  "db.yaml:1:5: not YAML: a ':' is not expected here; is the line above indented right, or a "
	  "text without its quotes?" },
	{ "a: [1, 2\n",
	  "db.yaml:1:4: not YAML: the list that begins here lacks a ',' or a ']'" },
	{ "a: \"x\n",
	  "db.yaml:1:4: not YAML: the text in quotes that begins here has no end" },
	{ "a: 1\n  b: 2\n",
	  "db.yaml:2:4: not YAML: a ':' is not expected here; is the line above indented right, or a "
	  "text without its quotes?" },
	{ "a:\n  - 1\n 2\n",
	  "db.yaml:3:2: not YAML: a key is expected here; is the line indented like its neighbours?" },
	{ "a: @x\n",
	  "db.yaml:1:4: not YAML: no value begins with this character: put it in quotes" },
	{ "a: \xff\n",
	  "db.yaml:1: this is not UTF-8, at or after this line" },
	{ "a: &x 1\n",
	  "db.yaml:1:4: anchors (&) are not read: write the value out where it is used" },
	{ "a: *x\n",
	  "db.yaml:1:4: aliases (*) are not read: write the value out" },
	{ "a: !!str 1\n",
	  "db.yaml:1:4: tags (!) are not read: delete it, and put quotes round what is a text" },
	{ "a: 1\nb: 2\na: 3\n",
	  "db.yaml:3:1: key 'a' stands here twice (first in line 1): keep one" },
	{ "? [a]\n: b\n",
	  "db.yaml:1:3: a key must be a word" },
	{ "{\"kind\": \"Pod\", \"kind\": \"Pod\"}",
	  "db.yaml:1:17: key 'kind' stands here twice (first in line 1): keep one" },
	{ "{\"kind\": \"Pod\" \"apiVersion\": \"v1\"}",
	  "db.yaml:1:16: not JSON: a comma or } is wanted here" },
	{ "{\"kind\": \"P\\u0000d\"}",
	  "db.yaml:1:12: not JSON: this escape stands for no character" },
	{ "{\"kind\": \"Pod\",",
	  "db.yaml:1:16: not JSON: the text ends too early" },

	/* What is it */
	{ "hello\n",
	  "db.yaml:1:1: this is no object; an object begins with apiVersion and kind" },
	{ "- a\n",
	  "db.yaml:1:1: this is no object; an object begins with apiVersion and kind" },
	{ "{}\n",
	  "db.yaml:1:1: no kind; every object says its apiVersion and its kind" },
	{ "apiVersion: v1\nmetadata: {name: a}\n",
	  "db.yaml:1:1: no kind; every object says its apiVersion and its kind" },
	{ "kind: Pod\nmetadata: {name: a}\n",
	  "db.yaml:1:1: no apiVersion; every object says its apiVersion and its kind" },
	{ "apiVersion: v1\nkind: 5\n",
	  "db.yaml:2:7: kind must be a text, and 5 without quotes is a number; write \"5\"" },
	{ "apiVersion: v1\nkind: Pdo\n",
	  "db.yaml:2:7: kind 'Pdo' is not known; write Pod" },
	{ "apiVersion: v1\nkind: Widget\n",
	  "db.yaml:2:7: kind 'Widget' is not known in apiVersion v1" },
	{ "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicies\n",
	  "db.yaml:2:7: kind 'NetworkPolicies' is not known; write NetworkPolicy" },
	{ "apiVersion: networking.k8s.io/v1\nkind: Networkpolicy\n",
	  "db.yaml:2:7: kind 'Networkpolicy' is not known; write NetworkPolicy" },
	{ "apiVersion: networking.k8s.io/v1beta1\nkind: NetworkPolicy\n",
	  "db.yaml:1:13: apiVersion 'networking.k8s.io/v1beta1' of a NetworkPolicy is not read; write "
	  "networking.k8s.io/v1" },
	{ "apiVersion: networking.k8s.io\nkind: NetworkPolicy\n",
	  "db.yaml:1:13: kind NetworkPolicy belongs to apiVersion networking.k8s.io/v1, not to "
	  "'networking.k8s.io', which weir does not enforce" },
	{ "apiVersion: networking.k8.io/v1\nkind: NetworkPolicy\n",
	  "db.yaml:1:13: kind NetworkPolicy belongs to apiVersion networking.k8s.io/v1, not to "
	  "'networking.k8.io/v1', which weir does not enforce" },
	{ "apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\n",
	  "db.yaml:1:13: kind NetworkPolicy belongs to apiVersion networking.k8s.io/v1, not to "
	  "'projectcalico.org/v3', which weir does not enforce" },
	{ "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\n",
	  "db.yaml:2:7: AdminNetworkPolicy is no longer part of the API; write a ClusterNetworkPolicy "
	  "of policy.networking.k8s.io/v1alpha2 with tier Admin" },
	{ "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: BaselineAdminNetworkPolicy\n",
	  "db.yaml:2:7: BaselineAdminNetworkPolicy is no longer part of the API; write a "
	  "ClusterNetworkPolicy of policy.networking.k8s.io/v1alpha2 with tier Baseline" },
	{ "apiVersion: v1\nkind: List\nitems: {a: b}\n",
	  "db.yaml:3:8: items is a map of fields and must be a list; begin each item with '- '" },
	{ "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n-\n",
	  "db.yaml:4:3: Pod has no metadata.name\ndb.yaml:6:2: an item of the list is empty; delete it" },
	{ "apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: UP}\n",
	  "db.yaml:4:20: metadata.name 'UP' is no name for a Pod: small letters, digits, '-' and '.' "
	  "inside, at most 253" },

	/* Metadata */
	{ "apiVersion: v1\nkind: Pod\n",
	  "db.yaml:1:1: Pod has no metadata.name" },
	{ META("Pod", "{nmae: a}"),
	  "db.yaml:3:12: 'nmae' is no field of metadata; write name" },
	{ META("Pod", "{name: 5}"),
	  "db.yaml:3:18: metadata.name must be a text, and 5 without quotes is a number; write \"5\"" },
	{ META("Pod", "{name: web_1}"),
	  "db.yaml:3:18: metadata.name 'web_1' is no name for a Pod: small letters, digits, '-' and "
	  "'.' inside, at most 253" },
	{ META("Pod", "{name: Web}"),
	  "db.yaml:3:18: metadata.name 'Web' is no name for a Pod: small letters, digits, '-' and '.' "
	  "inside, at most 253" },
	{ META("Namespace", "{name: a.b}"),
	  "db.yaml:3:18: metadata.name 'a.b' is no name for a Namespace: small letters, digits and '-' "
	  "inside, at most 63" },
	{ META("Pod", "{name: a, namespace: A}"),
	  "db.yaml:3:32: metadata.namespace 'A' is no name of a namespace: small letters, digits and "
	  "'-' inside, at most 63" },
	{ META("Pod", "[a]"),
	  "db.yaml:3:11: metadata is a list and must be a map of fields ('name: value')" },
	{ META("Pod", "{name: a, lables: {a: b}}"),
	  "db.yaml:3:21: 'lables' is no field of metadata; write labels" },
	{ META("Pod", "{name: a, labels: [a]}"),
	  "db.yaml:3:29: labels is a list and must be a map of fields ('name: value')" },
	{ META("Pod", "{name: a, labels: {a: true}}"),
	  "db.yaml:3:33: a label's value must be a text, and true without quotes is a boolean; write "
	  "\"true\"" },
	{ META("Pod", "{name: a, labels: {version: 1.10}}"),
	  "db.yaml:3:39: a label's value must be a text, and 1.10 without quotes is a number; write "
	  "\"1.10\"" },
	{ META("Pod", "{name: a, labels: {a: -x}}"),
	  "db.yaml:3:33: '-x' is no label value: a label value is up to 63 letters, digits, '-', '_' "
	  "or '.', with a letter or digit at both ends" },
	{ META("Pod", "{name: a, labels: {'a b': x}}"),
	  "db.yaml:3:30: 'a b' is no label key: a label key is up to 63 letters, digits, '-', '_' or "
	  "'.', with a letter or digit at both ends, after an optional prefix like example.com/" },
	{ META("Pod", "{name: a, labels: {Ex.com/a: x}}"),
	  "db.yaml:3:30: 'Ex.com/a' is no label key: a label key is up to 63 letters, digits, '-', '_' "
	  "or '.', with a letter or digit at both ends, after an optional prefix like example.com/" },
	{ META("Pod", "{name: a, labels: {a: {b: c}}}"),
	  "db.yaml:3:33: a label's value is a map of fields and must be a single value" },
	{ META("Pod", "{name: a, annotations: {weir.dev/stack-mode: 'yes'}}"),
	  "db.yaml:3:56: weir.dev/stack-mode is 'yes' and must be \"true\" or \"false\"" },
	{ META("Pod", "{name: a, annotations: {weir.dev/stack-mode: true}}"),
	  "db.yaml:3:56: weir.dev/stack-mode must be a text, and true without quotes is a boolean; "
	  "write \"true\"" },
	{ META("Pod", "{name: a, annotations: {weir.dev/stackmode: 'true'}}"),
	  "db.yaml:3:35: annotation 'weir.dev/stackmode' is none of weir's; write weir.dev/stack-mode" },
	{ META("Pod", "{name: a, annotations: {weir.dev/flow-quota: many}}"),
	  "db.yaml:3:56: weir.dev/flow-quota is 'many' and must be a number of flows, from 1 to "
	  "16777216" },
	{ META("Pod", "{name: a, annotations: {weir.dev/interface: an-interface-too-long}}"),
	  "db.yaml:3:55: weir.dev/interface 'an-interface-too-long' is no name of an interface: up to "
	  "15 bytes, no '/', ':' or space" },
	{ META("Namespace", "{name: a, annotations: {weir.dev/allowed-sources: '10.0.0.0/8, x'}}"),
	  "db.yaml:3:61: weir.dev/allowed-sources 'x' is no address range; write one like 10.0.0.0/8 "
	  "or fd00::/8" },

	/* Pods, nodes, services */
	{ POD("spec: {hostNetwork: 'true'}\n"),
	  "db.yaml:4:21: hostNetwork is 'true' and must be true or false, without quotes" },
	{ POD("spec: {containers: {a: b}}\n"),
	  "db.yaml:4:20: containers is a map of fields and must be a list; begin each item with '- '" },
	{ POD("spec: {containers: [{ports: [{name: WEB, containerPort: 80}]}]}\n"),
	  "db.yaml:4:37: 'WEB' is no port name: up to 15 small letters, digits or single '-' inside, "
	  "one letter at least" },
	{ POD("spec: {containers: [{ports: [{name: web, containerPort: 0}]}]}\n"),
	  "db.yaml:4:57: containerPort is 0 and must be from 1 to 65535" },
	{ POD("spec: {containers: [{ports: [{name: web}]}]}\n"),
	  "db.yaml:4:30: a container's port has no containerPort" },
	{ POD("spec: {containers: [{ports: [{name: web, containerPort: 80, protocol: tcp}]}]}\n"),
	  "db.yaml:4:71: protocol is 'tcp'; write TCP" },
	{ POD("status: {phase: running}\n"),
	  "db.yaml:4:17: phase is 'running'; write Running" },
	{ POD("status: {podIP: 10.0.0.256}\n"),
	  "db.yaml:4:17: address '10.0.0.256' is no IPv4 or IPv6 address" },
	{ POD("status: {podIPs: [{ip: '::ffff:10.0.0.1'}]}\n"),
	  "db.yaml:4:24: address '::ffff:10.0.0.1' is no IPv4 or IPv6 address" },
	{ "apiVersion: v1\nkind: Node\nmetadata: {name: n}\nspec: {podCIDR: 10.0.0.0}\n",
	  "db.yaml:4:17: podCIDR '10.0.0.0' has no prefix length; for one address write /32 behind it" },
	{ "apiVersion: v1\nkind: Node\nmetadata: {name: n}\nstatus: {addresses: [{type: InternalIP, address: x}]}\n",
	  "db.yaml:4:50: address 'x' is no IPv4 or IPv6 address" },
	{ "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: http}]}\n",
	  "db.yaml:4:23: port is 'http' and must be a whole number from 1 to 65535" },
	{ "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s}\naddressType: ipv4\n",
	  "db.yaml:4:14: addressType is 'ipv4'; write IPv4" },

	/* NetworkPolicy */
	{ "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspecs: {}\n",
	  "db.yaml:4:1: 'specs' is no field of a NetworkPolicy; write spec" },
	{ NP("  podselector: {}\n"),
	  "db.yaml:6:3: 'podselector' is no field of a NetworkPolicy's spec; write podSelector" },
	{ NP("  podSelector: {app: web}\n"),
	  "db.yaml:6:17: 'app' is no field of a selector; labels go under matchLabels" },
	{ NP("  podSelector: []\n"),
	  "db.yaml:6:16: a selector is a list and must be a map of fields ('name: value')" },
	{ NP("  podSelector: {matchLabels: {app: yes}}\n"),
	  "db.yaml:6:36: a label's value must be a text, and yes without quotes is a boolean; write "
	  "\"yes\"" },
	{ NP("  podSelector: {matchExpressions: {key: a}}\n"),
	  "db.yaml:6:35: matchExpressions is a map of fields and must be a list; begin each item with "
	  "'- '" },
	{ NP("  podSelector: {matchExpressions: [{key: a}]}\n"),
	  "db.yaml:6:36: an item of matchExpressions has no operator; write In, NotIn, Exists or "
	  "DoesNotExist" },
	{ NP("  podSelector: {matchExpressions: [{operator: Exists}]}\n"),
	  "db.yaml:6:36: an item of matchExpressions has no key" },
	{ NP("  podSelector: {matchExpressions: [{key: a, operator: in, values: [b]}]}\n"),
	  "db.yaml:6:55: operator is 'in'; write In" },
	{ NP("  podSelector: {matchExpressions: [{key: a, operator: Equals, values: [b]}]}\n"),
	  "db.yaml:6:55: operator is 'Equals' and must be In, NotIn, Exists or DoesNotExist" },
	{ NP("  podSelector: {matchExpressions: [{key: a, operator: In}]}\n"),
	  "db.yaml:6:36: operator In needs values" },
	{ NP("  podSelector: {matchExpressions: [{key: a, operator: NotIn, values: []}]}\n"),
	  "db.yaml:6:36: operator NotIn needs values" },
	{ NP("  podSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}\n"),
	  "db.yaml:6:71: operator Exists takes no values; delete them" },
	{ NP("  podSelector: {matchExpressions: [{key: a, operator: In, values: ['b c']}]}\n"),
	  "db.yaml:6:68: 'b c' is no label value: a label value is up to 63 letters, digits, '-', '_' "
	  "or '.', with a letter or digit at both ends" },
	{ NP("  policyTypes: [ingress]\n"),
	  "db.yaml:6:17: policyTypes is 'ingress'; write Ingress" },
	{ NP("  policyTypes: [Both]\n"),
	  "db.yaml:6:17: policyTypes is 'Both' and must be Ingress or Egress" },
	{ NP("  policyTypes: Ingress\n"),
	  "db.yaml:6:16: policyTypes is a text and must be a list; begin each item with '- '" },
	{ NP("  policyTypes: [Ingress, Egress, Ingress]\n"),
	  "db.yaml:6:16: policyTypes has 3 items, and at most 2 are allowed" },
	{ NP("  ingress: {}\n"),
	  "db.yaml:6:12: ingress is a map of fields and must be a list; begin each item with '- '" },
	{ NP("  ingress:\n  -\n"),
	  "db.yaml:7:4: an item of ingress is empty; write what it is, or delete it" },
	{ NP("  ingress:\n  - to: []\n"),
	  "db.yaml:7:9: an ingress rule has no 'to'; write from" },
	{ NP("  egress:\n  - from: []\n"),
	  "db.yaml:7:11: an egress rule has no 'from'; write to" },
	{ NP("  ingress:\n  - from:\n    - {}\n"),
	  "db.yaml:8:7: a peer that names nobody; give it podSelector, namespaceSelector or ipBlock" },
	{ NP("  ingress:\n  - from:\n    - podSelector:\n"),
	  "db.yaml:8:7: a peer that names nobody; give it podSelector, namespaceSelector or ipBlock" },
	{ NP("  ingress:\n  - from:\n    - ipBlock: {cidr: 10.0.0.0/8}\n      podSelector: {}\n"),
	  "db.yaml:8:16: ipBlock excludes podSelector and namespaceSelector; write it as an item of "
	  "its own" },
	{ NP("  ingress:\n  - from:\n    - podSelectors: {}\n"),
	  "db.yaml:8:7: 'podSelectors' is no field of a peer of a NetworkPolicy; write podSelector" },
	{ NP("  ingress:\n  - from:\n    - serviceAccount: {}\n"),
	  "db.yaml:8:7: 'serviceAccount' is no field of a peer of a NetworkPolicy; it may have "
	  "podSelector, namespaceSelector or ipBlock" },
	{ NP("  ingress:\n  - from:\n    - ipBlock: {}\n"),
	  "db.yaml:8:16: ipBlock has no cidr" },
	{ NP("  ingress:\n  - from:\n    - ipBlock: {cidr: 10.0.0.0}\n"),
	  "db.yaml:8:23: cidr '10.0.0.0' has no prefix length; for one address write /32 behind it" },
	{ NP("  ingress:\n  - from:\n    - ipBlock: {cidr: 10.0.0.0/33}\n"),
	  "db.yaml:8:23: cidr '10.0.0.0/33' has no prefix length from 0 to 32" },
	{ NP("  ingress:\n  - from:\n    - ipBlock: {cidr: '::ffff:10.0.0.0/104'}\n"),
	  "db.yaml:8:23: cidr '::ffff:10.0.0.0/104' is an IPv4 address in IPv6 clothes; write it as "
	  "IPv4" },
	{ NP("  ingress:\n  - from:\n    - ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}\n"),
	  "db.yaml:8:44: except 10.0.0.0/8 does not lie inside cidr 10.0.0.0/8, and must be smaller "
	  "than it; what is outside is not allowed by this block anyway" },
	{ NP("  ingress:\n  - from:\n    - ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}\n"),
	  "db.yaml:8:44: except 11.0.0.0/16 does not lie inside cidr 10.0.0.0/8, and must be smaller "
	  "than it; what is outside is not allowed by this block anyway" },
	{ NP("  ingress:\n  - from:\n    - ipBlock: {cidr: '::/0', except: [11.0.0.0/16]}\n"),
	  "db.yaml:8:40: except 11.0.0.0/16 does not lie inside cidr ::/0, and must be smaller than "
	  "it; what is outside is not allowed by this block anyway" },
	{ NP("  ingress:\n  - from:\n    - ipBlock: {cidr: 10.0.0.0/8, except: 10.1.0.0/16}\n"),
	  "db.yaml:8:43: except is a text and must be a list; begin each item with '- '" },
	{ NP("  ingress:\n  - ports: [80]\n"),
	  "db.yaml:7:13: an item of ports is a number '80'; write '- port: ' before it" },
	{ NP("  ingress:\n  - ports: [{port: 0}]\n"),
	  "db.yaml:7:20: port is 0 and must be from 1 to 65535" },
	{ NP("  ingress:\n  - ports: [{port: 65536}]\n"),
	  "db.yaml:7:20: port is 65536 and must be from 1 to 65535" },
	{ NP("  ingress:\n  - ports: [{port: -1}]\n"),
	  "db.yaml:7:20: port is '-1' and must be a whole number from 1 to 65535" },
	{ NP("  ingress:\n  - ports: [{port: 080}]\n"),
	  "db.yaml:7:20: port is '080' and must be a whole number from 1 to 65535" },
	{ NP("  ingress:\n  - ports: [{port: 80.5}]\n"),
	  "db.yaml:7:20: port is '80.5' and must be a whole number from 1 to 65535" },
	{ NP("  ingress:\n  - ports: [{port: '80'}]\n"),
	  "db.yaml:7:20: port \"80\" in quotes is a name, and names have a letter; for the number "
	  "write 80" },
	{ NP("  ingress:\n  - ports: [{port: Web}]\n"),
	  "db.yaml:7:20: 'Web' is no port name: up to 15 small letters, digits or single '-' inside, "
	  "one letter at least" },
	{ NP("  ingress:\n  - ports: [{port: a-name-too-long-for-one}]\n"),
	  "db.yaml:7:20: 'a-name-too-long-for-one' is no port name: up to 15 small letters, digits or "
	  "single '-' inside, one letter at least" },
	{ NP("  ingress:\n  - ports: [{protocol: tcp}]\n"),
	  "db.yaml:7:24: protocol is 'tcp'; write TCP" },
	{ NP("  ingress:\n  - ports: [{protocol: ICMP}]\n"),
	  "db.yaml:7:24: protocol is 'ICMP' and must be TCP, UDP or SCTP" },
	{ NP("  ingress:\n  - ports: [{port: 80, endPort: 79}]\n"),
	  "db.yaml:7:33: endPort 79 is below port 80; write the smaller number as port" },
	{ NP("  ingress:\n  - ports: [{port: web, endPort: 80}]\n"),
	  "db.yaml:7:34: endPort needs a port that is a number, and 'web' is a name" },
	{ NP("  ingress:\n  - ports: [{endPort: 80}]\n"),
	  "db.yaml:7:23: endPort needs a port, the first of the range" },
	{ NP("  ingress:\n  - ports: [{port: 80, endPort: 70000}]\n"),
	  "db.yaml:7:33: endPort is 70000 and must be from 1 to 65535" },
	{ NP("  ingress:\n  - ports: [{targetPort: 80}]\n"),
	  "db.yaml:7:14: 'targetPort' is no field of an item of ports; it may have protocol, port or "
	  "endPort" },
	{ "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, annotations: {weir.dev/audit: 'on'}}\n",
	  "db.yaml:3:51: weir.dev/audit is 'on' and must be \"true\" or \"false\"" },
	{ "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, annotations: {weir.dev/audti: 'true'}}\n",
	  "db.yaml:3:35: annotation 'weir.dev/audti' is none of weir's; write weir.dev/audit" },

	/* ClusterNetworkPolicy */
	{ "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: c}\n",
	  "db.yaml:1:1: a ClusterNetworkPolicy needs a spec with tier, priority and subject" },
	{ CNP("  priority: 1\n  subject: {namespaces: {}}\n"),
	  "db.yaml:6:3: the spec has no tier; write Admin or Baseline" },
	{ CNP("  tier: Admin\n  subject: {namespaces: {}}\n"),
	  "db.yaml:6:3: the spec has no priority; write a number from 0 (first) to 1000" },
	{ CNP("  tier: Admin\n  priority: 1\n"),
	  "db.yaml:6:3: the spec has no subject; write namespaces or pods in it, '{}' in them is all" },
	{ CNP("  tier: admin\n  priority: 1\n  subject: {namespaces: {}}\n"),
	  "db.yaml:6:9: tier is 'admin'; write Admin" },
	{ CNP("  tier: Admin\n  priority: 1001\n  subject: {namespaces: {}}\n"),
	  "db.yaml:7:13: priority is 1001 and must be from 0 to 1000" },
	{ CNP("  tier: Admin\n  priority: 1\n  subject: {}\n"),
	  "db.yaml:8:12: the subject says nobody; write namespaces or pods, '{}' in them is all" },
	{ CNP("  tier: Admin\n  priority: 1\n  subject: {namespaces: {}, pods: {}}\n"),
	  "db.yaml:8:29: the subject says one thing; 'pods' makes it two, and each needs its own" },
	{ CNP("  tier: Admin\n  priority: 1\n  subject: {pod: {}}\n"),
	  "db.yaml:8:13: 'pod' is no field of a subject; write pods" },
	{ CNP_RULE("ingress", "{from: [{namespaces: {}}]}"),
	  "db.yaml:10:5: the rule has no action; write Accept, Deny or Pass" },
	{ CNP_RULE("ingress", "{action: Allow, from: [{namespaces: {}}]}"),
	  "db.yaml:10:14: action is 'Allow'; in a ClusterNetworkPolicy write Accept" },
	{ CNP_RULE("ingress", "{action: deny, from: [{namespaces: {}}]}"),
	  "db.yaml:10:14: action is 'deny'; write Deny" },
	{ CNP_RULE("ingress", "{action: Deny}"),
	  "db.yaml:10:5: the rule has no from; for everybody write 'namespaces: {}'" },
	{ CNP_RULE("egress", "{action: Deny}"),
	  "db.yaml:10:5: the rule has no to; for everybody write 'namespaces: {}', or networks for "
	  "what is outside" },
	{ CNP_RULE("ingress", "{action: Deny, from: []}"),
	  "db.yaml:10:26: from has 0 items; 1 to 25 are allowed" },
	{ CNP_RULE("ingress", "{action: Deny, to: [{namespaces: {}}]}"),
	  "db.yaml:10:24: an ingress rule has no 'to'; write from" },
	{ CNP_RULE("ingress", "{action: Deny, from: [{namespace: {}}]}"),
	  "db.yaml:10:28: 'namespace' is no field of a peer of a ClusterNetworkPolicy; write namespaces" },
	{ CNP_RULE("ingress", "{action: Deny, from: [{networks: [10.0.0.0/8]}]}"),
	  "db.yaml:10:38: a peer of an ingress rule is namespaces or pods; nodes and addresses are for "
	  "egress rules" },
	{ CNP_RULE("ingress", "{action: Deny, from: [{podSelector: {}}]}"),
	  "db.yaml:10:41: a ClusterNetworkPolicy has no podSelector, namespaceSelector or ipBlock as a "
	  "peer; write pods, namespaces or networks" },
	{ CNP_RULE("ingress", "{action: Deny, from: [{namespaces: {}, pods: {}}]}"),
	  "db.yaml:10:44: a peer says one thing; 'pods' makes it two, and each needs its own" },
	{ CNP_RULE("ingress", "{action: Deny, from: [{namespaces: {}}], ports: [{port: 80}]}"),
	  "db.yaml:10:53: a rule of a ClusterNetworkPolicy has no 'ports'; write protocols, such as '- "
	  "tcp: {destinationPort: {number: 80}}'" },
	{ CNP_RULE("egress", "{action: Accept, to: [{domainNames: ['*.example.com']}]}"),
	  "db.yaml:10:41: domainNames is not enforced by weir; write the addresses as networks" },
	{ CNP_RULE("egress", "{action: Accept, to: [{networks: []}]}"),
	  "db.yaml:10:38: networks has 0 items; 1 to 25 are allowed" },
	{ CNP_RULE("egress", "{action: Accept, to: [{networks: [010.0.0.0/8]}]}"),
	  "db.yaml:10:39: networks '010.0.0.0/8' has leading zeros, which some read as octal; leave "
	  "them out" },
	{ CNP_RULE("egress", "{action: Accept, to: [{networks: [10.0.0.0/8]}], protocols: [{destinationNamedPort: web}]}"),
	  "db.yaml:10:89: destinationNamedPort is for pods; nodes and networks have no named ports" },
	{ CNP_RULE("egress", "{action: Accept, to: [{namespaces: {}}], protocols: []}"),
	  "db.yaml:10:57: protocols has 0 items; 1 to 25 are allowed" },
	{ CNP_RULE("egress", "{action: Accept, to: [{namespaces: {}}], protocols: [{TCP: {}}]}"),
	  "db.yaml:10:59: 'TCP' is no field of an item of protocols; write tcp" },
	{ CNP_RULE("egress", "{action: Accept, to: [{namespaces: {}}], protocols: [{tcp: {}, udp: {}}]}"),
	  "db.yaml:10:68: an item of protocols says one thing; 'udp' makes it two, and each needs its "
	  "own" },
	{ CNP_RULE("egress", "{action: Accept, to: [{namespaces: {}}], protocols: [{tcp: {destinationPort: 80}}]}"),
	  "db.yaml:10:82: destinationPort is a number '80'; write 'number: ' before it, in braces or "
	  "on a line of its own" },
	{ CNP_RULE("egress", "{action: Accept, to: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {}}}]}"),
	  "db.yaml:10:82: destinationPort is empty; write number or range" },
	{ CNP_RULE("egress", "{action: Accept, to: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {number: 0}}}]}"),
	  "db.yaml:10:91: number is 0 and must be from 1 to 65535" },
	{ CNP_RULE("egress", "{action: Accept, to: [{namespaces: {}}], protocols: "
		   "[{tcp: {destinationPort: {range: {start: 80, end: 80}}}}]}"),
	  "db.yaml:10:90: a range begins below its end, and 80 is not below 80; one port is a number" },
	{ CNP_RULE("egress", "{action: Accept, to: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {range: {start: 80}}}}]}"),
	  "db.yaml:10:90: a range has a start and an end; end is missing" },
};

int main(int argc, char **argv)
{
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct objects all;

		objects_read(&all, rows[i].text, "db.yaml");
		if (argc > 1)
			printf("%s\n", all.wrong);
		CHECK_TEXT(all.wrong, rows[i].wrong, "%s", rows[i].text);
		CHECK_EQ(all.n, 0, "no object of %s", rows[i].text);
		objects_free(&all);
	}
	return check_done();
}
