/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the kernel's rtnetlink: built in place, sent, answered.
 *
 *	struct ifinfomsg link = { .ifi_index = 3, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
 *	struct rtnl_message m;
 *
 *	rtnl_begin(&m, RTM_NEWLINK, 0, &link, sizeof(link));
 *	rtnl_text(&m, IFLA_IFALIAS, "weir:shop/web");
 *	err = rtnl_ask(fd, &m, NULL, NULL);		0, or what the kernel said
 *
 * A socket belongs to the namespace its opener was in, for good.  A message that outgrows its room is not sent:
 * rtnl_ask says -EMSGSIZE.
 */
#ifndef WEIR_LIB_RTNL_H
#define WEIR_LIB_RTNL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

struct rtnl_message {
	union {
		struct nlmsghdr head;
		char room[2048];
	};
	bool too_big;
};

void rtnl_begin(struct rtnl_message *m, int type, int flags, const void *header, size_t size);
void rtnl_put(struct rtnl_message *m, int type, const void *data, size_t size);
void rtnl_text(struct rtnl_message *m, int type, const char *text);
void rtnl_u32(struct rtnl_message *m, int type, uint32_t value);
size_t rtnl_nest(struct rtnl_message *m, int type);	/* attributes that follow are inside, */
void rtnl_nest_end(struct rtnl_message *m, size_t nest);	/* until here */
void rtnl_header(struct rtnl_message *m, const void *header, size_t size);	/* a bare header inside a nest */

int rtnl_open(void);		/* a descriptor, or -errno; dumps on it keep to what their header asks for */

/* One message of an answer; the first that is not 0 is what rtnl_ask() returns, once all have been read. */
typedef int (*rtnl_fn)(void *ctx, const struct nlmsghdr *answer);
int rtnl_ask(int fd, struct rtnl_message *m, rtnl_fn each, void *ctx);
int rtnl_once(struct rtnl_message *m, rtnl_fn each, void *ctx);	/* with a socket for this alone: any thread */

/* A socket that is told what changes (groups as RTMGRP_*), and what it was told, without waiting.  -ENOBUFS: the
 * kernel had to drop some. */
int rtnl_listen(unsigned int groups);
int rtnl_events(int fd, rtnl_fn each, void *ctx);

/* An attribute of an answer behind 'header' bytes, or NULL. */
const struct rtattr *rtnl_attribute(const struct nlmsghdr *answer, size_t header, int type);

/* All of them by number below 'max', NULL where there is none: of an answer, of a nest. */
void rtnl_attributes(const struct nlmsghdr *answer, size_t header, const struct rtattr **a, unsigned int max);
void rtnl_nested(const struct rtattr *nest, const struct rtattr **a, unsigned int max);

#endif
