// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/rpc/door_who.h"
#include "lib/rpc/seldom.h"

static bool in_group(int fd, gid_t group)
{
	gid_t groups[256];
	socklen_t size = sizeof(groups);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
		return false;
	for (unsigned int i = 0; i < size / sizeof(*groups); i++)
		if (groups[i] == group)
			return true;
	return false;
}

static bool may_enter(int fd, const struct ucred *who, const struct door_rules *rules)
{
	if (who->uid == 0 || who->uid == geteuid() || rules->mode & 02)
		return true;
	if (rules->mode & 020 && (who->gid == rules->group || in_group(fd, rules->group)))
		return true;
	for (unsigned int i = 0; i < rules->n_uids; i++)
		if (rules->uids[i] == who->uid)
			return true;
	return false;
}

bool guest_of_socket(int fd, const struct door_rules *rules, struct rpc_peer *to)
{
	static struct seldom said;
	struct ucred who;
	socklen_t size = sizeof(who);
	char more[SELDOM_MORE];

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		return false;
	to->kind = RPC_PEER_UNIX;
	to->uid = who.uid;
	to->gid = who.gid;
	to->pid = who.pid;
	snprintf(to->address, sizeof(to->address), "unix:%d", who.pid);
	if (may_enter(fd, &who, rules))
		return true;
	if (seldom(&said, more))
		log_warn("process %d of user %u may not use '%s'%s", who.pid, who.uid, rules->path,
			 more);
	return false;
}

bool guest_of_network(int fd, struct rpc_peer *to)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	char text[INET6_ADDRSTRLEN];
	int on = 1;

	if (getpeername(fd, (struct sockaddr *)&from, &size) < 0)
		return false;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	to->kind = RPC_PEER_PLAIN;
	if (from.ss_family == AF_INET) {
		struct sockaddr_in a;

		memcpy(&a, &from, sizeof(a));
		inet_ntop(AF_INET, &a.sin_addr, text, sizeof(text));
		snprintf(to->address, sizeof(to->address), "%s:%u", text, ntohs(a.sin_port));
	} else {
		struct sockaddr_in6 a;

		memcpy(&a, &from, sizeof(a));
		if (IN6_IS_ADDR_V4MAPPED(&a.sin6_addr))
			inet_ntop(AF_INET, a.sin6_addr.s6_addr + 12, text, sizeof(text));
		else
			inet_ntop(AF_INET6, &a.sin6_addr, text, sizeof(text));
		snprintf(to->address, sizeof(to->address), strchr(text, ':') ? "[%s]:%u" : "%s:%u", text, ntohs(a.sin6_port));
	}
	return true;
}
