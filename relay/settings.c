// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "lib/man.h"
#include "lib/settings.h"
#include "relay/access.h"
#include "relay/edges.h"
#include "relay/roster.h"
#include "relay/settings.h"

static struct settings want;
static const struct opt options[] = {
	OPT_HEAD("Nodes"),
	OPT_LIST(0, "peer", &want.peer, "NAME=ADDR", "a node's agent, ADDRESS:PORT or unix:PATH; more than once"),
	OPT_TEXT(0, "peers", &want.peers, "FILE", "the same, a line each; followed as it changes"),
	OPT_TEXT(0, "peer-dns", &want.peer_dns, "NAME:PORT", "every address that NAME has"),
	OPT_TEXT(0, "peer-service", &want.peer_service, "ADDR", "an agent, or Service of agents, that knows the others"),
	OPT_TEXT(0, "peer-name", &want.peer_name, "NAME", "in the agents' certificates, % being the node (their address)"),
	OPT_TEXT(0, "peer-ca", &want.peer_ca, "FILE", "who signs the agents' certificates: use TLS"),
	OPT_TEXT(0, "peer-cert", &want.peer_cert, "FILE", "what the relay shows them; read anew when it changes"),
	OPT_TEXT(0, "peer-key", &want.peer_key, "FILE", "and its key"),
	OPT_FLAG(0, "peer-insecure", &want.peer_insecure, "take any certificate of an agent: for trying things out"),
	OPT_HEAD("Clients"),
	OPT_LIST(0, "listen", &want.listen, "ADDR:PORT", "by mutual TLS; plain text on loopback only (127.0.0.1:4245)"),
	OPT_TEXT(0, "socket", &want.socket, "PATH", "a unix socket, too; \"\": none (/run/weir/relay.sock)"),
	OPT_TEXT(0, "socket-mode", &want.socket_mode_word, "MODE", "who may connect to it, as chmod takes it (0660)"),
	OPT_TEXT(0, "tls-cert", &want.cert, "FILE", "this server's certificate; read anew when it changes"),
	OPT_TEXT(0, "tls-key", &want.key, "FILE", "and its key"),
	OPT_TEXT(0, "tls-client-ca", &want.ca, "FILE", "who signs the clients' certificates"),
	OPT_TEXT(0, "metrics", &want.http, "ADDR:PORT", "metrics and health by HTTP (127.0.0.1:9966; \"\": nowhere)"),
	OPT_HEAD("The page"),
	OPT_TEXT(0, "page", &want.page, "ADDR:PORT", "it and its API by HTTP (nowhere; 127.0.0.1:8092 is usual); plain text on loopback only"),
	OPT_TEXT(0, "page-cert", &want.page_cert, "FILE", "its certificate: use TLS; read anew when it changes"),
	OPT_TEXT(0, "page-key", &want.page_key, "FILE", "and its key"),
	OPT_TEXT(0, "page-token-file", &want.page_token_file, "FILE", "who has one of these tokens may see it: a line each; followed as it changes"),
	OPT_TEXT(0, "page-client-ca", &want.page_client_ca, "FILE", "who has a certificate that this one signed may see it"),
	OPT_LIST(0, "page-host", &want.page_host, "NAME", "a name that leads to it and that its certificate does not hold; more than once"),
	OPT_DURATION(0, "page-session", &want.page_session_ms, "DURATION", "so long a browser stays signed in (12h)"),
	OPT_HEAD("The rest"),
	OPT_UINT(0, "edges", &want.edges, "N", "of workload pairs kept apart (32768), at most 1.2 KB each"),
	OPT_TEXT(0, "data", &want.data, "DIR", "where the lock is (/var/lib/weir-relay)"),
	OPT_TEXT(0, "log-level", &want.level_word, "LEVEL", "error, warn, info or debug (info)"),
	OPT_TEXT(0, "log-format", &want.format_word, "FORMAT", "text or json (text)"),
	OPT_TEXT('c', "config", &want.config, "FILE", "settings as YAML: the long names of these options"),
	OPT_FLAG(0, "check-config", &want.check_config, "read the settings, say what is wrong, and end"),
	OPT_FLAG('V', "version", &want.version, "print the version"),
	OPT_FLAG('h', "help", &want.help, "print this"),
	OPT_FLAG(0, "man", &want.man, NULL),	/* the manual page, for the build */
	OPT_END
};

static void defaults(void)
{
	want = (struct settings){
		.socket = "/run/weir/relay.sock", .socket_mode_word = "0660", .data = "/var/lib/weir-relay",
		.http = "127.0.0.1:9966", .page_session_ms = 12 * 3600000, .level_word = "info", .format_word = "text", .edges = EDGES_DEFAULT,
	};
}

static int both(const char *a, const char *a_name, const char *b, const char *b_name, struct complaint *why)
{
	if (!a == !b)
		return 0;
	complaint_set(why, 0, 0, "'--%s' needs '--%s', too", a ? a_name : b_name, a ? b_name : a_name);
	return -EINVAL;
}

static int check_tls(const struct settings *s, struct complaint *why)
{
	int err = both(s->cert, "tls-cert", s->key, "tls-key", why) ?: both(s->cert, "tls-cert", s->ca, "tls-client-ca", why) ?:
		  both(s->peer_cert, "peer-cert", s->peer_key, "peer-key", why);

	if (!err && !s->peer_ca && !s->peer_insecure && (s->peer_cert || s->peer_name)) {
		complaint_set(why, 0, 0, "'--%s' is for TLS: '--peer-ca' says who signs the agents' certificates",
			      s->peer_cert ? "peer-cert" : "peer-name");
		err = -EINVAL;
	}
	return err;
}

static int understand(struct settings *s, struct complaint *why)
{
	static const char *const levels[] = { "error", "warn", "info", "debug", NULL };
	static const char *const formats[] = { "text", "json", NULL };
	struct roster_options roster = { .list = &s->peer, .file = s->peers, .dns = s->peer_dns, .service = s->peer_service };
	unsigned int level = 0, format = 0;
	int err = settings_word("log-level", s->level_word, levels, &level, why) ?:
		  settings_word("log-format", s->format_word, formats, &format, why) ?:
		  settings_mode("socket-mode", s->socket_mode_word, &s->socket_mode, why);

	s->level = level;
	s->json = format;
	if (err || s->help || s->version || s->man)
		return err;
	if (!s->peer.n && !s->peers && !s->peer_dns && !s->peer_service) {
		complaint_set(why, 0, 0, "where are the nodes? --peer NAME=ADDRESS:PORT names one, --peers, --peer-dns or "
			      "--peer-service all");
		return -EINVAL;
	}
	if (s->edges < 64 || s->edges > 1U << 20) {
		complaint_set(why, 0, 0, "'--edges' is from 64 to 1048576, not %u", s->edges);
		return -EINVAL;
	}
	return check_tls(s, why) ?: access_check(s, why) ?: roster_check(&roster, why);
}

int settings_read(struct settings *s, int argc, char **argv, struct complaint *why)
{
	static const char *const arguments[] = { "config", "check-config", "version", "help", "man", NULL };
	static const struct settings_form form = { .options = options, .defaults = defaults, .prefix = "WEIR_RELAY_",
						   .config = &want.config, .arguments = arguments,
						   .example = "peer-service: 127.0.0.1:4244" };
	int err = settings_gather(&form, argc, argv, why);

	if (err)
		return err;
	if (!want.listen.n)
		want.listen = (struct opt_list){ .n = 1, .value = { "127.0.0.1:4245" } };
	if (want.socket && !*want.socket)
		want.socket = NULL;
	if (want.http && !*want.http)
		want.http = NULL;
	if (want.page && !*want.page)
		want.page = NULL;
	if (want.page_token_file && !*want.page_token_file)
		want.page_token_file = NULL;
	*s = want;
	return understand(s, why);
}

#define ABOUT \
	"Puts the flows of all nodes into one stream and adds up what they count.  Each option is also a key of\n"	\
	"the --config file and, as WEIR_RELAY_LISTEN, WEIR_RELAY_LOG_LEVEL ..., a variable of the environment."

void settings_help(FILE *to)
{
	fprintf(to, "usage: weir-relay --peer NAME=ADDR [OPTION...]\n\n" ABOUT "\n\n");
	opt_help(options, to);
}

int settings_man(FILE *to)
{
	static const struct man_item files[] = {
		{ "/run/weir/relay.sock", "where it serves the cluster's flows by gRPC: weir observe --server unix:/run/weir/relay.sock" },
		{ "/var/lib/weir-relay", "its lock" },
		{ NULL, NULL }
	};

	return man_write(&(struct man){
		.name = "weir-relay", .section = 8, .version = WEIR_VERSION, .what = "the flows of all nodes as one stream",
		.usage = "weir-relay --peer NAME=ADDR [OPTION...]", .text = ABOUT, .options = options,
		.exits = "0 it ended as asked, 1 it could not do its work, 2 wrong usage or settings", .files = files,
		.see = "weir(1), weir-observe(1), weir-agent(8)",
	}, to);
}
