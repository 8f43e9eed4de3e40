// SPDX-License-Identifier: Apache-2.0
/* weir lab exec, probe, serve: being a pod for a moment. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/addr.h"
#include "lib/json_write.h"
#include "tools/call.h"
#include "tools/lab_at.h"
#include "tools/lab_verbs.h"
#include "tools/lab_world.h"
#include "tools/verb.h"
#include "tools/words.h"

static struct verb_want want;
static const char *lab_name;

#define LAB_OPTION OPT_TEXT('l', "lab", &lab_name, "LAB", "which lab (default: the only one)")

static int run(const struct lab *lab, const char *who, const char *node, char **argv)
{
	char server[PATH_MAX * 2];
	struct complaint why = { 0 };

	if (lab_go(lab, who, &why))
		return verb_complain(VERB_FAILED, &why);
	if (*node) {
		snprintf(server, sizeof(server), "unix:%s/%s.sock", lab->dir, node);
		setenv("WEIR_SERVER", server, 1);
	}
	setenv("WEIR_POD", who, 1);
	execvp(argv[0], argv);
	return verb_fail(127, "cannot run '%s': %s", argv[0], strerror(errno));
}

int lab_exec_main(int argc, char **argv)
{
	static const struct opt options[] = { LAB_OPTION, OPT_FLAG('h', "help", &want.help, "say this"), OPT_END };
	static const struct verb_help help = {
		"lab exec [OPTION...] POD|node/NAME|outside -- COMMAND...",
		"Runs a command in a pod's network namespace, a node's, or that of the rest of the world. It is root there, and\n"
		"files are this machine's: only the network is the pod's. WEIR_SERVER is set to the agent of its node.",
		"the command's own, 127 it cannot be run, 1 no such lab or pod", true,
	"  weir lab exec shop/web -- curl -m 2 10.77.0.5:8080\n"
	"  weir lab exec shop/rogue -- sh\n",
	NULL
	};
	char who[LAB_WORD], node[LAB_WORD];
	struct complaint why = { 0 };
	struct verb_words words;
	struct lab *lab;
	int code = verb_begin(&help, &want, options, &words, argc, argv), from;

	if (code != VERB_GO)
		return code;
	from = words.n > 1 && !strcmp(words.word[1], "--") ? 2 : 1;
	if (words.n <= from)
		return verb_fail(VERB_USAGE, "a pod and a command are wanted");
	if (lab_find(&lab, lab_name, &why))
		return verb_complain(VERB_NO, &why);
	if (lab_who(lab, words.word[0], who, node, &why))
		code = verb_complain(VERB_NO, &why);
	else
		code = run(lab, who, node, words.word + from);
	lab_close(lab);
	return code;
}

/* The address of an end as the manifests have it; of the family wanted (4, 6, 0 any). */
static int address_of(const struct world *w, const char *end, int family, struct weir_addr *out)
{
	if (addr_parse(end, out) == 0)
		return 0;
	for (unsigned int p = 0; p < w->npods; p++) {
		const struct object *o = w->pod[p];
		char name[512];

		snprintf(name, sizeof(name), "%s/%s", o->ns, o->name);
		for (unsigned int i = 0; !strcmp(name, end) && i < o->pod.naddr; i++) {
			*out = o->pod.addr[i];
			if (!family || addr_is_v4(out) == (family == 4))
				return 0;
		}
	}
	for (unsigned int n = 0; n < w->nnodes && !strncmp(end, "node/", 5); n++)
		for (unsigned int i = 0; !strcmp(w->node[n].name, end + 5) && i < w->node[n].naddr; i++) {
			*out = w->node[n].addr[i];
			if (!family || addr_is_v4(out) == (family == 4))
				return 0;
		}
	return -ENOENT;
}

static int find_address(const struct lab *lab, const char *end, int family, struct weir_addr *out, struct complaint *why)
{
	const struct lab_line *state = lab_line(lab, "state", NULL);
	struct world *w;
	int err;

	if (addr_parse(end, out) == 0)
		return 0;
	err = state ? world_read(&w, state->word[0], why) : -ENOENT;
	if (err)
		return err;
	err = address_of(w, end, family, out);
	if (err)
		complaint_set(why, 0, 0, "'%s' is no pod of the lab with an address%s", end, family ? " of that family" : "");
	world_free(w);
	return err;
}

static int print_call(const char *who, const char *to, const struct call *c, enum call_end end, unsigned int us)
{
	bool through = end == CALL_ANSWERED || end == CALL_REFUSED;
	struct json_out j;

	if (want.json) {
		json_begin(&j, stdout, true);
		json_object(&j, NULL);
		json_text(&j, "source", who);
		json_text(&j, "destination", to);
		json_bool(&j, "through", through);
		json_text(&j, "end", call_word(end));
		json_uint(&j, "microseconds", us);
		json_end(&j);
		json_done(&j);
	} else if (through) {
		printf("%s -> %s: %s after %.1f ms%s\n", who, to, call_word(end), us / 1000.0,
		       end == CALL_REFUSED ? " (the packet arrived, nobody listens)" : "");
	} else {
		printf("%s -> %s: %s within %u ms ('weir why %s %s' says why)\n", who, to, call_word(end), c->ms, who, to);
	}
	return through ? VERB_OK : VERB_NO;
}

static struct {
	bool v4, v6;
	unsigned int ms;
	const char *from;
} probe = { .ms = 500 };

static int probe_now(const struct lab *lab, const char *source, const char *destination)
{
	struct complaint why = { 0 };
	struct weir_addr from;
	struct call call = { .ms = probe.ms };
	struct target target;
	char who[LAB_WORD], node[LAB_WORD];
	enum call_end end;
	unsigned int us;

	if (target_parse(destination, NULL, &target, &why))
		return verb_complain(VERB_USAGE, &why);
	call.port = target.port;
	call.udp = !strcmp(target.protocol, "UDP");
	if (!target.port || (!call.udp && strcmp(target.protocol, "TCP")))
		return verb_fail(VERB_USAGE, "a probe is TCP or UDP, with a port");
	if (probe.from && addr_parse(probe.from, &from))
		return verb_fail(VERB_USAGE, "'%s' is no address", probe.from);
	call.from = probe.from ? &from : NULL;
	if (lab_who(lab, source, who, node, &why) ||
	    find_address(lab, target.end, probe.v6 ? 6 : probe.v4 ? 4 : 0, &call.to, &why) || lab_go(lab, who, &why))
		return verb_complain(VERB_FAILED, &why);
	end = call_once(&call, &us);
	/* outside is no name to an agent: it is whoever its address says */
	if (!strcmp(who, LAB_OUTSIDE) && (call.from || call_source(&call, &from)))
		addr_text(&from, who);
	return print_call(who, destination, &call, end, us);
}

int lab_probe_main(int argc, char **argv)
{
	static const struct opt options[] = {
		LAB_OPTION,
		OPT_FLAG('4', "ipv4", &probe.v4, "by IPv4"),
		OPT_FLAG('6', "ipv6", &probe.v6, "by IPv6"),
		OPT_TEXT(0, "from", &probe.from, "ADDRESS", "from this address of the source"),
		OPT_DURATION('w', "wait", &probe.ms, "TIME", "for an answer (500ms)"),
		VERB_OUTPUT_OPTIONS(&want),
		OPT_END
	};
	static const struct verb_help help = {
		"lab probe [OPTION...] SOURCE DESTINATION:PORT[/PROTOCOL]",
		"Opens a real connection (or sends a datagram: udp) from SOURCE, which is a pod, node/NAME or outside, to a pod, a\n"
		"node or an address. A refused connection got through: policy drops in silence.",
		"0 got through, 1 did not", false,
	"  weir lab probe shop/cart shop/database:5432\n"
	"  weir lab probe -6 shop/web outside:443\n",
	NULL
	};
	struct complaint why = { 0 };
	struct verb_words words;
	struct lab *lab;
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	if (words.n != 2)
		return verb_fail(VERB_USAGE, "two words are wanted, SOURCE and DESTINATION:PORT, not %d", words.n);
	if (lab_find(&lab, lab_name, &why))
		return verb_complain(VERB_FAILED, &why);
	code = probe_now(lab, words.word[0], words.word[1]);
	lab_close(lab);
	return code;
}

int lab_serve_main(int argc, char **argv)
{
	static const struct opt options[] = { OPT_FLAG('h', "help", &want.help, "say this"), OPT_END };
	static const struct verb_help help = {
		"lab serve PORT...",
		"Answers on TCP and UDP ports until it is interrupted: `weir lab exec shop/web -- weir lab serve 8080`.",
		"0 never", false,
		"  weir lab exec shop/web -- weir lab serve 8080 9090\n", NULL
	};
	struct verb_words words;
	uint16_t port[32];
	int code = verb_begin(&help, &want, options, &words, argc, argv), n = 0;

	if (code != VERB_GO)
		return code;
	for (; n < words.n && n < 32; n++) {
		port[n] = strtoul(words.word[n], NULL, 10);
		if (!port[n])
			return verb_fail(VERB_USAGE, "'%s' is no port", words.word[n]);
	}
	if (!n || n < words.n)
		return verb_fail(VERB_USAGE, "one to 32 ports are wanted");
	return verb_fail(VERB_FAILED, "cannot listen: %s", strerror(-serve(port, n)));
}
