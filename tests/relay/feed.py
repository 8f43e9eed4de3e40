# SPDX-License-Identifier: Apache-2.0
"""Pages that ask the same share one stream of flows: each sees all of it, in one order, or is told how many it missed; and
the next page costs next to nothing.  False agents number their flows, so what there was is known.  And a thousand
connections that only stay are let stay, as many as there is room for."""
import os
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "with"))
from page_rig import *  # noqa: E402,F403
from page_rig import Agent, B, DIR, Page, Readers, Stream, t  # noqa: E402

LIVE = "--last 300 -f"
PAGE_KIB = 64			# what the next page may cost, and each of many with all that they share; the first one, with all of that:
FIRST_KIB = 1536
OWN_KIB = 700			# one of many whose questions differ, all flows matching each
STREAMS, ROOM = 32, 256		# of flows, connections
HELD_KIB = 8192			# so many connections, whatever they do
FULL = 6 << 20			# more bytes than kernels keep for who does not read


def adds_up(s, what):
    """Shown and told are all there was: gaps lie between the first and the last of each node."""
    s.settle()
    numbers = s.numbers()
    t.equal(f"{what}: of each node", len(numbers), 3)
    t.check(f"{what}: each node's in order, none twice", all(a < b for n in numbers.values() for a, b in zip(n, n[1:])))
    t.equal(f"{what}: what was shown and what was told as lost is all", len(s.shown) + s.lost, s.all_there_was())


def together(p):
    """One is there from the begin, another joins: it begins with the last 300, and sees what the first sees."""
    first = Stream(p, LIVE)
    t.check("flows come", first.until(lambda: len(first.shown) >= 1000))
    second, bare = Stream(p, LIVE), Stream(p, "-f")
    t.check("and for who joins", second.until(lambda: len(second.shown) >= 1500) and bare.until(lambda: len(bare.shown) >= 700))
    want = {second.shown[-1], bare.shown[-1]}
    t.check("the first one has them, too", first.until(lambda: want <= set(first.shown[-20000:])))
    for s, what in ((first, "the first"), (second, "who joins"), (bare, "who wants no past")):
        adds_up(s, what)
        t.equal(f"{what}: of nodes before of flows", (s.names[0], len(s.nodes)), ("node", 3))
    if not first.lost and not second.lost and not bare.lost:
        at = first.shown.index(second.shown[0])
        t.equal("who joins sees the same in the same order", second.shown, first.shown[at:at + len(second.shown)])
        at = first.shown.index(bare.shown[0])
        t.equal("so does who wants no past", bare.shown, first.shown[at:at + len(bare.shown)])
        t.check("which begins behind it", second.shown.index(bare.shown[0]) >= 300, second.shown.index(bare.shown[0]))
    t.equal("all by one stream", p.streams(), 1)
    for s in (first, second, bare):
        s.close()
    again = Stream(p, LIVE)
    t.check("a page that is loaded again", again.until(lambda: len(again.shown) >= 300))
    t.equal("finds the stream as it was", p.streams(), 1)
    again.close()


def asleep(p, what):
    """One does not read for longer than everything in between can hold, and then does."""
    slow, quick = Stream(p, LIVE, room=4096), Stream(p, LIVE)
    t.check(f"{what}: the slow one begins", slow.until(lambda: len(slow.shown) >= 300))
    t.check(f"{what}: meanwhile the other reads on", quick.until(lambda: quick.bytes >= FULL))
    t.check(f"{what}: it is told of a loss", slow.until(lambda: slow.lost))
    shown = len(slow.shown)
    t.check(f"{what}: and goes on", slow.until(lambda: len(slow.shown) > shown + 1500))
    adds_up(slow, what)
    adds_up(quick, f"{what}, the other")
    counts = [p.metric(f"weir_relay_page_{name}") for name in ("readers", "feeds")]
    t.equal(f"{what}: two read one stream, and so it is counted", counts, [2, 1])

    def told():
        """What was counted as missed, they have read or are about to."""
        for s in (slow, quick):
            s.until(lambda: False, 0.2)
        return 0 <= p.metric("weir_relay_page_missed_flows_total") - slow.told - quick.told < FULL // 1000
    t.check(f"{what}: and what they were told", t.until(told), (p.metric("weir_relay_page_missed_flows_total"), slow.told, quick.told))
    print(f"{what}: {len(slow.shown)} shown, {slow.lost} told as lost in {slow.names.count('lost')} events")
    slow.close()
    quick.close()


def alone(p):
    """What ends by itself waits for its reader; what wants more of the past than a feed keeps has a stream of its own."""
    past = Stream(p, "--last 8000", room=4096)
    own = Stream(p, "--last 1000 -f")
    t.check("more of the past than is kept, and then on", own.until(lambda: len(own.shown) >= 2000))
    adds_up(own, "by itself")
    t.check("a question about the past comes to its end, however late it is read", past.until(lambda: past.over is not None))
    t.check("and well", isinstance(past.over, bytes) and b'"error":""' in past.over, past.over)
    t.check("whole", len(past.shown) == 8000 and not past.lost, (len(past.shown), past.lost))
    adds_up(past, "the past")
    past.close()
    own.close()


def grown(p, q, sockets, n):
    """KiB that the relay has when so many pages are open and read."""
    while len(sockets) < n:
        sockets.append(p.open(f"/api/v1/flows?q={q.replace('@', str(len(sockets)))}"))
    readers = Readers(sockets)
    t.check(f"{n} pages read", t.until(lambda: readers.bytes > n * 1_500_000, 60))
    rss = p.relay.rss()
    readers.open = False
    readers.join()
    return rss


def memory(p):
    sockets, before = [], p.relay.rss()
    one, four, many = (grown(p, "--last+300+-f", sockets, n) for n in (1, 4, 24))
    per = (many - four) / 20
    t.equal("24 pages by one stream", p.streams(), 1)
    for s in sockets:
        s.close()
    each = (many - before) / 24
    print(f"relay: {before} KiB, {one - before} for the first page that reads, {per:.1f} for each of 20 more; of 24 pages each {each:.1f}")
    own, base = [], p.relay.rss()
    alone = (grown(p, "--last+1@+-f+--to-port+@", own, 20) - base) / 20
    for s in own:
        s.close()
    print(f"relay: {base} KiB without them, {alone:.0f} for each of 20 whose questions differ")
    t.check("no stream is left", t.until(lambda: p.streams() == 0, 30))
    if "san" not in B:
        t.check("the next page costs next to nothing", per <= PAGE_KIB, f"{per:.1f} KiB")
        t.check("the first one what a stream and its tape take", one - before <= FIRST_KIB, f"{one - before} KiB")
        t.check("who asks what nobody else asks has a stream, and part of a tape", alone <= OWN_KIB, f"{alone:.0f} KiB")
        t.check("24 pages, all counted, what they may", each <= PAGE_KIB, f"{each:.1f} KiB each")
        t.check("it is given back", t.until(lambda: p.relay.rss() < before + 4096, 30), (p.relay.rss(), before))


class Quiet(Agent):
    """No flow ever."""
    def get_flows(self, data, context):
        while context.is_active():
            time.sleep(0.05)
        yield from ()


def held(p):
    """A thousand connections that ask, and then stay: streams without flows as many as may be, the others between requests."""
    t.equal("a page is answered", p.ask("/api/v1/map")[0], 200)
    before, many = p.relay.rss(), []
    for i in range(1000):
        stream = i >= 1000 - STREAMS
        s = p.open("/api/v1/flows?q=-f" if stream else "/api/v1/map", source=f"127.0.0.{2 + i % 8}")
        if not s.recv(12).startswith(b"HTTP/1.1 200"):
            t.equal(f"connection {i} is answered", "not", "200")
        many.append(s)
    t.equal("others are answered", p.ask("/api/v1/map")[0], 200)
    grown = p.relay.rss() - before
    print(f"relay: {before} KiB, {grown} more when 1,000 connections were made and kept")
    streams = many[-STREAMS:]
    for s in streams:
        s.setblocking(False)
    still = sum(alive(s) for s in many)
    t.check("so many stay, every stream among them", STREAMS < still <= ROOM and all(alive(s) for s in streams), still)
    if "san" not in B:
        t.check("they cost what they may", grown <= HELD_KIB, f"{grown} KiB")
    return before, many, streams


def alive(s):
    """Not closed by the other side; what came is thrown away."""
    s.setblocking(False)
    try:
        while data := s.recv(1 << 16):
            pass
        return bool(data)
    except BlockingIOError:
        return True
    except OSError:
        return False


def beats(p, before, many, streams):
    """A stream without flows says now and then that it is there."""
    heard = set()

    def all_heard():
        for i, s in enumerate(streams):
            try:
                heard.update([i] if b": beat\n\n" in s.recv(1 << 16) else [])
            except BlockingIOError:
                pass
        return len(heard) == len(streams)
    t.check("each stream without flows has its beat", t.until(all_heard, 40), f"{len(heard)} of {len(streams)}")
    for s in many:
        s.close()
    t.check("their streams end", t.until(lambda: p.streams() == 0), p.streams())
    if "san" not in B:
        t.check("what they took is given back", t.until(lambda: p.relay.rss() <= before + 2048), (p.relay.rss(), before))
    t.equal("and others are answered", p.ask("/api/v1/map")[0], 200)


def with_page(rate, past, *parts):
    page = Page(rate, past)
    try:
        for part in parts:
            part(page)
        t.equal("it ends well", page.relay.stop(), 0)
    finally:
        page.end()


try:
    quiet = Page(0, agents=[Quiet("quiet")], name="still")
    try:
        waiting = held(quiet)		# while the rest goes on
        with_page(500, 1000, memory)
        with_page(500, 3000, together, alone)
        with_page(1500, 1000, lambda p: asleep(p, "lapped at 4,500/s"))
        with_page(5000, 1000, lambda p: asleep(p, "passed by at 15,000/s"))
        beats(quiet, *waiting)
    finally:
        quiet.end()
finally:
    shutil.rmtree(DIR, ignore_errors=True)
sys.exit(t.done())
