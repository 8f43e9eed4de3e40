# SPDX-License-Identifier: Apache-2.0
"""A relay with its page before false agents, whose flows are numbered, and who reads them.

    page = Page(rate=500)
    status, body, _ = page.ask("/api/v1/map")
    readers = Readers([page.open("/api/v1/flows?q=-f")])
    stream = Stream(page, "--last 300 -f")
    stream.until(lambda: len(stream.shown) > 1000)
    page.end()
"""
import http.client
import random
import re
import select
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request

from agents import *  # noqa: F403
from agents import B, DIR, t

AGENTS = 3


def unlike_others():
    """A free port below those that the kernel gives by itself: of these, one that is free now is another's by the time that it is used."""
    while True:
        port = random.randrange(20000, 30000)
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)):
                return port


class Named:
    def __init__(self, name, path):
        self.name, self.path = name, path

    def address(self):
        return f"unix:{self.path}"


class Page:
    def __init__(self, rate, past=1000, agents=None, name="relay"):
        self.agents = None
        if agents is None:
            self.agents = subprocess.Popen([f"{B}/tests/relay/fake_agent", f"--at={DIR}/a", f"--agents={AGENTS}", f"--rate={rate}",
                                            f"--past={past}", "--edges=200"], stdout=subprocess.DEVNULL)
            t.until(lambda: os.path.exists(f"{DIR}/a.{AGENTS - 1}.sock"))
            agents = [Named(f"n{i}", f"{DIR}/a.{i}.sock") for i in range(AGENTS)]
        self.metrics = unlike_others()
        self.relay = Relay(agents, "--page=127.0.0.1:0", f"--metrics=127.0.0.1:{self.metrics}", name=name)
        t.check("all nodes are there", self.relay.connected(len(agents)))
        self.port = int(t.until(lambda: re.search(r"the page is at http://127.0.0.1:(\d+)/", self.relay.said())).group(1))

    def ask(self, path, **fields):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            c.request("GET", path, headers={k.replace("_", "-"): v for k, v in fields.items()})
            r = c.getresponse()
            return r.status, r.read(), r
        finally:
            c.close()

    def raw(self, data, seconds=20):
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as s:
            said = b""
            try:
                s.sendall(data)
                while chunk := s.recv(65536):
                    said += chunk
            except OSError:
                pass
        return said

    def open(self, path, room=None, source=None):
        s = socket.socket()
        if source:
            s.bind((source, 0))
        if room:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        s.settimeout(30)
        s.connect(("127.0.0.1", self.port))
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return s

    def lives(self, what):
        t.equal(f"{what}: the next one is answered", self.ask("/api/v1/map")[0], 200)

    def metric(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=20) as r:
            return float(re.search(rf"^{name} (\S+)$", r.read().decode(), re.M).group(1))

    def streams(self):
        """Of flows, that the relay has under way."""
        return next(g.used for g in self.relay.api.ClusterStatus().gauges if g.name == "streams")

    def end(self):
        self.relay.process.kill()
        self.relay.process.wait()
        if self.agents:
            self.agents.send_signal(signal.SIGTERM)
            self.agents.wait()


class Readers(threading.Thread):
    """Pages as they are meant: whatever comes is read."""
    def __init__(self, sockets):
        super().__init__(daemon=True)
        self.sockets, self.bytes, self.open = sockets, 0, True
        self.start()

    def run(self):
        poll, by = select.poll(), {s.fileno(): s for s in self.sockets}
        for fd in by:
            poll.register(fd, select.POLLIN)
        while self.open:
            for fd, _ in poll.poll(100):
                self.bytes += len(by[fd].recv(1 << 20))


class Stream:
    """One page's flows, event by event, read when asked to.  'told' was lost in all, 'lost' since the first flow."""
    def __init__(self, page, q, room=None):
        self.socket = page.open(f"/api/v1/flows?{urllib.parse.urlencode({'q': q})}", room)
        self.nodes = set()		# told before the first flow
        self.rest, self.names, self.shown, self.lost, self.over, self.bytes, self.since, self.told = b"", [], [], 0, None, 0, 0, 0

    def read(self):
        data = self.socket.recv(1 << 20)
        self.bytes += len(data)
        if not data:
            self.over = self.over or "cut"
        # chunks' frames stand on lines of their own, between events or within one
        *events, self.rest = re.sub(rb"\r\n[0-9a-f]{6}\r\n", b"", self.rest + data).split(b"\n\n")
        for e in events:
            self.event(e)

    def event(self, e):
        name = e[e.find(b"event: ") + 7:].split(b"\n", 1)[0].decode() if b"event: " in e else "beat"
        self.names.append(name)
        if name == "node" and not self.shown:
            self.nodes |= set(re.findall(rb"node-\d+|n\d+", e.split(b'"node_names":', 1)[-1]))
        if name == "flow":
            self.since += 1
            self.shown.append(re.search(rb'"uuid":"node-(\d+)-(\d+)"', e).groups())
        elif name == "lost":
            told = int(re.search(rb'"num_events_lost":"(\d+)"', e).group(1))
            self.since = 0
            self.told += told
            self.lost += told if self.shown else 0
        elif name == "end":
            self.over = e

    def until(self, test, seconds=30):
        end, poll = time.monotonic() + seconds, select.poll()
        poll.register(self.socket, select.POLLIN)
        while not test() and not self.over and time.monotonic() < end:
            if poll.poll(1000):
                self.read()
        return test()

    def numbers(self):
        """Each node's, in the order in which they came."""
        of = {}
        for node, n in self.shown:
            of.setdefault(node, []).append(int(n))
        return of

    def settle(self):
        """Behind what was told last there are flows of each node again."""
        self.until(lambda: self.since >= 100)

    def all_there_was(self):
        """From each node's first flow to its last."""
        return sum(n[-1] - n[0] + 1 for n in self.numbers().values())

    def close(self):
        self.socket.close()
