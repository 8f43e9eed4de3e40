// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>

#include "bench/manifests.h"

static unsigned int namespaces(const struct manifests *m) { return m->pods / MANIFESTS_PER_NAMESPACE; }

void manifests_frame(FILE *f, const struct manifests *m)
{
	fprintf(f, "apiVersion: v1\nkind: Node\nmetadata:\n  name: " MANIFESTS_NODE "\nspec:\n  podCIDRs:\n  - 10.128.0.0/9\n"
		   "status:\n  addresses:\n  - type: InternalIP\n    address: 192.168.0.1\n");
	for (unsigned int ns = 1; ns <= namespaces(m); ns++)
		fprintf(f, "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: ns-%u\n  labels:\n    env: e%u\n    team: t%u\n", ns,
			ns % 3, ns % 20);
}

void manifests_pod(FILE *f, const struct manifests *m, unsigned int id, unsigned int like)
{
	unsigned int ns = 1 + (like - 1) / MANIFESTS_PER_NAMESPACE, workload = (like - 1) % MANIFESTS_PER_NAMESPACE / 10;
	unsigned int each = m->local ? m->pods / m->local : 0, a = id + 65536;
	unsigned int node = !each || like % each ? 1 + like % 450 : 0;

	fprintf(f, "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: pod-%u\n  namespace: ns-%u\n  labels:\n    app: a%u\n    tier: r%u\n"
		   "    pod-template-hash: h%u\n    version: v%u\n", id, ns, workload, workload % 3, ns * 10 + workload, (like * 7 + ns) % 4);
	if (workload == 9)		/* a stateful set: a label of its own for each pod */
		fprintf(f, "    statefulset.kubernetes.io/pod-name: s%u\n", like);
	if (ns == 1)
		fprintf(f, "    k8s-app: kube-dns\n");
	fprintf(f, "spec:\n  nodeName: node-%u\n  containers:\n  - name: main\n    ports:\n    - name: http\n      containerPort: %u\n", node,
		workload % 2 ? 8080 : 80);
	if (!workload)
		fprintf(f, "    - name: metrics\n      containerPort: 9090\n");
	fprintf(f, "status:\n  phase: Running\n  podIPs:\n  - ip: 10.%u.%u.%u\n", 128 + (a >> 16), a >> 8 & 255, a & 255);
}

/* A generator of its own for each policy and edit. */
struct dice {
	uint64_t state;
};
static unsigned int roll(struct dice *d, unsigned int n)
{
	d->state = d->state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (d->state >> 33) % n;
}

static void from_app(FILE *f, unsigned int app) { fprintf(f, "    - podSelector:\n        matchLabels:\n          app: a%u\n", app); }

static void ingress_rules(FILE *f, const struct manifests *m, struct dice *d)
{
	fprintf(f, "  ingress:\n  - from:\n");
	from_app(f, roll(d, 10));
	if (roll(d, 2))
		fprintf(f, "    - namespaceSelector:\n        matchLabels:\n          team: t%u\n      podSelector:\n        matchLabels:\n"
			   "          app: a%u\n", roll(d, 20), roll(d, 10));
	fprintf(f, "    ports:\n    - port: 80\n");
	if (!roll(d, 3))
		fprintf(f, "    - port: %s\n", roll(d, 2) ? "http" : "metrics");
	if (roll(d, 2)) {
		unsigned int r = roll(d, 3);

		fprintf(f, "  - from:\n    - namespaceSelector:\n        matchLabels:\n          env: e%u\n      podSelector:\n"
			   "        matchExpressions:\n        - {key: tier, operator: In, values: [r%u, r%u]}\n"
			   "        - {key: version, operator: NotIn, values: [v1]}\n    ports:\n    - port: 9000\n      endPort: %u\n",
			roll(d, 3), r, (r + 1) % 3, 9001 + roll(d, 100));
	}
	if (!roll(d, 5)) {
		unsigned int hole = roll(d, m->pods) + 65536;

		fprintf(f, "  - from:\n    - ipBlock:\n        cidr: 10.0.0.0/8\n        except:\n        - 10.%u.%u.0/24\n",
			128 + (hole >> 16), hole >> 8 & 255);
	}
}

static void egress_rules(FILE *f, struct dice *d)
{
	fprintf(f, "  egress:\n  - to:\n");
	for (unsigned int i = 0, n = 1 + roll(d, 3); i < n; i++) {
		unsigned int block = roll(d, 4096);

		fprintf(f, "    - ipBlock:\n        cidr: 192.%u.%u.0/24\n", block >> 8, block & 255);
	}
	fprintf(f, "    ports:\n    - port: 443\n  - to:\n    - podSelector: {}\n    ports:\n    - port: http\n");
}

static void cluster_policy(FILE *f, unsigned int id)
{
	fprintf(f, "---\napiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata:\n  name: cluster-%u\nspec:\n"
		   "  tier: %s\n  priority: %u\n  subject:\n    namespaces:\n      matchLabels:\n        env: e%u\n  ingress:\n  - action: %s\n"
		   "    from:\n    - namespaces:\n        matchLabels:\n          env: e%u\n  egress:\n  - action: Deny\n    to:\n    - networks:\n"
		   "      - 169.254.0.0/16\n", id, id % 1000 ? "Admin" : "Baseline", id % 97, id % 3, id % 1000 ? "Pass" : "Deny", (id + 1) % 3);
}

void manifests_policy(FILE *f, const struct manifests *m, unsigned int id, unsigned int edit)
{
	unsigned int ns = 1 + (id - 1) % namespaces(m), kind = (id - 1) / namespaces(m);
	struct dice d = { id * 7919ULL + edit * 104729ULL + 3 };

	if (id % 500 == 0) {
		cluster_policy(f, id);
		return;
	}
	fprintf(f, "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: policy-%u\n  namespace: ns-%u\nspec:\n", id, ns);
	if (kind == 0) {
		fprintf(f, "  podSelector: {}\n  policyTypes: [Ingress, Egress]\n");
	} else if (kind == 1) {
		fprintf(f, "  podSelector: {}\n  policyTypes: [Egress]\n  egress:\n  - to:\n    - namespaceSelector:\n        matchLabels:\n"
			   "          kubernetes.io/metadata.name: ns-1\n      podSelector:\n        matchLabels:\n          k8s-app: kube-dns\n"
			   "    ports:\n    - {port: 53, protocol: UDP}\n    - {port: 53, protocol: TCP}\n");
	} else {
		int out = roll(&d, 3) == 0;

		fprintf(f, "  podSelector:\n    matchLabels:\n      app: a%u\n  policyTypes: [Ingress%s]\n", (kind + edit) % 10, out ? ", Egress" : "");
		ingress_rules(f, m, &d);
		if (out)
			egress_rules(f, &d);
	}
}

int manifests_directory(const char *directory, const struct manifests *m)
{
	char path[512];
	FILE *f;

	if (mkdir(directory, 0777) && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path), "%s/frame.yaml", directory);
	f = fopen(path, "w");
	if (!f)
		return -errno;
	manifests_frame(f, m);
	fclose(f);
	for (unsigned int ns = 1; ns <= namespaces(m); ns++) {
		snprintf(path, sizeof(path), "%s/ns-%u.yaml", directory, ns);
		f = fopen(path, "w");
		if (!f)
			return -errno;
		for (unsigned int i = 1; i <= MANIFESTS_PER_NAMESPACE; i++) {
			unsigned int id = (ns - 1) * MANIFESTS_PER_NAMESPACE + i;

			manifests_pod(f, m, id, id);
		}
		for (unsigned int id = ns; id <= m->policies; id += namespaces(m))
			manifests_policy(f, m, id, 0);
		if (fclose(f))
			return -EIO;
	}
	return 0;
}
