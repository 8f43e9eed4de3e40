// SPDX-License-Identifier: Apache-2.0
// Bounds: what does not fit is refused whole, and nobody fills another's room.
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scripts/scripts.h"

/* nasty-40 */
static void too_big(struct stage *s)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	bool refused;

	stage_do(s, ALLOW_B);
	fprintf(to, "{createPolicy: {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: big, namespace: x}, "
		"spec: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], "
		"ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [");
	for (int i = 0; i < 33000; i++)			/* the map holds 32,768 */
		fprintf(to, "%s%d.%d.%d.0/24", i ? "," : "", 11 + i / 65536, i / 256 % 256, i % 256);
	fprintf(to, "]}}]}]}}}");
	fclose(to);
	{
		struct value *docs = value_read(text, size, "big", &s->why);

		cluster_change(s->cluster, docs->first, &s->why);
		value_free(docs);
	}
	free(text);
	refused = town_live(s->town, s->cluster, s->hand, &s->why) != 0;
	SEEN(refused && strstr(s->why.text, "big"), "it is refused, and by name");
	printf("    %s\n", s->why.text);
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80), "the last good policy lets b in");
	SEEN(!stage_probe(s, "e1", "x/a", IPPROTO_TCP, 80), "and nobody else");
	stage_do(s, "deletePolicy: {ns: x, name: big}");
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80), "and so it is when the big one goes");
	stage_do(s, "deletePolicy: {ns: x, name: allow}");
	SEEN(stage_probe(s, "y/a", "x/a", IPPROTO_TCP, 80), "changes are taken again");
}

/* Two pods in league open flows without end; a third still opens its own. */
static void in_league(struct stage *s)
{
	struct place *b = stage_place(s, "x/b");
	struct wire w = stage_wire(s, "x/b", "y/b", IPPROTO_UDP, 1);
	unsigned int passed = 0;

	for (unsigned int i = 0; i < 120000 && s->good; i++) {
		w.sport = 1024 + i % 60000;
		w.dport = 1 + i / 60000;
		town_send(s->town, b, &w);
		if (i % 512 == 0)
			town_drain(s->town);
	}
	town_drain(s->town);
	for (int i = 0; i < 50; i++)
		passed += stage_probe(s, "x/a", "y/a", IPPROTO_TCP, 80);
	SEEN(passed == 50, "a third pod opens all its flows");
}

const struct script scripts_limits[] = {
	{ "a policy larger than the maps", { 0 }, too_big },
	{ "two pods in league", { 0 }, in_league },
	{ NULL, { 0 }, NULL }
};
