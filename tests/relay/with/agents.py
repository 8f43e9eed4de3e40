# SPDX-License-Identifier: Apache-2.0
"""Agents as python3-grpcio servers, a relay as a process, and what a client sees.

    agents = [Agent("a"), Foreign("b")]
    relay = Relay(agents)
    relay.connected(2)
    good_ones(follow(relay.api, 5), ["a", "b"], 5)
"""
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "api", "with"))
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

    def __init__(self, name, credentials=None, more=(), tcp=False):
        self.name, self.streams, self.number, self.lock, self.port = name, {}, 0, threading.Lock(), None
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=30))
        raw = lambda fn: grpc.unary_unary_rpc_method_handler(fn)  # noqa: E731
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("observer.Observer", {
            "GetFlows": grpc.unary_stream_rpc_method_handler(self.get_flows),
            "GetAgentEvents": grpc.unary_stream_rpc_method_handler(self.get_events),
            "ServerStatus": raw(self.status),
        }),))
        if self.marks:
            self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("weir.v1.Agent", {
                "Mark": raw(self.mark),
            }),))
        self.server.add_generic_rpc_handlers(tuple(more))
        if tcp:
            self.port = self.server.add_insecure_port("127.0.0.1:0")
        elif credentials:
            self.port = self.server.add_secure_port("127.0.0.1:0", credentials)
        else:
            self.server.add_insecure_port(self.address())
        self.server.start()

    def address(self):
        return f"127.0.0.1:{self.port}" if self.port else f"unix:{DIR}/{self.name}.sock"

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
        self.asked = ask = observer_pb2.GetFlowsRequest.FromString(data)
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

    def get_events(self, data, context):
        base = time.time_ns() // 10**9 * 10**9 - 10**10
        for n in range(min(observer_pb2.GetAgentEventsRequest.FromString(data).number, 5)):
            yield observer_pb2.GetAgentEventsResponse(
                agent_event=flow_pb2.AgentEvent(type=2), node_name=self.name,
                time=stamp(base + n * 10**6 + len(self.name) * 1000)).SerializeToString()

    def one(self):
        return flow(self.name, self.number)


class Foreign(Agent):
    marks = False


class Relay:
    def __init__(self, agents, *more, name="relay"):
        self.log = open(f"{DIR}/{name}.log", "a")
        self.began = self.log.tell()
        listen = [] if any(w.startswith("--listen") for w in more) else ["--listen=127.0.0.1:0"]
        self.process = subprocess.Popen(
            [f"{B}/weir-relay", *listen, f"--socket={DIR}/{name}.sock", f"--data={DIR}/{name}-data", "--metrics=",
             *[f"--peer={a.name}={a.address()}" for a in agents], *more], stderr=self.log)
        t.check("the relay listens", t.until(lambda: os.path.exists(f"{DIR}/{name}.sock")))
        self.api = Api(f"unix:{DIR}/{name}.sock")
        self.api.add("ClusterStatus", relay_pb2.ClusterStatusRequest, self.api.channel.unary_unary(
            "/weir.v1.Relay/ClusterStatus", relay_pb2.ClusterStatusRequest.SerializeToString, relay_pb2.ClusterStatus.FromString))

    def said(self):
        """Its log since it began."""
        with open(self.log.name) as f:
            f.seek(self.began)
            return f.read()

    def port(self):
        """Where it listens: it says so."""
        return int(t.until(lambda: re.search(r"listening on '.*', port (\d+)", self.said())).group(1))

    def nodes(self):
        return {n.name: n for n in self.api.ClusterStatus().node}

    def connected(self, n):
        def so():
            try:
                return self.api.ServerStatus().num_connected_nodes.value >= n
            except grpc.RpcError:       # its socket is there, and nobody takes calls yet
                return False
        return t.until(so)

    def rss(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(next(line for line in f if line.startswith("VmRSS")).split()[1])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def follow(api, seconds, enough=lambda got: True, **fields):
    """What comes in so many seconds, and until it is enough, which is waited for: (arrival, response)."""
    got, end = [], time.monotonic() + seconds
    call = api.GetFlows(follow=True, seconds=seconds + 60, **fields)
    try:
        for r in call:
            got.append((time.time_ns(), r))
            if time.monotonic() >= end and enough(got):
                call.cancel()
                return got
    except grpc.RpcError as e:
        t.check("the stream lasts", e.code() == grpc.StatusCode.DEADLINE_EXCEEDED, e.code())
    return got


def fewest(seconds):
    return int(RATE * seconds * 0.7)


def from_each(names, seconds):
    """Enough: so many flows of each."""
    return lambda got: all(sum(r.node_name == name and r.HasField("flow") for _, r in got) > fewest(seconds) for name in names)


def good_ones(got, names, seconds):
    """The median is the claim: it is as late as the one that keeps all waiting; single ones are late where this machine stands still."""
    for name in names:
        mine = [(at, r.flow) for at, r in got if r.node_name == name and r.HasField("flow")]
        numbers = [int(f.uuid.split("/")[1]) for _, f in mine]
        late = sorted((at - f.time.ToNanoseconds()) / 1e6 for at, f in mine)
        t.check(f"{name}'s flows come", len(mine) > fewest(seconds), len(mine))
        t.check(f"{name}: none is missing, none twice", numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers
                else False, numbers[:50])
        p50, p99 = (late[int(len(late) * p)] if late else 1e9 for p in (0.5, 0.99))
        t.check(f"{name}: in time", p50 < 200, f"p50 {p50:.0f} ms, p99 {p99:.0f} ms")
        print(f"{name}: {len(mine)} flows, p50 {p50:.0f} ms, p99 {p99:.0f} ms")
