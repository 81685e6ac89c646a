# SPDX-License-Identifier: MIT
"""The address: by DHCP from servers good and bad, and by hand (RFC 2131)."""

import re
import socket
import time

import pytest

from client import Closed
from dhcpd import ACK, DISCOVER, OFFER, RELEASE, REQUEST, Dhcpd, options_of

PROMPT_S = 0.050
SHORT_S = 10                   # the shortest lease that is taken at its word
OTHER = socket.inet_aton("10.77.1.99")
STAMP = re.compile(r"^\[ *(\d+\.\d+)\]")


def stamp(site, regex, timeout=20):
    """The guest's own time of a console line, in seconds since its boot."""
    line = site.vm.wait_for(regex, timeout).string
    found = STAMP.match(line)
    assert found, line
    return float(found[1])


@pytest.fixture
def server(boot):
    """server(settings, before=..., **how) -> (site, Dhcpd): a machine with our own DHCP server."""
    made = []

    def start(settings="", **how):
        site = boot(settings, wait=False, dhcp=False, by_hand=False, start=False)
        daemon = Dhcpd(site.net, **how)
        made.append(daemon)
        site.start()
        return site, daemon
    yield start
    for daemon in made:
        daemon.close()


@pytest.mark.busy
def test_prompt(server, row):
    """An address within 50 ms of a server that answers at once."""
    best = 10.0
    for _ in range(3):
        site, daemon = server()
        asked = stamp(site, r"dhcp: asking for an address")
        got = stamp(site, r"address 10\.77\.1\.77/16, gateway 10\.77\.0\.1")
        best = min(best, got - asked)
        daemon.close()
        site.close()
    assert best < PROMPT_S + row.deaf, best


def test_what_it_asks(server):
    """DISCOVER and REQUEST are well formed: client identity, parameter list, host name."""
    site, daemon = server("hostname=clock-7")
    site.serving()
    assert site.address == "10.77.1.77"
    assert site.get().status == 200
    kinds = [kind for _, kind, _ in daemon.seen]
    assert kinds[:2] == [DISCOVER, REQUEST], kinds
    for _, _, packet in daemon.seen[:2]:
        assert packet[0:3] == b"\1\1\6" and len(packet) >= 300
        options = options_of(packet)
        assert {1, 3, 6} <= set(options[55]), options
        assert options.get(12) == b"clock-7"
    options = options_of(daemon.seen[1][2])
    assert options[50] == bytes((10, 77, 1, 77)) and options[54] == bytes((10, 77, 0, 1))


def test_late_server(server):
    """While nobody answers the console says so and it keeps trying; then it serves."""
    site, daemon = server(silent=True)
    site.vm.wait_for(r"dhcp: no answer yet, still trying", 15)
    while daemon.count(DISCOVER) < 3:
        time.sleep(0.1)
        assert site.vm.running()
    daemon.silent = False
    site.serving(40)
    assert site.get().status == 200


def test_refusal(server):
    """A NAK starts it over."""
    site, daemon = server(silent=True)
    daemon.nak_next = 2
    daemon.silent = False
    site.serving(60)
    assert daemon.count(DISCOVER) >= 3 and daemon.nak_next == 0
    assert site.get().status == 200


def test_refusals(server):
    """A server that refuses each time is asked about once a second, not as fast as it answers."""
    site, daemon = server(silent=True)
    daemon.nak_next, daemon.silent = 1 << 30, False
    until(lambda: daemon.count(REQUEST) >= 3, site)
    times = [when for when, kind, _ in daemon.seen if kind == REQUEST]
    assert times[2] - times[0] > 0.4, times
    daemon.nak_next = 0
    site.serving(60)
    assert site.get().status == 200


def every_day(row, full, name):
    """Some are for one machine in `make test`, and for all in `make test-full`."""
    if not full and row.name != name:
        pytest.skip(f"on {name}, and in make test-full")


def until(happened, site, limit=40):
    """Waits for it."""
    deadline = time.monotonic() + limit
    while not happened():
        assert time.monotonic() < deadline and site.vm.running(), site.vm.console.text()
        time.sleep(0.1)


def test_renewal(server, row, full):
    """A lease is renewed at half its time, with connections going on."""
    every_day(row, full, "host")
    site, daemon = server(lease=SHORT_S)
    site.serving()
    with site.client() as client:
        until(lambda: len(daemon.acked) == 2 and client.get().status == 200, site)
    assert daemon.to_all == [True, True, False]
    assert daemon.count(DISCOVER) == 1


def test_endless(server, full):
    """A lease that no longer ends does not end when the one before would have."""
    if not full:
        pytest.skip("half a minute: only in make test-full")
    site, daemon = server(lease=SHORT_S)
    site.serving()
    daemon.lease = 0xffffffff
    until(lambda: len(daemon.acked) == 2, site)
    daemon.silent = True
    time.sleep(2 * SHORT_S)
    assert site.get().status == 200
    assert "address lost" not in site.vm.console.text()


def test_expiry(server, row, full):
    """Its server gone, a lease is asked for of that server, then of everybody; then it ends, and
    the address with it, no later than it was given for, and is asked for anew."""
    every_day(row, full, "microvm")
    site, daemon = server(lease=SHORT_S)
    got = stamp(site, r"address 10\.77\.1\.77/16, .* lease 10 s")
    site.serving()
    with site.client() as client:
        assert client.get().status == 200
        daemon.silent = True
        lost = stamp(site, r"dhcp: address lost", 60)
        assert SHORT_S - 1.5 < lost - got < SHORT_S + 5
        until(lambda: daemon.count(DISCOVER) >= 2, site)
        began = [kind for _, kind, _ in daemon.seen].index(DISCOVER, 1)
        asked = [everybody for (_, kind, _), everybody in zip(daemon.seen[:began], daemon.to_all)
                 if kind == REQUEST]
        assert asked == [True, False, True], asked
        mark = site.vm.mark()
        daemon.silent = False
        site.vm.wait_for(r"address 10\.77\.1\.77/16", 40, mark)
        assert site.get().status == 200
        with pytest.raises((OSError, Closed)):      # it went with the address
            client.get()


def test_nonsense_options(server):
    """Options cut off, of wrong length and doubled do no harm."""
    site, _ = server(more=b"\x33\1\1\x06\3\1\2\3\x0c\x00\x79\x05\x20\x0a\x4d\x00\x0f\x42\x80")
    site.vm.wait_for(r"dhcp: asking", 10)
    time.sleep(1)
    assert site.vm.running(), site.vm.console.text()


def test_one_address_network(server):
    """A lease with netmask 255.255.255.255 and the gateway off link, as some clouds give it."""
    site, _ = server(mask="255.255.255.255")
    site.serving()
    assert site.get().status == 200


def options(**values):
    """Options as bytes: mtu=, dns=, ntp=, routes= (RFC 2132, RFC 3442)."""
    codes = {"mtu": 26, "dns": 6, "ntp": 42, "routes": 121}
    return b"".join(bytes((codes[name], len(value))) + value for name, value in values.items())


def test_classless_routes(server):
    """Option 121: its gateway is taken for what it names, and option 3 counts no more."""
    aton = socket.inet_aton
    site, _ = server(more=options(routes=b"\x18" + aton("10.80.1.0")[:3] + aton("10.77.0.2")
                                  + b"\x20" + aton("10.81.0.1") + aton("0.0.0.0")))
    for address in ("10.80.1.5/24", "10.81.0.1/32", "10.82.0.1/24"):
        site.net.ip("addr", "add", address, "dev", site.interface())
    site.serving()
    assert site.get().status == 200
    with site.client(source="10.80.1.5") as client:
        assert client.get().status == 200
    with site.client(source="10.81.0.1") as client:
        assert client.get().status == 200
    with pytest.raises(OSError):
        site.socket(source="10.82.0.1", timeout=2)


def test_mtu(server):
    """Option 26: no segment and no echo is larger."""
    site, _ = server(more=options(mtu=b"\x02\x80"))
    site.serving()
    with site.client() as client:
        mss = client.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
        assert mss <= 600, mss
        assert client.get().status == 200


def test_two_servers(server):
    """Of two servers one is chosen, and the other's options count for nothing."""
    site, daemon = server(silent=True)
    late = Dhcpd(site.net, address="10.77.1.88", ident="10.77.0.3", more=options(mtu=b"\x02\x80"))
    late.silent = True
    daemon.offer_more = options(mtu=b"\x02\x80")
    daemon.silent = late.silent = False
    site.serving(40)
    chosen = daemon if site.address == "10.77.1.77" else late
    named = {options_of(packet)[54] for _, kind, packet in chosen.seen if kind == REQUEST}
    assert named == {chosen.identity()}
    if chosen is daemon:
        with site.client() as client:
            assert client.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) > 600 or \
                site.budget.connections < 20
    assert site.get().status == 200
    late.close()


def test_lost(server):
    """A lost question costs about a second, a lost answer no more than a few."""
    site, daemon = server(silent=True)
    daemon.lose = [OFFER, ACK]
    daemon.drop_next, daemon.silent = 1, False
    site.serving(40)
    assert daemon.count(DISCOVER) >= 3 and daemon.count(REQUEST) >= 2 and not daemon.lose
    assert site.get().status == 200


@pytest.mark.parametrize("address,mask", (
    ("127.0.0.1", "255.255.0.0"), ("10.77.1.77", "255.0.255.0"), ("224.0.0.5", "255.255.0.0"),
    ("10.77.255.255", "255.255.0.0"), ("10.77.0.0", "255.255.0.0"), ("0.0.0.0", "255.255.0.0")))
def test_liar(server, address, mask, full):
    """An address or a mask that no machine can have is refused, and another asked for; what came
    with it does not stay."""
    if not full and address != "127.0.0.1":
        pytest.skip("only in make test-full")
    site, daemon = server(address=address, mask=mask, own_dns=False,
                          more=options(mtu=b"\x02\x80", dns=socket.inet_aton("10.77.0.4")))
    shown = {"0.0.0.0": "none"}.get(address, address)
    site.vm.wait_for(f"dhcp: a server gave {shown}/{mask}, which no machine can have", 20)
    assert "serving" not in site.vm.console.text()
    daemon.address, daemon.mask, daemon.more = "10.77.1.77", "255.255.0.0", b""
    site.vm.wait_for(r"address 10\.77\.1\.77/16, gateway 10\.77\.0\.1, dns none", 40)
    site.serving()
    with site.client() as client:
        mss = client.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
        assert mss > 600 or site.budget.mss <= 600, mss
        assert client.get().status == 200


def strays(answer):
    """What is no answer to us, or damaged, and has another address."""
    other = answer[:16] + OTHER + answer[20:]
    yield other[:4] + bytes((other[4] ^ 1,)) + other[5:]                  # another's question
    yield other[:28] + bytes((other[28] ^ 2,)) + other[29:]               # another's card
    yield b"\1" + other[1:]                                               # a question
    for cut in (0, 1, 43, 44, 235, 240, 242, len(other) - 1):
        yield other[:cut]
    yield other[:240] + other[243:]                                       # of no type
    for kind in (0, DISCOVER, REQUEST, RELEASE, 99):
        yield other[:242] + bytes((kind,)) + other[243:]
    yield other[:-1] + b"\x0c\xff"                                        # runs past the end
    yield other[:-1] + b"\x33\1\1\xff"                                    # a lease of one byte
    if answer[242] == OFFER:
        yield other[:243] + other[249:]                                   # of no server


def test_strays(server):
    """What is not for the machine, or damaged, is passed over; the honest answer is taken."""
    site, daemon = server(silent=True)
    daemon.lies, daemon.silent = strays, False
    site.serving(40)
    assert site.address == "10.77.1.77"
    assert daemon.count(DISCOVER) - daemon.count(REQUEST) <= 1
    assert site.get().status == 200


def second_offer(answer):
    """A lie of Dhcpd: of offers another follows, by the same server, of another address."""
    if answer[242] == OFFER:
        yield answer
        yield answer[:16] + OTHER + answer[20:]


ATON = socket.inet_aton
LIES = {
    "no lease": {"lease": 0},
    "times in the wrong order": {"more": b"\x3a\4\0\1\0\0\x3b\4\0\0\1\0"},
    "renewed never": {"more": b"\x3a\4\xff\xff\xff\xff\x3b\4\xff\xff\xff\xff"},
    "itself the gateway": {"gateway": "10.77.1.77"},
    "a gateway off the link": {"gateway": "192.0.2.1"},
    "a group for a gateway": {"gateway": "224.0.0.1"},
    "name servers that are none": {"own_dns": False, "more": b"\6\x0c" + ATON("0.0.0.0")
                                   + ATON("224.0.0.1") + ATON("255.255.255.255")},
    "no MTU": {"more": b"\x1a\2\0\0"},
    "an MTU of 65535": {"more": b"\x1a\2\xff\xff"},
    "routes that are none": {"more": b"\x79\6\x40\x0a\x4d\0\0\1"},
    "two offers": {"lies": second_offer},
}
EVERY_DAY = ("times in the wrong order", "two offers")


@pytest.mark.parametrize("lie", LIES)
def test_lies(server, lie, full):
    """What is wrong with a lease beside its address is put up with."""
    if not full and lie not in EVERY_DAY:
        pytest.skip("only in make test-full")
    how = dict(LIES[lie])
    lies = how.pop("lies", None)
    site, daemon = server(silent=True, **how)
    daemon.lies, daemon.silent = lies, False
    site.serving(40)
    assert site.address == "10.77.1.77"
    for _ in range(3):
        assert site.get().status == 200
    assert daemon.count(REQUEST) <= 2


def test_dns_and_ntp(server):
    """Options 6 and 42: who is asked for names and for the time."""
    aton = socket.inet_aton
    site, daemon = server(more=options(dns=aton("10.77.0.4") + aton("10.77.0.5"),
                                       ntp=aton("10.77.0.1")), own_dns=False)
    site.vm.wait_for(r"address 10\.77\.1\.77/16, gateway 10\.77\.0\.1, dns 10\.77\.0\.4", 20)
    site.serving()
    assert daemon.count(REQUEST) == 1


def test_static(boot):
    """ip= and gw= by hand: no DHCP, serving at once."""
    site = boot("", dhcp=False)
    assert site.address == "10.77.2.2"
    assert site.get().status == 200
    assert "dhcp:" not in site.vm.console.text()


def test_dnsmasq(boot):
    """The usual server."""
    site = boot("hostname=by-dnsmasq")
    assert site.address.startswith("10.77.1.")
    assert site.get().status == 200
