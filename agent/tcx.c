// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/tcx.h"

/* Of the kernel's ABI, 6.6; headers of older ones lack them. */
#define TCX_INGRESS	46
#define TCX_EGRESS	47
#define LINK_TYPE_TCX	11
#define BEFORE		(1U << 3)	/* without a relative: before all */

struct link_create {
	__u32 prog_fd, ifindex, attach_type, flags;
	__u32 relative, pad;
	__u64 expected_revision;
};
struct prog_query {
	__u32 ifindex, attach_type, query_flags, attach_flags;
	__u64 prog_ids;
	__u32 count, pad;
	__u64 prog_attach_flags, link_ids, link_attach_flags, revision;
};
struct tcx_info {			/* the head of struct bpf_link_info */
	__u32 type, id, prog_id, pad;
	__u32 ifindex, attach_type;
	__u64 room[16];
};

static int call(int command, void *attr, unsigned int size)
{
	long r = syscall(SYS_bpf, command, attr, size);

	return r < 0 ? -errno : (int)r;
}

int tcx_attach(unsigned int ifindex, bool to_pod, int prog_fd)
{
	struct link_create a = { .prog_fd = prog_fd, .ifindex = ifindex,
				 .attach_type = to_pod ? TCX_EGRESS : TCX_INGRESS, .flags = BEFORE };

	return call(BPF_LINK_CREATE, &a, sizeof(a));
}

int tcx_interface(int link_fd, bool to_pod)
{
	struct tcx_info info = { 0 };
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(link_fd, &info, &size))
		return -errno;
	if (info.type != LINK_TYPE_TCX || info.attach_type != (to_pod ? TCX_EGRESS : TCX_INGRESS))
		return -EINVAL;
	return info.ifindex;
}

int tcx_query(unsigned int ifindex, bool to_pod, struct tcx_chain *out)
{
	struct prog_query q = { .ifindex = ifindex, .attach_type = to_pod ? TCX_EGRESS : TCX_INGRESS,
				.prog_ids = (unsigned long)out->prog, .count = TCX_PROGS };
	int err = call(BPF_PROG_QUERY, &q, sizeof(q));

	out->n = 0;
	out->revision = q.revision;
	if (err && err != -ENOENT)
		return err;
	out->n = err ? 0 : q.count;
	return 0;
}

bool tcx_supported(void)
{
	struct tcx_chain chain;
	int err = tcx_query(1, false, &chain);

	return err != -EINVAL && err != -EOPNOTSUPP && err != -ENOTSUP;
}

void tcx_prog_name(__u32 id, char name[16])
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	name[0] = '\0';
	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size))
		snprintf(name, 16, "%.15s", info.name);
	close(fd);
}
