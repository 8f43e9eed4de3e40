// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <weir/endpoint.h>

#include "agent/datapath.h"
#include "agent/end_inside.h"

#define INDEXES (1 << 20)		/* as agent/names.c numbers them */
#define INDEX(number) ((number) & (INDEXES - 1))
#define GROUP_BUCKETS 4096
#define SPACES 4096			/* namespaces */
#define SPACE_IDLE_NS (3600 * 1000000000ULL)

/* A namespace with traffic.  Element 0 is nobody's. */
struct space {
	char name[64];
	unsigned int held;		/* by ends */
};

struct ends {
	struct ends_with with;		/* parts not ours */
	char *cluster;
	struct end **slot;		/* by index; reserved, what is not used costs nothing */
	struct end *world, *own_node;
	struct end *all, *limbo;
	struct group *group[GROUP_BUCKETS], *group_limbo;
	struct space *space;
	uint64_t *traffic;		/* by namespace: CLOCK_REALTIME, 0: none */
	unsigned int nspace;
	pthread_mutex_t spaces;		/* names of namespaces: taken to add one, and to list them */
	uint64_t now;
	uint32_t group_number;
	struct ends_counts counts;
};

static struct end *make(struct ends *e, uint32_t number, unsigned int endpoint);
static struct group *group_of(struct ends *e, const struct end *end);
static void free_end(struct ends *e, struct end *end);
static void free_limbo(struct ends *e, bool all);

static void *reserve(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

int ends_new(struct ends **out, const struct ends_with *with)
{
	struct ends *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->with = *with;
	pthread_mutex_init(&e->spaces, NULL);
	e->nspace = 1;
	e->cluster = strdup(with->cluster ?: "");
	e->slot = reserve(INDEXES * sizeof(*e->slot));
	e->space = reserve(SPACES * sizeof(*e->space));
	e->traffic = reserve(SPACES * sizeof(*e->traffic));
	if (e->cluster && e->slot && e->space && e->traffic) {
		e->world = end_reserved(NAMES_WORLD, FLOW_ID_WORLD, "reserved:world", "", e->cluster);
		e->own_node = end_reserved(NAMES_OWN_NODE, FLOW_ID_HOST, "reserved:host", names_node(with->names), e->cluster);
	}
	if (e->world && e->own_node) {
		e->world->group = group_of(e, e->world);
		e->own_node->group = group_of(e, e->own_node);
	}
	if (!e->world || !e->own_node || !e->world->group || !e->own_node->group) {
		ends_free(e);
		return -ENOMEM;
	}
	*out = e;
	return 0;
}

void ends_free(struct ends *e)
{
	if (!e)
		return;
	while (e->all) {
		struct end *end = e->all;

		e->all = end->next;
		free(end);
	}
	free_limbo(e, true);
	for (unsigned int i = 0; i < GROUP_BUCKETS; i++) {
		while (e->group[i]) {
			struct group *g = e->group[i];

			e->group[i] = g->next;
			free(g);
		}
	}
	free(e->world);
	free(e->own_node);
	if (e->slot)
		munmap(e->slot, INDEXES * sizeof(*e->slot));
	if (e->space)
		munmap(e->space, SPACES * sizeof(*e->space));
	if (e->traffic)
		munmap(e->traffic, SPACES * sizeof(*e->traffic));
	pthread_mutex_destroy(&e->spaces);
	free(e->cluster);
	free(e);
}

static const struct end *end_at(const struct ends *e, uint32_t number)
{
	const struct end *end;

	if (number == NAMES_OWN_NODE)
		return e->own_node;
	end = number ? __atomic_load_n(&e->slot[INDEX(number)], __ATOMIC_ACQUIRE) : NULL;
	return end && end->flow.number == number ? end : e->world;
}

const struct flow_end *ends_get(const struct ends *e, uint32_t number)
{
	return &end_at(e, number)->flow;
}

void ends_now(struct ends *e, uint64_t now)
{
	e->now = now;
}

uint32_t ends_name(struct ends *e, unsigned int endpoint, const struct weir_addr *a, uint64_t record)
{
	uint32_t number = names_of(e->with.names, endpoint);
	const struct end *end;

	if (!number)
		number = names_at(e->with.names, a);
	if (number <= NAMES_OWN_NODE)
		return number;
	end = e->slot[INDEX(number)];
	if (!end || end->flow.number != number) {
		end = make(e, number, endpoint);
		if (!end)
			return NAMES_WORLD;
	}
	names_said(e->with.names, number, record);
	if (e->traffic[end->ns] != e->now)
		__atomic_store_n(&e->traffic[end->ns], e->now, __ATOMIC_RELAXED);
	return number;
}

void ends_touch(struct ends *e, uint32_t number, uint64_t record)
{
	if (number > NAMES_OWN_NODE)
		names_said(e->with.names, number, record);
}

static void to_limbo(struct ends *e, struct end *end, uint64_t mark)
{
	end->mark = mark;
	end->next = e->limbo;
	e->limbo = end;
	e->counts.ends--;
}

/* Blocks that no record names: unpublished now, freed later. */
void ends_forget(struct ends *e, uint64_t oldest)
{
	struct end **at = &e->all, *end;
	uint64_t mark = 0;

	free_limbo(e, false);
	while ((end = *at)) {
		struct end **slot = &e->slot[INDEX(end->flow.number)];
		bool current = *slot == end;

		if (current && names_last(e->with.names, end->flow.number) > oldest) {
			at = &end->next;
			continue;
		}
		*at = end->next;
		if (current)
			__atomic_store_n(slot, NULL, __ATOMIC_RELEASE);
		if (!mark)
			mark = quiet_mark(e->with.quiet);
		to_limbo(e, end, mark);
	}
}

const struct ends_group *ends_group(const struct ends *e, uint32_t number)
{
	return &end_at(e, number)->group->public;
}

const char *ends_interface(const struct ends *e, uint32_t number, uint32_t *ifindex)
{
	const struct end *end = end_at(e, number);

	*ifindex = end->ifindex;
	return end->interface;
}

bool ends_elsewhere(const struct ends *e, uint32_t number)
{
	return end_at(e, number)->elsewhere;
}

void ends_group_hold(const struct ends_group *g)
{
	((struct group *)g)->held++;
}

static unsigned int group_bucket(const char *ns, const char *workload, const char *kind)
{
	uint32_t h = 2166136261U;

	for (; *ns; ns++)
		h = (h ^ (unsigned char)*ns) * 16777619U;
	for (h ^= 1; *workload; workload++)
		h = (h ^ (unsigned char)*workload) * 16777619U;
	for (; *kind; kind++)
		h = (h ^ (unsigned char)*kind) * 16777619U;
	return (h ^ h >> 16) % GROUP_BUCKETS;
}

void ends_group_drop(struct ends *e, const struct ends_group *public)
{
	struct group *g = (struct group *)public, **at;

	if (--g->held)
		return;
	at = &e->group[group_bucket(public->ns, public->workload, public->kind)];
	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	e->counts.groups--;
	g->mark = quiet_mark(e->with.quiet);
	g->next = e->group_limbo;
	e->group_limbo = g;
}

/* The end's workload, held for it. */
static struct group *group_of(struct ends *e, const struct end *end)
{
	const struct flow_end *f = &end->flow;
	size_t ns = strlen(f->ns) + 1, workload = strlen(f->workload) + 1, kind = strlen(f->workload_kind) + 1;
	struct group **bucket = &e->group[group_bucket(f->ns, f->workload, f->workload_kind)], *g;

	for (g = *bucket; g; g = g->next) {
		if (!strcmp(g->public.ns, f->ns) && !strcmp(g->public.workload, f->workload) &&
		    !strcmp(g->public.kind, f->workload_kind)) {
			g->held++;
			return g;
		}
	}
	g = malloc(sizeof(*g) + ns + workload + kind);
	if (!g)
		return NULL;
	*g = (struct group){ .next = *bucket, .held = 1 };
	g->public = (struct ends_group){ .ns = memcpy(g->bytes, f->ns, ns), .workload = memcpy(g->bytes + ns, f->workload, workload),
					 .kind = memcpy(g->bytes + ns + workload, f->workload_kind, kind),
					 .number = ++e->group_number, .pod = *f->pod != '\0' };
	*bucket = g;
	e->counts.groups++;
	return g;
}

static unsigned int find_space(const struct ends *e, const char *ns, unsigned int *idle)
{
	unsigned int i;

	*idle = 0;
	for (i = 1; i < e->nspace; i++) {
		if (!strcmp(e->space[i].name, ns))
			return i;
		if (!e->space[i].held && e->now - e->traffic[i] > SPACE_IDLE_NS)
			*idle = i;
	}
	return 0;
}

/* The namespace's number; 0: there is no room, and it will not be listed. */
static uint16_t space_of(struct ends *e, const char *ns)
{
	unsigned int idle, i = *ns ? find_space(e, ns, &idle) : 0;

	if (*ns && !i && strlen(ns) < sizeof(e->space->name) && (idle || e->nspace < SPACES)) {
		i = idle ?: e->nspace;
		pthread_mutex_lock(&e->spaces);
		strcpy(e->space[i].name, ns);
		e->traffic[i] = 0;
		e->nspace += !idle;
		pthread_mutex_unlock(&e->spaces);
	}
	e->space[i].held++;
	return i;
}

static void set_interface(const struct ends *e, struct end *end, unsigned int endpoint)
{
	if (!e->with.datapath || !endpoint || endpoint >= WEIR_ENDPOINT_NODE)
		return;
	end->ifindex = datapath_view(e->with.datapath)->endpoint[endpoint].ifindex;
	if (!end->ifindex || !if_indextoname(end->ifindex, end->interface))
		end->interface[0] = '\0';
}

static struct end *make(struct ends *e, uint32_t number, unsigned int endpoint)
{
	const struct name *name = names_peek(e->with.names, number);
	struct end *end = NULL;

	if (name && e->counts.ends < ENDS_MOST)
		end = end_of_name(name, names_node(e->with.names), e->cluster);
	if (end)
		end->group = group_of(e, end);
	if (!end || !end->group) {
		e->counts.refused++;
		free(end);
		return NULL;
	}
	set_interface(e, end, endpoint);
	end->elsewhere = name->kind == NAME_POD && !name->local;
	end->ns = space_of(e, name->kind == NAME_POD ? end->flow.ns : "");
	end->next = e->all;
	e->all = end;
	e->counts.ends++;
	e->counts.bytes += end->size;
	e->counts.made++;
	__atomic_store_n(&e->slot[INDEX(number)], end, __ATOMIC_RELEASE);	/* who had the index before goes with ends_forget() */
	return end;
}

static void free_end(struct ends *e, struct end *end)
{
	e->space[end->ns].held--;
	e->counts.bytes -= end->size;
	ends_group_drop(e, &end->group->public);
	free(end);
}

static void free_limbo(struct ends *e, bool all)
{
	struct end **at = &e->limbo, *end;
	struct group **gat = &e->group_limbo, *g;

	while ((end = *at)) {
		if (!all && !quiet_passed(e->with.quiet, end->mark)) {
			at = &end->next;
			continue;
		}
		*at = end->next;
		if (all)
			free(end);
		else
			free_end(e, end);
	}
	while ((g = *gat)) {
		if (!all && !quiet_passed(e->with.quiet, g->mark)) {
			gat = &g->next;
			continue;
		}
		*gat = g->next;
		free(g);
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct space *)a)->name, ((const struct space *)b)->name);
}

unsigned int ends_namespaces(const struct ends *e, uint64_t now, uint64_t ns, ends_namespace_fn fn, void *ctx)
{
	struct space *copy = malloc(SPACES * sizeof(*copy));
	unsigned int n = 0;

	if (!copy)
		return 0;
	pthread_mutex_lock((pthread_mutex_t *)&e->spaces);
	for (unsigned int i = 1; i < e->nspace; i++) {
		uint64_t last = __atomic_load_n(&e->traffic[i], __ATOMIC_RELAXED);

		if (!last || last + ns < now)
			continue;
		memcpy(copy[n].name, e->space[i].name, sizeof(copy[n].name));
		copy[n++].held = (now > last ? now - last : 0) / 1000000000;
	}
	pthread_mutex_unlock((pthread_mutex_t *)&e->spaces);
	qsort(copy, n, sizeof(*copy), by_name);
	for (unsigned int i = 0; i < n; i++)
		fn(ctx, copy[i].name, now - copy[i].held * 1000000000ULL);
	free(copy);
	return n;
}

void ends_count(const struct ends *e, struct ends_counts *out)
{
	*out = e->counts;
	out->namespaces = e->nspace - 1;
}
