// SPDX-License-Identifier: Apache-2.0
/*
 * Entries of the two maps that only a call can change, in runs: a call an entry is what 10,000 of them cost (11 ms
 * against 2).  A run is of one kind; whatever may not overtake it ends it.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "agent/datapath_inside.h"
#include "lib/addr.h"

#define FEW 16		/* a run as short as this goes one by one, and an entry that is there already is told */

static size_t key_size(enum op_kind kind)
{
	return kind == OP_ADDRESS || kind == OP_ADDRESS_GONE ? sizeof(struct weir_addr) : sizeof(struct weir_prefix);
}

static int one_by_one(int fd, const struct entry_run *r)
{
	for (unsigned int i = 0; i < r->n; i++) {
		const void *key = r->keys + i * key_size(r->kind);
		bool gone = r->kind == OP_ADDRESS_GONE || r->kind == OP_PREFIX_GONE;

		if (gone ? bpf_map_delete_elem(fd, key) : bpf_map_update_elem(fd, key, &r->values[i], BPF_NOEXIST))
			return -errno;
	}
	return 0;
}

static int at_once(int fd, const struct entry_run *r)
{
	bool gone = r->kind == OP_ADDRESS_GONE || r->kind == OP_PREFIX_GONE;
	__u32 n = r->n;

	if (gone ? bpf_map_delete_batch(fd, r->keys, &n, NULL) : bpf_map_update_batch(fd, r->keys, r->values, &n, NULL))
		return -errno;
	return 0;
}

/* --- The address that a pod has at hand: told after the hash, taken back before. --- */

static struct weir_addr key_address(const struct entry_run *r, unsigned int i)
{
	struct weir_addr a;

	memcpy(&a, r->keys + i * sizeof(a), sizeof(a));
	return a;
}

static void own_told(struct datapath *dp, const struct weir_addr *a, unsigned int slot)
{
	struct weir_endpoint *e = held(dp, MAP_ENDPOINTS);
	__u64 word = ((const __u64 *)held(dp, MAP_SLOTS))[slot];
	unsigned int number = WEIR_WORD_ENDPOINT(word), flags = WEIR_WORD_FLAGS(word);

	if (!addr_is_v4(a) || number == WEIR_ENDPOINT_OUTSIDE || number == WEIR_ENDPOINT_NODE ||
	    (flags & (WEIR_WORD_SET | WEIR_WORD_GRANT | WEIR_WORD_PREFIX)) != WEIR_WORD_SET)
		return;
	__atomic_store_n(&e[number].own, WEIR_OWN(a, slot), __ATOMIC_RELEASE);
	dp->own_most = number > dp->own_most ? number : dp->own_most;
}

static void own_taken(struct datapath *dp, const struct weir_addr *a)
{
	struct weir_endpoint *e = held(dp, MAP_ENDPOINTS);

	for (unsigned int n = 1; n <= dp->own_most && addr_is_v4(a); n++)
		if (e[n].own >> 32 == WEIR_OWN(a, 0) >> 32)
			__atomic_store_n(&e[n].own, 0, __ATOMIC_RELEASE);
}

/* What an earlier agent left stands only if the hash says the same. */
void entries_adopted(struct datapath *dp)
{
	struct weir_endpoint *e = held(dp, MAP_ENDPOINTS);

	for (unsigned int n = 0; n < WEIR_ENDPOINTS; n++) {
		struct weir_addr a = { .byte = { [10] = 0xff, [11] = 0xff } };
		__u32 ipv4 = e[n].own >> 32;
		__u64 slot;

		if (!e[n].own)
			continue;
		memcpy(a.byte + 12, &ipv4, sizeof(ipv4));
		if (bpf_map_lookup_elem(dp->map[MAP_ADDRESSES].fd, &a, &slot) || (__u32)slot != (__u32)e[n].own)
			__atomic_store_n(&e[n].own, 0, __ATOMIC_RELEASE);
		else
			dp->own_most = n;
	}
}

int entries_flush(struct datapath *dp)
{
	struct entry_run *r = &dp->run;
	bool address = r->kind == OP_ADDRESS || r->kind == OP_ADDRESS_GONE;
	int fd = dp->map[address ? MAP_ADDRESSES : MAP_PREFIXES].fd, err = 0;

	if (!r->n)
		return 0;
	for (unsigned int i = 0; i < r->n && r->kind == OP_ADDRESS_GONE; i++) {
		struct weir_addr a = key_address(r, i);

		own_taken(dp, &a);
	}
	/* A kernel that knows no batches for a map refuses before it has changed anything. */
	if (r->n > FEW)
		err = at_once(fd, r);
	if (r->n <= FEW || err == -EINVAL || err == -524 /* ENOTSUPP */)
		err = one_by_one(fd, r);
	for (unsigned int i = 0; i < r->n && r->kind == OP_ADDRESS && !err; i++) {
		struct weir_addr a = key_address(r, i);

		own_told(dp, &a, (__u32)r->values[i]);
	}
	r->n = 0;
	return err;
}

int entries_put(struct datapath *dp, const struct op *op)
{
	struct entry_run *r = &dp->run;
	struct weir_addr addr = op->prefix.addr;	/* aligned */
	int err = 0;

	if (r->n == ENTRY_RUN || r->kind != op->kind)
		err = entries_flush(dp);
	r->kind = op->kind;
	if (op->kind == OP_ADDRESS || op->kind == OP_ADDRESS_GONE)
		memcpy(r->keys + r->n * sizeof(addr), &addr, sizeof(addr));
	else
		memcpy(r->keys + r->n * sizeof(op->prefix), &op->prefix, sizeof(op->prefix));
	r->values[r->n++] = op->kind == OP_ADDRESS ? op->first | (__u64)weir_addr_tag(&addr) << 32 : op->first;
	return err;
}

/* An empty word is of a slot that no entry names yet: whatever waits may wait on. */
bool entries_may_wait(const struct datapath *dp, const struct op *op)
{
	const __u64 *word = held(dp, MAP_SLOTS);

	return op->kind == OP_WORD && op->first < WEIR_SLOTS && !word[op->first];
}
