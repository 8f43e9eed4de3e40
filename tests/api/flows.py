# SPDX-License-Identifier: Apache-2.0
"""observer.Observer and its neighbours, asked by python3-grpcio of a real agent with real traffic: filters of every
family, where streams begin and end, masks, errors, what the agent says of itself."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "with"))
import check as t  # noqa: E402
from lab import Lab, needs_root  # noqa: E402

needs_root()
from api import *  # noqa: E402,F403

CART, DATABASE, PAYMENTS, FRONTEND, ROGUE = "10.244.1.11", "10.244.1.13", "10.244.1.12", "10.244.1.10", "10.244.1.66"
DETAIL = pack(agent_pb2.FlowsOptions(detail=True))


def traffic(lab):
    lab.serve("shop/cart", 8080)
    lab.serve("shop/database", 5432)
    lab.serve("shop/payments", 9000)
    t.check("frontend reaches cart", lab.talk("shop/frontend", CART, 8080))
    t.check("frontend reaches cart by IPv6", lab.talk("shop/frontend", "fd00:10:244:1::11", 8080))
    t.check("cart reaches database", lab.talk("shop/cart", DATABASE, 5432))
    t.check("rogue reaches nothing", not lab.tries("shop/rogue", DATABASE, 5432))
    t.check("frontend reaches cart on no other port", not lab.tries("shop/frontend", CART, 8081))
    t.check("nor by UDP", not lab.tries("shop/rogue", PAYMENTS, 9000, udp=True))
    t.check("nor from outside", not lab.tries("outside", DATABASE, 5432))


def steady(api, ask):
    """What ask() says, and all flows that there were before and after it: some come by themselves, when connections end or neighbours speak."""
    for _ in range(100):
        every, got, after = api.flows(first=True), ask(), api.flows(first=True)
        if every == after:
            break
    return got, every


def filters(api):
    """Each family: what must be found, and that nothing else is."""
    every = api.flows(first=True)
    ours = [f for f in every if f.IP.source not in ("", "::")]
    t.check("there is traffic to be filtered", len(ours) >= 6, len(ours))

    def row(what, flt, so, at_least=1, black=False):
        got, every = steady(api, lambda: api.flows(first=True, **({"blacklist": [flt]} if black else {"whitelist": [flt]})))
        want = [f for f in every if so(f) != black]
        t.check(f"{what}: at least {at_least}", len(want) >= at_least, len(want))
        t.equal(what, [f.uuid + str(f.time) for f in got], [f.uuid + str(f.time) for f in want])

    src, dst = (lambda f: f.source), (lambda f: f.destination)
    rogue = lambda f: src(f).pod_name == "rogue"  # noqa: E731
    port = lambda f: f.l4.TCP.destination_port or f.l4.UDP.destination_port  # noqa: E731
    denied = lambda f: f.verdict == flow_pb2.DROPPED  # noqa: E731
    row("source_ip", Filter(source_ip=[ROGUE]), lambda f: f.IP.source == ROGUE)
    row("destination_ip by prefix", Filter(destination_ip=["10.244.1.0/24"]), lambda f: f.IP.destination.startswith("10.244.1."))
    row("destination_ip of IPv6", Filter(destination_ip=["fd00:10:244:1::11"]), lambda f: f.IP.destination == "fd00:10:244:1::11")
    row("source_pod", Filter(source_pod=["shop/rogue"]), rogue)
    row("source_pod by prefix", Filter(source_pod=["shop/rog"]), rogue)
    row("source_pod of a namespace", Filter(source_pod=["shop/"]), lambda f: src(f).namespace == "shop", 3)
    row("source_pod in any namespace", Filter(source_pod=["/rogue"]), rogue)
    row("a bare name is in namespace default", Filter(source_pod=["rogue"]), lambda f: False, 0)
    row("destination_pod", Filter(destination_pod=["shop/database"]), lambda f: dst(f).pod_name == "database", 3)
    row("source_label", Filter(source_label=["app=rogue"]), rogue)
    row("a label with its origin", Filter(source_label=["k8s:app in (rogue, frontend)"]),
        lambda f: src(f).pod_name in ("rogue", "frontend"), 3)
    row("a reserved label", Filter(source_label=["reserved:world"]), lambda f: "reserved:world" in src(f).labels)
    row("source_workload", Filter(source_workload=[flow_pb2.Workload(name="rogue")]),
        lambda f: any(w.name == "rogue" for w in src(f).workloads))
    row("source_identity", Filter(source_identity=[2]), lambda f: src(f).identity == 2)
    row("destination_port", Filter(destination_port=["5432"]), lambda f: port(f) == 5432, 3)
    row("verdict", Filter(verdict=[flow_pb2.DROPPED]), denied, 3)
    row("drop_reason_desc", Filter(drop_reason_desc=[flow_pb2.POLICY_DENIED]), lambda f: f.drop_reason_desc == 133, 3)
    row("event_type", Filter(event_type=[flow_pb2.EventTypeFilter(type=5)]), lambda f: f.event_type.type == 5, 5)
    row("event_type: a denial is a drop, too", Filter(event_type=[flow_pb2.EventTypeFilter(type=1)]), denied, 3)
    row("protocol", Filter(protocol=["udp"]), lambda f: f.l4.HasField("UDP"))
    row("reply", Filter(reply=[False]), lambda f: f.HasField("is_reply") and not f.is_reply.value or denied(f), 5)
    row("tcp_flags", Filter(tcp_flags=[flow_pb2.TCPFlags(SYN=True)]), lambda f: f.l4.TCP.flags.SYN, 4)
    row("node_name", Filter(node_name=["n*"]), lambda f: True, 5)
    row("node_labels", Filter(node_labels=["zone=a"]), lambda f: "zone=a" in f.node_labels, 5)
    row("other node_labels", Filter(node_labels=["zone in (b, c)"]), lambda f: False, 0)
    row("another node's name", Filter(node_name=["m*"]), lambda f: False, 0)
    row("ip_version", Filter(ip_version=[flow_pb2.IPv6]), lambda f: f.IP.ipVersion == flow_pb2.IPv6 and f.IP.source != "::")
    row("traffic_direction: any side that was judged here", Filter(traffic_direction=[flow_pb2.EGRESS]),
        lambda f: f.traffic_direction == flow_pb2.EGRESS or len(f.egress_allowed_by) > 0, 4)
    row("uuid", Filter(uuid=[ours[0].uuid]), lambda f: f.uuid == ours[0].uuid)
    row("fields are conditions", Filter(source_pod=["shop/"], verdict=[flow_pb2.DROPPED]),
        lambda f: src(f).namespace == "shop" and denied(f), 3)
    row("blacklist", Filter(verdict=[flow_pb2.DROPPED]), denied, 3, black=True)
    both, every = steady(api, lambda: api.flows(first=True, whitelist=[Filter(source_pod=["shop/rogue"]), Filter(destination_port=["8080"])]))
    t.equal("filters are alternatives", len(both), len([f for f in every if rogue(f) or port(f) == 8080]))
    less, every = steady(api, lambda: api.flows(first=True, whitelist=[Filter(source_pod=["shop/rogue"])], blacklist=[Filter(protocol=["udp"])]))
    t.equal("the blacklist is taken off", len(less), len([f for f in every if rogue(f) and not f.l4.HasField("UDP")]))


def wrong(api):
    """INVALID_ARGUMENT, with the field's name."""
    def row(what, words, **fields):
        code, text = error(lambda: api.GetFlows(**fields))
        t.check(what, code == "INVALID_ARGUMENT" and words in text, (code, text))

    row("first and follow", "first", first=True, follow=True)
    row("an address that is none", "whitelist[0].source_ip[0]", whitelist=[Filter(source_ip=["10.0.0"])])
    row("a prefix that is none", "whitelist[0].destination_ip[1]", whitelist=[Filter(destination_ip=["10.0.0.1", "10.0.0.0/40"])])
    row("an empty pod", "blacklist[1].source_pod[0]", blacklist=[Filter(), Filter(source_pod=[""])])
    row("a selector that is none", "source_label[0]", whitelist=[Filter(source_label=["app in rogue"])])
    row("a port that is none", "destination_port[0]", whitelist=[Filter(destination_port=["http"])])
    row("a protocol that is none", "protocol[0]", whitelist=[Filter(protocol=["tcpp"])])
    row("an expression that is none", "http_path[0]", whitelist=[Filter(http_path=["("])])
    row("a mask of nothing", "field_mask", field_mask=mask("no_such_field"))
    row("a time that is none", "since", since=timestamp_pb2.Timestamp(nanos=-1))
    row("a stream's name", "extensions.stream", extensions=pack(agent_pb2.FlowsOptions(stream="x" * 65)))
    row("a thousand filters", "more than 256 filters", whitelist=[Filter(source_ip=["10.0.0.1"])] * 1000)
    raw = api.channel.unary_stream("/observer.Observer/GetFlows")
    for what, data in (("bytes that are no message", b"\xff\xff\xff"), ("a length beyond the end", b"\x32\xff\xff\xff\xff\x0f"),
                       ("a text that is no UTF-8", b"\x32\x05\x12\x03\xff\xfe\xfd")):
        code, text = error(lambda: raw(data, timeout=60))
        t.check(what, code == "INVALID_ARGUMENT", (code, text))
    code, text = error(lambda: raw(b"\x32\x00" * 200000, timeout=60))
    t.check("a request that is too large", code == "RESOURCE_EXHAUSTED", (code, text))
    code, text = error(lambda: api.channel.unary_unary("/observer.Observer/NoSuch")(b"", timeout=60))
    t.check("a method that is none", code == "UNIMPLEMENTED", (code, text))


def ends(api, lab):
    """Where streams begin and end."""
    key = lambda fs: [f.uuid + str(f.time) for f in fs]  # noqa: E731

    def row(what, want, **fields):
        got, every = steady(api, lambda: api.flows(**fields))
        t.equal(what, key(got), key(want(every)))

    row("all, without a number", lambda every: every)
    row("the last 3", lambda every: every[-3:], number=3)
    row("the first 3", lambda every: every[:3], number=3, first=True)
    row("more than there are", lambda every: every, number=2**64 - 1)
    denied = lambda every: [f for f in every if f.verdict == flow_pb2.DROPPED and f.source.pod_name == "rogue"]  # noqa: E731
    rogue = [Filter(source_pod=["shop/rogue"], verdict=[flow_pb2.DROPPED])]
    row("the last 2 that match, not the last 2", lambda every: denied(every)[-2:], number=2, whitelist=rogue)
    row("the first that matches", lambda every: denied(every)[:1], number=1, first=True, whitelist=rogue)
    ns = lambda f: f.time.seconds * 10**9 + f.time.nanos  # noqa: E731
    times = sorted(ns(f) for f in api.flows(first=True))
    middle = times[len(times) // 2]
    row("since", lambda every: [f for f in every if ns(f) >= middle], since=stamp(middle))
    row("until", lambda every: [f for f in every if ns(f) <= middle], until=stamp(middle), first=True)
    row("since beats a number's place", lambda every: [f for f in every if ns(f) >= middle][:1], since=stamp(middle), number=1)
    row("the last 2 until", lambda every: [f for f in every if ns(f) <= middle][-2:], until=stamp(middle), number=2)
    t.equal("since the future", api.flows(since=stamp(time.time_ns() + 10**12)), [])
    row("since the year 1", lambda every: every, since=timestamp_pb2.Timestamp(seconds=-62135596800))

    call = api.GetFlows(follow=True, seconds=60, whitelist=rogue)
    call.initial_metadata()         # it stands
    lab.tries("shop/rogue", CART, 8080)
    f = next(call).flow
    t.check("follow begins now", f.source.pod_name == "rogue" and f.destination.pod_name == "cart", f)
    call.cancel()
    call = api.GetFlows(follow=True, number=2, seconds=60, whitelist=rogue)
    got = [next(call).flow for _ in range(2)]
    t.equal("follow with a number goes back for it", got[1].destination.pod_name, "cart")
    lab.tries("shop/rogue", PAYMENTS, 9000)
    t.equal("and never ends", next(call).flow.destination.pod_name, "payments")
    call.cancel()
    began = time.monotonic()
    said = [r for r in api.GetFlows(follow=True, until=stamp(time.time_ns() + 500 * 10**6), seconds=60)]
    t.check("follow ends at until, on a quiet node too", 0.3 < time.monotonic() - began < 30, time.monotonic() - began)


def masks(api):
    def one(**fields):
        return api.flows(number=1, whitelist=[Filter(source_pod=["shop/rogue"], verdict=[flow_pb2.DROPPED])], **fields)[0]

    f = one(field_mask=mask("verdict", "source.pod_name", "l4.UDP"))
    t.equal("a mask of three", (f.verdict, f.source.pod_name, f.source.namespace, f.HasField("time"), f.IP.source),
            (flow_pb2.DROPPED, "rogue", "", False, ""))
    whole = one()
    t.check("no detail for who did not ask: hubble cannot print it", not whole.HasField("extensions"))
    old = observer_pb2.GetFlowsRequest(number=1, whitelist=[Filter(source_pod=["shop/rogue"])])
    field = b"\x0a" + bytes([len(mask("verdict").SerializeToString())]) + mask("verdict").SerializeToString()
    old.experimental.MergeFromString(field)
    f = [r.flow for r in api.GetFlows(old)][0]
    t.check("the mask where older clients have it", f.verdict and not f.source.pod_name, f)
    d = detail(one(extensions=DETAIL))
    t.check("the detail for who asks", d.kind == "denied" and d.reason == "no-rule", d)
    t.check("who isolates", "shop/default-deny" in d.isolating, d)
    near = [Filter(source_pod=["shop/frontend"], verdict=[flow_pb2.DROPPED])]
    d = detail(api.flows(number=1, whitelist=near, extensions=DETAIL)[0])
    t.check("how close a rule came", "8080" in d.nearest_miss, d)
    f = one(field_mask=mask("extensions", "verdict"))
    t.check("or names it in a mask", detail(f).kind == "denied" and not f.source.pod_name)
    names = [p.name for p in whole.egress_denied_by] + [p.name for p in whole.ingress_denied_by]
    t.check("who denied, in Hubble's own field", "default-deny" in names, whole)
    t.check("deprecated fields are filled", whole.drop_reason == whole.drop_reason_desc == 133 and whole.Type == flow_pb2.L3_L4 and
            whole.Summary and not whole.HasField("is_reply"), whole)
    by = api.flows(extensions=pack(agent_pb2.FlowsOptions(detail=True, policy=["shop/cart"])))
    t.check("by policy", by and all("cart" in (detail(f).egress.policy, detail(f).ingress.policy) or
                                    "shop/cart" in detail(f).isolating for f in by), len(by))


def about(api, lab):
    """What it says of itself."""
    s = api.ServerStatus()
    t.check("status", s.max_flows == 65536 and 5 <= s.num_flows <= s.seen_flows and s.uptime_ns > 10**8 and
            s.version.startswith("weir v") and s.flows_rate > 0, s)
    nodes = api.GetNodes().nodes
    t.check("the one node", [n.name for n in nodes] == ["eu/n1"] and nodes[0].state == 1 and not nodes[0].tls.enabled, nodes)
    t.equal("namespaces with traffic", [(n.cluster, n.namespace) for n in api.GetNamespaces().namespaces], [("eu", "shop")])
    call = api.GetFlows(number=1)
    head = dict(call.initial_metadata())
    t.check("the server's version is in the headers", head.get("hubble-server-version"), head)
    r = list(call)[0]
    t.equal("the envelope", (r.node_name, r.time), ("eu/n1", r.flow.time))
    t.equal("a node's name within its cluster", r.flow.node_name, "eu/n1")
    t.equal("no debug events", error(lambda: api.GetDebugEvents())[0], "UNIMPLEMENTED")
    for name in ("", "hubble.server.Observer", "observer.Observer"):
        t.equal(f"health of '{name}'", api.Check(service=name).status, health_pb2.HealthCheckResponse.SERVING)
    t.equal("health of who is none", error(lambda: api.Check(service="x"))[0], "NOT_FOUND")
    call = api.Watch(service="hubble.server.Observer")
    t.equal("health, watched", next(call).status, health_pb2.HealthCheckResponse.SERVING)
    call.cancel()
    for v, path in ((reflection_v1, "v1"), (reflection_v1alpha, "v1alpha")):
        ask = api.channel.stream_stream(f"/grpc.reflection.{path}.ServerReflection/ServerReflectionInfo",
                                        v.ServerReflectionRequest.SerializeToString, v.ServerReflectionResponse.FromString)
        said = list(ask(iter([v.ServerReflectionRequest(list_services=""),
                              v.ServerReflectionRequest(file_containing_symbol="observer.Observer")]), timeout=60))
        names = {s.name for s in said[0].list_services_response.service}
        t.check(f"reflection {path}", {"observer.Observer", "peer.Peer", "weir.v1.Agent", "grpc.health.v1.Health"} <= names, names)
        t.check(f"reflection {path} has files", said[1].file_descriptor_response.file_descriptor_proto)
    call = api.Notify()
    p = next(call)
    t.check("peers: itself", (p.name, p.type, p.HasField("tls")) == ("eu/n1", peer_pb2.PEER_ADDED, False) and
            p.address.startswith("unix://"), p)
    call.cancel()


def events(api, lab):
    got = list(api.GetAgentEvents(first=True))
    kinds = [r.agent_event.type for r in got]
    t.equal("it started", kinds[0], flow_pb2.AGENT_STARTED)
    made = {r.agent_event.endpoint_update.pod_name for r in got if r.agent_event.type == flow_pb2.ENDPOINT_CREATED}
    t.equal("endpoints came", made, {"frontend", "cart", "payments", "database", "rogue"})
    policies = [r.agent_event.policy_update.labels for r in got if r.agent_event.type == flow_pb2.POLICY_UPDATED]
    t.check("policies came", len(policies) == 5 and any("k8s:io.cilium.k8s.policy.name=cart" in p for p in policies), policies)
    t.equal("the last 2", [r.agent_event for r in api.GetAgentEvents(number=2)], [r.agent_event for r in got[-2:]])
    t.equal("first and follow", error(lambda: api.GetAgentEvents(first=True, follow=True))[0], "INVALID_ARGUMENT")
    call = api.GetAgentEvents(follow=True, seconds=60)
    call.initial_metadata()
    extra = os.path.join(lab.state, "extra.yaml")
    with open(extra + ".tmp", "w") as f:
        f.write("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: extra, namespace: shop}\n"
                "spec: {podSelector: {matchLabels: {app: none}}}\n")
    os.rename(extra + ".tmp", extra)
    e = next(call).agent_event
    t.check("a policy comes", e.type == flow_pb2.POLICY_UPDATED and "k8s:io.cilium.k8s.policy.name=extra" in e.policy_update.labels, e)
    os.unlink(extra)
    t.equal("and goes", next(call).agent_event.type, flow_pb2.POLICY_DELETED)
    call.cancel()


def agent(api, lab):
    """weir.v1.Agent"""
    s = api.Status()
    t.check("status", s.node == "n1" and s.local_pods == 5 and s.policies == 5 and s.rss_bytes, s)
    e = api.Endpoints().endpoint
    t.equal("endpoints", sorted(x.pod for x in e), ["shop/cart", "shop/database", "shop/frontend", "shop/payments", "shop/rogue"])
    t.equal("policies", len(api.Policies().policy), 5)
    w = api.Why(source="shop/rogue", destination="shop/database", port=5432)
    t.check("why", w.verdict == "deny" and w.side[0].isolating and w.last, w)
    t.equal("why, of nobody", error(lambda: api.Why(source="x", destination="y"))[0], "INVALID_ARGUMENT")

    t.check("a mark for nobody", not api.Mark(stream="none").known)
    call = api.GetFlows(follow=True, seconds=60, extensions=pack(agent_pb2.FlowsOptions(stream="s1", marks=True)))
    call.initial_metadata()
    lab.talk("shop/frontend", CART, 8080)
    asked = time.time_ns()
    m = api.Mark(stream="s1")
    t.check("a mark is on its way", m.known and abs(m.now.seconds - time.time()) < 5, m)
    seen = []
    for r in call:
        if not r.WhichOneof("response_types"):
            break
        seen.append(r.flow)
    t.check("behind the flows that came before", any(f.destination.pod_name == "cart" for f in seen), seen)
    t.check("and it says its time", r.node_name == "eu/n1" and r.time.seconds * 10**9 + r.time.nanos >= asked - 10**6, r)
    call.cancel()
    plain = api.GetFlows(follow=True, seconds=60, extensions=pack(agent_pb2.FlowsOptions(stream="s2")))
    plain.initial_metadata()
    t.check("who did not ask for marks gets none", not api.Mark(stream="s2").known)
    plain.cancel()


def edges(api, lab):
    """Sums between workloads: all, then what changed."""
    t.equal("too often", error(lambda: api.Edges(interval_ms=10))[0], "INVALID_ARGUMENT")
    call = api.Edges(interval_ms=1000, seconds=90)

    def one_round():
        replies = []
        for r in call:
            replies.append(r)
            if r.last:
                return replies, [e for r in replies for e in r.edge]

    def find(edges, source, destination, port):
        return [e for e in edges if (e.source.workload, e.destination.workload, e.port) == (source, destination, port)]

    replies, every = one_round()
    t.check("the first round is whole", replies[0].whole and replies[-1].node == "eu/n1" and replies[-1].instance, replies[-1])
    cart = find(every, "frontend", "cart", 8080)
    t.check("an edge", len(cart) == 1 and cart[0].opened >= 2 and cart[0].source.namespace == "shop" and cart[0].protocol == 6, cart)
    denied = find(every, "rogue", "database", 5432)
    t.check("a denied one, and by whom", len(denied) == 1 and denied[0].denied and denied[0].denied_rule, denied)
    lab.talk("shop/frontend", CART, 8080)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        replies, some = one_round()
        again = find(some, "frontend", "cart", 8080)
        if again:
            break
    t.check("then what changed", again and again[0].opened == cart[0].opened + 1 and not replies[0].whole,
            (again, cart))
    call.cancel()


whole = Lab("policies/shop", "--cluster=eu")
with open(os.path.join(whole.state, "cluster.yaml")) as f:
    text = f.read()
with open(os.path.join(whole.state, "cluster.yaml"), "w") as f:
    f.write(text.replace("  name: n1\n", "  name: n1\n  labels: {zone: a, tier: front}\n", 1))
with whole as lab:
    with Api(lab.observer()) as api:
        traffic(lab)
        t.until(lambda: len(api.flows(whitelist=[Filter(event_type=[flow_pb2.EventTypeFilter(type=5)])])) >= 7)
        for part in (filters, masks, wrong):
            part(api)
        ends(api, lab)
        about(api, lab)
        events(api, lab)
        agent(api, lab)
        edges(api, lab)
t.done()
