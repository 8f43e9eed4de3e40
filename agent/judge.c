// SPDX-License-Identifier: Apache-2.0
/*
 * The judge: manifests by the socket, and frames through the real programs.
 *
 * A test run needs an interface that exists.  A pod that was handed none gets a veth of the judge's own, in a
 * namespace that nothing else is in, where no packet ever moves.  Their numbers begin at FIRST_DEVICE, so that
 * they never meet those of interfaces in the agent's namespace: the programs know an interface by number alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/veth.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "lib/log.h"
#include "lib/rtnl.h"

#define FIRST_DEVICE 0x40000000U
#define DEVICES_MOST 32768U
#define OUTSIDE_DEVICE (FIRST_DEVICE - 1)	/* an interface that is no pod's */
#define FATES_AT_ONCE 4096		/* in one reply */
#define REJECTED_MOST 256

struct judge {
	struct agent *a;
	int home, cell;			/* the agent's namespace, and the judge's own */
	int rtnl;			/* in the latter */
	unsigned int ndevice;
	char *device[DEVICES_MOST];	/* whose it is, "namespace/name" */
	unsigned int hand;		/* where the search for a free one goes on */
};

static int make_device(struct judge *j, unsigned int ifindex);

int judge_open(struct judge **out, struct agent *a)
{
	struct judge *j = calloc(1, sizeof(*j));
	int err = 0;

	if (!j)
		return -ENOMEM;
	j->a = a;
	j->cell = j->rtnl = -1;
	j->home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (j->home < 0 || unshare(CLONE_NEWNET)) {
		err = -errno;
		goto fail;
	}
	j->cell = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	j->rtnl = rtnl_open();
	err = j->cell < 0 ? -errno : j->rtnl < 0 ? j->rtnl : make_device(j, OUTSIDE_DEVICE);
	if (setns(j->home, CLONE_NEWNET) && !err)
		err = -errno;
	if (err)
		goto fail;
	*out = j;
	return 0;
fail:
	judge_close(j);
	return err;
}

void judge_close(struct judge *j)
{
	if (!j)
		return;
	for (unsigned int i = 0; i < j->ndevice; i++)
		free(j->device[i]);
	if (j->rtnl >= 0)
		close(j->rtnl);
	if (j->cell >= 0)
		close(j->cell);
	if (j->home >= 0)
		close(j->home);
	free(j);
}

static int make_device(struct judge *j, unsigned int ifindex)
{
	struct ifinfomsg link = { .ifi_index = ifindex };
	size_t info, data, peer;
	struct rtnl_message m;
	char name[16];

	rtnl_begin(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
	snprintf(name, sizeof(name), "j%x", ifindex);
	rtnl_text(&m, IFLA_IFNAME, name);
	info = rtnl_nest(&m, IFLA_LINKINFO);
	rtnl_text(&m, IFLA_INFO_KIND, "veth");
	data = rtnl_nest(&m, IFLA_INFO_DATA);
	peer = rtnl_nest(&m, VETH_INFO_PEER);
	link.ifi_index = 0;
	rtnl_header(&m, &link, sizeof(link));
	name[0] = 'p';
	rtnl_text(&m, IFLA_IFNAME, name);
	rtnl_nest_end(&m, peer);
	rtnl_nest_end(&m, data);
	rtnl_nest_end(&m, info);
	return rtnl_ask(j->rtnl, &m, NULL, NULL);
}

static bool split(const char *pod, char ns[256], char name[256])
{
	char rest;

	return sscanf(pod, "%255[^/]/%255[^/]%c", ns, name, &rest) == 2;
}

/* Is device number 'i' the interface of the pod it was given to? */
static bool in_use(const struct judge *j, unsigned int i)
{
	struct endpoint_info info;
	char ns[256], name[256];

	return j->device[i] && split(j->device[i], ns, name) && endpoints_find(j->a->endpoints, ns, name, &info) &&
	       info.ifindex == FIRST_DEVICE + i;
}

/* A device for a pod: one that is free, else a new one. */
static int device_for(struct judge *j, const char *pod, unsigned int *out)
{
	unsigned int i = DEVICES_MOST;
	char *whose = strdup(pod);
	int err = whose ? 0 : -ENOMEM;

	for (unsigned int tries = 0; tries < 64 && tries < j->ndevice && i == DEVICES_MOST; tries++) {
		j->hand = (j->hand + 1) % j->ndevice;
		if (!in_use(j, j->hand))
			i = j->hand;
	}
	if (!err && i == DEVICES_MOST) {
		i = j->ndevice;
		err = i < DEVICES_MOST ? make_device(j, FIRST_DEVICE + i) : -ENOSPC;
		j->ndevice += !err;
	}
	if (err) {
		free(whose);
		return err;
	}
	free(j->device[i]);
	j->device[i] = whose;
	*out = FIRST_DEVICE + i;
	return 0;
}

/* The interface of a pod, its own or a private one. */
static int interface_of(struct judge *j, const char *pod, unsigned int *out)
{
	struct endpoint_info info;
	char ns[256], name[256];
	unsigned int device;
	__u8 mac[6] = { 2 };
	int err;

	if (!split(pod, ns, name) || !endpoints_find(j->a->endpoints, ns, name, &info))
		return -ENOENT;
	if (info.ifindex) {
		*out = info.ifindex;
		return info.state == ENDPOINT_ARMED ? 0 : -EAGAIN;
	}
	err = device_for(j, pod, &device);
	if (err)
		return err;
	memcpy(mac + 2, &device, 4);
	err = endpoints_pretend(j->a->endpoints, ns, name, device, mac);
	*out = device;
	return err;
}

/* The pod of the last frame is often that of the next. */
struct last_pod {
	const char *pod;
	unsigned int ifindex;
};

static int cached(struct judge *j, const char *pod, struct last_pod *last, unsigned int *out)
{
	int err = 0;

	if (!last->pod || strcmp(last->pod, pod)) {
		err = interface_of(j, pod, &last->ifindex);
		last->pod = err ? NULL : pod;
	}
	*out = last->ifindex;
	return err;
}

struct trial {
	struct judge *j;
	struct client *c;
	struct last_pod of, from;
	int in;				/* the namespace this thread is in now */
	Weir__V1__Fate fate[FATES_AT_ONCE], *fates[FATES_AT_ONCE];
};

/* Real interfaces are in the agent's namespace, private ones in the judge's. */
static int go_to(struct trial *t, int where)
{
	if (t->in == where)
		return 0;
	t->in = where;
	return setns(where, CLONE_NEWNET) ? -errno : 0;
}

static int run_one(struct trial *t, const Weir__V1__Frame *f, Weir__V1__Fate *out)
{
	struct datapath_run run = { .frame = f->data.data, .size = f->data.len, .to_pod = f->to_pod,
				    .ingress_ifindex = f->outside ? OUTSIDE_DEVICE : f->ingress_ifindex };
	int err = cached(t->j, f->pod, &t->of, &run.ifindex);

	if (!err && f->to_pod && *f->from)
		err = cached(t->j, f->from, &t->from, &run.ingress_ifindex);
	if (!err)
		err = go_to(t, run.ifindex >= OUTSIDE_DEVICE ? t->j->cell : t->j->home);
	if (!err)
		err = datapath_run(t->j->a->datapath, &run);
	if (err)
		return err;
	weir__v1__fate__init(out);
	out->pass = run.pass;
	out->redirected = run.redirected;
	out->reason = (char *)reason_text(run.reason);
	if (run.recorded) {
		out->rule_ingress = run.record.rule[WEIR_INGRESS];
		out->rule_egress = run.record.rule[WEIR_EGRESS];
		out->would_deny = (run.record.audit & 3) == WEIR_DENY || (run.record.audit >> 2 & 3) == WEIR_DENY;
	}
	return 0;
}

static void reply_fates(struct trial *t, size_t n, bool last)
{
	Weir__V1__Judged judged = WEIR__V1__JUDGED__INIT;
	Weir__V1__Reply reply = WEIR__V1__REPLY__INIT;

	judged.fate = t->fates;
	judged.n_fate = n;
	reply.answer_case = WEIR__V1__REPLY__ANSWER_JUDGED;
	reply.judged = &judged;
	client_reply(t->c, &reply, last);
}

static void run_all(struct trial *t, const Weir__V1__JudgeRequest *ask)
{
	size_t n = 0;
	int err = 0;

	for (size_t i = 0; i < ask->n_frame && !err; i++) {
		if (n == FATES_AT_ONCE) {
			reply_fates(t, n, false);
			n = 0;
		}
		t->fates[n] = &t->fate[n];
		err = run_one(t, ask->frame[i], t->fates[n]);
		if (err)
			client_error(t->c, "frame %zu of '%s': %s", i, ask->frame[i]->pod,
				     err == -ENOENT ? "no such pod" : strerror(-err));
		n++;
	}
	if (!err)
		reply_fates(t, n, true);
}

static void judge_now(struct agent *a, struct client *c, const Weir__V1__JudgeRequest *ask)
{
	struct trial *t = calloc(1, sizeof(*t));

	if (!t) {
		client_error(c, "no memory");
		return;
	}
	t->j = a->judge;
	t->c = c;
	t->in = a->judge->home;
	run_all(t, ask);
	if (go_to(t, a->judge->home))
		log_err(-errno, "cannot come back from the judge's namespace");
	free(t);
}

/* Frames that wait until no flow of any pod is left. */
struct forgetting {
	struct agent *a;
	uint64_t client;
	unsigned int waits;
	Weir__V1__JudgeRequest *ask;
};

static void on_forgotten(void *ctx)
{
	struct forgetting *w = ctx;
	struct client *c;

	if (--w->waits)
		return;
	c = server_client(w->a->server, w->client);
	if (c)
		judge_now(w->a, c, w->ask);
	weir__v1__judge_request__free_unpacked(w->ask, NULL);
	free(w);
}

static void forget_one(void *ctx, const struct endpoint_info *info)
{
	struct forgetting *w = ctx;

	if (info->number && !sweep_left(w->a->sweep, info->number, on_forgotten, w))
		w->waits++;
}

static Weir__V1__JudgeRequest *copy_of(const Weir__V1__JudgeRequest *ask)
{
	size_t size = weir__v1__judge_request__get_packed_size(ask);
	uint8_t *packed = malloc(size + 1);
	Weir__V1__JudgeRequest *copy;

	if (!packed)
		return NULL;
	weir__v1__judge_request__pack(ask, packed);
	copy = weir__v1__judge_request__unpack(NULL, size, packed);
	free(packed);
	return copy;
}

void ask_judge(struct agent *a, struct client *c, const Weir__V1__JudgeRequest *ask)
{
	struct forgetting *w;

	if (!ask->forget) {
		judge_now(a, c, ask);
		return;
	}
	w = malloc(sizeof(*w));
	if (!w || !(*w = (struct forgetting){ .a = a, .client = client_number(c), .waits = 1, .ask = copy_of(ask) }).ask) {
		free(w);
		client_error(c, "no memory");
		return;
	}
	endpoints_each(a->endpoints, forget_one, w);
	on_forgotten(w);
}

static void on_rejected(void *ctx, const struct state_reject *r)
{
	Weir__V1__Applied *to = ctx;
	Weir__V1__Rejected *one = to->n_rejected < REJECTED_MOST ? malloc(sizeof(*one)) : NULL;

	if (!one)
		return;
	weir__v1__rejected__init(one);
	one->object = strdup(r->object);
	one->why = strdup(r->why ? r->why : "");
	one->last_good = r->last_good;
	to->rejected[to->n_rejected++] = one;
}

struct applying {
	struct agent *a;
	uint64_t client;
};

/* What was said is enforced, and nothing of before rests any more. */
static void on_enforced(void *ctx)
{
	struct applying *w = ctx;
	struct client *c = server_client(w->a->server, w->client);
	Weir__V1__Applied applied = WEIR__V1__APPLIED__INIT;
	Weir__V1__Rejected *list[REJECTED_MOST];
	Weir__V1__Reply reply = WEIR__V1__REPLY__INIT;

	applied.rejected = list;
	rejected_each(w->a, on_rejected, &applied);
	applied.generation = datapath_view(w->a->datapath)->control->generation;
	reply.answer_case = WEIR__V1__REPLY__ANSWER_APPLIED;
	reply.applied = &applied;
	if (c)
		client_reply(c, &reply, true);
	for (size_t i = 0; i < applied.n_rejected; i++) {
		free(list[i]->object);
		free(list[i]->why);
		free(list[i]);
	}
	free(w);
}

/* "Kind/namespace/name", or "Kind/name". */
static bool drop(struct agent *a, const char *what)
{
	char kind[64], first[256], second[256], rest;
	int n = sscanf(what, "%63[^/]/%255[^/]/%255[^/]%c", kind, first, second, &rest);

	if (n != 2 && n != 3)
		return false;
	for (int k = 0; k < OBJECT_KINDS; k++) {
		if (strcmp(kind, object_kind_name(k)))
			continue;
		state_drop(a->state, k, n == 3 ? first : "", n == 3 ? second : first);
		return true;
	}
	return false;
}

void ask_apply(struct agent *a, struct client *c, const Weir__V1__ApplyRequest *ask)
{
	struct applying *w = malloc(sizeof(*w));
	int err = w ? 0 : -ENOMEM;

	for (size_t i = 0; i < ask->n_gone; i++) {
		if (drop(a, ask->gone[i]))
			continue;
		client_error(c, "'%s' is no object: it is KIND/NAMESPACE/NAME", ask->gone[i]);
		free(w);
		return;
	}
	if (!err)
		err = state_apply(a->state, ask->manifests, strlen(ask->manifests), ask->replace);
	if (!err) {
		*w = (struct applying){ .a = a, .client = client_number(c) };
		policies_hurry(a->policies);
		err = policies_when_enforced(a->policies, true, on_enforced, w);
	}
	if (err) {
		free(w);
		client_error(c, "cannot apply: %s", strerror(-err));
	}
}
