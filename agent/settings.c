// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/attach.h"
#include "agent/records.h"
#include "agent/settings_inside.h"
#include "lib/man.h"
#include "lib/opt.h"
#include "lib/tree.h"

#define FILE_SIZE 65536			/* the most a settings file may have */

static struct settings want;
static const struct opt options[] = {
	OPT_TEXT(0, "state", &want.state, "DIR", "manifests that are the cluster; followed as they change"),
	OPT_TEXT(0, "data", &want.data, "DIR", "the agent's own files (/var/lib/weir)"),
	OPT_TEXT(0, "node", &want.node, "NAME", "this node's name (the host's)"),
	OPT_TEXT(0, "bpffs", &want.bpffs, "DIR", "where maps and links are pinned (" DATAPATH_DIR ")"),
	OPT_TEXT(0, "socket", &want.socket, "PATH", "where the agent listens (/run/weir/agent.sock)"),
	OPT_TEXT(0, "socket-mode", &want.socket_mode_word, "MODE", "who may connect to its sockets, as chmod takes it (0660)"),
	OPT_TEXT(0, "observer-socket", &want.observer_socket, "PATH", "where it serves gRPC; \"\": nowhere (observer.sock beside --socket)"),
	OPT_TEXT(0, "listen", &want.listen, "ADDR:PORT", "serve gRPC there too, by mutual TLS; plain text on loopback only (4244 is usual)"),
	OPT_TEXT(0, "tls-cert", &want.tls_cert, "FILE", "this server's certificate; read anew when it changes"),
	OPT_TEXT(0, "tls-key", &want.tls_key, "FILE", "and its key"),
	OPT_TEXT(0, "tls-client-ca", &want.tls_client_ca, "FILE", "who signs the clients' certificates"),
	OPT_TEXT(0, "metrics", &want.metrics, "ADDR:PORT", "serve metrics there by HTTP, at /metrics (nowhere; 127.0.0.1:9965 is usual)"),
	OPT_TEXT(0, "metrics-enable", &want.metrics_enable, "LIST", "metrics of flows, as Hubble takes them (those that dashboards need)"),
	OPT_TEXT(0, "export", &want.export, "FILE", "write flows there as JSON lines; \"-\": to stdout (nowhere)"),
	OPT_TEXT(0, "export-allow", &want.export_allow, "JSON", "those that one of these FlowFilters lets pass (all)"),
	OPT_TEXT(0, "export-deny", &want.export_deny, "JSON", "less those that one of these does (none)"),
	OPT_TEXT(0, "export-fields", &want.export_fields, "A,B", "only these fields of a flow: verdict,source.pod_name (all)"),
	OPT_TEXT(0, "export-fold", &want.export_fold, "A,B", "one line for all flows of a window that are equal in these fields"),
	OPT_DURATION(0, "export-window", &want.export_window_ms, "DURATION", "for --export-fold (10s)"),
	OPT_UINT(0, "export-size", &want.export_mb, "MB", "rotate a file when it is that large; 0: never (10)"),
	OPT_DURATION(0, "export-age", &want.export_age_ms, "DURATION", "rotate it when it is that old; 0: never (0)"),
	OPT_UINT(0, "export-backups", &want.export_backups, "N", "rotated files that are kept (5)"),
	OPT_TEXT(0, "cluster", &want.cluster, "NAME", "goes before the node's name in flows (none)"),
	OPT_TEXT(0, "mode", &want.mode_word, "MODE", "kubernetes, default-deny-audit or default-deny (kubernetes)"),
	OPT_TEXT(0, "hairpin", &want.hairpin_word, "FATE", "allow or deny a pod's packets to itself through a Service (allow)"),
	OPT_UINT(0, "buckets", &want.buckets, "N", "of the flow table, a power of two, 7 flows each (by memory)"),
	OPT_UINT(0, "records", &want.records, "N", "of the last flows kept in memory (65536)"),
	OPT_TEXT(0, "hook", &want.hook_word, "HOOK", "tcx or clsact (tcx if the kernel has it)"),
	OPT_FLAG(0, "stack", &want.stack, "never hand packets over directly: every pod through the host's stack"),
	OPT_FLAG(0, "observe-only", &want.observe_only, "judge and record, drop nothing"),
	OPT_FLAG(0, "judge", &want.judge, "private maps, manifests and frames by the socket: for `weir policy test`"),
	OPT_TEXT(0, "log-level", &want.level_word, "LEVEL", "error, warn, info or debug (info)"),
	OPT_TEXT(0, "log-format", &want.format_word, "FORMAT", "text or json (text)"),
	OPT_TEXT('c', "config", &want.config, "FILE", "settings as YAML: the long names of these options"),
	OPT_FLAG(0, "check-config", &want.check_config, "read the settings, say what is wrong, and end"),
	OPT_FLAG(0, "uninstall", &want.uninstall, "remove pins, links and qdiscs that weir made, and end"),
	OPT_FLAG(0, "purge", &want.purge, "with --uninstall: the files in the data directory, too"),
	OPT_FLAG('V', "version", &want.version, "print the version"),
	OPT_FLAG('h', "help", &want.help, "print this"),
	OPT_FLAG(0, "man", &want.man, NULL),	/* the manual page, for the build */
	OPT_END
};

static void defaults(void)
{
	want = (struct settings){
		.data = "/var/lib/weir", .socket = "/run/weir/agent.sock", .mode_word = "kubernetes",
		.hairpin_word = "allow", .level_word = "info", .format_word = "text", .hook_word = "", .records = RECORDS_DEFAULT,
		.socket_mode_word = "0660", .export_window_ms = 10000, .export_mb = 10, .export_backups = 5,
	};
}

/* One setting that was not an argument. */
static int apply(const char *name, const char *value, struct complaint *why)
{
	char *arg;
	const struct opt *o = options;

	while (o->kind && strcmp(o->name, name))
		o++;
	if (o->kind == OPT_KIND_FLAG && !strcmp(value, "false"))
		return 0;
	if (o->kind == OPT_KIND_FLAG && strcmp(value, "true")) {
		complaint_set(why, 0, 0, "'%s' is true or false, not '%s'", name, value);
		return -EINVAL;
	}
	/* kept for the life of the process: the settings point into it */
	if (asprintf(&arg, o->kind == OPT_KIND_FLAG ? "--%s" : "--%s=%s", name, value) < 0)
		return -ENOMEM;
	return opt_parse(options, 1, &arg, why) < 0 ? -EINVAL : 0;
}

static int apply_pair(const struct tree_node *key, const char *file, struct complaint *why)
{
	static const char *const only_arguments[] = { "config", "check-config", "uninstall", "purge", "version", "help", "man" };
	const struct tree_node *value = key->next;
	int err = 0;

	for (size_t i = 0; i < sizeof(only_arguments) / sizeof(*only_arguments) && !err; i++) {
		if (strcmp(key->text, only_arguments[i]))
			continue;
		complaint_set(why, 0, 0, "'%s' is no setting of a file: give it as an argument", key->text);
		err = -EINVAL;
	}
	if (!err && value->kind != TREE_SCALAR) {
		complaint_set(why, 0, 0, "'%s' has one value, a word or a number", key->text);
		err = -EINVAL;
	}
	if (!err)
		err = apply(key->text, value->text, why);
	if (err) {
		why->line = key->line;
		why->column = key->column;
		complaint_file(why, file);
	}
	return err;
}

static int apply_file(const char *file, struct complaint *why)
{
	struct tree_source source = { .line = 1 };
	const struct tree_node *root, *key;
	static char text[FILE_SIZE];
	struct tree *t;
	size_t size;
	int err;
	FILE *f = fopen(file, "re");

	if (!f) {
		complaint_set(why, 0, 0, "cannot read '%s': %s", file, strerror(errno));
		return -errno;
	}
	size = fread(text, 1, sizeof(text), f);
	fclose(f);
	source.at = text;
	source.end = text + size;
	err = size == sizeof(text) ? -EFBIG : tree_new(&t, NULL);
	if (err) {
		complaint_set(why, 0, 0, "cannot read '%s': %s", file, strerror(-err));
		return err;
	}
	err = tree_next(t, &source, &root, why);
	if (err < 0)
		complaint_file(why, file);
	if (err == 1 && root->kind != TREE_MAP && !tree_null(root)) {
		complaint_set(why, root->line, root->column, "settings are a map: 'mode: kubernetes'");
		complaint_file(why, file);
		err = -EINVAL;
	}
	for (key = err == 1 && root->kind == TREE_MAP ? root->first : NULL; key && err >= 0; key = tree_after(key))
		err = apply_pair(key, file, why);
	tree_free(t);
	return err < 0 ? err : 0;
}

static int apply_environment(struct complaint *why)
{
	char name[64];
	int err = 0;

	for (const struct opt *o = options; o->kind && !err; o++) {
		const char *value;
		int n = snprintf(name, sizeof(name), "WEIR_%s", o->name);

		for (int i = 0; i < n; i++)
			name[i] = name[i] == '-' ? '_' : toupper((unsigned char)name[i]);
		value = getenv(name);
		if (value && o->text && strcmp(o->name, "config") && strcmp(o->name, "help") && strcmp(o->name, "version"))
			err = apply(o->name, value, why);
		if (err)
			complaint_file(why, name);
	}
	return err;
}

/* Which of some words a setting is; the words are told if it is none. */
static int word_of(const char *setting, const char *value, const char *const *words, unsigned int *out,
		   struct complaint *why)
{
	char list[256];
	size_t n = 0;

	for (unsigned int i = 0; words[i]; i++) {
		if (!strcmp(words[i], value)) {
			*out = i;
			return 0;
		}
		n += snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "", words[i]);
	}
	complaint_set(why, 0, 0, "'--%s' is one of %s, not '%s'", setting, list, value);
	return -EINVAL;
}

/* Known before anything is loaded or pinned. */
static int check_state(const struct settings *s, struct complaint *why)
{
	struct stat st;
	int err = 0;

	if (!s->state || s->judge || s->check_config || s->uninstall || s->version || s->help || s->man)
		return 0;
	if (stat(s->state, &st))
		err = errno;
	else if (!S_ISDIR(st.st_mode))
		err = ENOTDIR;
	if (!err)
		return 0;
	complaint_set(why, 0, 0, "cannot read the cluster from '%s': %s (--state DIR names a directory of manifests)", s->state,
		      strerror(err));
	return -err;
}

static int understand(struct settings *s, struct complaint *why)
{
	static const char *const modes[] = { "kubernetes", "default-deny-audit", "default-deny", NULL };
	static const char *const fates[] = { "allow", "deny", NULL };
	static const char *const levels[] = { "error", "warn", "info", "debug", NULL };
	static const char *const formats[] = { "text", "json", NULL };
	static const char *const hooks[] = { "", "tcx", "clsact", NULL };
	unsigned int mode = 0, fate = 0, level = 0, format = 0;
	char *end;
	int err = word_of("mode", s->mode_word, modes, &mode, why) ?: word_of("hairpin", s->hairpin_word, fates, &fate, why) ?:
		  word_of("log-level", s->level_word, levels, &level, why) ?:
		  word_of("log-format", s->format_word, formats, &format, why) ?:
		  word_of("hook", s->hook_word, hooks, &s->hook, why);

	if (err)
		return err;
	s->mode = mode;
	s->hairpin = fate;
	s->level = level;
	s->json = format;
	s->socket_mode = strtoul(s->socket_mode_word, &end, 8);
	if (*end || !*s->socket_mode_word || s->socket_mode > 0777) {
		complaint_set(why, 0, 0, "'--socket-mode' is an octal number such as 0660, not '%s'", s->socket_mode_word);
		return -EINVAL;
	}
	if (s->buckets & (s->buckets - 1) || (s->buckets && s->buckets < 64)) {
		complaint_set(why, 0, 0, "'--buckets' is a power of two, 64 or more, not %u", s->buckets);
		return -EINVAL;
	}
	if (s->records < 64 || s->records > 1U << 24) {
		complaint_set(why, 0, 0, "'--records' is from 64 to 16777216, not %u", s->records);
		return -EINVAL;
	}
	if (!s->state && !s->judge && !s->check_config && !s->uninstall && !s->version && !s->help && !s->man) {
		complaint_set(why, 0, 0, "where is the cluster? --state DIR names a directory of manifests");
		return -EINVAL;
	}
	return settings_api(s, why) ?: settings_export(s, why) ?: check_state(s, why);
}

int settings_read(struct settings *s, int argc, char **argv, struct complaint *why)
{
	static char host[256];
	const char *config;
	int n;

	defaults();
	n = opt_parse(options, argc - 1, argv + 1, why);
	if (n < 0)
		return n;
	if (n < argc - 1) {
		complaint_set(why, 0, 0, "'%s' is no option (--help lists them)", argv[n + 1]);
		return -EINVAL;
	}
	config = want.config ? want.config : getenv("WEIR_CONFIG");
	defaults();
	if (config && (n = apply_file(config, why)))
		return n;
	n = apply_environment(why);
	if (n)
		return n;
	opt_parse(options, argc - 1, argv + 1, why);
	if (!want.node && !want.judge) {
		if (gethostname(host, sizeof(host) - 1))
			strcpy(host, "localhost");
		want.node = host;
	}
	*s = want;
	return understand(s, why);
}

#define ABOUT \
	"Enforces NetworkPolicy on this node and records its flows.  Each option is also a key of the\n"	\
	"--config file and, as WEIR_STATE, WEIR_LOG_LEVEL ..., a variable of the environment."

void settings_help(FILE *to)
{
	fprintf(to, "usage: weir-agent --state DIR [OPTION...]\n\n" ABOUT "\n\n");
	opt_help(options, to);
}

int settings_man(FILE *to)
{
	static const struct man_item files[] = {
		{ "/run/weir/agent.sock", "where it answers questions about the node: weir status, why, endpoints" },
		{ "/run/weir/observer.sock", "where it serves flows by gRPC: weir observe, top, and Hubble's tools" },
		{ "/sys/fs/bpf/weir", "what stays in force while it is away: maps, programs, links" },
		{ "/var/lib/weir", "its own files, one directory a node" },
		{ NULL, NULL }
	};

	return man_write(&(struct man){
		.name = "weir-agent", .section = 8, .version = WEIR_VERSION, .what = "enforce network policy on a node, and record its flows",
		.usage = "weir-agent --state DIR [OPTION...]",
		.text = ABOUT "\n\nWhat is in force stays in force while the agent is away, is restarted or upgraded.",
		.options = options, .exits = "0 it ended as asked, 1 it could not do its work, 2 wrong usage or settings",
		.files = files, .see = "weir(1), weir-observe(1), weir-relay(8)",
	}, to);
}

const char *settings_mode_text(const struct settings *s)
{
	return s->mode == MODE_DEFAULT_DENY_AUDIT ? "default-deny (audit)" : s->mode_word;
}
