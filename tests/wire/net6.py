# SPDX-License-Identifier: MIT
"""IPv6 on a machine's wire: the namespace's end of it, routers good and bad, forged packets.

The namespace's end is fd77::1/64. scapy builds what is sent (RFC 8200, 4861, 4443).
"""

import contextlib
import os
import re
import select
import socket
import threading
import time

import pytest
from scapy.layers.inet6 import (ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS,
                                ICMPv6ND_RA, ICMPv6ND_RS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptMTU,
                                ICMPv6NDOptPrefixInfo, ICMPv6NDOptRDNSS, ICMPv6NDOptSrcLLAddr, IPv6)
from scapy.layers.l2 import Ether

from client import Client
from netns import IFNAME

HOST6 = "fd77::1"
ETH_IP6 = 0x86DD
NIC_ROWS = ("pc-e1000", "q35-e1000e", "q35-vmxnet3", "orangepi-pc")  # one per driver but virtio's
FORGED = "02:00:00:00:00:66"
SERVING6 = r"serving http://\[({0}[0-9a-f:]*)\]:8080/"


def skip_unless(request, row, full, rows):
    """In `make test` a test of IPv6 runs on these machines, and on those of its mark `also_on`."""
    mark = request.node.get_closest_marker("also_on")
    if not full and row.name not in rows + (mark.args if mark else ()):
        pytest.skip("only in make test-full")


def enable(net, *addresses):
    """IPv6 in the namespace, off otherwise: its own link-local address."""
    with net.inside():
        for name, value in (("all/disable_ipv6", "0"), ("all/accept_dad", "0"),
                            (f"{IFNAME}/accept_dad", "0"), (f"{IFNAME}/accept_ra", "0"),
                            (f"{IFNAME}/disable_ipv6", "0"), ("all/forwarding", "1")):
            with open(f"/proc/sys/net/ipv6/conf/{name}", "w", encoding="ascii") as knob:
                knob.write(value)
    for address in addresses or (f"{HOST6}/64",):
        net.ip("addr", "add", address, "dev", IFNAME, "nodad")
    return re.search(r"inet6 (fe80::[0-9a-f:]+)", net.ip("-6", "addr", "show", IFNAME))[1]


def socket6(site, address, port=8080, timeout=10):
    """A connected TCP socket; a link-local address is taken to be on the wire."""
    sock = site.net.socket(socket.AF_INET6, socket.SOCK_STREAM)
    sock.settimeout(timeout)
    with site.net.inside():
        scope = socket.if_nametoindex(IFNAME)
    try:
        sock.connect((address, port, 0, scope if address.startswith("fe80") else 0))
    except OSError:
        sock.close()
        raise
    return sock


def get6(site, address, path="/", **more):
    """One request over IPv6."""
    with Client(socket6(site, address), 10) as client:
        return client.get(path, **more)


def wait_serving6(site, prefix="", timeout=30):
    """The address that begins so on which the machine says it serves."""
    return site.vm.wait_for(SERVING6.format(prefix), timeout)[1]


class Wire:
    """A raw socket on the wire for IPv6; a host of its own at `address`, if any, which answers
    for itself."""

    def __init__(self, net, address=None):
        self.address = address
        self.sock = net.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_IP6))
        self.sock.bind((IFNAME, ETH_IP6))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, packet, to="33:33:00:00:00:01", source=FORGED):
        """Sends it in a frame."""
        with contextlib.suppress(BlockingIOError):
            self.sock.send(bytes(Ether(dst=to, src=source, type=ETH_IP6) / packet))

    def receive(self, wanted, timeout=2.0):
        """The next packet (scapy) that `wanted` says yes to, or None."""
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return None
            data, source = self.sock.recvfrom(65536)
            if source[2] == socket.PACKET_OUTGOING:
                continue
            frame = Ether(data)
            if IPv6 not in frame:
                continue
            packet = frame[IPv6]
            if ICMPv6ND_NS in packet and packet[ICMPv6ND_NS].tgt == self.address:
                self.send(IPv6(src=self.address, dst=packet.src, hlim=255)
                          / ICMPv6ND_NA(tgt=self.address, R=0, S=1, O=1)
                          / ICMPv6NDOptDstLLAddr(lladdr=FORGED), frame.src)
            if wanted(packet):
                return packet

    def mac_of(self, guest):
        """Asks the guest for its Ethernet address."""
        self.send(IPv6(src=self.address, dst=guest, hlim=255) / ICMPv6ND_NS(tgt=guest)
                  / ICMPv6NDOptSrcLLAddr(lladdr=FORGED), "33:33:ff:" + mac_tail(guest))
        answer = self.receive(lambda p: ICMPv6ND_NA in p and p[ICMPv6ND_NA].tgt == guest)
        return answer and answer[ICMPv6NDOptDstLLAddr].lladdr

    def ping(self, guest, mac, data, timeout=2.0, **fields):
        """True when an echo request comes back whole."""
        self.send(IPv6(src=self.address, dst=guest, **fields)
                  / ICMPv6EchoRequest(id=7, seq=len(data) & 0xFFFF, data=data), mac)
        answer = self.receive(lambda p: ICMPv6EchoReply in p and p.src == guest, timeout)
        return answer is not None and answer[ICMPv6EchoReply].data[:len(data)] == data


def mac_tail(address):
    """The last three bytes of an address, as its solicited-node group's MAC ends."""
    return ":".join(f"{b:02x}" for b in socket.inet_pton(socket.AF_INET6, address)[-3:])


class Router:
    """Advertises (RFC 4861) when solicited, and when told to, in a thread."""

    def __init__(self, net, link, prefixes=("fd77::",), lifetime=1800, **flags):
        self.wire = Wire(net)
        self.link, self.prefixes, self.lifetime, self.flags = link, prefixes, lifetime, flags
        self.valid, self.preferred, self.on_link, self.autonomous = 7200, 3600, 1, 1
        self.mtu, self.rdnss = None, ()
        self.mac = re.search(r"link/ether ([0-9a-f:]+)", net.ip("link", "show", IFNAME))[1]
        self.stopping = False
        self.solicited = 0
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def advertisement(self):
        """The packet."""
        packet = (IPv6(src=self.link, dst="ff02::1", hlim=255)
                  / ICMPv6ND_RA(routerlifetime=self.lifetime, **self.flags)
                  / ICMPv6NDOptSrcLLAddr(lladdr=self.mac))
        if self.mtu:
            packet /= ICMPv6NDOptMTU(mtu=self.mtu)
        for prefix in self.prefixes:
            packet /= ICMPv6NDOptPrefixInfo(prefix=prefix, prefixlen=64, L=self.on_link,
                                            A=self.autonomous, validlifetime=self.valid,
                                            preferredlifetime=self.preferred)
        if self.rdnss:
            packet /= ICMPv6NDOptRDNSS(dns=list(self.rdnss), lifetime=1800)
        return packet

    def advertise(self):
        """Now."""
        self.wire.send(self.advertisement(), source=self.mac)

    def serve(self):
        """The thread."""
        while not self.stopping:
            if self.wire.receive(lambda p: ICMPv6ND_RS in p, 0.2):
                self.solicited += 1
                self.advertise()

    def close(self):
        """Ends the thread."""
        self.stopping = True
        self.thread.join(3)
        self.wire.sock.close()


def radvd(net, lines):
    """Starts the real one."""
    path = os.path.join(net.folder_made(), "radvd.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(f"interface {IFNAME} {{ AdvSendAdvert on; MinRtrAdvInterval 3;"
                   f" MaxRtrAdvInterval 4; {lines} }};\n")
    return net.popen(["/usr/sbin/radvd", "--nodaemon", f"--config={path}", "--logmethod=none",
                      f"--pidfile={net.folder_made()}/radvd.pid"])
