# SPDX-License-Identifier: Apache-2.0
"""Flows and metrics by OTLP, received by python3-grpcio: each flow once, numbers as /metrics has them, a receiver that is
away, refuses, or is slower than the history."""
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "api", "with"), os.path.join(HERE, "with")]
import check as t  # noqa: E402
from lab import BUILD, Lab, in_netns, needs_root  # noqa: E402

needs_root()
sys.path.insert(0, f"{BUILD}/tests/api/gen")
import grpc  # noqa: E402
from api import Api  # noqa: E402
from receiver import Receiver, attributes, value  # noqa: E402

CART, DATABASE = "10.244.1.11", "10.244.1.13"


def scrape(lab):
    import urllib.request
    netns = lab.path(next(iter(lab.netns.values())), "node+n1")
    text = in_netns(netns, lambda: urllib.request.urlopen("http://127.0.0.1:9965/metrics", timeout=10).read().decode())
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line[0] != "#"}


def traffic(lab, times):
    for _ in range(times):
        t.check("cart answers", lab.talk("shop/frontend", CART, 8080))
        lab.tries("shop/rogue", DATABASE, 5432, seconds=0.05)


def each_once(lab, r):
    with Api(lab.observer()) as api:
        want = sorted(f"{f.uuid} {f.time.ToNanoseconds()}" for f in api.flows(first=True))
    have = []

    def all_there():
        have[:] = sorted(f'{attributes(log.attributes)["weir.flow"]} {log.time_unix_nano}' for _, log in r.logs)
        return set(want) <= set(have)

    t.until(all_there)
    t.check("flows came", len(have) > 10, len(have))
    t.check("none twice", len(set(have)) == len(have))
    t.check("each that the history has", set(want) <= set(have), sorted(set(want) - set(have))[:3])


def one_denial(r):
    resource, log = next((r_, s) for r_, s in r.logs if attributes(s.attributes).get("source.k8s.pod.name") == "rogue")
    a = attributes(log.attributes)
    t.equal("who says it", attributes(resource.resource.attributes)["service.name"], "weir-agent")
    t.equal("on which node", attributes(resource.resource.attributes)["k8s.node.name"], "n1")
    for key, want in (("destination.address", DATABASE), ("destination.port", 5432), ("destination.k8s.workload.name", "database"),
                      ("source.k8s.namespace.name", "shop"), ("network.transport", "tcp"), ("network.type", "ipv4"),
                      ("weir.verdict", "DROPPED"), ("weir.kind", "denied"), ("weir.direction", "egress"), ("weir.reason", "no-rule")):
        t.equal(key, a.get(key), want)
    t.equal("how grave", (log.severity_number, log.severity_text), (13, "WARN"))
    t.equal("its name", log.event_name, "weir.flow")
    t.check("its line", value(log.body).startswith("shop/rogue -> shop/database:5432 DROPPED TCP Flags: SYN"), value(log.body))
    t.check("when", abs(log.time_unix_nano / 1e9 - time.time()) < 60 and log.observed_time_unix_nano >= log.time_unix_nano)
    isolating = [f.get("weir.isolating") for f in r.flows() if f["weir.kind"] == "denied"]
    t.check("who isolates the pod", "shop/default-deny" in isolating, isolating)
    allowed = next(x for x in r.flows() if x["weir.kind"] == "opened")
    t.equal("who allowed it", (allowed.get("weir.ingress.policy"), allowed.get("weir.ingress.rule")), ("shop/cart", 1))


def compared(scraped):
    return {k: v for k, v in scraped.items() if k.startswith(("hubble_flows_processed_total{", "weir_policy_apply_seconds_"))}


def metrics(lab, r):
    t.until(lambda: len(r.rounds) >= 2)
    traffic(lab, 1)
    now, last = {}, None

    def between():
        """A round between two scrapes that say the same of what is compared."""
        nonlocal now, last
        now, n = scrape(lab), len(r.rounds)
        t.until(lambda: len(r.rounds) > n + 1)
        last = r.rounds[-1]
        return compared(now) == compared(scrape(lab))

    t.check("two scrapes say the same", t.until(between, 60))
    families, first = ({m.name: m for rm in one.resource_metrics for g in rm.scope_metrics for m in g.metrics} for one in (last, r.rounds[0]))
    t.check("families", len(families) > 40, len(families))
    flows = families["hubble_flows_processed"]
    t.equal("kind", (flows.WhichOneof("data"), flows.sum.is_monotonic, flows.sum.aggregation_temporality), ("sum", True, 2))
    t.equal("the same as /metrics says", sum(p.as_int for p in flows.sum.data_points),
            sum(v for k, v in now.items() if k.startswith("hubble_flows_processed_total{")))
    early = first.get("hubble_flows_processed")
    t.check("more than at first", sum(p.as_int for p in flows.sum.data_points) > sum(p.as_int for p in (early.sum.data_points if early else ())))
    t.check("labels", any(attributes(p.attributes).get("source_workload") == "rogue" for p in flows.sum.data_points))
    t.check("start", all(0 < p.start_time_unix_nano < p.time_unix_nano for p in flows.sum.data_points))
    t.equal("a gauge", [p.as_double for p in families["weir_enforcing"].gauge.data_points], [1])
    apply = families["weir_policy_apply_seconds"]
    t.equal("its unit", apply.unit, "s")
    for p in apply.histogram.data_points:
        t.equal("buckets", len(p.bucket_counts), len(p.explicit_bounds) + 1)
        t.equal("their sum", sum(p.bucket_counts), p.count)
        t.equal("as /metrics", (p.count, p.sum), (now["weir_policy_apply_seconds_count"], now["weir_policy_apply_seconds_sum"]))
    t.equal("bytes", families["weir_workload_bytes"].unit, "By")


def away(lab, r, at):
    """What happens while nobody listens is sent when somebody does."""
    r.stop()
    traffic(lab, 3)
    t.check("failures are counted", t.until(lambda: scrape(lab)['weir_otlp_requests_total{fate="failed"}'] > 0, step=0.3))
    again = Receiver(at)
    again.logs += r.logs
    each_once(lab, again)
    return again


def refusals(lab, r):
    refused = 'weir_otlp_dropped_total{why="refused"}'
    before = scrape(lab)
    r.refuse = 1
    traffic(lab, 1)
    t.check("a part that is refused", t.until(lambda: scrape(lab)[refused] > before[refused], step=0.2))
    r.refuse = None
    before = scrape(lab)
    r.fail = grpc.StatusCode.INVALID_ARGUMENT
    traffic(lab, 1)
    t.check("what is refused for good is not tried again, but counted", t.until(lambda: scrape(lab)[refused] > before[refused], step=0.2))
    r.fail = None


def lapped(lab, r):
    """Offered is taken, refused, overwritten or waiting."""
    r.stop()
    for _ in range(40):
        lab.talks("shop/rogue", [(DATABASE, 6000 + i) for i in range(20)], seconds=0.01)
    time.sleep(1)
    again = Receiver(f"unix:{lab.dir}/otlp.sock")
    again.logs += r.logs

    def settled():
        now = scrape(lab)
        gone = now['weir_otlp_dropped_total{why="overwritten"}'] + now['weir_otlp_dropped_total{why="refused"}']
        return now["weir_otlp_flows_total"] + gone == now["weir_records_read_total"] and gone > 0

    t.check("what was overwritten is counted, and nothing else is missing", t.until(settled, 40, 0.5), scrape_otlp(lab))
    again.stop()


def scrape_otlp(lab):
    return {k: v for k, v in scrape(lab).items() if k.startswith(("weir_otlp", "weir_records_read"))}


def main():
    lab = Lab("policies/shop", "--metrics=127.0.0.1:9965", "--otlp-interval=1s", "--records=256", name=f"otl{os.getpid()}")
    at = f"unix:{lab.dir}/otlp.sock"
    lab.options += (f"--otlp={at}",)
    r = Receiver(at)
    with lab:
        lab.serve("shop/cart", 8080)
        traffic(lab, 5)
        each_once(lab, r)
        one_denial(r)
        metrics(lab, r)
        r = away(lab, r, at)
        refusals(lab, r)
        lapped(lab, r)
    t.done()


main()
