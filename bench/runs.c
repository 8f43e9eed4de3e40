// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "bench/report.h"
#include "bench/runs.h"
#include "bench/world.h"
#include "bench/wrap.h"
#include "bench/wrap.skel.h"

#define FRAME 90
#define BATCH 5000		/* packets between two drains of the rings */

struct runs {
	struct wrap_bpf *skel;
	int wrapper[RUNS_WRAPPERS];
};

int runs_open(struct runs **out)
{
	struct runs *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->skel = wrap_bpf__open_and_load();
	if (!r->skel) {
		err = -errno;
		free(r);
		return err;
	}
	const struct bpf_program *p[] = {
		[RUNS_ONE] = r->skel->progs.wrap_one, [RUNS_RANDOM] = r->skel->progs.wrap_random,
		[RUNS_ALL] = r->skel->progs.wrap_all, [RUNS_NEW] = r->skel->progs.wrap_new,
		[RUNS_DENIED] = r->skel->progs.wrap_denied, [RUNS_PEERS] = r->skel->progs.wrap_peers,
	};
	for (int i = 0; i < RUNS_WRAPPERS; i++)
		r->wrapper[i] = bpf_program__fd(p[i]);
	*out = r;
	return 0;
}

void runs_close(struct runs *r)
{
	if (!r)
		return;
	wrap_bpf__destroy(r->skel);
	free(r);
}

int runs_empty(const struct runs *r) { return bpf_program__fd(r->skel->progs.pass); }

/* A TCP segment of 56 IP payload bytes; ports are the wrapper's to fill. */
static void frame(__u8 *f, bool six, bool back, __u8 tcp)
{
	static const __u8 macs[12] = { 2, 0, 0, 0, 0, 0xfe, 2, 0, 0, 0, 0, 1 };
	struct weir_addr src = world_address(back, six), dst = world_address(!back, six);
	__u8 *ip = f + 14, *l4 = ip + (six ? 40 : 20);

	memset(f, 0, FRAME);
	memcpy(f, macs, 12);
	if (six) {
		f[12] = 0x86;
		f[13] = 0xdd;
		ip[0] = 0x60;
		ip[5] = FRAME - 54;
		ip[6] = 6;
		ip[7] = 64;
		memcpy(ip + 8, src.byte, 16);
		memcpy(ip + 24, dst.byte, 16);
	} else {
		f[12] = 8;
		ip[0] = 0x45;
		ip[3] = FRAME - 14;
		ip[8] = 64;
		ip[9] = 6;
		memcpy(ip + 12, src.byte + 12, 4);
		memcpy(ip + 16, dst.byte + 12, 4);
	}
	l4[12] = 0x50;
	l4[13] = tcp;
}

double runs_go(struct runs *r, const struct runs_subject *s, enum runs_wrapper w, unsigned int n,
	       const struct runs_packet *p, int *verdict)
{
	struct __sk_buff skb = { .ifindex = s->ifindex[p->back] };
	unsigned int left = n, key = 0;
	__u8 in[FRAME];
	double ns = 0;

	frame(in, s->six, p->back, p->tcp);
	r->skel->bss->back = p->back;
	r->skel->bss->mask = p->flows ? p->flows - 1 : 0;
	r->skel->bss->peers = p->peers;
	if (p->from_start)
		r->skel->bss->counter = 0;
	bpf_map_update_elem(bpf_map__fd(r->skel->maps.datapath), &key, &s->fd, BPF_ANY);
	while (left) {
		unsigned int batch = left < BATCH ? left : BATCH;
		LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = in, .data_size_in = FRAME, .ctx_in = &skb,
			    .ctx_size_in = sizeof(skb), .repeat = batch);
		double began = cpu_ns();

		if (bpf_prog_test_run_opts(r->wrapper[w], &o)) {
			perror("bench: test-run");
			exit(1);
		}
		ns += cpu_ns() - began;
		left -= batch;
		if (verdict)
			*verdict = (int)o.retval;
		if (s->drain)
			s->drain(s->ctx);
	}
	return ns / n;
}

void runs_confirm(struct runs *r, const struct runs_subject *s, unsigned int flows)
{
	static const __u8 tcp[] = { RUNS_SYN, RUNS_SYN_ACK, RUNS_ACK };

	for (int i = 0; i < 3; i++) {
		struct runs_packet p = { .back = i == 1, .tcp = tcp[i], .flows = flows, .from_start = true };

		runs_go(r, s, flows == 1 ? RUNS_ONE : RUNS_ALL, flows, &p, NULL);
	}
}
