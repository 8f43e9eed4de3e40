/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the whole agent's test stands on: namespaces of the process's own, a directory of manifests, an agent that
 * follows it, three pods with interfaces made as the lab makes them, and sockets in them.
 *
 *	if (!stage_open()) ...				needs root; stage_close() either way
 *	write_cluster();
 *	agent_start();
 *	make_pod(WEB), make_pod(DB);
 *	l = listen_in(DB, 5432);
 *	write_by_rename("db.yaml", policy_from("web", 5432));
 *	CHECK(connects_soon(WEB, DB, 5432, true), "...");
 *	stage_close();					the agent, the pods and the files go
 *
 * What the stage does is checked as it is done; what it is asked it answers, for the rows to judge.
 */
#ifndef WEIR_TESTS_AGENT_LIVE_STAGE_H
#define WEIR_TESTS_AGENT_LIVE_STAGE_H

#include "lib/netns.h"
#include "tests/agent/child.h"

#define SOON_MS 20000			/* the longest that anything here may take */

enum { WEB, DB, ROGUE, PODS };
extern const char *const pod_name[PODS];	/* in namespace 'shop', each labelled app: NAME */

struct stage {
	char dir[32];				/* all that follows is in it, and the agent's socket and log */
	char state[64], data[64], bpf[64];	/* manifests; what the agent keeps; a bpffs of our own */
	char pins[128];
	struct child agent;
};
extern struct stage stage;

bool stage_open(void);
void stage_close(void);

/* Files of the directory that the agent follows. */
void write_file(const char *name, const char *text);		/* in place */
void write_by_rename(const char *name, const char *text);
void remove_file(const char *name);
void write_cluster(void);					/* the node, the namespace and the pods */
const char *policy_from(const char *app, int port);		/* db's ingress: from whom, to which port */

/* The agent, and what it says; a reply is the caller's to free. */
void agent_start(void);						/* until it answers: it listens before it has started */
Weir__V1__Reply *agent_status(void);
/* Why it has not taken an object; "" if it is not listed, NULL on failure. */
const char *rejected(const char *what);
bool rejected_soon(const char *what, bool wanted);
unsigned int endpoint_number(const char *pod, char *state, size_t size);	/* 0 and "none": it has none */
bool armed_soon(const char *pod);

/* A pod's interface, as whoever makes them does it: made, handed over, then reachable. */
void make_pod(int i);
struct netns *netns_of_pod(int i);				/* the stage's */

/* Sockets in pods, none of which blocks; 'where' and 'to' are pods. */
int listen_in(int where, int port);
int accepted(int l);						/* within a second, or -1 */
int connect_from(int where, int to, int port, int ms);		/* within 'ms', or -1 */
int connect_by(int where, int sport, int to, int port, int ms);	/* from a port of the caller's choice; 0: any */
bool can_connect(int where, int to, int port);
bool connects_soon(int where, int to, int port, bool wanted);
bool talks(int from, int to, int ms);				/* a byte over a connection that is open */
void cut_short(int fd);		/* by a reset: nothing of it lingers, and the port is free at once */

#endif
