/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings: options, WEIR_* variables and one YAML file, in this order of weight; the defaults are in the struct.
 *
 *	err = settings_read(&s, argc, argv, &why);
 *
 * The file is a map of the options' long names: `mode: default-deny`.  A name that is no option, or a value that
 * the option does not take, is refused with file and line.
 */
#ifndef WEIR_AGENT_SETTINGS_H
#define WEIR_AGENT_SETTINGS_H

#include <stdbool.h>
#include <stdio.h>

#include "lib/complaint.h"
#include "lib/log.h"
#include "lib/policy/compile.h"

struct settings {
	const char *node;		/* NULL: a judge, for which every pod is local */
	const char *state, *data, *bpffs, *socket, *config;
	const char *observer_socket;	/* NULL: none */
	const char *listen;		/* ADDRESS:PORT, or NULL */
	const char *tls_cert, *tls_key, *tls_client_ca;		/* all or none */
	const char *metrics;		/* ADDRESS:PORT of HTTP, or NULL */
	const char *metrics_enable;	/* NULL: what dashboards need (agent/metrics.c) */
	const char *otlp;		/* [tls://]HOST:PORT or unix:PATH of a receiver, or NULL */
	const char *otlp_ca, *otlp_cert, *otlp_key, *otlp_name, *otlp_send;
	unsigned int otlp_interval_ms;
	const char *cluster;		/* NULL: flows name the node alone */
	const char *export;		/* NULL: no export; see agent/export.h */
	const char *export_allow, *export_deny, *export_fields, *export_fold;
	unsigned int export_window_ms, export_age_ms, export_mb, export_backups;
	bool export_detail;
	const char *mode_word, *hairpin_word, *level_word, *format_word, *hook_word, *socket_mode_word;
	unsigned int buckets, records;
	bool stack, observe_only, judge, check_config, uninstall, purge, version, help, man;
	/* what the words mean */
	enum compile_mode mode;
	enum log_level level;
	bool hairpin, json;
	unsigned int hook;		/* enum attach_hook */
	unsigned int socket_mode;
};

struct export_options;
void settings_export_options(const struct settings *s, struct export_options *out);

int settings_read(struct settings *s, int argc, char **argv, struct complaint *why);
void settings_help(FILE *to);
int settings_man(FILE *to);
void settings_node(const struct settings *s, char *buf, size_t size);	/* as flows name it: "cluster/node", or "node" */
bool settings_otlp_tls(const struct settings *s, const char **server);	/* 'server': without "tls://" */
const char *settings_mode_text(const struct settings *s);	/* "default-deny (audit)" */

#endif
