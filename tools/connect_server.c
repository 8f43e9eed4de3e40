// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/config.h"
#include "tools/connect.h"
#include "tools/connect_server.h"
#include "tools/forward.h"
#include "tools/lab_at.h"
#include "tools/verb.h"

struct connect_want connect_want = {
	.timeout = 5000, .request_timeout = 12000, .forward_port = 4245, .forward_service = "weir-relay", .kube_namespace = "kube-system",
};

static int refuse_password(void *ctx, const struct opt *o, const char *value, struct complaint *why)
{
	complaint_set(why, 0, 0, "option '--%s' is not taken: weir knows its callers by certificate (--tls-client-cert-file)", o->name);
	return -EINVAL;
}

const struct opt connect_more[] = {
	OPT_DURATION(0, "timeout", &connect_want.timeout, "TIME", "how long connecting may take (5s)"),
	OPT_DURATION(0, "request-timeout", &connect_want.request_timeout, "TIME", "how long an answer that is no stream may take (12s)"),
	OPT_FLAG(0, "tls", &connect_want.tls, "by TLS; options below imply it"),
	OPT_FLAG(0, "tls-allow-insecure", &connect_want.insecure, "take any certificate: for trying things out only"),
	OPT_LIST(0, "tls-ca-cert-files", &connect_want.ca, "FILE", "who signs the server's certificate, PEM (default: the system's)"),
	OPT_TEXT(0, "tls-client-cert-file", &connect_want.cert, "FILE", "our certificate"),
	OPT_TEXT(0, "tls-client-key-file", &connect_want.key, "FILE", "and its key"),
	OPT_TEXT(0, "tls-server-name", &connect_want.name, "NAME", "the name that the server's certificate must hold (default: that of SERVER)"),
	OPT_TEXT(0, "config", &connect_want.config, "FILE", "settings: long names of these options ('weir config view' shows which file)"),
	OPT_FLAG('P', "port-forward", &connect_want.forward, "ask the relay in a Kubernetes cluster, by kubectl's port-forward"),
	OPT_UINT(0, "port-forward-port", &connect_want.forward_port, "PORT", "here; 0: any that is free (4245)"),
	OPT_TEXT(0, "port-forward-service", &connect_want.forward_service, "NAME", "its Service, whose first port it is (weir-relay)"),
	OPT_TEXT(0, "kube-namespace", &connect_want.kube_namespace, "NAME", "and its namespace (kube-system)"),
	OPT_TEXT(0, "kube-context", &connect_want.kube_context, "NAME", "of the kubeconfig (the current one)"),
	OPT_TEXT(0, "kubeconfig", &connect_want.kubeconfig, "FILE", "how kubectl finds the cluster (KUBECONFIG, else ~/.kube/config)"),
	OPT_CALL(0, "basic-auth-username", refuse_password, NULL, "NAME", NULL),
	OPT_CALL(0, "basic-auth-password", refuse_password, NULL, "WORD", NULL),
	OPT_END
};

#define WHOM(letter)										\
	OPT_HEAD("whom to ask"),								\
	OPT_TEXT(letter, "server", &connect_want.server, "SERVER", "unix:///PATH, HOST:PORT or tls://HOST:PORT (default: this node's agent, " \
		 "else a lab's, else " CONNECT_RELAY ")"),					\
	OPT_TEXT(0, "lab", &connect_want.lab, "LAB", "the relay of that lab, or its first agent"),	\
	OPT_TABLE(connect_more)

const struct opt connect_debug[] = { OPT_FLAG('D', "debug", &connect_want.debug, "say who is asked, and how"), OPT_END };
const struct opt connect_options[] = { WHOM(0), OPT_END };
const struct opt connect_verb_options[] = { WHOM('s'), OPT_TABLE(connect_debug), OPT_END };

static struct complaint refused;	/* a setting is wrong; told when somebody is to be asked */
static const char *set_server;		/* by a setting, which gives way to options */

void connect_defaults(int argc, char **argv)
{
	config_apply(argc, argv, connect_options, &refused);
	set_server = connect_want.server;
}

void connect_to(const char *server)
{
	if (!connect_want.forward)
		connect_want.server = server;
}

bool connect_twice(const char *server, const char *lab)
{
	if (!connect_want.forward || (!lab && (!server || server == set_server)))
		return false;
	verb_fail(VERB_USAGE, "--port-forward and --%s both say whom to ask", lab ? "lab" : "server");
	return true;
}

static int check(bool tls)
{
	const struct connect_want *w = &connect_want;

	if (*refused.text)
		return verb_complain(VERB_USAGE, &refused);
	if (!w->cert != !w->key)
		return verb_fail(VERB_USAGE, "--tls-client-cert-file and --tls-client-key-file go together: the %s is missing",
				 w->cert ? "key" : "certificate");
	if (connect_twice(w->server, w->lab))
		return VERB_USAGE;
	if (w->forward && (w->forward_port > 65535 || !*w->forward_service || !*w->kube_namespace))
		return verb_fail(VERB_USAGE, w->forward_port > 65535 ? "--port-forward-port is from 0 to 65535" :
				 "--port-forward-service and --kube-namespace name the relay's Service");
	if (!w->forward && w->server && w->lab)
		return verb_fail(VERB_USAGE, "--server and --lab both say whom to ask");
	return VERB_GO;
}

static int say_others(const char *server, unsigned int nodes)
{
	if (nodes > 1)
		fprintf(stderr, "asking %s; 'weir lab status' shows the other nodes (--server)\n", server);
	return VERB_GO;
}

/* Nobody said whom. */
static int choose_usual(char server[CONNECT_SERVER_SIZE])
{
	unsigned int nodes = 0;

	if (connect_want.lab) {
		if (lab_observer(connect_want.lab, server, &nodes))
			return say_others(server, nodes);
		return verb_fail(VERB_UNREACHED, "no lab '%s' is up ('weir lab status' lists them)", connect_want.lab);
	}
	if (access(CONNECT_SOCKET, F_OK) == 0) {
		strcpy(server, "unix:" CONNECT_SOCKET);
		return VERB_GO;
	}
	if (lab_observer(NULL, server, &nodes))
		return say_others(server, nodes);
	if (lab_several())
		fprintf(stderr, "several labs are up: --lab says which (%s); asking " CONNECT_RELAY "\n", lab_several());
	strcpy(server, CONNECT_RELAY);
	return VERB_GO;
}

/* Who names an agent's control socket means that agent: it serves gRPC on a socket beside. */
static void beside_control(char server[CONNECT_SERVER_SIZE])
{
	char beside[CONNECT_SERVER_SIZE + 32];
	const char *path = strncmp(server, "unix://", 7) ? server + 5 : server + 7;
	size_t n = strlen(path), own = strlen(LAB_OBSERVER);

	if (strncmp(server, "unix:", 5) || n < 5 || strcmp(path + n - 5, ".sock") || (n >= own && !strcmp(path + n - own, LAB_OBSERVER)))
		return;
	if (n >= 11 && !strcmp(path + n - 11, "/agent.sock"))
		snprintf(beside, sizeof(beside), "unix:%.*s/" LAB_OBSERVER, (int)(n - 11), path);
	else
		snprintf(beside, sizeof(beside), "unix:%.*s." LAB_OBSERVER, (int)(n - 5), path);
	if (access(beside + 5, F_OK) == 0 && strlen(beside) < CONNECT_SERVER_SIZE)
		strcpy(server, beside);
}

static int choose_forward(char server[CONNECT_SERVER_SIZE], struct forward **forward)
{
	const struct connect_want *w = &connect_want;
	struct forward_want to = { .kubeconfig = w->kubeconfig, .context = w->kube_context, .ns = w->kube_namespace,
				   .service = w->forward_service, .port = w->forward_port, .timeout = w->timeout };
	int code = forward_open(forward, &to);

	if (code == VERB_GO)
		snprintf(server, CONNECT_SERVER_SIZE, "%s", forward_server(*forward));
	return code;
}

int connect_choose(char server[CONNECT_SERVER_SIZE], bool *tls, struct forward **forward)
{
	const struct connect_want *w = &connect_want;
	const char *from = w->server && *w->server ? w->server : NULL;
	int code;

	*tls = w->tls || w->insecure || w->ca.n || w->cert || w->key || w->name;
	code = check(*tls);
	if (code != VERB_GO)
		return code;
	if (w->forward)
		return choose_forward(server, forward);
	if (!from)
		return choose_usual(server);
	if (!strncmp(from, "tls://", 6)) {
		*tls = true;
		from += 6;
	}
	if (strlen(from) >= CONNECT_SERVER_SIZE - 8)
		return verb_fail(VERB_USAGE, "the server's name is too long");
	sprintf(server, "%s%s", *from == '/' ? "unix:" : "", from);
	beside_control(server);
	return VERB_GO;
}
