// SPDX-License-Identifier: Apache-2.0
/*
 * Options and the filters they become: what Hubble's command line sends for the same words.  Rows are written from its
 * documented behaviour; where weir refuses what Hubble lets through to the server, or takes more, the row says so.
 *
 *	options			runs the table
 *	options WORD...		prints what these words become
 */
#include <stdlib.h>
#include <unistd.h>

#include "observer/observer.pb-c.h"
#include "tests/check.h"
#include "lib/select/select.h"

#define NOW (1795282200ull * 1000000000)	/* 2026-11-21T17:30:00Z */

struct row {
	const char *line;		/* words between blanks, '...' one word */
	const char *white, *black;	/* filters as JSON, ';' between them; white "!": refused, black a part of why */
};

static const struct row rows[] = {
	{ "", "", "" },
	{ "--pod a", "{\"source_pod\":[\"a\"]};{\"destination_pod\":[\"a\"]}", "" },
	{ "-p a", "{\"source_pod\":[\"a\"]};{\"destination_pod\":[\"a\"]}", "" },
	{ "--pod a --pod b/c", "{\"source_pod\":[\"a\",\"b/c\"]};{\"destination_pod\":[\"a\",\"b/c\"]}", "" },
	{ "--pod=a/", "{\"source_pod\":[\"a/\"]};{\"destination_pod\":[\"a/\"]}", "" },
	{ "--from-pod a --to-pod b", "{\"source_pod\":[\"a\"],\"destination_pod\":[\"b\"]}", "" },

	/* namespaces */
	{ "-n ns", "{\"source_pod\":[\"ns/\"]};{\"destination_pod\":[\"ns/\"]}", "" },
	{ "-n a -n b", "{\"source_pod\":[\"a/\",\"b/\"]};{\"destination_pod\":[\"a/\",\"b/\"]}", "" },
	{ "--pod a -n ns", "{\"source_pod\":[\"ns/a\"]};{\"destination_pod\":[\"ns/a\"]}", "" },
	{ "-n a --service x --pod y", "{\"source_pod\":[\"a/y\"],\"source_service\":[\"a/x\"]};{\"destination_pod\":[\"a/y\"],\"destination_service\":[\"a/x\"]}", "" },
	{ "-n a -n b --pod x", "{\"source_pod\":[\"a/x\",\"b/x\"]};{\"destination_pod\":[\"a/x\",\"b/x\"]}", "" },
	{ "--service x -n ns", "{\"source_service\":[\"ns/x\"]};{\"destination_service\":[\"ns/x\"]}", "" },
	{ "--service a --service b/c -n b", "{\"source_service\":[\"b/a\",\"b/c\"]};{\"destination_service\":[\"b/a\",\"b/c\"]}", "" },
	{ "-n a --pod a/x", "{\"source_pod\":[\"a/x\"]};{\"destination_pod\":[\"a/x\"]}", "" },
	{ "-n a --pod /x", "{\"source_pod\":[\"/x\"]};{\"destination_pod\":[\"/x\"]}", "" },
	{ "-n a --pod ''", "{\"source_pod\":[\"a/\"]};{\"destination_pod\":[\"a/\"]}", "" },
	{ "--from-namespace a --to-pod b/c", "{\"source_pod\":[\"a/\"],\"destination_pod\":[\"b/c\"]}", "" },
	{ "--from-namespace a --from-pod a/x --from-pod b", "{\"source_pod\":[\"a/x\",\"a/b\"]}", "" },
	{ "--from-service x --from-namespace ns", "{\"source_service\":[\"ns/x\"]}", "" },
	{ "--to-namespace a --from-pod x", "{\"source_pod\":[\"x\"],\"destination_pod\":[\"a/\"]}", "" },
	{ "--from-namespace a --pod x", "{\"source_pod\":[\"a/x\"]};{\"source_pod\":[\"a/\"],\"destination_pod\":[\"x\"]}", "" },
	{ "--from-namespace a --service x", "{\"source_service\":[\"a/x\"]};{\"source_pod\":[\"a/\"],\"destination_service\":[\"x\"]}", "" },
	{ "-A", "{\"source_pod\":[\"/\"]};{\"destination_pod\":[\"/\"]}", "" },
	{ "-A --pod foo", "{\"source_pod\":[\"/foo\"]};{\"destination_pod\":[\"/foo\"]}", "" },
	{ "-A --service s", "{\"source_service\":[\"/s\"]};{\"destination_service\":[\"/s\"]}", "" },
	{ "--from-all-namespaces", "{\"source_pod\":[\"/\"]}", "" },
	{ "--from-all-namespaces --to-all-namespaces", "{\"source_pod\":[\"/\"],\"destination_pod\":[\"/\"]}", "" },
	{ "--from-all-namespaces --to-namespace b", "{\"source_pod\":[\"/\"],\"destination_pod\":[\"b/\"]}", "" },
	{ "--from-all-namespaces --pod x", "{\"source_pod\":[\"/x\"]};{\"source_pod\":[\"/\"],\"destination_pod\":[\"x\"]}", "" },

	/* symmetric ones stand for one end each, the others for both filters */
	{ "--pod a --port 80", "{\"source_pod\":[\"a\"],\"source_port\":[\"80\"]};{\"destination_pod\":[\"a\"],\"destination_port\":[\"80\"]}", "" },
	{ "--ip 1.2.3.4 --verdict DROPPED", "{\"source_ip\":[\"1.2.3.4\"],\"verdict\":[\"DROPPED\"]};{\"destination_ip\":[\"1.2.3.4\"],\"verdict\":[\"DROPPED\"]}", "" },
	{ "--from-pod a --label x --to-port 80", "{\"source_pod\":[\"a\"],\"source_label\":[\"x\"],\"destination_port\":[\"80\"]};{\"source_pod\":[\"a\"],\"destination_label\":[\"x\"],\"destination_port\":[\"80\"]}", "" },
	{ "--from-ip 1.1.1.1 --to-pod a", "{\"source_ip\":[\"1.1.1.1\"],\"destination_pod\":[\"a\"]}", "" },
	{ "--from-fqdn x --to-ip 1.1.1.1", "{\"destination_ip\":[\"1.1.1.1\"],\"source_fqdn\":[\"x\"]}", "" },
	{ "--fqdn x --label a=b", "{\"source_fqdn\":[\"x\"],\"source_label\":[\"a=b\"]};{\"destination_fqdn\":[\"x\"],\"destination_label\":[\"a=b\"]}", "" },
	{ "--pod x --from-service y", "{\"source_pod\":[\"x\"],\"source_service\":[\"y\"]};{\"destination_pod\":[\"x\"],\"source_service\":[\"y\"]}", "" },

	/* --not: the next one alone */
	{ "--not --pod a --verdict DROPPED", "{\"verdict\":[\"DROPPED\"]}", "{\"source_pod\":[\"a\"]};{\"destination_pod\":[\"a\"]}" },
	{ "--not --verdict FORWARDED --not --protocol udp", "", "{\"verdict\":[\"FORWARDED\"],\"protocol\":[\"udp\"]}" },
	{ "--ipv4 --not --ipv6", "{\"ip_version\":[\"IPv4\"]}", "{\"ip_version\":[\"IPv6\"]}" },
	{ "-n a --not -n b", "{\"source_pod\":[\"a/\"]};{\"destination_pod\":[\"a/\"]}", "{\"source_pod\":[\"b/\"]};{\"destination_pod\":[\"b/\"]}" },
	{ "--not -n a --not --pod x --pod y", "{\"source_pod\":[\"y\"]};{\"destination_pod\":[\"y\"]}", "{\"source_pod\":[\"a/x\"]};{\"destination_pod\":[\"a/x\"]}" },
	{ "--not -f --pod a", "", "{\"source_pod\":[\"a\"]};{\"destination_pod\":[\"a\"]}" },
	{ "--pod a --not --from-pod b", "{\"source_pod\":[\"a\"]};{\"destination_pod\":[\"a\"]}", "{\"source_pod\":[\"b\"]}" },

	/* each value's form */
	{ "--label app=x", "{\"source_label\":[\"app=x\"]};{\"destination_label\":[\"app=x\"]}", "" },
	{ "-l 'a in (b,c)' -l reserved:world", "{\"source_label\":[\"a in (b,c)\",\"reserved:world\"]};{\"destination_label\":[\"a in (b,c)\",\"reserved:world\"]}", "" },
	{ "--workload Deployment/foo --workload bar --workload Kind/", "{\"source_workload\":[{\"name\":\"foo\",\"kind\":\"Deployment\"},{\"name\":\"bar\"},{\"kind\":\"Kind\"}]};{\"destination_workload\":[{\"name\":\"foo\",\"kind\":\"Deployment\"},{\"name\":\"bar\"},{\"kind\":\"Kind\"}]}", "" },
	{ "--to-identity world --to-identity 5 --from-identity reserved:host", "{\"source_identity\":[1],\"destination_identity\":[2,5]}", "" },
	{ "--from-cluster c*", "{\"source_cluster_name\":[\"c*\"]}", "" },
	{ "--node-name n1 --node-label a=b", "{\"node_name\":[\"n1\"],\"node_labels\":[\"a=b\"]}", "" },
	{ "--tcp-flags syn,ack --tcp-flags FIN", "{\"tcp_flags\":[{\"SYN\":true,\"ACK\":true},{\"FIN\":true}]}", "" },
	{ "--tcp-flags 'syn, ack'", "{\"tcp_flags\":[{\"SYN\":true,\"ACK\":true}]}", "" },
	{ "--http-header a:b:c --http-status 404 --http-method get", "{\"http_status_code\":[\"404\"],\"http_method\":[\"get\"],\"http_header\":[{\"key\":\"a\",\"value\":\"b:c\"}]}", "" },
	{ "--http-path /x --http-url .* --http-status 5+", "{\"http_status_code\":[\"5+\"],\"http_path\":[\"/x\"],\"http_url\":[\".*\"]}", "" },
	{ "-6 -4", "{\"ip_version\":[\"IPv6\",\"IPv4\"]}", "" },
	{ "-46", "{\"ip_version\":[\"IPv4\",\"IPv6\"]}", "" },
	{ "--ip-version 4 --ip-version none --ip-version IPv6", "{\"ip_version\":[\"IPv4\",\"IP_NOT_USED\",\"IPv6\"]}", "" },
	{ "--traffic-direction ingress --traffic-direction EGRESS", "{\"traffic_direction\":[\"INGRESS\",\"EGRESS\"]}", "" },
	{ "--interface eth0 --interface eth1", "{\"interface\":[{\"name\":\"eth0\"},{\"name\":\"eth1\"}]}", "" },
	{ "--encrypted", "{\"encrypted\":[true]}", "" },
	{ "--unencrypted", "{\"encrypted\":[false]}", "" },
	{ "--encrypted=false", "{\"encrypted\":[false]}", "" },
	{ "--ipv4=false", "", "" },
	{ "--uuid abc --trace-id def --ip-trace-id 5", "{\"trace_id\":[\"def\"],\"uuid\":[\"abc\"],\"ip_trace_id\":[\"5\"]}", "" },
	{ "--snat-ip 1.2.3.0/24", "{\"source_ip_xlated\":[\"1.2.3.0/24\"]}", "" },
	{ "--protocol TCP --protocol icmp", "{\"protocol\":[\"TCP\",\"icmp\"]}", "" },
	{ "--drop-reason-desc POLICY_DENIED --drop-reason-desc policy-deny", "{\"drop_reason_desc\":[\"POLICY_DENIED\",\"POLICY_DENY\"]}", "" },
	{ "--verdict DROPPED --verdict audit", "{\"verdict\":[\"DROPPED\",\"AUDIT\"]}", "" },
	{ "-t drop -t trace:to-endpoint -t l7 -t policy-verdict", "{\"event_type\":[{\"type\":1},{\"type\":4,\"match_sub_type\":true},{\"type\":129},{\"type\":5}]}", "" },
	{ "-t 4:3 -t drop:133 -t drop:policy_denied -t trace-sock", "{\"event_type\":[{\"type\":4,\"match_sub_type\":true,\"sub_type\":3},{\"type\":1,\"match_sub_type\":true,\"sub_type\":133},{\"type\":1,\"match_sub_type\":true,\"sub_type\":133},{\"type\":7}]}", "" },
	{ "-t 0", "{\"event_type\":[{}]}", "" },
	{ "--denied", "{\"verdict\":[\"DROPPED\",\"AUDIT\"]}", "" },
	{ "--not -d", "", "{\"verdict\":[\"DROPPED\",\"AUDIT\"]}" },
	{ "-dn a", "{\"source_pod\":[\"a/\"],\"verdict\":[\"DROPPED\",\"AUDIT\"]};{\"destination_pod\":[\"a/\"],\"verdict\":[\"DROPPED\",\"AUDIT\"]}", "" },
	{ "--policy shop/db --rule 2", "", "" },

	/* as they are */
	{ "--allowlist '{\"source_pod\":[\"a/b\"]}' --denylist '{\"verdict\":[\"DROPPED\"]}'", "{\"source_pod\":[\"a/b\"]}", "{\"verdict\":[\"DROPPED\"]}" },
	{ "--allowlist '{\"sourcePod\":[\"a/b\"],\"verdict\":[2],\"reply\":[true]}' --pod z", "{\"source_pod\":[\"z\"]};{\"destination_pod\":[\"z\"]};{\"source_pod\":[\"a/b\"],\"verdict\":[\"DROPPED\"],\"reply\":[true]}", "" },
	{ "--allowlist '{\"uuid\":[\"a\"]} {\"uuid\":[\"b\"]}'", "{\"uuid\":[\"a\"]};{\"uuid\":[\"b\"]}", "" },
	{ "--allowlist ''", "", "" },
	{ "--allowlist {}", "{}", "" },

	/* contradictions */
	{ "--pod a --from-pod b", "!", "'--pod' and '--from-pod' contradict each other" },
	{ "--from-pod b --pod a", "!", "'--from-pod' and '--pod' contradict" },
	{ "--port 80 --from-port 90", "!", "contradict" },
	{ "--label a --from-label b", "!", "contradict" },
	{ "--from-label a --to-label b --label c", "!", "contradict" },
	{ "--identity 1 --to-identity 2", "!", "contradict" },
	{ "--workload a --from-workload b", "!", "contradict" },
	{ "--cluster a --to-cluster b", "!", "contradict" },
	{ "--from-fqdn x --fqdn y", "!", "contradict" },
	{ "--ip 1.1.1.1 --pod a", "!", "'--ip' and '--pod' contradict each other: an end is told by its address" },
	{ "--from-ip 1.1.1.1 --from-pod a", "!", "contradict" },
	{ "--from-ip 1.1.1.1 --pod a", "!", "contradict" },
	{ "--ip 1.1.1.1 --to-pod a", "!", "contradict" },
	{ "--ip 1.1.1.1 -n ns", "!", "contradict" },
	{ "--from-ip 1.1.1.1 -A", "!", "contradict" },
	{ "--fqdn a.b --pod a", "!", "contradict" },
	{ "--from-fqdn a.b --from-ip 1.1.1.1", "!", "contradict" },
	{ "--fqdn x --from-namespace y", "!", "contradict" },
	{ "-A --namespace a", "!", "one namespace or all of them" },
	{ "-A --from-pod a", "!", "contradict" },
	{ "-A --from-namespace a", "!", "contradict" },
	{ "-A --from-all-namespaces", "!", "contradict" },
	{ "--from-all-namespaces --from-namespace a", "!", "contradict" },
	{ "--from-all-namespaces --from-pod a/b", "!", "its namespace is another" },
	{ "-A --pod a/b", "!", "its namespace is another" },
	{ "-n ns --pod x/y", "!", "'--namespace ns' and '--pod x/y' contradict each other" },
	{ "--pod a/x -n a -n b", "!", "'--namespace b' and '--pod a/x' contradict" },
	{ "--namespace a --from-pod b", "!", "contradict" },
	{ "--namespace a --to-service a/x", "!", "contradict" },
	{ "--from-namespace b --namespace a", "!", "contradict" },
	{ "--pod a/x --service b/y", "!", "one end has one namespace" },
	{ "--service b/y --pod a/x", "!", "one end has one namespace" },
	{ "--pod a/x --from-service b/y", "!", "one end has one namespace" },
	{ "--service web --pod a/x", "!", "one end has one namespace" },		/* it is default/web */
	{ "--service web --pod a/x --pod /z", "{\"source_pod\":[\"a/x\",\"/z\"],\"source_service\":[\"web\"]};{\"destination_pod\":[\"a/x\",\"/z\"],\"destination_service\":[\"web\"]}", "" },
	{ "--encrypted --unencrypted", "!", "one or the other" },
	{ "--denied --verdict DROPPED", "!", "contradict" },
	{ "--last 5 --first 5", "!", "'--first' and '--last'" },
	{ "--first 5 --all", "!", "'--first' and '--all'" },
	{ "--first 5 -f", "!", "'--first' and '--follow'" },
	{ "--last 5 --all", "!", "'--last' and '--all'" },
	{ "--since 5m --until 10m", "!", "'--since 5m' is later than" },
	{ "-f --until 5m", "!", "'--until' and '--follow'" },		/* Hubble forgets --until */
	{ "--input-file x -f", "!", "'--input-file' and '--follow'" },

	/* values that nobody could mean */
	{ "--not", "!", "'--not' stands last" },
	{ "--pod a --not", "!", "'--not' stands last" },
	{ "--not --not --pod a", "!", "'--not' stands twice" },
	{ "--not --policy x", "!", "cannot negate" },
	{ "--rule 2", "!", "'--policy' is missing" },
	{ "--policy a --rule 0", "!", "option '--rule': a rule is known by its number" },
	{ "--policy a/b/c", "!", "option '--policy'" },
	{ "--verdict FOO", "!", "option '--verdict': no verdict 'FOO' (FORWARDED, DROPPED, ERROR, AUDIT, REDIRECTED, TRACED, TRANSLATED)" },
	{ "--verdict droped", "!", "did you mean 'DROPPED'?" },
	{ "--verdict denied", "!", "it is called DROPPED" },
	{ "--verdict VERDICT_UNKNOWN", "!", "no verdict" },
	{ "-t foo", "!", "no event type 'foo' (drop," },
	{ "-t trce", "!", "did you mean 'trace'?" },
	{ "-t trace:foo", "!", "'foo' is no subtype of 'trace': a number, or a point such as to-endpoint" },
	{ "-t drop:", "!", "no subtype" },
	{ "-t l7:dns", "!", "'dns' is no subtype of 'l7'" },
	{ "-t trace:-1", "!", "no subtype" },
	{ "-t 999", "!", "no event type" },
	{ "--drop-reason-desc FOO", "!", "no reason of a drop 'FOO'" },
	{ "--drop-reason-desc POLICY_DENID", "!", "did you mean 'POLICY_DENIED'?" },
	{ "--traffic-direction in", "!", "no direction 'in' (ingress, egress)" },
	{ "--ip-version 5", "!", "no version of IP '5' (v4, v6, none)" },
	{ "--ip 1.2.3", "!", "option '--ip': '1.2.3' is no IP address" },
	{ "--from-ip 1.2.3.4/33", "!", "option '--from-ip': '1.2.3.4/33' is no prefix" },
	{ "--ip ''", "!", "is no IP address" },
	{ "--pod ''", "!", "option '--pod' wants a name" },
	{ "--pod a/b/c", "!", "'a/b/c' has two '/'" },
	{ "-n a/b", "!", "wants the name of a namespace, not 'a/b'" },
	{ "--label '!!'", "!", "option '--label': '!' stands where a label's key should" },
	{ "--label 'a in (b'", "!", "the selector ends where ',' or ')' should follow" },
	{ "--label a=b=c", "!", "'=' stands where ',' or the end should" },
	{ "--fqdn a?b", "!", "has a '?'" },
	{ "--fqdn ''", "!", "a name is needed" },
	{ "--http-status foo", "!", "'foo' is no status of HTTP" },
	{ "--http-status 404+", "!", "no status" },
	{ "--http-path '('", "!", "'(' is not closed" },
	{ "--http-header foo", "!", "a header is NAME:VALUE" },
	{ "--tcp-flags foo", "!", "no flag of TCP 'foo' (FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, NS)" },
	{ "--tcp-flags ''", "!", "no flag of TCP ''" },
	{ "--port abc", "!", "option '--port': 'abc' is no port" },
	{ "--port 65536", "!", "is no port" },
	{ "--port 80,443", "!", "'80,443' is no port: one number from 0 to 65535 each" },
	{ "--protocol tpc", "!", "did you mean 'tcp'?" },
	{ "--identity foo", "!", "no identity 'foo' (host, world," },
	{ "--identity -1", "!", "no identity '-1'" },
	{ "--ip-trace-id x", "!", "a number is needed" },
	{ "--interface ''", "!", "the name of an interface is needed" },
	{ "--workload ''", "!", "a workload is cart" },
	{ "--cluster ''", "!", "a name is needed" },
	{ "--node-name a/b/c", "!", "two '/'" },
	{ "--cel-expression true", "!", "CEL are not supported" },
	{ "--last x", "!", "option '--last' wants a number of flows, not 'x'" },
	{ "--since 5x", "!", "option '--since': '5x' is no time" },
	{ "--until 2026-11-21T10", "!", "does not say of which zone" },
	{ "--field-mask foo", "!", "option '--field-mask': " },
	{ "--field-mask source.nope", "!", "option '--field-mask': " },
	{ "--allowlist {\"foo\":1}", "!", "option '--allowlist'" },
	{ "--allowlist []", "!", "option '--allowlist'" },
	{ "--denylist {\"verdict\":[\"FOO\"]}", "!", "option '--denylist'" },
	{ "--allowlist {\"source_port\":[\"x\"]}", "!", "whitelist[0].source_port[0]: 'x' is no port" },
	{ "--denylist {\"source_pood\":[\"x\"]}", "!", "a filter has no field 'source_pood' (did you mean 'source_pod'?)" },
	{ "--allowlist {\"uuid\":[\"a\",\"\xff\"]}", "!", "option '--allowlist'" },
	{ "--pod a/\xff", "!", "option '--pod': the value is no UTF-8" },
	{ "--frm-pod a", "!", "did you mean '--from-pod'?" },
	{ "--limit 5", "!", "no option '--limit'" },
};

/* "a 'b c' d": in place. */
static int split(char *line, char **argv, int most)
{
	int n = 0;
	char *to = line;

	while (*line && n < most) {
		char end = ' ';

		while (*line == ' ')
			line++;
		if (!*line)
			break;
		argv[n++] = to;
		for (; *line && (*line != ' ' || end == '\''); line++) {
			if (*line == '\'')
				end = end == '\'' ? ' ' : '\'';
			else
				*to++ = *line;
		}
		line += *line != 0;
		*to++ = 0;
	}
	return n;
}

static int take(int argc, char **argv, struct select **s, struct complaint *why)
{
	int n = opt_parse(select_options, argc, argv, why), err = select_done(s, NOW, n < 0 ? &(struct complaint){ 0 } : why);

	if (n < 0 && !err)
		select_free(*s);
	return n < 0 ? n : err;
}

/* What --print-raw-filters would say, on one line: of one list. */
static void raw(struct select *s, const char *list, char *out, size_t size)
{
	char *text = NULL, *line, *at;
	size_t length = 0, n = 0;
	FILE *to = open_memstream(&text, &length);
	bool in = false;

	s->raw = true;
	s->explain = false;
	select_print(s, to);
	fclose(to);
	out[0] = 0;
	for (at = text; (line = strsep(&at, "\n"));) {
		if (strncmp(line, "    - '", 7)) {
			in = !strncmp(line, list, strlen(list));
			continue;
		}
		if (in && n < size)
			n += snprintf(out + n, size - n, "%s%.*s", n ? ";" : "", (int)strlen(line) - 8, line + 7);
	}
	free(text);
}

static void run(const struct row *row)
{
	char line[1024], got[1000];
	struct complaint why = { 0 };
	struct select *s;
	char *argv[32];
	int n, err;

	snprintf(line, sizeof(line), "%s", row->line);
	n = split(line, argv, 32);
	err = take(n, argv, &s, &why);
	if (row->white[0] == '!') {
		CHECK(err, "'%s' is refused", row->line);
		CHECK(strstr(why.text, row->black), "'%s' says: %s", row->line, why.text);
		CHECK(!strchr(why.text, '\n'), "'%s': one line", row->line);
		if (!err)
			select_free(s);
		return;
	}
	CHECK(!err, "'%s': %s", row->line, why.text);
	if (err)
		return;
	raw(s, "allowlist", got, sizeof(got));
	CHECK_TEXT(got, row->white, "'%s'", row->line);
	raw(s, "denylist", got, sizeof(got));
	CHECK_TEXT(got, row->black, "'%s'", row->line);
	select_free(s);
}

static const struct {
	const char *line;
	uint64_t number;
	bool first, follow;
	uint64_t since, until;		/* seconds */
} counts[] = {
	{ "", 20, false, false, 0, 0 },
	{ "--last 5", 5, false, false, 0, 0 },
	{ "--last 0", 20, false, false, 0, 0 },
	{ "--first 7", 7, true, false, 0, 0 },
	{ "--all", UINT64_MAX, false, false, 0, 0 },
	{ "-f", 0, false, true, 0, 0 },
	{ "-f --last 3", 3, false, true, 0, 0 },
	{ "-f --all", UINT64_MAX, false, true, 0, 0 },
	{ "--since 5m", 0, false, false, 1795282200 - 300, 0 },
	{ "--since 1h30m --until 1.5s", 0, false, false, 1795282200 - 5400, 1795282200 - 2 },
	{ "--until 2d", 0, false, false, 0, 1795282200 - 172800 },
	{ "--since 2026-11-21 --last 4", 4, false, false, 1795219200, 0 },
	{ "--since 2026-11-21T14Z", 0, false, false, 1795269600, 0 },
	{ "--since 2026-11-21T14:05+01:00", 0, false, false, 1795266300, 0 },
	{ "--since 2026-11-21T14:05:30.25Z", 0, false, false, 1795269930, 0 },
	{ "--since 'Sat, 21 Nov 2026 14:05:00 +0100'", 0, false, false, 1795266300, 0 },
	{ "--since 'Nov 21 17:00:00.500'", 0, false, false, 1795280400, 0 },
	{ "--since 'Dec  1 00:00:00.000'", 0, false, false, 1764547200, 0 },
	{ "--since 300000h", 0, false, false, 1795282200 - 300000ull * 3600, 0 },
	{ "--input-file x", 0, false, false, 0, 0 },
};

static void test_counts(void)
{
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct complaint why = { 0 };
		struct select *s;
		char line[200], *argv[8];
		int n;

		snprintf(line, sizeof(line), "%s", counts[i].line);
		n = split(line, argv, 8);
		if (take(n, argv, &s, &why)) {
			CHECK(false, "'%s': %s", counts[i].line, why.text);
			continue;
		}
		CHECK_EQ(s->ask->number, counts[i].number, "'%s'", counts[i].line);
		CHECK_EQ(s->ask->first, counts[i].first, "'%s'", counts[i].line);
		CHECK_EQ(s->ask->follow, counts[i].follow, "'%s'", counts[i].line);
		CHECK_EQ(s->ask->since ? s->ask->since->seconds : 0, counts[i].since, "'%s' since", counts[i].line);
		CHECK_EQ(s->ask->until ? s->ask->until->seconds : 0, counts[i].until, "'%s' until", counts[i].line);
		select_free(s);
	}
}

static const struct {
	const char *line, *text;
} sentences[] = {
	{ "", "all flows" },
	{ "--pod shop/cart --verdict DROPPED", "flows where (source pod is shop/cart* or destination pod is shop/cart*) and verdict is DROPPED" },
	{ "--pod cart --port 80 -t drop", "flows where ((source pod is default/cart* and source port is 80) or (destination pod is default/cart* and destination port is 80)) and event type is drop" },
	{ "--not -n kube-system", "all flows but those where (source pod is any in kube-system or destination pod is any in kube-system)" },
	{ "--from-pod a/b --not --protocol udp", "flows where source pod is a/b*, but not those where protocol is udp" },
	{ "--to-identity world --to-identity 70000 --tcp-flags syn,ack", "flows where destination identity is one of world, 70000 and TCP flags include SYN+ACK" },
	{ "-A", "flows where (source pod is any or destination pod is any)" },
	{ "--from-label 'a in (b,c)' --from-workload Deployment/x", "flows where source workload is Deployment/x and source labels fit 'a in (b,c)'" },
	{ "-t trace:to-endpoint -t drop:133 --unencrypted", "flows where event type is one of trace:to-endpoint, drop:POLICY_DENIED and flow is not encrypted" },
	{ "--allowlist '{\"uuid\":[\"a\"]}{}'", "flows where anything holds" },
	{ "--policy shop/db --rule 2", "all flows, of those that are the doing of policy shop/db, rule 2" },
};

static void test_sentences(void)
{
	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
		struct complaint why = { 0 };
		struct select *s;
		char line[200], *argv[16], *text = NULL;
		size_t size;
		FILE *to;
		int n;

		snprintf(line, sizeof(line), "--explain-filter %s", sentences[i].line);
		n = split(line, argv, 16);
		if (take(n, argv, &s, &why)) {
			CHECK(false, "'%s': %s", sentences[i].line, why.text);
			continue;
		}
		CHECK(s->ends, "nothing is asked");
		to = open_memstream(&text, &size);
		select_print(s, to);
		fclose(to);
		text[strcspn(text, "\n")] = 0;
		CHECK_TEXT(text, sentences[i].text, "'%s'", sentences[i].line);
		free(text);
		select_free(s);
	}
}

/* Variables stand in for raw filters that were not given. */
static void test_variables(void)
{
	static const struct row with = { "", "{\"uuid\":[\"h\"]}", "{\"uuid\":[\"w\"]}" };
	static const struct row given = { "--allowlist {\"uuid\":[\"g\"]}", "{\"uuid\":[\"g\"]}", "{\"uuid\":[\"w\"]}" };

	setenv("HUBBLE_ALLOWLIST", "{\"uuid\":[\"h\"]}", 1);
	setenv("HUBBLE_DENYLIST", "{\"uuid\":[\"no\"]}", 1);
	setenv("WEIR_DENYLIST", "{\"uuid\":[\"w\"]}", 1);
	run(&with);
	run(&given);
	unsetenv("HUBBLE_ALLOWLIST");
	unsetenv("HUBBLE_DENYLIST");
	unsetenv("WEIR_DENYLIST");
}

static int print(int argc, char **argv)
{
	struct complaint why = { 0 };
	struct select *s;

	if (take(argc, argv, &s, &why)) {
		puts(why.text);
		return 1;
	}
	s->raw |= !s->explain;
	select_print(s, stdout);
	select_free(s);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return print(argc - 1, argv + 1);
	unsetenv("HUBBLE_ALLOWLIST");
	unsetenv("HUBBLE_DENYLIST");
	unsetenv("WEIR_ALLOWLIST");
	unsetenv("WEIR_DENYLIST");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run(&rows[i]);
	test_counts();
	test_sentences();
	test_variables();
	return check_done();
}
