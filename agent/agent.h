/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent: its parts, in the order in which they start (agent/main.c).  The files that answer the control socket
 * (status, why, observe, judge ...) look at the parts through this; the parts themselves do not know it.
 */
#ifndef WEIR_AGENT_AGENT_H
#define WEIR_AGENT_AGENT_H

#include <time.h>

#include "agent/addresses.h"
#include "agent/attach.h"
#include "agent/control.h"
#include "agent/counts.h"
#include "agent/datapath.h"
#include "agent/edges.h"
#include "agent/endpoints.h"
#include "agent/ends.h"
#include "agent/grace.h"
#include "agent/losses.h"
#include "agent/names.h"
#include "agent/policies.h"
#include "agent/reader.h"
#include "agent/records.h"
#include "agent/rules.h"
#include "agent/settings.h"
#include "agent/state.h"
#include "agent/sweep.h"

struct events;
struct export;
struct isolators;
struct judge;
struct meters;
struct observers;
struct otlp;
struct serve;

struct agent {
	struct settings settings;
	uint64_t started;		/* nanoseconds of CLOCK_MONOTONIC */
	int lock;			/* on the data directory; -1 */
	struct loop *loop;
	struct grace *grace;
	struct datapath *datapath;
	struct rules *rules;
	struct records *records;
	struct names *names;
	struct quiet *quiet;		/* every thread's: this one's point is the housekeeping */
	struct ends *ends;
	struct edges *edges;
	struct isolators *isolators;
	struct losses *losses;
	struct counts *counts;		/* of records, for the meters; NULL without */
	struct reader *reader;
	struct sweep *sweep;
	struct attach *attach;
	struct policies *policies;
	struct endpoints *endpoints;
	struct addresses *addresses;
	struct state *state;
	struct observers *observers;
	struct events *events;
	struct serve *serve;		/* NULL: no gRPC */
	struct export *export;		/* NULL: none */
	struct meters *meters;		/* NULL: nobody asked for metrics */
	struct otlp *otlp;		/* NULL: no receiver */
	struct judge *judge;		/* only with --judge */
	struct server *server;
	struct loop_timer housekeeping, certificates;
	uint64_t trimmed, seen;		/* commits: when memory was given back last, and at the last look */
	unsigned int looks;		/* since memory was given back */
};

/* agent/asks.c: every request of the control socket. */
void ask_any(void *agent, struct client *c, const Weir__V1__Request *ask);

/* Each in a file of its own name. */
void ask_observe(struct agent *a, struct client *c, const Weir__V1__ObserveRequest *ask);
void ask_judge(struct agent *a, struct client *c, const Weir__V1__JudgeRequest *ask);
void ask_apply(struct agent *a, struct client *c, const Weir__V1__ApplyRequest *ask);

/* agent/observe.c: who follows the records. */
int observers_open(struct observers **out, struct agent *a);
void observers_close(struct observers *o);
void observers_told(void *observers);		/* there are new records */

/* agent/judge.c */
int judge_open(struct judge **out, struct agent *a);
void judge_close(struct judge *j);

/* agent/record_words.c: a record as people and programs read it.  Strings point into 'w' and into what the agent
 * knows now: good until the loop goes on. */
struct record_words {
	Weir__V1__Record record;
	char source[600], destination[600], source_address[64], destination_address[64], policy[600], would_policy[600],
		egress[600], ingress[600], protocol[16], flags[16], nearest[512];
};
void record_words(const struct agent *a, const struct record *r, struct record_words *w);
const char *reason_text(unsigned int reason);		/* the word of enum weir_reason */

/* agent/rejected.c: what is not in force as it was written. */
void rejected_each(const struct agent *a, state_reject_fn fn, void *ctx);

/* For uuids of flows: the same while this agent runs, unlike other nodes' and other starts'. */
uint64_t agent_number(const struct agent *a);

/* agent/export_start.c: what the settings ask for, on the records. */
int export_start(struct agent *a);

/* Nanoseconds of CLOCK_MONOTONIC. */
static inline uint64_t agent_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

#endif
