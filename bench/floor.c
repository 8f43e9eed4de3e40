// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bench/floor.h"
#include "bench/mini2.h"
#include "bench/mini2.skel.h"

#define ID(pod) (1001 + (pod))

struct floor {
	struct mini2_bpf *skel;
	unsigned long *consumer;
	const unsigned long *producer;
};

static int rule(struct floor *f, unsigned int endpoint_dir, unsigned int id)
{
	struct mini_rule key = { .endpoint_dir = endpoint_dir, .id = id };
	struct mini_verdict yes = { 1, 7 };

	return bpf_map_update_elem(bpf_map__fd(f->skel->maps.rules), &key, &yes, BPF_ANY);
}

static int pods(struct floor *f, const unsigned int ifindex[2])
{
	int err = 0;

	for (int i = 0; i < 2 && !err; i++) {
		__u32 address = htonl(0x0a000001 + i);
		struct mini_endpoint e = {
			.ifindex = ifindex[i], .id = ID(i), .mac = { 2, 0, 0, 0, 0, i + 1 }, .gateway = { 2, 0, 0, 0, 0, 0xfe },
			.flags = i ? MINI_INGRESS | MINI_IN_CLASSES(3) : 0,
		};

		err = bpf_map_update_elem(bpf_map__fd(f->skel->maps.endpoints), &address, &e, BPF_ANY) ?:
		      rule(f, ID(i) << 1, 0);
	}
	return err;
}

int floor_open(struct floor **out, const unsigned int ifindex[2], unsigned int peers)
{
	struct floor *f = calloc(1, sizeof(*f));
	int err = -ENOMEM, ring;

	if (!f)
		return err;
	f->skel = mini2_bpf__open_and_load();
	if (!f->skel) {
		err = -errno;
		goto fail;
	}
	ring = bpf_map__fd(f->skel->maps.events);
	f->consumer = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, ring, 0);
	f->producer = mmap(NULL, getpagesize(), PROT_READ, MAP_SHARED, ring, getpagesize());
	err = f->consumer == MAP_FAILED || f->producer == MAP_FAILED ? -ENOMEM : pods(f, ifindex);
	for (unsigned int i = 1; i < peers && !err; i++)
		err = rule(f, ID(1) << 1 | 1, 20000 + i);
	if (err)
		goto fail;
	floor_shut(f, false);
	*out = f;
	return 0;
fail:
	floor_close(f);
	return err;
}

void floor_close(struct floor *f)
{
	if (!f)
		return;
	if (f->consumer && f->consumer != MAP_FAILED)
		munmap(f->consumer, getpagesize());
	if (f->producer && (void *)f->producer != MAP_FAILED)
		munmap((void *)f->producer, getpagesize());
	mini2_bpf__destroy(f->skel);
	free(f);
}

void floor_drain(struct floor *f)
{
	__atomic_store_n(f->consumer, __atomic_load_n(f->producer, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
}

void floor_shut(struct floor *f, bool shut)
{
	struct mini_rule key = { .endpoint_dir = ID(1) << 1 | 1, .id = ID(0) };

	if (shut)
		bpf_map_delete_elem(bpf_map__fd(f->skel->maps.rules), &key);
	else
		rule(f, key.endpoint_dir, key.id);
}

int floor_fd(const struct floor *f, enum floor_program which)
{
	const struct bpf_program *p[] = { f->skel->progs.mini_from_pod, f->skel->progs.mini_to_pod, f->skel->progs.mini_redirect };

	return bpf_program__fd(p[which]);
}
