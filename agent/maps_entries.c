// SPDX-License-Identifier: Apache-2.0
/*
 * Entries of the two maps that only a call can change, in runs: a call an entry is what 10,000 of them cost (11 ms
 * against 2).  A run is of one kind; whatever may not overtake it ends it.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "agent/datapath_inside.h"

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

int entries_flush(struct datapath *dp)
{
	struct entry_run *r = &dp->run;
	bool address = r->kind == OP_ADDRESS || r->kind == OP_ADDRESS_GONE;
	int fd = dp->map[address ? MAP_ADDRESSES : MAP_PREFIXES].fd, err = 0;

	if (!r->n)
		return 0;
	/* A kernel that knows no batches for a map refuses before it has changed anything. */
	if (r->n > FEW)
		err = at_once(fd, r);
	if (r->n <= FEW || err == -EINVAL || err == -524 /* ENOTSUPP */)
		err = one_by_one(fd, r);
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
