# SPDX-License-Identifier: Apache-2.0
"""The real hubble command line against an agent: what people's fingers know must work.  It is no part of weir: $HUBBLE
names it, or it is in PATH; without one this test is skipped."""
import json
import os
import select
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "with"))
import check as t  # noqa: E402
from lab import Lab, needs_root  # noqa: E402

needs_root()
HUBBLE = os.environ.get("HUBBLE") or shutil.which("hubble")
CART, DATABASE, PAYMENTS, ROGUE = "10.244.1.11", "10.244.1.13", "10.244.1.12", "10.244.1.66"


class Hubble:
    def __init__(self, server, home):
        self.server = server
        self.env = {"PATH": os.environ["PATH"], "HOME": home}

    def args(self, *words):
        return [HUBBLE, "--server", self.server, *words]

    def run(self, *words):
        return subprocess.run(self.args(*words), capture_output=True, text=True, env=self.env, timeout=60)

    def start(self, *words):
        return subprocess.Popen(self.args(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.env)


def row(h, what, has, lacks, *words):
    """What its output has and has not; a word per line at least."""
    said = h.run(*words)
    bad = [w for w in has if w not in said.stdout] + ["not " + w for w in lacks if w in said.stdout]
    t.check(f"{what}: hubble {' '.join(words)}", said.returncode == 0 and not bad, (said.returncode, bad, said.stdout, said.stderr))
    return said.stdout


def about(h):
    common(h)
    peers = h.start("watch", "peers")
    line = peers.stdout.readline()
    peers.send_signal(signal.SIGINT)
    t.check("peers", "PEER_ADDED" in line and "n1" in line, line)
    peers.communicate()
    row(h, "agent events", ["AGENT_STARTED"], [], "observe", "agent-events", "--first", "50")
    row(h, "agent events", ["ENDPOINT_CREATED", "pod name: cart"], [], "observe", "agent-events")
    row(h, "reflection", ['"observer/observer.proto"'], [], "reflect")


def common(h):
    """What agent and relay both say."""
    row(h, "status", ["Ok", "Current/Max Flows", "Flows/s"], [], "status")
    for form in ("compact", "dict", "json", "table"):
        row(h, "status", ["65"], [], "status", "-o", form)
    row(h, "nodes", ["NAME", "n1", "Connected"], [], "list", "nodes")
    row(h, "nodes", ["weir v", "ADDRESS"], [], "list", "nodes", "-o", "wide")
    t.equal("nodes", [n["name"] for n in json.loads(row(h, "nodes", ["n1"], [], "list", "nodes", "-o", "json"))], ["n1"])
    row(h, "namespaces", ["shop"], [], "list", "namespaces")
    row(h, "namespaces", ["shop"], [], "list", "namespaces", "-o", "json")


def formats(h):
    """Every flow in every form."""
    last = ("observe", "--last", "50")
    row(h, "compact", ["shop/frontend", "-> shop/cart:8080", "ALLOWED", "DENIED", "TCP Flags: SYN", "<>"], ["EVENTS LOST"], *last)
    row(h, "dict", ["TIMESTAMP:", "SOURCE: shop/rogue", "VERDICT: DENIED"], [], *last, "-o", "dict")
    row(h, "table", ["TIMESTAMP", "SOURCE", "shop/database:5432"], [], *last, "-o", "table")
    for form in ("json", "jsonpb"):
        lines = [json.loads(x) for x in row(h, form, ['"DROPPED"'], [], *last, "-o", form).splitlines()]
        t.check(f"{form}: flows", len(lines) >= 6 and all("flow" in x and x["node_name"] == "n1" for x in lines), lines[:1])
        d = [x["flow"] for x in lines if x["flow"]["verdict"] == "DROPPED" and x["flow"]["source"].get("pod_name") == "rogue"]
        t.check(f"{form}: a denial", d and d[0]["drop_reason_desc"] == "POLICY_DENIED" and "is_reply" not in d[0] and
                d[0]["emitter"]["name"] == "weir" and "app=rogue" in " ".join(d[0]["source"]["labels"]), d[:1])
    row(h, "who decided", ["BY cart (NetworkPolicy)", "BY default-deny (NetworkPolicy)", "INGRESS", "EGRESS"], [],
        *last, "--print-policy-names", "--use-default-field-masks=false")
    out = row(h, "a mask", ['"verdict"'], ['"source"'], *last, "-o", "json", "--field-mask", "verdict,time")
    t.check("a mask: two fields and the envelope", all(set(json.loads(x)["flow"]) <= {"verdict", "time"} for x in out.splitlines()))


def filters(h):
    """Each family by its flag: what comes, and what must not."""
    cart, rogue, deny = "shop/cart:8080", "shop/rogue", "DENIED"
    for has, lacks, words in (
        ([cart], [rogue], ("--from-pod", "shop/frontend")),
        ([rogue], [cart], ("--pod", "shop/rogue")),
        (["shop/database:5432"], [cart], ("--to-pod", "shop/database")),
        ([cart, rogue], [], ("--namespace", "shop")),
        ([cart], [], ("--from-namespace", "shop", "--to-namespace", "shop")),
        ([], [cart, rogue], ("--namespace", "other")),
        ([rogue], [cart], ("--from-ip", ROGUE)),
        ([cart], [rogue], ("--to-ip", CART + "/32")),
        ([rogue], [cart], ("--ip", ROGUE)),
        ([rogue], [cart], ("--from-label", "app=rogue")),
        ([cart], [rogue], ("-l", "app in (frontend)")),
        ([rogue], [cart], ("--from-workload", "rogue")),
        ([deny], [cart], ("--from-identity", "world")),
        ([cart], ["5432"], ("--to-port", "8080")),
        (["5432"], [cart], ("--port", "5432")),
        ([deny], ["ALLOWED"], ("--verdict", "DROPPED")),
        (["ALLOWED"], [deny], ("--verdict", "FORWARDED")),
        ([deny], ["ALLOWED"], ("-t", "drop")),
        (["ALLOWED", deny], [], ("-t", "policy-verdict")),
        ([deny], ["ALLOWED"], ("--drop-reason-desc", "POLICY_DENIED")),
        (["UDP"], ["TCP"], ("--protocol", "udp")),
        (["TCP Flags: SYN"], ["UDP"], ("--tcp-flags", "SYN")),
        ([cart, rogue], [], ("--node-name", "n1")),
        ([], [cart, rogue], ("--node-name", "n2")),
        (["shop/cart:8080"], [rogue], ("-6", "--from-namespace", "shop")),
        ([rogue], [], ("-4",)),
        (["EGRESS"], [], ("--traffic-direction", "egress", "--use-default-field-masks=false")),
        ([cart], [rogue], ("--not", "--pod", "shop/rogue")),
        ([rogue], [cart], ("--allowlist", '{"source_pod":["shop/rogue"]}')),
        ([cart], [rogue], ("--denylist", '{"source_pod":["shop/rogue"]}')),
        ([cart], [], ("--since", "5m")),
        ([], [cart, rogue], ("--until", "1h")),
        ([cart], [], ("--all",)),
        ([], [cart, rogue], ("--from-fqdn", "*.example.org")),
        ([], [cart, rogue], ("--to-service", "shop/db")),
        ([], [cart, rogue], ("--cluster", "elsewhere")),
        ([], [cart, rogue], ("--uuid", "00000000-0000-0000-0000-000000000000")),
        ([], [cart, rogue], ("--snat-ip", "192.0.2.1")),
        ([], [cart, rogue], ("--http-status", "5+")),
        ([], [cart, rogue], ("--http-method", "get", "--http-path", "/a.*")),
        ([], [cart, rogue], ("--trace-id", "abc")),
        ([], [cart, rogue], ("--ip-trace-id", "7")),
        ([], [cart, rogue], ("--interface", "eth7")),
        ([], [cart, rogue], ("--encrypted",)),
        ([], [cart, rogue], ("--node-label", "a=b")),
        (["DENIED"], ["ALLOWED"], ("--numeric", "--verdict", "DROPPED")),
    ):
        number = () if {"--all", "--since"} & set(words) else ("--last", "100")
        row(h, "a filter", has, lacks, "observe", *number, *words)
    said = h.run("observe", "--last", "5", "--from-label", "app in")
    t.check("a bad selector is refused in words", said.returncode == 1 and "label" in said.stderr, (said.returncode, said.stderr))
    lines = row(h, "the last one", [], [], "observe", "--last", "1").splitlines()
    t.equal("the last one", len(lines), 1)
    lines = row(h, "the first two", [], [], "observe", "--first", "2").splitlines()
    t.equal("the first two", len(lines), 2)


def line_of(p, make):
    """The next line of one that follows, which may not do so yet: flows are made until it has said something."""
    for _ in range(60):
        make()
        if select.select([p.stdout], [], [], 0.5)[0]:
            return p.stdout.readline()
    return ""


def follow(h, lab):
    p = h.start("observe", "--follow", "--from-pod", "shop/frontend", "--to-pod", "shop/cart")
    line = line_of(p, lambda: lab.talk("shop/frontend", CART, 8080))
    t.check("follow", "shop/cart:8080" in line, line)
    p.send_signal(signal.SIGINT)
    p.communicate()
    t.equal("Ctrl-C ends it well", p.returncode, 0)
    p = h.start("observe", "--follow", "-o", "json", "--verdict", "DROPPED")
    flow = json.loads(line_of(p, lambda: lab.tries("shop/rogue", DATABASE, 5432)))["flow"]
    t.equal("follow as JSON", flow["verdict"], "DROPPED")
    p.send_signal(signal.SIGINT)
    p.communicate()


if not HUBBLE:
    t.skip("the hubble command line: there is none ($HUBBLE, or in PATH)")
    t.done()
with Lab("policies/shop") as lab:
    h = Hubble(lab.observer().replace("unix:", "unix://"), lab.dir)
    version = h.run("version").stdout.strip()
    print(version.splitlines()[0] if version else "no version")
    for who, port in (("cart", 8080), ("database", 5432), ("payments", 9000)):
        lab.serve("shop/" + who, port)
    t.check("traffic", lab.talk("shop/frontend", CART, 8080) and lab.talk("shop/frontend", "fd00:10:244:1::11", 8080) and
            lab.talk("shop/cart", DATABASE, 5432))
    lab.tries("shop/rogue", DATABASE, 5432)
    lab.tries("shop/rogue", PAYMENTS, 9000, udp=True)
    lab.tries("outside", DATABASE, 5432)
    t.until(lambda: h.run("observe", "--last", "50", "--pod", "shop/rogue").stdout.count("DENIED") >= 2)
    about(h)
    relay = os.path.join("/run/weir-lab", lab.name, "relay.sock")
    servers = [h] + ([Hubble("unix://" + relay, lab.dir)] if os.path.exists(relay) else [])
    if len(servers) < 2:
        t.skip("the relay: the lab has none")
    for server in servers:
        formats(server)
        filters(server)
        follow(server, lab)
    for server in servers[1:]:
        common(server)
        row(server, "nodes that are connected", ["Connected Nodes: 1/1"], [], "status")
t.done()
