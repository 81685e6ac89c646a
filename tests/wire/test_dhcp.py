# SPDX-License-Identifier: MIT
"""The address: by DHCP from servers good and bad, and by hand (RFC 2131)."""

import re
import socket
import time

import pytest

from dhcpd import DISCOVER, REQUEST, Dhcpd, options_of

PROMPT_S = 0.050
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


def test_renewal(server, full):
    """A lease is renewed at half its time, with connections going on."""
    if not full:
        pytest.skip("two minutes: only in make test-full")
    site, daemon = server(lease=120)
    site.serving()
    with site.client() as client:
        until = time.monotonic() + 130
        while time.monotonic() < until:
            assert client.get().status == 200
            time.sleep(0.25)
    assert daemon.count(REQUEST) >= 2
    assert daemon.count(DISCOVER) == 1


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
    """A lost first message costs about a second, a lost request no more than a few."""
    site, daemon = server(silent=True)
    daemon.drop_next, daemon.silent = 1, False
    site.serving(20)
    assert daemon.count(DISCOVER) >= 2
    assert site.get().status == 200


@pytest.mark.parametrize("address", ("127.0.0.1", "224.0.0.5", "10.77.255.255"))
def test_liar(server, address, full):
    """An address that no machine can have is refused, and another asked for."""
    if not full and address != "127.0.0.1":
        pytest.skip("only in make test-full")
    site, daemon = server(address=address)
    site.vm.wait_for(r"dhcp: a server gave .*, which no machine can have", 20)
    assert "serving" not in site.vm.console.text()
    daemon.address = "10.77.1.77"
    site.serving(40)
    assert site.get().status == 200


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
