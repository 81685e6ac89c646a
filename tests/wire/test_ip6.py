# SPDX-License-Identifier: MIT
"""IPv6: addresses by router advertisement and by hand, serving, neighbours, fragments, path MTU,
and hosts that do not mean well (RFC 8200, 4861, 4862, 7217, 8106, 8201)."""

import ipaddress
import random
import ssl
import struct
import time

import pytest
from scapy.layers.inet import TCP, UDP
from scapy.layers.inet6 import (ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA,
                                ICMPv6ND_Redirect, ICMPv6NDOptDstLLAddr, ICMPv6NDOptPrefixInfo,
                                ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig, ICMPv6Unknown, IPv6,
                                IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                                IPv6ExtHdrRouting, PadN)
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from client import Client
from net6 import (FORGED, HOST6, NIC_ROWS, Router, Wire, enable, get6, radvd, skip_unless, socket6,
                  wait_serving6)
from site_vm import nothing_kept

pytestmark = pytest.mark.large
STRANGER = "fd77::66"
NODAD = {"4": (), "6": ("nodad",)}
NEVER_WHOLE = 600                 # the id of fragments
SHORT_ROWS = ("microvm", "host")
MANY = 10000                      # neighbours: far more than any table has room for


@pytest.fixture(autouse=True)
def few_rows(request, row, full):
    """Two machines are enough for every day, for most of it."""
    skip_unless(request, row, full, SHORT_ROWS)


@pytest.fixture
def start(boot):
    """start(settings, ...) -> (site, Router): a machine whose router is ours."""
    routers = []

    def make(settings="", **how):
        site = boot(settings, wait=False, start=False, dhcp=False, by_hand="ip=" not in settings)
        router = Router(site.net, enable(site.net), **how)
        routers.append(router)
        site.start()
        return site, router
    yield make
    for router in routers:
        router.close()


@pytest.fixture(scope="module")
def six_boot(row, image, full):
    """A machine with both families, its IPv6 address in .six, a router of ours in .router."""
    if not full and row.name not in SHORT_ROWS + NIC_ROWS:
        pytest.skip("only in make test-full")
    from site_vm import Site
    site = Site(row, image, "metrics=yes", dhcp=False)
    router = Router(site.net, enable(site.net), prefixes=("fd77::", "fd78::"))
    router.rdnss = (HOST6,)
    site.boot()
    site.router = router
    site.six = wait_serving6(site, "fd77::")
    site.seven = wait_serving6(site, "fd78::")
    before = site.resources()
    yield site
    site.check(before)
    router.close()
    site.close()


@pytest.fixture
def six(request, six_boot):
    """The same, checked for leaks after the test, unless what it leaves behind ages away."""
    before = six_boot.resources()
    yield six_boot
    if not request.node.get_closest_marker("drains_late"):
        six_boot.check(before)


@pytest.fixture
def wire(six):
    """A stranger on its wire who knows its MAC."""
    with Wire(six.net, STRANGER) as stranger:
        six.mac = stranger.mac_of(six.six)
        assert six.mac
        yield stranger


# ---- Serving ---------------------------------------------------------------------


def test_serves(six):
    """The same service by both families, at every address and by TLS."""
    link = six.vm.wait_for(r"ip6: address (fe80::[0-9a-f:]+), link-local", 1)[1]
    for address in (six.six, six.seven, link):
        if address == six.seven:
            six.net.ip("route", "replace", "fd78::/64", "dev", "zk0")
        assert get6(six, address).status == 200
    assert six.get().status == 200
    with Client(socket6(six, six.six), 10) as client:
        client.send(f"GET / HTTP/1.1\r\nHost: [{six.six}]:8080\r\n\r\n")
        assert client.answer().status == 200
    if six.tls:
        context = ssl._create_unverified_context()
        with context.wrap_socket(socket6(six, six.six, 8443)) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert sock.recv(100).startswith(b"HTTP/1.1 200")


def test_stable_and_opaque(six):
    """No address holds the card's number, and no two networks see the same one."""
    names = [ipaddress.IPv6Address(a).packed[8:] for a in (
        six.six, six.seven, six.vm.wait_for(r"ip6: address (fe80::[0-9a-f:]+)", 1)[1])]
    assert len(set(names)) == 3
    assert not any(name[3:5] == b"\xff\xfe" for name in names)


def test_many(six):
    """Some hundred connections at once, and many requests on each."""
    socks = [socket6(six, six.six) for _ in range(six.crowd(100))]
    for _ in range(5):
        for sock in socks:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        for sock in socks:
            assert sock.recv(1000).startswith(b"HTTP/1.1 200")
    for sock in socks:
        sock.close()


def test_ping(six, wire):
    """Echo of several sizes, and in fragments in any order; not to everybody."""
    for size in (0, 1, 56, 1000, 1440):
        assert wire.ping(six.six, six.mac, bytes(size)), size
    wire.send(IPv6(src=STRANGER, dst="ff02::1") / ICMPv6EchoRequest(data=b"x"))
    assert wire.receive(lambda p: p.src == six.six and p.nh == 58 and bytes(p)[40] == 129,
                        0.3) is None


def whole(packet):
    """Its bytes behind the IPv6 header, with the checksum made."""
    return bytes(packet)[40:]


def fragments(packet, cuts, ident):
    """The packet in fragments that end at `cuts` and at its end."""
    data, made, at = whole(packet), [], 0
    for cut in list(cuts) + [len(data)]:
        made.append(IPv6(src=packet.src, dst=packet.dst)
                    / IPv6ExtHdrFragment(nh=packet.nh, offset=at // 8, m=cut < len(data), id=ident)
                    / Raw(data[at:cut]))
        at = cut
    return made


def test_fragments(six, wire):
    """In any order and twice, put together; a fragment that is all (RFC 6946), too."""
    ping = IPv6(src=STRANGER, dst=six.six) / ICMPv6EchoRequest(id=7, seq=1, data=b"z" * 1400)
    for ident, order in enumerate(((0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 0, 1, 1, 2))):
        for n in order:
            wire.send(fragments(ping, (400, 808), ident)[n], six.mac)
        assert wire.receive(lambda p: p.src == six.six and bytes(p)[40] == 129 and p.plen > 1400)
    wire.send(fragments(ping, (), 99)[0], six.mac)
    assert wire.receive(lambda p: p.src == six.six and bytes(p)[40] == 129)


def test_fragments_overlap(six, wire):
    """Pieces that overlap discard all of their packet, what comes later included, and nobody is
    told (RFC 5722), unlike of one that is never whole (RFC 8200 §4.5)."""
    ping = IPv6(src=STRANGER, dst=six.six) / ICMPv6EchoRequest(id=7, seq=1, data=b"a" * 800)
    for ident, order in ((500, (0, 1, 2, 0)), (501, (1, 0, 2))):
        first, last = fragments(ping, (408,), ident)
        evil = (IPv6(src=STRANGER, dst=six.six)
                / IPv6ExtHdrFragment(nh=58, offset=25, m=1, id=ident) / Raw(b"b" * 208))
        for n in order:
            wire.send((first, evil, last)[n], six.mac)
    assert wire.receive(lambda p: p.src == six.six and bytes(p)[40] == 129, 1) is None
    wire.send(fragments(ping, (408,), NEVER_WHOLE)[0], six.mac)
    told = wire.receive(lambda p: p.src == six.six and p.nh == 58 and bytes(p)[40] == 3, 15)
    assert told and bytes(told)[41] == 1
    assert int.from_bytes(bytes(told)[92:96], "big") == NEVER_WHOLE


def test_extension_headers(six, wire):
    """A SYN behind extension headers is answered; endless chains are not."""
    syn = TCP(sport=4444, dport=8080, flags="S", seq=1, window=1000)
    wire.send(IPv6(src=STRANGER, dst=six.six) / IPv6ExtHdrHopByHop(options=[PadN()])
              / IPv6ExtHdrDestOpt(options=[PadN()]) / syn, six.mac)
    assert wire.receive(lambda p: TCP in p and p[TCP].dport == 4444 and p[TCP].flags == "SA")
    wire.send(IPv6(src=STRANGER, dst=six.six)
              / TCP(sport=4444, dport=8080, flags="R", seq=2), six.mac)
    chain = IPv6(src=STRANGER, dst=six.six)
    for _ in range(40):
        chain /= IPv6ExtHdrDestOpt(options=[PadN()])
    wire.send(chain / TCP(sport=4445, dport=8080, flags="S", seq=1), six.mac)
    assert wire.receive(lambda p: TCP in p and p[TCP].dport == 4445, 0.3) is None
    for damaged in (b"\x3c\xff" + bytes(6), b"\x06\x00\xc2\xff" + bytes(4), b"\x06\x00\x01\x05"):
        wire.send(IPv6(src=STRANGER, dst=six.six, nh=60) / Raw(damaged), six.mac)
    wire.send(IPv6(src=STRANGER, dst=six.six) / IPv6ExtHdrRouting(addresses=["fd77::9"])
              / syn, six.mac)
    assert get6(six, six.six).status == 200


# ---- Path MTU ----------------------------------------------------------------------


@pytest.mark.parametrize("family", ("4", "6"))
def test_path_mtu(six, family):
    """A client behind a narrower link, with a real router between: everything arrives, in segments
    that fit."""
    net = six.net
    far = net.popen(["unshare", "-n", "sleep", "300"])
    time.sleep(0.3)
    try:
        net.ip("link", "add", f"far{family}", "mtu", "1320", "type", "veth", "peer", "name", "far",
               "mtu", "1500")
        net.ip("link", "set", "far", "netns", str(far.pid))
        net.ip("link", "set", f"far{family}", "up")
        near, client = {"4": ("10.79.0.1", "10.79.0.2/24"), "6": ("fd79::1", "fd79::2/64")}[family]
        net.ip("addr", "add", near + client[-3:], "dev", f"far{family}", *NODAD[family])
        inside = ["nsenter", "-t", str(far.pid), "-n"]
        for words in (("ip", "link", "set", "far", "up"),
                      ("ip", "addr", "add", client, "dev", "far", *NODAD[family]),
                      ("ip", "route", "add", "default", "via", near)):
            net.run(*inside, *words)
        with net.inside(), open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as knob:
            knob.write("1")
        before = six.metrics()["net_pmtu_lowered_total"]
        got = net.run(*inside, "curl", "-sg", "--max-time", "20",
                      f"http://{six.address if family == '4' else f'[{six.six}]'}:8080/metrics",
                      stdout=-1).stdout
        assert b"net_pmtu_lowered_total" in got and got.endswith(b"\n")
        assert six.metrics()["net_pmtu_lowered_total"] > before
    finally:
        net.end(far)


def test_path_mtu_lies(six, wire):
    """Whoever cannot quote what is under way lowers nothing."""
    before = six.metrics()["net_pmtu_lowered_total"]
    with Client(socket6(six, six.six), 10) as client:
        port = client.sock.getsockname()[1]
        assert client.get().status == 200
        for seq in random.Random(3).sample(range(1 << 32), 50):
            quoted = (IPv6(src=six.six, dst=HOST6)
                      / TCP(sport=8080, dport=port, seq=seq, flags="A") / Raw(b"x" * 100))
            wire.send(IPv6(src=STRANGER, dst=six.six) / ICMPv6PacketTooBig(mtu=1280) / quoted,
                      six.mac)
        wire.send(IPv6(src=STRANGER, dst=six.six) / ICMPv6PacketTooBig(mtu=0)
                  / IPv6(src=six.six, dst=HOST6), six.mac)
        assert client.get().status == 200
    assert six.metrics()["net_pmtu_lowered_total"] == before


def test_path_mtu_least(six, wire):
    """A router that says of a packet under way that no 1280 bytes pass is not believed."""
    def send(flags, data=b""):
        wire.send(IPv6(src=STRANGER, dst=six.six)
                  / TCP(sport=4500, dport=8080, flags=flags, seq=seq, ack=ack, window=60000,
                        options=[("MSS", 1440)] if flags == "S" else []) / Raw(data), six.mac)

    def segment(packet):
        return TCP in packet and packet[TCP].dport == 4500 and packet.plen > 1000
    before = six.metrics()["net_pmtu_lowered_total"]
    seq = ack = 0
    send("S")
    answer = wire.receive(lambda p: TCP in p and p[TCP].dport == 4500)
    seq, ack = 1, answer[TCP].seq + 1
    request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    send("A", request)
    seq += len(request)
    first = wire.receive(segment)
    for mtu in (0, 68, 1000, 1279):
        wire.send(IPv6(src=STRANGER, dst=six.six) / ICMPv6PacketTooBig(mtu=mtu)
                  / Raw(bytes(first)[:1000]), six.mac)
    again = wire.receive(lambda p: segment(p) and p[TCP].seq == first[TCP].seq, 10)
    assert again and again.plen == first.plen > 1240
    wire.send(IPv6(src=STRANGER, dst=six.six) / ICMPv6PacketTooBig(mtu=1280)
              / Raw(bytes(first)[:1000]), six.mac)
    less = wire.receive(lambda p: TCP in p and p[TCP].seq == first[TCP].seq and p.plen <= 1240, 10)
    assert less and less.plen > 1000
    send("R")
    assert six.metrics()["net_pmtu_lowered_total"] == before + 1


# ---- Neighbours and routers that do not mean well -------------------------------------


def test_claims(six, wire):
    """Somebody claims the machine's address, or redirects it: it goes on."""
    for _ in range(20):
        for to in ("ff02::1", six.six):
            wire.send(IPv6(src=six.six, dst=to, hlim=255) / ICMPv6ND_NA(tgt=six.six, S=0, O=1)
                      / ICMPv6NDOptDstLLAddr(lladdr=FORGED))
        wire.send(IPv6(src=six.router.link, dst=six.six, hlim=255)
                  / ICMPv6ND_Redirect(tgt=STRANGER, dst=HOST6), six.mac)
    assert get6(six, six.six).status == 200


def test_withdrawn(six):
    """An advertisement without lifetimes takes no address that is in use (RFC 4862 5.5.3 e)."""
    six.router.valid = six.router.preferred = six.router.lifetime = 0
    six.router.advertise()
    time.sleep(2.2)
    six.router.valid, six.router.preferred, six.router.lifetime = 7200, 3600, 1800
    assert get6(six, six.six).status == 200
    six.router.advertise()
    time.sleep(0.3)


@pytest.mark.busy
@pytest.mark.also_on(*NIC_ROWS)
def test_neighbours_flood(six, wire):
    """Ten thousand neighbours: nothing is kept of most, and a real one is served at once."""
    first = bytes(Ether(dst=six.mac, src=FORGED) / IPv6(src="fd77::7:ffff:0", dst=six.six, hlim=255)
                  / ICMPv6ND_NS(tgt=six.six) / ICMPv6NDOptSrcLLAddr(lladdr=FORGED))
    before = six.metrics()
    for n in range(MANY):
        # The same sum for each, so that the checksum stays right.
        wire.sock.send(first[:34] + struct.pack(">HH", 0xffff - n, n) + first[38:])
        if n % 100 == 99:
            assert get6(six, six.six).status == 200
    began = time.monotonic()
    after = six.metrics()
    assert get6(six, six.six).status == 200
    assert time.monotonic() - began < 5
    nothing_kept(before, after)


@pytest.mark.busy
@pytest.mark.drains_late
def test_nonsense(six, wire):
    """ICMPv6 of every type with anything in it, right sums; fragments that are never whole."""
    chance = random.Random(6)
    for n in range(1500):
        packet = IPv6(src=chance.choice((STRANGER, "::", "fe80::66")), hlim=255,
                      dst=chance.choice((six.six, "ff02::1")))
        body = chance.randbytes(chance.randrange(0, 80))
        kind = chance.choice((1, 2, 3, 4, 128, 130, 131, 133, 134, 135, 136, 137, n % 256))
        packet /= ICMPv6Unknown(type=kind, code=chance.choice((0, 0, n % 256)), msgbody=body)
        wire.send(packet, six.mac)
        if n % 5 == 0:
            wire.send(IPv6(src=STRANGER, dst=six.six)
                      / IPv6ExtHdrFragment(nh=chance.choice((6, 17, 58)), offset=n % 7, m=1, id=n)
                      / Raw(bytes(64)), six.mac)
        if n % 7 == 0:
            wire.send(IPv6(src=STRANGER, dst=six.six) / UDP(sport=n, dport=chance.choice((546, n)))
                      / Raw(body), six.mac)
    assert get6(six, six.six).status == 200
    assert six.vm.running()


@pytest.mark.busy
def test_routers_flood(start):
    """Five hundred routers with a network each: what is taken of them is bounded."""
    site, router = start("metrics=yes ip=off ip6=auto")
    address = wait_serving6(site, "fd77::")
    with Wire(site.net, STRANGER) as stranger:
        for n in range(500):
            stranger.send(IPv6(src=f"fe80::{n + 1:x}", dst="ff02::1", hlim=255)
                          / ICMPv6ND_RA(routerlifetime=9000)
                          / ICMPv6NDOptSrcLLAddr(lladdr=FORGED)
                          / ICMPv6NDOptPrefixInfo(prefix=f"fd99:{n:x}::", prefixlen=64, L=1, A=1))
    time.sleep(3)
    router.advertise()
    assert get6(site, address).status == 200
    text = site.vm.console.text()
    assert text.count("ip6: address fd99") <= 6 and text.count("ip6: router") <= 4, text


# ---- Addresses ------------------------------------------------------------------------


@pytest.mark.also_on(*NIC_ROWS)
def test_radvd(boot):
    """The usual router: an address, its DNS server, and no IPv4 needed."""
    site = boot("ip=off", wait=False, start=False, dhcp=False, by_hand=False)
    enable(site.net)
    radvd(site.net, f"prefix fd77::/64 {{ AdvValidLifetime 600; AdvPreferredLifetime 300; }};"
                    f" RDNSS {HOST6} {{ }}; AdvLinkMTU 1400;")
    site.start()
    address = wait_serving6(site, "fd77::")
    assert get6(site, address).status == 200
    text = site.vm.console.text()
    assert "ip6: asking for a router" in text and "ip6: router fe80::" in text
    assert "dhcp:" not in text


def test_by_hand(boot):
    """ip6= and gw6= by hand: nobody is asked; a /64 counts as one peer."""
    site = boot("ip=off ip6=fd77::7/64 gw6=fd77::1 http.max_per_address=2", wait=False,
                start=False, dhcp=False, by_hand=False)
    enable(site.net, f"{HOST6}/64", "fd77::2/64", "fd7a::1/64")
    site.start()
    assert wait_serving6(site) == "fd77::7"
    assert "asking for a router" not in site.vm.console.text()

    def status(source):
        sock = socket6_from(site, source)
        held.append(sock)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        return sock.recv(1000)[9:12]
    held = []
    assert [status(s) for s in (HOST6, "fd77::2", HOST6)] == [b"200", b"200", b"503"]
    assert status("fd7a::1") == b"200"
    for sock in held:
        sock.close()


def socket6_from(site, source):
    """A connection from this address of ours."""
    import socket
    sock = site.net.socket(socket.AF_INET6, socket.SOCK_STREAM)
    sock.settimeout(10)
    sock.bind((source, 0))
    sock.connect(("fd77::7", 8080))
    return sock


def test_late_router(boot, full):
    """Without a router it says so, and listens on."""
    if not full:
        pytest.skip("only in make test-full")
    site = boot("ip=off", wait=False, start=False, dhcp=False, by_hand=False)
    link = enable(site.net)
    site.start()
    site.vm.wait_for(r"ip6: no router answers; listening on", 20)
    router = Router(site.net, link)
    router.advertise()
    address = wait_serving6(site, "fd77::")
    assert get6(site, address).status == 200
    router.close()


def test_taken(boot):
    """Another host has the address that it would make: it takes the next, and says so."""
    site = boot("ip=off", wait=False, start=False, dhcp=False, by_hand=False)
    link = enable(site.net)
    router = Router(site.net, link)
    taken = []
    with Wire(site.net, STRANGER) as other:
        site.start()
        deadline = time.monotonic() + 20
        while len(taken) < 2 and time.monotonic() < deadline:
            packet = other.receive(lambda p: ICMPv6ND_NS in p and p.src == "::", 1)
            if packet:
                taken.append(packet[ICMPv6ND_NS].tgt)
                other.send(IPv6(src=taken[-1], dst="ff02::1", hlim=255)
                           / ICMPv6ND_NA(tgt=taken[-1], S=0, O=1)
                           / ICMPv6NDOptDstLLAddr(lladdr=FORGED))
    site.vm.wait_for(r"ip6: another on this link has .*, taking the next", 10)
    address = wait_serving6(site, "fd77::")
    assert address not in taken and get6(site, address).status == 200
    router.close()


def test_reflected(boot):
    """Its own questions come back to it, as some switches have it: no other has the address."""
    site = boot("ip=off", wait=False, start=False, dhcp=False, by_hand=False)
    router = Router(site.net, enable(site.net))
    with Wire(site.net, STRANGER) as mirror:
        site.start()
        asked = set()
        deadline = time.monotonic() + 20
        while len(asked) < 2 and time.monotonic() < deadline:
            packet = mirror.receive(lambda p: ICMPv6ND_NS in p and p.src == "::", 1)
            if packet:
                asked.add(packet[ICMPv6ND_NS].tgt)
                mirror.send(packet, source=packet.underlayer.src, to="33:33:ff:00:00:01")
    address = wait_serving6(site, "fd77::")
    assert address in asked and get6(site, address).status == 200
    assert "another on this link" not in site.vm.console.text()
    router.close()


def test_off(boot):
    """ip6=off: silence."""
    site = boot("ip6=off", wait=False, start=False)
    enable(site.net)
    with Wire(site.net, STRANGER) as stranger:
        site.boot()
        assert stranger.receive(lambda p: True, 2.5) is None
    assert "ip6:" not in site.vm.console.text()


def test_wide_mtu(boot, row):
    """More than the card carries is said, and what it carries is used."""
    site = boot("mtu=9000")
    carries = 9000 if row.board in ("pc", "virt") else 1500
    site.vm.wait_for(rf"net: .* mtu {carries}\b", 5)
    assert ("this card's driver carries" in site.vm.console.text()) == (carries == 1500)
    assert site.get().status == 200
