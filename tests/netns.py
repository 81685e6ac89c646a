# SPDX-License-Identifier: MIT
"""A private network for one machine: a nameless network namespace, a TAP in it, dnsmasq.

Nothing has a name outside the process, so nothing can be left behind or collide: the
namespace lives as long as this process or a child holds it. Needs root, or to run under
`unshare -Urn` (tests/run does that by itself). Addresses: the host's end is 10.77.0.1/16
with 10.77.0.2 to .9 beside it, for tests that need many client ports; dnsmasq leases
10.77.1.0 to .250.
"""

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile

from vm import CLONE_NEWNET, LIBC, child_setup, setns

HOST = "10.77.0.1"
EXTRA = tuple(f"10.77.0.{n}" for n in range(2, 10))
STATIC = "10.77.2.2"
IFNAME = "zk0"
QUEUE = 2000                   # frames: a burst of a test's never crowds a client's SYN out
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000


class NoNamespace(Exception):
    """This machine forbids network namespaces or TAPs; the text says which."""


class Namespace:
    """A network namespace with one TAP whose other end a machine holds."""

    def __init__(self, vnet_hdr=True):
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        if LIBC.unshare(CLONE_NEWNET) != 0:
            os.close(here)
            raise NoNamespace(f"unshare(CLONE_NEWNET): {os.strerror(ctypes.get_errno())}")
        self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.tap_fd = open_tap(IFNAME, vnet_hdr)
        except OSError as error:
            raise NoNamespace(f"/dev/net/tun: {error.strerror}") from error
        finally:
            setns(here)
            os.close(here)
        self.children = []
        self.folder = None
        self.leave_quiet()
        self.ip("link", "set", "lo", "up")
        for address in (HOST,) + EXTRA:
            self.ip("addr", "add", f"{address}/16", "dev", IFNAME)
        self.ip("link", "set", IFNAME, "txqueuelen", str(QUEUE), "up")

    def leave_quiet(self):
        """No IPv6 chatter on the TAP, and room for many client connections, none of which
        takes a port below 10000, where the tests' servers listen."""
        for name, value in (("ipv6/conf/all/disable_ipv6", "1"),
                            ("ipv4/ip_local_port_range", "10000 65535"),
                            ("ipv4/tcp_max_tw_buckets", "262144"),
                            ("ipv4/tcp_syn_retries", "3")):
            with self.inside(), contextlib.suppress(OSError):
                with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as knob:
                    knob.write(value)

    @contextlib.contextmanager
    def inside(self):
        """This thread works in the namespace meanwhile; sockets made stay in it."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        setns(self.fd)
        try:
            yield
        finally:
            setns(here)
            os.close(here)

    def socket(self, *args):
        """socket.socket(...) in the namespace."""
        with self.inside():
            return socket.socket(*args)

    def popen(self, args, **more):
        """A child process in the namespace; it dies with us, close() ends it."""
        child = subprocess.Popen(args, preexec_fn=child_setup(self.fd), **more)
        self.children.append(child)
        return child

    def run(self, *args, **more):
        """Runs a command in the namespace to its end; CalledProcessError when it fails."""
        return subprocess.run(args, preexec_fn=child_setup(self.fd), check=True, **more)

    def ip(self, *args):
        """iproute2 in the namespace."""
        return self.run("ip", *args, stdout=subprocess.PIPE).stdout.decode()

    def folder_made(self):
        """A folder of the namespace's own, gone with it."""
        self.folder = self.folder or tempfile.mkdtemp(prefix="zeitkern-")
        return self.folder

    def dnsmasq(self, *more):
        """Starts a DHCP and DNS server on the TAP; its log is in self.folder."""
        log = open(os.path.join(self.folder_made(), "dnsmasq.log"), "ab")
        # Without the ping it would hold its first offer back for three seconds; root of a user
        # namespace may not change its group.
        child = self.popen(
            ["/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-ping",
             "--no-hosts", "--no-resolv", "--user=root", "--group=", "--log-facility=-",
             "--log-dhcp", "--pid-file=", f"--interface={IFNAME}", "--bind-interfaces",
             "--except-interface=lo", "--dhcp-authoritative",
             "--dhcp-range=10.77.1.0,10.77.1.250,255.255.0.0,1h",
             f"--dhcp-leasefile={self.folder}/leases", "--address=/test.example/10.77.0.1",
             "--host-record=six.example,fd77::9", "--local=/six.example/",
             *more], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        return child

    def chronyd(self, *words, env=None):
        """A real time server with this computer's clock, on all addresses unless the words of its
        configuration say otherwise; `env`: another clock (tests/faked.py)."""
        self.folder_made()
        # chronyd removes its pidfile in the end, so that one is the test's own.
        return self.popen(["/usr/sbin/chronyd", "-x", "-d", "-F", "0", "-u", "root",
                           "local stratum 8", "allow all", "cmdport 0", "bindcmdaddress /",
                           f"pidfile {self.folder}/{len(self.children)}.pid", *words],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, env=dict(os.environ, **(env or {})))

    def end(self, child):
        """Ends one child."""
        if child in self.children:
            self.children.remove(child)
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(2)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def close(self):
        """Ends what runs in it and lets go."""
        for child in list(self.children):
            self.end(child)
        for fd in (self.tap_fd, self.fd):
            with contextlib.suppress(OSError):
                os.close(fd)
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def open_tap(name, vnet_hdr):
    """Makes a TAP in the current namespace: its descriptor, which carries the link."""
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    flags = IFF_TAP | IFF_NO_PI | (IFF_VNET_HDR if vnet_hdr else 0)
    try:
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    except OSError:
        os.close(fd)
        raise
    return fd
