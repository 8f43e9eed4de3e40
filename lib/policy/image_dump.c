// SPDX-License-Identifier: Apache-2.0
/* The image written down with every number replaced by what it stands for: equal worlds give equal text. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <weir/endpoint.h>

#include "lib/policy/compile.h"
#include "lib/policy/image_inside.h"

struct dump {
	const struct image *m;
	const struct compiler *c;
	__u32 *endpoint, nendpoint;	/* by name */
	__u64 *class[WEIR_DIRS];	/* what each stands for; 0: not asked yet */
	char **line;
	__u32 n, cap;
};

static __u64 mix(__u64 h, __u64 x)
{
	h = (h ^ x) * 0xff51afd7ed558ccdULL;
	return h ^ h >> 31;
}

static __u64 mix_text(__u64 h, const char *s)
{
	while (*s)
		h = mix(h, (unsigned char)*s++);
	return mix(h, 256);
}

static __u64 rule_stands_for(const struct dump *d, __u16 number)
{
	struct compile_rule r;
	__u64 h = 7;

	if (!compile_rule_of(d->c, number, &r))
		return number;
	h = mix(mix(mix(h, r.tier), r.dir), r.index);
	return mix_text(mix_text(mix_text(mix_text(h, r.ns), r.policy), r.name), r.text);
}

static __u64 table_stands_for(const struct dump *d, __u32 cell)
{
	__u64 h = WEIR_CELL_COUNT(cell);

	for (__u32 i = 0; i < WEIR_CELL_COUNT(cell); i++) {
		const struct weir_range *r = &d->m->range[WEIR_CELL_FIRST(cell) + i];

		h = mix(h, (__u64)r->first << 32 | (__u32)r->last << 16 | r->proto);
		h = mix(h, (__u64)r->verdict << 8 | r->audit);
		h = mix(mix(h, rule_stands_for(d, r->rule)), rule_stands_for(d, r->audit_rule));
	}
	return h;
}

static __u32 cell_of(const struct dump *d, __u32 endpoint, int dir, __u32 class)
{
	struct weir_set s = d->m->set[endpoint].dir[dir];

	return class < s.limit ? d->m->cell[s.base + class] : 0;
}

/* What all endpoints' policies say of it. */
static __u64 class_stands_for(struct dump *d, int dir, __u32 class)
{
	__u64 h = 3;

	if (class == WEIR_CLASS_OVER || class == WEIR_CLASS_NONE)
		return class;
	if (d->class[dir][class])
		return d->class[dir][class];
	for (__u32 i = 0; i < d->nendpoint; i++)
		h = mix(h, table_stands_for(d, cell_of(d, d->endpoint[i], dir, class)));
	return d->class[dir][class] = h ? h : 1;
}

static void endpoint_name(const struct dump *d, __u32 e, char *buf, size_t size)
{
	const char *ns = "", *pod = "";

	if (!compile_endpoint_name(d->c, e, &ns, &pod))
		snprintf(buf, size, "%s", e ? "?" : "-");
	else
		snprintf(buf, size, "%s/%s", ns, pod);
}

static int by_name(const void *a, const void *b, void *ctx)
{
	char x[600], y[600];

	endpoint_name(ctx, *(const __u32 *)a, x, sizeof(x));
	endpoint_name(ctx, *(const __u32 *)b, y, sizeof(y));
	return strcmp(x, y);
}

static void line_add(struct dump *d, const char *s)
{
	if (d->n == d->cap) {
		d->cap = d->cap * 2 + 64;
		d->line = realloc(d->line, d->cap * sizeof(*d->line));
	}
	d->line[d->n++] = strdup(s);
}

static void word_line(struct dump *d, const char *what, const struct weir_addr *a, __u32 length, __u64 word)
{
	char name[600], addr[INET6_ADDRSTRLEN], line[900];
	__u32 flags = WEIR_WORD_FLAGS(word);

	if (flags & WEIR_WORD_GRANT)
		snprintf(name, sizeof(name), "granted to %s", compile_namespace_name(d->c, WEIR_WORD_ENDPOINT(word)));
	else
		endpoint_name(d, WEIR_WORD_ENDPOINT(word), name, sizeof(name));
	inet_ntop(AF_INET6, a->byte, addr, sizeof(addr));
	snprintf(line, sizeof(line), "%s %s/%u flags %x %s in %016llx out %016llx\n", what, addr, length, flags, name,
		 (unsigned long long)class_stands_for(d, WEIR_INGRESS, WEIR_WORD_CLASS(word, WEIR_INGRESS)),
		 (unsigned long long)class_stands_for(d, WEIR_EGRESS, WEIR_WORD_CLASS(word, WEIR_EGRESS)));
	line_add(d, line);
}

static void endpoint_line(struct dump *d, __u32 e)
{
	char name[600], line[900];

	endpoint_name(d, e, name, sizeof(name));
	snprintf(line, sizeof(line), "endpoint %s stranger in %016llx out %016llx\n", name,
		 (unsigned long long)table_stands_for(d, cell_of(d, e, WEIR_INGRESS, WEIR_CLASS_STRANGER)),
		 (unsigned long long)table_stands_for(d, cell_of(d, e, WEIR_EGRESS, WEIR_CLASS_STRANGER)));
	line_add(d, line);
}

static int by_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void endpoints_find(struct dump *d)
{
	d->endpoint = calloc(WEIR_ENDPOINTS, sizeof(__u32));
	for (__u32 e = 1; e < WEIR_ENDPOINTS; e++)
		if (d->m->set[e].dir[0].limit || d->m->set[e].dir[1].limit)
			d->endpoint[d->nendpoint++] = e;
	qsort_r(d->endpoint, d->nendpoint, sizeof(__u32), by_name, d);
}

__u64 image_meaning(const struct image *m, const struct compiler *names, unsigned int endpoint, enum weir_dir dir,
		    const struct weir_addr *peer)
{
	struct dump d = { .m = m, .c = names };
	__u64 word = image_word(m, peer), h;
	__u32 class = WEIR_WORD_CLASS(word, dir), cell = cell_of(&d, endpoint, dir, class);

	if (!m->set[endpoint].dir[dir].limit)
		return WEIR_UNARMED;
	if (WEIR_WORD_FLAGS(word) & WEIR_WORD_RESTING)
		return WEIR_RESTING;
	if (class == WEIR_CLASS_OVER)
		return WEIR_NO_CLASS;
	if (!cell)
		return class == WEIR_CLASS_STRANGER ? WEIR_STRANGER : WEIR_NO_ROW;
	h = table_stands_for(&d, cell);
	return h < 256 ? h + 256 : h;
}

void image_dump(const struct image *m, const struct compiler *names, FILE *to)
{
	struct dump d = { .m = m, .c = names };

	endpoints_find(&d);
	for (int i = 0; i < WEIR_DIRS; i++)
		d.class[i] = calloc(65536, sizeof(__u64));
	for (__u32 i = 0; i < d.nendpoint; i++)
		endpoint_line(&d, d.endpoint[i]);
	for (__u32 i = 1; i <= m->nentry; i++)
		word_line(&d, "address", &m->entry[i].addr, 128, m->word[m->entry[i].slot]);
	for (__u32 i = 0; i < m->nprefix; i++) {
		struct weir_addr a = m->prefix[i].prefix.addr;

		word_line(&d, "prefix", &a, m->prefix[i].prefix.length, m->word[m->prefix[i].slot]);
	}
	qsort(d.line, d.n, sizeof(*d.line), by_line);
	for (__u32 i = 0; i < d.n; i++) {
		fputs(d.line[i], to);
		free(d.line[i]);
	}
	free(d.line);
	free(d.endpoint);
	free(d.class[0]);
	free(d.class[1]);
}
