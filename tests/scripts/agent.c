// SPDX-License-Identifier: Apache-2.0
// The agent is killed and comes back; and what it tells of connections that an audited policy would cut.
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "tests/scripts/scripts.h"

static bool adopted(struct stage *s)
{
	Weir__V1__StatusRequest status = WEIR__V1__STATUS_REQUEST__INIT;
	Weir__V1__Request ask = WEIR__V1__REQUEST__INIT;
	Weir__V1__Reply *reply;
	bool yes;

	ask.ask_case = WEIR__V1__REQUEST__ASK_STATUS;
	ask.status = &status;
	if (control_ask_once(child_control(town_child(s->town)), &ask, &reply, 30000, &s->why))
		return false;
	yes = reply->answer_case == WEIR__V1__REPLY__ANSWER_STATUS && reply->status->adopted;
	weir__v1__reply__free_unpacked(reply, NULL);
	return yes;
}

static void killed(struct stage *s)
{
	struct child *agent = town_child(s->town);
	struct call c;

	stage_do(s, ALLOW_B);
	SEEN(stage_call(s, &c, "x/b", "x/a", 80), "b calls a");
	child_kill(agent);
	SEEN(stage_says(s, c.opener, c.receiver) && stage_says(s, c.receiver, c.opener), "without an agent it lives");
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80), "what is allowed passes");
	SEEN(!stage_probe(s, "y/a", "x/a", IPPROTO_TCP, 80), "what is denied does not");
	SEEN(!child_again(agent, &s->why), "another agent starts");
	SEEN(adopted(s), "and adopts what it finds");
	SEEN(stage_says(s, c.opener, c.receiver) && stage_says(s, c.receiver, c.opener), "the connection lives");
	SEEN(!stage_probe(s, "y/a", "x/a", IPPROTO_TCP, 80), "what was denied is");
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80), "what was allowed is");
	stage_do(s, "deletePolicy: {ns: x, name: allow}");
	SEEN(stage_probe(s, "y/a", "x/a", IPPROTO_TCP, 80), "changes are followed");
	stage_hang_up(&c);
}

/* The policy changes while nobody is there to see it. */
static void changed_meanwhile(struct stage *s)
{
	struct child *agent = town_child(s->town);
	struct call c;

	stage_do(s, ALLOW_B);
	SEEN(stage_call(s, &c, "x/b", "x/a", 80), "b calls a");
	child_kill(agent);
	stage_do(s, "[{deletePolicy: {ns: x, name: allow}}, {createPolicy: {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, "
		 "metadata: {name: deny, namespace: x}, spec: {podSelector: {}, policyTypes: [Ingress]}}}]");
	SEEN(stage_says(s, c.opener, c.receiver), "the last good policy stays while it is away");
	SEEN(!child_again(agent, &s->why), "another agent starts");
	for (int i = 0; i < 400 && stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80); i++)
		usleep(50000);			/* it listens before it has read all */
	SEEN(!stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80), "and denies what is no longer allowed");
	SEEN(!stage_says(s, c.opener, c.receiver), "and cuts it");
	stage_hang_up(&c);
}

/* Records that say so, of what was observed until now.  Whom no rule allows is denied by no rule: no name there. */
static unsigned int would_be(struct stage *s, const char *kind)
{
	Weir__V1__ObserveRequest observe = WEIR__V1__OBSERVE_REQUEST__INIT;
	Weir__V1__Request ask = WEIR__V1__REQUEST__INIT;
	struct control *control = child_control(town_child(s->town));
	unsigned int n = 0;
	bool done = false;

	observe.pod = "x/a";
	ask.ask_case = WEIR__V1__REQUEST__ASK_OBSERVE;
	ask.observe = &observe;
	if (control_ask(control, &ask, &s->why))
		return 0;
	while (!done) {
		Weir__V1__Reply *reply;

		if (control_answer(control, &reply, 30000, &s->why))
			break;
		done = reply->done;
		for (size_t i = 0; reply->answer_case == WEIR__V1__REPLY__ANSWER_OBSERVED && i < reply->observed->n_record; i++) {
			Weir__V1__Record *r = reply->observed->record[i];

			n += !strcmp(r->kind, kind) && !strcmp(r->would_be, "denied");
		}
		weir__v1__reply__free_unpacked(reply, NULL);
	}
	return n;
}

#define AUDITED "createPolicy: {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: audited, namespace: x, " \
	"annotations: {weir.dev/audit: 'true'}}, spec: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress]}}"

static void audited(struct stage *s)
{
	struct call c;

	SEEN(stage_call(s, &c, "x/b", "x/a", 80), "b calls a");
	SEEN(stage_says(s, c.opener, c.receiver), "it carries");
	stage_do(s, AUDITED);
	SEEN(stage_says(s, c.opener, c.receiver), "an audited policy cuts nothing");
	SEEN(stage_probe(s, "y/a", "x/a", IPPROTO_TCP, 80), "and denies nothing");
	for (int i = 0; i < 200 && !(would_be(s, "again") && would_be(s, "opened")); i++)
		usleep(100000);			/* records are read when they are */
	SEEN(would_be(s, "again") >= 1, "the open connection shows as a would-be denial");
	SEEN(would_be(s, "opened") >= 1, "a new one, too");
	stage_hang_up(&c);
}

const struct script scripts_agent[] = {
	{ "the agent is killed and comes back", { .standing = true }, killed },
	{ "policy changes while the agent is away", { .standing = true }, changed_meanwhile },
	{ "an audited policy", { 0 }, audited },
	{ NULL, { 0 }, NULL }
};
