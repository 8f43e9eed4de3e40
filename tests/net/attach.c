// SPDX-License-Identifier: Apache-2.0
/*
 * Hooks on real interfaces, by tcx and by clsact: put there, taken over from a killed agent, taken away; what others
 * put beside them; what is known of a veth's other end.  Root.  Namespaces without names and a bpffs in a mount
 * namespace of its own: all of it ends with the process.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "agent/links.h"
#include "agent/tcx.h"
#include "lib/addr.h"
#include "lib/podnet.h"
#include "tests/check.h"
#include "tests/net/parts.h"

static struct netns *node, *pod;
static char dir[128];
static struct weir_addr pod_addr = { .byte = { [10] = 255, 255, 10, 7, 0, 2 } };

static unsigned int h0(void)
{
	return netns_link_index(node, "h0");
}

static bool opened(struct part *p, const char *pins, enum attach_hook hook)
{
	struct complaint why = { 0 };
	int err = part_open(p, pins, hook, &why);

	CHECK(!err, "an agent's parts: %s", why.text);
	return !err;
}

static void add(struct part *p)
{
	CHECK_EQ(part_add(p, h0()), 0, "attached");
}

static int udp_in(struct netns *ns, const struct weir_addr *bind_to)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(7777) };
	int back = netns_enter(ns), fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	netns_leave(back);
	if (bind_to)
		memcpy(&to.sin_addr, bind_to->byte + 12, 4);
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)))
		perror("bind");
	return fd;
}

static int node_fd, pod_fd;
static const struct weir_addr node_addr = { .byte = { [10] = 255, 255, 10, 7, 0, 1 } };

static bool arrives(int from, int to, const struct weir_addr *at)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(7777) };
	char byte = 'x';

	while (recv(to, &byte, 1, 0) > 0)
		;
	memcpy(&sin.sin_addr, at->byte + 12, 4);
	sendto(from, &byte, 1, 0, (struct sockaddr *)&sin, sizeof(sin));
	return poll(&(struct pollfd){ .fd = to, .events = POLLIN }, 1, 50) == 1;
}

static bool out(void)
{
	return arrives(pod_fd, node_fd, &node_addr);
}

static bool in(void)
{
	return arrives(node_fd, pod_fd, &pod_addr);
}

/* Both, at the latest when links have ended, which they do in the kernel's own time. */
static bool passes(void)
{
	for (int i = 0; i < 100; i++)
		if (out() && in())
			return true;
	return false;
}

/* The real programs drop what an interface without an armed endpoint sends. */
static void shut(struct part *p)
{
	datapath_set_observe_only(p->dp, false);
	CHECK_EQ(datapath_interface_add(p->dp, h0(), 9), 0, "closed");
}

static unsigned int chain(bool egress)
{
	struct tcx_chain c;

	return !tcx_supported() ? 0 : tcx_query(h0(), egress, &c) ? 99 : c.n;
}

static bool qdisc_there(void)
{
	return !command("tc qdisc show dev h0 | grep -q clsact");
}

/* A program that lets all pass and is not ours. */
static int foreign_program(void)
{
	struct bpf_insn insns[] = { { .code = 0xb7, .dst_reg = 0, .imm = -1 }, { .code = 0x95 } };

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "stranger", "GPL", insns, 2, NULL);
}

static void hooks(enum attach_hook hook)
{
	const char *word = attach_hook_word(hook);
	struct complaint why;
	struct part p;

	if (!opened(&p, dir, hook))
		return;
	CHECK(passes(), "%s: open before", word);
	add(&p);
	printf("%s: both hooks attached in %u us\n", word, p.us);
	CHECK_EQ(p.flags, WEIR_EP_REDIRECT_FROM | WEIR_EP_REDIRECT_TO, "%s: nothing foreign: %s", word, p.why);
	shut(&p);
	CHECK(!out(), "%s: from the pod: dropped", word);
	CHECK(!in(), "%s: to the pod: dropped", word);
	datapath_set_observe_only(p.dp, true);
	CHECK(passes(), "%s: observed only: passes", word);
	CHECK_EQ(chain(false), hook == HOOK_TCX, "%s: programs at ingress", word);
	CHECK_EQ(qdisc_there(), hook == HOOK_CLSACT, "%s: qdisc", word);
	attach_remove(p.attach, h0());
	part_run(&p, 200);
	datapath_set_observe_only(p.dp, false);
	CHECK(passes(), "%s: removed", word);
	CHECK_EQ(chain(false) + chain(true), 0, "%s: no program left", word);
	CHECK(!qdisc_there(), "%s: no qdisc left", word);

	add(&p);
	CHECK_EQ(attach_remove_all(dir, &why), -EBUSY, "%s: no uninstalling under an agent", word);
	part_close(&p);
	CHECK(!out(), "%s: enforced without an agent", word);
	CHECK_EQ(attach_remove_all(dir, &why) ?: datapath_remove(dir, &why), 0, "%s: uninstalled: %s", word, why.text);
	CHECK(passes(), "%s: as before", word);
	CHECK_EQ(chain(false) + chain(true), 0, "%s: no program left behind", word);
	CHECK(!qdisc_there(), "%s: no qdisc left behind", word);
	CHECK(access(dir, F_OK), "%s: no pins left behind", word);
}

/* A child attaches and is killed; meanwhile a packet that must not pass is tried without pause. */
static void killed(enum attach_hook hook)
{
	const char *word = attach_hook_word(hook);
	struct complaint why;
	int ready[2], passed = 0, tried = 0;
	struct part p;
	pid_t pid;
	char byte;

	if (pipe(ready))
		return;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (!opened(&p, dir, hook))
			_exit(1);
		add(&p);
		shut(&p);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	close(ready[1]);
	CHECK_EQ(read(ready[0], &byte, 1), 1, "%s: the child attached", word);
	close(ready[0]);
	kill(pid, SIGKILL);
	for (int i = 0; i < 3; i++, tried++)
		passed += out();
	waitpid(pid, NULL, 0);
	if (!opened(&p, dir, hook))
		return;
	CHECK(datapath_adopted(p.dp), "%s: adopted", word);
	for (int i = 0; i < 3; i++, tried++)
		passed += out();
	CHECK_EQ(attach_add(p.attach, h0(), part_done, &p), 0, "asked for");
	for (int i = 0; i < 20 && !p.done; i++, tried++) {
		passed += out();
		part_run(&p, 1);
	}
	CHECK_EQ(p.err, 0, "%s: taken over", word);
	printf("%s: taken over in %u us; %d packets tried meanwhile, %d passed\n", word, p.us, tried, passed);
	CHECK_EQ(passed, 0, "%s: no open moment", word);
	if (hook == HOOK_TCX)
		CHECK_EQ(chain(false), 1, "one program, not two");
	attach_keep(p.attach, NULL, 0);
	part_run(&p, 200);
	CHECK(out(), "%s: kept by nobody, gone", word);
	part_close(&p);
	CHECK_EQ(attach_remove_all(dir, &why) ?: datapath_remove(dir, &why), 0, "%s: uninstalled", word);
	CHECK(!qdisc_there(), "%s: no qdisc left", word);
}

static void settle(struct part *p, unsigned int flags)
{
	for (int i = 0; i < 30 && p->flags != flags; i++)
		part_run(p, 100);
}

#define BOTH (WEIR_EP_REDIRECT_FROM | WEIR_EP_REDIRECT_TO)

/* With a program of others at a hook, nothing is handed past it. */
static void foreign_in_chain(struct part *p, int prog)
{
	struct tcx_chain c;
	int link = tcx_attach(h0(), false, prog);

	CHECK(link >= 0, "somebody attaches before us");
	settle(p, 0);
	CHECK_EQ(p->flags, 0, "ingress: neither way");
	CHECK(strstr(p->why, "'stranger'") && strstr(p->why, "ingress"), "named: %s", p->why);
	tcx_query(h0(), false, &c);
	CHECK_EQ(c.n, 2, "both stay");
	close(link);
	settle(p, BOTH);
	CHECK_EQ(p->flags, BOTH, "gone again: %s", p->why);

	link = tcx_attach(h0(), true, prog);
	settle(p, WEIR_EP_REDIRECT_FROM);
	CHECK_EQ(p->flags, WEIR_EP_REDIRECT_FROM, "egress: may still hand over: %s", p->why);
	close(link);
	settle(p, BOTH);
}

static void foreign_qdisc(struct part *p)
{
	if (command("tc qdisc add dev h0 root tbf rate 1gbit burst 100k latency 10ms 2>/dev/null")) {
		check_skip("this kernel has no tbf");
		return;
	}
	settle(p, WEIR_EP_REDIRECT_FROM);
	CHECK_EQ(p->flags, WEIR_EP_REDIRECT_FROM, "a qdisc: %s", p->why);
	CHECK(strstr(p->why, "tbf"), "named: %s", p->why);
	CHECK_EQ(command("tc qdisc del dev h0 root"), 0, "no more");
	settle(p, BOTH);
	CHECK_EQ(p->flags, BOTH, "seen: %s", p->why);
}

/* After we have gone what others put there is there. */
static void foreign_filter_stays(struct part *p)
{
	attach_remove(p->attach, h0());
	part_run(p, 100);
	CHECK(qdisc_there(), "their qdisc stays");
	CHECK_EQ(command("tc filter show dev h0 ingress | grep -q filter"), 0, "and their filter");
}

/* Leaves the filter there. */
static void foreign_filter(struct part *p, int prog)
{
	char line[256];

	CHECK_EQ(command("tc qdisc add dev h0 clsact"), 0, "an empty clsact");
	part_run(p, 50);
	CHECK_EQ(p->flags, BOTH, "hurts nobody: %s", p->why);
	snprintf(line, sizeof(line), "%s-stranger", dir);
	CHECK_EQ(bpf_obj_pin(prog, line), 0, "pinned for tc");
	snprintf(line, sizeof(line), "tc filter add dev h0 ingress bpf da object-pinned %s-stranger", dir);
	CHECK_EQ(command(line), 0, "a filter");
	settle(p, 0);
	CHECK_EQ(p->flags, 0, "a filter at ingress: %s", p->why);
	foreign_filter_stays(p);
}

static void foreign(void)
{
	int prog = foreign_program();
	struct complaint why;
	struct part p;

	if (!opened(&p, "private", HOOK_TCX))
		return;
	add(&p);
	datapath_set_observe_only(p.dp, true);
	CHECK_EQ(p.flags, BOTH, "at first nothing foreign");
	foreign_in_chain(&p, prog);
	foreign_qdisc(&p);
	foreign_filter(&p, prog);
	part_close(&p);

	if (opened(&p, dir, HOOK_CLSACT)) {
		add(&p);
		CHECK_EQ(p.flags, 0, "clsact beside a filter of others: %s", p.why);
		foreign_filter_stays(&p);
		CHECK(command("tc filter show dev h0 ingress | grep -q weir"), "ours is gone");
		part_close(&p);
		CHECK_EQ(datapath_remove(dir, &why), 0, "uninstalled");
	}
	command("tc qdisc del dev h0 clsact");
	close(prog);
}

static struct link_info seen;
static void on_link(void *ctx, const struct link_info *link)
{
	if (!strcmp(link->name, "h0") || link->gone)
		seen = *link;
}

static void links(void)
{
	struct weir_addr six = { .byte = { 0xfd, [15] = 2 } };
	struct link_info link;
	struct link_peer peer;
	struct loop *loop;
	struct links *l;
	__u8 mac[6];

	CHECK_EQ(loop_open(&loop) ?: links_open(&l, loop, on_link, NULL), 0, "opened");
	CHECK_EQ(links_each(l), 0, "each");
	CHECK_TEXT(seen.alias, "weir:shop/web", "by alias");
	CHECK_TEXT(seen.kind, "veth", "its kind");
	CHECK_EQ(links_by_name(l, "h0", &link), 0, "by name");
	CHECK_EQ(link.ifindex, netns_link_index(node, "h0"), "its number");
	CHECK_EQ(links_by_name(l, "nosuch", &link), -ENODEV, "no such name");
	CHECK_EQ(netns_address(pod, "eth0", &six, 128), 0, "a second address");
	CHECK_EQ(links_peer(l, &seen, &peer), 0, "the other end");
	CHECK_TEXT(peer.name, "eth0", "its name");
	netns_link_mac(pod, "eth0", mac);
	CHECK(!memcmp(peer.mac, mac, 6), "its MAC");
	CHECK_EQ(peer.naddresses, 2, "its addresses");
	CHECK(!memcmp(&peer.address[0], &pod_addr, 16) && !memcmp(&peer.address[1], &six, 16), "of both families");
	CHECK_EQ(links_neighbour(l, seen.ifindex, &pod_addr, mac), 0, "the neighbour");
	CHECK(!memcmp(peer.mac, mac, 6), "has that MAC");
	CHECK_EQ(netns_bridge(node, "br0") ?: netns_link_join(node, "h0", "br0"), 0, "joins a bridge");
	CHECK_EQ(links_each(l), 0, "each");
	CHECK_EQ(seen.master, netns_link_index(node, "br0"), "a port of it");
	netns_link_delete(node, "br0");
	CHECK_EQ(links_each(l), 0, "each");
	CHECK(seen.gone || seen.master == 0, "the bridge is gone");
	links_close(l);
	loop_close(loop);
}

static void two_agents(void)
{
	char other[160];
	struct complaint why;
	struct part a, b;

	snprintf(other, sizeof(other), "%s-2", dir);
	if (!opened(&a, dir, HOOK_NONE))
		return;
	add(&a);
	/* the other node's agent lives where its node does; here the pod's namespace has to serve as one */
	netns_enter(pod);
	if (opened(&b, other, HOOK_NONE)) {
		CHECK_EQ(part_add(&b, netns_link_index(pod, "eth0")), 0, "attached");
		CHECK(datapath_view(a.dp)->control->seed[0] != datapath_view(b.dp)->control->seed[0], "seeds of their own");
		attach_remove(b.attach, netns_link_index(pod, "eth0"));
		part_close(&b);
	}
	netns_enter(node);
	CHECK_EQ(datapath_remove(other, &why), 0, "one leaves: %s", why.text);
	CHECK_EQ(chain(false), attach_hook(a.attach) == HOOK_TCX, "the other stays");
	attach_remove(a.attach, h0());
	part_close(&a);
	CHECK_EQ(attach_remove_all(dir, &why) ?: datapath_remove(dir, &why), 0, "and leaves: %s", why.text);
}

int main(void)
{
	if (geteuid()) {
		check_skip("needs root");
		return check_done() && check_failed;
	}
	if (own_bpffs("attach", dir)) {
		perror("a bpffs of our own");
		return 1;
	}
	pod = fresh_netns();
	node = fresh_netns();
	CHECK_EQ(netns_router(node) ?: netns_quick(pod), 0, "settings");
	CHECK_EQ(podnet_make(node, "h0", pod, &pod_addr, 1, "weir:shop/web"), 0, "a pod's interface");
	CHECK_EQ(podnet_reach(node, "h0", pod, &pod_addr, 1), 0, "reached");
	CHECK_EQ(netns_link_up(node, "lo") ?: netns_address(node, "lo", &node_addr, 128), 0, "the node's address");
	node_fd = udp_in(node, NULL);
	pod_fd = udp_in(pod, NULL);

	if (tcx_supported())
		hooks(HOOK_TCX);
	else
		check_skip("this kernel has no tcx");
	hooks(HOOK_CLSACT);
	if (tcx_supported()) {
		killed(HOOK_TCX);
		foreign();
	}
	killed(HOOK_CLSACT);
	two_agents();
	links();
	own_bpffs_end(dir);
	return check_done();
}
