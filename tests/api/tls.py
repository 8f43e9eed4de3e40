# SPDX-License-Identifier: Apache-2.0
"""By TCP: mutual TLS with certificates made here, replaced while it runs; peers; and plain text on loopback."""
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "with"))
import check as t  # noqa: E402
from lab import Lab, needs_root  # noqa: E402

needs_root()
from api import *  # noqa: E402,F403

HUBBLE = os.environ.get("HUBBLE") or shutil.which("hubble")
NAME = "n1.default.hubble-grpc.cilium.io"
PORT = 4244


class Certificates:
    """An authority, and what it signs, in a directory."""

    def __init__(self, directory):
        self.dir = directory
        for ca in ("ca", "other"):
            self.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                     "-subj", f"/CN={ca}", "-keyout", f"{ca}.key", "-out", f"{ca}.crt")
        self.sign("server", "ca", f"DNS:{NAME},DNS:localhost")
        self.sign("client", "ca", "DNS:client")
        self.sign("stranger", "other", "DNS:client")

    def run(self, *words):
        subprocess.run(["openssl", *words], cwd=self.dir, check=True, capture_output=True)

    def sign(self, name, ca, san, days=2):
        self.run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                 "-keyout", f"{name}.key", "-out", f"{name}.csr")
        with open(self.path("san"), "w") as f:
            f.write(f"subjectAltName={san}\n")
        self.run("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-CAcreateserial",
                 "-days", str(days), "-extfile", "san", "-out", f"{name}.crt")

    def path(self, name):
        return os.path.join(self.dir, name)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def credentials(self, client="client", ca="ca"):
        return grpc.ssl_channel_credentials(self.read(f"{ca}.crt"), self.read(f"{client}.key") if client else None,
                                            self.read(f"{client}.crt") if client else None)


def client(credentials):
    return Api(f"127.0.0.1:{PORT}", credentials, [("grpc.ssl_target_name_override", NAME)])


def fails(what, credentials):
    with client(credentials) as api:
        code, text = error(lambda: api.ServerStatus(seconds=1.5))
        t.check(what, code in ("UNAVAILABLE", "DEADLINE_EXCEEDED"), (code, text))


def shown(c, highest=ssl.TLSVersion.TLSv1_3):
    """The certificate that the server shows, or None."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = highest
    context.load_verify_locations(c.path("ca.crt"))
    context.load_cert_chain(c.path("client.crt"), c.path("client.key"))
    context.set_alpn_protocols(["h2"])
    try:
        with socket.create_connection(("127.0.0.1", PORT), 30) as raw, context.wrap_socket(raw, server_hostname=NAME) as s:
            return s.getpeercert(True)
    except OSError:
        return None


def handshakes(c):
    with client(c.credentials()) as api:
        t.check("a client of the authority is served", api.ServerStatus().max_flows)
    fails("a client without a certificate is not", c.credentials(None))
    fails("nor one of another authority", c.credentials("stranger"))
    with client(c.credentials("client", "other")) as api:
        t.check("a client does not take a server of another", error(lambda: api.ServerStatus())[0] == "UNAVAILABLE")
    with Api(f"127.0.0.1:{PORT}") as api:
        t.check("no plain text", error(lambda: api.ServerStatus(seconds=1.5))[0] in ("UNAVAILABLE", "DEADLINE_EXCEEDED"))
    t.check("TLS 1.3", shown(c))
    t.check("and nothing below", not shown(c, ssl.TLSVersion.TLSv1_2))


def reload(c):
    before = shown(c)
    with client(c.credentials()) as old:
        old.ServerStatus()
        c.sign("server", "ca", f"DNS:{NAME},DNS:localhost")
        t.check("a new certificate is shown", t.until(lambda: shown(c) not in (None, before)))
        t.check("connections live on", old.ServerStatus().max_flows)
        shutil.copy(c.path("server.crt"), c.path("good.crt"))
        with open(c.path("server.crt"), "w") as f:
            f.write("no certificate\n")
        now = shown(c)
        t.check("what is none is not taken", now and now != before)
        shutil.copy(c.path("good.crt"), c.path("server.crt"))


def peers(c, state):
    node = os.path.join(state, "node3.yaml")

    def write(address, name="n3.example"):
        with open(node + ".tmp", "w") as f:
            f.write(f"apiVersion: v1\nkind: Node\nmetadata: {{name: {name}}}\n"
                    f"status: {{addresses: [{{type: InternalIP, address: {address}}}]}}\n")
        os.rename(node + ".tmp", node)

    with client(c.credentials()) as api:
        call = api.Notify()
        p = next(call)
        t.equal("itself, where its Node says", (p.name, p.address, p.type, p.tls.server_name), ("n1", f"192.0.2.1:{PORT}", peer_pb2.PEER_ADDED, NAME))
        write("192.0.2.33")
        p = next(call)
        t.equal("a node comes", (p.name, p.address, p.type, p.tls.server_name),
                ("n3.example", f"192.0.2.33:{PORT}", peer_pb2.PEER_ADDED, "n3-example.default.hubble-grpc.cilium.io"))
        write("2001:db8::33")
        p = next(call)
        t.equal("changes", (p.address, p.type), (f"[2001:db8::33]:{PORT}", peer_pb2.PEER_UPDATED))
        late = api.Notify()
        t.equal("who comes later is told once", [next(late).name for _ in range(2)], ["n1", "n3.example"])
        late.cancel()
        os.unlink(node)
        t.equal("goes", next(call).type, peer_pb2.PEER_DELETED)
        call.cancel()
        later = api.Notify()
        first = next(later).name
        write("192.0.2.34", "n4")
        t.equal("and is not told of any more", [first, next(later).name], ["n1", "n4"])
        later.cancel()


def hubble(what, home, *words):
    if not HUBBLE:
        t.skip(f"{what}: no hubble command line ($HUBBLE, or in PATH)")
        return
    said = subprocess.run([HUBBLE, *words], capture_output=True, text=True, timeout=20,
                          env={"PATH": os.environ["PATH"], "HOME": home})
    t.check(what, said.returncode == 0 and ": Ok" in said.stdout, (said.stdout, said.stderr))


def inside(directory, state):
    """In the node's namespace, where its agent listens."""
    c = Certificates.__new__(Certificates)
    c.dir = directory
    handshakes(c)
    reload(c)
    peers(c, state)
    hubble("hubble by TLS", directory, "status", "--server", f"tls://127.0.0.1:{PORT}", "--tls-server-name", NAME, "--tls-ca-cert-files",
           c.path("ca.crt"), "--tls-client-cert-file", c.path("client.crt"), "--tls-client-key-file", c.path("client.key"))
    t.done()


def run_inside(lab, *words):
    said = subprocess.run(["ip", "netns", "exec", f"weir-{lab.name}+node+n1", sys.executable, *words], text=True, capture_output=True)
    *talk, last = said.stdout.strip().splitlines() or [said.stderr]
    print("\n".join(talk), end="\n" if talk else "")
    words = last.split()
    t.check("inside", len(words) > 3 and words[1] == "passed,", said.stderr)
    if len(words) > 3 and words[1] == "passed,":
        t.passed += int(words[0])
        t.failed += int(words[2])


def whole():
    directory = tempfile.mkdtemp(prefix=f"weir-tls-{os.getpid()}-")
    try:
        c = Certificates(directory)
        with Lab("policies/shop", f"--listen=0.0.0.0:{PORT}", f"--tls-cert={c.path('server.crt')}",
                 f"--tls-key={c.path('server.key')}", f"--tls-client-ca={c.path('ca.crt')}") as lab:
            run_inside(lab, __file__, "inside", directory, lab.state)
        with Lab("policies/shop", "--listen=localhost:4245") as lab:
            run_inside(lab, __file__, "plain", directory)
    finally:
        shutil.rmtree(directory)


def refused():
    """What makes no sense is said before anything is loaded."""
    agent = os.path.join(os.environ.get("B", "build"), "weir-agent")
    said = subprocess.run([agent, "--check-config", "--listen=0.0.0.0:1", "--tls-cert=/dev/null", "--tls-key=/dev/null",
                           "--tls-client-ca=/dev/null"], capture_output=True, text=True)
    t.check("files that hold no certificate", said.returncode == 2 and "/dev/null" in said.stderr and said.stderr.count("\n") == 1,
            (said.returncode, said.stderr))


if sys.argv[1:2] == ["inside"]:
    inside(sys.argv[2], sys.argv[3])
elif sys.argv[1:2] == ["plain"]:
    with Api("127.0.0.1:4245") as api:
        t.check("plain text on loopback", api.ServerStatus().max_flows)
    hubble("hubble, as it comes", sys.argv[2], "status")
    t.done()
else:
    refused()
    whole()
    t.done()
