// SPDX-License-Identifier: Apache-2.0
/* Records to whoever asked for them, at the pace at which they are read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/nearest.h"

#define AT_ONCE 256			/* records in one reply */
#define WAITING_MOST (1U << 20)		/* a client for whom this waits is given nothing more until it reads */

struct observer {
	struct observer *next;
	struct agent *a;
	uint64_t client, cursor, end;	/* 'end': where it stops, unless it follows */
	uint64_t missed;		/* overwritten before it came to read them, not yet told */
	bool follow, denied_only;
	char pod[600];
};

struct observers {
	struct agent *a;
	struct observer *first;
	struct nearest *nearest;	/* made when first asked for */
};

static void go_on(struct observer *o);

int observers_open(struct observers **out, struct agent *a)
{
	struct observers *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->a = a;
	*out = o;
	return 0;
}

void observers_close(struct observers *o)
{
	if (!o)
		return;
	while (o->first) {
		struct observer *one = o->first;

		o->first = one->next;
		free(one);
	}
	nearest_free(o->nearest);
	free(o);
}

void observers_told(void *ctx)
{
	struct observers *all = ctx;
	struct observer *next;

	for (struct observer *o = all->first; o; o = next) {
		next = o->next;
		go_on(o);
	}
}

static void leave(struct observer *o)
{
	struct observers *all = o->a->observers;
	struct observer **at = &all->first;
	bool follows = false;

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	free(o);
	for (o = all->first; o; o = o->next)
		follows |= o->follow;
	reader_wake(all->a->reader, follows);
}

static void on_gone(void *ctx, uint64_t number)
{
	leave(ctx);
}

static bool wanted(const struct observer *o, const struct record *r, const struct record_words *w)
{
	bool denied = r->kind == WEIR_REC_DENIED || r->flags & (WEIR_REC_AUDIT | WEIR_REC_CUT);

	return (!o->denied_only || denied) &&
	       (!o->pod[0] || !strcmp(o->pod, w->record.source) || !strcmp(o->pod, w->record.destination));
}

/* One reply's worth.  Returns how many records were looked at. */
static unsigned int gather(struct observer *o, Weir__V1__Observed *out, struct record_words *w)
{
	uint64_t first = records_first(o->a->records);
	struct nearest *nearest = o->a->observers->nearest;
	unsigned int looked = 0;
	struct record r;

	for (; out->n_record < AT_ONCE && looked < 16 * AT_ONCE && (o->follow || o->cursor < o->end); looked++) {
		struct record_words *one = &w[out->n_record];
		int err;

		if (o->cursor < first) {
			o->missed += first - o->cursor;
			o->cursor = first;
			continue;
		}
		err = records_copy(o->a->records, o->cursor, &r);
		if (err == -EAGAIN)
			break;
		if (err) {
			first = records_first(o->a->records);
			continue;
		}
		o->cursor++;
		record_words(o->a, &r, one);
		if (!wanted(o, &r, one))
			continue;
		if (nearest) {		/* an answer kept may be overwritten by one of the same reply */
			snprintf(one->nearest, sizeof(one->nearest), "%s", nearest_miss(nearest, o->a, &r));
			one->record.nearest_miss = one->nearest;
		}
		out->record[out->n_record++] = &one->record;
	}
	return looked;
}

static void send_part(struct observer *o, struct client *c, Weir__V1__Observed *observed, bool last)
{
	Weir__V1__Lost lost = WEIR__V1__LOST__INIT, *list = &lost;
	Weir__V1__Reply reply = WEIR__V1__REPLY__INIT;

	if (o->missed) {
		lost.where = (char *)"reader";
		lost.events = o->missed;
		observed->lost = &list;
		observed->n_lost = 1;
		o->missed = 0;
	}
	reply.answer_case = WEIR__V1__REPLY__ANSWER_OBSERVED;
	reply.observed = observed;
	client_reply(c, &reply, last);
}

static void on_room(void *ctx, struct client *c)
{
	go_on(ctx);
}

/* As much as the client takes. */
static void go_on(struct observer *o)
{
	struct record_words *w = malloc(AT_ONCE * sizeof(*w));
	Weir__V1__Record *record[AT_ONCE];
	uint64_t number = o->client;
	struct agent *a = o->a;
	struct client *c;

	if (!a->observers->nearest && nearest_new(&a->observers->nearest))
		a->observers->nearest = NULL;
	if (a->observers->nearest)
		nearest_breathe(a->observers->nearest);
	while (w && (c = server_client(a->server, number))) {
		Weir__V1__Observed observed = WEIR__V1__OBSERVED__INIT;
		unsigned int looked;
		bool last;

		if (client_waiting(c) > WAITING_MOST) {
			client_when_below(c, WAITING_MOST / 2, on_room, o);
			break;
		}
		observed.record = record;
		looked = gather(o, &observed, w);
		last = !o->follow && (o->cursor >= o->end || !looked);
		if (observed.n_record || o->missed || last) {
			if (last)
				client_on_gone(c, NULL, NULL);
			send_part(o, c, &observed, last);
		}
		if (last) {
			leave(o);
			break;
		}
		if (!looked)
			break;
	}
	free(w);
}

void ask_observe(struct agent *a, struct client *c, const Weir__V1__ObserveRequest *ask)
{
	uint64_t first = records_first(a->records), next = records_next(a->records);
	struct observer *o = calloc(1, sizeof(*o));

	if (!o) {
		client_error(c, "no memory");
		return;
	}
	*o = (struct observer){ .next = a->observers->first, .a = a, .client = client_number(c), .end = next,
				.follow = ask->follow, .denied_only = ask->denied_only };
	snprintf(o->pod, sizeof(o->pod), "%s", ask->pod);
	o->cursor = ask->last && next - first > ask->last ? next - ask->last : ask->follow && !ask->last ? next : first;
	a->observers->first = o;
	client_on_gone(c, on_gone, o);
	if (o->follow) {
		client_follows(c);
		reader_wake(a->reader, true);
	}
	go_on(o);
}
