// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/datapath_inside.h"
#include "bpf/weir.skel.h"
#include "lib/log.h"

#define OLDEST_MAJOR 5
#define OLDEST_MINOR 15
#define LOAD_ATTEMPTS 200
#define BTF_FILE "/sys/kernel/btf/vmlinux"
#define LOCKDOWN_FILE "/sys/kernel/security/lockdown"

static __u64 capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data))
		return 0;
	return (__u64)data[1].effective << 32 | data[0].effective;
}

static int allowed_capabilities(struct complaint *why)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} need[] = { { CAP_BPF, "CAP_BPF" }, { CAP_PERFMON, "CAP_PERFMON" }, { CAP_NET_ADMIN, "CAP_NET_ADMIN" } };
	__u64 have = capabilities();
	char missing[64] = "";

	if (have >> CAP_SYS_ADMIN & 1)
		have |= 1ULL << CAP_BPF | 1ULL << CAP_PERFMON;
	for (unsigned int i = 0; i < sizeof(need) / sizeof(*need); i++)
		if (!(have >> need[i].bit & 1)) {
			strcat(missing, *missing ? ", " : "");
			strcat(missing, need[i].name);
		}
	if (!*missing)
		return 0;
	complaint_set(why, 0, 0, "cannot load the BPF programs: not allowed, %s missing (run as root, or grant them)", missing);
	return -EPERM;
}

static int allowed_kernel(struct complaint *why)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return 0;		/* then loading will tell */
	if (major > OLDEST_MAJOR || (major == OLDEST_MAJOR && minor >= OLDEST_MINOR))
		return 0;
	complaint_set(why, 0, 0, "cannot load the BPF programs: this kernel is %s, the oldest that will do is %d.%d", name.release,
		      OLDEST_MAJOR, OLDEST_MINOR);
	return -ENOTSUP;
}

int load_allowed(struct complaint *why)
{
	int err = allowed_kernel(why) ?: allowed_capabilities(why);

	if (!err && access(BTF_FILE, F_OK)) {
		complaint_set(why, 0, 0, "cannot load the BPF programs: this kernel has no BTF (" BTF_FILE
			      "; use one built with CONFIG_DEBUG_INFO_BTF)");
		err = -ENOTSUP;
	}
	return err;
}

/* The table takes about a hundredth of a small node's memory, and grows with large ones. */
unsigned int load_buckets_by_memory(void)
{
	struct sysinfo s;
	__u64 mib;

	if (sysinfo(&s))
		return WEIR_BUCKETS;
	mib = (__u64)s.totalram * s.mem_unit >> 20;
	if (mib < 900)
		return WEIR_BUCKETS / 8;
	if (mib < 3600)
		return WEIR_BUCKETS / 2;
	if (mib < 64000)
		return WEIR_BUCKETS;
	return mib < 256000 ? WEIR_BUCKETS * 2 : WEIR_BUCKETS * 4;
}

/* libbpf speaks in several lines; people get one of ours, whoever asks for more gets these. */
static int on_print(enum libbpf_print_level level, const char *format, va_list args)
{
	char text[1024];
	size_t n;

	if (level == LIBBPF_DEBUG || !log_wants(LOG_LEVEL_DEBUG))
		return 0;
	vsnprintf(text, sizeof(text), format, args);
	n = strlen(text);
	if (n && text[n - 1] == '\n')
		text[n - 1] = '\0';
	log_debug("%s", text);
	return 0;
}

/* The kernel gives up verifying for whatever wants the thread: a stop, a freezer, a live patch.  libbpf tries again five times. */
static int patiently(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	opts->attempts = LOAD_ATTEMPTS;
	return 0;
}

static void be_patient(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, o, .prog_prepare_load_fn = patiently);
	static int handler;

	if (handler <= 0)
		handler = libbpf_register_prog_handler("tc", BPF_PROG_TYPE_SCHED_CLS, 0, &o);
}

/* Locked down so far, a kernel loads no program that reads its memory. */
static bool may_read_kernel(void)
{
	char words[128] = "";
	FILE *f = fopen(LOCKDOWN_FILE, "re");
	bool locked = f && fgets(words, sizeof(words), f) && strstr(words, "[confidentiality]");

	if (f)
		fclose(f);
	return !locked;
}

int load_open(struct datapath *dp, struct complaint *why)
{
	libbpf_set_print(on_print);
	be_patient();
	dp->skel = weir_bpf__open();
	if (!dp->skel) {
		complaint_set(why, 0, 0, "cannot open the BPF object: %s", strerror(errno));
		return -errno;
	}
	dp->skel->rodata->watch_offload = may_read_kernel();
	if (!dp->skel->rodata->watch_offload)
		log_warn("the kernel is locked down (confidentiality): checksums that a pod leaves to the card are not watched");
	for (int id = 0; id < MAP_COUNT; id++) {
		dp->map[id].map = id == MAP_CONTROL ? dp->skel->maps.data_control :
				  bpf_object__find_map_by_name(dp->skel->obj, datapath_map_name[id]);
		if (!dp->map[id].map && id != MAP_NOTES) {
			complaint_set(why, 0, 0, "the BPF object lacks the map '%s'", datapath_map_name[id]);
			return -ENOENT;
		}
	}
	return 0;
}

static void explain_load(int err, struct complaint *why)
{
	const char *hint = "";

	if (err == -EPERM)
		hint = " (a security module, or kernel.unprivileged_bpf_disabled; on kernels that limit it, ulimit -l unlimited)";
	else if (err == -ENOMEM || err == -E2BIG)
		hint = " (not enough memory for the maps: a smaller table, WEIR_BUCKETS)";
	else if (err == -EINVAL || err == -EACCES)
		hint = " (the kernel refuses the programs; --log debug tells why)";
	complaint_set(why, 0, 0, "cannot load the BPF programs: %s%s", strerror(-err), hint);
}

static int make_notes(struct datapath *dp, struct complaint *why)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	struct map_held *m = &dp->map[MAP_NOTES];

	if (m->fd >= 0)
		return 0;			/* adopted */
	m->fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "notes", sizeof(__u32), sizeof(struct weir_note),
			       dp->view.buckets * WEIR_WAYS + WEIR_LEDGER_NOTES, &opts);
	if (m->fd >= 0)
		return 0;
	complaint_set(why, 0, 0, "cannot make the map 'notes': %s", strerror(errno));
	return -errno;
}

static void take_maps(struct datapath *dp)
{
	for (int id = 0; id < MAP_COUNT; id++)
		if (dp->map[id].map)
			dp->map[id].fd = bpf_map__fd(dp->map[id].map);
}

static void take_programs(struct datapath *dp)
{
	dp->prog[PROG_FROM_POD] = bpf_program__fd(dp->skel->progs.from_pod);
	dp->prog[PROG_TO_POD] = bpf_program__fd(dp->skel->progs.to_pod);
	dp->prog[PROG_EXPIRE] = bpf_program__fd(dp->skel->progs.expire);
	dp->prog[PROG_CLOCK] = bpf_program__fd(dp->skel->progs.clock);
}

int load_finish(struct datapath *dp, struct complaint *why)
{
	int err = bpf_map__set_max_entries(dp->map[MAP_FLOWS].map, dp->view.buckets);

	if (err && !dp->adopted) {
		complaint_set(why, 0, 0, "cannot size the flow table: %s", strerror(-err));
		return err;
	}
	if (dp->adopted)
		take_maps(dp);
	if (!dp->adopted || !load_kept(dp)) {
		err = weir_bpf__load(dp->skel);
		if (err) {
			explain_load(err, why);
			return err;
		}
		take_maps(dp);
		take_programs(dp);
	}
	return make_notes(dp, why);
}

void load_close(struct datapath *dp)
{
	if (dp->map[MAP_NOTES].fd >= 0)
		close(dp->map[MAP_NOTES].fd);
	load_drop_kept(dp);
	weir_bpf__destroy(dp->skel);
}
