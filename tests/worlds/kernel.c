// SPDX-License-Identifier: Apache-2.0
#include "tests/worlds/kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/veth.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datapath_inside.h"
#include "agent/flows.h"
#include "bpf/weir.skel.h"
#include "lib/addr.h"
#include "lib/rtnl.h"
#include "lib/suite/wire.h"

#define FIRST_DEVICE 1000		/* an endpoint's interface is this and its number */
#define OUTSIDE_DEVICE 999
#define NUMBERS 4096
#define FORGET_EVERY 20000		/* frames: long before the table is full or ports come round */

struct kernel {
	struct datapath *dp;
	struct flows *flows;
	int rtnl;
	bool device[NUMBERS], armed[NUMBERS], keep[NUMBERS];
	struct weir_ask *ask;
	unsigned int runs;		/* since the table was emptied */
	__u16 port;
	unsigned long authors;		/* records compared with the reference's author */
};

static int make_device(struct kernel *k, unsigned int ifindex)
{
	struct ifinfomsg link = { .ifi_index = ifindex };
	size_t info, data, peer;
	struct rtnl_message m;
	char name[16];

	rtnl_begin(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
	snprintf(name, sizeof(name), "k%u", ifindex);
	rtnl_text(&m, IFLA_IFNAME, name);
	info = rtnl_nest(&m, IFLA_LINKINFO);
	rtnl_text(&m, IFLA_INFO_KIND, "veth");
	data = rtnl_nest(&m, IFLA_INFO_DATA);
	peer = rtnl_nest(&m, VETH_INFO_PEER);
	link.ifi_index = ifindex + 100000;
	rtnl_header(&m, &link, sizeof(link));
	name[0] = 'p';
	rtnl_text(&m, IFLA_IFNAME, name);
	rtnl_nest_end(&m, peer);
	rtnl_nest_end(&m, data);
	rtnl_nest_end(&m, info);
	return rtnl_ask(k->rtnl, &m, NULL, NULL);
}

static void on_record(void *ctx, const struct weir_record *r)
{
}

int kernel_open(struct kernel **out, struct complaint *why)
{
	struct datapath_options options = { .dir = "private", .buckets = 8192, .hairpin = true };
	struct kernel *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return -ENOMEM;
	k->rtnl = -1;
	if (unshare(CLONE_NEWNET)) {
		err = -errno;
		complaint_set(why, 0, 0, "a network namespace needs root");
		free(k);
		return err;
	}
	err = datapath_open(&k->dp, &options, why);
	if (!err) {
		k->ask = held(k->dp, MAP_ASKED);
		err = flows_open(&k->flows, k->dp, on_record, k);
	}
	if (!err) {
		k->rtnl = rtnl_open();
		err = k->rtnl < 0 ? k->rtnl : make_device(k, OUTSIDE_DEVICE);
	}
	if (err) {
		kernel_close(k);
		return err;
	}
	*out = k;
	return 0;
}

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
	flows_close(k->flows);
	datapath_close(k->dp);
	free(k);
}

int kernel_op(void *kernel, const struct op *op)
{
	struct kernel *k = kernel;

	return datapath_op(k->dp, op);
}

static int arm(struct kernel *k, const struct bench *b, unsigned int number, const char *ns, bool redirect)
{
	struct weir_endpoint e = { .ifindex = FIRST_DEVICE + number, .mac = { 2, 0, 0, 0, number >> 8, number },
				   .gateway = { 2, 1, 0, 0, number >> 8, number }, .armed = 1,
				   .flags = redirect ? WEIR_EP_REDIRECT_FROM | WEIR_EP_REDIRECT_TO : 0,
				   .quota = 1 << 20, .quota_half = 1 << 20,
				   .namespace_id = compile_namespace_id(b->compiler, ns) };
	int err = 0;

	if (number >= NUMBERS)
		return -ENOSPC;
	if (!k->device[number])
		err = make_device(k, FIRST_DEVICE + number);
	if (!err && !k->device[number])
		err = datapath_interface_add(k->dp, FIRST_DEVICE + number, number);
	if (err)
		return err;
	k->device[number] = true;
	if (!compile_armed(b->compiler, number))
		return 0;
	datapath_arm(k->dp, number, &e);
	k->armed[number] = k->keep[number] = true;
	return 0;
}

static int free_asked(struct kernel *k, unsigned int n)
{
	static const char frame[64];
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = sizeof(frame), .repeat = 1);

	if (n < WEIR_ASKS)
		k->ask[n].tag = 0;
	if (n && bpf_prog_test_run_opts(bpf_program__fd(k->dp->skel->progs.expire), &o))
		return -errno;
	flows_drain(k->flows, 1 << 20);
	return 0;
}

/* An empty flow table: what is asked from here on is judged, not known. */
static int forget(struct kernel *k)
{
	const struct datapath_view *view = datapath_view(k->dp);
	unsigned int n = 0;
	int err = 0;

	for (unsigned int i = 0; i < view->buckets && !err; i++) {
		for (unsigned int way = 0; way < WEIR_WAYS; way++) {
			__u64 tag = __atomic_load_n(&view->bucket[i].tag[way], __ATOMIC_ACQUIRE);

			if (WEIR_TAG_PHASE(tag) > WEIR_BUSY)
				k->ask[n++] = (struct weir_ask){ .bucket = i, .way = way, .why = WEIR_END_LEFT, .tag = tag };
		}
		if (n > WEIR_ASKS - WEIR_WAYS) {
			err = free_asked(k, n);
			n = 0;
		}
	}
	k->runs = 0;
	return err ?: free_asked(k, n);
}

int kernel_sync(struct kernel *k, const struct bench *b, const struct value *manifests, bool redirect)
{
	static const struct weir_endpoint away;
	int err = forget(k);

	memset(k->keep, 0, sizeof(k->keep));
	for value_each(m, manifests) {
		const char *ns = value_text(m, "metadata.namespace", "default");
		unsigned int number = strcmp(value_text(m, "kind", ""), "Pod") ? 0 :
			compile_endpoint(b->compiler, ns, value_text(m, "metadata.name", ""));

		if (number)
			err = err ?: arm(k, b, number, ns, redirect);
	}
	for (unsigned int i = 1; i < NUMBERS; i++)
		if (k->armed[i] && !k->keep[i]) {
			datapath_arm(k->dp, i, &away);
			k->armed[i] = false;
		}
	return err;
}

/* -- frames -- */

static bool run(struct kernel *k, const struct question *q, struct datapath_run *run)
{
	struct wire w = { .src = q->src, .dst = q->dst, .proto = q->proto, .dport = q->port, .flags = WIRE_SYN, .size = 8,
			  .to_mac = { 2, 9 }, .from_mac = { 2, 8 } };
	__u8 buf[WIRE_MAX];

	if (++k->port < 1024)
		k->port = 1024;
	w.sport = k->port;
	run->frame = buf;
	run->size = wire_build(&w, buf, sizeof(buf));
	if (++k->runs == FORGET_EVERY && forget(k))
		return false;
	return !datapath_run(k->dp, run);
}

static unsigned int endpoint_of(const struct bench *b, const struct weir_addr *a)
{
	return WEIR_WORD_ENDPOINT(image_word(b->image, a));
}

struct side {
	bool judged, allow;
	struct reference_said now, would;
};

static void ask_reference(const struct reference *r, enum weir_dir d, const struct question *q, struct side *out)
{
	enum reference_dir dir = d == WEIR_INGRESS ? REFERENCE_INGRESS : REFERENCE_EGRESS;

	reference_side(r, dir, q->src.byte, q->dst.byte, q->proto, q->port, false, &out->now);
	reference_side(r, dir, q->src.byte, q->dst.byte, q->proto, q->port, true, &out->would);
	out->judged = true;
	out->allow = out->now.allow;
}

/* Rule, would-be rule and verdict of one side as the record tells them. */
static bool same_side(const struct bench *b, const struct datapath_run *run, enum weir_dir d, const struct side *s,
		      char *difference, size_t size)
{
	unsigned int audit = run->record.audit >> (d == WEIR_EGRESS ? 2 : 0) & 3;

	if (!bench_author_is(b, run->record.rule[d], &s->now)) {
		snprintf(difference, size, "side %d: the kernel's author is number %u, record of kind %u, reason %u, flags %x, %s, %s",
			 d, run->record.rule[d], run->record.kind, run->record.reason, run->record.flags,
			 run->pass ? "passed" : "dropped", run->redirected ? "redirected" : "to the stack");
		return false;
	}
	if (!bench_author_is(b, run->record.audit_rule[d], &s->would) || audit != (s->would.allow ? WEIR_ALLOW : WEIR_DENY)) {
		snprintf(difference, size, "side %d: the kernel's would-be verdict is %u by number %u", d, audit,
			 run->record.audit_rule[d]);
		return false;
	}
	return true;
}

/* One frame at one hook, and the sides that are judged there. */
static bool agrees(struct kernel *k, const struct bench *b, const struct question *q, struct datapath_run *r,
		   const struct side side[WEIR_DIRS], unsigned long *compared, char *difference, size_t size)
{
	static const enum weir_dir order[] = { WEIR_EGRESS, WEIR_INGRESS };
	bool allow = (!side[0].judged || side[0].allow) && (!side[1].judged || side[1].allow);

	if (!run(k, q, r)) {
		snprintf(difference, size, "test run failed: %s", strerror(errno));
		return false;
	}
	if (bench_is_stranger(b, &q->dst, WEIR_EGRESS) || bench_is_stranger(b, &q->src, WEIR_INGRESS))
		return true;				/* the tables were asked whether that is right */
	(*compared)++;
	if (r->pass != allow) {
		snprintf(difference, size, "%s: the kernel says %s, reason %d, the reference %s", r->to_pod ? "to_pod" : "from_pod",
			 r->pass ? "pass" : "drop", r->reason, allow ? "allow" : "deny");
		return false;
	}
	if (!r->recorded || (r->record.kind != WEIR_REC_OPENED && r->record.kind != WEIR_REC_DENIED))
		return true;
	k->authors++;
	for (int i = 0; i < WEIR_DIRS; i++) {
		if (side[order[i]].judged && !same_side(b, r, order[i], &side[order[i]], difference, size))
			return false;
		if (side[order[i]].judged && !side[order[i]].allow)
			break;				/* the first that says no */
	}
	return true;
}

bool kernel_agrees(struct kernel *k, const struct bench *b, const struct reference *r, const struct question *q, bool redirect,
		   unsigned long *compared, char *difference, size_t size)
{
	bool src = reference_is_local(r, q->src.byte, WORLD_NODE), dst = reference_is_local(r, q->dst.byte, WORLD_NODE);
	unsigned int from = src ? FIRST_DEVICE + endpoint_of(b, &q->src) : OUTSIDE_DEVICE;
	struct side side[WEIR_DIRS] = { { 0 } };
	struct datapath_run at_from = { .ifindex = from }, at_to = { .to_pod = true, .ingress_ifindex = from };

	/* What has no ports has but one flow for each pair: it may have been asked about before, and is known. */
	if (addr_equal(&q->src, &q->dst) || WEIR_WORD_FLAGS(image_word(b->image, &q->src)) & WEIR_WORD_HOST || q->proto == 47)
		return true;
	if ((src && !endpoint_of(b, &q->src)) || (dst && !endpoint_of(b, &q->dst))) {
		snprintf(difference, size, "a local pod's address has no endpoint");
		return false;
	}
	if (src) {
		ask_reference(r, WEIR_EGRESS, q, &side[WEIR_EGRESS]);
		if (dst && redirect)
			ask_reference(r, WEIR_INGRESS, q, &side[WEIR_INGRESS]);
		if (!agrees(k, b, q, &at_from, side, compared, difference, size))
			return false;
	}
	if (!dst || (src && redirect))
		return true;
	memset(side, 0, sizeof(side));
	ask_reference(r, WEIR_INGRESS, q, &side[WEIR_INGRESS]);
	at_to.ifindex = FIRST_DEVICE + endpoint_of(b, &q->dst);
	return agrees(k, b, q, &at_to, side, compared, difference, size);
}
