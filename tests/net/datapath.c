// SPDX-License-Identifier: Apache-2.0
/*
 * The datapath on the kernel that runs: loading, pins, adoption, what is refused and how; ops and what they cost.
 * Root.  Uses a bpffs of its own in a mount namespace of its own, so that nothing can be left behind.
 */
#include <errno.h>
#include <signal.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "agent/flows.h"
#include "agent/grace.h"
#include "lib/addr.h"
#include "tests/check.h"

#define KILLS 4

static char dir[128];

static double now_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static struct datapath *open_with(struct datapath_options o)
{
	struct datapath *dp = NULL;
	struct complaint why;
	int err = datapath_open(&dp, &o, &why);

	CHECK(!err, "opens: %s", why.text);
	return err ? NULL : dp;
}

static struct datapath *open_here(void)
{
	return open_with((struct datapath_options){ .dir = dir, .buckets = 1024 });
}

static void refused(const struct datapath_options *o, int want, const char *word, const char *row)
{
	struct complaint why;
	struct datapath *dp;
	int err = datapath_open(&dp, o, &why);

	CHECK_EQ(err, want, "%s: %s", row, why.text);
	CHECK(strstr(why.text, word), "%s: '%s' in '%s'", row, word, why.text);
	if (!err)
		datapath_close(dp);
}

static void sizes(void)
{
	struct datapath *dp = open_with((struct datapath_options){ .dir = "private", .buckets = WEIR_BUCKETS });
	struct datapath_map map[64];
	unsigned int n;

	if (!dp)
		return;
	n = datapath_maps(dp, map, 64);
	for (unsigned int i = 0; i < n; i++)
		printf("%-12s %8.1f KiB\n", map[i].name, map[i].bytes / 1024.0);
	printf("all maps     %8.2f MiB\n", datapath_bytes(dp) / 1048576.0);
	CHECK(datapath_bytes(dp) <= 72u << 20, "maps of the default size within 72 MiB");
	CHECK_EQ(datapath_view(dp)->control->quota, WEIR_BUCKETS * 7 / 4, "a quarter of the table");
	datapath_close(dp);
}

static unsigned long links_in(const char *d)
{
	struct stat s;

	return stat(d, &s) ? 0 : 1;
}

static __u32 program(const struct datapath *dp)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(datapath_prog_fd(dp, true), &info, &size) ? 0 : info.id;
}

static void adoption(void)
{
	struct datapath *dp = open_here();
	struct op word = { .kind = OP_WORD, .first = 7, .word = 0x1234 };
	struct op addr = { .kind = OP_ADDRESS, .first = 7, .prefix = { .length = 128, .addr = { .byte = { 1, 2 } } } };
	__u32 seed, prog;

	if (!dp)
		return;
	prog = program(dp);
	CHECK(!datapath_adopted(dp), "the first finds nothing");
	CHECK(!datapath_op(dp, &word) && !datapath_op(dp, &addr) && !datapath_flush(dp), "stored");
	CHECK_EQ(datapath_op(dp, &addr) ?: datapath_flush(dp), -EEXIST, "an entry is written once");
	datapath_raise(dp);
	datapath_interface_add(dp, 12, 5);
	datapath_view(dp)->note[3].first = 99;
	seed = datapath_view(dp)->control->seed[0];
	refused(&(struct datapath_options){ .dir = dir }, -EBUSY, "another weir-agent", "two agents on one directory");
	datapath_close(dp);

	dp = open_with((struct datapath_options){ .dir = dir, .buckets = 2048, .hairpin = true });
	if (!dp)
		return;
	CHECK(datapath_adopted(dp), "the second adopts");
	CHECK(prog && program(dp) == prog, "programs of the same build are taken as they are");
	CHECK_EQ(datapath_view(dp)->word[7], 0x1234, "words stay");
	CHECK_EQ(datapath_view(dp)->control->seed[0], seed, "seeds stay");
	CHECK_EQ(datapath_view(dp)->control->generation, 2, "the generation stays");
	CHECK_EQ(datapath_view(dp)->control->hairpin, 1, "switches follow the new agent");
	CHECK_EQ(datapath_view(dp)->buckets, 1024, "the table keeps its size");
	CHECK_EQ(datapath_view(dp)->note[3].first, 99, "notes stay");
	CHECK_EQ(datapath_interface_add(dp, 12, 6), -EEXIST, "an interface is another's");
	CHECK_EQ(datapath_interface_add(dp, 12, 5), 0, "and may be told twice");
	datapath_close(dp);
}

static void pin(const char *name, char *path)
{
	sprintf(path, "%s/%d/%s", dir, WEIR_ABI, name);
}

static void halves(void)
{
	char path[256], other[256];
	struct complaint why;
	struct datapath *dp;
	int fd;

	pin("control", path);
	CHECK(!unlink(path), "as if killed before the last pin");
	dp = open_here();
	CHECK(dp && !datapath_adopted(dp), "a half is cleared and made anew");
	CHECK(dp && datapath_view(dp)->word[7] == 0, "with nothing of the old");
	datapath_close(dp);

	pin("slots", path);
	CHECK(!unlink(path), "a pin taken away");
	refused(&(struct datapath_options){ .dir = dir }, -ENOENT, "slots", "a map that is missing");
	CHECK(links_in(dir), "what is there stays");

	pin("slots", other);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "slots", 4, 16, 1, NULL);
	CHECK(!bpf_obj_pin(fd, other), "a map of another shape in its place");
	close(fd);
	refused(&(struct datapath_options){ .dir = dir }, -EUCLEAN, "value size is 16, not 8", "a map of another shape");

	CHECK_EQ(datapath_remove(dir, &why), 0, "removed: %s", why.text);
	CHECK(!links_in(dir), "nothing is left");
	CHECK_EQ(datapath_remove(dir, &why), 0, "removing nothing is fine");
}

/* Whoever moves pins about: programs that stand on maps that are gone are not taken. */
static void foreign_programs(void)
{
	struct datapath *dp = open_here();
	char shell[512];
	__u32 old;

	if (!dp)
		return;
	old = program(dp);
	datapath_close(dp);
	snprintf(shell, sizeof(shell), "cd %s && mkdir kept && mv %d/prog-* kept/", dir, WEIR_ABI);
	CHECK(!system(shell) && !datapath_remove(dir, &(struct complaint){ 0 }), "all but the programs removed");
	dp = open_here();
	if (!dp)
		return;
	datapath_close(dp);
	snprintf(shell, sizeof(shell), "cd %s && rm %d/prog-* && mv kept/prog-* %d/ && rmdir kept", dir, WEIR_ABI, WEIR_ABI);
	CHECK(!system(shell), "old programs beside new maps");
	dp = open_here();
	if (!dp)
		return;
	CHECK(datapath_adopted(dp) && program(dp) && program(dp) != old, "they are not taken");
	datapath_close(dp);
	CHECK_EQ(datapath_remove(dir, &(struct complaint){ 0 }), 0, "removed");
}

/* Killed at any moment of its start, and the next one starts: anew, or by adopting what is whole. */
static void killed_while_starting(void)
{
	struct complaint why;
	double whole = now_ms(CLOCK_MONOTONIC);
	unsigned int adopted = 0, anew = 0;
	struct datapath *dp = open_here();

	datapath_close(dp);
	whole = now_ms(CLOCK_MONOTONIC) - whole;
	CHECK_EQ(datapath_remove(dir, &why), 0, "removed");
	for (int i = 0; i < KILLS; i++) {
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (!pid) {
			datapath_open(&dp, &(struct datapath_options){ .dir = dir, .buckets = 1024 }, &why);
			pause();
		}
		/* the last moments of a start are those in which pins come to be */
		usleep(whole * 1000 * (KILLS / 2 + i) / (KILLS * 5 / 4));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		dp = open_here();
		if (!dp)
			break;
		*(datapath_adopted(dp) ? &adopted : &anew) += 1;
		datapath_close(dp);
		CHECK_EQ(datapath_remove(dir, &why), 0, "removed");
		CHECK(!links_in(dir), "nothing is left");
	}
	printf("killed while starting: %u times anew, %u adopted; a start takes %.0f ms\n", anew, adopted, whole);
}

/* Stopped and continued over and over while its programs are verified, which makes the kernel give up each time: it starts all the same. */
static void stopped_while_starting(void)
{
	struct complaint why;
	struct datapath *dp;
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(datapath_open(&dp, &(struct datapath_options){ .dir = dir, .buckets = 1024 }, &why) ? 1 : 0);
	for (int i = 0; i < 40 && !waitpid(pid, &status, WNOHANG); i++) {
		usleep(20000);
		kill(pid, SIGSTOP);
		usleep(1000);
		kill(pid, SIGCONT);
	}
	if (status == -1)
		waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "stopped while starting, it starts: %d", status);
	CHECK_EQ(datapath_remove(dir, &why), 0, "removed");
}

/* Each entry once, whatever it takes to read them. */
struct tally {
	unsigned int n, wrong;
};

static int on_entry(void *ctx, const struct weir_prefix *p, unsigned int slot)
{
	struct tally *t = ctx;

	t->n++;
	t->wrong += (unsigned int)(p->addr.byte[13] << 16 | p->addr.byte[14] << 8 | p->addr.byte[15]) != slot;
	return 0;
}

static void read_back(struct datapath *dp, unsigned int addresses, unsigned int prefixes)
{
	struct tally a = { 0 }, p = { 0 };

	CHECK_EQ(datapath_addresses(dp, on_entry, &a), 0, "addresses read");
	CHECK_EQ(a.n, addresses, "each once");
	CHECK_EQ(a.wrong, 0, "with its slot");
	CHECK_EQ(datapath_prefixes(dp, on_entry, &p), 0, "prefixes read");
	CHECK_EQ(p.n, prefixes, "each once");
}

static void entries(void)
{
	struct datapath *dp = open_here();
	double t[5];
	struct op op = { 0 };

	if (!dp)
		return;
	for (int k = 0; k < 5; k++) {
		t[k] = now_ms(CLOCK_MONOTONIC);
		for (unsigned int i = 0; i < 10000; i++) {
			op.first = i;
			op.prefix = (struct weir_prefix){ .length = 128, .addr.byte = { [10] = 255, 255, 10, i >> 16, i >> 8, i } };
			op.word = i + k;
			op.kind = k == 0 || k == 2 ? OP_WORD : k == 1 ? OP_ADDRESS : k == 3 ? OP_PREFIX : OP_ADDRESS_GONE;
			if (k == 3)
				op.prefix.length = 127, op.prefix.addr.byte[11] = i & 1;
			if (datapath_op(dp, &op)) {
				CHECK(false, "entry %u of kind %d", i, k);
				break;
			}
		}
		datapath_flush(dp);
		t[k] = now_ms(CLOCK_MONOTONIC) - t[k];
		if (k == 3)
			read_back(dp, 10000, 10000);
	}
	read_back(dp, 0, 10000);
	printf("10,000 entries, ms: words %.3f, addresses %.2f, words again %.3f, prefixes %.2f, addresses gone %.2f\n",
	       t[0], t[1], t[2], t[3], t[4]);
	datapath_close(dp);
}

static void tell(struct datapath *dp, enum op_kind kind, unsigned int slot, const char *text, __u64 word)
{
	struct op op = { .kind = kind, .first = slot, .prefix.length = 128, .word = word };
	struct weir_addr a = { 0 };

	CHECK(!text || !addr_parse(text, &a), "'%s'", text);
	op.prefix.addr = a;
	CHECK(!datapath_op(dp, &op) && !datapath_flush(dp), "told of '%s'", text ? text : "a word");
}

/* What a pod has at hand of its own address is what the hash says, or nothing; by an earlier agent, too. */
static void own(void)
{
	struct datapath *dp = open_here();
	const struct weir_endpoint *e;
	struct weir_addr a;

	if (!dp || addr_parse("10.0.0.5", &a))
		return;
	e = datapath_view(dp)->endpoint;
	tell(dp, OP_WORD, 7, NULL, WEIR_WORD(1, 1, 5, WEIR_WORD_SET));
	tell(dp, OP_WORD, 8, NULL, WEIR_WORD(1, 1, 6, WEIR_WORD_SET | WEIR_WORD_GRANT));
	tell(dp, OP_WORD, 9, NULL, WEIR_WORD(1, 1, WEIR_ENDPOINT_NODE, WEIR_WORD_SET));
	tell(dp, OP_ADDRESS, 7, "fd00::5", 0);
	CHECK_EQ(e[5].own, 0, "an IPv6 address has no room");
	tell(dp, OP_ADDRESS, 7, "10.0.0.5", 0);
	CHECK(e[5].own == WEIR_OWN(&a, 7), "its address and slot");
	tell(dp, OP_ADDRESS, 8, "10.0.0.6", 0);
	tell(dp, OP_ADDRESS, 9, "10.0.0.7", 0);
	CHECK(!e[6].own && !e[WEIR_ENDPOINT_NODE].own, "what is granted, or the node's, is no pod's own");
	tell(dp, OP_ADDRESS_GONE, 8, "10.0.0.6", 0);
	CHECK(e[5].own == WEIR_OWN(&a, 7), "another's that goes is not its");
	datapath_close(dp);

	if (!(dp = open_here()))
		return;
	e = datapath_view(dp)->endpoint;
	CHECK(e[5].own == WEIR_OWN(&a, 7), "the next agent finds it");
	tell(dp, OP_ADDRESS_GONE, 7, "10.0.0.5", 0);
	CHECK_EQ(e[5].own, 0, "its own goes: taken back, though another agent told it");
	tell(dp, OP_ADDRESS, 7, "10.0.0.5", 0);
	((struct weir_endpoint *)e)[5].own = WEIR_OWN(&a, 8);
	((struct weir_endpoint *)e)[3].own = (__u64)1 << 32 | 7;
	datapath_close(dp);

	if (!(dp = open_here()))
		return;
	e = datapath_view(dp)->endpoint;
	CHECK(!e[5].own && !e[3].own, "what the hash does not say does not stand");
	tell(dp, OP_ADDRESS_GONE, 7, "10.0.0.5", 0);
	tell(dp, OP_ADDRESS, 7, "10.0.0.5", 0);
	datapath_disarm(dp, 5);
	CHECK_EQ(e[5].own, 0, "nor behind a pod that left");
	datapath_close(dp);
}

static void graces(void)
{
	double t0 = now_ms(CLOCK_MONOTONIC), t1;

	CHECK_EQ(grace_now(), 0, "a grace");
	t1 = now_ms(CLOCK_MONOTONIC);
	printf("grace by %s: %.1f ms\n", grace_method(), t1 - t0);
}

/* Where the kernel refuses membarrier: as under a tick-less CPU. */
static void no_membarrier(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(f) / sizeof(*f), f };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(3);
}

static void graces_without(void)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		no_membarrier();
		graces();
		fflush(stdout);
		_exit(check_failed || strcmp(grace_method(), "map of maps"));
	}
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "a grace without membarrier");
}

static void clocks(void)
{
	struct datapath *dp = open_with((struct datapath_options){ .dir = "private", .buckets = 1024 });
	const struct weir_control *c = dp ? datapath_view(dp)->control : NULL;

	CHECK(c && c->hz >= 100 && c->hz <= 1024, "a kernel's tick");
	printf("hz %u, a tick is %u jiffies\n", c ? c->hz : 0, c ? 1 << c->clock : 0);
	datapath_close(dp);
}

static void reading(void)
{
	struct datapath *dp = open_with((struct datapath_options){ .dir = "private", .buckets = WEIR_BUCKETS });
	struct flow_table_use use;
	double best = 1e9;

	for (int i = 0; dp && i < 21; i++) {
		double t = now_ms(CLOCK_THREAD_CPUTIME_ID);

		flow_table_use(dp, &use);
		t = now_ms(CLOCK_THREAD_CPUTIME_ID) - t;
		best = t < best ? t : best;
	}
	printf("tags of %u slots: %.3f ms\n", use.slots, best);
	CHECK_EQ(use.slots, 229376, "slots of the default table");
	datapath_close(dp);
}

/* Each in a child: what is taken away does not come back. */
static void without(const char *row, void (*take)(void), int want, const char *word)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		check_passed = check_failed = 0;
		take();
		refused(&(struct datapath_options){ .dir = dir }, want, word, row);
		fflush(stdout);
		_exit(check_failed != 0);
	}
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "%s", row);
	CHECK(!links_in(dir), "%s: nothing half-installed", row);
}

static void no_root(void)
{
	if (setgid(65534) || setuid(65534))
		_exit(3);
}
static void old_kernel(void)
{
	if (personality(UNAME26) == -1)		/* uname says 2.6.x */
		_exit(3);
}
static void no_btf(void)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/sys/kernel/btf", "tmpfs", 0, NULL))
		_exit(3);
}
static void no_bpffs(void)
{
	strcpy(dir, "/tmp/weir-no-bpffs");
}

int main(void)
{
	char base[64];

	if (geteuid()) {
		check_skip("needs root");
		return check_done() && check_failed;
	}
	snprintf(base, sizeof(base), "/tmp/weir-dp-%d", getpid());
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || mkdir(base, 0700) ||
	    mount("bpf", base, "bpf", 0, NULL)) {
		perror("a bpffs of our own");
		return 1;
	}
	snprintf(dir, sizeof(dir), "%s/a/b", base);
	without("without root", no_root, -EPERM, "CAP_BPF");
	without("on an old kernel", old_kernel, -ENOTSUP, "the oldest that will do");
	without("without BTF", no_btf, -ENOTSUP, "no BTF");
	without("without bpffs", no_bpffs, -ENODEV, "mount -t bpf");
	refused(&(struct datapath_options){ .dir = dir, .buckets = 1000 }, -EINVAL, "power of two", "an odd table");
	adoption();
	halves();
	foreign_programs();
	killed_while_starting();
	stopped_while_starting();
	entries();
	own();
	graces_without();
	graces();
	clocks();
	sizes();
	reading();
	umount2(base, MNT_DETACH);
	rmdir(base);
	return check_done();
}
