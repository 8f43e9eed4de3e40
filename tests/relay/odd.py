# SPDX-License-Identifier: Apache-2.0
"""The relay before agents that are slow, lie, die, send garbage or much too much, two that are good, and one of another
product without weir.v1.Agent: each is a python3-grpcio server.  The good ones' flows come in time, in order, all of
them; of the others the client is told, and the relay stays as small as it was."""
import os
import random
import shutil
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "with"))
from agents import *  # noqa: E402,F403
from agents import t  # noqa: E402


class Slow(Agent):
    """Says nothing, answers no mark."""

    def mark(self, data, context):
        if agent_pb2.MarkRequest.FromString(data).stream:
            time.sleep(0.9)
        return agent_pb2.MarkReply(now=stamp(time.time_ns())).SerializeToString()

    def get_flows(self, data, context):
        while context.is_active():
            time.sleep(0.1)
        yield b""


class Garbage(Agent):
    def get_flows(self, data, context):
        while context.is_active():
            yield random.randbytes(random.randrange(1, 3000))
            time.sleep(0.02)


class Liar(Foreign):
    """Of the future, of long ago, backwards, without time."""

    def one(self):
        n, now = self.number % 4, time.time_ns()
        return flow(self.name, self.number, [now + 3600 * 10**9, 10**9, now - 5 * 10**9 - self.number * 10**6, 0][n])


class Ahead(Agent):
    """Its clock is an hour ahead, its marks, too."""

    def mark(self, data, context):
        real = time.time_ns
        try:
            time.time_ns = lambda: real() + 3600 * 10**9
            return super().mark(data, context)
        finally:
            time.time_ns = real

    def one(self):
        return flow(self.name, self.number, time.time_ns() + 3600 * 10**9)


class Dying(Agent):
    def get_flows(self, data, context):
        for n in range(3):
            yield flow(self.name, n)
            time.sleep(0.01)
        context.abort(grpc.StatusCode.INTERNAL, "boom")


class Huge(Agent):
    def one(self):
        return flow(self.name, self.number, size=3 << 20)


class Refusing(Agent):
    def get_flows(self, data, context):
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "whitelist[0].pod: I know no such field")


def died(got):
    """Flows of the one that gives three each time."""
    return sum(r.node_name == "dying" and r.HasField("flow") for _, r in got)


def odd_ones():
    agents = [Agent("good-1"), Agent("good-2"), Foreign("foreign"), Slow("slow"), Garbage("garbage"), Liar("liar"),
              Ahead("ahead"), Dying("dying"), Huge("huge"), Refusing("refusing")]
    relay = Relay(agents)
    t.check("all are connected", relay.connected(len(agents)))
    before = relay.rss()
    began, good = time.monotonic(), ["good-1", "good-2", "foreign"]
    nodes = relay.nodes

    def enough(got):
        """And each of the odd ones has done what it does."""
        if not from_each(good, 4)(got) or died(got) < 6:
            return False
        n = nodes()
        return n["garbage"].garbage >= 16 and n["huge"].garbage and n["liar"].late > 5

    got = follow(relay.api, 4, enough)
    lasted = time.monotonic() - began
    good_ones(got, good, 4)
    times = [r.time.ToNanoseconds() for _, r in got if r.node_name in ("good-1", "good-2")]
    disorder = sum(b < a for a, b in zip(times, times[1:]))
    t.check("good ones' are in order, but for those that are told to have come late", disorder <= nodes()["good-1"].late + nodes()["good-2"].late,
            disorder)
    status = [r.node_status for _, r in got if r.HasField("node_status")]
    first = status[0] if status else None
    t.check("first it is told who is there", first and first.state_change == 1 and len(first.node_names) == len(agents), first)
    told = " ".join(f"{'/'.join(s.node_names)}: {s.message}" for s in status if s.state_change == 4)
    for what in ("boom", "no such field", "no sense"):
        t.check(f"'{what}' is told", what in told, told)
    t.check("who dies is asked again, and not all the time", 6 <= died(got) <= 3 * (1 + lasted), (died(got), lasted))
    nodes = nodes()
    t.check("garbage is counted", nodes["garbage"].garbage >= 16 and nodes["huge"].garbage >= 1)
    t.check("what came late is counted", nodes["liar"].late > 5, nodes["liar"])
    t.check("a clock an hour ahead is shown", abs(nodes["ahead"].clock_offset_us - 3600e6) < 5e6 and nodes["ahead"].clock_off,
            nodes["ahead"])
    t.check("who has no marks is foreign", nodes["foreign"].foreign and not nodes["good-1"].foreign)
    if "san" not in B:              # what ASan has freed, it keeps
        t.check("the relay has not grown", relay.rss() < before + 24000, f"{before} to {relay.rss()} KiB")
    print(f"relay: {before} KiB before, {relay.rss()} after")
    if len(agents) == len(nodes):
        t.equal("it ends well", relay.stop(), 0)
    for a in agents:
        a.server.stop(0)


def come_and_go():
    a, b = Agent("a"), Agent("b")
    relay = Relay([a, b])
    t.check("both are connected", relay.connected(2))
    got, over = [], threading.Event()
    reader = threading.Thread(target=lambda: got.extend(follow(relay.api, 0, lambda got: over.is_set() and from_each(["a"], 5)(got) and
                                                               len(again(got)) > RATE)))
    reader.start()
    t.check("both are asked", t.until(lambda: a.streams and b.streams))
    time.sleep(1)
    b.server.stop(0).wait()
    t.check("that one left is seen", t.until(lambda: relay.api.ServerStatus().num_unavailable_nodes.value == 1))
    t.equal("and named", list(relay.api.ServerStatus().unavailable_nodes), ["b"])
    b = Agent("b")
    b.number = 1000
    t.check("that it is back, too", t.until(lambda: relay.api.ServerStatus().num_connected_nodes.value == 2))
    over.set()
    reader.join()
    t.check("its flows come again in the same stream", len(again(got)) > RATE, len(again(got)))
    good_ones([x for x in got if x[1].node_name == "a"], ["a"], 5)
    states = [(s.state_change, list(s.node_names)) for s in (r.node_status for _, r in got if r.HasField("node_status"))]
    t.check("the client is told of both", (2, ["b"]) in states and (1, ["b"]) in states, states)
    t.equal("it ends well", relay.stop(), 0)
    a.server.stop(0)
    b.server.stop(0)


def again(got):
    """Flows of b's second life."""
    return [r for _, r in got if r.node_name == "b" and r.HasField("flow") and int(r.flow.uuid.split("/")[1]) > 1000]


def late():
    """Who is away when a follow begins is asked, when it comes, for all since then."""
    a, b = Agent("a"), Agent("b")
    b.server.stop(0).wait()
    relay = Relay([a, b])
    t.check("one is connected", relay.connected(1))
    began, got, over = time.time_ns(), [], threading.Event()

    def enough(so_far):
        got[:] = so_far[:1]
        return over.is_set()

    reader = threading.Thread(target=lambda: follow(relay.api, 0, enough))
    reader.start()
    t.check("it is followed", t.until(lambda: got))
    time.sleep(1)
    b = Agent("b")
    t.check("the other comes", t.until(lambda: relay.api.ServerStatus().num_connected_nodes.value == 2))
    t.check("and is asked", t.until(lambda: getattr(b, "asked", None) is not None))
    since = b.asked.since.ToNanoseconds() if hasattr(b, "asked") else 0
    t.check("since the follow began", began - 10**8 <= since <= got[0][0], (since - began) / 1e9)
    over.set()
    reader.join()
    t.equal("it ends well", relay.stop(), 0)
    a.server.stop(0)
    b.server.stop(0)


def refused():
    a, b = Refusing("a"), Refusing("b")
    relay = Relay([a, b])
    relay.connected(2)
    try:
        list(relay.api.GetFlows(number=5))
        t.check("what all refuse is refused", False)
    except grpc.RpcError as e:
        t.equal("what all refuse is refused", (e.code(), e.details()),
                (grpc.StatusCode.INVALID_ARGUMENT, "whitelist[0].pod: I know no such field"))
    try:
        list(relay.api.GetFlows(number=1, whitelist=[{"source_pod": ["a/" + "b" * 262144]}]))
        t.check("what no agent would take the relay does not, either", False)
    except grpc.RpcError as e:
        t.equal("what no agent would take the relay does not, either", e.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
    relay.stop()
    a.server.stop(0)
    b.server.stop(0)


def by_dns():
    try:
        socket.getaddrinfo("localhost", 1, socket.AF_INET)
    except OSError:
        return t.skip("a node by DNS: this machine has no address for localhost")
    a = Agent("a", tcp=True)
    relay = Relay([], f"--peer-dns=localhost:{a.port}")
    t.check("a node that DNS names is connected", relay.connected(1))
    t.check("by its address", f"127.0.0.1:{a.port}" in [n.name for n in relay.api.ClusterStatus().node])
    good_ones(follow(relay.api, 1.5, from_each(["a"], 1.5)), ["a"], 1.5)
    t.equal("it ends well", relay.stop(), 0)
    a.server.stop(0)


def events():
    a, b = Agent("a"), Agent("bb")
    relay = Relay([a, b])
    relay.connected(2)
    got = list(relay.api.GetAgentEvents(number=5))
    t.equal("agents' events of all nodes: the last five", len(got), 5)
    times = [e.time.ToNanoseconds() for e in got]
    t.check("in order, and of both", times == sorted(times) and {e.node_name for e in got} == {"a", "bb"}, got)
    try:
        list(relay.api.GetDebugEvents(number=5))
        t.check("what no node knows is not known", False)
    except grpc.RpcError as e:
        t.equal("what no node knows is not known", e.code(), grpc.StatusCode.UNIMPLEMENTED)
    relay.stop()
    a.server.stop(0)
    b.server.stop(0)


try:
    by_dns()
    events()
    odd_ones()
    come_and_go()
    late()
    refused()
finally:
    shutil.rmtree(DIR, ignore_errors=True)
t.done()
