/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the agent's metrics share.  Each registers its families and fills what it keeps. */
#ifndef WEIR_AGENT_METRICS_INSIDE_H
#define WEIR_AGENT_METRICS_INSIDE_H

#include "agent/agent.h"
#include "agent/metrics.h"
#include "agent/metrics_hubble.h"
#include "agent/metrics_owners.h"
#include "lib/http/http.h"

struct meters_rules;
struct meters_denials;
struct meters_state;
struct meters_edges;

struct meters {
	struct agent *a;
	struct metrics *metrics;
	struct owners *owners;
	struct hubble *hubble;
	struct meters_rules *rules;
	struct meters_denials *denials;
	struct meters_state *state;
	struct meters_edges *edges;
	struct http *http;
	struct loop_timer take, slow;
	struct metric *answers, *answer_time;	/* of HTTP */
	struct scraped {
		char *text;
		size_t size;
		uint64_t when;
	} scraped[METRICS_OPEN + 1];		/* by format */
};

/* agent/metrics_rules.c: verdicts by rule, as the kernel counts them. */
int meters_rules_open(struct meters *m);
void meters_rules_close(struct meters *m);

/* agent/metrics_denials.c: denials and would-be denials by who, to whom, by which rule. */
int meters_denials_open(struct meters *m);
void meters_denials_close(struct meters *m);
void meters_denials_count(struct meters *m, const struct counted *c);

/* agent/metrics_state.c: what is read when somebody asks. */
int meters_state_open(struct meters *m);
void meters_state_close(struct meters *m);
void meters_state_refresh(struct meters *m);

/* agent/metrics_edges.c: traffic between workloads. */
int meters_edges_open(struct meters *m);
void meters_edges_close(struct meters *m);
void meters_edges_refresh(struct meters *m);

/* agent/metrics_losses.c */
int meters_losses_open(struct meters *m);

/* agent/metrics_export.c */
int meters_export_open(struct meters *m);

static inline uint64_t meters_now_s(void)
{
	return agent_now() / 1000000000;
}

#endif
