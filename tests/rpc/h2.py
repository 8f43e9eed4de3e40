# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 by hand: what no honest client sends."""
import socket, struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A header that is not put into the table."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def headers(path, extra=b""):
    return (b"\x83\x86\x04" + bytes([len(path)]) + path + b"\x01\x04test" +
            literal(b"content-type", b"application/grpc") + literal(b"te", b"trailers") + extra)


def message(payload):
    return b"\0" + struct.pack(">I", len(payload)) + payload


def connect(where, source=None):
    if where.startswith("unix:"):
        s = socket.socket(socket.AF_UNIX)
        s.connect(where[5:])
    else:
        host, port = where.rsplit(":", 1)
        s = socket.create_connection((host, int(port)), source_address=source)
    return s


def open_h2(where, wrap=None, source=None):
    s = connect(where, source)
    if wrap:
        s = wrap(s)
    s.sendall(PREFACE + frame(4, 0, 0))
    return s


def resets(path, pairs, first=1, body=None):
    """So many calls, each opened and reset at once."""
    block = headers(path)
    out = []
    for i in range(pairs):
        n = first + 2 * i
        out.append(frame(1, 4, n, block))
        if body is not None:
            out.append(frame(0, 1, n, message(body)))
        out.append(frame(3, 0, n, b"\0\0\0\x08"))
    return b"".join(out)
