// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "relay/roster_inside.h"

#define LINE_MOST (2 * PEER_TEXT + 8)
#define FILE_MS	  2000

bool named_has(const struct named *n, const char *server)
{
	for (unsigned int i = 0; i < n->n; i++)
		if (!strcmp(n->server[i], server))
			return true;
	return false;
}

int named_add(struct named *n, const char *server)
{
	if (named_has(n, server))
		return 0;
	if (n->n == n->room) {
		unsigned int room = n->room ? n->room * 2 : 16;
		void *wider = realloc(n->server, room * sizeof(*n->server));

		if (!wider)
			return -ENOMEM;
		n->server = wider;
		n->room = room;
	}
	snprintf(n->server[n->n++], PEER_TEXT, "%s", server);
	return 0;
}

void named_remove(struct named *n, const char *server)
{
	for (unsigned int i = 0; i < n->n; i++) {
		if (strcmp(n->server[i], server))
			continue;
		memmove(n->server[i], n->server[--n->n], PEER_TEXT);
		return;
	}
}

void named_free(struct named *n)
{
	free(n->server);
	*n = (struct named){ 0 };
}

void named_replace(struct roster *r, struct named *old, struct named *new)
{
	for (unsigned int i = 0; i < old->n; i++)
		if (!named_has(new, old->server[i]))
			peers_remove(r->peers, old->server[i]);
	named_free(old);
	*old = *new;
	*new = (struct named){ 0 };
}

static bool has_port(const char *server)
{
	const char *colon = strrchr(server, ':');

	return colon && colon > server && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1);
}

int roster_read(const char *text, struct roster_line *out, struct complaint *why)
{
	const char *server = strchr(text, '=');
	size_t name = server ? (size_t)(server - text) : 0;

	server = server ? server + 1 : text;
	if (name >= PEER_TEXT || strlen(server) >= PEER_TEXT || (server > text && !name)) {
		complaint_set(why, 0, 0, "'%s': a node is NAME=ADDRESS:PORT or NAME=unix:PATH, each below %d characters", text,
			      PEER_TEXT);
		return -EINVAL;
	}
	if (strncmp(server, "unix:", 5) && !has_port(server)) {
		complaint_set(why, 0, 0, "'%s' has no port: ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH (agents listen on 4244)",
			      server);
		return -EINVAL;
	}
	snprintf(out->name, sizeof(out->name), "%.*s", (int)name, text);
	strcpy(out->server, server);
	return 0;
}

/* --- A file of them. --- */

static char *trim(char *line)
{
	size_t n = strcspn(line, "#\n");

	while (n && isspace((unsigned char)line[n - 1]))
		n--;
	line[n] = '\0';
	while (isspace((unsigned char)*line))
		line++;
	return line;
}

/* 'r' NULL: only looked at, and 'new' are names. */
static int file_line(struct roster *r, struct named *new, const char *text, struct complaint *why)
{
	struct roster_line line;
	int err = roster_read(text, &line, why);

	if (!err && !r && line.name[0] && named_has(new, line.name)) {
		complaint_set(why, 0, 0, "'%s' is another node's name in this file: each has its own, or none, and the agent tells its own",
			      line.name);
		return -EINVAL;
	}
	if (!err && !r && line.name[0])
		err = named_add(new, line.name);
	if (err || !r)
		return err;
	err = named_add(new, line.server);
	peers_put(r->peers, &(struct peer_at){ .name = line.name[0] ? line.name : NULL, .server = line.server });
	return err;
}

static int file_lines(struct roster *r, const char *path, struct named *new, struct complaint *why)
{
	char text[LINE_MOST];
	FILE *f = fopen(path, "re");
	int err = 0;

	if (!f) {
		complaint_set(why, 0, 0, "cannot read the nodes from '%s': %s", path, strerror(errno));
		return -errno;
	}
	for (unsigned int n = 1; !err && fgets(text, sizeof(text), f); n++) {
		char *line = trim(text);

		err = *line ? file_line(r, new, line, why) : 0;
		if (err)
			why->line = n;
	}
	fclose(f);
	if (err)
		complaint_file(why, path);
	return err;
}

static int file_check(const char *path, struct complaint *why)
{
	struct named names = { 0 };
	int err = file_lines(NULL, path, &names, why);

	named_free(&names);
	return err;
}

int roster_file_read(struct roster *r, struct complaint *why)
{
	struct named new = { 0 };
	int err = file_check(r->options.file, why);

	if (!err)
		err = file_lines(r, r->options.file, &new, why);
	if (!err)
		named_replace(r, &r->from_file, &new);
	named_free(&new);
	return err;
}

static void on_file(void *ctx)
{
	struct roster *r = ctx;
	struct complaint why = { 0 };
	struct stat st;
	char text[1024];

	if (!stat(r->options.file, &st) && (st.st_mtim.tv_nsec != r->file_was.st_mtim.tv_nsec || st.st_size != r->file_was.st_size ||
	    st.st_mtim.tv_sec != r->file_was.st_mtim.tv_sec || st.st_ino != r->file_was.st_ino)) {
		r->file_was = st;
		if (roster_file_read(r, &why))
			log_error("%s: the nodes stay as they were", complaint_text(&why, text, sizeof(text)));
	}
	rpc_timer_set(r->loop, &r->file_timer, FILE_MS, on_file, r);
}

int roster_file_open(struct roster *r, struct complaint *why)
{
	if (stat(r->options.file, &r->file_was))
		memset(&r->file_was, 0, sizeof(r->file_was));
	rpc_timer_set(r->loop, &r->file_timer, FILE_MS, on_file, r);
	return roster_file_read(r, why);
}

/* --- The whole. --- */

/* The relay knows a node by its name: the second would take the first one's place. */
static int check_twice(const struct opt_list *list, unsigned int at, const struct roster_line *line, struct complaint *why)
{
	struct roster_line other;

	for (unsigned int i = 0; i < at; i++) {
		if (roster_read(list->value[i], &other, why))
			return -EINVAL;
		if (line->name[0] && !strcmp(line->name, other.name))
			complaint_set(why, 0, 0, "'--peer %s' and '--peer %s' are both called '%s': each node has a name of its own, or leave it "
				      "out, and the agent tells its own", list->value[i], list->value[at], line->name);
		else if (!strcmp(line->server, other.server))
			complaint_set(why, 0, 0, "'--peer %s' and '--peer %s' are one agent: name it once", list->value[i], list->value[at]);
		else
			continue;
		return -EINVAL;
	}
	return 0;
}

int roster_check(const struct roster_options *o, struct complaint *why)
{
	struct roster_line line;
	int err = 0;

	for (unsigned int i = 0; o->list && i < o->list->n && !err; i++)
		err = roster_read(o->list->value[i], &line, why) ?: check_twice(o->list, i, &line, why);
	if (!err && o->file)
		err = file_check(o->file, why);
	if (!err && o->dns && !has_port(o->dns)) {
		complaint_set(why, 0, 0, "'%s' has no port: --peer-dns is NAME:PORT", o->dns);
		err = -EINVAL;
	}
	if (!err && o->service)
		err = roster_read(o->service, &line, why);
	return err;
}

int roster_open(struct roster **out, struct rpc_loop *loop, struct peers *peers, const struct roster_options *options,
		struct complaint *why)
{
	struct roster *r = calloc(1, sizeof(*r));
	int err = r ? 0 : -ENOMEM;

	if (err)
		return err;
	r->loop = loop;
	r->peers = peers;
	r->options = *options;
	for (unsigned int i = 0; options->list && i < options->list->n && !err; i++) {
		struct roster_line line;

		err = roster_read(options->list->value[i], &line, why);
		if (!err)
			peers_put(peers, &(struct peer_at){ .name = line.name[0] ? line.name : NULL, .server = line.server });
	}
	if (!err && options->file)
		err = roster_file_open(r, why);
	if (!err && options->dns)
		err = roster_dns_open(r, why);
	if (!err && options->service)
		err = roster_service_open(r, why);
	if (err) {
		roster_stop(r);
		roster_close(r);
		return err;
	}
	*out = r;
	return 0;
}

void roster_stop(struct roster *r)
{
	r->stopped = true;
	rpc_timer_stop(r->loop, &r->file_timer);
	rpc_timer_stop(r->loop, &r->dns_timer);
	rpc_timer_stop(r->loop, &r->service_timer);
	rpc_timer_stop(r->loop, &r->settled);
	if (r->notify)
		rpc_ask_cancel(r->notify);
}

bool roster_busy(const struct roster *r)
{
	return r->notify;
}

void roster_close(struct roster *r)
{
	if (!r)
		return;
	roster_dns_close(r);
	rpc_channel_close(r->channel);
	named_free(&r->from_file);
	named_free(&r->from_dns);
	named_free(&r->from_service);
	named_free(&r->anew);
	free(r);
}
