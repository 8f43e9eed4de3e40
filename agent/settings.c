// SPDX-License-Identifier: Apache-2.0
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
#include "lib/settings.h"

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
	OPT_FLAG(0, "export-detail", &want.export_detail, "with what weir alone says: rule, packets, bytes; hubble cannot read that"),
	OPT_TEXT(0, "export-fold", &want.export_fold, "A,B", "one line for all flows of a window that are equal in these fields"),
	OPT_DURATION(0, "export-window", &want.export_window_ms, "DURATION", "for --export-fold (10s)"),
	OPT_UINT(0, "export-size", &want.export_mb, "MB", "rotate a file when it is that large; 0: never (10)"),
	OPT_DURATION(0, "export-age", &want.export_age_ms, "DURATION", "rotate it when it is that old; 0: never (0)"),
	OPT_UINT(0, "export-backups", &want.export_backups, "N", "rotated files that are kept (5)"),
	OPT_TEXT(0, "otlp", &want.otlp, "HOST:PORT", "send flows and metrics there by OTLP/gRPC (nowhere; 127.0.0.1:4317 is usual); tls://HOST:PORT: by TLS"),
	OPT_TEXT(0, "otlp-ca", &want.otlp_ca, "FILE", "who signs that receiver's certificate: by TLS (the system's authorities)"),
	OPT_TEXT(0, "otlp-cert", &want.otlp_cert, "FILE", "what it is shown; read anew when it changes"),
	OPT_TEXT(0, "otlp-key", &want.otlp_key, "FILE", "and its key"),
	OPT_TEXT(0, "otlp-name", &want.otlp_name, "NAME", "in its certificate (that of HOST)"),
	OPT_TEXT(0, "otlp-send", &want.otlp_send, "WHAT", "flows, metrics or flows,metrics (flows,metrics)"),
	OPT_DURATION(0, "otlp-interval", &want.otlp_interval_ms, "DURATION", "between two rounds of metrics (30s)"),
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
		.socket_mode_word = "0660", .otlp_send = "flows,metrics", .otlp_interval_ms = 30000, .export_window_ms = 10000, .export_mb = 10, .export_backups = 5,
	};
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
	int err = settings_word("mode", s->mode_word, modes, &mode, why) ?: settings_word("hairpin", s->hairpin_word, fates, &fate, why) ?:
		  settings_word("log-level", s->level_word, levels, &level, why) ?:
		  settings_word("log-format", s->format_word, formats, &format, why) ?:
		  settings_word("hook", s->hook_word, hooks, &s->hook, why) ?:
		  settings_mode("socket-mode", s->socket_mode_word, &s->socket_mode, why);

	if (err)
		return err;
	s->mode = mode;
	s->hairpin = fate;
	s->level = level;
	s->json = format;
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
	return settings_api(s, why) ?: settings_metrics(s, why) ?: settings_export(s, why) ?: check_state(s, why);
}

int settings_read(struct settings *s, int argc, char **argv, struct complaint *why)
{
	static const char *const arguments[] = { "config", "check-config", "uninstall", "purge", "version", "help", "man", NULL };
	static const struct settings_form form = { .options = options, .defaults = defaults, .prefix = "WEIR_",
						   .config = &want.config, .arguments = arguments,
						   .example = "mode: kubernetes" };
	static char host[256];
	int err = settings_gather(&form, argc, argv, why);

	if (err)
		return err;
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
