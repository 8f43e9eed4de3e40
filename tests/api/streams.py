# SPDX-License-Identifier: Apache-2.0
"""Many clients, clients that come and go, clients that do not read; an agent that stops, is killed, and starts again."""
import concurrent.futures
import os
import random
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "with"))
import check as t  # noqa: E402
from lab import Lab, WEIR, in_netns, needs_root  # noqa: E402

needs_root()
from api import *  # noqa: E402,F403

CART, DATABASE = "10.244.1.11", "10.244.1.13"
CLIENTS = 100
BURST = 1000


def rss(pid):
    """KiB, less what is mapped from the kernel's maps."""
    total, ours = 0, True
    with open(f"/proc/{pid}/smaps") as f:
        for line in f:
            if line[0] in "0123456789abcdef":
                ours = "bpf" not in line
            elif ours and line.startswith("Rss:"):
                total += int(line.split()[1])
    return total


def threads_alive(pid):
    return os.path.exists(f"/proc/{pid}")


def many(lab):
    """Each of a hundred followers sees every flow, once, in one order."""
    apis = [Api(lab.observer()) for _ in range(CLIENTS)]
    begun = [Filter(source_pod=["shop/frontend"], event_type=[flow_pb2.EventTypeFilter(type=5)])]      # no ends among them
    calls = [a.GetFlows(follow=True, seconds=300, whitelist=begun) for a in apis]
    for c in calls:
        c.initial_metadata()
    for _ in range(5):
        lab.talks("shop/frontend", [(CART, 8080)] * 10)

    def read(call):
        return [next(call).flow.uuid for _ in range(50)]

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        seen = list(pool.map(read, calls))
    t.check("fifty flows", len(set(seen[0])) == 50, len(set(seen[0])))
    t.check("the same for all", all(s == seen[0] for s in seen))
    for c in calls:
        c.cancel()
    with Api(lab.observer()) as api:
        t.check("all are gone", t.until(lambda: api.Status().gauges and followers(api) == 0), followers(api))
        t.check("it serves on", api.ServerStatus().seen_flows >= 50)
    for a in apis:
        a.channel.close()


def followers(api):
    """Streams of flows that the agent has."""
    return [g.used for g in api.Status().gauges if g.name == "flow streams"][0]


def usual(seconds):
    """The median: who is held up is held up again and again; now and then it is this machine that stands still."""
    return statistics.median(seconds)


def storms(lab):
    """Streams begun and cancelled at once, giant filters, readers that never read: bounded, and nobody else suffers."""
    pid, stop, waited = lab.pid(), threading.Event(), []
    before = rss(pid)

    def watch():
        with Api(lab.observer()) as api:
            while not stop.is_set():
                began = time.monotonic()
                api.ServerStatus()
                waited.append(time.monotonic() - began)
                time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    apis = [Api(lab.observer()) for _ in range(8)]

    def cancels(api):
        for i in range(400):
            c = api.GetFlows(follow=bool(i % 2), number=i, whitelist=[Filter(source_pod=["shop/"])])
            c.cancel()

    def giants(api):
        big = [Filter(source_ip=[f"10.1.{i >> 8}.{i & 255}" for i in range(8000)])]
        for _ in range(20):
            list(api.GetFlows(number=5, whitelist=big))
        patterns = [Filter(http_path=["(a|b)*c" * 50] * 100)]
        for _ in range(20):
            error(lambda: api.GetFlows(number=5, whitelist=patterns))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(cancels, a) for a in apis[:4]] + [pool.submit(giants, a) for a in apis[4:]]:
            done.result()
    stalled = [apis[i % 8].GetFlows(first=True, follow=False) for i in range(200)]     # nobody reads these
    time.sleep(1)
    t.check("it lives", threads_alive(pid))
    most = 1 << 20 if "san" in WEIR else 32 << 10      # a sanitizer keeps what was freed
    t.check("memory stays bounded", rss(pid) - before < most, f"{rss(pid) - before} KiB more")
    for c in stalled:
        c.cancel()
    codes = [error(lambda: apis[0].GetFlows(follow=True, seconds=0.2))[0] for _ in range(3)]
    t.equal("deadlines are kept", codes, ["DEADLINE_EXCEEDED"] * 3)
    stop.set()
    watcher.join()
    t.check("others waited not long", usual(waited) < 0.25, (usual(waited), max(waited)))
    for a in apis:
        a.channel.close()


class Control:
    """The control socket: a cheap question, answered by the loop's thread."""

    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(path)
        ask = control_pb2.Request(endpoint_remove=control_pb2.EndpointRemoveRequest(pod="no/pod")).SerializeToString()
        self.ask = struct.pack(">I", len(ask)) + ask

    def seconds(self):
        began = time.monotonic()
        self.s.sendall(self.ask)
        size = struct.unpack(">I", self.s.recv(4, socket.MSG_WAITALL))[0]
        self.s.recv(size, socket.MSG_WAITALL)
        return time.monotonic() - began


def hammers(lab):
    """All that makes the loop's thread work, asked without end: it goes on with its own work."""
    control, stop = Control(lab.control().removeprefix("unix:")), threading.Event()
    quiet = max(control.seconds() for _ in range(20))
    apis = [Api(lab.observer()) for _ in range(4)]
    codes = {}

    def hammer(api, name, fields):
        while not stop.is_set():
            code = error(lambda: getattr(api, name)(**fields))[0]
            codes[code] = codes.get(code, 0) + 1

    calls = (("Policies", {}), ("Endpoints", {}), ("Status", {}),
             ("Why", {"source": "shop/rogue", "destination": "shop/cart", "port": 80}), ("Mark", {"stream": "x"}))
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        for i in range(40):
            pool.submit(hammer, apis[i % 4], *calls[i % len(calls)])
        waited = [control.seconds() for _ in range(60) if not time.sleep(0.05)]
        stop.set()
    t.check("questions were answered", codes.get("OK", 0) > 100 and set(codes) <= {"OK", "RESOURCE_EXHAUSTED"}, codes)
    t.check("the loop's thread is not held up", usual(waited) < 0.1, f"{usual(waited)} s, at most {max(waited)}, {quiet} s before")
    edges = [apis[i % 4].Edges(interval_ms=1000) for i in range(40)]
    ends = [error(lambda: next(e))[0] for e in edges]
    t.check("no more than so many ask for edges", 8 <= ends.count("RESOURCE_EXHAUSTED") <= 9, ends)  # a relay may be there, too
    for e in edges:
        e.cancel()
    for a in apis:
        a.channel.close()


def dear(lab):
    """Filters as dear as they may be, followed by many: others are served all the same."""
    apis = [Api(lab.observer()) for _ in range(3)]
    flt = [Filter(destination_label=[f"app in (a{i}, b{i}, c{i}), x notin (d{i})" for i in range(1000)])]
    calls = [apis[i % 3].GetFlows(follow=True, seconds=300, whitelist=flt) for i in range(60)]
    for c in calls:
        c.initial_metadata()
    waited = []
    with Api(lab.observer()) as api:
        for _ in range(10):
            lab.talks("shop/frontend", [(CART, 8080)] * 50, seconds=0.1)
            began = time.monotonic()
            api.ServerStatus()
            list(api.GetFlows(number=5))
            waited.append(time.monotonic() - began)
    t.check("others are served", usual(waited) < 1, waited)
    for c in calls:
        c.cancel()
    for a in apis:
        a.channel.close()


def garbage(lab):
    """Bytes that are no request, and requests with a byte turned, to every method: a code comes back, and it lives."""
    rnd = random.Random(17)
    whole = observer_pb2.GetFlowsRequest(number=3, since=stamp(1), until=stamp(time.time_ns()), field_mask=mask("time", "source.labels"),
                                         whitelist=[Filter(source_pod=["shop/a"], source_label=["a in (b, c)"], http_path=["/x[a-z]+"])],
                                         extensions=pack(agent_pb2.FlowsOptions(stream="x", marks=True, policy=["a/b"], rule=[1])))
    seeds = [whole.SerializeToString(), control_pb2.WhyRequest(source="a/b", destination="10.0.0.1", port=5).SerializeToString(),
             agent_pb2.EdgesRequest(interval_ms=1000).SerializeToString(), bytes(200), b""]
    codes = {}
    with Api(lab.observer()) as api:
        methods = [f"/{service}/{name}" for name, (service, _, _) in list(STREAMS.items()) + list(UNARY.items())]
        for i in range(1500):
            data = bytearray(rnd.choice(seeds))
            for _ in range(rnd.randrange(4)):
                if data:
                    data[rnd.randrange(len(data))] = rnd.randrange(256)
            if i % 5 == 0:
                data = bytearray(rnd.randbytes(rnd.randrange(300)))
            call = api.channel.unary_stream(rnd.choice(methods))(bytes(data), timeout=0.05)
            code = error(lambda: call)[0]
            codes[code] = codes.get(code, 0) + 1
        t.check("all were answered", set(codes) <= {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED", "DEADLINE_EXCEEDED",
                                                    "RESOURCE_EXHAUSTED"} and codes["INVALID_ARGUMENT"] > 50, codes)
        t.check("it lives", api.ServerStatus().max_flows)


def lapped():
    """A history of 64 and a client that does not read: what it misses it is told, to the last flow, once a second."""
    def burst():
        s = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(BURST)]
        for x in s:
            x.sendto(b"x", (DATABASE, 9))
            x.close()

    with Lab("policies/shop", "--records=64", name=f"api{os.getpid()}l") as lab, Api(lab.observer()) as api:
        began, before, call = time.time(), -1, None
        while before != api.ServerStatus().seen_flows:      # a flow that comes by itself as the stream begins would be on neither side
            if call:
                call.cancel()
            before = api.ServerStatus().seen_flows
            call = api.GetFlows(follow=True, seconds=300)
            call.initial_metadata()
        for _ in range(5):
            in_netns(lab.netns["shop/rogue"], burst)
            time.sleep(0.2)
        t.check("they were seen", t.until(lambda: api.ServerStatus().seen_flows - before >= BURST))
        given, lost = 0, []
        for r in call:
            if r.HasField("lost_events"):
                lost.append(r.lost_events)
            else:
                given += 1
            offered = api.ServerStatus().seen_flows - before        # others may have come, or still come
            if lost and given + sum(x.num_events_lost for x in lost) >= offered:
                break
        call.cancel()
        t.equal("offered is given and lost", given + sum(x.num_events_lost for x in lost), offered)
        t.check("it was lapped", lost and given, (given, len(lost)))
        t.check("by the history", all(x.source == flow_pb2.HUBBLE_RING_BUFFER and not x.HasField("cpu") for x in lost), lost[:2])
        t.check("with times", all(began - 1 < x.first.seconds <= x.last.seconds <= time.time() for x in lost), lost[:2])
        t.check("not one by one", len(lost) < 20 + time.time() - began, len(lost))


def ring_full():
    """An agent that stands still while more is denied than the ring of denials holds: what was offered is given or told
    as lost, with the ring's name, the CPU and the times."""
    def burst():
        for x in [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(BURST)]:
            for port in range(1, 21):
                x.sendto(b"x", (DATABASE, port))
            x.close()

    with Lab("policies/shop", name=f"api{os.getpid()}r") as lab, Api(lab.observer()) as api:
        call = api.GetFlows(follow=True, seconds=300, whitelist=[Filter(source_pod=["shop/rogue"], protocol=["udp"])])
        call.initial_metadata()
        os.kill(lab.pid(), signal.SIGSTOP)
        try:
            in_netns(lab.netns["shop/rogue"], burst)
        finally:
            os.kill(lab.pid(), signal.SIGCONT)
        given, lost = 0, []
        for r in call:
            if r.HasField("lost_events"):
                lost.append(r.lost_events)
            else:
                given += 1
            count = {c.name: c.packets for c in api.Status().stats} if lost else {}
            if lost and given + sum(x.num_events_lost for x in lost) + count.get("REPEATED", 0) >= 20 * BURST:
                break
        call.cancel()
        t.check("the ring was full", given > 1000 and lost, (given, len(lost)))
        t.equal("the stream is told what the kernel counted", sum(x.num_events_lost for x in lost), count.get("LOST_DENIALS"))
        t.check("by the ring, on a CPU, at a time", all(x.source == flow_pb2.PERF_EVENT_RING_BUFFER and x.HasField("cpu") and
                                                        x.first.seconds and x.last.seconds for x in lost), lost[:2])


def control_answers(lab):
    said = subprocess.run([WEIR, "endpoints", "--server", lab.control()], capture_output=True, text=True)
    return said.returncode == 0


def stops(lab):
    """SIGTERM: streams end with the reason; the socket goes; the next agent serves what the kernel kept."""
    pid = lab.pid()
    with Api(lab.observer()) as api:
        call = api.GetFlows(follow=True, seconds=300)
        events = api.GetAgentEvents(follow=True, seconds=300)
        call.initial_metadata(), events.initial_metadata()
        args = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")[:-1]
        os.kill(pid, signal.SIGTERM)
        code, text = error(lambda: call)
        t.check("a follower is told", code == "UNAVAILABLE" and "stopping" in text, (code, text))
        t.equal("one of events, too", error(lambda: events)[0], "UNAVAILABLE")
    t.check("it ends", t.until(lambda: not running(pid)))
    t.check("its socket is gone", not os.path.exists(lab.observer().removeprefix("unix:")))
    return args


def running(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def start(lab, args, log):
    """An agent as the lab had it, in the node's namespace; a child of this test's."""
    return subprocess.Popen(["ip", "netns", "exec", f"weir-{lab.name}+node+n1"] + [a.decode() for a in args], stderr=log)


def again(lab, args, log):
    agent = start(lab, args, log)
    with Api(lab.observer()) as api:
        up = t.until(lambda: error(lambda: api.Check(service="hubble.server.Observer", seconds=1))[0] == "OK" and
                     api.Check(service="hubble.server.Observer").status == 1, 15)
        t.check("a new agent serves", up)
        t.check("the shop goes on", t.until(lambda: lab.talk("shop/frontend", CART, 8080)))
        got = t.until(lambda: api.flows(whitelist=[Filter(source_pod=["shop/frontend"])]))
        t.check("and is seen", got)
    return agent


def killed(lab, args, log, agent):
    """SIGKILL: clients see the connection end; the stale socket is no obstacle."""
    with Api(lab.observer()) as api:
        call = api.GetFlows(follow=True, seconds=300)
        call.initial_metadata()
        agent.kill()
        agent.wait()
        t.equal("a follower sees the end", error(lambda: call)[0], "UNAVAILABLE")
    agent = again(lab, args, log)
    agent.terminate()
    t.equal("it ends well", agent.wait(), 0)


with Lab("policies/shop") as lab:
    lab.serve("shop/cart", 8080)
    lab.serve("shop/database", 5432)
    many(lab)
    storms(lab)
    garbage(lab)
    hammers(lab)
    dear(lab)
    t.check("the control socket answers", control_answers(lab))
    with open(os.path.join(lab.dir, "log"), "w") as log:
        args = stops(lab)
        agent = again(lab, args, log)
        killed(lab, args, log, agent)
lapped()
ring_full()
t.done()
