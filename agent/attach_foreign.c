// SPDX-License-Identifier: Apache-2.0
/* Why an interface may not take part in redirect: what it is, and what others have put on it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/attach_inside.h"
#include "agent/clsact.h"
#include "agent/links.h"
#include "agent/tcx.h"

#define BOTH (WEIR_EP_REDIRECT_FROM | WEIR_EP_REDIRECT_TO)

static bool ours(const struct attach_look *look, __u32 id)
{
	return id == look->prog_id[0] || id == look->prog_id[1];
}

/* Programs of others at one direction of the tcx chain. */
static int foreign_programs(struct attach_look *look, bool egress)
{
	struct tcx_chain chain;
	int err = tcx_query(look->ifindex, egress, &chain);
	char name[16];

	if (err)
		return err;
	look->revision[egress] = chain.revision;
	for (unsigned int i = 0; i < chain.n; i++) {
		if (ours(look, chain.prog[i]))
			continue;
		tcx_prog_name(chain.prog[i], name);
		snprintf(look->why, sizeof(look->why), "a tcx program '%s' (id %u) on its %s", name, chain.prog[i],
			 egress ? "egress" : "ingress");
		return egress ? CLSACT_EGRESS : CLSACT_INGRESS;
	}
	return 0;
}

static int foreign(struct attach_look *look, const struct clsact_qdiscs *qdiscs)
{
	char text[sizeof(look->why)];
	int found = clsact_foreign(qdiscs, look->ifindex, text, sizeof(text));

	if (found < 0)
		return found;
	snprintf(look->why, sizeof(look->why), "%s", text);
	for (int egress = 0; look->tcx && egress < 2; egress++) {
		int programs = foreign_programs(look, egress);

		if (programs < 0)
			return programs;
		found |= programs;
	}
	return found;
}

/* Redirect skips what lies between two veths' host ends, so it is for those that weir's own made, and no others. */
static const char *unfit(const struct link_info *link, bool stack)
{
	if (stack)
		return "stack mode is set for this node";
	if (strcmp(link->kind, "veth"))
		return "it is no veth";
	if (link->peer_netnsid < 0)
		return "its other end is in the node's own namespace";
	if (link->master)
		return "it is a port of a bridge";
	if (strncmp(link->alias, "weir:", 5))
		return "it was made by others";
	return NULL;
}

void attach_look(struct attach_look *look, struct clsact_qdiscs **qdiscs)
{
	struct link_info link;
	const char *why;
	int found;

	look->flags = 0;
	look->why[0] = '\0';
	look->err = links_get(NULL, look->ifindex, &link);
	if (look->err)
		return;
	found = *qdiscs ? 0 : clsact_qdiscs_read(qdiscs);
	found = found ?: foreign(look, *qdiscs);
	why = unfit(&link, look->stack);
	if (found < 0) {
		look->err = found == -ENODEV ? found : 0;
		snprintf(look->why, sizeof(look->why), "what others have on it cannot be asked: %s", strerror(-found));
	} else if (why) {
		snprintf(look->why, sizeof(look->why), "%s", why);
	} else if (!found) {
		look->flags = BOTH;
	} else {
		look->flags = found & CLSACT_INGRESS ? 0 : WEIR_EP_REDIRECT_FROM;
	}
}

/* Each second, and cheap: has the chain changed since?  tcx tells nobody. */
bool attach_look_changed(const struct attach_look *look)
{
	for (int egress = 0; egress < 2; egress++) {
		struct tcx_chain chain;

		if (tcx_query(look->ifindex, egress, &chain))
			return true;
		if (chain.revision != look->revision[egress])
			return true;
	}
	return false;
}
