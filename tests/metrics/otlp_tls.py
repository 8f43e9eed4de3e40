# SPDX-License-Identifier: Apache-2.0
"""OTLP by TLS, to a receiver by python3-grpcio: who signed it, its name, mutual TLS; the log says what is wrong, files that are
put right are taken without a restart, and no flow is missing in the end."""
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "api", "with"), os.path.join(HERE, "with")]
import check as t  # noqa: E402
from lab import Lab, in_netns, needs_root  # noqa: E402

needs_root()
os.environ.setdefault("GRPC_VERBOSITY", "NONE")     # the receiver's own words about handshakes that are to fail
import grpc  # noqa: E402
from api import Api  # noqa: E402
from receiver import Receiver, attributes  # noqa: E402

CART, PORT, METRICS = "10.244.1.11", 4317, 9965
SOON = 60       # seconds: the agent tries again later and later


class Stage:
    def __init__(self, lab):
        self.lab, self.said, self.got = lab, 0, []
        self.netns = lab.path(next(iter(lab.netns.values())), "node+n1")
        self.receiver = None

    def file(self, name):
        return os.path.join(self.lab.dir, name)

    def read(self, name):
        with open(self.file(name), "rb") as f:
            return f.read()

    def give(self, name, what):
        """The agent's file becomes another."""
        shutil.copy(self.file(what), self.file(name + ".new"))
        os.rename(self.file(name + ".new"), self.file(name))

    def serve(self, certificate, mutual=False):
        if self.receiver:
            self.got += self.receiver.logs
            self.receiver.stop()
        credentials = grpc.ssl_server_credentials([(self.read(certificate + ".key"), self.read(certificate + ".crt"))],
                                                  self.read("ca.crt") if mutual else None, mutual)
        self.receiver = in_netns(self.netns, lambda: Receiver(f"127.0.0.1:{PORT}", credentials))

    def talk(self):
        t.check("cart answers", self.lab.talk("shop/frontend", CART, 8080))

    def log_says(self, what, words):
        """From where it was read last."""
        self.talk()
        t.check(what, t.until(lambda: words in self.lab.log()[self.said:], SOON, 0.1), self.lab.log()[self.said:])
        self.said = len(self.lab.log())

    def flows_come(self, what):
        n = len(self.receiver.logs)
        self.talk()
        t.check(what, t.until(lambda: len(self.receiver.logs) > n, SOON), self.lab.log()[self.said:])
        self.said = len(self.lab.log())

    def scrape(self, series):
        import urllib.request
        text = in_netns(self.netns, lambda: urllib.request.urlopen(f"http://127.0.0.1:{METRICS}/metrics", timeout=10).read().decode())
        return next((float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(series)), None)


def trust(s):
    s.serve("server")
    s.log_says("a receiver that an unknown authority signed", "the certificate of '127.0.0.1:4317' is signed by an unknown authority")
    s.give("agent-ca.crt", "ca.crt")
    s.flows_come("its authority is named while the agent runs")


def mutual(s):
    s.serve("server", True)
    s.log_says("a receiver that wants another certificate", "does not take our certificate: it may not know its authority ('other authority')")
    s.give("agent.key", "client.key")
    s.give("agent.crt", "client.crt")
    s.flows_come("the right one, while the agent runs")
    runs_out = s.scrape('weir_certificate_expiry_timestamp_seconds{use="otlp"}')
    t.check("when it runs out", runs_out and 29 * 86400 < runs_out - time.time() < 31 * 86400, runs_out)


def name(s):
    s.serve("wrong", True)
    s.log_says("a receiver of another name", "the certificate of '127.0.0.1:4317' is for 'elsewhere.test', not for 'server.test'")
    s.serve("server2", True)
    s.flows_come("the right name again")


def none_missing(s):
    with Api(s.lab.observer()) as api:
        want = {f"{f.uuid} {f.time.ToNanoseconds()}" for f in api.flows(first=True)}
    have = []

    def all_there():
        have[:] = [f'{attributes(log.attributes)["weir.flow"]} {log.time_unix_nano}' for _, log in s.got + s.receiver.logs]
        return want <= set(have)

    t.check("none is missing", t.until(all_there, SOON), len(want - set(have)))
    t.equal("none came twice", len(have), len(set(have)))


def main():
    lab = Lab("policies/shop", f"--metrics=127.0.0.1:{METRICS}", "--otlp-send=flows", name=f"ott{os.getpid()}")
    subprocess.run(["sh", "tests/rpc/certs.sh", lab.dir], check=True)
    for agents, first in (("agent-ca.crt", "other.crt"), ("agent.crt", "stranger.crt"), ("agent.key", "stranger.key")):
        shutil.copy(os.path.join(lab.dir, first), os.path.join(lab.dir, agents))
    lab.options += (f"--otlp=tls://127.0.0.1:{PORT}", "--otlp-name=server.test", f"--otlp-ca={lab.dir}/agent-ca.crt", f"--otlp-cert={lab.dir}/agent.crt",
                    f"--otlp-key={lab.dir}/agent.key")
    with lab:
        lab.serve("shop/cart", 8080)
        s = Stage(lab)
        for part in (trust, mutual, name, none_missing):
            part(s)
        s.receiver.stop()
    t.done()


main()
