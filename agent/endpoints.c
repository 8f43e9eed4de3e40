// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/endpoint_inside.h"
#include "agent/endpoints.h"
#include "lib/log.h"

#define RETRY_MS 5000			/* what the kernel refused is tried again */

static void on_retry(void *ctx);
static void leave(struct endpoints *e, struct endpoint *ep);
static void arm(struct endpoints *e, struct endpoint *ep);

const char *endpoint_state_word(enum endpoint_state state)
{
	static const char *const word[] = {
		[ENDPOINT_ARMED] = "armed",		[ENDPOINT_ARMING] = "arming",
		[ENDPOINT_NO_INTERFACE] = "waiting-for-interface", [ENDPOINT_NO_POD] = "waiting-for-pod",
		[ENDPOINT_REFUSED] = "refused",
	};

	return word[state];
}

int endpoints_open(struct endpoints **out, const struct endpoints_with *with, const char *dir)
{
	struct endpoints *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	e->with = *with;
	err = book_open(&e->book, dir);
	if (err) {
		free(e);
		return err;
	}
	*out = e;
	return 0;
}

void endpoints_close(struct endpoints *e)
{
	if (!e)
		return;
	loop_cancel(e->with.loop, &e->look);
	loop_cancel(e->with.loop, &e->retry);
	links_close(e->links);
	for (unsigned int b = 0; b < ENDPOINT_BUCKETS; b++) {
		while (e->bucket[b]) {
			struct endpoint *ep = e->bucket[b];

			e->bucket[b] = ep->next;
			while (ep->waiting) {
				struct endpoint_wait *w = ep->waiting;

				ep->waiting = w->next;
				loop_cancel(e->with.loop, &w->timer);
				free(w);
			}
			free(ep->addr);
			free(ep);
		}
	}
	book_close(e->book);
	free(e);
}

static struct endpoint **place(const struct endpoints *e, const char *ns, const char *name)
{
	uint64_t h = 0xcbf29ce484222325ULL;
	struct endpoint **at;

	for (const char *p = ns; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3ULL;
	for (const char *p = name; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3ULL;
	at = (struct endpoint **)&e->bucket[(h ^ h >> 32) % ENDPOINT_BUCKETS];
	while (*at && !(!strcmp((*at)->who + (*at)->at_name, name) && !strcmp((*at)->who, ns)))
		at = &(*at)->next;
	return at;
}

struct endpoint *endpoint_find(const struct endpoints *e, const char *ns, const char *name)
{
	return *place(e, ns, name);
}

struct endpoint *endpoint_make(struct endpoints *e, const char *ns, const char *name)
{
	struct endpoint **at = place(e, ns, name), *ep = *at;
	size_t size = strlen(ns) + 1, rest = strlen(name) + 1;

	if (ep)
		return ep;
	ep = calloc(1, sizeof(*ep) + size + rest);
	if (!ep)
		return NULL;
	ep->of = e;
	ep->at_name = size;
	memcpy(ep->who, ns, size);
	memcpy(ep->who + size, name, rest);
	*at = ep;
	return ep;
}

/* Forgets an endpoint that nothing holds any more. */
void endpoint_release(struct endpoints *e, struct endpoint *ep)
{
	struct endpoint **at;

	if (ep->pod || ep->ifindex || ep->attaching || ep->waiting)
		return;
	at = place(e, ENDPOINT_NS(ep), ENDPOINT_NAME(ep));
	*at = ep->next;
	free(ep->addr);
	free(ep);
}

static bool owns_address(const struct pod *pod)
{
	return !pod->host_network && pod->phase != POD_SUCCEEDED && pod->phase != POD_FAILED;
}

void endpoints_pod(struct endpoints *e, const struct object *o)
{
	const struct name *name = names_find(e->with.names, NAME_POD, o->ns, o->name);
	struct endpoint *ep;

	if (!owns_address(&o->pod) || !(e->with.all_local || (name && name->local))) {
		endpoints_pod_gone(e, o->ns, o->name);
		return;
	}
	ep = endpoint_make(e, o->ns, o->name);
	if (!ep)
		return;
	ep->pod = true;
	ep->dirty = true;
	ep->stack = !strcmp(o->pod.stack, "true");
	ep->quota = o->pod.quota;
	ep->amiss = ep->amiss && !strcmp(ep->wanted, o->pod.interface);
	snprintf(ep->wanted, sizeof(ep->wanted), "%s", o->pod.interface);
	free(ep->addr);
	ep->addr = calloc(o->pod.naddr ?: 1, sizeof(*ep->addr));
	ep->naddr = ep->addr ? o->pod.naddr : 0;
	if (ep->naddr)
		memcpy(ep->addr, o->pod.addr, ep->naddr * sizeof(*ep->addr));
	if (!ep->ifindex)
		endpoints_look(e, 0);
}

void endpoints_pod_gone(struct endpoints *e, const char *ns, const char *name)
{
	struct endpoint *ep = endpoint_find(e, ns, name);

	if (!ep || !ep->pod)
		return;
	ep->pod = false;
	if (ep->number)
		leave(e, ep);
	if (ep->pretended)
		endpoint_lose(e, ep);
	endpoint_release(e, ep);
}

/* Until the numbers of those who left serve again. */
struct left {
	struct endpoints *e;
	unsigned int number;
};

static void on_swept(void *ctx)
{
	struct left *l = ctx;

	names_endpoint(l->e->with.names, l->number, NAMES_WORLD);
	book_clear(l->e->book, l->number);
	free(l);
}

static void let_go(struct endpoints *e, unsigned int number)
{
	struct left *l = malloc(sizeof(*l));

	datapath_disarm(e->with.datapath, number);
	if (!l)
		return;			/* the number is never used again: nothing worse */
	*l = (struct left){ .e = e, .number = number };
	if (policies_left(e->with.policies, number, on_swept, l))
		free(l);
}

static void leave(struct endpoints *e, struct endpoint *ep)
{
	log_info("%s/%s leaves endpoint %u", ENDPOINT_NS(ep), ENDPOINT_NAME(ep), ep->number);
	events_endpoint(e->with.events, ep->number, ENDPOINT_NS(ep), ENDPOINT_NAME(ep), false);
	let_go(e, ep->number);
	ep->number = 0;
	ep->armed = false;
}

void endpoints_naming(struct endpoints *e)
{
	struct compiler *c = policies_compiler(e->with.policies);
	int err;

	for (unsigned int b = 0; b < ENDPOINT_BUCKETS; b++) {
		for (struct endpoint *ep = e->bucket[b]; ep; ep = ep->next) {
			unsigned int number = ep->pod ? compile_endpoint(c, ENDPOINT_NS(ep), ENDPOINT_NAME(ep)) : 0;

			if (number)
				book_set(e->book, number, ENDPOINT_NS(ep), ENDPOINT_NAME(ep));
		}
	}
	err = book_write(e->book);
	if (err)
		log_err(err, "cannot write down which pod has which number: an agent started later will not know");
}

/* What the maps hold of an earlier agent's pods that are gone. */
static void drop_orphans(struct endpoints *e)
{
	const struct datapath_view *view = datapath_view(e->with.datapath);
	unsigned char used[WEIR_ENDPOINTS] = { 0 };

	for (unsigned int b = 0; b < ENDPOINT_BUCKETS; b++)
		for (struct endpoint *ep = e->bucket[b]; ep; ep = ep->next)
			used[ep->number] = 1;
	for (unsigned int n = 1; n < WEIR_ENDPOINT_NODE; n++)
		if (view->endpoint[n].ifindex && !used[n])
			let_go(e, n);
}

void endpoints_committed(struct endpoints *e)
{
	for (unsigned int b = 0; b < ENDPOINT_BUCKETS; b++) {
		for (struct endpoint *ep = e->bucket[b], *next; ep; ep = next) {
			next = ep->next;
			if (ep->dirty || (ep->ifindex && !ep->armed))
				endpoint_sync(e, ep);
		}
	}
	if (!e->adopted && datapath_adopted(e->with.datapath)) {
		e->adopted = true;
		drop_orphans(e);
		policies_settled(e->with.policies);
	}
}

/* The interface is known to the programs under the pod's number. */
static int map_interface(struct endpoints *e, struct endpoint *ep)
{
	int err;

	if (ep->mapped == ep->number)
		return 0;
	err = ep->mapped ? -EEXIST : datapath_interface_add(e->with.datapath, ep->ifindex, ep->number);
	if (err == -EEXIST)		/* under the number of a pod that is gone */
		err = datapath_interface_move(e->with.datapath, ep->ifindex, ep->number);
	if (!err)
		ep->mapped = ep->number;
	return err;
}

static void on_attached(void *ctx, unsigned int ifindex, int err, unsigned int us)
{
	struct endpoint *ep = ctx;
	struct endpoints *e = ep->of;

	ep->attaching = false;
	if (ep->ifindex == ifindex) {
		ep->attached = !err;
		ep->attach_err = err;
		ep->attach_us = us;
		if (err) {
			log_err(err, "cannot attach to '%s' of %s/%s", ep->ifname, ENDPOINT_NS(ep), ENDPOINT_NAME(ep));
			events_endpoint_refused(e->with.events, ep->number, ENDPOINT_NS(ep), ENDPOINT_NAME(ep), strerror(-err));
			loop_after(e->with.loop, &e->retry, RETRY_MS, on_retry, e);
		}
	}
	endpoint_sync(e, ep);
	endpoint_release(e, ep);
}

static void on_retry(void *ctx)
{
	struct endpoints *e = ctx;

	for (unsigned int b = 0; b < ENDPOINT_BUCKETS; b++) {
		for (struct endpoint *ep = e->bucket[b]; ep; ep = ep->next) {
			if (!ep->attach_err)
				continue;
			ep->attach_err = 0;
			endpoint_sync(e, ep);
		}
	}
}

static void attach(struct endpoints *e, struct endpoint *ep)
{
	int err = map_interface(e, ep);

	if (!err)
		err = attach_add(e->with.attach, ep->ifindex, on_attached, ep);
	ep->attaching = !err;
	ep->attach_err = err;
	if (err) {
		log_err(err, "cannot guard '%s' of %s/%s", ep->ifname, ENDPOINT_NS(ep), ENDPOINT_NAME(ep));
		loop_after(e->with.loop, &e->retry, RETRY_MS, on_retry, e);
	}
}

/* Brings one endpoint as far as it can come now. */
void endpoint_sync(struct endpoints *e, struct endpoint *ep)
{
	struct compiler *c = policies_compiler(e->with.policies);
	unsigned int want = ep->pod ? compile_endpoint(c, ENDPOINT_NS(ep), ENDPOINT_NAME(ep)) : 0;
	const struct name *name;

	ep->dirty = false;
	if (ep->number && ep->number != want)
		leave(e, ep);
	if (want && !ep->number) {
		name = names_find(e->with.names, NAME_POD, ENDPOINT_NS(ep), ENDPOINT_NAME(ep));
		ep->number = want;
		names_endpoint(e->with.names, want, name ? name->number : NAMES_WORLD);
	}
	if (ep->number && ep->ifindex && !ep->pretended && !ep->attaching && !ep->attach_err &&
	    (!ep->attached || ep->mapped != ep->number))
		attach(e, ep);
	if (ep->number && ep->ifindex && (ep->attached || ep->pretended) && ep->mapped == ep->number)
		arm(e, ep);
	endpoint_answer(e, ep);
}

unsigned int endpoint_flags(const struct endpoint *ep)
{
	static const __u8 none[6];

	if (ep->stack)
		return 0;
	return memcmp(ep->mac, none, 6) ? ep->path : ep->path & ~(unsigned int)WEIR_EP_REDIRECT_TO;
}

/* It is armed just so already: what may change in place is changed in place, and no packet meets it closed. */
static bool armed_so(struct datapath *dp, unsigned int number, const struct weir_endpoint *now,
		     const struct weir_endpoint *new)
{
	if (now->ifindex != new->ifindex || memcmp(now->mac, new->mac, 6) || memcmp(now->gateway, new->gateway, 6) ||
	    now->namespace_id != new->namespace_id)
		return false;
	datapath_endpoint_flags(dp, number, new->flags);
	datapath_endpoint_via(dp, number, new->via);
	datapath_endpoint_quota(dp, number, new->quota, new->quota_half);
	return true;
}

static void arm(struct endpoints *e, struct endpoint *ep)
{
	const struct weir_endpoint *now = &datapath_view(e->with.datapath)->endpoint[ep->number];
	struct weir_endpoint new = { .ifindex = ep->ifindex, .via = ep->via, .flags = endpoint_flags(ep),
				     .quota = ep->quota, .quota_half = ep->quota / 4 };
	struct compiler *c = policies_compiler(e->with.policies);
	struct timespec t;

	if (!compile_armed(c, ep->number))
		return;
	clock_gettime(CLOCK_MONOTONIC, &t);
	memcpy(new.mac, ep->mac, 6);
	memcpy(new.gateway, ep->gateway, 6);
	/* one that an earlier agent armed stays armed since then: its connections are all known */
	new.armed = now->ifindex == ep->ifindex ? now->armed : t.tv_sec;
	new.namespace_id = compile_namespace_id(c, ENDPOINT_NS(ep));
	if (!armed_so(e->with.datapath, ep->number, now, &new))
		datapath_arm(e->with.datapath, ep->number, &new);
	if (!ep->armed) {
		log_info("%s/%s is armed: endpoint %u, interface '%s'", ENDPOINT_NS(ep), ENDPOINT_NAME(ep), ep->number,
			 ep->ifname);
		events_endpoint(e->with.events, ep->number, ENDPOINT_NS(ep), ENDPOINT_NAME(ep), true);
	}
	ep->armed = true;
}

enum endpoint_state endpoint_state(const struct endpoint *ep)
{
	if (!ep->pod)
		return ENDPOINT_NO_POD;
	if (!ep->ifindex)
		return ENDPOINT_NO_INTERFACE;
	if (ep->armed)
		return ENDPOINT_ARMED;
	if (ep->attach_err || (!ep->dirty && !ep->attaching))
		return ENDPOINT_REFUSED;
	return ENDPOINT_ARMING;
}

const char *endpoint_why(const struct endpoint *ep)
{
	if (endpoint_state(ep) == ENDPOINT_NO_INTERFACE && ep->amiss)
		return "weir.dev/interface names one of the node's own: name the host end of the pod's";
	if (endpoint_state(ep) != ENDPOINT_REFUSED)
		return "";
	if (ep->attach_err)
		return strerror(-ep->attach_err);
	return ep->number ? "its policies do not fit: see the rejected ones" : "there is no number left for it";
}

static const char *path_why(const struct endpoint *ep)
{
	if (ep->stack)
		return "asked for by annotation";
	if (ep->path_why[0])
		return ep->path_why;
	return endpoint_flags(ep) & WEIR_EP_REDIRECT_TO ? "" : "the pod's MAC address is not known";
}

static void describe(const struct endpoint *ep, struct endpoint_info *out)
{
	unsigned int both = WEIR_EP_REDIRECT_FROM | WEIR_EP_REDIRECT_TO;

	*out = (struct endpoint_info){
		.number = ep->number, .ifindex = ep->ifindex, .ns = ENDPOINT_NS(ep), .name = ENDPOINT_NAME(ep),
		.interface = ep->ifname, .why = endpoint_why(ep), .path_why = ep->armed ? path_why(ep) : "",
		.state = endpoint_state(ep), .redirect = ep->armed && endpoint_flags(ep) == both,
		.addr = ep->addr, .naddr = ep->naddr,
	};
}

void endpoints_each(const struct endpoints *e, endpoints_fn fn, void *ctx)
{
	struct endpoint_info info;

	for (unsigned int b = 0; b < ENDPOINT_BUCKETS; b++) {
		for (const struct endpoint *ep = e->bucket[b]; ep; ep = ep->next) {
			describe(ep, &info);
			fn(ctx, &info);
		}
	}
}

bool endpoints_find(const struct endpoints *e, const char *ns, const char *name, struct endpoint_info *out)
{
	const struct endpoint *ep = endpoint_find(e, ns, name);

	if (ep)
		describe(ep, out);
	return ep;
}

bool endpoints_written(const struct endpoints *e, unsigned int number, const char **ns, const char **name)
{
	return book_get(e->book, number, ns, name);
}

int endpoints_pretend(struct endpoints *e, const char *ns, const char *name, unsigned int ifindex, const __u8 mac[6])
{
	struct endpoint *ep = endpoint_find(e, ns, name);

	if (!ep || !ep->number)
		return -ENOENT;
	if (ep->ifindex)
		return 0;
	ep->pretended = true;
	ep->ifindex = ifindex;
	ep->path = e->with.stack ? 0 : WEIR_EP_REDIRECT_FROM | WEIR_EP_REDIRECT_TO;
	memcpy(ep->mac, mac, 6);
	memcpy(ep->gateway, mac, 6);
	snprintf(ep->ifname, sizeof(ep->ifname), "(none)");
	if (map_interface(e, ep))
		return -EIO;
	endpoint_sync(e, ep);
	return ep->armed ? 0 : -EAGAIN;
}

void endpoints_count(const struct endpoints *e, struct endpoints_counts *out)
{
	*out = (struct endpoints_counts){ 0 };
	for (unsigned int b = 0; b < ENDPOINT_BUCKETS; b++) {
		for (const struct endpoint *ep = e->bucket[b]; ep; ep = ep->next) {
			enum endpoint_state state = endpoint_state(ep);

			out->local += ep->pod;
			out->armed += state == ENDPOINT_ARMED;
			out->waiting += state == ENDPOINT_NO_INTERFACE || state == ENDPOINT_NO_POD;
			out->refused += state == ENDPOINT_REFUSED;
		}
	}
}
