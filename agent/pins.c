// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "agent/datapath_inside.h"
#include "lib/log.h"

#ifndef BPF_FS_MAGIC
#define BPF_FS_MAGIC 0xcafe4a11
#endif

#define LOCK_WAIT_MS 2000	/* a killed agent holds its lock until the kernel has taken it apart */
#define LINK_PREFIX "link-"

int pins_path(const struct datapath *dp, const char *name, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/%s", dp->pins, name);

	return n > 0 && n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Is the nearest directory above 'dir' that exists a bpffs? */
static bool on_bpffs(const char *dir)
{
	char path[PATH_MAX];
	struct statfs fs;

	snprintf(path, sizeof(path), "%s", dir);
	while (statfs(path, &fs)) {
		char *slash = strrchr(path, '/');

		if (errno != ENOENT || !slash)
			return false;
		slash[slash == path] = '\0';
	}
	return (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

static int make_directories(const char *dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", dir);
	for (char *p = path + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			return -errno;
	}
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

int pins_lock(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB); waited += 20) {
		int err = -errno;

		if (err != -EWOULDBLOCK || waited >= LOCK_WAIT_MS) {
			close(fd);
			return err == -EWOULDBLOCK ? -EBUSY : err;
		}
		nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000000 }, NULL);
	}
	return fd;
}

static bool is_link(const char *name)
{
	return !strncmp(name, LINK_PREFIX, strlen(LINK_PREFIX));
}

/* Pins without control: an agent was killed while it installed, and nothing is attached yet.  Links beside them
 * would say otherwise: then somebody took control away, and it is not ours to open the wall. */
static int clear_half(const struct datapath *dp, struct complaint *why)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *d = opendir(dp->pins);
	int err = 0;

	if (!d)
		return -errno;
	while (!err && (e = readdir(d)))
		if (is_link(e->d_name)) {
			complaint_set(why, 0, 0, "cannot adopt '%s': it has links, but the map 'control' is gone (remove all of it: weir uninstall)",
				      dp->pins);
			err = -EUCLEAN;
		}
	rewinddir(d);
	while (!err && (e = readdir(d)))
		if (e->d_name[0] != '.' && !pins_path(dp, e->d_name, path) && unlink(path) && errno != EISDIR && errno != EPERM)
			err = -errno;
	closedir(d);
	return err;
}

int pins_open(struct datapath *dp, const char *dir, struct complaint *why)
{
	int err;

	if (!on_bpffs(dir)) {
		complaint_set(why, 0, 0, "cannot pin in '%s': it is on no BPF file system (mount -t bpf bpf /sys/fs/bpf)", dir);
		return -ENODEV;
	}
	if (snprintf(dp->pins, sizeof(dp->pins), "%s/%d", dir, WEIR_ABI) >= (int)sizeof(dp->pins) - 64) {
		complaint_set(why, 0, 0, "cannot pin in '%s': the name is too long", dir);
		return -ENAMETOOLONG;
	}
	err = make_directories(dp->pins);
	if (!err) {
		dp->lock = pins_lock(dp->pins);
		err = dp->lock < 0 ? dp->lock : 0;
	}
	if (err == -EBUSY)
		complaint_set(why, 0, 0, "cannot use '%s': another weir-agent does (one agent for each directory of pins)", dp->pins);
	else if (err)
		complaint_set(why, 0, 0, "cannot make '%s': %s", dp->pins, strerror(-err));
	if (!err && !pins_installed(dp))
		err = clear_half(dp, why);
	return err;
}

bool pins_installed(const struct datapath *dp)
{
	char path[PATH_MAX];

	return !pins_path(dp, datapath_map_name[MAP_CONTROL], path) && !access(path, F_OK);
}

/* Maps that follow the number of buckets keep what they had; everything else must be as this object wants it. */
static bool follows_buckets(enum map_id id)
{
	return id == MAP_FLOWS || id == MAP_NOTES;
}

static int shape_complaint(struct complaint *why, const struct datapath *dp, enum map_id id, const char *what,
			   unsigned long has, unsigned long wants)
{
	complaint_set(why, 0, 0, "cannot adopt '%s/%s': its %s is %lu, not %lu: made by a weir of another build (remove all of it: weir uninstall)",
		      dp->pins, datapath_map_name[id], what, has, wants);
	return -EUCLEAN;
}

static int shape_check(const struct datapath *dp, enum map_id id, int fd, struct bpf_map_info *info,
		       struct complaint *why)
{
	const struct bpf_map *m = dp->map[id].map;
	__u32 size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	if (bpf_obj_get_info_by_fd(fd, info, &size)) {
		complaint_set(why, 0, 0, "cannot ask about '%s/%s': %s", dp->pins, datapath_map_name[id], strerror(errno));
		return -errno;
	}
	if (!m)
		return 0;
	if (info->type != bpf_map__type(m))
		return shape_complaint(why, dp, id, "type", info->type, bpf_map__type(m));
	if (info->key_size != bpf_map__key_size(m))
		return shape_complaint(why, dp, id, "key size", info->key_size, bpf_map__key_size(m));
	if (info->value_size != bpf_map__value_size(m))
		return shape_complaint(why, dp, id, "value size", info->value_size, bpf_map__value_size(m));
	if (!follows_buckets(id) && info->max_entries != bpf_map__max_entries(m))
		return shape_complaint(why, dp, id, "number of entries", info->max_entries, bpf_map__max_entries(m));
	return 0;
}

static int adopt_one(struct datapath *dp, enum map_id id, struct complaint *why)
{
	struct bpf_map_info info;
	char path[PATH_MAX];
	int fd, err;

	if (pins_path(dp, datapath_map_name[id], path))
		return -ENAMETOOLONG;
	fd = bpf_obj_get(path);
	if (fd < 0 && errno == ENOENT && id == MAP_NOTES)
		return 0;			/* the agent's own: names are lost, flows are not */
	if (fd < 0) {
		err = -errno;
		complaint_set(why, 0, 0, "cannot adopt '%s': %s (remove all of it: weir uninstall)", path, strerror(-err));
		return err;
	}
	err = shape_check(dp, id, fd, &info, why);
	if (!err && id == MAP_FLOWS && (!info.max_entries || info.max_entries & (info.max_entries - 1)))
		err = shape_complaint(why, dp, id, "number of buckets", info.max_entries, WEIR_BUCKETS);
	if (!err && id == MAP_FLOWS)
		dp->view.buckets = info.max_entries;
	if (err || id == MAP_NOTES) {
		bool fits = info.value_size == sizeof(struct weir_note) && 
			    info.max_entries == dp->view.buckets * WEIR_WAYS + WEIR_LEDGER_NOTES;

		if (!err && fits)
			dp->map[id].fd = fd;
		else
			close(fd);
		if (!err && !fits)
			unlink(path);		/* another build's: made anew */
		return err;
	}
	err = bpf_map__reuse_fd(dp->map[id].map, fd);	/* takes a descriptor of its own */
	close(fd);
	if (err)
		complaint_set(why, 0, 0, "cannot adopt '%s': %s", path, strerror(-err));
	return err;
}

int pins_adopt(struct datapath *dp, struct complaint *why)
{
	int err = 0;

	for (int id = 0; id < MAP_COUNT && !err; id++)
		err = adopt_one(dp, id, why);
	return err;
}

int pins_write(struct datapath *dp, struct complaint *why)
{
	for (int id = 0; id < MAP_COUNT; id++) {
		char path[PATH_MAX];
		int err = pins_path(dp, datapath_map_name[id], path);

		if (!err && bpf_obj_pin(dp->map[id].fd, path) && errno != EEXIST)
			err = -errno;
		if (err) {
			complaint_set(why, 0, 0, "cannot pin '%s': %s", path, strerror(-err));
			return err;
		}
	}
	return 0;
}

void pins_undo(struct datapath *dp)
{
	char path[PATH_MAX];

	for (int id = MAP_COUNT; id-- > 0;)	/* control first: what is left then is a half */
		if (!pins_path(dp, datapath_map_name[id], path))
			unlink(path);
	rmdir(dp->pins);
}

void pins_close(struct datapath *dp)
{
	if (dp->lock >= 0)
		close(dp->lock);
	dp->lock = -1;
}

/* One ABI's directory: links first, so that nothing runs without its maps' names. */
static int remove_abi(const char *dir)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *d = opendir(dir);

	if (!d)
		return -errno;
	for (int links = 1; links >= 0; links--) {
		rewinddir(d);
		while ((e = readdir(d)))
			if (e->d_name[0] != '.' && is_link(e->d_name) == links &&
			    snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) < (int)sizeof(path) && unlink(path))
				rmdir(path);	/* a mark that a qdisc is ours */
	}
	closedir(d);
	return rmdir(dir) ? -errno : 0;
}

static bool is_number(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == '\0';
}

int datapath_remove(const char *dir, struct complaint *why)
{
	char path[PATH_MAX];
	struct dirent *e;
	int err = 0;
	DIR *d;

	dir = dir ? dir : DATAPATH_DIR;
	d = opendir(dir);
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while ((e = readdir(d))) {
		int fd, one;

		if (!is_number(e->d_name) || snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= (int)sizeof(path))
			continue;
		fd = pins_lock(path);
		one = fd < 0 ? fd : remove_abi(path);
		if (fd >= 0)
			close(fd);
		if (one && !err) {
			err = one;
			complaint_set(why, 0, 0, "cannot remove '%s': %s", path,
				      one == -EBUSY ? "an agent runs there (stop it first)" : strerror(-one));
		}
	}
	closedir(d);
	if (!err)
		rmdir(dir);		/* not empty: then it holds what is not ours */
	return err;
}
