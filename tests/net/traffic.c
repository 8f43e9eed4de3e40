// SPDX-License-Identifier: Apache-2.0
/*
 * Two pods and a policy, real packets: what is allowed and denied, by which rule, and who is told; a killed agent; what
 * lies between two veths while nobody foreign is there and while somebody is; a pod that leaves; flows that fall silent.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "agent/tcx.h"
#include "lib/podnet.h"
#include "lib/rtnl.h"
#include "tests/check.h"
#include "tests/net/parts.h"

enum { WEB = 1, DB };			/* endpoints */
#define OPEN_PORT	5000
#define SHUT_PORT	5001
#define RULE		100
#define CLASS(pod)	(WEIR_CLASS_FIRST + (pod))

static struct netns *node, *ns[3];
static const struct weir_addr addr[3] = { [WEB] = { .byte = { [10] = 255, 255, 10, 7, 0, 2 } },
					  [DB] = { .byte = { [10] = 255, 255, 10, 7, 0, 3 } } };
static const char *const host_end[3] = { "", "h1", "h2" };
static char dir[128];

/* Range tables: one open to all, and DB's ingress with a single port open to WEB. */
static const struct weir_range open_table[] = {
	{ 0, 65535, WEIR_RULE_OPEN, WEIR_RULE_OPEN, 0, WEIR_ALLOW, WEIR_ALLOW, {} },
	{ 0, 65535, WEIR_RULE_OPEN, WEIR_RULE_OPEN, 6, WEIR_ALLOW, WEIR_ALLOW, {} },
	{ 0, 65535, WEIR_RULE_OPEN, WEIR_RULE_OPEN, 17, WEIR_ALLOW, WEIR_ALLOW, {} },
	{ 0, 65535, WEIR_RULE_OPEN, WEIR_RULE_OPEN, 132, WEIR_ALLOW, WEIR_ALLOW, {} },
};
#define SHUT(first, last, proto) \
	{ first, last, WEIR_RULE_ISOLATED, WEIR_RULE_ISOLATED, proto, WEIR_DENY, WEIR_DENY, {} }
static const struct weir_range one_port[] = {
	SHUT(0, 65535, 0),
	SHUT(0, OPEN_PORT - 1, 6),
	{ OPEN_PORT, OPEN_PORT, RULE, RULE, 6, WEIR_ALLOW, WEIR_ALLOW, {} },
	SHUT(OPEN_PORT + 1, 65535, 6),
	SHUT(0, 65535, 17),
	SHUT(0, 65535, 132),
};

static unsigned int ifindex_of(int pod)
{
	return netns_link_index(node, host_end[pod]);
}

/* Entries are written once: whoever adopts finds them. */
static int send_ops(struct datapath *dp, bool entries)
{
	__u32 open_cell[16], db_cell[16];
	struct op op[] = {
		{ .kind = OP_RANGES, .first = 16, .count = 4, .range = open_table },
		{ .kind = OP_RANGES, .first = 32, .count = 6, .range = one_port },
		{ .kind = OP_CELLS, .first = 16, .count = 16, .cell = open_cell },
		{ .kind = OP_CELLS, .first = 32, .count = 16, .cell = db_cell },
		{ .kind = OP_WORD, .first = WEB, .word = WEIR_WORD(CLASS(WEB), CLASS(WEB), WEB, WEIR_WORD_SET | WEIR_WORD_POD) },
		{ .kind = OP_ADDRESS, .first = WEB, .prefix = { 128, addr[WEB] } },
		{ .kind = OP_WORD, .first = DB, .word = WEIR_WORD(CLASS(DB), CLASS(DB), DB, WEIR_WORD_SET | WEIR_WORD_POD) },
		{ .kind = OP_ADDRESS, .first = DB, .prefix = { 128, addr[DB] } },
		{ .kind = OP_FENCE },
		{ .kind = OP_SET, .first = WEB, .dir = WEIR_INGRESS, .set = { 16, 16 } },
		{ .kind = OP_SET, .first = WEB, .dir = WEIR_EGRESS, .set = { 16, 16 } },
		{ .kind = OP_SET, .first = DB, .dir = WEIR_INGRESS, .set = { 32, 16 } },
		{ .kind = OP_SET, .first = DB, .dir = WEIR_EGRESS, .set = { 16, 16 } },
		{ .kind = OP_GENERATION },
		{ .kind = OP_GRACE },
	};
	int err = 0;

	for (int i = 0; i < 16; i++) {
		open_cell[i] = WEIR_CELL(16, 4);
		db_cell[i] = WEIR_CELL(32, 6);
	}
	for (unsigned int i = 0; i < sizeof(op) / sizeof(*op) && !err; i++)
		if (entries || op[i].kind != OP_ADDRESS)
			err = datapath_op(dp, &op[i]);
	return err;
}

static void arm(struct datapath *dp, int pod)
{
	struct weir_endpoint e = { .ifindex = ifindex_of(pod), .flags = WEIR_EP_REDIRECT_FROM | WEIR_EP_REDIRECT_TO };
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	e.armed = now.tv_sec - WEIR_PICK_UP;	/* nothing here is older than the policy */
	netns_link_mac(ns[pod], "eth0", e.mac);
	netns_link_mac(node, host_end[pod], e.gateway);
	datapath_arm(dp, pod, &e);
}

/* Everything that stands when an agent has started: as it would, closed first, armed last. */
static int enforce(struct part *p, enum attach_hook hook)
{
	struct complaint why = { 0 };
	int err = part_open(p, dir, hook, &why) ?: send_ops(p->dp, !datapath_adopted(p->dp));

	for (int pod = WEB; pod <= DB && !err; pod++)
		err = datapath_interface_add(p->dp, ifindex_of(pod), pod) ?: part_add(p, ifindex_of(pod));
	CHECK(!err, "enforced: %d %s", err, why.text);
	for (int pod = WEB; pod <= DB && !err; pod++)
		arm(p->dp, pod);
	return err;
}

static int tcp_in(int pod)
{
	int back = netns_enter(ns[pod]), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	netns_leave(back);
	return fd;
}

static struct sockaddr_in at(int pod, int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };

	memcpy(&sin.sin_addr, addr[pod].byte + 12, 4);
	return sin;
}

static int listener(int port)
{
	struct sockaddr_in sin = at(DB, port);
	int fd = tcp_in(DB), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return bind(fd, (struct sockaddr *)&sin, sizeof(sin)) || listen(fd, 8) ? -1 : fd;
}

#define LONG 20000		/* ms: what is to pass does so before, however much else the machine has to do; TCP sends again */

struct talk {
	int fd, peer;
	unsigned int port;		/* the opener's, network order */
};

static bool ready(int fd, short what, int ms)
{
	return poll(&(struct pollfd){ .fd = fd, .events = what }, 1, ms) == 1;
}

static bool connects(struct talk *t, int from, int port, int ms)
{
	struct sockaddr_in sin = at(DB, port);

	t->fd = tcp_in(WEB);
	t->peer = -1;
	if (connect(t->fd, (struct sockaddr *)&sin, sizeof(sin)) && errno != EINPROGRESS)
		return false;
	getsockname(t->fd, (struct sockaddr *)&sin, &(socklen_t){ sizeof(sin) });
	t->port = sin.sin_port;
	if (ready(from, POLLIN, ms))
		t->peer = accept(from, NULL, NULL);
	return t->peer >= 0 && ready(t->fd, POLLOUT, ms);
}

static bool goes(struct talk *t, int ms)
{
	char b[64] = "there";

	if (write(t->fd, b, 5) != 5 || !ready(t->peer, POLLIN, ms) || read(t->peer, b, sizeof(b)) <= 0)
		return false;
	return write(t->peer, b, 4) == 4 && ready(t->fd, POLLIN, ms) && read(t->fd, b, sizeof(b)) > 0;
}

static void hang_up(struct talk *t)
{
	close(t->fd);
	if (t->peer >= 0)
		close(t->peer);
}

static struct weir_sum counted(struct part *p, unsigned int what)
{
	struct weir_sum sum[WEIR_COUNTERS] = { 0 };

	datapath_counters(p->dp, sum);
	return sum[what];
}

/* What went out by the host's end, which redirect skips. */
static int on_stats(void *ctx, const struct nlmsghdr *m)
{
	const struct rtattr *a = rtnl_attribute(m, sizeof(struct ifinfomsg), IFLA_STATS64);

	if (a)
		memcpy(ctx, (const char *)RTA_DATA(a) + offsetof(struct rtnl_link_stats64, tx_packets), 8);
	return 0;
}

static __u64 by_host_end(int pod)
{
	struct ifinfomsg ifi = { .ifi_index = ifindex_of(pod) };
	struct rtnl_message m;
	__u64 packets = 0;

	rtnl_begin(&m, RTM_GETLINK, 0, &ifi, sizeof(ifi));
	CHECK_EQ(rtnl_once(&m, on_stats, &packets), 0, "asked");
	return packets;
}

static bool by_redirect(struct talk *t)
{
	__u64 before = by_host_end(DB);

	return goes(t, 500) && goes(t, 500) && by_host_end(DB) == before;
}

struct looked {
	unsigned int tcp, of_db;
	unsigned int port;		/* in: the opener's */
	struct flow_snapshot last;
};
static int on_flow(void *ctx, const struct flow_snapshot *f)
{
	struct looked *l = ctx;

	if (f->proto == IPPROTO_TCP && (f->port[0] == l->port || f->port[1] == l->port)) {
		l->tcp++;
		l->last = *f;
	}
	l->of_db += f->endpoint[0] == DB || f->endpoint[1] == DB;
	return 0;
}

static struct looked look(struct part *p, const struct talk *t)
{
	struct looked l = { .port = t ? t->port : 0 };
	unsigned int missed;

	flow_table_each(p->dp, on_flow, &l, &missed);
	CHECK_EQ(missed, 0, "slots hold still");
	return l;
}

static void told(struct part *p, const struct talk *t)
{
	static __u64 hits[WEIR_RULES];
	struct weir_record *r = &p->last[WEIR_REC_OPENED];
	struct looked l = look(p, t);

	part_run(p, 30);
	CHECK(p->kinds[WEIR_REC_OPENED] >= 1, "an opened record");
	CHECK_EQ(r->rule[WEIR_INGRESS], RULE, "names the rule that let it in");
	CHECK_EQ(r->rule[WEIR_EGRESS], WEIR_RULE_OPEN, "and the default that let it out");
	CHECK_EQ(ntohs(r->dport), OPEN_PORT, "and the port");
	r = &p->last[WEIR_REC_DENIED];
	CHECK(p->kinds[WEIR_REC_DENIED] >= 1, "a denied record");
	CHECK_EQ(r->reason, WEIR_NO_RULE, "says why");
	CHECK_EQ(r->rule[WEIR_INGRESS], WEIR_RULE_ISOLATED, "and by which default");
	CHECK_EQ(ntohs(r->dport), SHUT_PORT, "and the port");
	CHECK_EQ(l.tcp, 1, "one flow in the table");
	CHECK_EQ(l.last.phase, WEIR_CONFIRMED, "confirmed");
	CHECK(l.last.packets[0] >= 2 && l.last.packets[1] >= 2, "counted both ways");
	CHECK(l.last.rule[0] + l.last.rule[1] == RULE + WEIR_RULE_OPEN, "with its rules");
	CHECK(counted(p, WEIR_KNOWN).packets > 0, "known packets are counted");
	CHECK(counted(p, WEIR_NO_RULE).packets > 0, "denied ones, too");
	datapath_rule_hits(p->dp, hits);
	CHECK(hits[RULE] >= 1, "the rule's hits");
}

/* Attached behind us: what redirect would skip. */
static int tcx_behind(unsigned int ifindex, bool egress, int prog)
{
	struct {
		__u32 prog, ifindex, type, flags;
		__u64 room[6];
	} a = { .prog = prog, .ifindex = ifindex, .type = egress ? 47 : 46 };

	return syscall(SYS_bpf, BPF_LINK_CREATE, &a, sizeof(a));
}

/* Drops all it sees: so whether it sees the packets shows at once. */
static int dropper(void)
{
	struct bpf_insn insns[] = { { .code = 0xb7, .dst_reg = 0, .imm = 2 }, { .code = 0x95 } };

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "dropper", "GPL", insns, 2, NULL);
}

/* What the agent does with a path that is told. */
static void follow(struct part *p, unsigned int before)
{
	for (int i = 0; i < 30 && p->paths == before; i++)
		part_run(p, 100);
	for (int pod = WEB; pod <= DB; pod++) {
		const char *why;

		datapath_endpoint_flags(p->dp, pod, attach_path(p->attach, ifindex_of(pod), &why));
	}
}

static void paths(struct part *p, struct talk *t)
{
	bool shapes = !command("tc qdisc add dev h1 root tbf rate 1gbit burst 100k latency 10ms 2>/dev/null && "
			       "tc qdisc del dev h1 root");
	int prog = dropper(), link;
	unsigned int n;

	part_run(p, 100);

	CHECK(by_redirect(t), "nothing foreign: by redirect");

	for (int way = 0; way < (shapes ? 3 : 2); way++) {
		static const char *const row[] = { "on the sender's ingress", "on the receiver's egress", "a qdisc of the receiver's" };

		n = p->paths;
		link = way == 2 ? -1 : tcx_behind(ifindex_of(way == 0 ? WEB : DB), way == 1, prog);
		if (way == 2)
			CHECK_EQ(command("tc qdisc add dev h2 root tbf rate 1gbit burst 100k latency 10ms"), 0, "shaped");
		else
			CHECK(link >= 0, "%s: attached", row[way]);
		follow(p, n);
		if (way == 2)
			CHECK(goes(t, LONG), "%s: goes on", row[way]);
		else
			CHECK(!goes(t, 100), "%s: sees the packets", row[way]);
		if (way == 2)
			CHECK_EQ(command("tc -s qdisc show dev h2 root | grep -q 'Sent [1-9]'"), 0, "%s: sees packets", row[way]);
		n = p->paths;
		if (way == 2)
			CHECK_EQ(command("tc qdisc del dev h2 root"), 0, "not shaped");
		else
			close(link);
		follow(p, n);
		for (int i = 0; i < 20 && !goes(t, 200); i++)
			;			/* TCP sends again what was dropped */
		CHECK(by_redirect(t), "%s: gone, by redirect again", row[way]);
	}
	close(prog);
}

static bool swept;
static void on_swept(void *ctx)
{
	struct part *p = ctx;

	swept = true;
	CHECK_EQ(look(p, NULL).of_db, 0, "no slot names it when swept is told");
	CHECK_EQ(p->last[WEIR_REC_CLOSED].reason, WEIR_END_LEFT, "and its flow's end has been read");
	loop_stop(p->loop);
}

static void on_rules(void *ctx, const unsigned long *rules)
{
	bool *used = ctx;

	*used = rules[RULE / 64] >> RULE % 64 & 1;
}

static void leaving(struct part *p, struct talk *t)
{
	bool used = false;

	CHECK(look(p, NULL).of_db > 0, "a flow of the pod");
	CHECK_EQ(sweep_rules(p->sweep, on_rules, &used), 0, "asked");
	part_run(p, 300);
	CHECK(used, "its rule is in use");
	p->kinds[WEIR_REC_CLOSED] = 0;
	datapath_disarm(p->dp, DB);
	datapath_raise(p->dp);
	CHECK(!goes(t, 100), "nothing passes any more");
	CHECK_EQ(sweep_left(p->sweep, DB, on_swept, p), 0, "asked");
	for (int i = 0; i < 20 && !swept; i++)
		part_run(p, 100);
	CHECK(swept, "swept");
	CHECK(!goes(t, 100), "nor by what was known");
	CHECK_EQ(sweep_rules(p->sweep, on_rules, &used), 0, "asked");
	part_run(p, 300);
	CHECK(!used, "its rule is in no slot now");
	datapath_interface_remove(p->dp, ifindex_of(DB));
}

/* Time passes for the programs, and the sweep's own clock is theirs. */
static void silence(struct part *p, int from)
{
	struct weir_control *c = (struct weir_control *)datapath_view(p->dp)->control;
	struct sweep_counts counts;
	struct talk t;

	CHECK_EQ(send_ops(p->dp, false), 0, "sets again");
	datapath_interface_add(p->dp, ifindex_of(DB), DB);
	arm(p->dp, DB);
	CHECK(connects(&t, from, OPEN_PORT, LONG) && goes(&t, LONG), "open again");
	p->kinds[WEIR_REC_CLOSED] = 0;
	c->later = c->hz * 3 * 3600;
	part_run(p, 4200);
	CHECK_EQ(look(p, &t).tcp, 1, "three hours of silence are nothing to a connection");
	c->later = c->hz * 7 * 3600;
	part_run(p, 4200);
	CHECK_EQ(look(p, &t).tcp, 0, "seven are its end");
	CHECK_EQ(p->last[WEIR_REC_CLOSED].reason, WEIR_END_EXPIRED, "and it is told");
	sweep_count(p->sweep, &counts);
	CHECK(counts.expired >= 1, "counted");
	printf("a round of expiry: %u us\n", counts.last_us);
	c->later = 0;
	hang_up(&t);
}

/* A frame as WEB would send it: a SYN. */
static void frames(struct part *p)
{
	__u8 f[54] = { [12] = 8, 0, 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 7, 0, 2, 10, 7, 0, 3,
		       0x30, 0x39, OPEN_PORT >> 8, OPEN_PORT & 255, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 16, 0 };
	struct datapath_run run = { .frame = f, .size = sizeof(f), .ifindex = ifindex_of(WEB) };
	struct timespec t0, t1;

	netns_link_mac(ns[WEB], "eth0", f + 6);
	netns_link_mac(node, "h1", f);
	datapath_set_observe_only(p->dp, false);
	CHECK_EQ(datapath_run(p->dp, &run), 0, "runs");
	CHECK(run.pass && run.reason == WEIR_ALLOWED, "allowed: reason %u", run.reason);
	CHECK(run.recorded && run.record.rule[WEIR_INGRESS] == RULE, "by the rule");
	f[37] = SHUT_PORT & 255;
	CHECK_EQ(datapath_run(p->dp, &run), 0, "runs");
	CHECK(!run.pass && run.reason == WEIR_NO_RULE, "denied: reason %u", run.reason);
	CHECK(run.recorded && run.record.rule[WEIR_INGRESS] == WEIR_RULE_ISOLATED, "by the default");
	f[29] = 9;
	CHECK_EQ(datapath_run(p->dp, &run), 0, "runs");
	CHECK(!run.pass && run.reason == WEIR_SPOOFED, "another's address: reason %u", run.reason);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (int i = 0; i < 10000; i++) {
		f[35] = i;
		f[34] = 0x40 + (i >> 8);
		datapath_run(p->dp, &run);
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	printf("a frame judged in %.1f us\n", ((t1.tv_sec - t0.tv_sec) * 1e9 + t1.tv_nsec - t0.tv_nsec) / 1e7);
}

static void story(enum attach_hook hook)
{
	const char *word = attach_hook_word(hook);
	int open_fd = listener(OPEN_PORT), shut_fd = listener(SHUT_PORT), pipes[2];
	struct complaint why = { 0 };
	struct talk good, bad;
	struct part p;
	pid_t pid;
	char byte;

	if (pipe(pipes))
		return;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (enforce(&p, hook) || write(pipes[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	close(pipes[1]);
	CHECK_EQ(read(pipes[0], &byte, 1), 1, "%s: an agent enforces", word);
	close(pipes[0]);
	CHECK(connects(&good, open_fd, OPEN_PORT, LONG) && goes(&good, LONG), "%s: the open port", word);
	CHECK(!connects(&bad, shut_fd, SHUT_PORT, 100), "%s: the shut one", word);
	hang_up(&bad);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK(goes(&good, LONG), "%s: the agent killed, the connection lives", word);
	CHECK(!connects(&bad, shut_fd, SHUT_PORT, 100), "%s: and the shut port stays shut", word);
	hang_up(&bad);
	if (enforce(&p, hook))
		return;
	CHECK(datapath_adopted(p.dp), "%s: adopted", word);
	CHECK(goes(&good, LONG), "%s: a new agent, the connection lives", word);
	told(&p, &good);
	if (hook == HOOK_TCX)
		paths(&p, &good);
	swept = false;
	leaving(&p, &good);
	hang_up(&good);
	if (hook == HOOK_TCX)
		silence(&p, open_fd);
	if (hook == HOOK_TCX)
		frames(&p);
	part_close(&p);
	CHECK_EQ(attach_remove_all(dir, &why) ?: datapath_remove(dir, &why), 0, "%s: uninstalled: %s", word, why.text);
	CHECK(connects(&bad, shut_fd, SHUT_PORT, LONG), "%s: as before", word);
	hang_up(&bad);
	close(open_fd);
	close(shut_fd);
}

int main(void)
{
	if (geteuid()) {
		check_skip("needs root");
		return check_done() && check_failed;
	}
	if (own_bpffs("traffic", dir)) {
		perror("a bpffs of our own");
		return 1;
	}
	ns[WEB] = fresh_netns();
	ns[DB] = fresh_netns();
	node = fresh_netns();
	CHECK_EQ(netns_router(node), 0, "settings");
	for (int pod = WEB; pod <= DB; pod++) {
		int err = podnet_make(node, host_end[pod], ns[pod], &addr[pod], 1, pod == WEB ? "weir:shop/web" : "weir:shop/db");

		CHECK_EQ(err ?: podnet_reach(node, host_end[pod], ns[pod], &addr[pod], 1), 0, "a pod");
	}
	if (tcx_supported())
		story(HOOK_TCX);
	else
		check_skip("this kernel has no tcx");
	story(HOOK_CLSACT);
	own_bpffs_end(dir);
	return check_done();
}
