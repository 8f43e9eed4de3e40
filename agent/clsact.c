// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clsact.h"
#include "lib/rtnl.h"

#define HANDLE		0x77656972	/* "weir" */
#define PREFERENCE	1
#define NAME(to_pod)	((to_pod) ? "weir_to_pod" : "weir_from_pod")

static unsigned int parent_of(bool egress)
{
	return TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
}

static int qdisc(unsigned int ifindex, unsigned short type, unsigned short flags)
{
	struct tcmsg tc = { .tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex, .tcm_parent = TC_H_CLSACT,
			    .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0) };
	struct rtnl_message r;

	rtnl_begin(&r, type, flags, &tc, sizeof(tc));
	rtnl_put(&r, TCA_KIND, "clsact", sizeof("clsact"));
	return rtnl_once(&r, NULL, NULL);
}

int clsact_make(unsigned int ifindex)
{
	int err = qdisc(ifindex, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);

	return !err ? 1 : err == -EEXIST ? 0 : err;
}

static struct tcmsg our_filter(unsigned int ifindex, bool to_pod)
{
	return (struct tcmsg){ .tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex, .tcm_parent = parent_of(to_pod),
			       .tcm_handle = HANDLE, .tcm_info = TC_H_MAKE(PREFERENCE << 16, htons(ETH_P_ALL)) };
}

int clsact_put(unsigned int ifindex, bool to_pod, int prog_fd)
{
	struct tcmsg tc = our_filter(ifindex, to_pod);
	__u32 flags = TCA_BPF_FLAG_ACT_DIRECT, fd = prog_fd;
	struct rtnl_message r;
	size_t options;

	rtnl_begin(&r, RTM_NEWTFILTER, NLM_F_CREATE, &tc, sizeof(tc));
	rtnl_put(&r, TCA_KIND, "bpf", sizeof("bpf"));
	options = rtnl_nest(&r, TCA_OPTIONS);
	rtnl_put(&r, TCA_BPF_FD, &fd, sizeof(fd));
	rtnl_put(&r, TCA_BPF_NAME, NAME(to_pod), strlen(NAME(to_pod)) + 1);
	rtnl_put(&r, TCA_BPF_FLAGS, &flags, sizeof(flags));
	rtnl_nest_end(&r, options);
	return rtnl_once(&r, NULL, NULL);
}

/* What a walk over the filters of one direction found. */
struct filters {
	unsigned int ours, others;
	char kind[16];			/* of the first that is another's */
	char name[64];
};

static int on_filter(void *ctx, const struct nlmsghdr *m)
{
	const struct tcmsg *tc = NLMSG_DATA(m);
	const struct rtattr *a[TCA_MAX + 1], *b[TCA_BPF_MAX + 1] = { 0 };
	struct filters *f = ctx;
	bool bpf;

	if (m->nlmsg_type != RTM_NEWTFILTER)
		return 0;
	rtnl_attributes(m, sizeof(*tc), a, TCA_MAX + 1);
	bpf = a[TCA_KIND] && !strcmp(RTA_DATA(a[TCA_KIND]), "bpf");
	if (bpf && !tc->tcm_handle)
		return 0;			/* the list itself; its filters follow */
	if (bpf && a[TCA_OPTIONS])
		rtnl_nested(a[TCA_OPTIONS], b, TCA_BPF_MAX + 1);
	if (bpf && tc->tcm_handle == HANDLE && b[TCA_BPF_NAME] && !strncmp(RTA_DATA(b[TCA_BPF_NAME]), "weir_", 5)) {
		f->ours++;
		return 0;
	}
	if (f->others++)
		return 0;
	snprintf(f->kind, sizeof(f->kind), "%s", a[TCA_KIND] ? (char *)RTA_DATA(a[TCA_KIND]) : "unknown");
	snprintf(f->name, sizeof(f->name), "%s", b[TCA_BPF_NAME] ? (char *)RTA_DATA(b[TCA_BPF_NAME]) : "");
	return 0;
}

static int look_at_filters(unsigned int ifindex, unsigned int parent, struct filters *out)
{
	struct tcmsg tc = { .tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex, .tcm_parent = parent };
	struct rtnl_message r;
	int err;

	memset(out, 0, sizeof(*out));
	rtnl_begin(&r, RTM_GETTFILTER, NLM_F_DUMP, &tc, sizeof(tc));
	err = rtnl_once(&r, on_filter, out);
	return err == -EINVAL || err == -ENOENT ? 0 : err;	/* no qdisc there */
}

int clsact_take(unsigned int ifindex, bool to_pod)
{
	struct tcmsg tc = our_filter(ifindex, to_pod);
	struct rtnl_message r;
	struct filters f;
	int err = look_at_filters(ifindex, parent_of(to_pod), &f);

	if (err || !f.ours)
		return err;
	rtnl_begin(&r, RTM_DELTFILTER, 0, &tc, sizeof(tc));
	rtnl_put(&r, TCA_KIND, "bpf", sizeof("bpf"));
	return rtnl_once(&r, NULL, NULL);
}

int clsact_unmake(unsigned int ifindex)
{
	for (int egress = 0; egress < 2; egress++) {
		struct filters f;
		int err = look_at_filters(ifindex, parent_of(egress), &f);

		if (err)
			return err;
		if (f.ours + f.others)
			return -ENOTEMPTY;
	}
	return qdisc(ifindex, RTM_DELQDISC, 0);
}

/* Those that are not the kernel's own default. */
struct clsact_qdiscs {
	unsigned int n, room;
	struct qdisc {
		unsigned int ifindex, parent;
		char kind[16];
	} *qdisc;
};

static int on_qdisc(void *ctx, const struct nlmsghdr *m)
{
	const struct tcmsg *tc = NLMSG_DATA(m);
	const struct rtattr *kind = rtnl_attribute(m, sizeof(*tc), TCA_KIND);
	struct clsact_qdiscs *q = ctx;

	if (m->nlmsg_type != RTM_NEWQDISC || !kind || !strcmp(RTA_DATA(kind), "noqueue"))
		return 0;
	if (q->n == q->room) {
		unsigned int room = q->room ? q->room * 2 : 64;
		struct qdisc *more = realloc(q->qdisc, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		q->qdisc = more;
		q->room = room;
	}
	q->qdisc[q->n] = (struct qdisc){ .ifindex = tc->tcm_ifindex, .parent = tc->tcm_parent };
	snprintf(q->qdisc[q->n++].kind, sizeof(q->qdisc->kind), "%s", (const char *)RTA_DATA(kind));
	return 0;
}

int clsact_qdiscs_read(struct clsact_qdiscs **out)
{
	struct tcmsg all = { .tcm_family = AF_UNSPEC };
	struct clsact_qdiscs *q = calloc(1, sizeof(*q));
	struct rtnl_message r;
	int err;

	if (!q)
		return -ENOMEM;
	rtnl_begin(&r, RTM_GETQDISC, NLM_F_DUMP, &all, sizeof(all));
	err = rtnl_once(&r, on_qdisc, q);
	if (err) {
		clsact_qdiscs_free(q);
		return err;
	}
	*out = q;
	return 0;
}

void clsact_qdiscs_free(struct clsact_qdiscs *q)
{
	if (q)
		free(q->qdisc);
	free(q);
}

static void tell_filter(const struct filters *f, const char *way, char *text, unsigned int size)
{
	if (!*text)
		snprintf(text, size, "a %s filter%s%s%s on its %s", f->kind, *f->name ? " '" : "", f->name,
			 *f->name ? "'" : "", way);
}

/* Filters hang in a clsact or an ingress qdisc; the latter's in its own place. */
static int foreign_filters(unsigned int ifindex, const char *kind, char *text, unsigned int size)
{
	struct filters f;
	int found = 0, err;

	if (!strcmp(kind, "ingress")) {
		err = look_at_filters(ifindex, TC_H_MAKE(TC_H_INGRESS, 0), &f);
		if (!err && f.others)
			tell_filter(&f, "ingress", text, size);
		return err ? err : f.others ? CLSACT_INGRESS : 0;
	}
	for (int egress = 0; egress < 2; egress++) {
		err = look_at_filters(ifindex, parent_of(egress), &f);
		if (err)
			return err;
		if (!f.others)
			continue;
		tell_filter(&f, egress ? "egress" : "ingress", text, size);
		found |= egress ? CLSACT_EGRESS : CLSACT_INGRESS;
	}
	return found;
}

int clsact_foreign(const struct clsact_qdiscs *q, unsigned int ifindex, char *text, unsigned int size)
{
	int found = 0;

	*text = '\0';
	for (unsigned int i = 0; i < q->n; i++) {
		const struct qdisc *one = &q->qdisc[i];
		int filters;

		if (one->ifindex != ifindex)
			continue;
		if (one->parent != TC_H_CLSACT) {
			if (!*text)
				snprintf(text, size, "a %s qdisc on its egress", one->kind);
			found |= CLSACT_EGRESS;
			continue;
		}
		filters = foreign_filters(ifindex, one->kind, text, size);
		if (filters < 0)
			return filters;
		found |= filters;
	}
	return found;
}
