# SPDX-License-Identifier: Apache-2.0
"""Denials that no rule decided: who isolates the pod is named in sums and in the export, under the policies then in force."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "with"))
import check as t  # noqa: E402
from lab import Lab, WEIR, needs_root  # noqa: E402

needs_root()
DATABASE = "10.244.1.13"
ONE, BOTH = "shop/default-deny", "shop/default-deny, shop/rogue-out"
ROGUE_OUT = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: rogue-out, namespace: shop}
spec:
  podSelector: {matchLabels: {app: rogue}}
  policyTypes: [Egress]
"""


def top(lab, *words):
    said = subprocess.run([WEIR, "top", "--by", "denials", "-o", "json", "--server", lab.observer(), *words], capture_output=True, text=True)
    return [json.loads(line) for line in said.stdout.splitlines()]


def authors(edges):
    return [e.get("denied_by") for e in edges if e["source"] == "shop/rogue" and e["destination"] == "shop/database"]


def denied_by(lab, want, what):
    def now():
        lab.tries("shop/rogue", DATABASE, 5432, seconds=0.05)
        return authors(top(lab, "--once")[-1]["edges"]) == [want]

    t.check(what, t.until(now, step=0.1), authors(top(lab, "--once")[-1]["edges"]))


def follows(lab):
    """Who follows is told of a denial in one round, and at the latest in the next by whom."""
    follow = subprocess.Popen([WEIR, "top", "--totals", "--by", "denials", "-o", "json", "-i", "1s", "--for", "60s", "--server", lab.observer()],
                              stdout=subprocess.PIPE, text=True)
    follow.stdout.readline()
    lab.tries("shop/rogue", DATABASE, 5433, seconds=0.05)
    said = []
    for _ in range(20):
        edges = json.loads(follow.stdout.readline())["edges"]
        said.append([e.get("denied_by") for e in edges if e["source"] == "shop/rogue" and e["port"] == 5433])
        if said[-1] == [ONE]:
            break
    follow.terminate()
    follow.wait()
    t.equal("who follows is told", said[-1], [ONE])


def exported(path):
    with open(path) as f:
        flows = [json.loads(line)["flow"] for line in f if '"flow"' in line]
    named = [[p["name"] for p in f.get("egress_denied_by", [])] for f in flows if f["verdict"] == "DROPPED" and
             f["source"].get("pod_name") == "rogue"]
    t.check("in the export, too", ["default-deny"] in named and ["default-deny", "rogue-out"] in named, named)


def main():
    lab = Lab("policies/shop", name=f"aut{os.getpid()}")
    path = os.path.join(lab.dir, "flows.jsonl")
    lab.options = (f"--export={path}",)
    extra = os.path.join(lab.state, "rogue-out.yaml")
    with lab:
        denied_by(lab, ONE, "one policy isolates the pod")
        with open(extra + ".tmp", "w") as f:
            f.write(ROGUE_OUT)
        os.rename(extra + ".tmp", extra)
        denied_by(lab, BOTH, "and another, from now on")
        os.remove(extra)
        denied_by(lab, ONE, "until it is gone")
        follows(lab)
        t.until(lambda: "rogue-out" in open(path).read())
        exported(path)
    t.done()


main()
