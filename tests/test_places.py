# SPDX-License-Identifier: MIT
"""The places that take more than a disk: libvirt, by a libvirtd and virsh as Debian has them."""

import json
import os
import subprocess
import time

import pytest

import images
from images import ROOT
from libvirtd import Libvirtd
from netns import Namespace, NoNamespace
from test_front import refusal
from vm import Console

SERVES_S = 90
NAP_MS = 1500
PREFIX = "10.81.0"
MACHINES = (
    ("kernel", "pc", ("NET=network:zk",), False),
    ("bios", "pc", ("FIRMWARE=bios", "MACHINE=pc", "NET=network:zk"), False),
    ("uefi", "pc", ("FIRMWARE=uefi", "NET=user", "PORT=8088"), False),
    ("aarch64", "virt", ("NET=tap:zk1",), False),
    ("aarch64-uefi", "virt", ("FIRMWARE=uefi", "NET=network:zk"), True),
)


def made(form, *words):
    """Makes an image: its path, which is the last line."""
    done = images.make("-s", "image", f"FORMAT={form}", *words, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=600)
    text = done.stdout.decode()
    assert done.returncode == 0, text
    return os.path.join(ROOT, text.splitlines()[-1])


@pytest.fixture(scope="module")
def daemon():
    """A libvirtd with the network zk, and an existing TAP zk1."""
    try:
        net = Namespace()
    except NoNamespace as error:
        pytest.skip(f"no network namespace here: {error}")
    try:
        net.ip("tuntap", "add", "zk1", "mode", "tap")
        net.ip("addr", "add", "10.82.0.1/24", "dev", "zk1")
        net.ip("link", "set", "zk1", "up")
        libvirtd = Libvirtd(net)
        libvirtd.network("zk", PREFIX)
        yield libvirtd
        libvirtd.close()
    finally:
        net.close()


def leased(daemon, name):
    """The address that libvirt's DHCP server gave a machine."""
    deadline = time.monotonic() + SERVES_S
    text = ""
    while PREFIX not in text:
        assert time.monotonic() < deadline, daemon.said()
        time.sleep(0.2)
        text = daemon.virsh("domifaddr", name)
    return text.split()[-1].split("/")[0]


def url(daemon, name, words):
    """Where it serves."""
    if "NET=network:zk" in words:
        return f"http://{leased(daemon, name)}:8080"
    return "http://10.82.0.2:8080" if "NET=tap:zk1" in words else "http://127.0.0.1:8088"


def get(daemon, where, seconds=5):
    """The body of an answer, by curl, or None."""
    done = daemon.inside("curl", "-sSf", "-m", str(seconds), where, check=False)
    return None if done.returncode else json.loads(done.stdout)


@pytest.mark.parametrize("name,board,words,only_full", MACHINES, ids=[m[0] for m in MACHINES])
def test_libvirt(name, board, words, only_full, daemon, full):
    """Defined, started, serves by what fw_cfg says; `virsh shutdown` lets a request finish."""
    if only_full and not full:
        pytest.skip("only in make test-full")
    config = "hostname=by-fw-cfg" + (" ip=10.82.0.2/24" if "NET=tap:zk1" in words else "")
    path = made("libvirt", f"BOARD={board}", "APP=echo", *words,
                *([] if name == "bios" else [f"CONFIG={config}"]))
    daemon.inside("virt-xml-validate", path)
    daemon.virsh("define", path)
    machine = "zeitkern-echo"
    daemon.virsh("start", machine)
    console = Console(daemon.console(machine).stdout)
    where = url(daemon, machine, words)
    deadline = time.monotonic() + SERVES_S
    while not get(daemon, f"{where}/hello/libvirt"):
        assert time.monotonic() < deadline, console.text() + daemon.said()
        time.sleep(0.2)
    if name != "bios" and "NET=network:zk" in words:
        assert "by-fw-cfg" in daemon.virsh("net-dhcp-leases", "zk")
    slow = daemon.net.popen(["curl", "-sSf", f"{where}/sleep/{NAP_MS}"], stdout=subprocess.PIPE)
    time.sleep(0.5)
    daemon.virsh("shutdown", machine)
    assert json.loads(slow.communicate(timeout=30)[0]) == {"slept": NAP_MS}
    assert daemon.shut_off(machine) == "shutdown"
    assert console.wait_for("power button", 5)[0], console.text()
    daemon.virsh("undefine", machine, *(["--nvram"] if "FIRMWARE=uefi" in words else []))


def test_libvirt_front_door():
    """What a definition cannot have is one line that names the choices."""
    line, = refusal("FORMAT=libvirt", "MACHINE=microvm")
    assert "MACHINE=microvm" in line and "q35 pc" in line, line
    line, = refusal("FORMAT=libvirt", "NET=bridge")
    assert "NET=bridge" in line and "user tap:IFNAME network:NAME" in line, line
    line, = refusal("FORMAT=libvirt", "CONFIG=Hostname=x", command="image")
    assert '"Hostname"' in line, line
    line, = refusal("FORMAT=raw", "NET=network:zk")
    assert "network" not in line.split("there are")[1], line
