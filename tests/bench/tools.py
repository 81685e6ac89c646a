# SPDX-License-Identifier: MIT
"""What the benchmarks are made with: our own programs, the systems compared, their start.

Everything built here lies under build/bench. A system is started by Lab.boot(), in user-mode
networking or on a TAP in a private namespace (tests/netns.py), always with the same devices, one
vCPU, and ends with its context manager.
"""

import contextlib
import dataclasses
import mmap
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.dirname(HERE))

import images  # noqa: E402
import linux  # noqa: E402
from netns import EXTRA, HOST, IFNAME, STATIC, Namespace, NoNamespace  # noqa: E402,F401
from ntpd import Ntpd, on_loopback  # noqa: E402
from vm import CLOCKLESS, MACHINES, Options, Vm, VmError  # noqa: E402

FOLDER = os.path.join(images.ROOT, os.environ.get("BUILD", "build"), "bench")
FORWARD = 19080                       # our end of user-mode networking; FORWARD + 1 too
GATEWAY = "10.0.2.2"                  # the host, in user-mode networking
USER_ADDRESS = "ip=10.0.2.15/24 gw=10.0.2.2"
TAP_ADDRESS = f"ip={STATIC}/16 gw={HOST}"
LINUX_MEM = 128                       # MiB; about 73 would do. The others have make run's 64
PLUGIN_VERSIONS = (1, 4, 3, 2)        # QEMU 7.2 wants 1, QEMU 10 wants 4
COMPILE = ("gcc", "-O2", "-Wall", "-Wextra", "-Werror")
TLS = COMPILE + ("tls.c", "-lssl", "-lcrypto")
HTTPS = 8443


def say(text):
    """A progress line."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def median(values):
    """The middle one, or the mean of the two in the middle."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def built(name, *command):
    """Runs a compiler that writes FOLDER/name: its path."""
    os.makedirs(FOLDER, exist_ok=True)
    path = os.path.join(FOLDER, name)
    subprocess.run([*command, "-o", path], check=True, cwd=HERE)
    return path


@dataclasses.dataclass
class System:
    """Something that is compared: where its image is and how it gets its address."""
    name: str
    image: str
    user: str                         # command line in user-mode networking
    tap: str                          # on the TAP
    serving: str                      # what it prints when it serves
    extra: tuple = ()
    board: str = "pc"
    machine: str = "microvm"
    accel: str = "tcg"
    mem: int = 64

    def options(self, **more):
        """vm.Options of it."""
        more.setdefault("mem", self.mem)
        extra = self.extra + tuple(more.pop("extra", ()))
        return Options(board=self.board, machine=self.machine, image=self.image,
                       accel=self.accel, extra=extra, **more)


class Counter:
    """The plugin's words, as the guest runs."""

    def __init__(self, plugin, profile=""):
        self.path = os.path.join(FOLDER, "count")
        with open(self.path, "wb") as file:
            file.write(bytes(16))
        self.plugin = f"file={plugin},out={self.path}"
        self.plugin += f",profile={profile}" if profile else ""
        with open(self.path, "r+b") as file:
            self.words = mmap.mmap(file.fileno(), 16)

    def now(self):
        """Instructions so far."""
        return struct.unpack_from("Q", self.words, 0)[0]

    def profiling(self, on):
        """Starts and stops the profile."""
        struct.pack_into("Q", self.words, 8, int(on))

    def idle_rate(self, seconds):
        """Instructions per second while nothing is asked."""
        before, began = self.now(), time.monotonic()
        time.sleep(seconds)
        return (self.now() - before) / (time.monotonic() - began)


@dataclasses.dataclass
class Done:
    """What load.c did."""
    ok: int
    bad: int
    late: int
    slowest_ms: float
    seconds: float


class Load:
    """load.c, as a child: do("turn 1 1000") -> Done. With a namespace it runs in it."""

    def __init__(self, program, address, port, net=None):
        args = [program, address, str(port)] + list((HOST,) + EXTRA if net else ())
        start = net.popen if net else subprocess.Popen
        self.child = start(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.child.kill()
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()

    def tell(self, line):
        """Sends a command without waiting."""
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()

    def answer(self):
        """The words of its next line."""
        line = self.child.stdout.readline()
        if not line:
            raise VmError("the load generator ended")
        return line.split()[1:]

    def do(self, line):
        """One command."""
        self.tell(line)
        words = self.answer()
        return Done(*(int(word) for word in words[:3]), *(float(word) for word in words[3:]))

    def all_ok(self, line):
        """As do(), but anything that failed is an error."""
        done = self.do(line)
        if done.bad:
            raise VmError(f"load: {line!r}: {done.bad} of {done.ok + done.bad} failed")
        return done


def zeitkern(board):
    """The time service on a board's usual machine."""
    image = images.image(board, app="time", sanitize="")
    return System("Zeitkern", image, USER_ADDRESS, TAP_ADDRESS, "serving http", board=board,
                  machine=MACHINES[board][0])


class Lab:
    """All that is built, and the ways to start it."""

    def __init__(self, board="pc"):
        say("building the image and the tools")
        self.load = built("load", *COMPILE, '-DKEEP=""', "load.c")
        self.flood = built("flood", *COMPILE, "flood.c")
        self.plugin = self.plugin_for(self.floor_image())
        self.zeitkern = zeitkern(board)
        if board == "pc":
            self.peers()

    def peers(self):
        """What a virtual machine is compared with."""
        self.epoll = built("epoll", *COMPILE, "-static", "epoll.c")
        self.floor = System("empty guest", self.floor_image(), "", "", "")
        self.linux, self.no_linux = None, ""
        try:
            kernel, initramfs = linux.guest(FOLDER, self.epoll)
            self.linux = System("Linux", kernel, linux.cmdline(),
                                linux.cmdline(STATIC, "255.255.0.0"), "epoll: serving",
                                ("-initrd", initramfs), mem=LINUX_MEM)
        except (linux.NoLinux, OSError, subprocess.CalledProcessError) as error:
            self.no_linux = str(error)
            say(f"no Linux guest to compare with: {error}")

    def both(self):
        """The systems compared in turn."""
        return [system for system in (self.zeitkern, self.linux) if system]

    def floor_image(self):
        """floor.S, linked."""
        return built("floor.elf", "gcc", "-m32", "-nostdlib", "-static", "-no-pie",
                     "-Wl,--build-id=none", "-Wl,-T,floor.ld", "floor.S")

    def plugin_for(self, image):
        """insn.c for this QEMU, which says what version it wants only by refusing."""
        for version in PLUGIN_VERSIONS:
            path = built(f"insn{version}.so", *COMPILE, "-shared", "-fPIC",
                         f"-DPLUGIN_VERSION={version}", "insn.c")
            counter = Counter(path)
            opts = System("", image, "", "", "").options(no_nic=True)
            with Vm(opts, plugin=counter.plugin) as vm:
                vm.process.wait()
            if counter.now():
                return path
        raise VmError("QEMU takes no plugin of the versions known")

    @staticmethod
    @contextlib.contextmanager
    def boot(system, net=None, cmdline="", counter=None, wait=True, **more):
        """A started machine, serving unless not `wait`: on the TAP of `net`, else in user-mode
        networking at 127.0.0.1:FORWARD."""
        base = system.tap if net else system.user
        if "dhcp" in cmdline.split():
            base, cmdline = "", " ".join(word for word in cmdline.split() if word != "dhcp")
        where = {"tap_fd": net.tap_fd} if net else {"forwards": ((FORWARD, 8080),)}
        with contextlib.ExitStack() as stack:
            serving = system.serving
            if base and system.board in CLOCKLESS:
                server = time_server(net)
                stack.callback(server.close)
                cmdline += f" ntp={HOST if net else GATEWAY}:{server.port}"
                serving = "the time is known"
            opts = system.options(cmdline=f"{base} {cmdline}".strip(), **where, **more)
            vm = stack.enter_context(Vm(opts, plugin=counter and counter.plugin,
                                        netns_fd=net.fd if net else -1))
            if wait:
                vm.wait_for(serving, 60)
            yield vm

    def client(self, net=None, address=STATIC):
        """load.c towards the machine booted."""
        if net:
            return Load(self.load, address, 8080, net)
        return Load(self.load, "127.0.0.1", FORWARD)


def time_server(net):
    """An SNTP responder where the guest reaches it."""
    if not net:
        return on_loopback()
    sock = net.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((HOST, 0))
    return Ntpd(sock)


@contextlib.contextmanager
def namespace(vnet_hdr=True):
    """A Namespace whose client may use its ports again soon."""
    net = Namespace(vnet_hdr)
    try:
        with net.inside(), contextlib.suppress(OSError):
            with open("/proc/sys/net/ipv4/tcp_tw_reuse", "w", encoding="ascii") as knob:
                knob.write("1")
        yield net
    finally:
        net.close()


class Asker:
    """One keep-alive connection for questions to the system itself: each GET on a connection of
    its own would leave a connection in TIME_WAIT behind, which is what some of them count."""

    IDLE_S = 45                   # the server closes what is idle for longer than a minute

    def __init__(self, net, address=STATIC, port=8080):
        self.net, self.where = net, (address, port)
        self.sock, self.asked, self.data = None, 0, b""
        self.connect()

    def connect(self):
        """A new connection."""
        self.sock = self.net.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.settimeout(10)
        try:
            self.sock.connect(self.where)
        except OSError:
            self.sock.close()
            raise
        self.asked = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.sock.close()

    def more(self):
        """Reads what is there."""
        data = self.sock.recv(65536)
        if not data:
            raise VmError("it closed the connection")
        self.data += data

    def get(self, path):
        """The body of one answer, as text."""
        if time.monotonic() - self.asked > self.IDLE_S:
            self.sock.close()
            self.connect()
        self.asked = time.monotonic()
        self.sock.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        while b"\r\n\r\n" not in self.data:
            self.more()
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
        if not length:
            raise VmError(f"no length in {head!r}")
        while len(self.data) < int(length[1]):
            self.more()
        body, self.data = self.data[:int(length[1])], self.data[int(length[1]):]
        return body.decode()

    def metrics(self):
        """GET /metrics: {name{labels}: value}."""
        lines = [line.rsplit(" ", 1) for line in self.get("/metrics").splitlines()
                 if line and not line.startswith("#")]
        return {name: float(value) for name, value in lines}


def stripped_size(board):
    """Bytes of the stripped ELF of app/time for a board."""
    elf = os.path.splitext(images.image(board, app="time", sanitize=""))[0] + ".elf"
    prefix = {"pc": "x86_64-linux-gnu-", "virt": "aarch64-linux-gnu-"}[board]
    strip = prefix + "strip" if shutil.which(prefix + "strip") else "strip"
    os.makedirs(FOLDER, exist_ok=True)
    path = os.path.join(FOLDER, f"stripped-{board}.elf")
    subprocess.run([strip, "-o", path, elf], check=True)
    return os.path.getsize(path)
