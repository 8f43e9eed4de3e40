# SPDX-License-Identifier: Apache-2.0
"""A hostile peer: what it costs us is bounded, and others go on being served.  By tests/rpc/peers.sh."""
import os, random, socket, ssl, sys, threading, time

sys.path.insert(0, os.path.dirname(__file__))
import grpc
import h2
from check import MEMORY, Server, bounded, check, done, equal, until

DIR = sys.argv[1]
PATH = b"/test.Echo/Unary"


def sending(k, data):
    """As much as it takes; whether it took all."""
    try:
        for i in range(0, len(data), 65536):
            k.sendall(data[i:i + 65536])
        return True
    except OSError:
        return False


def drained(k):
    def drain():
        try:
            while k.recv(65536):
                pass
        except OSError:
            pass
    threading.Thread(target=drain, daemon=True).start()
    return k


class Victim:
    def __init__(self, kind, files_most=None):
        self.kind = kind
        # over TLS the server knows no calls, and takes who waits at an attacker's address for the attacker
        self.source = ("127.0.0.3", 0) if kind == "tls" else None
        files = [DIR + "/ca.crt", DIR + "/server.crt", DIR + "/server.key"]
        if kind == "unix":
            self.s = Server("--unix", DIR + "/h.sock", files_most=files_most)
            self.at = "unix:" + DIR + "/h.sock"
        else:
            self.s = Server(*(["--tls", *files] if kind == "tls" else []), "--listen", "127.0.0.1:0",
                            files_most=files_most)
            self.at = self.s.at
        self.honest = self.channel()
        self.serves("at first")
        self.base = self.s.rss()

    def channel(self):
        own = [("grpc.use_local_subchannel_pool", 1)]
        if self.kind != "tls":
            return grpc.insecure_channel(self.at, own)
        return grpc.secure_channel(self.at, grpc.ssl_channel_credentials(
            *(open(DIR + "/" + f, "rb").read() for f in ("ca.crt", "client.key", "client.crt"))), own)

    def serves(self, when):
        got = None
        for _ in range(3):      # where the machine stands still amid a flood, what is under way may take all the memory there may be
            try:
                got = self.honest.unary_unary("/test.Echo/Unary")(b"hello", timeout=60, wait_for_ready=True)
                break
            except grpc.RpcError as e:
                got = e.code()
                if got != grpc.StatusCode.RESOURCE_EXHAUSTED:
                    break
        equal(got, b"hello", f"{self.kind}: others are served {when}")

    def secured(self, k):
        ctx = ssl.create_default_context(cafile=DIR + "/ca.crt")
        ctx.load_cert_chain(DIR + "/client.crt", DIR + "/client.key")
        ctx.set_alpn_protocols(["h2"])
        return ctx.wrap_socket(k, server_hostname="localhost")

    def connect(self):
        return h2.connect(self.at, self.source)

    def open(self):
        return h2.open_h2(self.at, self.secured if self.kind == "tls" else None, self.source)

    def cost(self, what, most):
        """KiB over the start, at worst and a second later."""
        worst = self.s.peak() - self.base
        time.sleep(0.3)
        now = self.s.rss() - self.base
        print(f"{self.kind}: {what}: {worst} KiB at worst, {now} KiB after", flush=True)
        with open(f"/proc/{self.s.p.pid}/clear_refs", "w") as f:
            f.write("5")		# the next one's worst begins here
        bounded(worst, most, f"{self.kind}: {what}")
        self.serves("after " + what)


def nonsense(v):
    r = random.Random(7)
    for i in range(150):
        k = v.connect() if v.kind != "tls" or i % 3 else v.open()
        if i % 3 == 1:
            sending(k, h2.PREFACE)
        sending(k, r.randbytes(r.randrange(1, 4000)))
        k.close()
    v.cost("random bytes on 150 connections", 8192)


def half_frames(v):
    socks = []
    block = h2.headers(PATH)
    for i in range(100):
        k = v.open()
        f = h2.frame(1, 4, 1, block)
        sending(k, f[:1 + i % (len(f) - 1)])
        socks.append(k)
    v.cost("half a frame on each of 100 connections", 16384)
    for k in socks:
        k.close()


def giant_headers(v):
    """One header of a megabyte in continuations that never end."""
    k = drained(v.open())
    part = b"\0\x01x\x7f\xff\x7f" + b"y" * 16000		# a value longer than it will ever be
    sending(k, h2.frame(1, 0, 1, h2.headers(PATH) + part))
    for _ in range(2000):
        if not sending(k, h2.frame(9, 0, 1, b"z" * 16000)):
            break
    k.close()
    k = drained(v.open())
    for i in range(400):		# many small ones
        if not sending(k, h2.frame(1 if not i else 9, 0, 1, (h2.headers(PATH) if not i else b"") +
                                   h2.literal(b"name", b"v" * 100) * 100)):
            break
    k.close()
    v.cost("headers without end", 32768)


def floods_of_frames(v):
    for name, data in (("pings", h2.frame(6, 0, 0, b"12345678") * 400000), ("settings", h2.frame(4, 0, 0) * 400000),
                       ("empty data", h2.frame(1, 4, 1, h2.headers(PATH)) + h2.frame(0, 0, 1) * 400000),
                       ("windows", h2.frame(8, 0, 0, b"\0\0\0\x01") * 400000),
                       ("priorities", h2.frame(2, 0, 1, b"\0\0\0\0\x01") * 400000)):
        k = v.open()
        k.settimeout(0.5)
        sending(k, data)		# and nothing is read
        k.close()
        v.cost("a flood of " + name, 65536)


def lies(v):
    """Lengths that are not true."""
    for payload in (b"\0\xff\xff\xff\xff", b"\x01\0\0\0\x04abcd", b"\0\0\0\0\x05abc", b"\x07\0\0\0\0"):
        k = v.open()
        k.settimeout(0.5)
        sending(k, h2.frame(1, 4, 1, h2.headers(PATH)) + h2.frame(0, 1, 1, payload))
        try:
            while k.recv(4096):
                pass
        except OSError:
            pass
        k.close()
    v.cost("untrue lengths", 32768)


def streams_unread(v):
    """As many streams as are let in, on connections that are not read."""
    socks = []
    body = h2.message(b"-1 600")
    for _ in range(20):
        k = v.open()
        sending(k, h2.frame(8, 0, 0, b"\x7f\xff\x00\x00") + b"".join(
            h2.frame(1, 4, n, h2.headers(b"/test.Echo/Stream")) + h2.frame(0, 1, n, body) for n in range(1, 301, 2)))
        socks.append(k)
    time.sleep(1)
    worst = v.s.peak() - v.base
    print(f"{v.kind}: 20 connections of 150 streams that nobody reads: {worst} KiB", flush=True)
    bounded(worst, 96 * 1024, f"{v.kind}: streams that nobody reads")
    for k in socks:
        k.close()
    until(lambda: v.s.rss() - v.base < 32768, 3)
    v.serves("after streams that nobody reads")


def reset_flood(v):
    k = drained(v.open())
    took = sending(k, h2.resets(PATH, 100000))
    worst = v.s.peak() - v.base
    check(not took, f"{v.kind}: who resets 100,000 calls is cut")
    k.close()
    time.sleep(0.5)
    print(f"{v.kind}: 100,000 calls opened and reset: {worst} KiB at worst", flush=True)
    bounded(worst, 128 * 1024, f"{v.kind}: calls opened and reset")
    v.serves("after a flood of resets")
    until(lambda: v.s.rss() - v.base < 24576, 30 if MEMORY else 0)
    bounded(v.s.rss() - v.base, 24576, f"{v.kind}: what is left of it")


def connections(v, n):
    socks = []
    began = time.time()
    for _ in range(n):
        try:
            socks.append(v.connect())
        except OSError:
            break
    print(f"{v.kind}: {len(socks)} connections in {time.time() - began:.1f} s: {v.s.rss() - v.base} KiB", flush=True)
    v.serves(f"beside {len(socks)} connections")
    for k in socks:
        k.close()
    v.cost(f"{len(socks)} connections", 200 * 1024)


def flood_by_many(v):
    """Four clients that open connection after connection, each with 20,000 calls and resets."""
    data = h2.resets(PATH, 20000)
    stop = threading.Event()

    def flood():
        while not stop.is_set():
            try:
                k = h2.open_h2(v.at)
                k.settimeout(0.2)
                k.sendall(data)
                k.close()
            except OSError:
                pass
    threads = [threading.Thread(target=flood, daemon=True) for _ in range(4)]
    for t in threads:
        t.start()
    end, n = time.time() + 3, 0
    while time.time() < end:
        v.serves("while others flood")
        n += 1
    stop.set()
    for t in threads:
        t.join()
    print(f"{v.kind}: {n} honest calls in {time.time() - end + 3:.1f} s of it", flush=True)
    v.cost("a flood by connection after connection", 196608)


def descriptors():
    """A server that runs out of descriptors turns away and goes on."""
    for kind in ("plain", "tls"):
        v = Victim(kind, files_most=100)
        socks = []
        for _ in range(300):
            k = h2.connect(v.at)
            k.settimeout(5)
            socks.append(k)
        time.sleep(0.3)
        v.serves("without a descriptor left")
        for k in socks:
            k.close()
        fresh = v.channel()
        try:
            got = until(lambda: fresh.unary_unary("/test.Echo/Unary")(b"again", timeout=60, wait_for_ready=True))
        except grpc.RpcError as e:
            got = e.code()
        equal(got, b"again", f"{kind}: who comes when there are some again is served")
        fresh.close()
        v.honest.close()
        v.s.stop()


def main():
    import resource
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
    many = 10000 if len(sys.argv) > 2 and sys.argv[2] == "whole" else 400
    for kind in ("plain", "unix", "tls"):
        v = Victim(kind)
        nonsense(v)
        half_frames(v)
        giant_headers(v)
        lies(v)
        floods_of_frames(v)
        streams_unread(v)
        reset_flood(v)
        if kind != "tls":
            flood_by_many(v)
        connections(v, many)
        v.honest.close()
        v.s.stop()
    descriptors()


try:
    main()
finally:
    done()
