// SPDX-License-Identifier: Apache-2.0
/* What is unpacked equals what was packed, field by field; what was cut short is refused. */
#include <stdlib.h>
#include <string.h>

#include "lib/netpol/pack.h"
#include "lib/netpol/read.h"
#include "tests/check.h"

static const char manifests[] =
	"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
	"metadata: {name: db, namespace: shop, labels: {app: db, tier: back}, annotations: {weir.dev/audit: \"true\"}}\n"
	"spec:\n  podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [web, cart]}, {key: x, operator: Exists}]}\n"
	"  policyTypes: [Ingress, Egress]\n"
	"  ingress:\n  - from:\n    - podSelector: {matchLabels: {app: cart}}\n      namespaceSelector: {}\n"
	"    - ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16, 10.2.0.0/16]}\n"
	"    ports: [{port: 5432}, {port: http}, {protocol: UDP, port: 100, endPort: 200}]\n  - {}\n"
	"  egress:\n  - to: [{ipBlock: {cidr: 'fd00::/8'}}]\n---\n"
	"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: none, namespace: shop}\nspec: {podSelector: {}}\n---\n"
	"apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: admin}\n"
	"spec:\n  tier: Admin\n  priority: 700\n  subject: {namespaces: {matchLabels: {team: a}}}\n"
	"  egress:\n  - name: out\n    action: Deny\n    to: [{networks: [1.2.3.0/24]}, {nodes: {}}]\n";

/* Every field that a policy has, as text: built apart from the packer. */
static void say_selector(FILE *to, const struct selector *s)
{
	for (unsigned int i = 0; i < s->n; i++) {
		fprintf(to, " (%s %d", s->v[i].key, s->v[i].op);
		for (unsigned int j = 0; j < s->v[i].n; j++)
			fprintf(to, " %s", s->v[i].value[j]);
		fprintf(to, ")");
	}
	fprintf(to, " %u;", s->n);
}

static void say_bytes(FILE *to, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(to, "%02x", ((const unsigned char *)p)[i]);
	fprintf(to, " ");
}

static void say_rule(FILE *to, const struct rule *r)
{
	fprintf(to, "rule %d '%s' %d %d %u\n", r->action, r->name, r->any_peer, r->any_port, r->line);
	for (unsigned int i = 0; i < r->npeer; i++) {
		const struct peer *p = &r->peer[i];

		fprintf(to, "peer %d %d", p->kind, p->own_namespace);
		say_selector(to, &p->namespaces);
		say_selector(to, &p->pods);
		say_bytes(to, &p->block, sizeof(p->block));
		say_bytes(to, p->except, p->nexcept * sizeof(*p->except));
	}
	for (unsigned int i = 0; i < r->nport; i++)
		fprintf(to, "port %s %u %u %u\n", r->port[i].name ? r->port[i].name : "-", r->port[i].first, r->port[i].last,
			r->port[i].proto);
}

static char *say(const struct object *o)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	const struct policy *p = &o->policy;

	fprintf(to, "%d %s/%s %llu %u\n", o->kind, o->ns, o->name, (unsigned long long)o->created, o->line);
	for (unsigned int i = 0; i < o->labels.n; i++)
		fprintf(to, "%s=%s ", o->labels.v[i].key, o->labels.v[i].value);
	fprintf(to, "%d %u %d %d\n", p->tier, p->priority, p->audit, p->subject_all_namespaces);
	say_selector(to, &p->subject_namespaces);
	say_selector(to, &p->subject_pods);
	for (int d = 0; d < WEIR_DIRS; d++) {
		fprintf(to, "%d %u\n", p->applies[d], p->nrule[d]);
		for (unsigned int i = 0; i < p->nrule[d]; i++)
			say_rule(to, &p->rule[d][i]);
	}
	fclose(to);
	return text;
}

static int seen;

static int on_object(void *ctx, struct object *o, const struct complaint *why)
{
	uint8_t buf[4096];
	size_t size, refused = 0;
	struct object *back;
	char *before, *after;

	CHECK(o, "the manifest is taken: %s", why ? why->text : "");
	if (!o)
		return 0;
	seen++;
	size = policy_pack(o, buf, sizeof(buf));
	CHECK(size > 10 && size < sizeof(buf), "%s takes %zu bytes", o->name, size);
	CHECK_EQ(policy_pack(o, NULL, 0), size, "its size is known without room");
	back = policy_unpack(buf, size);
	CHECK(back, "%s is unpacked", o->name);
	before = say(o);
	after = say(back);
	CHECK_TEXT(after, before, "%s", o->name);
	for (size_t n = 0; n < size; n++) {
		struct object *cut = policy_unpack(buf, n);

		refused += !cut;
		object_free(cut);
	}
	CHECK_EQ(refused, size, "no part of %s is taken for the whole", o->name);
	free(before);
	free(after);
	object_free(back);
	object_free(o);
	return 0;
}

int main(void)
{
	CHECK(!read_manifests(manifests, sizeof(manifests) - 1, "pack.yaml", on_object, NULL), "it reads");
	CHECK_EQ(seen, 3, "all policies were seen");
	return check_done();
}
