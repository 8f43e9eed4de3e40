/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page and the API behind it, by HTTP (docs/api.md).
 *
 *	page_open(&page, relay, &why);		relay->settings.page is given; before gRPC's thread runs
 *	page_stop(page);			gRPC's thread: no more timers, its calls are cancelled
 *	page_close(page);			that thread is gone, the loop is still there
 *
 * HTTP lives on the main thread.  Policies, why and status the page asks of the relay's own gRPC, by a socket of its own in the
 * data directory, so that nothing is decided or bounded twice; flows are read from feeds (relay/feed.h); map and strip are built
 * from relay/past.h on gRPC's thread.
 */
#ifndef WEIR_RELAY_PAGE_H
#define WEIR_RELAY_PAGE_H

#include <stdint.h>

#include "lib/complaint.h"

struct relay;
struct page;

int page_open(struct page **out, struct relay *relay, struct complaint *why);
/* edges_follow_whole(follow, page_node_told, page) */
void page_node_told(void *page, const char *node, uint64_t since);
void page_stop(struct page *p);
void page_close(struct page *p);	/* NULL is fine */

#endif
