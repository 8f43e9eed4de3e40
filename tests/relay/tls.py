# SPDX-License-Identifier: Apache-2.0
"""The relay by mutual TLS: to agents that a Peer service names, and to its clients; certificates that do not fit, and
one that is replaced while it runs."""
import os
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "with"))
from agents import *  # noqa: E402,F403
from agents import t  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
CERTS = f"{DIR}/certs"


def read(name):
    with open(f"{CERTS}/{name}", "rb") as f:
        return f.read()


def server(name):
    return grpc.ssl_server_credentials([(read(f"{name}.key"), read(f"{name}.crt"))], read("ca.crt"), True)


def client(name="client", ca="ca"):
    return grpc.ssl_channel_credentials(read(f"{ca}.crt"), read(f"{name}.key") if name else None,
                                        read(f"{name}.crt") if name else None)


class Names:
    """peer.Peer: says who there is, then what is put into 'changes'."""

    def __init__(self):
        self.first, self.changes = [], []

    def handler(self):
        return grpc.method_handlers_generic_handler("peer.Peer", {
            "Notify": grpc.unary_stream_rpc_method_handler(self.notify)})

    def notify(self, data, context):
        for change in list(self.first):
            yield change.SerializeToString()
        at = len(self.changes)
        while context.is_active():
            while at < len(self.changes):
                yield self.changes[at].SerializeToString()
                at += 1
            time.sleep(0.02)


def change(kind, name, address, tls="server.test"):
    said = peer_pb2.ChangeNotification(name=name, address=address, type=kind)
    if tls:
        said.tls.server_name = tls
    return said


def fails(what, port, credentials):
    api = Api(f"127.0.0.1:{port}", credentials, [("grpc.ssl_target_name_override", "server.test")])
    try:
        api.ServerStatus(seconds=1.5)
        t.check(what, False)
    except grpc.RpcError as e:
        t.check(what, e.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED), e)


def run():
    names = Names()
    a, b = Agent("a", server("server"), [names.handler()]), Agent("b", server("server"))
    wrong, expired = Agent("wrong", server("wrong")), Agent("expired", server("expired"))
    names.first = [change(1, x.name, x.address()) for x in (a, b, wrong, expired)]
    names.first.append(change(1, "plain", "127.0.0.1:1", tls=None))
    for name in ("server", "client"):
        for end in ("crt", "key"):
            shutil.copy(f"{CERTS}/{name}.{end}", f"{DIR}/{name}.{end}")
    relay = Relay([], f"--peer-service={a.address()}", f"--peer-ca={CERTS}/ca.crt", f"--peer-cert={DIR}/client.crt",
                  f"--peer-key={DIR}/client.key", "--listen=127.0.0.1:0", f"--tls-cert={DIR}/server.crt",
                  f"--tls-key={DIR}/server.key", f"--tls-client-ca={CERTS}/ca.crt")
    t.check("two of the named nodes are connected", relay.connected(2))
    port = relay.port()
    t.check("the others are not", t.until(lambda: all(relay.nodes()[n].state == "unavailable" for n in ("wrong", "expired"))))
    said = relay.nodes()
    t.check("one has another name in its certificate, and this is said", "server.test" in said["wrong"].why, said["wrong"].why)
    t.check("one's certificate has expired, and this is said", "expired" in said["expired"].why, said["expired"].why)
    t.check("one announced without TLS is left out", "plain" not in said)
    t.check("TLS and name are shown", said["a"].tls and said["a"].server_name == "server.test", said["a"])
    good_ones(follow(relay.api, 3, from_each(["a", "b"], 3)), ["a", "b"], 3)

    by_tls = Api(f"127.0.0.1:{port}", client(), [("grpc.ssl_target_name_override", "server.test")])
    t.equal("a client with a certificate is served", by_tls.ServerStatus().num_connected_nodes.value, 2)
    fails("one without is not", port, client(None))
    fails("nor one of another authority", port, client("stranger"))

    names.changes.append(change(2, "b", b.address()))
    t.check("a node that is taken back is gone", t.until(lambda: "b" not in relay.nodes()))
    c = Agent("c", server("server"))
    names.changes.append(change(1, "c", c.address()))
    t.check("a new one is there", t.until(lambda: relay.nodes().get("c") and relay.nodes()["c"].state == "connected"))

    before = relay.rss()
    for end in ("crt", "key"):
        shutil.copy(f"{CERTS}/server2.{end}", f"{DIR}/server.{end}")
    again = Api(f"127.0.0.1:{port}", client(), [("grpc.ssl_target_name_override", "server.test"),
                                               ("grpc.use_local_subchannel_pool", 1)])
    t.check("a certificate that is replaced is taken", t.until(lambda: again.ServerStatus().version), before)
    t.equal("it ends well", relay.stop(), 0)
    for x in (a, b, c, wrong, expired):
        x.server.stop(0)


os.mkdir(CERTS)
try:
    subprocess.run(["sh", f"{HERE}/../rpc/certs.sh", CERTS], check=True)
    run()
finally:
    shutil.rmtree(DIR, ignore_errors=True)
t.done()
