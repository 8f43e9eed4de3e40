// SPDX-License-Identifier: Apache-2.0
/* Where metrics are served, which they are, and to whom they are sent. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/metrics_hubble.h"
#include "agent/settings_inside.h"
#include "lib/http/http.h"

static int check_enable(const struct settings *s, struct complaint *why)
{
	struct complaint inner = { 0 };
	struct metric_list list;

	if (!s->metrics && !s->otlp) {
		complaint_set(why, 0, 0, "'--metrics-enable' without '--metrics' or '--otlp': say where they go");
		return -EINVAL;
	}
	if (!metric_list_read(&list, s->metrics_enable, hubble_names, &inner))
		return 0;
	complaint_set(why, 0, 0, "'--metrics-enable': %s", inner.text[0] ? inner.text : "too many metrics");
	return -EINVAL;
}

static int check_where(const struct settings *s, struct complaint *why)
{
	const char *server;
	char host[64];
	long port;
	bool tls = settings_otlp_tls(s, &server);

	if (!strncmp(server, "unix:", 5))
		return 0;
	if (!settings_split(server, host, &port) || !port) {
		complaint_set(why, 0, 0, "'--otlp' is HOST:PORT such as 127.0.0.1:4317, tls://HOST:PORT or unix:PATH, not '%s'", s->otlp);
		return -EINVAL;
	}
	if (!tls && !settings_loopback(host)) {
		complaint_set(why, 0, 0, "'--otlp %s' without TLS: plain text is for loopback only (tls://%s, or give --otlp-ca)", s->otlp, s->otlp);
		return -EINVAL;
	}
	return 0;
}

bool settings_otlp_tls(const struct settings *s, const char **server)
{
	bool said = !strncmp(s->otlp, "tls://", 6);

	*server = said ? s->otlp + 6 : s->otlp;
	return said || s->otlp_ca;
}

static int check_otlp(const struct settings *s, struct complaint *why)
{
	const char *const file[] = { s->otlp_ca, s->otlp_cert, s->otlp_key };
	static const char *const what[] = { "flows,metrics", "metrics,flows", "flows", "metrics" };
	const char *server;
	unsigned int i = 0;

	if (!s->otlp_cert != !s->otlp_key) {
		complaint_set(why, 0, 0, "'--otlp-cert' and '--otlp-key' go together");
		return -EINVAL;
	}
	if ((s->otlp_cert || s->otlp_name) && !settings_otlp_tls(s, &server)) {
		complaint_set(why, 0, 0, "'%s' is for TLS: '--otlp tls://%s', or '--otlp-ca' says who signs the receiver's certificate",
			      s->otlp_cert ? "--otlp-cert" : "--otlp-name", s->otlp);
		return -EINVAL;
	}
	for (int f = 0; f < 3; f++)
		if (file[f] && access(file[f], R_OK)) {
			complaint_set(why, 0, 0, "cannot read '%s': %s", file[f], strerror(errno));
			return -EINVAL;
		}
	while (i < 4 && strcmp(what[i], s->otlp_send))
		i++;
	if (i == 4) {
		complaint_set(why, 0, 0, "'--otlp-send' is flows, metrics or flows,metrics, not '%s'", s->otlp_send);
		return -EINVAL;
	}
	if (s->otlp_interval_ms < 1000 || s->otlp_interval_ms > 3600000) {
		complaint_set(why, 0, 0, "'--otlp-interval' is from 1s to 1h");
		return -EINVAL;
	}
	return check_where(s, why);
}

int settings_metrics(struct settings *s, struct complaint *why)
{
	int err = 0;

	if (s->metrics && !*s->metrics)
		s->metrics = NULL;
	if (s->otlp && !*s->otlp)
		s->otlp = NULL;
	if (!s->otlp && (s->otlp_ca || s->otlp_cert || s->otlp_key || s->otlp_name)) {
		complaint_set(why, 0, 0, "'%s' without '--otlp': say who receives", s->otlp_ca ? "--otlp-ca" :
			      s->otlp_cert ? "--otlp-cert" : s->otlp_key ? "--otlp-key" : "--otlp-name");
		return -EINVAL;
	}
	if (s->metrics)
		err = http_check(s->metrics, why);
	if (!err && s->metrics_enable)
		err = check_enable(s, why);
	return err ?: s->otlp ? check_otlp(s, why) : 0;
}
