# SPDX-License-Identifier: Apache-2.0
"""The relay before agents that are slow, lie, die, send garbage or much too much, two that are good, and one of another
product without weir.v1.Agent: each is a python3-grpcio server.  The good ones' flows come in time, in order, all of
them; of the others the client is told, and the relay stays as small as it was."""
import concurrent.futures
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api", "with"))
import check as t  # noqa: E402
from api import *  # noqa: E402,F403
from weir.v1 import relay_pb2  # noqa: E402

B = os.environ.get("B", "build")
DIR = tempfile.mkdtemp(prefix="weir-relay-odd-")
RATE = 20


def stamp(ns):
    return timestamp_pb2.Timestamp(seconds=ns // 10**9, nanos=ns % 10**9)


def flow(node, number, ns=None, size=0):
    ns = time.time_ns() if ns is None else ns
    f = flow_pb2.Flow(time=stamp(ns), uuid=f"{node}/{number}", node_name=node, Summary="x" * size)
    return observer_pb2.GetFlowsResponse(flow=f, node_name=node, time=stamp(ns)).SerializeToString()


class Agent:
    """A good one.  Flows at RATE for whoever follows, marks behind them."""
    marks = True

    def __init__(self, name):
        self.name, self.streams, self.number, self.lock = name, {}, 0, threading.Lock()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=30))
        raw = lambda fn: grpc.unary_unary_rpc_method_handler(fn)  # noqa: E731
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("observer.Observer", {
            "GetFlows": grpc.unary_stream_rpc_method_handler(self.get_flows),
            "ServerStatus": raw(self.status),
        }),))
        if self.marks:
            self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("weir.v1.Agent", {
                "Mark": raw(self.mark),
            }),))
        self.server.add_insecure_port(self.address())
        self.server.start()

    def address(self):
        return f"unix:{DIR}/{self.name}.sock"

    def status(self, data, context):
        return observer_pb2.ServerStatusResponse(version="odd", num_flows=1, max_flows=2, seen_flows=3).SerializeToString()

    def mark(self, data, context):
        ask = agent_pb2.MarkRequest.FromString(data)
        reply = agent_pb2.MarkReply(now=stamp(time.time_ns()))
        with self.lock:
            queue = self.streams.get(ask.stream)
            if queue is not None:
                queue.append(observer_pb2.GetFlowsResponse(node_name=self.name, time=stamp(time.time_ns())).SerializeToString())
                reply.known = True
        return reply.SerializeToString()

    def get_flows(self, data, context):
        ask = observer_pb2.GetFlowsRequest.FromString(data)
        options = agent_pb2.FlowsOptions()
        ask.extensions.Unpack(options)
        queue = []
        with self.lock:
            self.streams[options.stream] = queue
        due = time.monotonic()
        while context.is_active():
            with self.lock:
                ready, queue[:] = list(queue), []
            if time.monotonic() >= due:
                due += 1 / RATE
                self.number += 1
                ready.append(self.one())
            yield from ready
            time.sleep(0.003)

    def one(self):
        return flow(self.name, self.number)


class Foreign(Agent):
    marks = False


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


class Relay:
    def __init__(self, agents, *more):
        self.log = open(f"{DIR}/relay.log", "w")
        self.process = subprocess.Popen(
            [f"{B}/weir-relay", "--listen=127.0.0.1:0", f"--socket={DIR}/relay.sock", f"--data={DIR}/data", "--metrics=",
             *[f"--peer={a.name}={a.address()}" for a in agents], *more], stderr=self.log)
        t.check("the relay listens", t.until(lambda: os.path.exists(f"{DIR}/relay.sock")))
        self.api = Api(f"unix:{DIR}/relay.sock")
        self.api.add("ClusterStatus", relay_pb2.ClusterStatusRequest, self.api.channel.unary_unary(
            "/weir.v1.Relay/ClusterStatus", relay_pb2.ClusterStatusRequest.SerializeToString, relay_pb2.ClusterStatus.FromString))

    def connected(self, n):
        return t.until(lambda: self.api.ServerStatus().num_connected_nodes.value >= n)

    def rss(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(next(line for line in f if line.startswith("VmRSS")).split()[1])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)


def follow(api, seconds, **fields):
    """What comes in so many seconds: (arrival, response)."""
    got = []
    try:
        for r in api.GetFlows(follow=True, seconds=seconds, **fields):
            got.append((time.time_ns(), r))
    except grpc.RpcError as e:
        t.equal("the stream lasts", e.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
    return got


def good_ones(got, names, seconds):
    for name in names:
        mine = [(at, r.flow) for at, r in got if r.node_name == name and r.HasField("flow")]
        numbers = [int(f.uuid.split("/")[1]) for _, f in mine]
        late = sorted((at - f.time.ToNanoseconds()) / 1e6 for at, f in mine)
        t.check(f"{name}'s flows come", len(mine) > RATE * seconds * 0.7, len(mine))
        t.check(f"{name}: none is missing, none twice", numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers
                else False, numbers[:50])
        p99 = late[int(len(late) * 0.99) - 1] if late else 1e9
        t.check(f"{name}: in time", p99 < 250, f"p99 {p99:.0f} ms")
        print(f"{name}: {len(mine)} flows, p50 {late[len(late) // 2] if late else -1:.0f} ms, p99 {p99:.0f} ms")


def odd_ones():
    agents = [Agent("good-1"), Agent("good-2"), Foreign("foreign"), Slow("slow"), Garbage("garbage"), Liar("liar"),
              Ahead("ahead"), Dying("dying"), Huge("huge"), Refusing("refusing")]
    relay = Relay(agents)
    t.check("all are connected", relay.connected(len(agents)))
    before = relay.rss()
    got = follow(relay.api, 6)
    good_ones(got, ["good-1", "good-2", "foreign"], 6)
    times = [r.time.ToNanoseconds() for _, r in got if r.node_name in ("good-1", "good-2")]
    t.check("good ones' are in order", times == sorted(times))
    status = [r.node_status for _, r in got if r.HasField("node_status")]
    first = status[0] if status else None
    t.check("first it is told who is there", first and first.state_change == 1 and len(first.node_names) == len(agents), first)
    told = " ".join(f"{'/'.join(s.node_names)}: {s.message}" for s in status if s.state_change == 4)
    for what in ("boom", "no such field", "no sense"):
        t.check(f"'{what}' is told", what in told, told)
    nodes = {n.name: n for n in relay.api.ClusterStatus().node}
    t.check("garbage is counted", nodes["garbage"].garbage >= 16 and nodes["huge"].garbage >= 1)
    t.check("what came late is counted", nodes["liar"].late > 10, nodes["liar"])
    t.check("a clock an hour ahead is shown", abs(nodes["ahead"].clock_offset_us - 3600e6) < 5e6 and nodes["ahead"].clock_off,
            nodes["ahead"])
    t.check("who has no marks is foreign", nodes["foreign"].foreign and not nodes["good-1"].foreign)
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
    got = []
    reader = threading.Thread(target=lambda: got.extend(follow(relay.api, 9)))
    reader.start()
    time.sleep(1.5)
    b.server.stop(0).wait()
    t.check("that one left is seen", t.until(lambda: relay.api.ServerStatus().num_unavailable_nodes.value == 1, 4))
    t.equal("and named", list(relay.api.ServerStatus().unavailable_nodes), ["b"])
    time.sleep(0.5)
    b = Agent("b")
    b.number = 1000
    t.check("that it is back, too", t.until(lambda: relay.api.ServerStatus().num_connected_nodes.value == 2, 5))
    reader.join()
    again = [r for _, r in got if r.node_name == "b" and r.HasField("flow") and int(r.flow.uuid.split("/")[1]) > 1000]
    t.check("its flows come again in the same stream", len(again) > RATE, len(again))
    good_ones([x for x in got if x[1].node_name == "a"], ["a"], 9)
    states = [(s.state_change, list(s.node_names)) for s in (r.node_status for _, r in got if r.HasField("node_status"))]
    t.check("the client is told of both", (2, ["b"]) in states and (1, ["b"]) in states, states)
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
    relay.stop()
    a.server.stop(0)
    b.server.stop(0)


try:
    odd_ones()
    come_and_go()
    refused()
finally:
    shutil.rmtree(DIR, ignore_errors=True)
t.done()
