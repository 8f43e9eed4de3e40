// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/ask.h"
#include "tools/nearest.h"

#define KEPT 512		/* answers; an older one of the same place makes room */
#define KEPT_SECONDS 5
#define ANSWER_MS 500
#define ASK_MOST 200		/* questions a second: under a flood of denials records come first */

struct kept {
	char *question, *policies, *miss;
	time_t at;
};

struct nearest {
	const struct verb_want *want;	/* not ours */
	struct control *agent;		/* once there was something to ask */
	bool given_up;			/* nobody answers: records go on without */
	time_t second;
	unsigned int asked;		/* in that second */
	struct kept kept[KEPT];
};

int nearest_begin(struct nearest **out, const struct verb_want *want)
{
	struct nearest *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->want = want;
	*out = n;
	return 0;
}

static void forget(struct kept *k)
{
	free(k->question);
	free(k->policies);
	free(k->miss);
	memset(k, 0, sizeof(*k));
}

void nearest_end(struct nearest *n)
{
	if (!n)
		return;
	for (unsigned int i = 0; i < KEPT; i++)
		forget(&n->kept[i]);
	control_close(n->agent);
	free(n);
}

static unsigned int place_of(const char *question)
{
	unsigned int h = 5381;

	for (; *question; question++)
		h = h * 33 + (unsigned char)*question;
	return h % KEPT;
}

static char *joined(char *const *word, size_t n)
{
	char *text = strdup(n ? word[0] : "");

	for (size_t i = 1; i < n && text; i++) {
		char *more;

		if (asprintf(&more, "%s, %s", text, word[i]) < 0)
			more = NULL;
		free(text);
		text = more;
	}
	return text;
}

static void take_answer(struct kept *k, const Weir__V1__Why *w, const char *direction)
{
	for (size_t i = 0; i < w->n_side; i++) {
		const Weir__V1__Side *s = w->side[i];

		if (strcmp(s->direction, direction) || s->rule)
			continue;	/* a rule decides now: what isolated then is no more */
		k->policies = joined(s->isolating, s->n_isolating);
		k->miss = strdup(s->nearest_miss);
	}
}

/* Names where they are pods', addresses where they are not. */
static char *end_of(char *name, char *address)
{
	return strchr(name, '/') ? name : address;
}

static void ask_why(struct nearest *n, struct kept *k, const Weir__V1__Record *r)
{
	Weir__V1__WhyRequest why = WEIR__V1__WHY_REQUEST__INIT;
	Weir__V1__Request ask = ASK(WHY, why, &why);
	struct complaint complaint;
	Weir__V1__Reply *reply;
	int err;

	if (!n->agent && ask_open(&n->agent, n->want) != VERB_GO) {
		n->given_up = true;
		return;
	}
	why.source = end_of(r->source, r->source_address);
	why.source_address = r->source_address;
	why.destination = end_of(r->destination, r->destination_address);
	why.port = r->destination_port;
	why.protocol = r->protocol;
	err = control_ask_once(n->agent, &ask, &reply, ANSWER_MS, &complaint);
	if (err == -EREMOTEIO)
		return;			/* the pod is gone, say: no nearest rule then */
	if (err) {
		n->given_up = true;	/* an answer that comes too late would be taken for the next one's */
		return;
	}
	if (reply->answer_case == WEIR__V1__REPLY__ANSWER_WHY)
		take_answer(k, reply->why, r->direction);
	weir__v1__reply__free_unpacked(reply, NULL);
}

static struct kept *answer_for(struct nearest *n, const Weir__V1__Record *r)
{
	time_t now = time(NULL);
	struct kept *k;
	char *question;

	if (asprintf(&question, "%s %s %s %u/%s", r->source_address, r->destination_address, r->direction,
		     r->destination_port, r->protocol) < 0)
		return NULL;
	k = &n->kept[place_of(question)];
	if (k->question && !strcmp(k->question, question) && now - k->at < KEPT_SECONDS) {
		free(question);
		return k;
	}
	if (n->second != now)
		n->asked = 0;
	n->second = now;
	if (n->asked++ >= ASK_MOST) {
		free(question);
		return NULL;
	}
	forget(k);
	k->question = question;
	k->at = now;
	ask_why(n, k, r);
	return k;
}

/* Fields of a message are its own to free. */
static void set(char **field, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (copy && !**field)
		*field = copy;
	else
		free(copy);
}

void nearest_fill(struct nearest *n, Weir__V1__Record *r)
{
	const struct kept *k;

	if (n->given_up || r->rule || *r->nearest_miss || strcmp(r->verdict, "denied") ||
	    (strcmp(r->reason, "no-rule") && strcmp(r->reason, "closed") && strcmp(r->reason, "cut")))
		return;
	k = answer_for(n, r);
	if (!k)
		return;
	set(&r->policy, k->policies);
	set(&r->nearest_miss, k->miss);
}
