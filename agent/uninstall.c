// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/attach.h"
#include "agent/datapath.h"
#include "agent/lastgood.h"
#include "agent/uninstall.h"
#include "lib/log.h"

/* The agent's own files by name, and the directory if nothing else is in it. */
static int remove_files(const char *dir)
{
	static const char *const name[] = { "rules", "rules.new", "endpoints", "endpoints.new", "lock" };
	char path[4096];
	int err = lastgood_remove(dir);

	if (err)
		log_err(err, "cannot remove the manifests kept in '%s'", dir);
	for (size_t i = 0; i < sizeof(name) / sizeof(*name); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, name[i]);
		if (unlink(path) && errno != ENOENT)
			err = log_err(-errno, "cannot remove '%s'", path);
	}
	if (rmdir(dir) && errno != ENOENT)
		log_info("'%s' stays: there are files in it that are not the agent's", dir);
	return err;
}

int uninstall(const struct settings *s)
{
	const char *dir = s->bpffs ? s->bpffs : DATAPATH_DIR;
	struct complaint why = { 0 };
	int err = attach_remove_all(dir, &why);

	if (!err)
		err = datapath_remove(dir, &why);
	if (err) {
		log_error("cannot uninstall: %s", why.text[0] ? why.text : strerror(-err));
		return err;
	}
	log_info("of weir nothing is left in '%s': its pods are open%s", dir,
		 s->purge ? "" : "; the agent's files stay (--purge)");
	return s->purge ? remove_files(s->data) : 0;
}
