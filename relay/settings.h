/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of the relay: options, WEIR_RELAY_* variables and one YAML file, in this order of weight.
 *
 *	err = settings_read(&s, argc, argv, &why);
 */
#ifndef WEIR_RELAY_SETTINGS_H
#define WEIR_RELAY_SETTINGS_H

#include <stdbool.h>
#include <stdio.h>

#include "lib/complaint.h"
#include "lib/log.h"
#include "lib/opt.h"

struct settings {
	struct opt_list peer;		/* "NAME=ADDRESS" */
	const char *peers;		/* a file of such */
	const char *peer_dns, *peer_service;
	const char *peer_name;		/* in certificates, '%' being the node's name */
	const char *peer_ca, *peer_cert, *peer_key;
	bool peer_insecure;
	struct opt_list listen;		/* ADDRESS:PORT */
	const char *socket, *socket_mode_word;
	const char *ca, *cert, *key;	/* of the listeners */
	const char *http;		/* ADDRESS:PORT of metrics and health; NULL: none */
	const char *page;		/* ADDRESS:PORT of the page; NULL: none */
	const char *page_cert, *page_key, *page_client_ca, *page_token_file;
	struct opt_list page_host;	/* names that lead to it */
	unsigned int page_session_ms;
	const char *data;		/* directory of the lock */
	const char *config, *level_word, *format_word;
	unsigned int edges;
	bool check_config, version, help, man;
	/* what the words mean */
	enum log_level level;
	bool json;
	unsigned int socket_mode;
};

int settings_read(struct settings *s, int argc, char **argv, struct complaint *why);
void settings_help(FILE *to);
int settings_man(FILE *to);

#endif
