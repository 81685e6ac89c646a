# SPDX-License-Identifier: MIT
"""NICs in a machine: how their interrupts come, which of several is taken, what is said of none.

In user-mode networking, to a 200. What a NIC does with frames, the wire suites of its rows test.
"""

import re
import subprocess

import pytest

import images
from table import Row
from test_boot import BOOT_S, GUEST_PORT, first_answer, free_port
from test_guests import EXIT_FAULT, WRITE_NIC, run_guest
from vm import NICS, Vm

MACHINES = ("q35", "pc", "virt", "virt,gic-version=3")
PCI_NICS = tuple(name for name in NICS if name != "mmio")
WAYS = ("", "msix", "msi", "intx", "poll")
BOARD = {"q35": "pc", "pc": "pc", "virt": "virt"}

# In `make test`: each way, on each machine, with each driver at least once.
CHOSEN = {("q35", "pci", "intx"), ("q35", "e1000e", "msi"), ("q35", "vmxnet3", "msi"),
          ("q35", "vmxnet3", "intx"), ("pc", "pci", "poll"), ("pc", "transitional", ""),
          ("pc", "non-transitional", "intx"), ("pc", "e1000e", "intx"), ("virt", "e1000", ""),
          ("pc", "legacy", ""), ("q35", "legacy", "poll"),
          ("virt", "e1000e", ""), ("virt", "vmxnet3", ""), ("virt,gic-version=3", "pci", "")}

# Of those, the ones that are booted to a 200 there, too.
SERVED = {("pc", "pci", "poll"), ("q35", "legacy", "poll"), ("pc", "legacy", ""),
          ("pc", "transitional", ""), ("virt", "e1000", ""), ("virt", "vmxnet3", ""),
          ("virt,gic-version=3", "pci", "")}

NO_ANSWER = r"net: .*: no answer$"
MAC = "52:54:00:00:00:0"


def choose(machine, nic, way, chosen):
    """Skips what is not among the chosen, or not for this machine."""
    if chosen is not None and (machine, nic, way) not in chosen:
        pytest.skip("only in make test-full")
    if nic == "legacy" and machine.startswith("virt"):
        pytest.skip("legacy virtio needs I/O ports")


def polls(nic, way):
    """Whether no interrupt is left: a legacy device's status can only be read by port."""
    return way == "poll" or (nic == "legacy" and way in ("msi", "intx"))


def start(machine, nic="", cmdline="", **more):
    """(Vm, port) of app/time, not yet waited for."""
    row = Row(machine, BOARD[machine.split(",", maxsplit=1)[0]], machine, nic)
    port = free_port()
    image = images.image(row.board, app="time")
    return Vm(row.options(image, cmdline=cmdline, forwards=((port, GUEST_PORT),), **more)), port


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("nic", PCI_NICS)
@pytest.mark.parametrize("machine", MACHINES)
def test_interrupt(machine, nic, way, full):
    """It serves, by that way or those after it."""
    choose(machine, nic, way, None if full else SERVED)
    vm, port = start(machine, nic, f"pci.irq={way}" if way else "")
    with vm:
        for _ in range(3):
            assert first_answer(vm, port).status == 200
        polled = "looked at by time" in vm.console.text()
        assert polled == polls(nic, way), vm.console.text()


@pytest.mark.parametrize("way", WAYS[:-1])
@pytest.mark.parametrize("nic", PCI_NICS)
@pytest.mark.parametrize("machine", MACHINES)
def test_sleep(machine, nic, way, full):
    """The driver alone, on a NIC that was left running: each answer ends its sleep, and a burst
    overfills what it sends from."""
    choose(machine, nic, way, None if full else CHOSEN)
    if polls(nic, way):
        pytest.skip("nothing ends its sleep but the time")
    row = Row(machine, BOARD[machine.split(",", maxsplit=1)[0]], machine, nic)
    code, text = run_guest(row, "nic", "nic.twice=yes" + (f" pci.irq={way}" if way else ""))
    assert code == 0, text


@pytest.mark.parametrize("machine, nic, bar", (("q35", "e1000e", 0), ("pc", "vmxnet3", 1),
                                               ("virt", "vmxnet3", 1)))
def test_registers(machine, nic, bar):
    """The registers that can be read after the seal cannot be written."""
    row = Row(machine, BOARD[machine], machine, nic)
    code, text = run_guest(row, WRITE_NIC, f"bar={bar}")
    assert re.search(r"write_nic: .* reads .*, link up", text), text
    assert "FORBIDDEN ACCESS SUCCEEDED" not in text, text
    assert code == EXIT_FAULT and re.search(r"^\*\*\* fault: .*writ", text, re.M), (code, text)


BEHIND = ("-device", "pcie-root-port,id=root,chassis=1", "-device", "pcie-root-port,chassis=2",
          "-device", "x3130-upstream,bus=root,id=up",
          "-device", "xio3130-downstream,bus=up,chassis=3",
          "-device", "xio3130-downstream,bus=up,id=down,chassis=4")


@pytest.mark.parametrize("machine, nic", (("q35", "pci"), ("virt", "pci"), ("virt", "e1000e")))
def test_bridges(machine, nic):
    """Behind a switch, numbered by firmware or, with virt, by nobody."""
    row = Row(machine, BOARD[machine], machine)
    port = free_port()
    extra = BEHIND + ("-netdev", f"user,id=n,hostfwd=tcp:127.0.0.1:{port}-:{GUEST_PORT}",
                      "-device", f"{NICS[nic]},netdev=n,bus=down")
    with Vm(row.options(images.image(row.board, app="time"), no_nic=True, extra=extra)) as vm:
        assert first_answer(vm, port).status == 200
        assert "looked at by time" not in vm.console.text()


LARGE = ("-object", "memory-backend-ram,id=large,size=4G,reserve=off",
         "-device", "ivshmem-plain,memdev=large")


def test_64_bit():
    """Registers above 4 GiB, where SeaBIOS puts those of 64 bits that do not all fit below."""
    vm, port = start("q35", "pci", extra=LARGE, mem=5120)
    with vm:
        assert first_answer(vm, port).status == 200
        net, = (device for bus in vm.qmp.execute("query-pci") for device in bus["devices"]
                if device["class_info"]["class"] == 0x200)
        assert any(region["address"] >= 1 << 32 for region in net["regions"]), net


def several(machine, nics, cmdline="", stopped=False, **more):
    """(Vm, port): NICs in this order, each (of NICS or a device of QEMU's, "n" or the name of a
    wire with nobody on it). The MAC of the first ends in 0 and its place is 00:10.0, then 1 and
    00:11.0."""
    row = Row(machine, BOARD[machine], machine)
    port = free_port()
    wires = {wire for _, wire in nics} - {"n"}
    extra = ["-S"] if stopped else []
    extra += ["-netdev", f"user,id=n,hostfwd=tcp:127.0.0.1:{port}-:{GUEST_PORT}"]
    for number, wire in enumerate(sorted(wires)):
        extra += ["-netdev", f"hubport,hubid={number},id={wire}"]
    for number, (nic, wire) in enumerate(nics):
        extra += ["-device", f"{NICS.get(nic, nic)},netdev={wire},mac={MAC}{number},"
                  f"addr=1{number}"]
    image = images.image(row.board, app="time")
    return Vm(row.options(image, cmdline=cmdline, no_nic=True, extra=tuple(extra),
                          **more)), port


def taken(vm):
    """The number of the NIC that the machine has taken."""
    return int(vm.wait_for(rf"net: .* at .*, {MAC}([0-9]), mtu", BOOT_S)[1])


@pytest.mark.parametrize("nics", [
    pytest.param((("e1000e", "a"), ("pci", "b"), ("pci", "n")), id="of-two-drivers"),
    pytest.param((("vmxnet3", "a"), ("vmxnet3", "n")), id="of-one-driver")])
@pytest.mark.parametrize("address", ("", "ip=10.0.2.15/24 gw=10.0.2.2"))
def test_answer(nics, address, full):
    """Of several with a link, the one that gets an answer: of a DHCP server or of the gateway."""
    if not full and len(nics) == 3:
        pytest.skip("only in make test-full")
    vm, port = several("q35", nics, address)
    with vm:
        assert taken(vm) == len(nics) - 1, vm.console.text()
        assert len(re.findall(NO_ANSWER, vm.console.text(), re.M)) == len(nics) - 1
        assert first_answer(vm, port).status == 200


@pytest.mark.parametrize("nic", ("pci", "e1000", "e1000e", "vmxnet3"))
def test_link(nic, full):
    """Where the first has no link the next is taken, and the first is not asked for an answer."""
    if not full and nic not in ("pci", "vmxnet3"):
        pytest.skip("only in make test-full")
    vm, port = several("pc", ((nic, "a"), ("e1000e", "n")), stopped=True)
    with vm:
        vm.qmp.execute("set_link", name="a", up=False)
        vm.qmp.execute("cont")
        assert taken(vm) == 1, vm.console.text()
        assert re.search(r"net: .*: no link", vm.console.text()), vm.console.text()
        assert first_answer(vm, port).status == 200


def test_late_link():
    """A link that comes up seconds after the NIC was set up, as VirtualBox's e1000 has it, is
    found where no other NIC gets an answer."""
    vm, port = several("q35", (("vmxnet3", "a"), ("e1000e", "n")), "ip=10.0.2.15/24 gw=10.0.2.2",
                       stopped=True)
    with vm:
        vm.qmp.execute("set_link", name="n", up=False)
        vm.qmp.execute("cont")
        vm.wait_for(r"net: e1000e? at .*: no link", BOOT_S)
        vm.qmp.execute("set_link", name="n", up=True)
        assert taken(vm) == 1, vm.console.text()
        assert first_answer(vm, port).status == 200


def test_long_queues():
    """Legacy NICs with queues so long that there are sealed pages for two of them, each of which
    is opened twice: the second gets the pages of the first, and the one that has a link serves."""
    nic = NICS["legacy"] + ",rx_queue_size=1024"
    vm, port = several("pc", ((nic, "a"), (nic, "n")), "ip=10.0.2.15/24 gw=10.0.2.2",
                       stopped=True, mem=8)
    with vm:
        for wire in ("a", "n"):
            vm.qmp.execute("set_link", name=wire, up=False)
        vm.qmp.execute("cont")
        vm.wait_for(r"net: virtio-net at pci 00:11\.0: no link", BOOT_S)
        vm.qmp.execute("set_link", name="n", up=True)
        assert taken(vm) == 1, vm.console.text()
        assert "no memory" not in vm.console.text(), vm.console.text()
        assert first_answer(vm, port).status == 200


def test_no_pages():
    """Long queues, and no sealed pages for those of one NIC more: one line says so, and the one
    after it serves."""
    nic = NICS["legacy"] + ",rx_queue_size="
    vm, port = several("pc", ((nic + "1024", "a"), ("e1000", "b"), (nic + "512", "c"),
                              ("pci", "n")), stopped=True, mem=6)
    with vm:
        for wire in ("a", "b"):
            vm.qmp.execute("set_link", name=wire, up=False)
        vm.qmp.execute("cont")
        assert taken(vm) == 3, vm.console.text()
        about = [line for line in vm.console.text().splitlines() if "00:12.0" in line]
        assert len(about) == 1 and "no memory for queue 0 of 512 entries" in about[0], about
        assert first_answer(vm, port).status == 200


def test_pin_nowhere(tmp_path):
    """A device tree that leads PCI's pins to an interrupt that the GIC has not: one line, and the
    NIC is looked at by time."""
    tree = tmp_path / "tree"
    machine = f"virt,dumpdtb={tree}"
    with Vm(Row("virt", "virt", "virt", "e1000").options(images.image("virt", app="time"))) as vm:
        command = [word.replace("virt", machine, 1) if word == "virt" else word
                   for word in vm.args]
    subprocess.run(command[:command.index("-chardev")], check=True, stdout=subprocess.DEVNULL,
                   stdin=subprocess.DEVNULL)
    # interrupt-map: pin, the GIC, its two cells of address; an SPI, its number, level.
    data, changed = re.subn(
        rb"(\x00{3}[\x01-\x04].{4}\x00{12})\x00{3}[\x03-\x06](\x00{3}\x04)",
        lambda found: found[1] + b"\0\0\x70\0" + found[2], tree.read_bytes(), flags=re.S)
    assert changed == 16
    tree.write_bytes(data)
    vm, port = start("virt", "e1000", extra=("-dtb", str(tree)))
    with vm:
        assert first_answer(vm, port).status == 200
        assert re.search(r"gic: interrupt \d+ cannot be routed", vm.console.text())
        assert "looked at by time" in vm.console.text()


def test_no_answer(full):
    """Where none gets an answer the first with a link is taken, and asks for ever."""
    if not full:
        pytest.skip("only in make test-full")
    vm, _ = several("q35", (("vmxnet3", "a"), ("e1000e", "b")))
    with vm:
        assert taken(vm) == 0, vm.console.text()
        vm.wait_for("dhcp: no answer yet", BOOT_S)
        assert "net: none of 2 network cards gets an answer" in vm.console.text()


@pytest.mark.parametrize("machine, name", (("q35", f"{MAC}2"), ("q35", "00:12.0"),
                                           ("virt", "00:12.0")))
def test_named(machine, name):
    """nic= names one by its MAC or its place: taken without a look at the others."""
    vm, port = several(machine, (("e1000", "a"), ("vmxnet3", "b"), ("e1000e", "n"), ("pci", "c")),
                       f"nic={name}")
    with vm:
        assert taken(vm) == 2, vm.console.text()
        assert first_answer(vm, port).status == 200
        assert not re.search(NO_ANSWER, vm.console.text(), re.M)


def test_named_wrongly():
    """What nic= names is not there: one line says so, and lists what is."""
    vm, _ = several("q35", (("e1000", "a"), ("vmxnet3", "b")), "nic=00:09.0")
    with vm:
        line = vm.wait_for(r"net: no network card is nic=00:09\.0; .*").string
        assert "8086:100e" in line and "15ad:07b0" in line, line


def test_none():
    """No NIC: one line lists the PCI devices that were seen."""
    vm, _ = start("q35", no_nic=True, extra=("-device", "rtl8139,romfile="))
    with vm:
        line = vm.wait_for(r"net: no network card; .*").string
        assert re.search(r"PCI devices:.* 10ec:8139", line), line
