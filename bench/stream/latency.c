// SPDX-License-Identifier: Apache-2.0
/*
 * How long a flow takes from the kernel to a line on a terminal: `weir observe -f` asks an agent, and a relay before it,
 * at 20, 10,000 and 100,000 lines a second.
 *
 *	latency DIRECTORY
 *
 * In windows of a second, so that another's work beside spoils one of them, not all.  At 100,000 a second the packets,
 * the agent, the relay, the command and this program, which reads the terminal, share the machine's CPUs; what is shown
 * late or lost then is said beside.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/report.h"
#include "bench/stream/lab.h"
#include "bench/stream/terminal.h"
#include "bench/stream/traffic.h"

#define WINDOWS 10
#define PORT 8080
#define FRONTEND "10.244.1.10"
#define CART "10.244.1.11"

static char from[128], to[128], manifests[] = "/tmp/weir-bench-XXXXXX";

/* No policy: what is measured is the stream. */
static bool write_manifests(void)
{
	char file[64];
	FILE *f;

	if (!mkdtemp(manifests))
		return false;
	snprintf(file, sizeof(file), "%s/pods.yaml", manifests);
	f = fopen(file, "we");
	if (!f)
		return false;
	fprintf(f, "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"
		   "status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}\n");
	for (int i = 0; i < 2; i++)
		fprintf(f, "---\napiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: shop, labels: {app: %s}}\n"
			   "spec: {nodeName: n1, containers: [{name: c}]}\nstatus: {phase: Running, podIPs: [{ip: %s}]}\n",
			i ? "cart" : "frontend", i ? "cart" : "frontend", i ? CART : FRONTEND);
	return !fclose(f);
}

static double p99(double *ms, unsigned int n)
{
	struct spread s = spread_of(ms, n);	/* sorts them */

	return s.n ? ms[n - 1 - n / 100] : 1e9;
}

static void measure(struct report *r, const char *what, const char *server, double bound)
{
	static double ms[TERMINAL_LINES];
	double v[WINDOWS], lines[WINDOWS];
	static struct terminal t;

	if (terminal_open(&t, lab.build, server))
		return;
	terminal_watch(&t, 1.5, NULL, 0);
	for (int i = 0; i < WINDOWS; i++) {
		unsigned int n = terminal_watch(&t, 1, ms, 0);

		v[i] = p99(ms, n);
		lines[i] = n;
	}
	report_row(r, what, "lines/s", lines, WINDOWS);
	report_goal(r, what, "ms, p99", v, WINDOWS, bound);
	if (t.lost)
		report_fact(r, "  events lost, as it says", "%lu", t.lost);
	terminal_close(&t);
}

static void at_rates(struct report *r, const char *who, const char *server, double bound)
{
	static const unsigned int rate[] = { 20, 10000 };
	struct traffic t;
	char what[80];

	for (unsigned int i = 0; i < 2; i++) {
		if (traffic_connections(&t, from, to, CART, PORT, rate[i]))
			return;
		snprintf(what, sizeof(what), "%s, %u connections a second", who, rate[i]);
		measure(r, what, server, bound);
		traffic_stop(&t);
	}
	if (traffic_datagrams(&t, from, to, FRONTEND, CART, 100000))
		return;
	snprintf(what, sizeof(what), "%s, 100,000 flows a second", who);
	measure(r, what, server, bound);
	report_fact(r, "  datagrams a second", "%.0f", traffic_stop(&t));
}

int main(int argc, char **argv)
{
	struct report r;
	char relay[128];

	lab_begin();
	if (geteuid() || !write_manifests() || !lab_up(manifests)) {
		fprintf(stderr, "latency: needs root, and a lab\n");
		return 2;
	}
	lab_netns(from, "shop", "frontend");
	lab_netns(to, "shop", "cart");
	snprintf(relay, sizeof(relay), "unix:/run/weir-lab/%s/relay.sock", lab.name);
	report_begin(&r, "latency", "from the kernel's event to a line of weir observe on a terminal");
	at_rates(&r, "agent", lab.observer, 50);
	at_rates(&r, "relay", relay, 100);
	lab_run("rm -r %s", manifests);
	return report_end(&r, argc > 1 ? argv[1] : ".") || r.missed;
}
