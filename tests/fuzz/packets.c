// SPDX-License-Identifier: Apache-2.0
// fuzz-links: bpf world
/*
 * Any bytes as a frame, at any hook, through the real programs.  The first byte says where it is met, the rest is the
 * frame.  Whatever comes: one fate with one reason; a drop is a drop; nothing leaves or enters the pod that policy
 * closes, but neighbour discovery and its own node's packets; what leaves the open pod bears that pod's own address,
 * by a reading of the header that shares nothing with the programs'.
 *
 * The programs are not instrumented: reason, hook and the frame's kind serve as coverage.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bpf/world.h"

#define REQUIRE(cond) do { if (!(cond)) abort(); } while (0)
#define DROPPED 2			/* TC_ACT_SHOT */
#define FRAMES_A_TABLE 4096		/* then the flows are made to expire, so that runs do not depend on long histories */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t seen[8192];

static struct world *w;
static unsigned int frames;

/* A is open both ways, B is closed both ways, C is open. */
static const struct place places[] = {
	{ 0, IF_A, IF_A }, { 0, IF_B, IF_B }, { 0, IF_C, IF_C }, { 1, IF_A, IF_UPLINK }, { 1, IF_B, IF_UPLINK },
	{ 1, IF_A, IF_NONE }, { 1, IF_B, IF_NONE }, { 1, IF_A, IF_C }, { 1, IF_B, IF_A }, { 1, IF_B, IF_BRIDGE },
	{ 0, IF_FOREIGN, IF_FOREIGN }, { 1, IF_FOREIGN, IF_UPLINK },
};
#define PLACES (sizeof(places) / sizeof(*places))

static const int drops[] = {
#define PASS 0
#define DROP 1
#define X(name, fate, word, text) fate,
	WEIR_REASONS(X)
#undef X
#undef PASS
#undef DROP
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	if (geteuid()) {
		printf("skipped: packets need root\n");
		exit(0);
	}
	if (world_open(&w, 256)) {
		fprintf(stderr, "the world does not open\n");
		exit(1);
	}
	world_isolate(w, B, WEIR_INGRESS);
	world_isolate(w, B, WEIR_EGRESS);
	world_commit(w);
	return 0;
}

/* Where the IP header begins, past one VLAN tag; 0: it is none. */
static size_t ip_at(const uint8_t *frame, size_t size, unsigned int *version)
{
	size_t at = 14;
	unsigned int type;

	if (size < 14)
		return 0;
	type = frame[12] << 8 | frame[13];
	if (type == 0x8100 || type == 0x88a8) {
		if (size < 18)
			return 0;
		type = frame[16] << 8 | frame[17];
		at = 18;
	}
	*version = type == 0x0800 ? 4 : type == 0x86dd ? 6 : 0;
	return *version && size >= at + (*version == 4 ? 20 : 40) ? at : 0;
}

static const uint8_t own_v4[4] = { 10, 0, 0, 1 };

/* May A have sent it?  Its own address, or one that stands for none yet, or link-local for what needs that. */
static int bears_own(const uint8_t *ip, unsigned int version)
{
	static const uint8_t none[16];
	uint8_t own_v6[16] = { 0xfd };

	own_v6[15] = 1;
	if (version == 4)
		return !memcmp(ip + 12, own_v4, 4) || !memcmp(ip + 12, none, 4);
	return !memcmp(ip + 8, own_v6, 16) || !memcmp(ip + 8, none, 16) || (ip[8] == 0xfe && (ip[9] & 0xc0) == 0x80);
}

static void check(const struct place *at, enum weir_reason why, const uint8_t *frame, size_t size)
{
	unsigned int version = 0;
	size_t ip = ip_at(frame, size, &version);

	REQUIRE(why < WEIR_REASON_COUNT && why != WEIR_UNDECIDED);
	REQUIRE(drops[why] == (w->retval == DROPPED));
	if (at->at == IF_FOREIGN) {
		REQUIRE(at->to_pod ? why == WEIR_NOT_OURS : drops[why]);
		return;
	}
	REQUIRE(why != WEIR_NO_ROW);
	if (at->at == IF_B && !at->to_pod)
		REQUIRE(drops[why] || why == WEIR_NEIGHBOUR || why == WEIR_KNOWN || why == WEIR_RELATED || why == WEIR_FRAGMENT);
	if (at->at == IF_B && at->to_pod && at->in != IF_NONE)
		REQUIRE(drops[why] || why == WEIR_NEIGHBOUR || why == WEIR_KNOWN || why == WEIR_RELATED || why == WEIR_FRAGMENT);
	if (at->at == IF_A && !at->to_pod && !drops[why] && why != WEIR_NEIGHBOUR)
		REQUIRE(ip && bears_own(frame + ip, version));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct place *at;
	enum weir_reason why;
	unsigned int kind;

	if (size < 15 || size > 3000)
		return 0;
	if (++frames % FRAMES_A_TABLE == 0)
		world_later(w, WEIR_LIFE_STREAM + 1);
	at = &places[data[0] % PLACES];
	errno = 0;
	why = world_send_raw(w, *at, data + 1, size - 1);
	if (why == WEIR_REASON_COUNT && errno == EINVAL)
		return 0;		/* the kernel makes no packet of it for a test-run: an IP header cut short */
	check(at, why, data + 1, size - 1);
	kind = (data[13] ^ data[14] * 3 ^ (size > 24 ? data[24] * 5 : 0)) & 7;
	seen[((unsigned int)why * PLACES + (at - places)) * 8 + kind] = 1;
	return 0;
}
