// SPDX-License-Identifier: Apache-2.0
/*
 * weir-agent --judge: worlds by the socket, frames through the real programs.  The worlds here are small and their
 * verdicts obvious; the suites are `weir policy test`'s.
 */
#include <arpa/inet.h>

#include "tests/agent/child.h"
#include "tests/check.h"

#define NODE "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nspec: {podCIDRs: [10.0.0.0/24]}\n---\n"
#define NS "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n"
#define POD(name, ip) "apiVersion: v1\nkind: Pod\nmetadata: {name: " name ", namespace: shop, labels: {app: " name "}}\n" \
	"spec: {nodeName: n1, containers: [{name: c, image: none}]}\nstatus: {phase: Running, podIPs: [{ip: " ip "}]}\n---\n"
#define DENY_DB "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: db, namespace: shop}\n" \
	"spec:\n  podSelector: {matchLabels: {app: db}}\n  ingress:\n  - from: [{podSelector: {matchLabels: {app: web}}}]\n" \
	"    ports: [{port: 5432}]\n---\n"
#define WORLD NODE NS POD("web", "10.0.0.1") POD("db", "10.0.0.2") POD("rogue", "10.0.0.3")

static struct child agent;

/* A TCP SYN; what a judge needs of a frame and no more. */
static size_t syn(unsigned char *f, unsigned int src, unsigned int dst, unsigned int sport, unsigned int dport)
{
	unsigned int sum = 0;

	memset(f, 0, 54);
	f[12] = 8;
	f[14] = 0x45;
	f[17] = 40;
	f[22] = 64;
	f[23] = 6;
	memcpy(f + 26, (unsigned char[]){ 10, 0, 0, src, 10, 0, 0, dst }, 8);
	for (int i = 14; i < 34; i += 2)
		sum += f[i] << 8 | f[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	f[24] = sum >> 8;
	f[25] = sum;
	f[34] = sport >> 8;
	f[35] = sport;
	f[36] = dport >> 8;
	f[37] = dport;
	f[46] = 0x50;
	f[47] = 2;
	f[48] = 0x20;
	return 54;
}

static Weir__V1__Reply *apply(const char *manifests, bool replace)
{
	Weir__V1__ApplyRequest ask = WEIR__V1__APPLY_REQUEST__INIT;
	Weir__V1__Request rq = WEIR__V1__REQUEST__INIT;

	ask.manifests = (char *)manifests;
	ask.replace = replace;
	rq.ask_case = WEIR__V1__REQUEST__ASK_APPLY;
	rq.apply = &ask;
	return child_ask(&agent, &rq);
}

static void apply_good(const char *manifests, const char *what)
{
	Weir__V1__Reply *reply = apply(manifests, true);

	CHECK(reply && reply->applied, "%s: %s", what, agent.why.text);
	if (!reply)
		return;
	CHECK_EQ(reply->applied->n_rejected, 0, "%s: %s", what, reply->applied->n_rejected ? reply->applied->rejected[0]->why : "");
	weir__v1__reply__free_unpacked(reply, NULL);
}

static unsigned int sport = 20000;
static bool forget;

/* What the source's hook, and if it passes on, the destination's, say: the word. */
static const char *fate(const char *pod, const char *to, unsigned int src, unsigned int dst, unsigned int dport)
{
	static char word[64];
	unsigned char data[64];
	Weir__V1__JudgeRequest ask = WEIR__V1__JUDGE_REQUEST__INIT;
	Weir__V1__Request rq = WEIR__V1__REQUEST__INIT;
	Weir__V1__Frame frame[2] = { WEIR__V1__FRAME__INIT, WEIR__V1__FRAME__INIT }, *frames[2] = { frame, frame + 1 };
	Weir__V1__Reply *reply;

	frame[0].data.len = frame[1].data.len = syn(data, src, dst, sport++, dport);
	frame[0].data.data = frame[1].data.data = data;
	frame[0].pod = (char *)pod;
	frame[1].pod = (char *)to;
	frame[1].from = (char *)pod;
	frame[1].to_pod = true;
	ask.frame = frames;
	ask.n_frame = 2;
	ask.forget = forget;
	rq.ask_case = WEIR__V1__REQUEST__ASK_JUDGE;
	rq.judge = &ask;
	reply = child_ask(&agent, &rq);
	if (!reply || !reply->judged || reply->judged->n_fate != 2) {
		snprintf(word, sizeof(word), "%.63s", agent.why.text);
		return word;
	}
	snprintf(word, sizeof(word), "%s", reply->judged->fate[0]->reason);
	if (reply->judged->fate[0]->pass && !reply->judged->fate[0]->redirected)
		snprintf(word, sizeof(word), "%s", reply->judged->fate[1]->reason);
	weir__v1__reply__free_unpacked(reply, NULL);
	return word;
}

static void worlds(bool stack)
{
	const char *pass = stack ? "known" : "allowed";	/* in stack mode to_pod sees what from_pod has opened */
	Weir__V1__Reply *reply;

	apply_good(WORLD, "three pods");
	CHECK(fate("shop/rogue", "shop/db", 3, 2, 5432), "no policy");
	apply_good(WORLD DENY_DB, "and a policy");
	CHECK(!strcmp(fate("shop/web", "shop/db", 1, 2, 5432), pass) || !strcmp(fate("shop/web", "shop/db", 1, 2, 5432), "allowed"),
	      "allowed by the rule");
	sport--;
	CHECK_TEXT(fate("shop/web", "shop/db", 1, 2, 5432), "known", "the same flow again");
	sport--;
	forget = true;
	CHECK_TEXT(fate("shop/web", "shop/db", 1, 2, 5432), pass, "and forgotten");
	forget = false;
	CHECK_TEXT(fate("shop/web", "shop/db", 1, 2, 5433), "no-rule", "another port");
	CHECK_TEXT(fate("shop/rogue", "shop/db", 3, 2, 5432), "no-rule", "another pod");
	CHECK_TEXT(fate("shop/rogue", "shop/db", 1, 2, 5432), "spoofed", "another's address");
	CHECK(strstr(fate("shop/nobody", "shop/db", 1, 2, 5432), "no such pod"), "a pod nobody knows");
	apply_good(NODE NS POD("rogue", "10.0.0.1") POD("db", "10.0.0.2") DENY_DB, "an address changes hands");
	CHECK_TEXT(fate("shop/rogue", "shop/db", 1, 2, 5432), "no-rule", "the new owner is judged by its own labels");
	reply = apply(WORLD "kind: NetworkPolicy\napiVersion: networking.k8s.io/v1\nmetadata: {name: x, namespace: shop}\n"
		      "spec: {podSelector: 7}\n", true);
	CHECK(reply && reply->applied && reply->applied->n_rejected == 1, "a bad policy is listed");
	if (reply)
		weir__v1__reply__free_unpacked(reply, NULL);
}

/* Thousands of frames in one request. */
static void fast(void)
{
	enum { N = 8000 };
	static unsigned char data[N][64];
	static Weir__V1__Frame frame[N], *frames[N];
	Weir__V1__JudgeRequest ask = WEIR__V1__JUDGE_REQUEST__INIT;
	Weir__V1__Request rq = WEIR__V1__REQUEST__INIT;
	Weir__V1__Reply *reply;
	struct timespec a, b;
	unsigned int n = 0;

	for (int i = 0; i < N; i++) {
		weir__v1__frame__init(&frame[i]);
		frames[i] = &frame[i];
		frame[i].pod = (char *)"shop/web";
		frame[i].data.data = data[i];
		frame[i].data.len = syn(data[i], 1, 2, 1024 + i, i & 1 ? 5432 : 1);
	}
	apply_good(WORLD DENY_DB, "again");
	ask.frame = frames;
	ask.n_frame = N;
	rq.ask_case = WEIR__V1__REQUEST__ASK_JUDGE;
	rq.judge = &ask;
	clock_gettime(CLOCK_MONOTONIC, &a);
	CHECK_EQ(control_ask(agent.control, &rq, &agent.why), 0, "ask");
	for (bool done = false; !done && !control_answer(agent.control, &reply, 30000, &agent.why);) {
		n += reply->judged ? reply->judged->n_fate : 0;
		done = reply->done;
		weir__v1__reply__free_unpacked(reply, NULL);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	CHECK_EQ(n, N, "a fate for each frame");
	printf("%d frames in %.1f ms\n", N, (b.tv_sec - a.tv_sec) * 1e3 + (b.tv_nsec - a.tv_nsec) / 1e6);
}

int main(void)
{
	char dir[] = "/tmp/weir-judge-XXXXXX", path[300];

	if (geteuid()) {
		check_skip("needs root");
		return check_done();
	}
	agent.dir = mkdtemp(dir);
	for (int stack = 0; stack < 2; stack++) {
		CHECK_EQ(child_start(&agent, (char *[]){ "--judge", "--buckets", "4096", stack ? "--stack" : NULL, NULL }), 0,
			 "start: %s", agent.why.text);
		if (!agent.control)
			break;
		worlds(stack);
		fast();
		CHECK_EQ(child_stop(&agent), 0, "it stops cleanly");
	}
	snprintf(path, sizeof(path), "%s/log", dir);
	unlink(path);
	rmdir(dir);
	return check_done();
}
