# SPDX-License-Identifier: MIT
"""DHCPv6 (RFC 8415) with dnsmasq, with Kea, and with servers that lie."""

import json
import os
import re
import socket
import struct
import time

import pytest

from dhcpd6 import DECLINE, INFORMATION, REBIND, RENEW, REQUEST, SOLICIT, Dhcpd6, option
from net6 import (HOST6, NIC_ROWS, Router, Wire, enable, get6, radvd, skip_unless,
                  wait_serving6)
from netns import IFNAME
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, IPv6

pytestmark = pytest.mark.large


@pytest.fixture(autouse=True)
def few_rows(request, row, full):
    """One machine is enough for every day, for most of it."""
    skip_unless(request, row, full, ("host",))


@pytest.fixture
def lone(boot):
    """lone(settings) -> a machine without IPv4 that is not yet started, IPv6 in its namespace."""
    def make(settings=""):
        site = boot(f"ip=off {settings}", wait=False, start=False, dhcp=False, by_hand=False)
        site.link = enable(site.net)
        return site
    return make


@pytest.fixture
def managed(lone):
    """managed(server settings, ...) -> (site, Dhcpd6): started, with a router that sends to it."""
    made = []

    def make(settings="", flags=None, **how):
        site = lone(settings)
        made.append(Router(site.net, site.link, **(flags or {"M": 1})))
        made[-1].autonomous = 0
        made.append(Dhcpd6(site.net, **how))
        site.start()
        return site, made[-1]
    yield make
    for daemon in made:
        daemon.close()


def clock6(site, address):
    """GET /clock over IPv6."""
    return json.loads(get6(site, address, "/clock").body)


@pytest.mark.also_on("microvm")
def test_dnsmasq(lone):
    """The usual server, with its router: an address, a name server, a time server (option 56)."""
    site = lone("clock.page=yes")
    site.net.chronyd()
    site.net.dnsmasq("--enable-ra", "--dhcp-range=fd77::1000,fd77::2000,64,10m",
                     "--dhcp-option=option6:dns-server,[fd77::1]",
                     "--dhcp-option=option6:ntp-server,[fd77::1]")
    site.start()
    site.vm.wait_for(r"ip6: router fe80::.*, addresses by dhcp6", 20)
    site.vm.wait_for(r"dhcp6: leased an address, dns fd77::1, ntp \[fd77::1\]", 10)
    address = wait_serving6(site, "fd77::1")
    site.vm.wait_for(r"ntp: \[fd77::1\]:123: the time is known", 20)
    assert get6(site, address).status == 200


def test_stateless(lone):
    """A router that makes addresses and sends for servers only (O)."""
    site = lone()
    site.net.dnsmasq("--enable-ra", "--dhcp-range=fd77::,ra-stateless,64,10m",
                     "--dhcp-option=option6:dns-server,[fd77::1]")
    site.start()
    site.vm.wait_for(r"dhcp6: asking for servers", 20)
    site.vm.wait_for(r"dhcp6: told of servers, dns fd77::1, ntp none", 10)
    assert get6(site, wait_serving6(site, "fd77::")).status == 200


def link_local(net):
    """Our link-local address, once it can be used."""
    text = net.ip("-6", "-o", "addr", "show", "dev", IFNAME, "scope", "link")
    return None if "tentative" in text or "fe80" not in text else text.split()[3]


@pytest.mark.also_on("microvm")
def test_kea(lone):
    """Kea, with radvd to point at it."""
    site = lone()
    folder = site.net.folder_made()
    config = {"Dhcp6": {
        "interfaces-config": {"interfaces": [IFNAME]},
        "lease-database": {"type": "memfile", "persist": False},
        "server-id": {"type": "LL", "htype": 1, "identifier": "020000000001",
                      "persist": False},
        "preferred-lifetime": 300, "valid-lifetime": 600,
        "option-data": [{"name": "dns-servers", "data": HOST6}],
        "subnet6": [{"id": 1, "subnet": "fd77::/64", "interface": IFNAME,
                     "pools": [{"pool": "fd77::5000-fd77::5fff"}]}],
        "loggers": [{"name": "kea-dhcp6", "severity": "WARN",
                     "output_options": [{"output": "stdout"}]}]}}
    deadline = time.monotonic() + 20       # Kea looks once whether it can open its socket
    while link_local(site.net) is None and time.monotonic() < deadline:
        time.sleep(0.1)
    path = os.path.join(folder, "kea.json")
    with open(path, "w", encoding="ascii") as file:
        json.dump(config, file)
    site.net.popen(["/usr/sbin/kea-dhcp6", "-c", path], stdin=-3, stdout=-3, stderr=-3,
                   env=dict(os.environ, KEA_PIDFILE_DIR=folder, KEA_LOCKFILE_DIR=folder))
    radvd(site.net, "AdvManagedFlag on; prefix fd77::/64 { AdvAutonomous off; };")
    time.sleep(1)
    site.start()
    site.vm.wait_for(r"dhcp6: leased an address, dns fd77::1", 30)
    assert get6(site, wait_serving6(site, "fd77::5")).status == 200


def test_what_it_asks(managed):
    """Messages are well formed, and go on from one to the other."""
    site, server = managed(more=option(23, socket.inet_pton(socket.AF_INET6, HOST6)))
    wait_serving6(site, "fd77::a")
    assert [kind for _, kind, _ in server.seen][:2] == [SOLICIT, REQUEST]
    for _, kind, options in server.seen[:2]:
        assert options[1][:4] == b"\0\3\0\1" and len(options[1]) == 10
        assert {23, 56} <= set(struct.unpack(">3H", options[6])) and 8 in options and 3 in options
        assert (2 in options) == (kind == REQUEST)
    assert server.seen[1][2][3][16:32] == socket.inet_pton(socket.AF_INET6, "fd77::a")


def test_late_server(managed, full):
    """While nobody answers the console says so; then it serves, at once by rapid commit."""
    if not full:
        pytest.skip("only in make test-full")
    site, server = managed(silent=True, rapid=True)
    site.vm.wait_for(r"dhcp6: no answer yet, still trying", 20)
    assert server.count(SOLICIT) >= 3
    server.silent = False
    wait_serving6(site, "fd77::a")
    assert server.count(REQUEST) == 0


def test_two_servers(managed):
    """The one with the higher preference is taken; the other hears no request."""
    site, low = managed(preference=1)
    high = Dhcpd6(site.net, address="fd77::b", duid=b"\0\3\0\1\2\0\0\0\0\2", preference=200)
    assert wait_serving6(site, "fd77::") == "fd77::b"
    assert high.count(REQUEST) == 1
    assert not [o for _, kind, o in low.seen if kind == REQUEST and o.get(2) == low.duid]
    high.close()


def lies(message):
    """What is no answer, or damaged, or leases what is no address, before the honest one."""
    ours = socket.inet_pton(socket.AF_INET6, "fd77::a")
    yield message[:1] + bytes((message[1] ^ 1,)) + message[2:]           # another's exchange
    yield message.replace(b"\0\1\0\x0a\0\3", b"\0\1\0\x0a\0\4", 1)    # another's identity
    for cut in (0, 3, 7, 20, len(message) - 1):
        yield message[:cut]
    yield b"\x0d" + message[1:]
    yield message[:4] + b"\xff\xff" * 30
    yield message + option(3, b"\0" * 4)
    yield message + option(2, b"x" * 200)
    for address in ("ff02::1", "fe80::9", "::1", "::", "::ffff:10.0.0.1"):
        yield message.replace(ours, socket.inet_pton(socket.AF_INET6, address))
    yield message.replace(struct.pack(">II", 300, 600), struct.pack(">II", 900, 600))
    yield message.replace(struct.pack(">II", 300, 600), bytes(8))


def test_liars(managed):
    """Answers for others, damaged ones, and addresses that are none, are passed over."""
    for rapid in (False, True):
        site, server = managed(lies=lies, rapid=rapid)
        address = wait_serving6(site)
        assert address == "fd77::a"
        assert get6(site, address).status == 200
        assert not re.search(r"ip6: address (?!fd77::a|fe80::[0-9a-f:]+, link)",
                             site.vm.console.text())


def test_no_address(managed, full):
    """A server without addresses is asked again, until it has one."""
    if not full:
        pytest.skip("only in make test-full")
    site, server = managed(ia_status=2)
    deadline = time.monotonic() + 10
    while server.count(SOLICIT) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert server.count(REQUEST) == 0
    server.ia_status = None
    wait_serving6(site, "fd77::a", 30)


def test_renewal(managed):
    """A lease is renewed with its server; the connection goes on."""
    site, server = managed(t1=5, t2=8, valid=30, preferred=30)
    address = wait_serving6(site, "fd77::a")
    deadline = time.monotonic() + 15
    while server.count(RENEW) < 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert server.count(RENEW) >= 1 and server.count(SOLICIT) == 1
    assert get6(site, address).status == 200
    assert "ours no more" not in site.vm.console.text()


def test_expiry(managed, full):
    """Its server gone: everybody is asked, then the address is given up and asked for anew."""
    if not full:
        pytest.skip("a minute: only in make test-full")
    site, server = managed(t1=5, t2=8, valid=20, preferred=20)
    wait_serving6(site, "fd77::a")
    server.silent = True
    site.vm.wait_for(r"ip6: address fd77::a is ours no more", 40)
    site.vm.wait_for(r"dhcp6: nobody renews the lease", 10)
    assert server.count(REBIND) >= 1
    server.silent = False
    deadline = time.monotonic() + 40
    while site.vm.console.text().count("serving http://[fd77::a]") < 2:
        assert time.monotonic() < deadline, site.vm.console.text()
        time.sleep(0.2)


def test_taken(managed):
    """Another host has the leased address: it is declined, and another asked for. Once the other
    host has gone it may be leased again."""
    site, server = managed(t1=5, t2=60)
    with Wire(site.net) as other:
        deadline = time.monotonic() + 15
        while server.count(DECLINE) < 1 and time.monotonic() < deadline:
            packet = other.receive(lambda p: ICMPv6ND_NS in p and p.src == "::"
                                   and p[ICMPv6ND_NS].tgt == "fd77::a", 0.5)
            if packet:
                server.address = "fd77::c"
                other.send(IPv6(src="fd77::a", dst="ff02::1", hlim=255)
                           / ICMPv6ND_NA(tgt="fd77::a", S=0, O=1)
                           / ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:66"))
    assert server.count(DECLINE) == 1
    assert wait_serving6(site, "fd77::c") == "fd77::c"
    server.address = "fd77::a"
    assert wait_serving6(site, "fd77::a") == "fd77::a"


@pytest.mark.also_on("microvm", *NIC_ROWS)
def test_asked_for_by_hand(lone):
    """ip6=dhcp: without a router that sends for it."""
    site = lone("ip6=dhcp")
    server = Dhcpd6(site.net)
    site.start()
    wait_serving6(site, "fd77::a")
    assert server.count(INFORMATION) == 0
    server.close()
