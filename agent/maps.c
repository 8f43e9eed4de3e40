// SPDX-License-Identifier: Apache-2.0
/* What the maps hold, for whoever adopts or asks; what they weigh. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/datapath_inside.h"

#define AT_ONCE 4096

/* A hash map in batches, 0.1 us an entry.  'each' gets key and value. */
typedef int (*entry_fn)(void *ctx, const void *key, const void *value);
struct entries {
	size_t key_size, value_size;
	char *keys, *values;
};

static int batch_each(int fd, const struct entries *e, entry_fn each, void *ctx)
{
	__u64 at[4];			/* where the next batch begins: 4 bytes for a hash, a key for others */
	bool first = true;
	int end = 0, err = 0;

	while (!end && !err) {
		__u32 n = AT_ONCE;

		if (bpf_map_lookup_batch(fd, first ? NULL : at, at, e->keys, e->values, &n, NULL)) {
			if (errno != ENOENT)
				return -errno;
			end = 1;
		}
		first = false;
		for (__u32 i = 0; i < n && !err; i++)
			err = each(ctx, e->keys + i * e->key_size, e->values + i * e->value_size);
	}
	return err;
}

/* The same one by one, for maps and kernels without batches. */
static int slow_each(int fd, const struct entries *e, entry_fn each, void *ctx)
{
	char *key = NULL, *next = e->keys;
	int err = 0;

	while (!err && !bpf_map_get_next_key(fd, key, next)) {
		if (!bpf_map_lookup_elem(fd, next, e->values))
			err = each(ctx, next, e->values);
		key = next;
		next = key == e->keys ? e->keys + e->key_size : e->keys;
	}
	return err;
}

static int each_entry(int fd, size_t key_size, size_t value_size, entry_fn each, void *ctx)
{
	struct entries e = { key_size, value_size, malloc(AT_ONCE * key_size), malloc(AT_ONCE * value_size) };
	int err = -ENOMEM;

	if (e.keys && e.values) {
		err = batch_each(fd, &e, each, ctx);
		if (err == -EINVAL || err == -ENOTSUP || err == -524 /* ENOTSUPP */ || err == -ENOSPC)
			err = slow_each(fd, &e, each, ctx);
	}
	free(e.keys);
	free(e.values);
	return err;
}

struct prefix_call {
	datapath_prefix_fn fn;
	void *ctx;
};

static int on_address(void *ctx, const void *key, const void *value)
{
	struct weir_prefix p = { .length = 128, .addr = *(const struct weir_addr *)key };
	struct prefix_call *c = ctx;

	return c->fn(c->ctx, &p, (__u32)*(const __u64 *)value);
}

static int on_prefix(void *ctx, const void *key, const void *value)
{
	struct prefix_call *c = ctx;

	return c->fn(c->ctx, key, (__u32)*(const __u64 *)value);
}

int datapath_addresses(const struct datapath *dp, datapath_prefix_fn fn, void *ctx)
{
	struct prefix_call c = { fn, ctx };

	return each_entry(dp->map[MAP_ADDRESSES].fd, sizeof(struct weir_addr), sizeof(__u64), on_address, &c);
}

int datapath_prefixes(const struct datapath *dp, datapath_prefix_fn fn, void *ctx)
{
	struct prefix_call c = { fn, ctx };

	return each_entry(dp->map[MAP_PREFIXES].fd, sizeof(struct weir_prefix), sizeof(__u64), on_prefix, &c);
}

struct interface_call {
	datapath_interface_fn fn;
	void *ctx;
};

static int on_interface(void *ctx, const void *key, const void *value)
{
	struct interface_call *c = ctx;

	return c->fn(c->ctx, *(const __u32 *)key, *(const __u32 *)value);
}

int datapath_interfaces(const struct datapath *dp, datapath_interface_fn fn, void *ctx)
{
	struct interface_call c = { fn, ctx };

	return each_entry(dp->map[MAP_INTERFACES].fd, sizeof(__u32), sizeof(__u32), on_interface, &c);
}

/* The kernel's own account; what it does not tell (an old one, for some kinds of map) is reckoned. */
static uint64_t map_bytes(const struct map_held *m)
{
	unsigned long long bytes = 0;
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", m->fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	if (f)
		fclose(f);
	return bytes ? bytes : (uint64_t)m->entries * (m->value_size ? m->value_size : 1);
}

unsigned int datapath_maps(const struct datapath *dp, struct datapath_map *map, unsigned int max)
{
	unsigned int n = 0;

	for (int id = 0; id < MAP_COUNT && n < max; id++)
		map[n++] = (struct datapath_map){ datapath_map_name[id], map_bytes(&dp->map[id]) };
	return n;
}

uint64_t datapath_bytes(const struct datapath *dp)
{
	uint64_t sum = 0;

	for (int id = 0; id < MAP_COUNT; id++)
		sum += map_bytes(&dp->map[id]);
	return sum;
}
