// SPDX-License-Identifier: Apache-2.0
/* weir lab demo: the shop with real traffic, and what the wall says about it, live. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/addr.h"
#include "tools/ask.h"
#include "tools/call.h"
#include "tools/lab_at.h"
#include "tools/lab_relay.h"
#include "tools/lab_up.h"
#include "tools/lab_verbs.h"
#include "tools/nearest.h"
#include "tools/record.h"

#define CALL_MS 300		/* patience of a caller */
#define CALLS_MAX 4

struct work {
	const char *who;
	uint16_t serves[2];		/* 0: none */
	struct {
		const char *to;
		uint16_t port;
		const char *from;	/* NULL: any */
	} call[CALLS_MAX];
	unsigned int every_ms;		/* between calls */
};

/* Who talks to whom in the shop: what it was built for, and what it must not do. */
static const struct work shop[] = {
	{ "shop/frontend", { 8080 }, { { "10.244.1.11", 8080, NULL }, { "fd00:10:244:1::11", 8080, NULL } }, 700 },
	{ "shop/cart", { 8080 }, { { "10.244.1.12", 9000, NULL }, { "10.244.1.13", 5432, NULL },
				   { "fd00:10:244:1::13", 5432, NULL } }, 800 },
	{ "shop/payments", { 9000 }, { { "198.51.100.10", 443, NULL } }, 1100 },
	{ "shop/database", { 5432 }, { { NULL, 0, NULL } }, 0 },
	{ "shop/rogue", { 0 }, { { "10.244.1.13", 5432, NULL }, { "10.244.1.12", 9000, NULL },
				 { "198.51.100.10", 443, NULL }, { "fd00:10:244:1::13", 5432, NULL } }, 900 },
	{ "outside", { 443 }, { { "10.244.1.10", 8080, "203.0.113.7" }, { "10.244.1.10", 8080, "192.168.7.7" },
				{ "10.244.1.13", 5432, "203.0.113.7" }, { "192.0.2.1", 30080, "203.0.113.7" } }, 900 },
};

static const char *const outside[] = { "203.0.113.7", "198.51.100.10", "192.168.7.7", "2001:db8:203::7" };

static struct verb_want want;
static unsigned int seconds;
static volatile sig_atomic_t stopped;
static struct timespec began;

static bool time_is_up(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return stopped || (seconds && now.tv_sec - began.tv_sec >= (long)seconds);
}

static void on_stop(int signo)
{
	if (signo == SIGALRM)
		return;
	stopped = 1;
	lab_interrupt(signo);
}

static void call_forever(const struct work *w)
{
	for (unsigned int i = 0;; i++) {
		struct call c = { .ms = CALL_MS, .port = w->call[i % CALLS_MAX].port };
		struct weir_addr from;
		unsigned int us;

		if (!c.port || addr_parse(w->call[i % CALLS_MAX].to, &c.to))
			continue;
		if (w->call[i % CALLS_MAX].from && !addr_parse(w->call[i % CALLS_MAX].from, &from))
			c.from = &from;
		call_once(&c, &us);
		usleep(w->every_ms * 1000);
	}
}

/* In the child: it is the pod from now on, and ends with its parent. */
static void be(const struct lab *lab, const struct work *w, bool server)
{
	struct complaint why = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	if (lab_go(lab, w->who, &why))
		_exit(verb_complain(VERB_FAILED, &why));
	if (server)
		_exit(serve(w->serves, w->serves[1] ? 2 : 1) < 0);
	call_forever(w);
}

static int start_worker(struct lab *lab, const struct work *w, bool server)
{
	pid_t pid = fork();

	if (pid == 0)
		be(lab, w, server);
	return pid < 0 ? -errno : lab_note_process(lab, "process", pid, w->who);
}

static int start_workers(struct lab *lab)
{
	int err = 0;

	for (int server = 1; server >= 0; server--)
		for (size_t i = 0; i < sizeof(shop) / sizeof(shop[0]) && !err; i++)
			if (server ? shop[i].serves[0] : shop[i].every_ms)
				err = start_worker(lab, &shop[i], server);
	return err;
}

/* Commands for another terminal; '@' is where a lab is named, if there are others. */
static const char *const hints[][2] = {
	{ "why@ shop/rogue shop/database:5432", "who says no, and what is nearest to a yes" },
	{ "observe@ -f --denied", "only what does not pass, as it happens" },
	{ "observe@ --pod shop/cart --last 10", "one pod's last flows; --help has all filters" },
	{ "top@", "who talks to whom" },
	{ "map@", "the same as a map" },
	{ "endpoints@", "which pod, which interface, which policies" },
	{ "lab exec@ shop/rogue -- sh", "be the rogue pod" },
	{ "lab probe@ shop/cart shop/database:5432", "try a connection yourself" },
};

#define HINTS (sizeof(hints) / sizeof(hints[0]))

static void print_hints(const struct lab *lab)
{
	const char *several = lab_several();
	char line[HINTS][256];
	int wide = 0;

	for (size_t i = 0; i < HINTS; i++) {
		int before = strcspn(hints[i][0], "@"), n;

		n = snprintf(line[i], sizeof(line[i]), "%s %.*s%s%s%s", program_invocation_name, before, hints[i][0], several ? " --lab " : "",
			     several ? lab->name : "", hints[i][0] + before + 1);
		wide = n > wide ? n : wide;
	}
	for (size_t i = 0; i < HINTS; i++)
		printf("    %-*s  %s\n", wide, line[i], hints[i][1]);
}

static void print_intro(const struct lab *lab)
{
	const struct lab_line *state = lab_line(lab, "state", NULL);
	char url[LAB_RELAY_URL];
	int tries = 0;

	puts("The shop is up: five pods and an outside world, each in a network namespace, behind default-deny policies.\n"
	     "Every line below is a real connection attempt, what became of it, and by which policy and rule.\n\n"
	     "While this runs, in another terminal:\n");
	print_hints(lab);
	printf("    $EDITOR %s/policies.yaml   change what is enforced, at once\n\n", state ? state->word[0] : "");
	while (!lab_relay_at(lab, url) && tries++ < 20)
		usleep(50000);			/* it opens its page a moment after its socket */
	if (tries <= 20)
		printf("In a browser:  %s\n\n", url);
	printf("%s takes everything down.\n\n", seconds ? "The end of the time given, or Ctrl-C," : "Ctrl-C");
	fflush(stdout);
}

struct seen {
	struct nearest *nearest;
	unsigned long allowed, denied;
};

/* Ends of flows are left to `observe`: here they would drown the rest. */
static int on_part(void *ctx, const Weir__V1__Reply *part)
{
	struct seen *seen = ctx;

	if (part->answer_case == WEIR__V1__REPLY__ANSWER_OBSERVED) {
		for (size_t i = 0; i < part->observed->n_record; i++) {
			Weir__V1__Record *r = part->observed->record[i];

			if (!strcmp(r->kind, "closed"))
				continue;
			nearest_fill(seen->nearest, r);
			record_print(stdout, r, want.colour);
			record_denied(r) ? seen->denied++ : seen->allowed++;
		}
		fflush(stdout);
	}
	return time_is_up() ? VERB_OK : VERB_GO;
}

/* Until the time is up.  The alarm rings every second: whoever waits looks at the clock. */
static int watch(const struct lab *lab, struct seen *seen)
{
	Weir__V1__ObserveRequest observe = WEIR__V1__OBSERVE_REQUEST__INIT;
	Weir__V1__Request ask = ASK(OBSERVE, observe, &observe);
	struct itimerval tick = { .it_interval = { .tv_sec = 1 }, .it_value = { .tv_sec = 1 } };
	struct control *c;
	char server[PATH_MAX];
	int code;

	snprintf(server, sizeof(server), "unix:%s/%s.sock", lab->dir, lab_line(lab, "node", NULL)->word[0]);
	want.server = server;
	observe.follow = true;
	code = ask_open(&c, &want);
	if (code != VERB_GO)
		return code;
	if (nearest_begin(&seen->nearest, &want))
		return verb_fail(VERB_FAILED, "no memory");
	setitimer(ITIMER_REAL, &tick, NULL);
	code = ask_on(c, &ask, -1, on_part, seen);
	while (code == VERB_OK && !time_is_up())
		code = ask_more(c, -1, on_part, seen);
	nearest_end(seen->nearest);
	control_close(c);
	return code;
}

static int run(struct lab *lab)
{
	struct seen seen = { 0 };
	int err, code;

	print_intro(lab);
	err = start_workers(lab);
	if (err)
		return verb_fail(VERB_FAILED, "cannot start the shop's traffic: %s", strerror(-err));
	code = watch(lab, &seen);
	printf("\n%lu connections allowed, %lu denied\n", seen.allowed, seen.denied);
	if (code != VERB_OK)
		return code;
	return seen.allowed && seen.denied ? VERB_OK : VERB_NO;
}

static void take_signals(void)
{
	struct sigaction act = { .sa_handler = on_stop };

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	sigaction(SIGALRM, &act, NULL);
}

static int show(struct lab_want *up)
{
	struct complaint why = { 0 };
	char other[LAB_NAME_MAX + 1];
	struct lab *lab;
	int err = lab_up(&lab, up, &why), code;

	if (err == -EEXIST && !up->name[4]) {	/* another demo runs: be the next one */
		snprintf(other, sizeof(other), "demo-%d", getpid());
		up->name = other;
		err = lab_up(&lab, up, &why);
	}
	if (err)
		return verb_complain(VERB_FAILED, &why);
	clock_gettime(CLOCK_MONOTONIC, &began);
	code = stopped ? VERB_OK : run(lab);
	err = lab_down(lab);
	lab_close(lab);
	if (err)
		return verb_fail(VERB_FAILED, "something is left: 'weir lab down' tries again");
	printf("the shop is gone\n");
	return code;
}

int lab_demo_main(int argc, char **argv)
{
	static struct lab_want up = { .dir = "demo", .name = "demo", .owned = true };
	static const struct opt options[] = {
		OPT_UINT(0, "seconds", &seconds, "N", "end by itself after so long (default: Ctrl-C ends it)"),
		OPT_TEXT(0, "name", &up.name, "NAME", "what to call the lab (demo)"),
		OPT_TEXT(0, "agent", &up.agent.program, "PATH", "the weir-agent to run (default: the one beside this program)"),
		OPT_LIST('A', "agent-option", &up.agent.more, "OPTION", "handed on to the agent: -A --stack"),
		OPT_FLAG('h', "help", &want.help, "say this"),
		OPT_END
	};
	static const struct verb_help help = {
		"lab demo [OPTION...]",
		"A small shop in network namespaces with real traffic: what passes, what does not, and who says so, live.",
		"0 connections were allowed and others denied, 1 not so", false,
	"  weir lab demo\n"
	"  weir lab demo --seconds 20\n",
	NULL
	};
	struct verb_words words;
	int code = verb_begin(&help, &want, options, &words, argc, argv);

	if (code != VERB_GO)
		return code;
	if (words.n)
		return verb_fail(VERB_USAGE, "'%s' is not understood", words.word[0]);
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		up.outside.value[up.outside.n++] = outside[i];
	take_signals();
	return show(&up);
}
