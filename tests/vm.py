# SPDX-License-Identifier: MIT
"""One virtual machine (or the host build) as an object: command line, console, QMP, end.

Used by tests/qemu, the tests and the benchmarks. A machine never outlives the process that
started it (PR_SET_PDEATHSIG), and its console is kept with the host's time of each line.
Needs QEMU 7.2 or newer; nothing here depends on a newer one.
"""

import ctypes
import dataclasses
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from budget import ROOT, board_words

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
CLONE_NEWNET = 0x40000000

QEMU = {"pc": "qemu-system-x86_64", "virt": "qemu-system-aarch64",
        "lm3s6965evb": "qemu-system-arm", "mps2-an385": "qemu-system-arm",
        "orangepi-pc": "qemu-system-arm"}
MACHINES = {"pc": ("microvm", "q35", "pc"), "virt": ("virt",), "host": ("host",),
            "lm3s6965evb": ("lm3s6965evb",), "mps2-an385": ("mps2-an385",),
            "orangepi-pc": ("orangepi-pc",)}
# Machines that exist as hardware: CPU, memory and NIC are theirs.
BOARDS = ("lm3s6965evb", "mps2-an385", "orangepi-pc")
CLOCKLESS = ("lm3s6965evb", "mps2-an385")    # boards that know the time only from a server
UEFI_MIB = 256
BUTTON = ("microvm", "q35", "pc", "virt", "host")   # machines that hear system_powerdown

# QEMU's devices, and what each needs to be just that.
NICS = {"mmio": "virtio-net-device", "pci": "virtio-net-pci,romfile=,disable-legacy=on",
        "transitional": "virtio-net-pci-transitional,romfile=",
        "legacy": "virtio-net-pci,romfile=,disable-legacy=off,disable-modern=on",
        "non-transitional": "virtio-net-pci-non-transitional,romfile=",
        "e1000": "e1000,romfile=", "e1000e": "e1000e,romfile=", "vmxnet3": "vmxnet3,romfile="}

# What Firecracker's machine looks like: no ACPI, no legacy devices.
BARE_MICROVM = "microvm,acpi=off,pic=off,pit=off,rtc=off"


# UEFI: code, variables (none of ours are kept), and the name that it looks for on a disk.
UEFI = {"pc": ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd", "BOOTX64.EFI"),
        "virt": ("/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd",
                 "BOOTAA64.EFI")}
SNAKEOIL = {"pc": ("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd",
                   "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd"),
            "virt": ("/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.snakeoil.fd")}
FIRMWARES = dict({board: ("none",) for board in MACHINES}, pc=("none", "bios", "uefi"),
                 virt=("none", "uefi"))


class VmError(Exception):
    """The machine did not do what was waited for; the text ends with its console."""


@dataclasses.dataclass
class Options:
    """What to start. `machine` may carry QEMU's machine options after a comma."""
    board: str = "pc"
    machine: str = ""
    image: str = ""
    accel: str = "tcg"
    firmware: str = "none"        # "uefi": the image is a file for it to start; "bios": a disk
    secure: bool = False          # UEFI that starts only what Debian's snakeoil key signed
    files: dict = None            # name: text of more files on UEFI's volume
    program: str = ""             # the image's name on it, where firmware is not to find it
    beside: str = ""              # an image that it starts itself, there as zeitkern.efi
    cpu: str = ""
    mem: int = 64                 # with UEFI at least UEFI_MIB
    smp: int = 1
    nic: str = ""                 # of NICS; empty: the machine's usual one
    mac: str = "52:54:00:12:34:56"
    forwards: tuple = ()          # (host port, guest port), user-mode network
    tap_fd: int = -1              # an open TAP, or
    tap: str = ""                 # the name of an existing one
    no_nic: bool = False
    no_rng: bool = False          # neither virtio-rng nor an instruction for it
    cmdline: str = ""
    disk_format: str = "raw"      # with the firmware "bios", for which `image` is a disk
    disk: tuple = ("virtio-blk-pci",)   # the devices that it hangs on, itself the last
    console: tuple = ("-serial", "stdio")
    page: bytes = None            # a settings page or file as it is, instead of cmdline in one
    extra: tuple = ()             # appended to QEMU's command line

    def kind(self):
        """The machine's name without its options."""
        return self.machine.split(",")[0]


def default_nic(machine):
    """The NIC that `make run` gives a machine."""
    return "mmio" if machine.split(",")[0] in ("microvm", "virt") else "pci"


def netdev(opts):
    """QEMU's -netdev argument, or -nic's for a NIC on the board."""
    if opts.tap_fd >= 0:
        return f"tap,id=n,fd={opts.tap_fd}"
    if opts.tap:
        return f"tap,id=n,ifname={opts.tap},script=no,downscript=no"
    words = [f"hostfwd=tcp:127.0.0.1:{host}-:{guest}" for host, guest in opts.forwards]
    return ",".join(["user", "id=n"] + words)


def nic_device(opts):
    """QEMU's -device argument for the NIC."""
    return f"{NICS[opts.nic or default_nic(opts.machine)]},netdev=n,mac={opts.mac}"


def cpu_model(opts):
    """The CPU: everything QEMU has, except what trips a software-virtualised KVM."""
    if opts.cpu:
        return opts.cpu
    if opts.no_rng:
        return "max,-rdrand,-rdseed" if opts.board == "pc" else "cortex-a53"
    return "host,-arch-capabilities" if opts.accel == "kvm" and opts.board == "pc" else "max"


def settings_fd(opts):
    """What stands in a disk's place of a command line: words for fw_cfg; else a board's settings
    page, or file, as opts.page has it; else with a seed, and opts.cmdline
    where the board has no command line: a descriptor that is a file in memory, or -1."""
    board = board_words(opts.board)
    if opts.firmware == "bios" and opts.cmdline:
        fd = os.memfd_create("settings")
        os.write(fd, opts.cmdline.encode())
        return fd
    if opts.page == b"" or (opts.page is None and "SETTINGS_SIZE" not in board):
        return -1
    words = opts.cmdline if "SETTINGS_AT" in board else ""
    fd = os.memfd_create("settings")
    if opts.page is not None:
        os.write(fd, opts.page)
        return fd
    done = subprocess.run([f"{ROOT}/linker/settings", f"/dev/fd/{fd}", board["SETTINGS_SIZE"],
                           "seed", words], pass_fds=[fd], stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode:
        os.close(fd)
        raise VmError(done.stderr.decode().strip())
    return fd


def board_command(opts, page_fd):
    """The command line for a machine in BOARDS. Its settings lie where its flash has them, or are
    handed over as an initrd, beside a command line, as its boot loader does."""
    nic = "none" if opts.no_nic else f"{netdev(opts)},mac={opts.mac}"
    args = [QEMU[opts.board], "-M", opts.machine, "-accel", opts.accel, "-nodefaults",
            "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio", "-nic", nic,
            "-kernel", opts.image]
    at = board_words(opts.board).get("SETTINGS_AT")
    if page_fd >= 0:
        args += ["-device", f"loader,file=/dev/fd/{page_fd},addr={at},force-raw=on"] if at else [
            "-initrd", f"/dev/fd/{page_fd}"]
    if opts.cmdline and not at:
        args += ["-append", opts.cmdline]
    return args + list(opts.extra)


def esp(opts, folder):
    """Makes `folder` the volume that UEFI finds the image on."""
    where = os.path.join(folder, opts.program or f"EFI/BOOT/{UEFI[opts.board][2]}")
    os.makedirs(os.path.dirname(where), exist_ok=True)
    shutil.copy(opts.image, where)
    if opts.beside:
        shutil.copy(opts.beside, os.path.join(folder, "zeitkern.efi"))
    for name, text in (opts.files or {}).items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


def uefi(opts, folder):
    """QEMU's arguments for firmware and its volume. The settings go by fw_cfg."""
    code, variables = (SNAKEOIL if opts.secure else UEFI)[opts.board][:2]
    disk = "virtio-blk-pci" if opts.board == "virt" else "ide-hd"
    args = ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
            "-drive", f"if=pflash,unit=1,format=raw,snapshot=on,file={variables}",
            "-drive", f"id=esp,if=none,format=raw,snapshot=on,file=fat:{folder}",
            "-device", f"{disk},drive=esp,bootindex=0"]
    if opts.secure and opts.board == "pc":
        args += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
    if opts.cmdline:
        words = opts.cmdline.replace(",", ",,")
        args += ["-fw_cfg", f"name=opt/zeitkern/settings,string={words}"]
    return args


def command(opts, page_fd=-1, folder=""):
    """The whole command line, as a list; `page_fd` is settings_fd()'s, `folder` what esp() made."""
    if opts.board == "host":
        file = [f"settings=/dev/fd/{page_fd}"] if page_fd >= 0 else []
        return [opts.image, f"mem={opts.mem}"] + file + opts.cmdline.split() + list(opts.extra)
    if opts.board in BOARDS:
        return board_command(opts, page_fd)
    mmio = opts.kind() in ("microvm", "virt")
    mem = max(opts.mem, UEFI_MIB) if opts.firmware == "uefi" else opts.mem
    smm = ",smm=on" if opts.secure and opts.board == "pc" else ""
    args = [QEMU[opts.board], "-M", opts.machine + smm, "-accel", opts.accel,
            "-cpu", cpu_model(opts),
            "-m", f"{mem}M", "-smp", str(opts.smp), "-nodefaults", "-no-user-config",
            "-no-reboot", "-display", "none", *opts.console]
    if mmio:
        args += ["-global", "virtio-mmio.force-legacy=false"]
    if not opts.no_nic:
        args += ["-netdev", netdev(opts), "-device", nic_device(opts)]
    if not opts.no_rng:
        args += ["-device", "virtio-rng-device" if mmio else "virtio-rng-pci,disable-legacy=on"]
    if opts.board == "pc":
        args += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    if opts.firmware == "bios":
        return args + disk_args(opts, page_fd) + list(opts.extra)
    if opts.firmware == "uefi":
        return args + uefi(opts, folder) + list(opts.extra)
    args += ["-kernel", opts.image]
    if opts.cmdline:
        args += ["-append", opts.cmdline]
    return args + list(opts.extra)


def disk_args(opts, words_fd):
    """QEMU's options for a disk to boot from, of which nothing is written back."""
    args = ["-drive", f"if=none,id=disk,format={opts.disk_format},file={opts.image},snapshot=on"]
    for device in opts.disk[:-1]:
        args += ["-device", device]
    args += ["-device", f"{opts.disk[-1]},drive=disk"]
    if words_fd >= 0:
        args += ["-fw_cfg", f"name=opt/zeitkern/settings,file=/dev/fd/{words_fd}"]
    return args


def setns(fd):
    """Moves the calling thread into the network namespace behind `fd`."""
    if LIBC.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def child_setup(netns_fd=-1):
    """For preexec_fn: dies with its parent, and runs in the namespace given."""
    parent = os.getpid()

    def setup():
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(127)
        if netns_fd >= 0:
            setns(netns_fd)
    return setup


class Console:
    """Reads a pipe in a thread; keeps every line with the time it was complete."""

    def __init__(self, pipe, sink=None):
        self.lines = []               # (time.monotonic(), text)
        self.changed = threading.Condition()
        self.ended = False
        self.sink = sink
        self.pipe = pipe
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        """The thread: until the pipe ends."""
        for raw in self.pipe:
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            with self.changed:
                self.lines.append((time.monotonic(), line))
                self.changed.notify_all()
            if self.sink:
                self.sink(line)
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def text(self, since=0):
        """The lines from number `since` on, as one string."""
        with self.changed:
            return "\n".join(line for _, line in self.lines[since:])

    def wait_for(self, regex, timeout, since=0):
        """The match of the first line from `since` on, with its time as .when; None when late."""
        pattern = re.compile(regex)
        deadline = time.monotonic() + timeout
        seen = since
        with self.changed:
            while True:
                for when, line in self.lines[seen:]:
                    match = pattern.search(line)
                    if match:
                        return match, when
                seen = len(self.lines)
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    return None, None
                self.changed.wait(left)


class Qmp:
    """The monitor, over a socket pair: no file, no port."""

    def __init__(self):
        self.ours, self.theirs = socket.socketpair()
        self.events = []
        self.pending = b""

    def args(self):
        """QEMU's options for it; the descriptor self.theirs must be passed on."""
        return ["-chardev", f"socket,id=qmp,fd={self.theirs.fileno()}",
                "-mon", "chardev=qmp,mode=control"]

    def started(self):
        """Called once QEMU holds its end."""
        self.theirs.close()
        self.ours.sendall(b'{"execute":"qmp_capabilities"}\n')
        self.answer(10)

    def message(self, timeout):
        """One JSON message, or None at the end of the stream or when late."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self.pending:
            left = max(0, deadline - time.monotonic())
            if not select.select([self.ours], [], [], left)[0]:
                return None
            try:
                data = self.ours.recv(65536)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        return json.loads(line)

    def answer(self, timeout):
        """Messages up to the answer of the last command; events are kept."""
        while True:
            message = self.message(timeout)
            if message is None or "return" in message or "error" in message:
                return message
            if "event" in message:
                self.events.append(message)

    def execute(self, name, /, timeout=10, **arguments):
        """Runs a command: its result, or VmError."""
        text = json.dumps({"execute": name, "arguments": arguments})
        try:
            self.ours.sendall(text.encode() + b"\n")
        except OSError:
            return None
        answer = self.answer(timeout)
        if answer and "error" in answer:
            raise VmError(f"QMP {name}: {answer['error']['desc']}")
        return answer and answer["return"]

    def drain(self):
        """Collects the events that are left, without waiting."""
        message = self.message(0)
        while message is not None:
            if "event" in message:
                self.events.append(message)
            message = self.message(0)

    def shutdown_reason(self):
        """Why QEMU ended: "guest-shutdown", "guest-reset", "host-qmp-quit", ... or None."""
        self.drain()
        for event in self.events:
            if event["event"] == "SHUTDOWN":
                return event["data"].get("reason")
        return None


class Vm:
    """A started machine. Use as a context manager, or call kill() at the end."""

    def __init__(self, opts, sink=None, netns_fd=-1, stderr=None, plugin=None, env=None):
        self.opts = opts
        page_fd = settings_fd(opts)
        self.folder = None
        if opts.firmware == "uefi":
            self.folder = tempfile.TemporaryDirectory(prefix="zeitkern-esp-")
            esp(opts, self.folder.name)
        args = command(opts, page_fd, self.folder.name if self.folder else "")
        self.qmp = None if opts.board == "host" else Qmp()
        fds = [fd for fd in (opts.tap_fd, page_fd) if fd >= 0]
        if self.qmp:
            args += self.qmp.args()
            fds.append(self.qmp.theirs.fileno())
        if plugin:
            args += ["-plugin", plugin]
        environment = dict(os.environ, **(env or {}))
        if opts.board == "host":
            # Its pools lie in memory that LeakSanitizer does not look into.
            environment.setdefault("ASAN_OPTIONS", "detect_leaks=0")
            if opts.tap_fd >= 0:
                environment["ZEITKERN_TAP_FD"] = str(opts.tap_fd)
        self.args = args
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if stderr is None else stderr, pass_fds=fds,
            env=environment, preexec_fn=child_setup(netns_fd), start_new_session=True)
        if page_fd >= 0:
            os.close(page_fd)
        self.console = Console(self.process.stdout, sink)
        if self.qmp:
            self.qmp.started()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.kill()

    def running(self):
        """True until it has ended."""
        return self.process.poll() is None

    def fail(self, why):
        """Raises VmError with the console at its end."""
        raise VmError(f"{why}\n--- {' '.join(self.args)}\n--- console:\n{self.console.text()}")

    def mark(self):
        """The number of console lines so far: `since` of a later wait_for."""
        return len(self.console.lines)

    def wait_for(self, regex, timeout=20, since=0):
        """Waits for a console line; its match. VmError when late or the machine ends."""
        match, _ = self.console.wait_for(regex, timeout, since)
        if match is None:
            self.fail(f"no line matches {regex!r} within {timeout} s")
        return match

    def when(self, regex, timeout=20, since=0):
        """As wait_for, but the host's monotonic time of that line."""
        match, when = self.console.wait_for(regex, timeout, since)
        if match is None:
            self.fail(f"no line matches {regex!r} within {timeout} s")
        return when

    def powerdown(self):
        """Presses the power button."""
        if self.qmp:
            self.qmp.execute("system_powerdown")
        elif self.running():
            self.process.send_signal(signal.SIGTERM)

    def wait(self, timeout=20):
        """Waits for its end: exit_code(). VmError when it goes on running."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.fail(f"still running after {timeout} s")
        self.console.thread.join(5)
        return self.exit_code()

    def exit_code(self):
        """The guest's own code, or a word for what happened to it instead."""
        status = self.process.returncode
        if status is None:
            return "running"
        if self.opts.board == "host":
            return status if status >= 0 else signal.Signals(-status).name
        if status < 0:
            return signal.Signals(-status).name
        said = re.findall(r"\bexit code (\d+)", self.console.text())
        if status == 0 and said:
            return int(said[-1])
        if status == 0:
            reason = self.qmp.shutdown_reason()
            return 0 if reason in ("guest-shutdown", "host-qmp-quit") else reason
        if self.opts.board == "pc" and status >= 3 and status & 1:
            return status >> 1            # isa-debug-exit: (code << 1) | 1
        return f"qemu-failed-{status}"

    def stop(self, grace=4.0):
        """Power button, then the plug after `grace` seconds. True when the button was enough,
        or the machine has none."""
        if self.opts.kind() not in BUTTON:
            self.kill()
        if self.running():
            try:
                self.powerdown()
            except (VmError, OSError):
                pass
            try:
                self.process.wait(grace)
            except subprocess.TimeoutExpired:
                self.kill()
                return False
        self.console.thread.join(2)
        return True

    def kill(self):
        """Pulls the plug."""
        if self.running():
            self.process.kill()
            self.process.wait()
        self.console.thread.join(2)
        if self.qmp:
            self.qmp.ours.close()
        if self.folder:
            self.folder.cleanup()

    def cpu_seconds(self):
        """CPU time used so far, user and system."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
