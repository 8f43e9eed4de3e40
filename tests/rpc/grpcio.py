# SPDX-License-Identifier: Apache-2.0
"""Our server against python3-grpcio: tests/rpc/grpcio.py DIR (with certificates), by tests/rpc/peers.sh."""
import os, signal, socket, ssl, sys, threading, time

sys.path.insert(0, os.path.dirname(__file__))
for d in ("health/v1", "reflection/v1"):  # not as a package: grpcio's own has that name
    sys.path.insert(0, os.environ.get("B", "build") + "/gen/python/grpc/" + d)
import grpc
from check import Server, bounded, check, done, equal, until
from health_pb2 import HealthCheckRequest, HealthCheckResponse
from reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse
from google.protobuf.descriptor_pb2 import FileDescriptorProto

DIR = sys.argv[1]


def read(name):
    with open(f"{DIR}/{name}", "rb") as f:
        return f.read()


def status(fn):
    try:
        got = fn()
        return ("OK", got if isinstance(got, bytes) else b"".join(got))
    except grpc.RpcError as e:
        return (e.code().name, e.details())


def unary(ch, path="Unary"):
    return ch.unary_unary("/test.Echo/" + path)


def stream(ch):
    return ch.unary_stream("/test.Echo/Stream")


def stats(ch):
    lines = unary(ch, "Stats")(b"", timeout=10).decode().split("\n")
    return {k: int(v) for k, v in (line.split() for line in lines if line)}


def calls(at):
    with grpc.insecure_channel(at) as ch:
        equal(unary(ch)(b"hello"), b"hello", "unary")
        equal(unary(ch)(b""), b"", "an empty request")
        equal(unary(ch)(b"header x-from", metadata=[("x-from", "python")]), b"python", "what the client's header says")
        answer, call = unary(ch).with_call(b"x")
        equal(dict(call.initial_metadata()).get("weir-test"), "1", "the server's header")
        equal(dict(call.initial_metadata()).get("x-test"), "seen", "the method's header")
        equal(status(lambda: unary(ch)(b"code 7 not for you")), ("PERMISSION_DENIED", "not for you"), "status and text")
        equal(status(lambda: unary(ch)("code 3 größe".encode())), ("INVALID_ARGUMENT", "größe"), "text beyond ASCII")
        equal(status(lambda: ch.unary_unary("/a.B/C")(b""))[0], "UNIMPLEMENTED", "an unknown method")
        equal(status(lambda: unary(ch)(b"wait 5000", timeout=0.1))[0], "DEADLINE_EXCEEDED", "the deadline")
        equal(unary(ch)(b"wait 50"), b"late", "an answer that is late")
        equal(status(lambda: unary(ch)(b"x" * (2 << 20)))[0], "RESOURCE_EXHAUSTED", "a request of 2 MiB")
        equal(len(unary(ch)(b"x" * (1 << 20 >> 1))), 1 << 20 >> 1, "one of half a MiB")
        equal(status(lambda: unary(ch)(b"x" * 1000, compression=grpc.Compression.Gzip))[0], "UNIMPLEMENTED",
              "a compressed request, which could unpack to anything")
        equal(sum(1 for _ in stream(ch)(b"20000 100")), 20000, "a stream")
        equal([len(m) for m in stream(ch)(b"3 300000")], [300000] * 3, "large messages")
        equal(list(ch.stream_stream("/test.Echo/Chat")(iter([b"a", b"b", b"c"]))), [b"a", b"b", b"c"], "both ways")
        follower = stream(ch)(b"follow")
        check(follower.initial_metadata(), "the headers of a quiet stream come at once")
        return follower, ch


def cancel(at):
    with grpc.insecure_channel(at) as ch:
        before = stats(ch).get("Stream.CANCELLED", 0)
        c = stream(ch)(b"-1 1000")
        for _ in range(10):
            next(c)
        c.cancel()
        check(until(lambda: stats(ch).get("Stream.CANCELLED", 0) == before + 1), "a cancelled stream ends at the server")


def follow(server):
    with grpc.insecure_channel(server.at) as ch:
        streams = [stream(ch)(b"follow") for _ in range(20)]
        for s in streams:
            s.initial_metadata()
        check(until(lambda: stats(ch)["followers"] >= 20), "they follow")
        server.send(signal.SIGUSR1)
        equal({next(s) for s in streams}, {b"event 1"}, "20 followers hear of it")
        server.send(signal.SIGUSR1)
        equal({next(s) for s in streams}, {b"event 2"}, "and again")
        for s in streams:
            s.cancel()


def many(at):
    """200 streams at once, on three connections."""
    got = []

    def one(ch):
        got.append(sum(1 for _ in stream(ch)(b"100 100")))

    chs = [grpc.insecure_channel(at, [("grpc.use_local_subchannel_pool", 1)]) for _ in range(3)]
    threads = [threading.Thread(target=one, args=(chs[i % 3],)) for i in range(200)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for ch in chs:
        ch.close()
    equal(got, [100] * 200, "200 streams at once")


def limits():
    s = Server("--listen", "127.0.0.1:0", "--set", "max_peer_calls=10", "--set", "max_connections=3")
    with grpc.insecure_channel(s.at) as ch:
        held = [stream(ch)(b"follow") for _ in range(10)]
        for h in held:
            h.initial_metadata()
        got = status(lambda: unary(ch)(b"x"))
        equal(got, ("RESOURCE_EXHAUSTED", "too many calls of yours are open (10)"), "the calls of one peer")
        held[0].cancel()
        check(until(lambda: status(lambda: unary(ch)(b"x"))[0] == "OK"), "one less, and there is room")
        socks = [socket.create_connection(("127.0.0.1", s.ports[0])) for _ in range(6)]
        gone = 0
        for k in socks:
            k.settimeout(30)
            try:
                gone += k.recv(9) == b""
            except ConnectionResetError:
                gone += 1
        equal(gone, 4, "of six more connections two are let in")
        for k in socks:
            k.close()
        check(until(lambda: stats(ch)["live_connections"] == 1), "they are counted out again")
        equal(stats(ch)["refused_connections"], 4, "refused are counted")
        for h in held:
            h.cancel()
    s.stop()


def closed_within(k, seconds):
    """What comes is read; True once the other side is gone."""
    k.settimeout(seconds)
    end = time.time() + seconds
    try:
        while time.time() < end:
            if not k.recv(65536):
                return True
    except ConnectionResetError:
        return True
    except OSError:
        pass
    return False


def overslept():
    """A server that stands still while its waiting room is full of callers takes none of them for silent."""
    import h2
    s = Server("--listen", "127.0.0.1:0")
    for turn in range(4):
        socks = [h2.open_h2(s.at) for _ in range(100)]
        s.send(signal.SIGSTOP)
        for k in socks:
            k.sendall(h2.frame(1, 4, 1, h2.headers(b"/test.Echo/Unary")) + h2.frame(0, 1, 1, h2.message(b"hello")))
        time.sleep(0.4)
        s.send(signal.SIGCONT)
        equal(sum(answered(k, b"hello") for k in socks), 100, "a server that stood still cuts nobody")
        for k in socks:
            k.close()
    s.stop()


def answered(k, word):
    said = b""
    k.settimeout(60)
    try:
        while word not in said:
            more = k.recv(65536)
            if not more:
                break
            said += more
    except OSError:
        pass
    return word in said


def idle_connections():
    """Who does not answer pings is cut, who does nothing at all is, too."""
    import h2
    s = Server("--listen", "127.0.0.1:0", "--set", "keepalive_ms=400", "--set", "unused_ms=500")
    with grpc.insecure_channel(s.at) as ch:
        follower = stream(ch)(b"follow")
        follower.initial_metadata()
        dead = h2.open_h2(s.at)
        dead.sendall(h2.frame(1, 4, 1, h2.headers(b"/test.Echo/Stream")) + h2.frame(0, 1, 1, h2.message(b"follow")))
        silent = h2.connect(s.at)
        check(closed_within(dead, 60), "who answers no ping is cut")
        check(closed_within(silent, 60), "who makes no call is cut")
        s.send(signal.SIGUSR1)
        equal(next(follower), b"event 1", "who answers is not")
        follower.cancel()
    s.stop()


def health(server):
    with grpc.insecure_channel(server.at) as ch:
        ask = ch.unary_unary("/grpc.health.v1.Health/Check", HealthCheckRequest.SerializeToString,
                             HealthCheckResponse.FromString)
        watch = ch.unary_stream("/grpc.health.v1.Health/Watch", HealthCheckRequest.SerializeToString,
                                HealthCheckResponse.FromString)
        equal(ask(HealthCheckRequest()).status, HealthCheckResponse.SERVING, "serving")
        equal(ask(HealthCheckRequest(service="test.Echo")).status, HealthCheckResponse.SERVING, "by name")
        equal(status(lambda: ask(HealthCheckRequest(service="none")))[0], "NOT_FOUND", "an unknown name")
        equal(status(lambda: unary(ch, "../grpc.health.v1.Health/Check")(b"x"))[0], "UNIMPLEMENTED", "a path of nonsense")
        equal(status(lambda: ch.unary_unary("/grpc.health.v1.Health/Check")(b"\x0a\xff"))[0], "INVALID_ARGUMENT", "no message")
        w, none = watch(HealthCheckRequest(service="test.Echo")), watch(HealthCheckRequest(service="none"))
        equal(next(w).status, HealthCheckResponse.SERVING, "watched")
        equal(next(none).status, HealthCheckResponse.SERVICE_UNKNOWN, "an unknown name is watched, too")
        server.send(signal.SIGUSR2)
        equal(next(w).status, HealthCheckResponse.NOT_SERVING, "the change is told")
        equal(ask(HealthCheckRequest()).status, HealthCheckResponse.NOT_SERVING, "and checked")
        server.send(signal.SIGUSR2)
        equal(next(w).status, HealthCheckResponse.SERVING, "and back")
        w.cancel()
        none.cancel()


def reflection(at):
    R = ServerReflectionRequest
    with grpc.insecure_channel(at) as ch:
        for version in ("v1", "v1alpha"):
            ask = ch.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
                                   R.SerializeToString, ServerReflectionResponse.FromString)
            a = list(ask(iter([R(list_services="*"), R(file_by_filename="flow/flow.proto"),
                               R(file_containing_symbol="observer.Observer"),
                               R(file_containing_symbol="observer.Observer.GetFlows"),
                               R(file_containing_symbol="flow.Flow.no_such"),
                               R(file_by_filename="none.proto"), R(all_extension_numbers_of_type="flow.Flow"), R(),
                               R(file_containing_symbol="flow.Verdict"), R(file_containing_symbol="flow.DROPPED"),
                               R(file_containing_symbol="flow.Flow.verdict")])))
            names = [s.name for s in a[0].list_services_response.service]
            check("test.Echo" in names and "grpc.health.v1.Health" in names, f"{version} lists {names}")
            for i, name in ((1, "flow/flow.proto"), (2, "observer/observer.proto"), (3, "observer/observer.proto"),
                            (8, "flow/flow.proto"), (9, "flow/flow.proto"), (10, "flow/flow.proto")):
                file = a[i].file_descriptor_response.file_descriptor_proto
                equal(FileDescriptorProto.FromString(file[0]).name if file else a[i].error_response, name,
                      f"{version}, answer {i}")
            for i in (4, 5, 6):
                equal(a[i].error_response.error_code, 5, f"{version}, answer {i} is NOT_FOUND")
            equal(a[7].error_response.error_code, 3, "nothing asked")
            equal(a[5].original_request.file_by_filename, "none.proto", "the request comes back")


def unix(dir):
    path = dir + "/u.sock"
    s = Server("--mode", "0660", "--unix", path)
    equal(os.stat(path).st_mode & 0o777, 0o660, "the mode")
    with grpc.insecure_channel("unix:" + path) as ch:
        equal(unary(ch)(b"hello"), b"hello", "over a unix socket")
        who = unary(ch, "Who")(b"").decode()
        check(f"uid {os.getuid()} pid {os.getpid()}" in who, f"the kernel says who it is: {who}")
        again = Server("--unix", path)
        check(again.error and "another server has it" in again.error, f"a live server's path is not taken: {again.error}")
        equal(unary(ch)(b"still"), b"still", "and goes on serving")
    s.p.kill()
    s.p.wait()
    check(os.path.exists(path), "a dead server leaves its socket")
    s = Server("--mode", "0666", "--unix", path)
    check(not s.error, f"which the next one takes: {s.error}")
    with grpc.insecure_channel("unix:" + path) as ch:
        equal(unary(ch)(b"hello"), b"hello", "and serves there")
    s.stop()
    check(not os.path.exists(path) and not os.path.exists(path + ".lock"), "at a clean end nothing is left")


def other_user(dir):
    """The mode lets another user in and the list does not: it is hung up on."""
    if os.getuid():
        return
    path = dir + "/o.sock"
    os.chmod(dir, 0o755)
    s = Server("--mode", "0600", "--unix", path)
    os.chmod(path, 0o666)
    pid = os.fork()
    if not pid:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        k = socket.socket(socket.AF_UNIX)
        k.connect(path)
        k.settimeout(30)
        try:
            os._exit(0 if k.recv(1) == b"" else 1)
        except ConnectionResetError:
            os._exit(0)
        except OSError:
            os._exit(2)
    equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, "another user is hung up on, whatever the file says")
    s.stop()


def tls(dir):
    s = Server("--tls", dir + "/ca.crt", dir + "/server.crt", dir + "/server.key", "--listen", "127.0.0.1:0")

    def secure(ca, name=None):
        return grpc.secure_channel(s.at, grpc.ssl_channel_credentials(
            read(ca + ".crt"), read(name + ".key") if name else None, read(name + ".crt") if name else None))

    with secure("ca", "client") as ch:
        equal(unary(ch)(b"hello"), b"hello", "mutual TLS")
        equal(sum(1 for _ in stream(ch)(b"20000 300")), 20000, "a stream over it")
        who = unary(ch, "Who")(b"").decode()
        check("kind 2" in who and "name client san client.test" in who, f"who it is: {who}")
    for ca, name in (("ca", None), ("ca", "stranger"), ("ca", "late"), ("other", "client")):
        with secure(ca, name) as ch:
            equal(status(lambda: unary(ch)(b"x", timeout=60))[0], "UNAVAILABLE", f"refused: {ca}, {name}")
    ctx = ssl.create_default_context(cafile=dir + "/ca.crt")
    ctx.load_cert_chain(dir + "/client.crt", dir + "/client.key")
    ctx.set_alpn_protocols(["h2"])
    ctx.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        with ctx.wrap_socket(socket.create_connection(("127.0.0.1", s.ports[0])), server_hostname="localhost") as k:
            check(False, f"{k.version()} is spoken")
    except (ssl.SSLError, OSError):
        check(True, "TLS 1.2 is not spoken")
    ctx.maximum_version = ssl.TLSVersion.TLSv1_3
    with ctx.wrap_socket(socket.create_connection(("127.0.0.1", s.ports[0])), server_hostname="localhost") as k:
        equal(k.version(), "TLSv1.3", "TLS 1.3 is")
    s.stop()


def slow_readers(server):
    """50 clients that follow a flood and do not read."""
    import h2
    base = server.rss()
    block = h2.headers(b"/test.Echo/Stream")
    body = h2.message(b"-1 600")
    window = h2.frame(8, 0, 0, b"\x7f\xff\x00\x00")
    socks = []
    for _ in range(50):
        k = h2.connect(server.at)
        k.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        k.sendall(h2.PREFACE + h2.frame(4, 0, 0) + window + h2.frame(1, 4, 1, block) + h2.frame(0, 1, 1, body))
        socks.append(k)
    sizes = [0]

    def steady():
        """A second passes without more."""
        sizes.append(server.rss() - base)
        return len(sizes) > 2 and sizes[-1] < sizes[-2] + 1024

    until(steady, 30, 1)
    once, twice = sizes[-2:]
    for k in socks:
        k.close()
    print(f"50 clients that do not read: {once} KiB, {twice} KiB a second later")
    bounded(once, 12 * 1024, "clients that do not read")
    bounded(twice, once + 1024, "in another second")


def shutdown(follower, ch, server):
    """GOAWAY while calls are open: followers are told, what is under way may end."""
    import h2
    stalled = h2.connect(server.at)
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.sendall(h2.PREFACE + h2.frame(4, 0, 0) + h2.frame(8, 0, 0, b"\x7f\xff\0\0") +
                    h2.frame(1, 4, 1, h2.headers(b"/test.Echo/Stream")) + h2.frame(0, 1, 1, h2.message(b"-1 600")))
    calls = stats(ch)["live_calls"]
    late = unary(ch).future(b"wait 1000")
    check(until(lambda: stats(ch)["live_calls"] > calls), "a call is under way")
    server.send(signal.SIGTERM)
    equal(status(lambda: [m for m in follower]), ("UNAVAILABLE", "the server is shutting down"), "followers are told")
    equal(status(lambda: late.result()), ("OK", b"late"), "a call under way ends well")
    began = time.time()
    server.stop()
    check(time.time() - began < 20, f"one that does not read holds it up for {time.time() - began:.1f} s")


def main():
    s = Server("--listen", "127.0.0.1:0")
    calls(s.at)
    cancel(s.at)
    follow(s)
    many(s.at)
    slow_readers(s)
    health(s)
    reflection(s.at)
    ch = grpc.insecure_channel(s.at)
    follower = stream(ch)(b"follow")
    follower.initial_metadata()
    shutdown(follower, ch, s)
    limits()
    overslept()
    idle_connections()
    unix(DIR)
    other_user(DIR)
    tls(DIR)


try:
    main()
finally:
    done()
