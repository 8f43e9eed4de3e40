/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every map, with its writer and its reader.  "The agent" is agent/datapath.c.  What programs write lies in arrays
 * of our own, and no value of a hash map is ever updated: an element would be reused under a reader's feet.
 */
#ifndef WEIR_BPF_MAPS_H
#define WEIR_BPF_MAPS_H

#include "bpf/prelude.h"

#include <weir/control.h>
#include <weir/endpoint.h>
#include <weir/flow.h>
#include <weir/policy.h>
#include <weir/record.h>

/* An array that user space maps. */
#define MAPPED_ARRAY(name, what, count)			\
	struct {					\
		__uint(type, BPF_MAP_TYPE_ARRAY);	\
		__uint(map_flags, BPF_F_MMAPABLE);	\
		__uint(max_entries, count);		\
		__type(key, __u32);			\
		__type(value, what);			\
	} name SEC(".maps")

/* The agent writes, programs read without a look-up: a data section of its own is a map (".data.control") that can be
 * pinned and adopted.  The first values serve tests that set nothing. */
struct weir_control control SEC(".data.control") = {
	.abi = WEIR_ABI,
	.generation = 1,
	.bucket_mask = WEIR_BUCKETS - 1,
	.hz = 250,
	.clock = 4,
	.seed = { 0x5851f42d, 0x4c957f2d, 0x14057b7e, 0xf767814f, 0x9e3779b9,
		  0x7f4a7c15, 0xc2b2ae3d, 0x27d4eb4f, 0x165667b1, 0x9e3779f9 },
	.seed_mul = { 0xd6e8feb86659fd93ULL, 0xa0761d6478bd642fULL },
	.quota = WEIR_BUCKETS * WEIR_WAYS / 4,
	.quota_half = WEIR_BUCKETS * WEIR_WAYS / 16,
};

/* Flows.  Programs write (table.h); user space reads.  The agent sets the size before the load. */
MAPPED_ARRAY(flows, struct weir_bucket, WEIR_BUCKETS);

/* Slots to be freed.  User space writes, then runs 'expire', which reads. */
MAPPED_ARRAY(asked, struct weir_ask, WEIR_ASKS);

/* Address -> slot | tag << 32.  The agent adds and removes; programs read.  Values are written once. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WEIR_ADDRESSES);
	__type(key, struct weir_addr);
	__type(value, __u64);
} addresses SEC(".maps");

/* Prefix -> slot, for addresses that 'addresses' lacks.  The agent adds and removes; programs read. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, WEIR_PREFIXES);
	__type(key, struct weir_prefix);
	__type(value, __u64);
} prefixes SEC(".maps");

/* Slot -> what the address means (WEIR_WORD).  The agent stores in place; programs read. */
MAPPED_ARRAY(slots, __u64, WEIR_SLOTS);

/* Interface -> endpoint number.  The agent adds before it attaches and removes after it has detached; programs read. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WEIR_ENDPOINTS);
	__type(key, __u32);
	__type(value, __u32);
} interfaces SEC(".maps");

/* Endpoint number -> the pod.  The agent stores in place; programs read.  Elements 0 and 32767 stay empty. */
MAPPED_ARRAY(endpoints, struct weir_endpoint, WEIR_ENDPOINTS);

/* Endpoint number -> what it pays for.  Programs write (usage.h), by atomic adds; user space reads. */
MAPPED_ARRAY(usage, struct weir_usage, WEIR_ENDPOINTS);

/* (set, class) -> table, and the tables' ranges.  The agent stores what no packet can reach yet; verdict.h reads. */
MAPPED_ARRAY(cells, struct weir_cells, WEIR_CELLS / WEIR_CELLS_LINE);
MAPPED_ARRAY(ranges, struct weir_range, WEIR_RANGES);

/* By rule number: how often it decided.  Programs add when they judge; user space reads. */
MAPPED_ARRAY(rule_hits, __u64, WEIR_RULES);

/* By enum weir_reason and enum weir_stat, per CPU.  Programs add; user space reads. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WEIR_COUNTERS);
	__type(key, __u32);
	__type(value, struct weir_sum);
} counters SEC(".maps");

/* Denied flows, and what evicted ones leave behind.  Programs write (denied.h); user space reads. */
MAPPED_ARRAY(denied, struct weir_denied, WEIR_DENIED_SLOTS);
MAPPED_ARRAY(denied_sums, struct weir_denied_sum, WEIR_DENIED_SUMS);

/* Datagrams whose first fragment passed.  Programs write and read (fragments.h). */
MAPPED_ARRAY(fragments, struct weir_fragment, WEIR_FRAGMENTS);

/* Records: DENIED in 'denials', every other kind in 'records'.  Programs write (record.h); user space drains by a
 * timer, nothing wakes it. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, WEIR_RING_RECORDS);
} records SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, WEIR_RING_DENIALS);
} denials SEC(".maps");

/* Switches, set before the load. */
const volatile __u32 allow_redirect = 1;	/* 0: stack mode for every pod */
const volatile __u32 watch_offload = 1;		/* 0: where the kernel's memory may not be read (offload.h) */
const volatile __u32 silent_ends = 1;		/* a half-open flow of one packet is evicted without a record */

#endif
