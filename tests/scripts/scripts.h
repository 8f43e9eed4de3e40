/* SPDX-License-Identifier: Apache-2.0 */
/* One script: a stage, and what must be seen on it. */
#ifndef WEIR_TESTS_SCRIPTS_SCRIPTS_H
#define WEIR_TESTS_SCRIPTS_SCRIPTS_H

#include "tests/scripts/stage.h"

struct script {
	const char *name;
	struct stage_options options;
	void (*run)(struct stage *s);
};
extern const struct script scripts_connections[], scripts_identity[], scripts_packets[], scripts_neighbours[], scripts_limits[],
	scripts_agent[], scripts_slow[];

/* The suites' checks count in one place. */
void script_check(bool ok, const char *file, int line, const char *what);
#define SEEN(cond, what) script_check(cond, __FILE__, __LINE__, what)

#define ALLOW_B "createPolicy: {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: allow, namespace: x}, " \
	"spec: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], " \
	"ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}]}]}}"
#define DENY_IN_X "createPolicy: {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: x}, " \
	"spec: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress]}}"
#define DENY_ALL_X "createPolicy: {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: x}, " \
	"spec: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress, Egress]}}"

#endif
