// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/rtnl.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif
#define EVENTS_ROOM (1 << 20)	/* a node's pods may all come at once */
#define ANSWER_SIZE (32 << 10)	/* the kernel fills at most so much in one go */

static void *append(struct rtnl_message *m, size_t size)
{
	size_t at = NLMSG_ALIGN(m->head.nlmsg_len), end = at + NLMSG_ALIGN(size);

	if (m->too_big || end > sizeof(m->room)) {
		m->too_big = true;
		return NULL;
	}
	memset(m->room + at, 0, end - at);
	m->head.nlmsg_len = end;
	return m->room + at;
}

void rtnl_begin(struct rtnl_message *m, int type, int flags, const void *header, size_t size)
{
	memset(m, 0, sizeof(*m));
	m->head.nlmsg_len = NLMSG_HDRLEN;
	m->head.nlmsg_type = type;
	m->head.nlmsg_flags = NLM_F_REQUEST | flags;
	rtnl_header(m, header, size);
}

void rtnl_header(struct rtnl_message *m, const void *header, size_t size)
{
	void *at = append(m, size);

	if (at)
		memcpy(at, header, size);
}

void rtnl_put(struct rtnl_message *m, int type, const void *data, size_t size)
{
	struct rtattr *a = append(m, RTA_LENGTH(size));

	if (!a)
		return;
	a->rta_type = type;
	a->rta_len = RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(a), data, size);
}

void rtnl_text(struct rtnl_message *m, int type, const char *text)
{
	rtnl_put(m, type, text, strlen(text) + 1);
}

void rtnl_u32(struct rtnl_message *m, int type, uint32_t value)
{
	rtnl_put(m, type, &value, sizeof(value));
}

size_t rtnl_nest(struct rtnl_message *m, int type)
{
	size_t nest = m->head.nlmsg_len;

	rtnl_put(m, type, NULL, 0);
	return nest;
}

void rtnl_nest_end(struct rtnl_message *m, size_t nest)
{
	struct rtattr *a = (struct rtattr *)(m->room + nest);

	if (!m->too_big)
		a->rta_len = m->head.nlmsg_len - nest;
}

int rtnl_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));	/* 4.20 */
	return fd;
}

int rtnl_listen(unsigned int groups)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = rtnl_open(), room = EVENTS_ROOM;

	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (bind(fd, (struct sockaddr *)&to, sizeof(to))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int rtnl_events(int fd, rtnl_fn each, void *ctx)
{
	char buf[ANSWER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	int result = 0;

	for (;;) {
		ssize_t got = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		int n = got;

		if (got < 0 && (errno == EINTR || errno == ENOBUFS)) {
			result = errno == ENOBUFS ? -ENOBUFS : result;
			continue;
		}
		if (got < 0)
			return errno == EAGAIN ? result : -errno;
		for (struct nlmsghdr *h = (struct nlmsghdr *)buf; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n))
			each(ctx, h);
	}
}

/* Read answers up to the acknowledgement, or the end of a dump. */
static int answers(int fd, rtnl_fn each, void *ctx)
{
	char buf[ANSWER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	int result = 0;

	for (;;) {
		ssize_t got = recv(fd, buf, sizeof(buf), 0);
		int n = got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		for (struct nlmsghdr *h = (struct nlmsghdr *)buf; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type == NLMSG_ERROR) {
				const struct nlmsgerr *e = NLMSG_DATA(h);

				return e->error ? e->error : result;
			}
			if (h->nlmsg_type == NLMSG_DONE)
				return result;
			if (each && !result)
				result = each(ctx, h);
		}
	}
}

int rtnl_ask(int fd, struct rtnl_message *m, rtnl_fn each, void *ctx)
{
	if (m->too_big)
		return -EMSGSIZE;
	/* a dump ends by itself; in other requests the same bits mean replace and exclusive */
	if ((m->head.nlmsg_type & 3) != 2 || !(m->head.nlmsg_flags & NLM_F_DUMP))
		m->head.nlmsg_flags |= NLM_F_ACK;
	if (send(fd, m, m->head.nlmsg_len, 0) < 0)
		return -errno;
	return answers(fd, each, ctx);
}

int rtnl_once(struct rtnl_message *m, rtnl_fn each, void *ctx)
{
	int fd = rtnl_open(), err;

	if (fd < 0)
		return fd;
	err = rtnl_ask(fd, m, each, ctx);
	close(fd);
	return err;
}

static void collect(const struct rtattr *at, int size, const struct rtattr **a, unsigned int max)
{
	memset(a, 0, max * sizeof(*a));
	for (; RTA_OK(at, size); at = RTA_NEXT(at, size)) {
		unsigned int type = at->rta_type & NLA_TYPE_MASK;

		if (type < max)
			a[type] = at;
	}
}

void rtnl_attributes(const struct nlmsghdr *answer, size_t header, const struct rtattr **a, unsigned int max)
{
	const char *first = (const char *)answer + NLMSG_SPACE(header);

	collect((const void *)first, (int)answer->nlmsg_len - (int)NLMSG_SPACE(header), a, max);
}

void rtnl_nested(const struct rtattr *nest, const struct rtattr **a, unsigned int max)
{
	collect(RTA_DATA(nest), RTA_PAYLOAD(nest), a, max);
}

const struct rtattr *rtnl_attribute(const struct nlmsghdr *answer, size_t header, int type)
{
	int n = answer->nlmsg_len - NLMSG_SPACE(header);
	const struct rtattr *a = (const void *)((const char *)answer + NLMSG_SPACE(header));

	for (; RTA_OK(a, n); a = RTA_NEXT(a, n))
		if ((a->rta_type & NLA_TYPE_MASK) == type)
			return a;
	return NULL;
}
