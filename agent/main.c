// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/adopt.h"
#include "agent/agent.h"
#include "agent/events.h"
#include "agent/export.h"
#include "agent/metrics.h"
#include "agent/otlp.h"
#include "agent/serve.h"
#include "agent/uninstall.h"
#include "agent/slim.h"
#include "lib/control/frame.h"
#include "lib/log.h"

#define HOUSEKEEPING_MS 1000
#define CERT_DAYS 14		/* a certificate with less to live is warned of, once a day */
#define CERT_MS 3600000
#define TRIM_EACH 10			/* looks, while the cluster changes all the time */

static uint32_t generation(const struct agent *a)
{
	return datapath_view(a->datapath)->control->generation;
}

/* For who asks what happens to the agent, and who its peers are. */
static void tell_object(struct agent *a, const struct object *o)
{
	if (o->kind == OBJECT_POLICY || o->kind == OBJECT_CLUSTER_POLICY)
		events_policy(a->events, o, generation(a));
	if (o->kind == OBJECT_NODE && o->node.naddr)
		peers_put(serve_peers(a->serve), o->name, &o->node.addr[0]);
	if (o->kind == OBJECT_NODE && a->settings.node && !strcmp(o->name, a->settings.node))
		serve_node_labels(a->serve, &o->labels);
}

static void tell_gone(struct agent *a, enum object_kind kind, const char *ns, const char *name)
{
	if (kind == OBJECT_POLICY || kind == OBJECT_CLUSTER_POLICY)
		events_policy_gone(a->events, kind, ns, name, generation(a));
	if (kind == OBJECT_NODE)
		peers_gone(serve_peers(a->serve), name);
}

/* What the state says goes to the names first: by the time a packet meets it, it can be named. */
static void on_object(void *ctx, struct object *o)
{
	struct agent *a = ctx;

	names_put(a->names, o, records_next(a->records));
	if (o->kind == OBJECT_POD)
		endpoints_pod(a->endpoints, o);
	tell_object(a, o);
	policies_object(a->policies, o);
}

static void on_gone(void *ctx, enum object_kind kind, const char *ns, const char *name)
{
	struct agent *a = ctx;

	if (kind == OBJECT_POD)
		endpoints_pod_gone(a->endpoints, ns, name);
	tell_gone(a, kind, ns, name);
	policies_gone(a->policies, kind, ns, name);
	names_gone(a->names, kind, ns, name, records_next(a->records));
	if (kind == OBJECT_POD)
		meters_gone(a->meters, ns, name);
}

static void on_settled(void *ctx)
{
	struct agent *a = ctx;

	policies_settled(a->policies);
}

static void on_address(void *ctx, const struct weir_addr *addr, bool there)
{
	struct agent *a = ctx;

	names_host_address(a->names, addr, there);
	policies_host_address(a->policies, addr, there);
}

static void on_naming(void *ctx)
{
	struct agent *a = ctx;

	meters_settle(a->meters);
	endpoints_naming(a->endpoints);
}

static void on_committed(void *ctx)
{
	struct agent *a = ctx;

	isolators_committed(a->isolators);
	endpoints_committed(a->endpoints);
}

static void on_records(void *ctx)
{
	struct agent *a = ctx;

	observers_told(a->observers);
}

static void on_path(void *ctx, unsigned int ifindex, unsigned int flags, const char *why)
{
	struct agent *a = ctx;

	if (a->endpoints)
		endpoints_path(a->endpoints, ifindex, flags, why);
}

static void on_event(void *ctx)
{
	struct agent *a = ctx;

	serve_news(a->serve);
}

static void on_stop(void *ctx)
{
	struct agent *a = ctx;

	loop_stop(a->loop);
}

/* What reading a cluster takes for a moment: given back once it has been quiet for a second. */
static void give_back(struct agent *a)
{
	struct policies_counts c;
	bool quiet;

	policies_count(a->policies, &c);
	quiet = c.commits == a->seen;
	a->seen = c.commits;
	if (c.commits == a->trimmed || (!quiet && a->looks++ < TRIM_EACH))
		return;
	if (!a->trimmed)
		slim_program();
	a->trimmed = c.commits;
	a->looks = 0;
	slim_heap();
}

/* Names and rules that no record holds any more. */
static void on_housekeeping(void *ctx)
{
	struct agent *a = ctx;
	uint64_t oldest = reader_oldest(a->reader);

	quiet_point(a->quiet, QUIET_LOOP);
	names_forget(a->names, oldest);
	rules_forget(a->rules, oldest);
	give_back(a);
	loop_after(a->loop, &a->housekeeping, HOUSEKEEPING_MS, on_housekeeping, a);
}

static void on_certificates(void *ctx)
{
	struct agent *a = ctx;

	serve_tls_check(a->serve, CERT_DAYS);
	otlp_tls_check(a->otlp, CERT_DAYS);
	loop_after(a->loop, &a->certificates, CERT_MS, on_certificates, a);
}

static int make_dirs(const char *path)
{
	char part[4096];

	snprintf(part, sizeof(part), "%s", path);
	for (char *p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(part, 0755);
		*p = '/';
	}
	return mkdir(part, 0700) && errno != EEXIST ? -errno : 0;
}

/* One agent per data directory.  The lock goes with the process, however it ends. */
static int lock_data(struct agent *a)
{
	char path[4096], pid[32] = "";
	int err = make_dirs(a->settings.data), n;

	if (err)
		return log_err(err, "cannot make the data directory '%s' (--data)", a->settings.data);
	snprintf(path, sizeof(path), "%s/lock", a->settings.data);
	a->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (a->lock < 0)
		return log_err(-errno, "cannot write in the data directory '%s' (--data)", a->settings.data);
	if (flock(a->lock, LOCK_EX | LOCK_NB)) {
		err = -errno;
		n = read(a->lock, pid, sizeof(pid) - 1);
		pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
		log_error("another agent, process %s, works in '%s': stop it, or give this one --data", pid, a->settings.data);
		return err;
	}
	n = snprintf(pid, sizeof(pid), "%d\n", getpid());
	return ftruncate(a->lock, 0) || pwrite(a->lock, pid, n, 0) != n ? log_err(-EIO, "cannot write '%s'", path) : 0;
}

static int start_datapath(struct agent *a)
{
	const struct settings *s = &a->settings;
	struct datapath_options options = { .dir = s->judge ? "private" : s->bpffs, .buckets = s->buckets,
					    .observe_only = s->observe_only, .hairpin = s->hairpin };
	struct attach_options hooks = { .want = s->hook, .stack = s->stack };
	struct complaint why = { 0 };
	char text[1024];
	int err = datapath_open(&a->datapath, &options, &why);

	if (!err && datapath_adopted(a->datapath)) {
		datapath_set_observe_only(a->datapath, s->observe_only);
		datapath_set_hairpin(a->datapath, s->hairpin);
	}
	if (!err)
		err = attach_open(&a->attach, a->loop, a->grace, a->datapath, &hooks, on_path, a, &why);
	if (err)
		log_error("%s", why.text[0] ? complaint_text(&why, text, sizeof(text)) : strerror(-err));
	return err;
}

/* Rings to named records. */
static int start_records(struct agent *a)
{
	struct reader_with with = { .loop = a->loop, .datapath = a->datapath, .on_records = on_records, .ctx = a };
	struct ends_with ends = { .datapath = a->datapath, .cluster = a->settings.cluster ?: "" };
	int err = rules_open(&a->rules, a->settings.judge ? NULL : a->settings.data);

	if (err)
		return log_err(err, "cannot read which rule has which number in '%s'", a->settings.data);
	err = records_new(&a->records, a->settings.records);
	if (!err)
		err = names_new(&a->names, a->settings.node ? a->settings.node : "");
	if (!err)
		err = quiet_new(&a->quiet);
	if (!err) {
		names_share(a->names, a->quiet);
		rules_share(a->rules, a->quiet);
		ends.names = a->names;
		ends.quiet = a->quiet;
		err = ends_new(&a->ends, &ends);
	}
	if (!err)
		err = edges_new(&a->edges, a->ends, EDGES_DEFAULT);
	if (!err)
		err = losses_new(&a->losses) ?: isolators_new(&a->isolators, a);
	if (!err)
		err = observers_open(&a->observers, a);
	if (!err && (a->settings.metrics || a->settings.otlp))
		err = counts_new(&a->counts);
	if (err)
		return log_err(err, "cannot start");
	with.quiet = a->quiet;
	with.ends = a->ends;
	with.edges = a->edges;
	with.losses = a->losses;
	with.rules = a->rules;
	with.records = a->records;
	with.counts = a->counts;
	with.isolators = a->isolators;
	err = reader_open(&a->reader, &with);
	if (err)
		return log_err(err, "cannot read what the kernel records");
	err = sweep_open(&a->sweep, a->loop, a->grace, a->datapath, reader_flows(a->reader));
	return err ? log_err(err, "cannot follow the flow table") : 0;
}

/* gRPC, with what the records, ends and rules are.  Pods and policies come to them later: it says so until then. */
static int start_serve(struct agent *a)
{
	static char node[320];
	struct complaint why = { 0 };
	int err;

	if (!a->settings.observer_socket && !a->settings.listen)
		return 0;
	settings_node(&a->settings, node, sizeof(node));
	err = events_new(&a->events, node, on_event, a);
	if (err)
		return log_err(err, "cannot start");
	err = serve_open(&a->serve, a, &why);
	if (err)
		log_error("%s", why.text);
	else
		events_started(a->events);
	return err;
}

static int start_policies(struct agent *a)
{
	struct policies_with with = { .loop = a->loop, .datapath = a->datapath, .grace = a->grace, .sweep = a->sweep,
				      .rules = a->rules, .records = a->records, .naming = on_naming,
				      .committed = on_committed, .ctx = a };
	struct policies_options options = { .mode = a->settings.mode, .node = a->settings.node };
	struct endpoints_with ends = { .loop = a->loop, .datapath = a->datapath, .attach = a->attach, .names = a->names,
				       .events = a->events, .all_local = !a->settings.node, .handed_only = a->settings.judge,
				       .stack = a->settings.stack };
	int err = policies_open(&a->policies, &with, &options);

	if (err)
		return log_err(err, "cannot start the policy compiler");
	ends.policies = a->policies;
	err = endpoints_open(&a->endpoints, &ends, a->settings.judge ? NULL : a->settings.data);
	if (err)
		return log_err(err, "cannot read which pod has which number in '%s'", a->settings.data);
	if (datapath_adopted(a->datapath)) {
		err = adopt(policies_compiler(a->policies), a->datapath, a->endpoints, a->rules);
		if (err)
			return log_err(err, "cannot adopt what an earlier agent left");
		log_info("adopted what an earlier agent left");
	}
	return 0;
}

/* The cluster: everything that is known at start is one commit. */
static int start_state(struct agent *a)
{
	struct state_listener to = { .object = on_object, .gone = on_gone, .settled = on_settled, .ctx = a };
	int err = addresses_open(&a->addresses, a->loop, on_address, on_settled, a);

	if (err)
		return log_err(err, "cannot read the node's addresses");
	if (a->settings.judge)
		err = state_new(&a->state, &to);
	else
		err = state_open(&a->state, a->loop, a->settings.state, a->settings.data, &to);
	if (err)
		return log_err(err, "cannot read the cluster from '%s'", a->settings.judge ? "the socket" : a->settings.state);
	policies_settled(a->policies);	/* also when the directory is empty: what is left of before goes */
	err = endpoints_follow(a->endpoints);
	return err ? log_err(err, "cannot follow the node's interfaces") : 0;
}

static int start_server(struct agent *a)
{
	struct server_options options = { .path = a->settings.socket, .mode = a->settings.socket_mode,
					  .request_max = a->settings.judge ? FRAME_JUDGE_MAX : FRAME_REQUEST_MAX };
	struct complaint why = { 0 };
	int err = server_open(&a->server, a->loop, &options, ask_any, a, &why);

	if (err)
		log_error("%s", why.text);
	return err;
}

/* What can be found out before anything is installed. */
static int check_state(const struct agent *a)
{
	int fd = a->settings.judge ? 0 : open(a->settings.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return log_err(-errno, "cannot read the cluster from '%s' (--state)", a->settings.state);
	if (fd)
		close(fd);
	return 0;
}

static int start_metrics(struct agent *a)
{
	struct complaint why = { 0 };
	char text[1024];
	int err = a->settings.metrics || a->settings.otlp ? meters_open(&a->meters, a, &why) : 0;

	if (!err && a->settings.otlp)
		err = otlp_open(&a->otlp, a, &why);
	if (err)
		log_error("%s", why.text[0] ? complaint_text(&why, text, sizeof(text)) : strerror(-err));
	return err;
}

static int start(struct agent *a)
{
	int err = check_state(a);

	if (!err && !a->settings.judge)
		err = lock_data(a);
	if (!err)
		err = loop_open(&a->loop);
	if (!err)
		err = loop_signal(a->loop, SIGTERM, on_stop, a) ?: loop_signal(a->loop, SIGINT, on_stop, a);
	if (!err)
		err = start_server(a);	/* nobody is answered before the loop runs */
	if (!err)
		err = grace_open(&a->grace, a->loop);
	if (!err)
		err = start_datapath(a);
	if (!err)
		err = start_records(a);
	if (!err)
		err = start_serve(a);
	if (!err)
		err = export_start(a);
	if (!err)
		err = start_policies(a);
	if (!err)
		err = start_state(a);
	if (!err)
		err = start_metrics(a);
	if (!err && a->settings.judge && (err = judge_open(&a->judge, a)))
		log_err(err, "cannot make a namespace for the judge");
	if (!err) {
		reader_go(a->reader);
		on_housekeeping(a);
		on_certificates(a);
	}
	return err;
}

/* The same list upward, but that nobody is asked any more from the first.  Links, maps and what they enforce stay. */
static void stop(struct agent *a)
{
	server_close(a->server);
	serve_close(a->serve);
	a->serve = NULL;		/* what happens from here on is news to nobody */
	otlp_close(a->otlp);
	meters_close(a->meters);
	judge_close(a->judge);
	state_close(a->state);
	addresses_close(a->addresses);
	endpoints_close(a->endpoints);
	policies_close(a->policies);
	sweep_close(a->sweep);
	attach_close(a->attach);
	grace_close(a->grace);
	reader_close(a->reader);
	export_close(a->export);	/* with what the reader saw last */
	counts_free(a->counts);
	observers_close(a->observers);
	events_free(a->events);
	edges_free(a->edges);
	isolators_free(a->isolators);
	losses_free(a->losses);
	ends_free(a->ends);
	names_free(a->names);
	records_free(a->records);
	rules_close(a->rules);
	quiet_free(a->quiet);
	datapath_close(a->datapath);
	loop_close(a->loop);
	if (a->lock >= 0)
		close(a->lock);
}

static void ready(const struct agent *a)
{
	struct compile_counts c;
	struct endpoints_counts e;

	compile_count(policies_compiler(a->policies), &c);
	endpoints_count(a->endpoints, &e);
	log_info("ready on node '%s' in %llu ms: %u pods known, %u here, %u armed, %u policies, mode %s, %s",
		 a->settings.node ? a->settings.node : "(every)",
		 (unsigned long long)((agent_now() - a->started) / 1000000), c.pods, e.local, e.armed, c.policies,
		 settings_mode_text(&a->settings), attach_hook_word(attach_hook(a->attach)));
}

int main(int argc, char **argv)
{
	struct agent *a = calloc(1, sizeof(*a));
	struct complaint why = { 0 };
	char text[1024];
	bool fresh;
	int err;

	if (!a)
		return 1;
	log_open("weir-agent", LOG_LEVEL_INFO, false);
	a->lock = -1;
	a->started = agent_now();
	if (settings_read(&a->settings, argc, argv, &why)) {
		log_error("%s", complaint_text(&why, text, sizeof(text)));
		free(a);
		return 2;
	}
	log_open("weir-agent", a->settings.level, a->settings.json);
	if (a->settings.help || a->settings.version || a->settings.man) {
		if (a->settings.man)
			settings_man(stdout);
		else
			a->settings.help ? settings_help(stdout) : (void)puts("weir-agent " WEIR_VERSION);
		free(a);
		return 0;
	}
	if (a->settings.check_config || a->settings.uninstall) {
		err = a->settings.uninstall ? uninstall(&a->settings) : serve_check(&a->settings, &why);
		if (err && why.text[0])
			log_error("%s", why.text);
		fresh = a->settings.check_config;
		free(a);
		return !err ? 0 : fresh ? 2 : 1;
	}
	mallopt(M_ARENA_MAX, 2);	/* few threads, and all but one allocate nothing */
	signal(SIGPIPE, SIG_IGN);
	err = start(a);
	fresh = err && a->datapath && !datapath_adopted(a->datapath) && !datapath_private(a->datapath);
	if (!err) {
		serve_ready(a->serve);
		ready(a);
		err = loop_run(a->loop);
	}
	stop(a);
	if (fresh)			/* it did not start: nothing of it stays */
		datapath_remove(a->settings.bpffs ? a->settings.bpffs : DATAPATH_DIR, &why);
	free(a);
	return err ? 1 : 0;
}
