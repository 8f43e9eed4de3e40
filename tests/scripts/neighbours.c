// SPDX-License-Identifier: Apache-2.0
// Other people's programs and qdiscs on a pod's veth still see its packets.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/scripts/scripts.h"

static int in_node(struct stage *s, const char *format, const char *link)
{
	char command[512];
	int back = netns_enter(town_node(s->town)), err;

	if (back < 0)
		return back;
	snprintf(command, sizeof(command), format, link);
	err = system(command);
	netns_leave(back);
	return err;
}

/* Packets that the filter or qdisc on 'link' has counted. */
static long counted(struct stage *s, const char *format, const char *link)
{
	char command[512];
	int back = netns_enter(town_node(s->town));
	FILE *f;
	long n = -1;

	if (back < 0)
		return -1;
	snprintf(command, sizeof(command), format, link);
	f = popen(command, "r");
	if (!f || fscanf(f, "%ld", &n) != 1)
		n = -1;
	if (f)
		pclose(f);
	netns_leave(back);
	return n;
}

#define SUM " | awk '/Sent/ { n += $4 } END { print n + 0 }'"

/* -- a program of somebody else's: it counts by being run, and has no opinion -- */

#ifndef BPF_TCX_INGRESS
#define BPF_TCX_INGRESS 46
#define BPF_TCX_EGRESS 47
#endif

static int foreign_program(void)
{
	static const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "foreign", "GPL", pass, 2, NULL);
}

static unsigned long long runs_of(int program)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(program, &info, &size) ? 0 : info.run_cnt;
}

/* A tcx link after whatever is there, as any newcomer's; where the kernel has no tcx, a filter. */
static int attach_foreign(struct stage *s, int program, const char *link, bool egress)
{
	int ifindex = netns_link_index(town_node(s->town), link), back = netns_enter(town_node(s->town)), fd;
	union bpf_attr attr = { .link_create = { .prog_fd = program, .target_ifindex = ifindex,
						 .attach_type = egress ? BPF_TCX_EGRESS : BPF_TCX_INGRESS } };

	if (back < 0)
		return back;
	fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	if (fd < 0) {
		DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = egress ? BPF_TC_EGRESS : BPF_TC_INGRESS);
		DECLARE_LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = program, .priority = 50000);

		bpf_tc_hook_create(&hook);
		fd = bpf_tc_attach(&hook, &opts);
	}
	netns_leave(back);
	return fd;
}

/* A second and more for the agent to notice: it asks once a second where the kernel does not tell. */
static void foreign_programs(struct stage *s)
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME), first = foreign_program(), second = foreign_program(), a, b;
	unsigned long long before = 0, after = 0;

	SEEN(stats >= 0 && first >= 0 && second >= 0, "two programs that only look on");
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80), "b reaches a");
	a = attach_foreign(s, first, place_interface(stage_place(s, "x/b")), false);
	b = attach_foreign(s, second, place_interface(stage_place(s, "x/a")), true);
	SEEN(a >= 0 && b >= 0, "one on the sender's veth, one on the receiver's");
	for (int i = 0; i < 200; i++, usleep(100000)) {	/* until the agent has noticed */
		before = runs_of(first);
		after = runs_of(second);
		if (stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80) && runs_of(first) > before && runs_of(second) > after)
			break;
	}
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80), "b still reaches a");
	SEEN(runs_of(first) > before, "the sender's saw it");
	SEEN(runs_of(second) > after, "the receiver's saw it");
	for (int i = 0; i < 5; i++) {
		int fd[] = { stats, first, second, a, b };

		if (fd[i] > 0)
			close(fd[i]);
	}
}

static void foreign_qdisc(struct stage *s)
{
	const char *to = place_interface(stage_place(s, "x/a"));

	SEEN(!in_node(s, "tc qdisc add dev %s root handle 9: pfifo limit 100", to), "a foreign qdisc on the receiver's veth");
	for (int i = 0; i < 200 && counted(s, "tc -s qdisc show dev %s root" SUM, to) <= 0; i++, usleep(100000))
		stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80);
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80), "b reaches a");
	SEEN(counted(s, "tc -s qdisc show dev %s root" SUM, to) > 0, "through the qdisc");
	SEEN(!in_node(s, "tc qdisc del dev %s root", to), "it goes");
	usleep(1500000);
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80), "b reaches a");
}

/* And the policy holds whichever way packets take. */
static void policy_holds(struct stage *s)
{
	const char *to = place_interface(stage_place(s, "x/a"));

	stage_do(s, ALLOW_B);
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80) && !stage_probe(s, "y/a", "x/a", IPPROTO_TCP, 80), "before");
	SEEN(!in_node(s, "tc qdisc add dev %s root handle 9: pfifo limit 100", to), "a qdisc comes");
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80) && !stage_probe(s, "y/a", "x/a", IPPROTO_TCP, 80), "at once");
	usleep(1500000);
	SEEN(stage_probe(s, "x/b", "x/a", IPPROTO_TCP, 80) && !stage_probe(s, "y/a", "x/a", IPPROTO_TCP, 80), "when noticed");
}

const struct script scripts_neighbours[] = {
	{ "foreign programs on sender and receiver", { 0 }, foreign_programs },
	{ "a foreign qdisc on the receiver", { 0 }, foreign_qdisc },
	{ "policy while a qdisc comes", { 0 }, policy_holds },
	{ NULL, { 0 }, NULL }
};
