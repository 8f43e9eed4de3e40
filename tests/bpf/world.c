// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lib/addr.h"
#include "lib/netns.h"
#include "tests/bpf/world.h"

static const char *addr[WHOS][2] = {
	[WHO_A] = { "10.0.0.1", "fd00::1" }, [WHO_B] = { "10.0.0.2", "fd00::2" }, [WHO_C] = { "10.0.0.3", "fd00::3" },
	[WHO_REMOTE] = { "10.0.9.1", "fd00:9::1" }, [WHO_OUTSIDE] = { "203.0.113.7", "2001:db8::7" },
	[WHO_NODE] = { "172.16.0.1", "fd99::1" }, [WHO_STRANGER] = { "10.0.8.8", "fd00:8::8" },
	[WHO_RESTING] = { "10.0.7.7", "fd00:7::7" }, [WHO_GRANT] = { "198.51.100.9", "2001:db8:9::9" },
	[WHO_OTHER] = { "192.0.2.77", "2001:db8:77::77" },
};
static const struct { const char *prefix; __u64 word; } prefixes[] = {
#define P(class, ep, flags) WEIR_WORD(class, class, ep, WEIR_WORD_SET | WEIR_WORD_PREFIX | (flags))
	{ "0.0.0.0/0", P(CLASS(WHO_OTHER), 0, 0) }, { "::/0", P(CLASS(WHO_OTHER), 0, 0) },
	{ "10.0.0.0/16", P(WEIR_CLASS_STRANGER, 0, 0) }, { "fd00::/32", P(WEIR_CLASS_STRANGER, 0, 0) },
	{ "fd00:8::/32", P(WEIR_CLASS_STRANGER, 0, 0) },
	{ "198.51.100.0/24", P(CLASS(WHO_GRANT), 7, WEIR_WORD_GRANT) },
	{ "2001:db8:9::/48", P(CLASS(WHO_GRANT), 7, WEIR_WORD_GRANT) },
};

const char *who_addr(enum who who, int six) { return addr[who][six]; }

const char *reason_word(enum weir_reason reason)
{
	static const char *words[] = {
#define X(name, fate, word, text) word,
		WEIR_REASONS(X)
#undef X
	};
	return reason < WEIR_REASON_COUNT ? words[reason] : "?";
}

static int fd(const struct bpf_map *m) { return bpf_map__fd(m); }

static void *mapped(const struct bpf_map *m, int writable)
{
	size_t size = (size_t)bpf_map__value_size(m) * bpf_map__max_entries(m);
	void *p = mmap(NULL, (size + 4095) & ~4095ul, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd(m), 0);

	if (p == MAP_FAILED) {
		fprintf(stderr, "world: cannot map '%s': %s\n", bpf_map__name(m), strerror(errno));
		exit(1);
	}
	return p;
}

/* As it was when it was loaded; no program is loaded anew. */
static void map_clear(const struct bpf_map *m, void *at)
{
	memset(at, 0, (size_t)bpf_map__value_size(m) * bpf_map__max_entries(m));
}
static void hash_clear(const struct bpf_map *m)
{
	__u8 key[32];

	while (!bpf_map_get_next_key(fd(m), NULL, key))
		if (bpf_map_delete_elem(fd(m), key))
			break;
}
static void counters_clear(const struct bpf_map *m)
{
	static struct weir_sum none[256];

	for (__u32 i = 0; i < WEIR_COUNTERS; i++)
		bpf_map_update_elem(fd(m), &i, none, 0);
}
static void people_make(struct world *w);

void world_reset(struct world *w)
{
	const __typeof__(w->skel->maps) *m = &w->skel->maps;

	map_clear(m->flows, w->flows);
	map_clear(m->endpoints, w->endpoints);
	map_clear(m->usage, w->usage);
	map_clear(m->denied, w->denied);
	map_clear(m->denied_sums, w->denied_sums);
	map_clear(m->slots, w->slots);
	map_clear(m->rule_hits, w->hits);
	map_clear(m->fragments, w->fragments);
	map_clear(m->cells, w->cells);
	counters_clear(m->counters);
	hash_clear(m->addresses);
	hash_clear(m->prefixes);
	hash_clear(m->interfaces);
	world_drain(w);
	*w->control = w->first;
	w->rules = w->isolated = 0;
	w->range = 1;
	w->cell = WEIR_CELLS_LINE;
	people_make(w);
	world_quiet_commit(w);
}

static int interfaces_make(struct world *w)
{
	static const char *names[IFS] = { NULL, "va", "vb", "vc", "up", NULL, "foreign" };
	struct netns *ns;
	int err = unshare(CLONE_NEWNET) ? -errno : netns_open(&ns, NULL);

	for (int i = 1; !err && i < IFS; i++) {
		char peer[16];

		if (!names[i])
			continue;
		snprintf(peer, sizeof(peer), "%s-peer", names[i]);
		err = netns_veth(ns, names[i], ns, peer);
		w->ifindex[i] = netns_link_index(ns, names[i]);
	}
	err = err ?: netns_bridge(ns, "bridge") ?: netns_link_join(ns, "vb", "bridge");
	if (err)
		return err;
	w->ifindex[IF_BRIDGE] = netns_link_index(ns, "bridge");
	netns_close(ns);
	return 0;
}

static void word_store(struct world *w, enum who who, __u64 word)
{
	for (int six = 0; six < 2; six++) {
		__u32 slot = who * 2 + six;
		struct weir_addr a;
		__u64 v;

		addr_parse(addr[who][six], &a);
		ONCE_STORE(&w->slots[slot], word);
		v = slot | (__u64)weir_addr_tag(&a) << 32;
		bpf_map_update_elem(fd(w->skel->maps.addresses), &a, &v, BPF_NOEXIST);
	}
}

void world_word(struct world *w, enum who who, __u64 word) { word_store(w, who, word); }

/* The node's end of a veth, or of a bridge: pods' next hop. */
static void node_link_local(struct world *w)
{
	struct weir_addr a;
	__u64 slot = 999, v;

	addr_parse("fe80::fe", &a);
	w->slots[slot] = WEIR_WORD(CLASS(WHO_NODE), CLASS(WHO_NODE), 0, WEIR_WORD_SET | WEIR_WORD_HOST);
	v = slot | (__u64)weir_addr_tag(&a) << 32;
	bpf_map_update_elem(fd(w->skel->maps.addresses), &a, &v, BPF_NOEXIST);
}

static void people_make(struct world *w)
{
	for (enum who who = WHO_A; who < WHOS; who++) {
		__u32 flags = WEIR_WORD_SET;

		if (who == WHO_STRANGER || who == WHO_GRANT || who == WHO_OTHER)
			continue;		/* prefixes speak of them */
		if ((int)who < PODS || who == WHO_REMOTE || who == WHO_RESTING)
			flags |= WEIR_WORD_POD;
		flags |= who == WHO_NODE ? WEIR_WORD_HOST : who == WHO_RESTING ? WEIR_WORD_RESTING : 0;
		word_store(w, who, WEIR_WORD(CLASS(who), CLASS(who), (int)who < PODS ? who : 0, flags));
	}
	node_link_local(w);
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		struct weir_prefix p;
		__u64 slot = 1000 + i;

		prefix_parse(prefixes[i].prefix, &p);
		w->slots[slot] = prefixes[i].word;
		bpf_map_update_elem(fd(w->skel->maps.prefixes), &p, &slot, 0);
	}
	for (__u32 pod = A; pod < PODS; pod++) {
		struct weir_endpoint *e = &w->endpoints[pod];
		struct weir_addr own;

		addr_parse(addr[pod][0], &own);
		e->own = pod == C ? 0 : WEIR_OWN(&own, pod * 2);	/* C's is asked of the hash */
		e->mac[0] = 2, e->mac[5] = pod;
		e->gateway[0] = 2, e->gateway[5] = 0xfe;
		e->flags = WEIR_EP_REDIRECT_FROM | WEIR_EP_REDIRECT_TO;
		e->namespace_id = pod == C ? 7 : 5;
		e->via = pod == B ? w->ifindex[IF_BRIDGE] : 0;
		e->ifindex = w->ifindex[pod];
		bpf_map_update_elem(fd(w->skel->maps.interfaces), &w->ifindex[pod], &pod, 0);
	}
}

int world_open(struct world **out, unsigned int buckets)
{
	struct world *w = calloc(1, sizeof(*w));
	int err = w ? interfaces_make(w) : -ENOMEM;

	if (err)
		return err;
	w->skel = weir_bpf__open();
	if (!w->skel)
		return -errno;
	bpf_map__set_max_entries(w->skel->maps.flows, buckets);
	w->skel->data_control->control.bucket_mask = buckets - 1;
	w->skel->data_control->control.quota = buckets * WEIR_WAYS;
	w->skel->data_control->control.quota_half = buckets * WEIR_WAYS;
	err = weir_bpf__load(w->skel);
	if (err)
		return err;
	w->control = &w->skel->data_control->control;
	w->flows = mapped(w->skel->maps.flows, 1);
	w->endpoints = mapped(w->skel->maps.endpoints, 1);
	w->usage = mapped(w->skel->maps.usage, 1);
	w->cells = mapped(w->skel->maps.cells, 1);
	w->ranges = mapped(w->skel->maps.ranges, 1);
	w->asked = mapped(w->skel->maps.asked, 1);
	w->denied = mapped(w->skel->maps.denied, 1);
	w->denied_sums = mapped(w->skel->maps.denied_sums, 1);
	w->slots = mapped(w->skel->maps.slots, 1);
	w->hits = mapped(w->skel->maps.rule_hits, 1);
	w->fragments = mapped(w->skel->maps.fragments, 1);
	w->first = *w->control;
	world_reset(w);
	*out = w;
	return 0;
}

void world_close(struct world *w)
{
	weir_bpf__destroy(w->skel);
	free(w);
}

void world_rule(struct world *w, struct rule r) { w->rule[w->rules++] = r; }
void world_isolate(struct world *w, int pod, enum weir_dir dir) { w->isolated |= 1u << (pod * 2 + dir); }
void world_open_policy(struct world *w) { w->rules = w->isolated = 0; }

static int rule_matches(const struct rule *r, int pod, int dir, int class, unsigned int lane, unsigned int port)
{
	if ((r->pod && r->pod != pod) || (int)r->dir != dir || (r->peer && CLASS(r->peer) != class))
		return 0;
	if (!r->proto)
		return 1;
	return (unsigned int)r->proto == lane && (!r->last || (port >= r->first && port <= r->last));
}

/* One port of one lane: the first rule that matches, audited ones only for what would be. */
static struct weir_range decide(struct world *w, int pod, int dir, int class, unsigned int lane, unsigned int port)
{
	int isolated = w->isolated >> (pod * 2 + dir) & 1, would = 0;
	struct weir_range out = { .proto = lane, .first = port, .last = port,
				  .rule = isolated ? WEIR_RULE_ISOLATED : WEIR_RULE_OPEN,
				  .verdict = isolated ? WEIR_DENY : WEIR_ALLOW };

	out.audit_rule = out.rule;
	out.audit = out.verdict;
	for (unsigned int i = 0; i < w->rules; i++) {
		const struct rule *r = &w->rule[i];
		int verdict = r->deny ? WEIR_DENY : WEIR_ALLOW;

		if (!rule_matches(r, pod, dir, class, lane, port))
			continue;
		if (!would)
			out.audit = verdict, out.audit_rule = r->rule, would = 1;
		if (r->audited)
			continue;
		out.verdict = verdict;
		out.rule = r->rule;
		break;
	}
	return out;
}

static int port_order(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* Where something may change in a lane, in order. */
static unsigned int cuts(const struct world *w, unsigned int lane, int at[])
{
	unsigned int n = 0;

	at[n++] = 0;
	for (unsigned int i = 0; lane && i < w->rules; i++) {
		at[n++] = w->rule[i].first;
		if (w->rule[i].last && w->rule[i].last < 65535)
			at[n++] = w->rule[i].last + 1;
	}
	qsort(at, n, sizeof(*at), port_order);
	at[n] = 65536;
	return n;
}

static __u32 table_write(struct world *w, int pod, int dir, int class)
{
	static const unsigned int lanes[] = { 0, 6, 17, 132 };
	unsigned int first = w->range;
	int at[130];

	for (int l = 0; l < 4; l++) {
		unsigned int n = cuts(w, lanes[l], at), begin = w->range;

		for (unsigned int i = 0; i < n; i++) {
			struct weir_range r = decide(w, pod, dir, class, lanes[l], at[i]), *last = &w->ranges[w->range - 1];

			if (at[i + 1] == at[i])
				continue;
			r.last = at[i + 1] - 1;
			if (w->range > begin && last->rule == r.rule && last->audit_rule == r.audit_rule)
				last->last = r.last;
			else
				w->ranges[w->range++] = r;
		}
	}
	return WEIR_CELL(first, w->range - first);
}

static void cell_store(struct world *w, __u32 index, __u32 cell)
{
	w->cells[index / WEIR_CELLS_LINE].cell[index % WEIR_CELLS_LINE] = cell;
}

void world_quiet_commit(struct world *w)
{
	for (int pod = A; pod < PODS; pod++) {
		for (int dir = 0; dir < WEIR_DIRS; dir++) {
			struct weir_set set = { w->cell, CLASS(WHOS) };
			__u64 whole;

			for (int class = WEIR_CLASS_FIRST; class < CLASS(WHOS); class++)
				cell_store(w, set.base + class, table_write(w, pod, dir, class));
			if (!(w->isolated >> (pod * 2 + dir) & 1) && !w->rules)		/* a set that is open to all */
				cell_store(w, set.base + WEIR_CLASS_STRANGER, table_write(w, pod, dir, WEIR_CLASS_STRANGER));
			w->cell += CLASS(WHOS) + 1;
			memcpy(&whole, &set, sizeof(whole));
			ONCE_STORE((__u64 *)&w->endpoints[pod].set[dir], whole);
		}
	}
}
void world_commit(struct world *w)
{
	world_quiet_commit(w);
	ONCE_STORE(&w->control->generation, w->control->generation + 1);
}

struct weir_sum world_sum(struct world *w, unsigned int what)
{
	struct weir_sum per_cpu[256] = {}, sum = {};
	int cpus = libbpf_num_possible_cpus();

	bpf_map_lookup_elem(fd(w->skel->maps.counters), &what, per_cpu);
	for (int i = 0; i < cpus; i++) {
		sum.packets += per_cpu[i].packets;
		sum.bytes += per_cpu[i].bytes;
	}
	return sum;
}

static void sums(struct world *w, struct weir_sum out[WEIR_REASON_COUNT])
{
	static struct weir_sum per_cpu[WEIR_REASON_COUNT * 256];
	__u32 keys[WEIR_REASON_COUNT], next, n = WEIR_REASON_COUNT;
	int cpus = libbpf_num_possible_cpus();

	if (bpf_map_lookup_batch(fd(w->skel->maps.counters), NULL, &next, keys, per_cpu, &n, NULL))
		n = 0;
	memset(out, 0, sizeof(*out) * WEIR_REASON_COUNT);
	for (unsigned int i = 0; i < n * cpus; i++) {
		out[keys[i / cpus]].packets += per_cpu[i].packets;
		out[keys[i / cpus]].bytes += per_cpu[i].bytes;
	}
}

/* Which reason was counted; a plain packet of a known flow is counted in its slot alone. */
enum weir_reason world_send_raw(struct world *w, struct place at, const void *frame, unsigned int size)
{
	struct weir_sum before[WEIR_REASON_COUNT], after[WEIR_REASON_COUNT];
	struct __sk_buff ctx = { .ifindex = w->ifindex[at.at], .ingress_ifindex = at.in ? w->ifindex[at.in] : 0,
				 .gso_size = w->gso_size, .gso_segs = w->gso_segs };
	__u8 out[4096];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = size, .data_out = out,
		    .data_size_out = sizeof(out), .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = 1);
	struct bpf_program *prog = at.to_pod ? w->skel->progs.to_pod : w->skel->progs.from_pod;
	enum weir_reason reason = WEIR_UNDECIDED;

	sums(w, before);
	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &run))
		return WEIR_REASON_COUNT;
	w->retval = run.retval;
	sums(w, after);
	for (unsigned int i = 0; i < WEIR_REASON_COUNT; i++)
		if (after[i].packets != before[i].packets)
			reason = reason ? WEIR_REASON_COUNT : i;
	return reason == WEIR_UNDECIDED && w->retval != 2 ? WEIR_KNOWN : reason;
}

enum weir_reason world_send(struct world *w, struct place at, const char *text)
{
	__u8 frame[4096];
	unsigned int size = world_frame(frame, sizeof(frame), text);

	if (!size) {
		fprintf(stderr, "world: no packet: '%s'\n", text);
		return WEIR_REASON_COUNT;
	}
	return world_send_raw(w, at, frame, size);
}

void world_later(struct world *w, unsigned int seconds)
{
	ONCE_STORE(&w->control->later, w->control->later + seconds * w->control->hz);
}

static int on_record(void *ctx, void *data, size_t size)
{
	struct world *w = ctx;

	memset(&w->last, 0, sizeof(w->last));
	memcpy(&w->last, data, size);
	w->kinds[w->last.kind & 7]++;
	return 0;
}

void world_drain(struct world *w)
{
	struct ring_buffer *rb = ring_buffer__new(fd(w->skel->maps.records), on_record, w, NULL);

	memset(w->kinds, 0, sizeof(w->kinds));
	ring_buffer__add(rb, fd(w->skel->maps.denials), on_record, w);
	ring_buffer__consume(rb);
	ring_buffer__free(rb);
}

int world_expire(struct world *w)
{
	char frame[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame));

	return bpf_prog_test_run_opts(bpf_program__fd(w->skel->progs.expire), &run) ? -1 : (int)run.retval;
}

static int slot_is(const struct weir_hot *h, __u64 tag, const struct weir_addr *a, const struct weir_addr *b, int proto)
{
	if (WEIR_TAG_PHASE(tag) < WEIR_OPENED || WEIR_TAG_PROTO(tag) != proto)
		return 0;
	return (addr_equal(&h->addr[0], a) && addr_equal(&h->addr[1], b)) ||
	       (addr_equal(&h->addr[0], b) && addr_equal(&h->addr[1], a));
}

static void flow_see(struct world *w, __u32 bucket, __u32 way, struct flow_seen *out)
{
	const struct weir_bucket *b = &w->flows[bucket];

	*out = (struct flow_seen){ .bucket = bucket, .way = way, .tag = b->tag[way], .gate = b->hot[way].gate,
				   .hot = b->hot[way], .cold = b->cold[way] };
	for (int side = 0; side < 2; side++) {
		out->packets += WEIR_COUNT_PACKETS(out->hot.count[side]);
		out->bytes += WEIR_COUNT_BYTES(out->hot.count[side]);
		if (out->gate & WEIR_GATE_MOVED) {
			out->packets += out->cold.packets[side];
			out->bytes += out->cold.bytes[side];
		}
	}
}

/* "tcp A:1 > B:2": by addresses, protocol and, unless 0, ports. */
int world_flow(struct world *w, const char *text, struct flow_seen *out)
{
	__u8 f[4096];
	struct weir_addr a = {}, b = {};
	int proto, six, l4;

	if (!world_frame(f, sizeof(f), text))
		return 0;
	six = f[12] == 0x86;
	proto = six ? f[20] : f[23];
	l4 = six ? 54 : 34;
	if (six) {
		memcpy(&a, f + 22, 16);
		memcpy(&b, f + 38, 16);
	} else {
		a.byte[10] = a.byte[11] = b.byte[10] = b.byte[11] = 0xff;
		memcpy(a.byte + 12, f + 26, 4);
		memcpy(b.byte + 12, f + 30, 4);
	}
	for (__u32 i = 0; i <= w->control->bucket_mask; i++) {
		for (int way = 0; way < WEIR_WAYS; way++) {
			const struct weir_hot *h = &w->flows[i].hot[way];
			int turned = !addr_equal(&h->addr[0], &a);
			__u16 port[2];

			memcpy(&port[turned], f + l4, 2);
			memcpy(&port[!turned], f + l4 + 2, 2);
			if (!slot_is(h, w->flows[i].tag[way], &a, &b, proto))
				continue;
			if ((proto == 6 || proto == 17 || proto == 132) && memcmp(port, h->port, 4))
				continue;
			flow_see(w, i, way, out);
			return 1;
		}
	}
	return 0;
}

unsigned int world_flows(struct world *w)
{
	unsigned int n = 0;

	for (__u32 i = 0; i <= w->control->bucket_mask; i++)
		for (int way = 0; way < WEIR_WAYS; way++)
			n += WEIR_TAG_PHASE(w->flows[i].tag[way]) >= WEIR_OPENED;
	return n;
}
