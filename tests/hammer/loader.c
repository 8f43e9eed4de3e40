// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "tests/hammer/loader.h"

#define CLASS 8

struct loader {
	struct datapath dp;		/* first: it is what callers hold */
	struct bpf_object *object;
};

static const struct loader *loader_of(const struct datapath *dp) { return (const struct loader *)dp; }

static bool wanted(const struct loader_options *o, const char *name)
{
	for (const char *const *p = o->programs; *p; p++)
		if (!strcmp(*p, name))
			return true;
	return false;
}

static bool is_control(const char *name) { return strstr(name, ".data.control") || strstr(name, "data.con"); }

static int prepare(struct loader *l, const struct loader_options *o)
{
	struct bpf_program *p;
	struct bpf_map *m;

	bpf_object__for_each_program(p, l->object)
		bpf_program__set_autoload(p, wanted(o, bpf_program__name(p)));
	bpf_object__for_each_map(m, l->object) {
		const char *name = bpf_map__name(m);

		for (int id = 0; id < MAP_COUNT; id++)
			if (id == MAP_CONTROL ? is_control(name) : !strcmp(name, datapath_map_name[id]))
				l->dp.map[id].map = m;
	}
	if (!l->dp.map[MAP_CONTROL].map)
		return -ENOENT;
	return bpf_map__set_max_entries(l->dp.map[MAP_FLOWS].map, o->buckets) ?:
	       bpf_map__set_max_entries(l->dp.map[MAP_RECORDS].map, o->ring);
}

static int map_one(struct map_held *m, enum map_mode mode)
{
	size_t page = getpagesize();

	m->fd = bpf_map__fd(m->map);
	m->entries = bpf_map__max_entries(m->map);
	m->value_size = bpf_map__value_size(m->map);
	if (mode == MAP_BY_CALL)
		return 0;
	m->size = ((size_t)((m->value_size + 7) & ~7u) * m->entries + page - 1) & ~(page - 1);
	m->at = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	if (m->at == MAP_FAILED) {
		m->at = NULL;
		return -errno;
	}
	return 0;
}

static int map_all(struct loader *l, const struct loader_options *o)
{
	struct datapath *dp = &l->dp;
	int err = 0;

	for (int id = 0; id < MAP_COUNT && !err; id++)
		if (dp->map[id].map)
			err = map_one(&dp->map[id], datapath_map_mode[id]);
	err = err ?: ring_map(&dp->records, dp->map[MAP_RECORDS].fd, dp->map[MAP_RECORDS].entries);
	err = err ?: ring_map(&dp->denials, dp->map[MAP_DENIALS].fd, dp->map[MAP_DENIALS].entries);
	if (err)
		return err;
	dp->view = (struct datapath_view){
		.control = held(dp, MAP_CONTROL), .endpoint = held(dp, MAP_ENDPOINTS), .usage = held(dp, MAP_USAGE),
		.word = held(dp, MAP_SLOTS), .cell = held(dp, MAP_CELLS), .range = held(dp, MAP_RANGES),
		.bucket = held(dp, MAP_FLOWS), .buckets = o->buckets,
	};
	control_of(dp)->bucket_mask = o->buckets - 1;
	control_of(dp)->quota = o->quota ?: ~0U >> 1;
	control_of(dp)->quota_half = o->quota_half ?: ~0U >> 1;
	return 0;
}

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN && getenv("VERBOSE") ? vfprintf(stderr, format, args) : 0;
}

int loader_open(struct datapath **out, const struct loader_options *o, struct complaint *why)
{
	struct loader *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	libbpf_set_print(silent);
	for (int id = 0; id < MAP_COUNT; id++)
		l->dp.map[id].fd = -1;
	l->object = bpf_object__open_file(o->object, NULL);
	err = l->object ? prepare(l, o) : -errno;
	if (!err) {
		struct bpf_map *rodata = bpf_object__find_map_by_name(l->object, ".rodata");
		__u32 *silent_ends = loader_variable(&l->dp, "silent_ends");

		if (rodata && silent_ends)
			*silent_ends = o->silent_ends;
		err = bpf_object__load(l->object);
	}
	err = err ?: map_all(l, o);
	if (err) {
		complaint_set(why, 0, 0, "cannot load '%s': %s (VERBOSE=1 shows libbpf's words)", o->object, strerror(-err));
		loader_close(&l->dp);
		return err;
	}
	*out = &l->dp;
	return 0;
}

void loader_close(struct datapath *dp)
{
	struct loader *l = (struct loader *)dp;

	if (!l)
		return;
	for (int id = 0; id < MAP_COUNT; id++)
		if (dp->map[id].at)
			munmap(dp->map[id].at, dp->map[id].size);
	ring_unmap(&dp->records);
	ring_unmap(&dp->denials);
	bpf_object__close(l->object);
	free(l);
}

int loader_program(const struct datapath *dp, const char *name)
{
	const struct bpf_program *p = bpf_object__find_program_by_name(loader_of(dp)->object, name);

	return p ? bpf_program__fd(p) : -1;
}

int loader_map(const struct datapath *dp, const char *name)
{
	return bpf_object__find_map_fd_by_name(loader_of(dp)->object, name);
}

/* Where in which data section, by the object's type information. */
static struct bpf_map *variable_map(const struct loader *l, const char *name, __u32 *offset)
{
	const struct btf *btf = bpf_object__btf(l->object);
	struct bpf_map *m;

	bpf_object__for_each_map(m, l->object) {
		const char *dot = strchr(bpf_map__name(m), '.');
		int id = dot ? btf__find_by_name_kind(btf, dot, BTF_KIND_DATASEC) : -1;
		const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;

		for (int i = 0; t && i < btf_vlen(t); i++) {
			const struct btf_var_secinfo *v = btf_var_secinfos(t) + i;

			*offset = v->offset;
			if (!strcmp(name, btf__name_by_offset(btf, btf__type_by_id(btf, v->type)->name_off)))
				return m;
		}
	}
	return NULL;
}

void *loader_variable(const struct datapath *dp, const char *name)
{
	__u32 offset = 0;
	struct bpf_map *m = variable_map(loader_of(dp), name, &offset);
	size_t size;
	char *at;

	if (!m)
		return NULL;
	if (bpf_map__fd(m) < 0)			/* before the load */
		return (char *)bpf_map__initial_value(m, &size) + offset;
	at = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(m), 0);
	return at == MAP_FAILED ? NULL : at + offset;
}

void loader_address(struct datapath *dp, unsigned int slot, struct weir_addr a, unsigned int number)
{
	__u64 *word = held(dp, MAP_SLOTS), value = slot | (__u64)weir_addr_tag(&a) << 32;

	word[slot] = WEIR_WORD(CLASS, CLASS, number, WEIR_WORD_SET | (number ? WEIR_WORD_POD : 0));
	bpf_map_update_elem(dp->map[MAP_ADDRESSES].fd, &a, &value, BPF_ANY);
}

int loader_pod(struct datapath *dp, unsigned int number, unsigned int ifindex, bool redirect)
{
	struct weir_endpoint *e = held(dp, MAP_ENDPOINTS);

	e[number].flags = redirect ? WEIR_EP_REDIRECT_FROM | WEIR_EP_REDIRECT_TO : 0;
	e[number].mac[0] = e[number].gateway[0] = 2;
	e[number].ifindex = ifindex;
	return bpf_map_update_elem(dp->map[MAP_INTERFACES].fd, &ifindex, &number, BPF_ANY);
}

void loader_set(struct datapath *dp, unsigned int base, unsigned int first_range, loader_says_fn says, bool flag)
{
	static const __u8 lane[] = { 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	struct weir_range *range = held(dp, MAP_RANGES), *r = range + first_range;
	__u32 *cell = held(dp, MAP_CELLS);

	for (int i = 0; i < 4; i++)
		for (unsigned int port = 0; port <= 0xffff; port++) {
			unsigned int rule = 0;
			bool yes = says(lane[i] ? port : 0, &rule, flag);
			__u8 verdict = yes ? WEIR_ALLOW : WEIR_DENY;

			if (!port || r[-1].rule != rule || r[-1].verdict != verdict)
				*r++ = (struct weir_range){ .first = port, .proto = lane[i], .rule = rule, .audit_rule = rule,
							    .verdict = verdict, .audit = verdict };
			r[-1].last = port;
		}
	cell[base + CLASS] = WEIR_CELL(first_range, (__u32)(r - range - first_range));
}

void loader_take(struct datapath *dp, unsigned int number, unsigned int base)
{
	for (enum weir_dir dir = 0; dir < WEIR_DIRS; dir++)
		datapath_op(dp, &(struct op){ .kind = OP_SET, .first = number, .dir = dir, .set = { base, CLASS + 1 } });
}

static bool is_pod(unsigned int number) { return number && number < WEIR_ENDPOINT_NODE; }

static unsigned int payer(__u64 gate, __u64 tag)
{
	bool o = tag & WEIR_TAG_OPENER;
	unsigned int opener = o ? WEIR_GATE_EP(gate, 1) : WEIR_GATE_EP(gate, 0);

	return is_pod(opener) ? opener : o ? WEIR_GATE_EP(gate, 0) : WEIR_GATE_EP(gate, 1);
}

unsigned int loader_audit(const struct datapath *dp, unsigned int endpoints, bool speak)
{
	struct weir_usage *should = calloc(endpoints, sizeof(*should));
	__u64 away = 0, away_should = 0;
	unsigned int bad = 0;

	for (unsigned int b = 0; b < dp->view.buckets; b++) {
		const struct weir_bucket *bucket = &dp->view.bucket[b];

		away += bucket->away;
		for (int way = 0; way < WEIR_WAYS; way++) {
			__u64 t = bucket->tag[way];
			unsigned int who = payer(bucket->hot[way].gate, t);

			if (WEIR_TAG_PHASE(t) <= WEIR_BUSY || who >= endpoints)
				continue;
			away_should += !!(t & WEIR_TAG_AWAY);
			should[who].slots++;
			should[who].half_open += WEIR_TAG_PHASE(t) == WEIR_OPENED || WEIR_TAG_PHASE(t) == WEIR_ANSWERED;
		}
	}
	for (unsigned int n = 1; n < endpoints; n++) {
		const struct weir_usage *is = &dp->view.usage[n];

		if (is->slots == should[n].slots && is->half_open == should[n].half_open)
			continue;
		bad++;
		if (speak)
			printf("endpoint %u pays for %u slots, %u half-open; the table says %u, %u\n", n, is->slots, is->half_open,
			       should[n].slots, should[n].half_open);
	}
	if (away != away_should && speak)
		printf("flows away from their first bucket: counted %llu, there are %llu\n", away, away_should);
	free(should);
	return bad + (away != away_should);
}
