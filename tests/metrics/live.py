# SPDX-License-Identifier: Apache-2.0
"""A running agent scraped by Debian's Prometheus: what it writes is well formed and what docs/metrics.md says, numbers
agree with the traffic that was made, every panel of every dashboard has data, every alert evaluates and those fire for
which something was broken.  With --table it writes the table of docs/metrics.md, and tests nothing else."""
import glob
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import time
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api", "with"))
import check as t  # noqa: E402
from lab import Lab, in_netns, needs_root  # noqa: E402

needs_root()

CART, DATABASE, PAYMENTS, OUTSIDE = "10.244.1.11", "10.244.1.13", "10.244.1.12", "203.0.113.7"
AGENT, RELAY, PROMETHEUS = 9965, 9966, 9090
OPEN = "application/openmetrics-text;version=1.0.0"
AUDITED = """apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: audited, annotations: {weir.dev/audit: "true"}}
spec:
  tier: Admin
  priority: 10
  subject: {pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: cart}}}}
  egress:
  - {name: no-database, action: Deny, to: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: database}}}}]}
"""
OPENED = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: rogue-out, namespace: shop}
spec:
  podSelector: {matchLabels: {app: rogue}}
  policyTypes: [Egress]
  egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]
"""


def certificates(directory):
    for name in ("ca", "tls"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "5", "-subj", f"/CN={name}", "-keyout", f"{directory}/{name}.key", "-out",
                        f"{directory}/{name}.crt"], check=True, capture_output=True)


class Node:
    """What runs in the node's namespace: the agent that is asked, a Prometheus that asks it."""

    def __init__(self, lab):
        self.netns = lab.path(next(iter(lab.netns.values())), "node+n1")

    def get(self, port, path, accept=None):
        def ask():
            q = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept} if accept else {})
            with urllib.request.urlopen(q, timeout=10) as answer:
                return answer.headers["Content-Type"], answer.read().decode()
        return in_netns(self.netns, ask)

    def query(self, expr):
        kind, text = self.get(PROMETHEUS, "/api/v1/query?query=" + urllib.parse.quote(expr))
        return json.loads(text)["data"]["result"]


LINE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: # \{.*\} \S+( \S+)?)?$')
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


def parse(text):
    """Families and samples of either format, strictly."""
    families, samples, name = {}, {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, about = line[7:].split(" ", 1)
            t.check(f"{name} is said once", name not in families)
            families[name] = {"help": about, "labels": None}
        elif line.startswith("# TYPE "):
            t.equal("TYPE follows HELP", line.split(" ")[2], name)
            families[name]["type"] = line.split(" ")[3]
        elif line.startswith("# UNIT "):
            families[name]["unit"] = line.split(" ")[3]
        elif line != "# EOF":
            m = LINE.match(line)
            if not m or not m[1].startswith(name):
                t.check("a sample of its family", False, line)
                continue
            labels = dict(LABEL.findall(m[2] or ""))
            if m[2] and "".join(f'{k}="{v}",' for k, v in LABEL.findall(m[2])) != m[2] + ",":
                t.check("labels", False, line)
            key = (m[1], tuple(sorted(labels.items())))
            if key in samples:
                t.check("a series once", False, line)
            samples[key] = float(m[3])
            labels.pop("le", None)
            said = families[name]["labels"]
            if said is not None and said != list(labels):
                t.check(f"{name} has the same labels everywhere", False, line)
            families[name]["labels"] = list(labels)
    t.check("samples were read", len(samples) > 20, len(samples))
    return families, samples


def total(samples, name, **want):
    return sum(v for (n, labels), v in samples.items() if n == name and all(dict(labels).get(k) == w for k, w in want.items()))


pings = 0


def ping(address):
    """Another each time: one like the last would be told with the next record only."""
    global pings
    pings += 1
    body = struct.pack("!BBHHH", 8, 0, 0, pings, 1)
    s = sum(struct.unpack("!4H", body))
    body = body[:2] + struct.pack("!H", ~((s & 0xffff) + (s >> 16)) & 0xffff) + body[4:]
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.sendto(body, (address, 0))


def spoof(address):
    """A packet of somebody else's address: dropped, and not by policy."""
    udp = struct.pack("!HHHH", 1000, 53, 8, 0)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 1, 0, 64, 17, 0, socket.inet_aton("10.99.99.99"), socket.inet_aton(address))
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(ip + udp, (address, 0))


def traffic(lab, times):
    """Per time: 3 flows that pass (one judged on both sides, one to the world), 1 denied."""
    for _ in range(times):
        lab.talk("shop/frontend", CART, 8080)
        lab.talk("shop/cart", DATABASE, 5432)
        lab.talk("shop/rogue", OUTSIDE, 7000)
        lab.tries("shop/rogue", DATABASE, 5432, seconds=0.05)
        in_netns(lab.netns["shop/frontend"], lambda: ping(CART))


def again(lab):
    """A connection that ends, and another in its place: the first is told to have closed, and how long its handshake took."""
    def connect():
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.bind(("", 21000))       # below the ports that the kernel gives to the other connections of this namespace
            s.connect((CART, 8080))
            s.send(b"hello")
            s.recv(100)
    in_netns(lab.netns["shop/frontend"], connect)


def formats(lab, node):
    kind, text = node.get(AGENT, "/metrics")
    t.equal("Prometheus' type", kind, "text/plain; version=0.0.4; charset=utf-8")
    parse(text)
    if shutil.which("promtool"):
        said = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        t.equal("promtool check metrics", (said.returncode, said.stdout + said.stderr), (0, ""))
    kind, text = node.get(AGENT, "/metrics", OPEN)
    t.equal("OpenMetrics' type", kind, "application/openmetrics-text; version=1.0.0; charset=utf-8")
    t.check("its end", text.endswith("\n# EOF\n"))
    example = re.search(r'^weir_denied_packets_total\{.*source_workload="rogue".*# \{flow="([0-9a-f-]{36})",source_pod="rogue",', text, re.M)
    t.check("a denial to look at", example)
    if example:
        said = subprocess.run([f"{os.environ.get('B', 'build')}/weir", "observe", "--server", lab.observer(), "--uuid", example[1],
                               "--last", "100", "-o", "json"], capture_output=True, text=True)
        t.check("weir observe finds it", '"rogue"' in said.stdout, said.stdout + said.stderr)
    return parse(text)[0]


def documented(families, of_relay):
    """The table is what the program says: name, kind, unit, labels, meaning.  What the process tells is said once."""
    rows = {}
    with open("docs/metrics.md") as f:
        for line in f:
            m = re.match(r"^\| `(\w+)` \| (\w+) \| (\w*) \| (.*?) \| (.*) \|$", line)
            if m and bool(re.match("weir_relay_|weir_cluster_|hubble_relay_", m[1])) == of_relay:
                rows[m[1]] = [m[2], m[3], m[4].replace("`", ""), m[5]]
    live = {}
    for name, f in families.items():
        if of_relay and name.startswith("process_"):
            continue
        live[name + "_total" * (f["type"] == "counter")] = [f["type"], f.get("unit", ""), ", ".join(f["labels"] or []),
                                                            f["help"].replace('\\"', '"')]
    if "--table" in sys.argv:
        for name, (kind, unit, labels, about) in sorted(live.items()):
            labels = ", ".join(f"`{word}`" for word in labels.split(", ") if word)
            print(f"| `{name}` | {kind} | {unit} | {labels} | {about} |")
        return
    for name in sorted(set(rows) | set(live)):
        t.equal(f"{name} in docs/metrics.md is as it is told", rows.get(name), live.get(name))


def numbers(lab, node):
    """What was counted since is what was done."""
    def look():
        return parse(node.get(AGENT, "/metrics")[1])[1]

    before = look()
    traffic(lab, 10)
    again(lab)
    pair = dict(source_workload="frontend", destination_workload="cart")

    def rose(name, **labels):
        return total(after, name, **labels) - total(before, name, **labels)

    def denials():
        """Denied by the kernel's count, told with their who and whom, and waiting for the next record of the same."""
        return (rose("weir_dropped_packets_total", reason="no-rule"),
                rose("weir_denied_packets_total", reason="no-rule") + rose("weir_untold_denied_packets_total", reason="no-rule"),
                total(after, "weir_flow_table_events_total", event="repeated") - total(before, "weir_flow_table_events_total", event="repeated"))

    def all_told():
        """Bytes of open flows come with the next reading of the flow table, every few seconds; records when they are read."""
        nonlocal after
        after = look()
        dropped, told, waiting = denials()
        return (rose("weir_workload_bytes_total", way="there", **pair) > 11 * 5 * 40 and rose("hubble_icmp_total", family="IPv4", type="EchoRequest") >= 10 and
                rose("weir_workload_flows_opened_total", protocol="TCP", **pair) >= 11 and rose("weir_workload_would_deny_flows_total", source_workload="cart") >= 10 and
                rose("hubble_flows_to_world_total", source="shop/rogue", verdict="FORWARDED") >= 10 and rose("weir_workload_answers_total", **pair) and
                dropped >= 20 and told <= dropped <= told + waiting)

    after = before
    t.until(all_told, step=0.5)
    t.equal("flows opened between two workloads", rose("weir_workload_flows_opened_total", protocol="TCP", **pair), 11)
    t.equal("verdicts of policy, egress", rose("hubble_policy_verdicts_total", direction="egress", action="forwarded",
                                               match="l3-l4", **pair), 11)
    t.equal("and ingress", rose("hubble_policy_verdicts_total", direction="ingress", action="forwarded", **pair), 11)
    t.equal("destination ports", rose("hubble_port_distribution_total", protocol="TCP", port="8080", **pair), 11)
    t.equal("SYNs", rose("hubble_tcp_flags_total", flag="SYN", family="IPv4", **pair), 11)
    t.check("and a connection that was reset", rose("hubble_tcp_flags_total", flag="RST", **pair) >= 1)
    t.equal("to the world", rose("hubble_flows_to_world_total", source="shop/rogue", verdict="FORWARDED"), 10)
    t.equal("the rule's verdicts", rose("weir_rule_verdicts_total", policy="shop/cart", direction="ingress", rule="1"), 11)
    t.equal("audited policies would deny", rose("weir_would_deny_flows_total", direction="egress", policy="audited", rule="1",
                                                namespace="shop", source_workload="cart", destination_workload="database"), 10)
    t.equal("and the edge says so", rose("weir_workload_would_deny_flows_total", source_workload="cart"), 10)
    t.equal("which Hubble calls", rose("hubble_flows_processed_total", type="PolicyVerdict", verdict="AUDIT"), 10)
    dropped, told, waiting = denials()
    t.check("packets were denied", dropped >= 20, dropped)
    t.check("each has its who and whom, or waits for its record", told <= dropped <= told + waiting, (dropped, told, waiting))
    authors = {frozenset(dict(labels)["policy"].split(", ")) for (n, labels), v in after.items() if n == "weir_denied_packets_total" and
               dict(labels)["reason"] == "no-rule"}
    t.check("who isolates the pod is its author", {"shop/default-deny", "shop/rogue-out"} in authors, authors)
    t.check("and never nobody", {""} not in authors, authors)
    t.equal("Hubble's drops are the same", rose("hubble_drop_total", reason="POLICY_DENIED"), rose("weir_denied_packets_total", reason="no-rule"))
    t.check("pings that policy does not allow", rose("hubble_icmp_total", family="IPv4", type="EchoRequest") >= 10)
    t.check("bytes", rose("weir_workload_bytes_total", way="there", **pair) > 11 * 5 * 40)
    t.check("handshakes", rose("weir_handshake_seconds_count", destination_workload="cart") >= 1)
    answered, rtt = rose("weir_workload_answers_total", **pair), rose("weir_workload_rtt_seconds_total", **pair)
    t.check("round trips, of microseconds", answered >= 1 and 0 < rtt / answered < 1, (answered, rtt))
    t.check("a live flow", total(after, "weir_workload_flows_live", **pair) >= 1)
    t.equal("nothing was lost", total(after, "weir_lost_events_total"), 0)


def panels():
    """Every query of every dashboard, as Grafana would put it."""
    for path in sorted(glob.glob("deploy/grafana/*.json")):
        with open(path) as f:
            board = json.load(f)
        for p in board["panels"]:
            for target in p.get("targets", []):
                expr = target["expr"].replace("$__rate_interval", "10s").replace("$instance", ".*").replace("$namespace", ".*")
                yield f"{board['title']}: {p['title']}", expr


# Panels that are empty when all is well.
QUIET = {"weir / Policies and rules: Rules that decided nothing for a day", "weir / Flows and denials: SYN without answer"}


def prometheus(lab, node, directory):
    with open(f"{directory}/prometheus.yml", "w") as f:
        f.write("global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
                f"rule_files: [{os.path.abspath('deploy/alerts/weir.rules.yaml')}]\n"
                "scrape_configs:\n"
                f"  - {{job_name: weir-agent, static_configs: [{{targets: ['127.0.0.1:{AGENT}', '127.0.0.1:9']}}]}}\n"
                f"  - {{job_name: weir-relay, static_configs: [{{targets: ['127.0.0.1:{RELAY}']}}]}}\n")
    log = open(f"{directory}/prometheus.log", "w")
    p = subprocess.Popen(["nsenter", f"--net={node.netns}", "prometheus", f"--config.file={directory}/prometheus.yml",
                          f"--storage.tsdb.path={directory}/tsdb", f"--web.listen-address=127.0.0.1:{PROMETHEUS}"],
                         stdout=log, stderr=log)
    try:
        scraped = t.until(lambda: seen(node), step=0.3)
        if not t.check("Prometheus scrapes the agent", scraped):
            return
        for _ in range(6):
            traffic(lab, 2)
            again(lab)
            time.sleep(1.2)
        def has_data(expr):
            """Rates are of the last seconds: where the machine stood still amid them, there is traffic once more."""
            got = node.query(expr)
            if not got:
                traffic(lab, 2)
                again(lab)
            return got

        for what, expr in panels():
            t.check(f"{what}: has data", what in QUIET or t.until(lambda: has_data(expr), step=1), expr)
        alerts(node)
    finally:
        p.terminate()
        p.wait()
        log.close()


def seen(node):
    try:
        return len([r for r in node.query("up") if r["value"][1] == "1"]) == 2
    except OSError:
        return None


FIRE = ("WeirAgentDown", "WeirNewDenials", "WeirWouldDeny", "WeirRejectedObjects", "WeirCertificateExpires", "WeirRelayPeersAway")
SILENT = ("WeirNoAgents", "WeirNotEnforcing", "WeirFault", "WeirTableFilling", "WeirDenialsLost", "WeirCertificateExpired", "WeirPodsNotArmed",
          "WeirNoRoom", "WeirFlowsLost", "WeirSeriesFolded", "WeirRelayDown", "WeirRelayClockOff")


def alerts(node):
    rules = {}

    def as_they_should():
        """Once all are judged; a scrape that timed out on a machine with much else to do is no agent that is down for a minute."""
        rules.update({r["name"]: r for g in json.loads(node.get(PROMETHEUS, "/api/v1/rules")[1])["data"]["groups"] for r in g["rules"]})
        return all(r["health"] == "ok" for r in rules.values()) and all(rules[n]["state"] != "inactive" for n in FIRE) and \
            all(rules[n]["state"] == "inactive" for n in SILENT)

    t.until(as_they_should, step=1)
    with open("deploy/alerts/weir.rules.yaml") as f:
        t.equal("every alert is there", sorted(rules), sorted(re.findall(r"- alert: (\w+)", f.read())))
    for name, r in sorted(rules.items()):
        t.equal(f"{name} evaluates", (r["health"], r.get("lastError", "")), ("ok", ""))
    for name in FIRE:
        t.check(f"{name} is on its way or fires", rules[name]["state"] in ("pending", "firing"), rules[name]["state"])
    for name in SILENT:
        t.equal(f"{name} is silent", rules[name]["state"], "inactive")


def relay(lab, node):
    """One relay, that reaches this agent and another that is not there."""
    log = open(f"{lab.dir}/relay.log", "w")
    return subprocess.Popen(["nsenter", f"--net={node.netns}", f"{os.environ.get('B', 'build')}/weir-relay", "--data",
                             f"{lab.dir}/relay", "--socket", f"{lab.dir}/relay.sock", "--metrics", f"127.0.0.1:{RELAY}",
                             "--page", "127.0.0.1:0", "--listen", "127.0.0.1:4245", "--tls-client-ca", f"{lab.dir}/ca.crt", "--tls-cert",
                             f"{lab.dir}/tls.crt", "--tls-key", f"{lab.dir}/tls.key", "--peer", "n1=" + lab.observer(), "--peer", "n2=127.0.0.1:9"],
                            stdout=log, stderr=log)


def cluster(lab, node):
    """The relay's sums are the agent's: one node is all there is."""
    def agree():
        try:
            got = parse(node.get(RELAY, "/metrics", OPEN)[1])
        except OSError:
            return None
        wanted = total(parse(node.get(AGENT, "/metrics")[1])[1], "weir_workload_flows_opened_total")
        return got if total(got[1], "weir_cluster_flows_opened_total") == wanted and all(
            name in got[0] for name in ("weir_cluster_handshake_seconds", "weir_cluster_rtt_seconds", "weir_cluster_dropped_packets",
                                        "weir_cluster_flows_closed", "weir_relay_peer_clock_offset_seconds")) else None

    got = t.until(agree, step=0.5)
    if not t.check("the relay tells what the agent told", got):
        return
    families, samples = got
    documented(families, True)
    t.equal("a peer is connected", total(samples, "weir_relay_peers", state="connected"), 1)
    t.equal("and one is not", total(samples, "hubble_relay_pool_peer_connection_status", status="TRANSIENT_FAILURE"), 1)
    for name in ("flows_live", "denied_packets_total", "would_deny_flows_total"):
        t.check(f"weir_cluster_{name}", total(samples, "weir_cluster_" + name) > 0)
    t.equal("its health", node.get(RELAY, "/healthz")[1], "ok\n")
    kind, text = node.get(RELAY, "/metrics", OPEN)
    parse(text)
    t.check("OpenMetrics", text.endswith("\n# EOF\n") and kind.startswith("application/openmetrics-text"))


def main():
    options = [f"--metrics=127.0.0.1:{AGENT}", "--listen=127.0.0.1:4244"]
    lab = Lab("policies/shop", name=f"mtr{os.getpid()}")
    certificates(lab.dir)
    lab.options = options + [f"--tls-cert={lab.dir}/tls.crt", f"--tls-key={lab.dir}/tls.key", f"--tls-client-ca={lab.dir}/ca.crt"]
    for name, text in (("audited", AUDITED), ("opened", OPENED), ("wrong", "kind: NetworkPolicy\nspec: [\n")):
        with open(os.path.join(lab.state, name + ".yaml"), "w") as f:
            f.write(text)
    with lab:
        node = Node(lab)
        for who, port in (("shop/cart", 8080), ("shop/database", 5432), ("shop/payments", 9000), ("outside", 7000)):
            lab.serve(who, port)
        traffic(lab, 3)
        for _ in range(2):
            again(lab)
        stays = in_netns(lab.netns["shop/frontend"], lambda: socket.create_connection((CART, 8080)))
        in_netns(lab.netns["shop/rogue"], lambda: spoof(DATABASE))
        slow = ("weir_workload_flows_live{", "weir_workload_dropped_packets_total{", "weir_workload_flows_closed_total{", "weir_handshake_seconds_count{",
                "weir_would_deny_flows_total{", "weir_rejected_object_info{")
        t.check("what takes its time is there", t.until(lambda: all(w in node.get(AGENT, "/metrics")[1] for w in slow), step=0.5))
        documented(formats(lab, node), False)
        r = relay(lab, node)
        try:
            everything(lab, node)
        finally:
            r.terminate()
            r.wait()
            stays.close()
    t.done()


def everything(lab, node):
    cluster(lab, node)
    if "--table" in sys.argv:
        return
    numbers(lab, node)
    if shutil.which("prometheus"):
        prometheus(lab, node, lab.dir)
    else:
        t.skip("needs prometheus")


main()
