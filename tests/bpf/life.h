/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts on a world: each has one of its own; a step is a packet and its fate, or something that happens in between. */
#ifndef WEIR_TESTS_BPF_LIFE_H
#define WEIR_TESTS_BPF_LIFE_H

#include "tests/bpf/world.h"
#include "tests/check.h"

struct life_script {
	const char *name;
	void (*run)(void);
};

static struct world *w;
static const char *script;

__attribute__((unused)) static void sent(const char *says, struct place at, const char *packet, enum weir_reason want)
{
	enum weir_reason got = world_send(w, at, packet);

	CHECK(got == want, "%s: %s: %s, not %s (%s)", script, says, reason_word(got), reason_word(want), packet);
}
/* Passed (or dropped), whatever the counters say: at the second hook of a node nothing is counted. */
__attribute__((unused)) static void passes(const char *says, struct place at, const char *packet)
{
	world_send(w, at, packet);
	CHECK(w->retval != 2, "%s: %s: passes (%s)", script, says, packet);
}
__attribute__((unused)) static void drops(const char *says, struct place at, const char *packet)
{
	world_send(w, at, packet);
	CHECK(w->retval == 2, "%s: %s: is dropped (%s)", script, says, packet);
}

__attribute__((unused)) static enum weir_phase phase_of(const char *text)
{
	struct flow_seen f;

	return world_flow(w, text, &f) ? WEIR_TAG_PHASE(f.tag) : WEIR_FREE;
}
#define PHASE(text, want, says) CHECK_EQ(phase_of(text), want, "%s: %s", script, says)

__attribute__((unused)) static void rule_only(struct rule r)
{
	world_open_policy(w);
	world_isolate(w, r.pod, r.dir);
	world_rule(w, r);
	world_commit(w);
}
__attribute__((unused)) static void stack_mode(void)
{
	for (int pod = A; pod < PODS; pod++)
		w->endpoints[pod].flags = 0;
}
__attribute__((unused)) static unsigned long stat_of(enum weir_stat s) { return world_sum(w, s).packets; }


#define AB "tcp A:4000 > B:80"
#define BA "tcp B:80 > A:4000"
__attribute__((unused)) static void handshake(void)
{
	sent("SYN", FROM(A), AB " S", WEIR_ALLOWED);
	sent("SYN+ACK", FROM(B), BA " SA", WEIR_KNOWN);
	sent("ACK", FROM(A), AB " A", WEIR_KNOWN);
	PHASE(AB, WEIR_CONFIRMED, "confirmed when the opener went on");
}

static int life_run(const struct life_script *scripts, size_t n)
{
	int err = world_open(&w, 64);

	CHECK(!err, "a world opens (%d)", err);
	for (size_t i = 0; !err && i < n; i++) {
		script = scripts[i].name;
		world_reset(w);
		scripts[i].run();
	}
	if (!err)
		world_close(w);
	return check_done();
}

#endif
