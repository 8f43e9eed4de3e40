// SPDX-License-Identifier: Apache-2.0
/* The export: each flow one line of JSON, filtered, masked, folded; files rotated without a line lost or torn; and a
 * reader that stands still costs counted lines, no more. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/export.h"
#include "lib/wire/json.h"
#include "proto/observer/observer.pb-c.h"
#include "tests/check.h"

#define CAPACITY 4096

static struct {
	struct names *names;
	struct quiet *quiet;
	struct rules *rules;
	struct ends *ends;
	struct records *records;
	struct export_source from;
	char dir[64];
} on;

static bool set_up(void)
{
	struct ends_with with = { .cluster = "" };

	strcpy(on.dir, "/tmp/weir-export-XXXXXX");
	if (!mkdtemp(on.dir) || names_new(&on.names, "n1") || quiet_new(&on.quiet) || rules_open(&on.rules, NULL) ||
	    records_new(&on.records, CAPACITY))
		return false;
	names_share(on.names, on.quiet);
	rules_share(on.rules, on.quiet);
	with.names = on.names;
	with.quiet = on.quiet;
	if (ends_new(&on.ends, &with))
		return false;
	on.from = (struct export_source){ .records = on.records, .quiet = on.quiet,
		.views = { .ends = on.ends, .rules = on.rules, .node = "n1", .node_number = 42 } };
	return true;
}

static void tear_down(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", on.dir);
	if (system(command))
		printf("cannot remove %s\n", on.dir);
	ends_free(on.ends);
	names_free(on.names);
	records_free(on.records);
	rules_close(on.rules);
	quiet_free(on.quiet);
}

static uint64_t made;

/* Flows to port 80, every fourth denied; the source port is its number. */
static void offer(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++, made++) {
		struct record r = {
			.time = 1789000000000000000ULL + made * 1000000, .sport = (uint16_t)made, .dport = 80, .proto = 6,
			.kind = made % 4 == 3 ? WEIR_REC_DENIED : WEIR_REC_OPENED, .slot = ~0U,
			.src.byte = { [10] = 0xff, 0xff, 10, 0, 0, 1 }, .dst.byte = { [10] = 0xff, 0xff, 10, 0, 0, 2 },
		};

		records_add(on.records, &r);
	}
}

static const char *path(const char *name)
{
	static char p[2][128];
	static int turn;

	snprintf(p[turn ^= 1], sizeof(p[0]), "%s/%s", on.dir, name);
	return p[turn];
}

struct seen {
	unsigned long lines, flows, denied, folded, lost, broken, sourced, detailed;
	uint16_t last;
	bool in_order;
};

static void look(struct seen *s, const char *line)
{
	struct complaint why;
	struct wire_unknown unknown = { 0 };
	ProtobufCMessage *m;
	const Observer__ExportEvent *e;

	s->lines++;
	if (line[strlen(line) - 1] != '\n' ||
	    wire_json_read(line, strlen(line), &observer__export_event__descriptor, &m, &unknown, &why) || unknown.fields) {
		s->broken++;
		return;
	}
	e = (const Observer__ExportEvent *)m;
	s->broken += !e->time || strcmp(e->node_name, "n1");
	if (e->response_types_case == OBSERVER__EXPORT_EVENT__RESPONSE_TYPES_FLOW) {
		const Flow__Flow *f = e->flow;

		s->flows++;
		s->denied += f->verdict == FLOW__VERDICT__DROPPED;
		s->sourced += f->source != NULL;
		s->detailed += f->extensions != NULL;
		s->folded += f->aggregate ? f->aggregate->ingress_flow_count + f->aggregate->egress_flow_count +
			f->aggregate->unknown_direction_flow_count : 0;
		if (f->l4 && f->l4->tcp)
			s->last = (uint16_t)f->l4->tcp->source_port;
	} else if (e->response_types_case == OBSERVER__EXPORT_EVENT__RESPONSE_TYPES_LOST_EVENTS) {
		s->lost += e->lost_events->num_events_lost;
	}
	protobuf_c_message_free_unpacked(m, NULL);
}

static void look_all(struct seen *s, FILE *f)
{
	char *line = NULL;
	size_t size = 0;

	while (f && getline(&line, &size, f) > 0)
		look(s, line);
	free(line);
	if (f)
		fclose(f);
}

static struct seen read_file(const char *name)
{
	struct seen s = { 0 };

	look_all(&s, fopen(path(name), "r"));
	return s;
}

/* Until so many flows are written or lost and, if so wanted, a write has failed: a machine with much else to do may take its time. */
static void counted(const struct export *e, uint64_t flows, bool failed, struct export_counts *counts)
{
	for (int i = 0; i < 3000; i++, usleep(10000)) {
		export_count(e, counts);
		if (counts->flows + counts->lost >= flows && (counts->failures || !failed))
			return;
	}
}

/* 'soon' of them are written before it is closed. */
static struct seen exported(struct export_options *o, unsigned int flows, unsigned int soon, struct export_counts *counts)
{
	struct complaint why = { .text = "" };
	struct export *e;

	unlink(path("out"));
	o->file = path("out");
	CHECK_EQ(export_open(&e, o, &on.from, &why), 0, "%s", why.text);
	offer(flows);
	counted(e, soon, false, counts);
	export_close(e);
	return read_file("out");
}

static void plain(void)
{
	struct export_options o = { 0 };
	struct export_counts c;
	struct seen s = exported(&o, 3000, 3000, &c);

	CHECK_EQ(s.lines, 3000, "a line each");
	CHECK_EQ(s.flows, 3000, "all flows");
	CHECK_EQ(s.denied, 750, "every fourth denied");
	CHECK_EQ(s.sourced, 3000, "with their source");
	CHECK_EQ(s.broken, 0, "all sound");
	CHECK_EQ(s.last, (uint16_t)(made - 1), "the newest last");
	CHECK_EQ(c.lines, 3000, "and so counted");
	CHECK_EQ(c.lost, 0, "none lost");
	CHECK_EQ(s.detailed, 0, "nothing that Hubble's tools do not know");
	o.detail = true;
	s = exported(&o, 100, 100, &c);
	CHECK_EQ(s.detailed, 100, "but if asked for");
}

static void narrowed(void)
{
	struct export_options o = { .allow = "{\"verdict\":[\"DROPPED\"]}", .fields = "time,verdict,l4.TCP.source_port" };
	struct export_counts c;
	struct seen s = exported(&o, 1000, 250, &c);

	CHECK_EQ(s.lines, 250, "those that pass");
	CHECK_EQ(s.denied, 250, "all denied");
	CHECK_EQ(s.sourced, 0, "the source is masked");
	o = (struct export_options){ .deny = "[{\"verdict\":[\"DROPPED\"]},{\"source_port\":[\"70000000\"]}]" };
	CHECK_EQ(export_check(&o, &(struct complaint){ 0 }), 0, "not looked at without a file");
	o.deny = "[{\"verdict\":[\"DROPPED\"]}]";
	s = exported(&o, 1000, 750, &c);
	CHECK_EQ(s.flows, 750, "all but the denied");
}

static void folded(void)
{
	struct export_options o = { .fold = "verdict,l4.TCP.destination_port,IP", .window_ms = 100 };
	struct export_counts c;
	struct seen s = exported(&o, 2000, 2000, &c);

	CHECK(s.lines >= 2 && s.lines <= 20, "two kinds, in a window or some: %lu lines", s.lines);
	CHECK_EQ(s.folded, 2000, "they stand for all");
	CHECK_EQ(s.broken, 0, "all sound");
	CHECK_EQ(s.sourced, 0, "what they are not folded by is not said");
	CHECK_EQ(c.flows, 2000, "and so counted");
	o.fold = "l4.TCP.source_port";
	o.window_ms = 3600000;			/* said when it closes */
	s = exported(&o, 500, 0, &c);
	CHECK_EQ(s.lines, 500, "each by itself");
	CHECK_EQ(s.folded, 500, "one each");
}

static void rotated(void)
{
	struct export_options o = { .rotation = { .size = 100000, .backups = 50 } };
	struct export_counts c;
	struct seen s, sum = { 0 };
	struct stat st;
	unsigned int files = 0;
	char name[32];

	for (int round = 0; round < 3; round++) {
		struct export *e;
		struct complaint why;

		o.file = path("turn");
		CHECK_EQ(export_open(&e, &o, &on.from, &why), 0, "open");
		for (int i = 0; i < 10; i++) {
			offer(50);
			counted(e, 50 * (i + 1), false, &c);
		}
		export_close(e);
		/* as a crash leaves it */
		if (round < 2 && !truncate(path("turn"), stat(path("turn"), &st) ? 0 : st.st_size - 1))
			sum.broken++;
	}
	CHECK(c.rotations > 0, "rotated");
	for (unsigned int i = 0; i <= 50; i++) {
		snprintf(name, sizeof(name), i ? "turn.%u" : "turn", i);
		if (stat(path(name), &st))
			break;
		CHECK(st.st_size <= 100000, "%s is %lld bytes", name, (long long)st.st_size);
		s = read_file(name);
		sum.flows += s.flows;
		sum.lines += s.lines;
		CHECK(s.lines > 0, "%s has lines", name);
		files++;
	}
	CHECK(files > 5, "%u files", files);
	CHECK_EQ(sum.flows, 1500, "no flow lost, a line cut short by no more than its end is whole again");
}

static void few_backups(void)
{
	struct export_options o = { .file = path("few"), .rotation = { .size = 20000, .backups = 2 } };
	struct export_counts c;
	struct complaint why;
	struct export *e;
	struct stat st;

	CHECK_EQ(export_open(&e, &o, &on.from, &why), 0, "open");
	for (int i = 0; i < 10; i++) {
		offer(20);
		counted(e, 20 * (i + 1), false, &c);
	}
	export_close(e);
	CHECK(!stat(path("few"), &st) && !stat(path("few.1"), &st) && !stat(path("few.2"), &st), "three files");
	CHECK(stat(path("few.3"), &st), "and no fourth");
}

static void aged(void)
{
	struct export_options o = { .file = path("aged"), .rotation = { .age_s = 1, .backups = 3 } };
	struct export_counts c;
	struct complaint why;
	struct export *e;
	struct stat st;

	CHECK_EQ(export_open(&e, &o, &on.from, &why), 0, "open");
	offer(5);
	counted(e, 5, false, &c);
	usleep(2100000);	/* births are kept in whole seconds */
	CHECK(stat(path("aged.1"), &st), "a file is not rotated for nothing");
	offer(5);
	counted(e, 10, false, &c);
	export_close(e);
	CHECK_EQ(read_file("aged.1").flows, 5, "the old ones");
	CHECK_EQ(read_file("aged").flows, 5, "the new ones");
}

/* A file that cannot grow, and then can: whole lines all the time, none lost that the history still had. */
static void full(void)
{
	struct export_options o = { .file = path("full") };
	struct rlimit was, now;
	struct export_counts c;
	struct complaint why;
	struct export *e;
	struct seen s;
	struct stat st;

	getrlimit(RLIMIT_FSIZE, &was);
	now = was;
	now.rlim_cur = 10000;
	CHECK_EQ(export_open(&e, &o, &on.from, &why), 0, "open");
	setrlimit(RLIMIT_FSIZE, &now);
	offer(300);
	counted(e, 0, true, &c);
	s = read_file("full");
	CHECK(c.failures > 0 && c.lines == 0, "it failed %llu times", (unsigned long long)c.failures);
	CHECK(!stat(path("full"), &st) && st.st_size <= 10000, "and is no larger");
	CHECK_EQ(s.broken, 0, "with whole lines");
	setrlimit(RLIMIT_FSIZE, &was);
	counted(e, 300, false, &c);
	export_close(e);
	s = read_file("full");
	CHECK_EQ(s.flows, 300, "all of them came");
	CHECK_EQ(s.broken, 0, "whole");
	CHECK_EQ(s.lost, 0, "none lost");
}

/* A disk that stays full: the history goes on, and what it overwrites is counted. */
static void full_for_ever(void)
{
	struct export_options o = { .file = "/dev/full" };
	struct export_counts c;
	struct complaint why;
	struct export *e;

	CHECK_EQ(export_open(&e, &o, &on.from, &why), 0, "open");
	for (int i = 0; i < 10; i++) {
		offer(2000);
		usleep(50000);
	}
	counted(e, 1, true, &c);
	CHECK(c.lost > 0 && c.lost <= 20000 && !c.lines, "lost %llu", (unsigned long long)c.lost);
	export_close(e);
}

/* A pipe that nobody reads for a while: what was offered is what came and what was said to be lost. */
static void stalled(void)
{
	struct export_options o = { .file = path("pipe") };
	struct export_counts c = { 0 };
	struct complaint why;
	struct seen s = { 0 };
	struct export *e;
	int status = 0;
	pid_t reader;

	CHECK_EQ(mkfifo(path("pipe"), 0600), 0, "a pipe");
	CHECK_EQ(export_open(&e, &o, &on.from, &why), 0, "open");
	for (int i = 0; i < 20; i++) {
		offer(1000);
		usleep(10000);
	}
	reader = fork();
	if (!reader) {		/* a program of its own: it must not hold the pipe's other end */
		freopen(path("copy"), "w", stdout);
		execlp("cat", "cat", path("pipe"), NULL);
		_exit(127);
	}
	counted(e, 20000, false, &c);
	CHECK_EQ(c.flows + c.lost, 20000, "offered is written and lost");
	CHECK(c.lost > 0, "some were lost");
	export_close(e);
	waitpid(reader, &status, 0);
	s = read_file("copy");
	CHECK(s.lost + s.flows == 20000 && s.lost == c.lost && !s.broken, "the reader was told the same: lost %lu, flows %lu, broken %lu",
	      s.lost, s.flows, s.broken);
}

/* Nobody reads at all: closing takes its second and no more. */
static void deserted(void)
{
	struct export_options o = { .file = path("pipe") };
	struct complaint why;
	struct export *e;

	CHECK_EQ(export_open(&e, &o, &on.from, &why), 0, "open");
	offer(3000);
	usleep(100000);
	alarm(60);
	export_close(e);
	alarm(0);
}

static void refused(void)
{
	static const struct {
		struct export_options o;
		const char *why;
	} rows[] = {
		{ { .allow = "{" }, "--export-allow: column" },
		{ { .deny = "{\"verdict\":[\"DROPED\"]}" }, "--export-deny: column 13: 'DROPED' is no Verdict, is 'DROPPED' meant?" },
		{ { .fields = "verdict,source.pot_name" }, "--export-fields: field mask: 'source.pot_name' is no field of a flow" },
		{ { .fields = "," }, "--export-fields: names no field" },
		{ { .fold = "verdict", .fields = "verdict" }, "--export-fields and --export-fold" },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct export_options o = rows[i].o;
		struct complaint why = { .text = "" };

		o.file = path("never");
		CHECK_EQ(export_check(&o, &why), -EINVAL, "row %u", i);
		CHECK(!strncmp(why.text, rows[i].why, strlen(rows[i].why)), "'%s' is not '%s'", why.text, rows[i].why);
	}
}

int main(void)
{
	if (!set_up()) {
		printf("cannot set up\n0 passed, 1 failed\n");
		return 1;
	}
	plain();
	narrowed();
	folded();
	rotated();
	few_backups();
	aged();
	full();
	full_for_ever();
	stalled();
	deserted();
	refused();
	tear_down();
	return check_done();
}
