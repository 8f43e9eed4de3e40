// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "agent/datapath_inside.h"
#include "agent/grace.h"
#include "lib/log.h"

const char *const datapath_map_name[MAP_COUNT] = {
#define X(id, name, mode) #name,
	DATAPATH_MAPS(X)
#undef X
};
const enum map_mode datapath_map_mode[MAP_COUNT] = {
#define X(id, name, mode) mode,
	DATAPATH_MAPS(X)
#undef X
};

static int options_check(const struct datapath_options *o, struct complaint *why)
{
	if (o->buckets >= 64 && o->buckets <= 1 << 20 && !(o->buckets & (o->buckets - 1)))
		return 0;
	if (!o->buckets)
		return 0;
	complaint_set(why, 0, 0, "cannot make a flow table of %u buckets: it must be a power of two from 64 to 1,048,576", o->buckets);
	return -EINVAL;
}

static int map_one(struct datapath *dp, enum map_id id, struct complaint *why)
{
	struct map_held *m = &dp->map[id];
	size_t page = sysconf(_SC_PAGESIZE);
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	int prot = PROT_READ | (datapath_map_mode[id] == MAP_WRITE ? PROT_WRITE : 0);
	void *at;

	if (bpf_obj_get_info_by_fd(m->fd, &info, &size))
		return -errno;
	m->entries = info.max_entries;
	m->value_size = info.value_size;
	if (datapath_map_mode[id] == MAP_BY_CALL)
		return 0;
	m->size = ((size_t)((info.value_size + 7) & ~7u) * info.max_entries + page - 1) & ~(page - 1);
	at = mmap(NULL, m->size, prot, MAP_SHARED, m->fd, 0);
	if (at == MAP_FAILED) {
		complaint_set(why, 0, 0, "cannot map '%s' (%zu KiB): %s", datapath_map_name[id], m->size >> 10, strerror(errno));
		return -errno;
	}
	m->at = at;
	return 0;
}

static int map_all(struct datapath *dp, struct complaint *why)
{
	struct datapath_view *v = &dp->view;
	int err = 0;

	for (int id = 0; id < MAP_COUNT && !err; id++)
		err = map_one(dp, id, why);
	err = err ?: ring_map(&dp->records, dp->map[MAP_RECORDS].fd, dp->map[MAP_RECORDS].entries);
	err = err ?: ring_map(&dp->denials, dp->map[MAP_DENIALS].fd, dp->map[MAP_DENIALS].entries);
	if (err)
		return err;
	v->control = held(dp, MAP_CONTROL);
	v->endpoint = held(dp, MAP_ENDPOINTS);
	v->usage = held(dp, MAP_USAGE);
	v->word = held(dp, MAP_SLOTS);
	v->cell = held(dp, MAP_CELLS);
	v->range = held(dp, MAP_RANGES);
	v->bucket = held(dp, MAP_FLOWS);
	v->note = held(dp, MAP_NOTES);
	v->notes = dp->map[MAP_NOTES].entries - WEIR_LEDGER_NOTES;
	v->ledger = (struct weir_ledger *)(v->note + v->notes);
	return 0;
}

static __u32 measured_hz(void)
{
	struct timespec tick;

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);	/* one jiffy, exactly */
	return (1000000000 + tick.tv_nsec / 2) / tick.tv_nsec;
}

/* Before anything is attached: what the flow table's hash is made with stays as long as the table does. */
static int control_first(struct datapath *dp, const struct datapath_options *o)
{
	struct weir_control c = { .abi = WEIR_ABI, .generation = 1 };
	unsigned int slots = dp->view.buckets * WEIR_WAYS;

	c.bucket_mask = dp->view.buckets - 1;
	c.hz = measured_hz();
	c.clock = weir_clock(c.hz);
	if (getrandom(c.seed, sizeof(c.seed), 0) != sizeof(c.seed) ||
	    getrandom(c.seed_mul, sizeof(c.seed_mul), 0) != sizeof(c.seed_mul))
		return -EIO;
	c.seed_mul[0] |= 1;
	c.seed_mul[1] |= 1;
	c.quota = slots / 4;
	c.quota_half = slots / 16;
	c.observe_only = o->observe_only;
	c.hairpin = o->hairpin;
	*control_of(dp) = c;
	return 0;
}

static int control_adopted(struct datapath *dp, const struct datapath_options *o, struct complaint *why)
{
	struct weir_control *c = control_of(dp);

	if (c->abi != WEIR_ABI || c->bucket_mask != dp->view.buckets - 1) {
		complaint_set(why, 0, 0, "cannot adopt '%s': its control block is of another build (remove all of it: weir uninstall)", dp->pins);
		return -EUCLEAN;
	}
	if (o->buckets && o->buckets != dp->view.buckets)
		log_warn("the flow table keeps its %u buckets: its flows live on (another size after weir uninstall)", dp->view.buckets);
	datapath_set_observe_only(dp, o->observe_only);
	datapath_set_hairpin(dp, o->hairpin);
	entries_adopted(dp);
	return 0;
}

static int open_maps(struct datapath *dp, const struct datapath_options *o, struct complaint *why)
{
	int err = 0;

	if (!datapath_private(dp) && pins_installed(dp)) {
		dp->adopted = true;
		err = pins_adopt(dp, why);
	} else {
		dp->view.buckets = o->buckets ? o->buckets : load_buckets_by_memory();
	}
	err = err ?: load_finish(dp, why) ?: map_all(dp, why);
	if (err)
		return err;
	err = dp->adopted ? control_adopted(dp, o, why) : control_first(dp, o);
	if (!err)
		control_of(dp)->agents = control_of(dp)->agents % 0xffff + 1;
	if (err || datapath_private(dp))
		return err;
	err = pins_write(dp, why);
	if (err && !dp->adopted)
		pins_undo(dp);
	if (!err)
		load_keep(dp);
	return err;
}

int datapath_open(struct datapath **out, const struct datapath_options *o, struct complaint *why)
{
	const char *dir = o->dir ? o->dir : DATAPATH_DIR;
	struct datapath *dp;
	int err;

	*why = (struct complaint){ 0 };
	err = options_check(o, why) ?: load_allowed(why);
	if (err)
		return err;
	dp = calloc(1, sizeof(*dp));
	if (!dp)
		return -ENOMEM;
	dp->lock = -1;
	for (int id = 0; id < MAP_COUNT; id++)
		dp->map[id].fd = -1;

	err = strcmp(dir, "private") ? pins_open(dp, dir, why) : 0;
	err = err ?: load_open(dp, why) ?: open_maps(dp, o, why);
	if (err) {
		if (!*why->text)
			complaint_set(why, 0, 0, "cannot open the datapath: %s", strerror(-err));
		datapath_close(dp);
		return err;
	}
	*out = dp;
	return 0;
}

void datapath_close(struct datapath *dp)
{
	if (!dp)
		return;
	for (int id = 0; id < MAP_COUNT; id++)
		if (dp->map[id].at)
			munmap(dp->map[id].at, dp->map[id].size);
	ring_unmap(&dp->records);
	ring_unmap(&dp->denials);
	load_close(dp);
	pins_close(dp);
	free(dp);
}

bool datapath_adopted(const struct datapath *dp)
{
	return dp->adopted;
}

bool datapath_private(const struct datapath *dp)
{
	return !dp->pins[0];
}

const char *datapath_pins(const struct datapath *dp)
{
	return dp->pins;
}

unsigned int datapath_agent(const struct datapath *dp)
{
	return dp->view.control->agents;
}

struct weir_time datapath_time(const struct datapath *dp)
{
	static const char frame[64];
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = sizeof(frame), .repeat = 1);
	const struct weir_control *c = dp->view.control;

	if (bpf_prog_test_run_opts(dp->prog[PROG_CLOCK], &o))
		return (struct weir_time){ .hz = 0 };
	return (struct weir_time){ .now = o.retval, .hz = c->hz, .clock = c->clock };
}

uint64_t datapath_tick(const struct datapath *dp)
{
	const struct weir_control *c = dp->view.control;

	return c->hz ? (1000000000ULL << (c->clock & 15)) / c->hz : 0;
}

const struct datapath_view *datapath_view(const struct datapath *dp)
{
	return &dp->view;
}

int datapath_prog_fd(const struct datapath *dp, bool to_pod)
{
	return dp->prog[to_pod ? PROG_TO_POD : PROG_FROM_POD];
}

/* What packets may be reading: one store, and what was stored before it is seen before it. */
static void store64(__u64 *to, __u64 value)
{
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
}

static void store32(__u32 *to, __u32 value)
{
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
}

static bool within(const struct op *op, unsigned int size)
{
	return op->first < size && op->count <= size - op->first;
}

static int op_ranges(struct datapath *dp, const struct op *op)
{
	struct weir_range *range = held(dp, MAP_RANGES);

	if (!within(op, WEIR_RANGES))
		return -E2BIG;
	memcpy(range + op->first, op->range, op->count * sizeof(*range));
	return 0;
}

static int op_cells(struct datapath *dp, const struct op *op)
{
	__u32 *cell = held(dp, MAP_CELLS);

	if (!within(op, WEIR_CELLS))
		return -E2BIG;
	memcpy(cell + op->first, op->cell, op->count * sizeof(*cell));
	return 0;
}

static int op_word(struct datapath *dp, const struct op *op)
{
	if (op->first >= WEIR_SLOTS)
		return -E2BIG;
	store64((__u64 *)held(dp, MAP_SLOTS) + op->first, op->word);
	return 0;
}

static int op_set(struct datapath *dp, const struct op *op)
{
	struct weir_endpoint *e = held(dp, MAP_ENDPOINTS);
	__u64 word;

	if (op->first >= WEIR_ENDPOINTS || op->dir >= WEIR_DIRS)
		return -E2BIG;
	memcpy(&word, &op->set, sizeof(word));
	store64((__u64 *)&e[op->first].set[op->dir], word);
	return 0;
}

static int op_fence(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* stores are seen in the order they were made */
	return 0;
#else
	return grace_now();
#endif
}

static int op_store(struct datapath *dp, const struct op *op)
{
	switch (op->kind) {
	case OP_RANGES:
		return op_ranges(dp, op);
	case OP_CELLS:
		return op_cells(dp, op);
	case OP_WORD:
		return op_word(dp, op);
	case OP_SET:
		return op_set(dp, op);
	case OP_GENERATION:
		datapath_raise(dp);
		return 0;
	case OP_FENCE:
		return op_fence();
	default:
		return -EINVAL;
	}
}

static bool is_entry(enum op_kind kind)
{
	return kind == OP_ADDRESS || kind == OP_PREFIX || kind == OP_ADDRESS_GONE || kind == OP_PREFIX_GONE;
}

int datapath_op(void *ctx, const struct op *op)
{
	struct datapath *dp = ctx;
	int err = 0;

	if (op->kind == OP_GRACE) {
		dp->graces++;
		dp->grace_due = true;
		return entries_flush(dp);
	}
	if (dp->grace_due) {
		err = grace_now();
		dp->grace_due = err != 0;
	}
	if (err)
		return err;
	if (is_entry(op->kind))
		return entries_put(dp, op);
	return (entries_may_wait(dp, op) ? 0 : entries_flush(dp)) ?: op_store(dp, op);
}

int datapath_flush(struct datapath *dp)
{
	return entries_flush(dp);
}

unsigned int datapath_grace_begin(struct datapath *dp)
{
	int err = entries_flush(dp);

	if (err)
		log_err(err, "cannot bring addresses into the kernel");
	return dp->graces;
}

void datapath_grace_end(struct datapath *dp, unsigned int mark)
{
	if (mark == dp->graces)
		dp->grace_due = false;
}

unsigned int datapath_raise(struct datapath *dp)
{
	struct weir_control *c = control_of(dp);
	__u32 next = (c->generation + 1) & WEIR_GEN_MASK;

	store32(&c->generation, next ? next : 1);
	return c->generation;
}

int datapath_interface_add(struct datapath *dp, unsigned int ifindex, unsigned int number)
{
	__u32 key = ifindex, value = number, has;
	int fd = dp->map[MAP_INTERFACES].fd;

	if (!bpf_map_update_elem(fd, &key, &value, BPF_NOEXIST))
		return 0;
	if (errno == EEXIST && !bpf_map_lookup_elem(fd, &key, &has))
		return has == number ? 0 : -EEXIST;
	return -errno;
}

void datapath_interface_remove(struct datapath *dp, unsigned int ifindex)
{
	__u32 key = ifindex;

	bpf_map_delete_elem(dp->map[MAP_INTERFACES].fd, &key);
}

int datapath_interface_move(struct datapath *dp, unsigned int ifindex, unsigned int number)
{
	__u32 key = ifindex, value = number;

	return bpf_map_update_elem(dp->map[MAP_INTERFACES].fd, &key, &value, BPF_ANY) ? -errno : 0;
}

static struct weir_endpoint *endpoint_at(struct datapath *dp, unsigned int number)
{
	return (struct weir_endpoint *)held(dp, MAP_ENDPOINTS) + (number < WEIR_ENDPOINT_NODE ? number : 0);
}

void datapath_arm(struct datapath *dp, unsigned int number, const struct weir_endpoint *from)
{
	struct weir_endpoint *e = endpoint_at(dp, number);

	if (e == endpoint_at(dp, 0))
		return;
	store32(&e->ifindex, 0);
	e->via = from->via;
	memcpy(e->mac, from->mac, sizeof(e->mac));
	memcpy(e->gateway, from->gateway, sizeof(e->gateway));
	e->flags = from->flags;
	e->armed = from->armed;
	e->quota = from->quota;
	e->quota_half = from->quota_half;
	e->namespace_id = from->namespace_id;
	op_fence();
	store32(&e->ifindex, from->ifindex);
}

/* What is left is read by nobody once a grace has passed: who looked up the endpoint before checks 'ifindex'. */
void datapath_disarm(struct datapath *dp, unsigned int number)
{
	struct weir_endpoint *e = endpoint_at(dp, number);

	store32(&e->ifindex, 0);
	op_fence();
	for (int dir = 0; dir < WEIR_DIRS; dir++)
		store64((__u64 *)&e->set[dir], 0);
	store64(&e->own, 0);
	e->via = e->flags = e->armed = e->quota = e->quota_half = e->namespace_id = 0;
}

void datapath_endpoint_flags(struct datapath *dp, unsigned int number, unsigned int flags)
{
	store32(&endpoint_at(dp, number)->flags, flags);
}

void datapath_endpoint_via(struct datapath *dp, unsigned int number, unsigned int bridge)
{
	store32(&endpoint_at(dp, number)->via, bridge);
}

void datapath_endpoint_quota(struct datapath *dp, unsigned int number, unsigned int slots, unsigned int half_open)
{
	struct weir_endpoint *e = endpoint_at(dp, number);

	store32(&e->quota, slots);
	store32(&e->quota_half, half_open);
}

void datapath_set_observe_only(struct datapath *dp, bool on)
{
	store32(&control_of(dp)->observe_only, on);
}

void datapath_set_hairpin(struct datapath *dp, bool judged)
{
	store32(&control_of(dp)->hairpin, judged);
}
