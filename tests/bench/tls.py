# SPDX-License-Identifier: MIT
"""HTTPS beside nginx with OpenSSL: handshakes, requests, what they do to others, bytes.

Under TCG nginx runs in the Linux guest of linux.py, on the same machine; beside BOARD=host on this
computer, behind two TAPs and cable.c (native.py), each server on one core and the client on the
other. All have an ECDSA P-256 certificate, X25519 and AES-256-GCM, the client is tls.c, and the
systems take turns. Rates are per second; the notes say how many there were per second of the
server's CPU time, which others on this computer do not change, and what the client needed of it.
"""

import contextlib
import os
import shutil
import subprocess

import images
import linux
import native
import rate
from report import Figure
from tools import (COMPILE, FOLDER, HTTPS, IFNAME, LINUX_MEM, STATIC, TAP_ADDRESS, TLS, Asker, Lab,
                   Load, Namespace, System, built, median, namespace, say)

TICKS = os.sysconf("SC_CLK_TCK")
KINDS = (("full handshakes, TLS 1.3", "full 3"), ("resumed handshakes, TLS 1.3", "resumed 3"),
         ("full handshakes, TLS 1.2", "full 2"), ("resumed handshakes, TLS 1.2", "resumed 2"),
         ("requests, TLS 1.3, keep-alive", "keep 3"), ("requests, TLS 1.2, keep-alive", "keep 2"))
AT_ONCE = 8
IDLE, HALF = 64, 16
BOARDS = {"pc": "x86_64-linux-gnu-", "virt": "aarch64-linux-gnu-",
          "lm3s6965evb": "arm-none-eabi-", "orangepi-pc": "arm-none-eabi-"}
HEAP, BYTES, USED = "zeitkern_heap_used_bytes", "zeitkern_pool_object_bytes", "zeitkern_pool_used"
SERVER = """    ssl_certificate {folder}/tls.pem; ssl_certificate_key {folder}/tls.pem;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_ecdh_curve X25519:prime256v1;
    listen 8443 ssl reuseport;
"""


# ---- The systems compared ---------------------------------------------------------------------


def nginx_conf(folder, more=""):
    """nginx.conf for files in `folder`, as native.py's but with HTTPS."""
    text = native.NGINX.format(folder=folder).replace("server { ", "server {\n" +
                                                      SERVER.format(folder=folder) + "    ")
    return more + text


def certificate():
    """The folder of tls.pem, a new key and its certificate, ECDSA P-256."""
    folder = os.path.join(FOLDER, "nginx-tls")
    os.makedirs(folder, exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=zeitkern",
                    "-keyout", f"{folder}/key.pem", "-out", f"{folder}/tls.pem"], check=True,
                   **native.QUIET)
    with open(f"{folder}/key.pem", "rb") as key, open(f"{folder}/tls.pem", "ab") as both:
        both.write(key.read())
    return folder


class Served:
    """A server of HTTPS, the client's way to it, and its CPU time."""

    def __init__(self, name, net, pid, program, stack):
        self.name, self.net, self.pid, self.client_cpu = name, net, pid, None
        self.load = stack.enter_context(Load(program, STATIC, HTTPS, net))
        self.found = {}

    def cpu_seconds(self, pid=0):
        """CPU time of the server, or of another process, so far."""
        with open(f"/proc/{pid or self.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def run(self, kind, command, seconds):
        """One turn of about so many seconds: (per second, per CPU second, client's share)."""
        if command.startswith("keep"):
            self.load.do("close")
            self.load.all_ok(f"open {command[-1]} {AT_ONCE} {AT_ONCE}")
        trial = self.load.all_ok(f"{command} {AT_ONCE} {AT_ONCE * 4}")
        count = max(AT_ONCE * 4, int(AT_ONCE * 4 / max(trial.seconds, 0.001) * seconds))
        spent, client = self.cpu_seconds(), self.cpu_seconds(self.load.child.pid)
        done = self.load.all_ok(f"{command} {AT_ONCE} {count}")
        self.load.do("close")
        spent, client = self.cpu_seconds() - spent, self.cpu_seconds(self.load.child.pid) - client
        found = (count / done.seconds, count / max(spent, 0.01), client / done.seconds)
        self.found.setdefault(kind, []).append(found)
        say(f"{self.name}, {kind}: {found[0]:,.0f}/s, {found[1]:,.0f} per CPU second, client "
            f"{found[2]:.0%}")

    def median(self, kind, which):
        """The median of one of run()'s figures."""
        return median([found[which] for found in self.found[kind]])


def warm(net):
    """Waits for the first answer."""
    native.warm(native.Served("nginx", net, STATIC))


def guest(lab, folder):
    """nginx in the Linux guest."""
    with open(f"{folder}/tls.pem", "rb") as file:
        pem = file.read()
    conf = nginx_conf("", "user root;\n").replace("pid /pid;", "pid /run/pid;")
    more = [("run", 0o40755, b""), ("nginx.conf", 0o100644, conf.encode()),
            ("tls.pem", 0o100600, pem), ("var", 0o40755, b""), ("var/lib", 0o40755, b""),
            ("var/lib/nginx", 0o40755, b""), ("etc", 0o40755, b""),
            ("etc/passwd", 0o100644, b"root:x:0:0::/:/\n"),
            ("etc/group", 0o100644, b"root:x:0:\n")]
    kernel, initramfs = linux.guest(FOLDER, lab.epoll,
                                    more + linux.program_files(shutil.which("nginx")),
                                    "initramfs-nginx")
    return System("nginx in Linux", kernel, "", linux.cmdline(STATIC, "255.255.0.0"),
                  "epoll: serving", ("-initrd", initramfs), mem=LINUX_MEM)


def machine(system, program, stack):
    """A booted machine with HTTPS."""
    net = stack.enter_context(namespace(vnet_hdr=system.board != "host"))
    vm = stack.enter_context(Lab.boot(system, net, "metrics=yes" if system.name != "nginx in Linux"
                                      else ""))
    warm(net)
    return Served(system.name, net, vm.process.pid, program, stack)


def native_nginx(folder, program, stack):
    """nginx of this computer, behind two TAPs and a cable, on the server's core."""
    with open(f"{folder}/nginx.conf", "w", encoding="ascii") as file:
        file.write(nginx_conf(folder))
    net = stack.enter_context(namespace())
    far = stack.enter_context(contextlib.closing(Namespace()))
    far.ip("addr", "flush", "dev", IFNAME)
    far.ip("addr", "add", f"{STATIC}/16", "dev", IFNAME)
    native.pinned(net, built("cable", *COMPILE, "cable.c"), str(net.tap_fd), str(far.tap_fd),
                  pass_fds=(net.tap_fd, far.tap_fd))
    server = native.pinned(far, "nginx", "-p", folder, "-e", "stderr", "-c",
                           f"{folder}/nginx.conf", **native.QUIET)
    warm(net)
    return Served("nginx", net, server.pid, program, stack)


# ---- Rates ------------------------------------------------------------------------------------


def compared(title, ours, other, kind):
    """One line of the table."""
    mine, theirs = ours.median(kind, 0), other.median(kind, 0) if other else 0
    note = f"per CPU second {ours.median(kind, 1):,.0f}"
    if not other:
        return Figure("tls", f"{title}: {kind}", "/s", mine, note=note)
    note += (f", {other.name} {other.median(kind, 1):,.0f}: ratio "
             f"{ours.median(kind, 1) / other.median(kind, 1):.2f}; client busy "
             f"{ours.median(kind, 2):.0%}, {other.median(kind, 2):.0%}")
    return Figure("tls", f"{title}: {kind}", "/s", mine, {other.name: theirs}, mine / theirs,
                  f"of {other.name}", note=note)


def loaded(title, served, seconds):
    """The p99 of plain requests, alone and while handshakes are asked for without pause."""
    found = {"alone": [], "beside handshakes": []}

    def ask(name):
        found[name].append(rate.wrk(served.net, 1, seconds, cpu=served.client_cpu).p99_ms)

    for _ in range(3):
        ask("alone")
        took = served.load.all_ok(f"full 3 {AT_ONCE} 32").seconds
        served.load.tell(f"full 3 {AT_ONCE} {max(32, int(32 / took * (seconds + 2)))}")
        ask("beside handshakes")
        served.load.answer()
    alone, beside = (median(found[name]) for name in found)
    say(f"{title}: p99 {alone:.2f} ms alone, {beside:.2f} ms beside handshakes")
    return Figure("tls", f"{title}: p99 of plain requests beside handshakes", "ms", beside,
                  {"alone": alone}, beside / alone, "of it alone",
                  note=", ".join(f"{name}: {' '.join(f'{ms:.2f}' for ms in values)}"
                                 for name, values in found.items()))


# ---- Bytes ------------------------------------------------------------------------------------


def more_of(before, after, n):
    """Bytes for each of n sessions: (heap, {pool: bytes})."""
    pools = {}
    for key, value in after.items():
        if key.startswith(USED + "{") and value - before[key] >= n * 0.9:
            pools[key.split('"')[1]] = after[key.replace(USED, BYTES)]
    return (after[HEAP] - before[HEAP]) / n, pools


def in_words(heap, pools):
    """more_of() as a note."""
    return f"heap {heap:,.0f}, " + ", ".join(f"{name} {size:.0f}" for name, size in pools.items())


def sessions(title, served):
    """What idle sessions take, and half-done handshakes."""
    figures = []
    with Asker(served.net) as asker:
        for name, command, n in (("idle TLS session", "open 3", IDLE),
                                 ("handshake half done", "half 3", HALF)):
            served.load.all_ok(f"full 3 {AT_ONCE} {IDLE * 2}")
            before = asker.metrics()
            served.load.all_ok(f"{command} {AT_ONCE} {n}")
            heap, pools = more_of(before, asker.metrics(), n)
            served.load.do("close")
            total = heap + sum(pools.values())
            say(f"{title}: {name}: {total:,.0f} bytes: {in_words(heap, pools)}")
            figures.append(Figure("tls", f"{title}: bytes per {name}", "", total,
                                  note=in_words(heap, pools)))
    return figures


def stripped(board, tls):
    """Bytes of the stripped ELF."""
    done = images.make("-s", "image", f"BOARD={board}", f"TLS={tls}", check=True,
                       stdout=subprocess.PIPE)
    elf = os.path.splitext(os.path.join(images.ROOT, done.stdout.decode().split()[-1]))[0] + ".elf"
    strip = BOARDS[board] + "strip"
    path = os.path.join(FOLDER, f"stripped-{board}-{tls}.elf")
    subprocess.run([strip if shutil.which(strip) else "strip", "-o", path, elf], check=True)
    return os.path.getsize(path)


def growth():
    """The images with and without."""
    os.makedirs(FOLDER, exist_ok=True)
    for board in BOARDS:
        say(f"size of {board}")
        small, large = (stripped(board, tls) / 1024 for tls in ("no", "yes"))
        yield Figure("tls", f"stripped ELF, {board}", "KiB", large, {"TLS=no": small},
                     large - small, "KiB more")


# ---- All of it --------------------------------------------------------------------------------


def turns(title, ours, other, quick):
    """The rates of two systems in turn, and what is measured of ours alone."""
    for _ in range(1 if quick else 3):
        for kind, command in KINDS:
            for served in filter(None, (ours, other)):
                served.run(kind, command, 2 if quick else 5)
    figures = [compared(title, ours, other, kind) for kind, _ in KINDS]
    figures.append(loaded(title, ours, 3 if quick else 10))
    return figures + sessions(title, ours)


def tls(lab, quick):
    """All of it."""
    program, figures = built("tls", *TLS), []
    folder = certificate() if shutil.which("nginx") else ""
    ours = System("Zeitkern", lab.zeitkern.image, "", TAP_ADDRESS, "https: port")
    with contextlib.ExitStack() as stack:
        other = None
        if folder and lab.linux:
            other = machine(guest(lab, folder), program, stack)
        figures += turns("microvm, TCG", machine(ours, program, stack), other, quick)
    host = System("BOARD=host", images.image("host", app="time", sanitize=""), "", TAP_ADDRESS,
                  "https: port", board="host", machine="host")
    with contextlib.ExitStack() as stack:
        mine = machine(host, program, stack)
        native.pin(mine.pid)
        other = native_nginx(folder, program, stack) if folder else None
        for served in filter(None, (mine, other)):
            served.client_cpu = native.CLIENT_CPU
            os.sched_setaffinity(served.load.child.pid, {served.client_cpu})
        figures += turns("BOARD=host", mine, other, quick)
    return figures + list(growth())
