// SPDX-License-Identifier: Apache-2.0
/*
 * Programs that an earlier agent of the same build has loaded: taken as they are.  The verifier takes half a second for
 * each of the two that packets meet; an agent that is started again must not wait for it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/datapath_inside.h"
#include "bpf/weir.skel.h"

#define PREFIX "prog-"
#define MAPS_MOST 64

static const char *const name[PROG_COUNT] = { [PROG_FROM_POD] = "from_pod", [PROG_TO_POD] = "to_pod",
					      [PROG_EXPIRE] = "expire", [PROG_CLOCK] = "clock" };

/* Which build: nothing is set in the object between reading and loading it, so its bytes say all. */
static unsigned long long build(void)
{
	unsigned long long h = 14695981039346656037ULL;
	const unsigned char *p;
	size_t size;

	p = weir_bpf__elf_bytes(&size);
	for (size_t i = 0; i < size; i++)
		h = (h ^ p[i]) * 1099511628211ULL;
	return h;
}

static int pin_path(const struct datapath *dp, enum prog_id id, char path[PATH_MAX])
{
	char file[64];

	snprintf(file, sizeof(file), PREFIX "%s-%016llx", name[id], build());
	return pins_path(dp, file, path);
}

/* The object's constants are in a map of their own, which the build says all about. */
static bool is_constants(__u32 map)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	int fd = bpf_map_get_fd_by_id(map);
	bool is = fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) && strstr(info.name, ".rodata");

	if (fd >= 0)
		close(fd);
	return is;
}

static bool is_ours(const struct datapath *dp, __u32 map)
{
	for (int id = 0; id < MAP_COUNT; id++) {
		struct bpf_map_info info = { 0 };
		__u32 size = sizeof(info);

		if (dp->map[id].fd >= 0 && !bpf_obj_get_info_by_fd(dp->map[id].fd, &info, &size) && info.id == map)
			return true;
	}
	return false;
}

/* The maps it stands on are those that were adopted, all of them. */
static bool stands_on_ours(const struct datapath *dp, int fd)
{
	__u32 map[MAPS_MOST], size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .nr_map_ids = MAPS_MOST, .map_ids = (unsigned long)map };

	if (bpf_obj_get_info_by_fd(fd, &info, &size) || info.nr_map_ids > MAPS_MOST)
		return false;
	for (__u32 i = 0; i < info.nr_map_ids; i++)
		if (!is_ours(dp, map[i]) && !is_constants(map[i]))
			return false;
	return true;
}

bool load_kept(struct datapath *dp)
{
	char path[PATH_MAX];
	int id;

	for (id = 0; id < PROG_COUNT; id++) {
		dp->prog[id] = pin_path(dp, id, path) ? -1 : bpf_obj_get(path);
		if (dp->prog[id] < 0 || !stands_on_ours(dp, dp->prog[id]))
			break;
	}
	dp->kept = true;
	if (id < PROG_COUNT)
		load_drop_kept(dp);
	return id == PROG_COUNT;
}

void load_drop_kept(struct datapath *dp)
{
	for (int id = 0; dp->kept && id < PROG_COUNT; id++) {
		if (dp->prog[id] >= 0)
			close(dp->prog[id]);
		dp->prog[id] = -1;
	}
	dp->kept = false;
}

/* Those of other builds go: nobody will ask for them. */
static void remove_others(const struct datapath *dp)
{
	char path[PATH_MAX], ours[24];
	struct dirent *e;
	DIR *d = opendir(dp->pins);

	snprintf(ours, sizeof(ours), "-%016llx", build());
	while (d && (e = readdir(d)))
		if (!strncmp(e->d_name, PREFIX, strlen(PREFIX)) && !strstr(e->d_name, ours) && !pins_path(dp, e->d_name, path))
			unlink(path);
	if (d)
		closedir(d);
}

void load_keep(struct datapath *dp)
{
	char path[PATH_MAX];

	if (dp->kept)
		return;
	for (int id = 0; id < PROG_COUNT; id++) {
		if (pin_path(dp, id, path))
			return;
		unlink(path);		/* one that stands on other maps */
		bpf_obj_pin(dp->prog[id], path);	/* without it the next start takes a second: nothing worse */
	}
	remove_others(dp);
}
