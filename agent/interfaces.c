// SPDX-License-Identifier: Apache-2.0
/* Which interface is whose: handed over, by alias, by annotation, by address. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/endpoint_inside.h"
#include "lib/addr.h"
#include "lib/log.h"

#define ALIAS "weir:"
#define LOOK_MS 500			/* for interfaces of pods that have none; after LOOK_OFTEN times in vain, */
#define LOOK_SELDOM_MS 5000		/* this */
#define LOOK_OFTEN 20
#define ATTACH_WAIT_MS 10000		/* the longest that attaching may take before who asked is told */

static void on_link(void *ctx, const struct link_info *link);

static struct endpoint *by_ifindex(const struct endpoints *e, unsigned int ifindex)
{
	for (unsigned int b = 0; b < ENDPOINT_BUCKETS; b++)
		for (struct endpoint *ep = e->bucket[b]; ep; ep = ep->next)
			if (ep->ifindex == ifindex)
				return ep;
	return NULL;
}

static bool look_needed(const struct endpoints *e)
{
	for (unsigned int b = 0; b < ENDPOINT_BUCKETS; b++)
		for (struct endpoint *ep = e->bucket[b]; ep; ep = ep->next)
			if (ep->pod && !ep->ifindex)
				return true;
	return false;
}

static void on_look(void *ctx)
{
	struct endpoints *e = ctx;

	if (!e->links || !look_needed(e))
		return;
	links_each(e->links);
	if (look_needed(e))
		loop_after(e->with.loop, &e->look, e->looked++ < LOOK_OFTEN ? LOOK_MS : LOOK_SELDOM_MS, on_look, e);
}

void endpoints_look(struct endpoints *e, unsigned int ms)
{
	e->looked = 0;
	if (!e->with.handed_only)
		loop_after(e->with.loop, &e->look, ms, on_look, e);
}

/* What an earlier agent armed is that pod's interface still. */
static void adopt(struct endpoints *e)
{
	const struct datapath_view *view = datapath_view(e->with.datapath);

	for (unsigned int n = 1; n < WEIR_ENDPOINT_NODE; n++) {
		const char *ns, *name;
		struct endpoint *ep;

		if (!view->endpoint[n].ifindex || !book_get(e->book, n, &ns, &name))
			continue;
		ep = endpoint_find(e, ns, name);
		if (ep && ep->pod) {
			ep->before = view->endpoint[n].ifindex;
			memcpy(ep->mac, view->endpoint[n].mac, 6);
		}
	}
}

/* Hooks on interfaces that are nobody's any more. */
struct keeping {
	struct endpoints *e;
	unsigned int ifindex[WEIR_ENDPOINTS], stale[WEIR_ENDPOINTS], n, nstale;
};

static int keep_or_not(void *ctx, unsigned int ifindex, unsigned int number)
{
	struct keeping *k = ctx;

	if (by_ifindex(k->e, ifindex))
		k->ifindex[k->n++] = ifindex;
	else
		k->stale[k->nstale++] = ifindex;
	return k->n < WEIR_ENDPOINTS && k->nstale < WEIR_ENDPOINTS ? 0 : 1;
}

static void drop_stale(struct endpoints *e)
{
	struct keeping *k = calloc(1, sizeof(*k));

	if (!k)
		return;
	k->e = e;
	datapath_interfaces(e->with.datapath, keep_or_not, k);
	attach_keep(e->with.attach, k->ifindex, k->n);
	for (unsigned int i = 0; i < k->nstale; i++)
		datapath_interface_remove(e->with.datapath, k->stale[i]);
	free(k);
}

int endpoints_follow(struct endpoints *e)
{
	int err;

	if (datapath_adopted(e->with.datapath))
		adopt(e);
	err = links_open(&e->links, e->with.loop, on_link, e);
	if (!err)
		err = links_each(e->links);
	if (!err && datapath_adopted(e->with.datapath))
		drop_stale(e);
	endpoints_look(e, LOOK_MS);
	return err;
}

/* The pod's end of the veth, if nobody told. */
static void find_mac(struct endpoints *e, struct endpoint *ep, const struct link_info *link)
{
	static const __u8 none[6];
	struct link_peer peer;

	memcpy(ep->gateway, link->mac, 6);
	if (memcmp(ep->mac, none, 6))
		return;
	if (!links_peer(e->links, link, &peer)) {
		memcpy(ep->mac, peer.mac, 6);
		return;
	}
	for (unsigned int i = 0; i < ep->naddr; i++)
		if (!links_neighbour(e->links, link->ifindex, &ep->addr[i], ep->mac))
			return;
}

static void claim(struct endpoints *e, struct endpoint *ep, const struct link_info *link)
{
	struct endpoint *other = by_ifindex(e, link->ifindex);

	if (other && other != ep)
		endpoint_lose(e, other);
	if (ep->ifindex && ep->ifindex != link->ifindex)
		endpoint_lose(e, ep);
	ep->ifindex = link->ifindex;
	ep->via = link->master;
	snprintf(ep->ifname, sizeof(ep->ifname), "%s", link->name);
	find_mac(e, ep, link);
	endpoint_sync(e, ep);
}

void endpoint_lose(struct endpoints *e, struct endpoint *ep)
{
	static const struct weir_endpoint closed;

	if (ep->armed)
		datapath_arm(e->with.datapath, ep->number, &closed);
	if (!ep->pretended)
		attach_remove(e->with.attach, ep->ifindex);
	if (ep->mapped)
		datapath_interface_remove(e->with.datapath, ep->ifindex);
	ep->armed = ep->attached = ep->handed = ep->pretended = false;
	ep->ifindex = ep->mapped = ep->path = ep->via = 0;
	ep->attach_err = 0;
	memset(ep->mac, 0, sizeof(ep->mac));
	ep->ifname[0] = ep->path_why[0] = '\0';
}

/* The pod that an alias names. */
static struct endpoint *by_alias(struct endpoints *e, const char *alias)
{
	char ns[256], name[256];

	if (strncmp(alias, ALIAS, sizeof(ALIAS) - 1) ||
	    sscanf(alias + sizeof(ALIAS) - 1, "%255[^/]/%255[^/]", ns, name) != 2)
		return NULL;
	return endpoint_make(e, ns, name);
}

static bool has_address(const struct endpoint *ep, const struct link_peer *peer)
{
	for (unsigned int i = 0; i < ep->naddr; i++)
		for (unsigned int j = 0; j < peer->naddresses; j++)
			if (addr_equal(&ep->addr[i], &peer->address[j]))
				return true;
	return false;
}

/* Physical ones, loopback, and those that others are joined to or tunnelled by: guarded as a pod's, one of them cuts the
 * node off. */
static bool is_the_nodes(const struct link_info *link)
{
	static const char *const kind[] = { "", "bridge", "bond", "team", "vlan", "vrf", "vxlan", "geneve", "wireguard", "ipip",
					    "sit", "gre", "gretap", "ip6tnl", "ip6gre" };

	for (size_t i = 0; i < sizeof(kind) / sizeof(*kind); i++)
		if (!strcmp(link->kind, kind[i]))
			return true;
	return false;
}

/* The annotation may be a tenant's, or mean the name inside the pod. */
static bool is_wanted(struct endpoint *ep, const struct link_info *link)
{
	if (strcmp(ep->wanted, link->name))
		return false;
	if (!is_the_nodes(link))
		return true;
	if (!ep->amiss)
		log_warn("%s/%s: its annotation weir.dev/interface names '%s', which is the node's own: not taken", ENDPOINT_NS(ep),
			 ENDPOINT_NAME(ep), link->name);
	ep->amiss = true;
	return false;
}

/* A pod without an interface whose annotation, earlier arming or address says that this one is its. */
static struct endpoint *by_itself(struct endpoints *e, const struct link_info *link)
{
	struct link_peer peer;
	bool veth = !strcmp(link->kind, "veth") && look_needed(e) && !links_peer(e->links, link, &peer);

	for (unsigned int b = 0; b < ENDPOINT_BUCKETS; b++) {
		for (struct endpoint *ep = e->bucket[b]; ep; ep = ep->next) {
			if (!ep->pod || ep->ifindex)
				continue;
			if (is_wanted(ep, link) || ep->before == link->ifindex ||
			    (!ep->wanted[0] && veth && has_address(ep, &peer)))
				return ep;
		}
	}
	return NULL;
}

static void on_link(void *ctx, const struct link_info *link)
{
	struct endpoints *e = ctx;
	struct endpoint *ep = by_ifindex(e, link->ifindex);

	if (link->gone) {
		if (ep && !ep->pretended) {
			endpoint_lose(e, ep);
			if (ep->pod)
				endpoints_look(e, LOOK_MS);
			else
				endpoint_release(e, ep);
		}
		return;
	}
	if (ep) {
		if (ep->via != link->master) {
			ep->via = link->master;
			if (ep->armed)
				datapath_endpoint_via(e->with.datapath, ep->number, ep->via);
		}
		return;
	}
	if (e->with.handed_only)
		return;
	ep = by_alias(e, link->alias) ?: by_itself(e, link);
	if (ep && !ep->handed)
		claim(e, ep, link);
}

void endpoints_path(void *ctx, unsigned int ifindex, unsigned int flags, const char *why)
{
	struct endpoints *e = ctx;
	struct endpoint *ep = by_ifindex(e, ifindex);

	if (!ep)
		return;
	ep->path = flags;
	snprintf(ep->path_why, sizeof(ep->path_why), "%s", why);
	if (ep->armed)
		datapath_endpoint_flags(e->with.datapath, ep->number, endpoint_flags(ep));
}

static void answer(struct endpoints *e, struct endpoint_wait *w, int err, const char *why)
{
	struct endpoint *ep = w->ep;
	struct endpoint_wait **at = &ep->waiting;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	loop_cancel(e->with.loop, &w->timer);
	w->done(w->ctx, err, why, ep->number, ep->attach_us);
	free(w);
}

void endpoint_answer(struct endpoints *e, struct endpoint *ep)
{
	enum endpoint_state state = endpoint_state(ep);

	while (ep->waiting && state == ENDPOINT_ARMED)
		answer(e, ep->waiting, 0, "");
	while (ep->waiting && state == ENDPOINT_REFUSED)
		answer(e, ep->waiting, ep->attach_err ? ep->attach_err : -EAGAIN, endpoint_why(ep));
}

static void on_waited(void *ctx)
{
	struct endpoint_wait *w = ctx;
	struct endpoint *ep = w->ep;
	struct endpoints *e = ep->of;

	answer(e, w, -ETIMEDOUT, ep->pod ? "its interface could not be armed in time: see the log" :
	       "no pod of that name lives here: apply its manifest first, or ask with a longer wait");
	endpoint_release(e, ep);
}

/* Looks for an alias among the interfaces. */
struct seeking {
	const char *ns, *name;
	struct link_info found;
};

static void seek(void *ctx, const struct link_info *link)
{
	struct seeking *s = ctx;
	char alias[600];

	snprintf(alias, sizeof(alias), ALIAS "%s/%s", s->ns, s->name);
	if (!link->gone && !strcmp(link->alias, alias))
		s->found = *link;
}

static int find_link(struct endpoints *e, const struct endpoint_add *add, struct link_info *out, struct complaint *why)
{
	struct seeking s = { .ns = add->ns, .name = add->name };
	struct links *l;
	int err;

	if (add->interface[0]) {
		err = links_by_name(e->links, add->interface, out);
		if (err)
			complaint_set(why, 0, 0, "there is no interface '%s' here: %s", add->interface, strerror(-err));
		return err;
	}
	err = links_open(&l, e->with.loop, seek, &s);
	if (err)
		return err;
	err = links_each(l);
	links_close(l);
	if (!err && !s.found.ifindex)
		err = -ENODEV;
	if (err)
		complaint_set(why, 0, 0, "no interface here has the alias " ALIAS "%s/%s: %s", add->ns, add->name,
			      strerror(-err));
	*out = s.found;
	return err;
}

static int check_addresses(const struct endpoint *ep, const struct endpoint_add *add, struct complaint *why)
{
	char text[ADDR_TEXT_SIZE];

	for (unsigned int i = 0; ep->pod && i < add->naddr; i++) {
		unsigned int j = 0;

		while (j < ep->naddr && !addr_equal(&add->addr[i], &ep->addr[j]))
			j++;
		if (j == ep->naddr) {
			complaint_set(why, 0, 0, "%s is no address of %s/%s", addr_text(&add->addr[i], text), add->ns,
				      add->name);
			return -EINVAL;
		}
	}
	return 0;
}

static int wait_for(struct endpoints *e, struct endpoint *ep, const struct endpoint_add *add, endpoint_done_fn done,
		    void *ctx)
{
	struct endpoint_wait *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	*w = (struct endpoint_wait){ .next = ep->waiting, .ep = ep, .done = done, .ctx = ctx };
	ep->waiting = w;
	loop_after(e->with.loop, &w->timer, ep->pod ? ATTACH_WAIT_MS : add->wait_ms, on_waited, w);
	return 0;
}

int endpoints_add(struct endpoints *e, const struct endpoint_add *add, endpoint_done_fn done, void *ctx,
		  struct complaint *why)
{
	struct endpoint *ep = endpoint_make(e, add->ns, add->name);
	struct link_info link;
	int err = ep ? 0 : -ENOMEM;

	if (!err && !ep->pod && !add->wait_ms) {
		complaint_set(why, 0, 0, "no pod '%s/%s' lives here: apply its manifest first, or ask with a wait", add->ns,
			      add->name);
		err = -ENOENT;
	}
	if (!err)
		err = check_addresses(ep, add, why);
	if (!err)
		err = find_link(e, add, &link, why);
	if (!err)
		err = wait_for(e, ep, add, done, ctx);
	if (err) {
		if (ep)
			endpoint_release(e, ep);
		return err;
	}
	if (ep->pretended)
		endpoint_lose(e, ep);
	if (add->mac)
		memcpy(ep->mac, add->mac, 6);
	ep->attach_err = 0;
	ep->handed = true;
	claim(e, ep, &link);
	ep->handed = true;		/* claim() may have taken another away first */
	return 0;
}

void endpoints_remove(struct endpoints *e, const char *ns, const char *name)
{
	struct endpoint *ep = endpoint_find(e, ns, name);

	if (!ep || !ep->ifindex)
		return;
	endpoint_lose(e, ep);
	endpoint_release(e, ep);
}
