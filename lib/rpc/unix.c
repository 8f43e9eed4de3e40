// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/rpc/listen.h"
#include "lib/rpc/unix.h"

/* The lock is on the file that has the name now: one that was removed meanwhile is nobody's. */
static int take_lock(const char *path)
{
	for (;;) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		struct stat ours, there;

		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			int err = errno == EWOULDBLOCK ? -EADDRINUSE : -errno;

			close(fd);
			return err;
		}
		if (fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino &&
		    ours.st_dev == there.st_dev)
			return fd;
		close(fd);
	}
}

/* What lies there is removed only if it is a socket: whoever it was does not hold the lock. */
static int clear_path(const char *path)
{
	struct stat there;

	if (lstat(path, &there) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(there.st_mode))
		return -EEXIST;
	return unlink(path) < 0 ? -errno : 0;
}

/* Closed to all until owner and mode are what they should be. */
static int bind_at(const struct rpc_unix *u, mode_t mode)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -errno;
	strcpy(at.sun_path, u->path);
	err = fchmod(fd, 0) < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
	if (!err && ((u->group && chown(u->path, -1, u->group) < 0) || chmod(u->path, mode) < 0 || listen(fd, 1024) < 0)) {
		err = -errno;
		unlink(u->path);
	}
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int copy_rules(const struct rpc_unix *u, struct door_rules *to)
{
	to->unix_peer = true;
	to->mode = u->mode ?: 0600;
	to->group = u->group ?: getegid();
	to->path = strdup(u->path);
	to->n_uids = u->n_uids;
	to->uids = calloc(u->n_uids + 1, sizeof(*to->uids));
	if (asprintf(&to->lock_path, "%s.lock", u->path) < 0)
		to->lock_path = NULL;
	if (!to->path || !to->lock_path || !to->uids)
		return -ENOMEM;
	if (u->n_uids)
		memcpy(to->uids, u->uids, u->n_uids * sizeof(*to->uids));
	return 0;
}

static void say(struct complaint *why, const char *path, int err)
{
	complaint_set(why, 0, 0, "cannot listen on '%s': %s", path,
		      err == -EADDRINUSE ? "another server has it" :
		      err == -EEXIST ? "what is there is no socket" :
		      err == -ENAMETOOLONG ? "the path is too long for a socket (107 bytes)" : strerror(-err));
}

int rpc_unix_listen(struct rpc_server *s, const struct rpc_unix *u, struct complaint *why)
{
	struct door_rules rules = { .lock = -1 };
	struct sockaddr_un at;
	struct door *door;
	int fd = -1, err;

	err = !*u->path || strlen(u->path) >= sizeof(at.sun_path) ? -ENAMETOOLONG : copy_rules(u, &rules);
	if (!err)
		err = server_door(s, &door);
	if (!err) {
		rules.lock = take_lock(rules.lock_path);
		err = rules.lock < 0 ? rules.lock : clear_path(u->path);
	}
	if (!err) {
		fd = bind_at(u, rules.mode);
		err = fd < 0 ? fd : 0;
	}
	if (!err)
		return door_add(door, fd, &rules);
	if (rules.lock >= 0) {
		unlink(rules.lock_path);
		close(rules.lock);
	}
	free(rules.path);
	free(rules.lock_path);
	free(rules.uids);
	say(why, u->path, err);
	return err;
}
