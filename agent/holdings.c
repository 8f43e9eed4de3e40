// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/holdings.h"
#include "lib/slab.h"

/* One saying of one object by one file. */
struct saying {
	struct saying *next;		/* of its bucket */
	struct saying *later;		/* of its file */
	struct file *file;
	uint32_t hash;
	uint16_t reading;		/* the last reading that found it */
	uint8_t name;			/* where in 'text' the name begins: a namespace has at most 63 characters */
	uint8_t kind : 6;
	uint8_t holds : 1;		/* the listener has the object from here */
	uint8_t owed : 1;		/* the listener has it from a file that let go; this one is being read again */
	char text[];			/* ns, zero, name, zero */
};

struct file {
	struct file *next;
	struct saying *first;
	uint16_t reading;
	char name[];
};

#define FILE_BUCKETS 4096
struct holdings {
	struct holdings_to to;
	struct file *files[FILE_BUCKETS], *now;
	struct saying **bucket;
	size_t n, size, vain;
	struct slab sayings;
};

static struct file **file_at(struct holdings *h, const char *name);
static void file_free(struct holdings *h, struct file *f);
static uint32_t hash_of(enum object_kind kind, const char *ns, const char *name);
static struct saying *find(const struct holdings *h, const struct file *file, uint32_t hash, enum object_kind kind,
			   const char *ns, const char *name);
static struct saying *holder(const struct holdings *h, uint32_t hash, enum object_kind kind, const char *ns,
			     const char *name);
static struct saying *add(struct holdings *h, uint32_t hash, enum object_kind kind, const char *ns, const char *name);
static void let_go(struct holdings *h, struct saying *s);

int holdings_new(struct holdings **out, const struct holdings_to *to)
{
	struct holdings *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->to = *to;
	h->size = 1024;
	h->bucket = calloc(h->size, sizeof(*h->bucket));
	if (!h->bucket) {
		free(h);
		return -ENOMEM;
	}
	*out = h;
	return 0;
}

void holdings_free(struct holdings *h)
{
	if (!h)
		return;
	for (unsigned int i = 0; i < FILE_BUCKETS; i++) {
		while (h->files[i]) {
			struct file *f = h->files[i];

			h->files[i] = f->next;
			file_free(h, f);
		}
	}
	free(h->bucket);
	free(h);
}

int holdings_begin(struct holdings *h, const char *file)
{
	struct file **at = file_at(h, file), *f = *at;

	if (!f) {
		f = calloc(1, sizeof(*f) + strlen(file) + 1);
		if (!f)
			return -ENOMEM;
		strcpy(f->name, file);
		*at = f;
	}
	f->reading++;
	h->now = f;
	return 0;
}

enum holding holdings_offer(struct holdings *h, enum object_kind kind, const char *ns, const char *name)
{
	uint32_t hash = hash_of(kind, ns, name);
	struct saying *s = find(h, h->now, hash, kind, ns, name), *by;

	if (s && s->reading == h->now->reading)
		return HOLD_TWICE;
	if (!s)
		s = add(h, hash, kind, ns, name);
	if (!s)
		return HOLD_NO_MEMORY;
	s->reading = h->now->reading;
	if (s->holds)
		return HOLD_TAKE;
	by = holder(h, hash, kind, ns, name);
	if (by && strcmp(by->file->name, h->now->name) < 0)
		return HOLD_OTHER;
	if (by) {
		by->holds = false;
		h->vain++;
	}
	s->holds = true;
	s->owed = false;
	h->vain--;
	return HOLD_TAKE;
}

void holdings_drop(struct holdings *h, enum object_kind kind, const char *ns, const char *name)
{
	struct saying *s = find(h, h->now, hash_of(kind, ns, name), kind, ns, name), **at;

	if (!s)
		return;
	for (at = &h->now->first; *at != s; at = &(*at)->later)
		;
	*at = s->later;
	let_go(h, s);
}

void holdings_end(struct holdings *h, bool complete)
{
	struct saying **at = &h->now->first, *s;

	while (complete && (s = *at)) {
		if (s->reading == h->now->reading) {
			at = &s->later;
			continue;
		}
		*at = s->later;
		let_go(h, s);
	}
	if (!h->now->first) {
		*file_at(h, h->now->name) = h->now->next;
		free(h->now);
	}
	h->now = NULL;
}

bool holdings_behind(const struct holdings *h)
{
	for (const struct saying *s = h->now->first; s; s = s->later)
		if (s->reading != h->now->reading)
			return true;
	return false;
}

bool holdings_says(struct holdings *h, const char *file)
{
	const struct file *f = *file_at(h, file);

	return f && f->first;
}

const char *holdings_file(const struct holdings *h, enum object_kind kind, const char *ns, const char *name)
{
	struct saying *s = holder(h, hash_of(kind, ns, name), kind, ns, name);

	return s ? s->file->name : NULL;
}

void holdings_duplicates(const struct holdings *h, holdings_fn fn, void *ctx)
{
	if (!h->vain)
		return;
	for (unsigned int i = 0; i < FILE_BUCKETS; i++)
		for (struct file *f = h->files[i]; f; f = f->next)
			for (struct saying *s = f->first; s; s = s->later)
				if (!s->holds)
					fn(ctx, f->name, s->kind, s->text, s->text + s->name);
}

size_t holdings_count(const struct holdings *h)
{
	return h->n - h->vain;
}

/* Where the file hangs, or would. */
static struct file **file_at(struct holdings *h, const char *name)
{
	struct file **at = &h->files[hash_of(0, "", name) % FILE_BUCKETS];

	while (*at && strcmp((*at)->name, name))
		at = &(*at)->next;
	return at;
}

static void saying_free(struct holdings *h, struct saying *s)
{
	slab_drop(&h->sayings, s, sizeof(*s) + s->name + strlen(s->text + s->name) + 1);
}

static void file_free(struct holdings *h, struct file *f)
{
	while (f->first) {
		struct saying *s = f->first;

		f->first = s->later;
		saying_free(h, s);
	}
	free(f);
}

static uint32_t hash_of(enum object_kind kind, const char *ns, const char *name)
{
	uint64_t h = 0xcbf29ce484222325ULL + kind;

	for (; *ns; ns++)
		h = (h ^ (unsigned char)*ns) * 0x100000001b3ULL;
	h = (h ^ '/') * 0x100000001b3ULL;
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3ULL;
	return h ^ h >> 32;
}

static bool says(const struct saying *s, uint32_t hash, enum object_kind kind, const char *ns, const char *name)
{
	return s->hash == hash && s->kind == kind && !strcmp(s->text + s->name, name) && !strcmp(s->text, ns);
}

static struct saying *find(const struct holdings *h, const struct file *file, uint32_t hash, enum object_kind kind,
			   const char *ns, const char *name)
{
	struct saying *s;

	for (s = h->bucket[hash & (h->size - 1)]; s; s = s->next)
		if (s->file == file && says(s, hash, kind, ns, name))
			break;
	return s;
}

static struct saying *holder(const struct holdings *h, uint32_t hash, enum object_kind kind, const char *ns,
			     const char *name)
{
	struct saying *s;

	for (s = h->bucket[hash & (h->size - 1)]; s; s = s->next)
		if (s->holds && says(s, hash, kind, ns, name))
			break;
	return s;
}

static int grow(struct holdings *h)
{
	size_t size = h->size * 2;
	struct saying **bucket = calloc(size, sizeof(*bucket));

	if (!bucket)
		return -ENOMEM;
	for (size_t i = 0; i < h->size; i++) {
		struct saying *s = h->bucket[i];

		while (s) {
			struct saying *next = s->next;

			s->next = bucket[s->hash & (size - 1)];
			bucket[s->hash & (size - 1)] = s;
			s = next;
		}
	}
	free(h->bucket);
	h->bucket = bucket;
	h->size = size;
	return 0;
}

/* A new saying of the file begun; it holds nothing yet. */
static struct saying *add(struct holdings *h, uint32_t hash, enum object_kind kind, const char *ns, const char *name)
{
	size_t ns_size = strlen(ns) + 1, name_size = strlen(name) + 1;
	struct saying *s;

	if (ns_size > UINT8_MAX || (h->n >= h->size * 2 && grow(h)))
		return NULL;
	s = slab_alloc(&h->sayings, sizeof(*s) + ns_size + name_size);
	if (!s)
		return NULL;
	s->file = h->now;
	s->hash = hash;
	s->kind = kind;
	s->name = ns_size;
	memcpy(s->text, ns, ns_size);
	memcpy(s->text + ns_size, name, name_size);
	s->next = h->bucket[hash & (h->size - 1)];
	h->bucket[hash & (h->size - 1)] = s;
	s->later = h->now->first;
	h->now->first = s;
	h->n++;
	h->vain++;
	return s;
}

/* The saying, no more of its file, ends: its object passes to the next file that says it, or is gone. */
static void let_go(struct holdings *h, struct saying *s)
{
	struct saying **at = &h->bucket[s->hash & (h->size - 1)], *heir = NULL;
	bool told = s->holds || s->owed;	/* the listener has it, and from nobody else */

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	h->n--;
	if (!s->holds)
		h->vain--;
	for (struct saying *o = h->bucket[s->hash & (h->size - 1)]; o; o = o->next) {
		if (!says(o, s->hash, s->kind, s->text, s->text + s->name))
			continue;
		told = told && !o->holds;
		if (!heir || strcmp(o->file->name, heir->file->name) < 0)
			heir = o;
	}
	if (told && heir) {
		heir->owed = true;
		h->to.again(h->to.ctx, heir->file->name);
	} else if (told) {
		h->to.gone(h->to.ctx, s->kind, s->text, s->text + s->name);
	}
	saying_free(h, s);
}
