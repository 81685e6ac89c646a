# SPDX-License-Identifier: MIT
"""Every machine of the table boots to a 200, in user-mode networking as `make run` has it."""

import contextlib
import os
import random
import re
import shutil
import socket
import subprocess
import time

import pytest

import images
from client import Client, Closed
from netns import NoNamespace
from site_vm import Site
from table import BY_NAME, ROWS
from test_time import served_time
from vm import QEMU, Options, Vm, child_setup, command

BOOT_S = 60
GUEST_PORT = 8080


def free_port():
    """A port of 127.0.0.1 that nobody has just now, nor the one for HTTPS beside it."""
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 363))
                return port
            except OSError:
                continue


def kvm_works():
    """None, or why ACCEL=kvm cannot run here."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "/dev/kvm cannot be opened"
    opts = Options(board="pc", machine="microvm", image="/dev/null", accel="kvm", no_nic=True,
                   extra=("-S",))
    with Vm(opts) as vm:
        time.sleep(1)
        if vm.running() or "error reading" in vm.console.text() or "load" in vm.console.text():
            return None
        return f"QEMU does not run with KVM: {vm.console.text().splitlines()[:1]}"


def first_answer(vm, port):
    """Asks with a new connection each time until an answer comes."""
    deadline = time.monotonic() + BOOT_S
    while time.monotonic() < deadline and vm.running():
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as sock:
                return Client(sock, 2).get()
        except (OSError, Closed):
            time.sleep(0.05)
    vm.fail(f"no answer within {BOOT_S} s")
    return None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_boot(row, full):
    """To a 200 with the right time, and off again by the power button where there is one."""
    if row.full and not full:
        pytest.skip("only in make test-full")
    if row.accel == "kvm":
        why = kvm_works()
        if why:
            pytest.skip(why)
    image = images.image(row.board, app="time", firmware=row.firmware)
    if row.board == "host":
        boot_host(row, image)
        return
    assert shutil.which(QEMU[row.board])
    port = free_port()
    with Vm(row.options(image, forwards=((port, GUEST_PORT),))) as vm:
        answer = first_answer(vm, port)
        if row.clock:
            error = served_time(answer) - time.time()
            assert -1.2 - row.late < error < 1.2, error
        else:
            assert answer.status == 503 and b"not known" in answer.body, answer
        vm.wait_for(r"serving http://10\.0\.2\.15:8080/")
        if row.button:
            vm.powerdown()
            assert vm.wait(6) == 0, vm.console.text()


@pytest.mark.parametrize("name", ("microvm", "q35", "pc", "virt"))
def test_reset(name):
    """After a reset of the machine it serves again, from memory that the first run has used."""
    row = BY_NAME[name]
    port = free_port()
    with Vm(row.options(images.image(row.board, app="time"), forwards=((port, GUEST_PORT),),
                        extra=("-action", "reboot=reset"))) as vm:
        first_answer(vm, port)
        seen = vm.mark()
        vm.qmp.execute("system_reset")
        vm.wait_for(r"serving http://10\.0\.2\.15:8080/", BOOT_S, seen)
        answer = first_answer(vm, port)
        assert abs(served_time(answer) - time.time()) < 1.2


@pytest.mark.parametrize("name", ("q35", "virt-gicv3"))
def test_64_cpus(name):
    """Of which one serves."""
    row = BY_NAME[name]
    port = free_port()
    with Vm(row.options(images.image(row.board, app="time"), forwards=((port, GUEST_PORT),),
                        smp=64)) as vm:
        assert len(vm.qmp.execute("query-cpus-fast")) == 64
        assert first_answer(vm, port).status == 200
        vm.powerdown()
        assert vm.wait(6) == 0, vm.console.text()


VIRTCONSOLE = ("-chardev", "stdio,id=console", "-device", "{}", "-device",
               "virtconsole,chardev=console")


@pytest.mark.parametrize("name, machine, bus", (
    ("microvm", "microvm,isa-serial=off", "virtio-serial-device"),
    ("q35", "q35", "virtio-serial-pci,disable-legacy=on"),
    ("q35", "q35", "virtio-serial-pci-transitional")))
def test_virtio_console(name, machine, bus):
    """Where there is no UART the console is virtio's: from the first line on, while a service
    runs, to the last."""
    row = BY_NAME[name]
    port = free_port()
    opts = row.options(images.image("pc", app="time"), forwards=((port, GUEST_PORT),),
                       console=tuple(word.format(bus) for word in VIRTCONSOLE))
    opts.machine = machine
    with Vm(opts) as vm:
        vm.wait_for(r"^\[   0\.000000\] Zeitkern on ", BOOT_S)
        assert first_answer(vm, port).status == 200
        vm.wait_for(r"serving http://10\.0\.2\.15:8080/")
        vm.powerdown()
        assert vm.wait(6) == 0, vm.console.text()
        assert re.search("power button: finishing what runs$", vm.console.text(), re.M)


def test_virtio_console_crash():
    """A crash is reported there, too, to its last line."""
    opts = BY_NAME["q35"].options(images.image("pc", guest="write_text"), console=tuple(
        word.format("virtio-serial-pci") for word in VIRTCONSOLE))
    with Vm(opts) as vm:
        vm.wait_for(r"^\*\*\* fault: .*writ", BOOT_S)
        vm.wait_for(r"^exit code 2$", BOOT_S)


@pytest.mark.parametrize("name", ("microvm", "q35-virtio"))
def test_stalled_console(name):
    """Nobody reads the console and its pipe is full: the service comes up all the same."""
    row = BY_NAME[name.split("-", maxsplit=1)[0]]
    port = free_port()
    opts = row.options(images.image("pc", app="time"), forwards=((port, GUEST_PORT),))
    if name == "q35-virtio":
        opts.console = tuple(word.format("virtio-serial-pci") for word in VIRTCONSOLE)
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(theirs, bytes(512))
    qemu = subprocess.Popen(command(opts), stdin=subprocess.DEVNULL, stdout=theirs,
                            preexec_fn=child_setup())
    try:
        deadline = time.monotonic() + 20
        answer = None
        while answer is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError, Closed):
                with socket.create_connection(("127.0.0.1", port), 1) as sock:
                    answer = Client(sock, 2).get()
        assert answer is not None, "no answer in 20 s"
    finally:
        qemu.kill()
        qemu.wait()
        os.close(ours)
        os.close(theirs)


def boot_host(row, image):
    """The same for the host build, on its TAP."""
    try:
        site = Site(row, image, dhcp=False)
    except NoNamespace as error:
        pytest.skip(f"no network namespace here: {error}")
    try:
        site.boot()
        assert abs(served_time(site.get()) - time.time()) < 1.2
        site.vm.powerdown()
        assert site.vm.wait(6) == 0, site.vm.console.text()
    finally:
        site.close()


@pytest.fixture
def forty():
    """lm3s6965evb linked for 40 KiB of its 64 KiB of RAM, on a wire of its own."""
    done = images.make("image", "BOARD=lm3s6965evb", "RAM_KIB=40", "BUILD=build/forty", "TLS=no",
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode()
    assert done.returncode == 0, text
    try:
        site = Site(BY_NAME["lm3s6965evb"], text.split()[-1])
    except NoNamespace as error:
        pytest.skip(f"no network namespace here: {error}")
    yield site
    site.close()


def test_budget(forty):
    """HTTP, DHCP and NTP in 100 KiB of flash and 40 KiB of RAM: twelve connections at once; the
    thirteenth takes the place of the one that has been idle longest."""
    elf = forty.options.image
    listing = subprocess.run(["arm-none-eabi-readelf", "-lW", elf], check=True,
                             stdout=subprocess.PIPE).stdout.decode()
    loads = re.findall(r"LOAD +0x\w+ 0x(\w+) 0x(\w+) 0x(\w+) 0x(\w+)", listing)
    flash = max(int(where, 16) + int(size, 16) for _, where, size, _ in loads if int(size, 16))
    ram = max(int(va, 16) + int(size, 16) for va, _, _, size in loads) - 0x20000000
    assert flash <= 100 << 10 and 0 < ram <= 40 << 10, (flash, ram)
    forty.boot()
    clients = [forty.client() for _ in range(12)]
    for _ in range(2):
        for client in clients:
            assert client.get().status == 200
    with forty.client() as last:
        assert last.get().status == 200
        clients[0].ended(timeout=3)
    for client in clients[1:]:
        assert client.get().status == 200
        client.close()
    assert forty.vm.running()
