// SPDX-License-Identifier: Apache-2.0
/* The options that select, and what was given of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/utf8.h"
#include "lib/select/select_inside.h"

struct select_given select_given = { .default_masks = true };

static int take_choice(void *ctx, const struct opt *o, const char *value, struct complaint *why);
static int take_not(void *ctx, const struct opt *o, const char *value, struct complaint *why);
static int take_number(void *ctx, const struct opt *o, const char *value, struct complaint *why);
static int take_word(void *ctx, const struct opt *o, const char *value, struct complaint *why);
static int take_paths(void *ctx, const struct opt *o, const char *value, struct complaint *why);

#define CHOICE(letter, name, how, end, source, destination, value, text)					\
	OPT_CALL(letter, name, take_choice, &((const struct choice){ how, end, source, destination }), value, text)
#define PLAIN(name, how, field, value, text) CHOICE(0, name, how, END_NEITHER, field, 0, value, text)
/* --word, --from-word, --to-word */
#define ENDS(letter, name, how, source, destination, value, what)						\
	CHOICE(letter, name, how, END_EITHER, source, destination, value, "either end: " what),		\
	CHOICE(0, "from-" name, how, END_SOURCE, source, 0, value, "source: the same"),			\
	CHOICE(0, "to-" name, how, END_DESTINATION, 0, destination, value, "destination: the same")

#define VERDICTS "FORWARDED|DROPPED|AUDIT|REDIRECTED|ERROR|TRACED|TRANSLATED"
#define TYPES "drop|trace|trace:to-endpoint|trace:to-network|policy-verdict|capture|l7|trace-sock"
#define PROTOCOLS "tcp|udp|sctp|icmp|icmpv4|icmpv6|vrrp|igmp|dns|http|kafka"

const struct opt select_options[] = {
	OPT_HEAD("which flows"),
	OPT_CALL(0, "last", take_number, &select_given.last, "N", "the newest N (default: 20, if no time, no file and no -f)"),
	OPT_CALL(0, "first", take_number, &select_given.first, "N", "the oldest N"),
	OPT_FLAG(0, "all", &select_given.all, "all that are kept"),
	OPT_FLAG('f', "follow", &select_given.follow, "go on as they come, until interrupted; begin now unless --last or --since say otherwise"),
	OPT_TEXT(0, "since", &select_given.since, "TIME", "from then on: 5m, 1h30m, 2d ago; 2026-11-21T14Z, 2026-11-21T14:05:00Z"),
	OPT_TEXT(0, "until", &select_given.until, "TIME", "up to then: the same"),
	OPT_TEXT(0, "input-file", &select_given.input, "FILE", "flows stored as JSON lines, '-' is stdin, instead of a server's"),

	OPT_HEAD("filters (one option given twice: either value; different options: all of them)"),
	OPT_CALL(0, "not", take_not, NULL, NULL, "negate the next filter: what it selects is left out"),
	CHOICE('d', "denied", HOW_DENIED, END_NEITHER, 5, 0, NULL, "denied, or would be by audited policies"),
	ENDS('n', "namespace", HOW_NAMESPACE, 2, 4, "NAMESPACE", "a pod of this namespace; pods and services named without one are of it"),
	CHOICE('A', "all-namespaces", HOW_ALL_NAMESPACES, END_EITHER, 2, 4, NULL, "either end: a pod of any namespace"),
	CHOICE(0, "from-all-namespaces", HOW_ALL_NAMESPACES, END_SOURCE, 2, 0, NULL, "source: the same"),
	CHOICE(0, "to-all-namespaces", HOW_ALL_NAMESPACES, END_DESTINATION, 0, 4, NULL, "destination: the same"),
	ENDS('p', "pod", HOW_POD, 2, 4, "[NAMESPACE/]POD", "pods whose name begins so (namespace: default)"),
	ENDS(0, "service", HOW_SERVICE, 16, 17, "[NAMESPACE/]SERVICE", "services whose name begins so (namespace: default)"),
	ENDS(0, "workload", HOW_WORKLOAD, 26, 27, "[KIND/]NAME", "a workload: cart, Deployment/cart, DaemonSet/"),
	ENDS('l', "label", HOW_TEXT, 10, 11, "SELECTOR", "labels: app=cart,tier in (web,api),!debug, reserved:world"),
	ENDS(0, "ip", HOW_TEXT, 1, 3, "ADDRESS[/LENGTH]", "an address, or one of a prefix"),
	ENDS(0, "fqdn", HOW_TEXT, 7, 8, "NAME", "a DNS name, * for any part: *.example.com"),
	ENDS(0, "port", HOW_TEXT, 13, 14, "PORT", "a port of TCP, UDP or SCTP"),
	ENDS(0, "identity", HOW_IDENTITY, 19, 20, "NUMBER|NAME", "an identity: 65537, world, host, kube-apiserver"),
	ENDS(0, "cluster", HOW_TEXT, 37, 38, "NAME", "a cluster, * for any part"),
	CHOICE('t', "type", HOW_TYPE, END_NEITHER, 6, 0, TYPES, "events of this type: drop, drop:133, trace, trace:to-endpoint, policy-verdict, l7"),
	PLAIN("verdict", HOW_VERDICT, 5, VERDICTS, "this verdict"),
	PLAIN("drop-reason-desc", HOW_DROP_REASON, 33, "REASON", "dropped for this reason: POLICY_DENIED, UNSUPPORTED_L3_PROTOCOL"),
	PLAIN("policy", HOW_POLICY, 0, "[NAMESPACE/]NAME", "decided by this policy, would be if audited ones counted, or of a pod that it isolates"),
	PLAIN("rule", HOW_RULE, 0, "N", "of those, decided by this rule in written order"),
	PLAIN("protocol", HOW_TEXT, 12, PROTOCOLS, "this protocol"),
	PLAIN("traffic-direction", HOW_DIRECTION, 30, "ingress|egress", "judged on this side"),
	PLAIN("tcp-flags", HOW_FLAGS, 23, "FLAG[,FLAG]", "TCP with all of these: syn,ack"),
	CHOICE('4', "ipv4", HOW_IPV4, END_NEITHER, 25, 0, NULL, "IPv4"),
	CHOICE('6', "ipv6", HOW_IPV6, END_NEITHER, 25, 0, NULL, "IPv6"),
	PLAIN("ip-version", HOW_IP_VERSION, 25, "v4|v6|none", "this version"),
	PLAIN("node-name", HOW_TEXT, 24, "[CLUSTER/]NODE", "seen on this node, * for any part: k8s*, test/*.example.com"),
	PLAIN("node-label", HOW_TEXT, 36, "SELECTOR", "seen on a node with these labels"),
	PLAIN("interface", HOW_INTERFACE, 35, "NAME", "seen at this interface"),
	PLAIN("uuid", HOW_TEXT, 29, "UUID", "the flow that has this name"),
	PLAIN("snat-ip", HOW_TEXT, 34, "ADDRESS[/LENGTH]", "the source as others see it"),
	PLAIN("encrypted", HOW_ENCRYPTED, 40, NULL, "encrypted between nodes"),
	PLAIN("unencrypted", HOW_UNENCRYPTED, 40, NULL, "not encrypted between nodes"),
	PLAIN("trace-id", HOW_TEXT, 28, "ID", "of this trace of requests"),
	PLAIN("ip-trace-id", HOW_NUMBER, 39, "ID", "with this number in an option of IP"),
	PLAIN("http-status", HOW_TEXT, 9, "STATUS", "HTTP answers: 404, 40+, 5+"),
	PLAIN("http-method", HOW_TEXT, 21, "METHOD", "HTTP requests: get, post"),
	PLAIN("http-path", HOW_TEXT, 22, "EXPRESSION", "HTTP by path: '/page/\\d+'"),
	PLAIN("http-url", HOW_TEXT, 31, "EXPRESSION", "HTTP by URL: '//.*example\\.com/'"),
	PLAIN("http-header", HOW_HEADER, 32, "NAME:VALUE", "HTTP with this header"),
	PLAIN("cel-expression", HOW_CEL, 999, "EXPRESSION", "refused: expressions in CEL are not supported"),
	OPT_CALL(0, "allowlist", take_word, &select_given.allow, "JSON", "a flow.FlowFilter as it is; adds what it selects (or WEIR_ALLOWLIST, HUBBLE_ALLOWLIST)"),
	OPT_CALL(0, "denylist", take_word, &select_given.deny, "JSON", "a flow.FlowFilter as it is; leaves out what it selects (or WEIR_DENYLIST, HUBBLE_DENYLIST)"),
	OPT_FLAG(0, "print-raw-filters", &select_given.raw, "say the filters as they would be sent, and end"),
	OPT_FLAG(0, "explain-filter", &select_given.explain, "say in a sentence what they select, and end"),

	OPT_HEAD("which parts of a flow"),
	OPT_CALL(0, "field-mask", take_paths, NULL, "FIELD[,FIELD]", "with -o json: time, source.pod_name, l4.TCP"),
	OPT_FLAG(0, "use-default-field-masks", &select_given.default_masks, "ask only for what the output shows (default: true)"),
	OPT_END
};

const struct choice *select_choice(const struct opt *o)
{
	return o->call == take_choice ? o->to : NULL;
}

/* The wire's texts are UTF-8: a server would say that it does not understand, not which value it is. */
static int check_text(const struct given *g, struct complaint *why)
{
	for (const char *c = g->value; *c; c += utf8_length(c, strlen(c)))
		if (!utf8_length(c, strlen(c)))
			return select_refuse(g->name, "the value is no UTF-8", why);
	return 0;
}

/* A choice that nobody could mean is refused at once, by the name of its option. */
static int check(const struct given *g, struct complaint *why)
{
	Flow__FlowFilter f = FLOW__FLOW_FILTER__INIT, *list = &f;
	const struct choice *choice = g->choice;
	uint32_t field = choice->source ? choice->source : choice->destination;
	struct filters *filters = NULL;
	int err = 0;

	/* an empty name is all pods of the namespaces, if there are some */
	if (choice->how == HOW_NAMESPACE || choice->how == HOW_ALL_NAMESPACES ||
	    ((choice->how == HOW_POD || choice->how == HOW_SERVICE) && !*g->value)) {
		if (choice->how != HOW_NAMESPACE || (*g->value && !strchr(g->value, '/')))
			return 0;
		complaint_set(why, 0, 0, "option '--%s' wants the name of a namespace, not '%s'", g->name, g->value);
		return -EINVAL;
	}
	if (field || choice->how == HOW_RULE || choice->how == HOW_POLICY)
		err = select_put(&f, field, g, g->value, why);
	if (!err && field)
		err = filters_new(&filters, &list, 1, NULL, 0, why);
	if (err == -EINVAL) {
		/* of what the filter complains of, the person wrote only the value */
		const char *colon = strncmp(why->text, "whitelist", 9) ? NULL : strstr(why->text, "]: ");
		struct complaint wrong = *why;

		select_refuse(g->name, colon ? wrong.text + (colon + 3 - why->text) : wrong.text, why);
	}
	filters_free(filters);
	for (unsigned int i = 0; i < f.base.descriptor->n_fields; i++)
		select_clear(&f.base, &f.base.descriptor->fields[i]);
	return err;
}

static int take_choice(void *ctx, const struct opt *o, const char *value, struct complaint *why)
{
	struct given g = { .choice = ctx, .name = o->name, .value = value, .not = select_given.not };
	struct given *more;
	int err;

	if (!o->value && !strcmp(value, "false")) {
		if (g.choice->how != HOW_ENCRYPTED && g.choice->how != HOW_UNENCRYPTED)
			return 0;	/* --denied=false: as if not given */
	}
	if (select_given.n == GIVEN_MOST) {
		complaint_set(why, 0, 0, "more than %d filters; one of many values is shorter as --allowlist", GIVEN_MOST);
		return -EINVAL;
	}
	if (g.not && (g.choice->how == HOW_POLICY || g.choice->how == HOW_RULE)) {
		complaint_set(why, 0, 0, "'--not' cannot negate '--%s'", o->name);
		return -EINVAL;
	}
	err = check_text(&g, why) ?: check(&g, why);
	for (unsigned int i = 0; i < select_given.n && !err; i++)
		if (select_given.given[i].not == g.not)
			err = select_clash(&select_given.given[i], &g, why);
	if (err)
		return err;
	more = realloc(select_given.given, (select_given.n + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	select_given.given = more;
	more[select_given.n++] = g;
	select_given.not = false;
	return 0;
}

static int take_not(void *ctx, const struct opt *o, const char *value, struct complaint *why)
{
	if (!strcmp(value, "false"))
		return 0;
	if (select_given.not) {
		complaint_set(why, 0, 0, "'--not' stands twice: it negates the one filter behind it");
		return -EINVAL;
	}
	select_given.not = true;
	return 0;
}

static int take_number(void *ctx, const struct opt *o, const char *value, struct complaint *why)
{
	char *end;

	errno = 0;
	*(uint64_t *)ctx = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno) {
		complaint_set(why, 0, 0, "option '--%s' wants a number of flows, not '%s'", o->name, value);
		return -EINVAL;
	}
	*(ctx == &select_given.last ? &select_given.last_said : &select_given.first_said) = true;
	return 0;
}

static int add_word(const char ***list, unsigned int *n, const char *word)
{
	const char **more = realloc(*list, (*n + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	*list = more;
	more[(*n)++] = word;
	return 0;
}

static int take_word(void *ctx, const struct opt *o, const char *value, struct complaint *why)
{
	return ctx == &select_given.allow ? add_word(&select_given.allow, &select_given.allows, value) :
					    add_word(&select_given.deny, &select_given.denies, value);
}

static int take_paths(void *ctx, const struct opt *o, const char *value, struct complaint *why)
{
	return add_word(&select_given.mask, &select_given.masks, value);
}
