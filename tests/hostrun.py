# SPDX-License-Identifier: MIT
"""`make run BOARD=host`: the service as a Linux process, on a TAP in a namespace of its own.

The front door's port stays outside: it is bound before this process moves into a new network
namespace (and, without root, a new user namespace), and each connection accepted there is
carried to the service inside. Nothing needs a configured interface or a privilege.
"""

import ctypes
import fcntl
import os
import socket
import struct
import threading

from netns import IFNAME, open_tap
from vm import CLONE_NEWNET, LIBC

CLONE_NEWUSER = 0x10000000
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8913, 0x8914, 0x8916, 0x891C
IFF_UP = 1
OURS, GUEST, MASK = "10.0.2.2", "10.0.2.15", "255.255.255.0"
GUEST_HTTP, GUEST_HTTPS = 8080, 8443
CHUNK = 65536


def new_namespace():
    """Moves this single-threaded process into a network namespace of its own: an error or None."""
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWNET | (CLONE_NEWUSER if uid else 0)
    if LIBC.unshare(flags) != 0:
        return f"unshare: {os.strerror(ctypes.get_errno())}"
    if uid:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"),
                           ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    return None


def set_up(name, address=None):
    """Gives an interface its address and switches it on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        padded = name.encode().ljust(16, b"\0")
        if address:
            for request, value in ((SIOCSIFADDR, address), (SIOCSIFNETMASK, MASK)):
                ifreq = padded + struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
                fcntl.ioctl(sock, request, ifreq)
        got = fcntl.ioctl(sock, SIOCGIFFLAGS, padded + bytes(16))
        flags = struct.unpack_from("H", got, 16)[0] | IFF_UP
        fcntl.ioctl(sock, SIOCSIFFLAGS, padded + struct.pack("H14x", flags))


def pump(source, sink):
    """Thread: carries one direction of a connection to its end."""
    try:
        while True:
            data = source.recv(CHUNK)
            if not data:
                break
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for sock in (source, sink):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def carry(outer, port):
    """Thread: one accepted connection, to the service's port."""
    with outer:
        try:
            inner = socket.create_connection((GUEST, port), 5)
        except OSError:
            return
        with inner:
            inner.settimeout(None)
            for sock in (inner, outer):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=pump, args=(inner, outer), daemon=True)
            back.start()
            pump(outer, inner)
            back.join()


def accept(listener, port):
    """Thread: for ever."""
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=carry, args=(sock, port), daemon=True).start()


def prepare(opts, port, stack, stop):
    """Makes the TAP for the host build, forwards 127.0.0.1:port to the service behind it.

    Returns where the service is, (address, port); None when it is on the user's own TAP."""
    if port is None:
        opts.cmdline = f"tap={opts.tap} {opts.cmdline}".strip()
        return None
    listeners = []
    for ours, theirs in ((port, GUEST_HTTP), (port + GUEST_HTTPS - GUEST_HTTP, GUEST_HTTPS)):
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", ours))
        listener.listen(128)
        listeners.append((listener, theirs))
    why = new_namespace()
    if why:
        stop(f"BOARD=host: no network namespace without root here ({why})")
    try:
        opts.tap_fd = open_tap(IFNAME, False)
    except OSError as error:
        stop(f"BOARD=host: /dev/net/tun: {error.strerror}")
    set_up("lo")
    set_up(IFNAME, OURS)
    if "ip=" not in opts.cmdline:
        opts.cmdline = f"ip={GUEST}/24 gw={OURS} {opts.cmdline}".strip()
    for pair in listeners:
        threading.Thread(target=accept, args=pair, daemon=True).start()
    return GUEST, GUEST_HTTP
