/* SPDX-License-Identifier: Apache-2.0 */
/* The page's own structures: page.c routes and admits, page_sign.c signs in, page_ask.c asks gRPC, page_map.c builds, page_flows.c
 * streams. */
#ifndef WEIR_RELAY_PAGE_INSIDE_H
#define WEIR_RELAY_PAGE_INSIDE_H

#include <protobuf-c/protobuf-c.h>

#include "lib/http/http.h"
#include "lib/json_write.h"
#include "lib/rpc/client.h"
#include "relay/feed.h"
#include "relay/page.h"
#include "relay/past.h"
#include "relay/relay.h"

#define PAGE_ASKING 64			/* answers under way at once */
#define PAGE_STREAMS 32			/* of flows */

struct page {
	struct relay *relay;		/* not ours */
	struct http *http;
	const char *host[OPT_LIST_MAX + 1];	/* names that are ours, to the NULL */
	unsigned int asking, streams;	/* main thread */
	struct page_flow *flow;		/* main thread: answers that are streams */
	struct loop_timer beat;
	struct feeds *feeds;

	/* gRPC's thread */
	struct rpc_channel *self;	/* to the relay's own server */
	struct past *past;
	struct rpc_timer tick;
	uint64_t ticked;		/* milliseconds */
	bool stopped;
	struct page_call *call;		/* calls under way */
};

/* An answer to be: made on the main thread, filled on gRPC's, sent from the main one again. */
struct page_answer {
	struct page *page;
	struct http_ask *ask;		/* NULL: the client has left */
	unsigned int status;		/* 0: 200 */
	char *body;
	size_t size;
	bool gzip, tagged;		/* tagged: an ETag of the body, so that who has it is told so */
};

/* page.c */
void page_refuse(struct http_ask *ask, unsigned int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
void page_answer_send(struct page_answer *a);	/* main thread; 'a' stays the caller's */
void page_later(struct page_answer *a, struct page *p, struct http_ask *ask);

/* page_ask.c: one unary call, its answer as JSON. */
struct page_unary {
	const char *path;
	const ProtobufCMessageDescriptor *answer;
	const char *key;		/* of the answer in the object that is sent */
};
void page_unary(struct page *p, struct http_ask *ask, const struct page_unary *how, const ProtobufCMessage *request);
void page_unary_stop(struct page *p);
void page_whole(struct page *p, struct json_out *j);	/* gRPC's thread: the member "complete" */

/* page_sign.c */
int page_sign_routes(struct page *p);

/* page_complete.c */
void page_complete(void *page, struct http_ask *ask);

/* page_map.c */
void page_map(void *page, struct http_ask *ask);
void page_strip(void *page, struct http_ask *ask);
void page_ticked(void *page);

/* page_flows.c */
void page_flows(void *page, struct http_ask *ask);
void page_flows_news(void *ctx);	/* feeds_options.news */

#endif
