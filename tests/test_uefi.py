# SPDX-License-Identifier: MIT
"""zeitkern.efi under UEFI: OVMF and AAVMF as Debian has them, with and without Secure Boot.

The wire suite on them, and PC machines other than q35, are for `make test-full`.
"""

import os
import re
import shutil
import subprocess
import time

import pytest

import images
from images import ROOT
from table import BY_NAME, EDK_S
from test_boot import GUEST_PORT, first_answer, free_port
from test_time import served_time
from vm import Vm

BOOT_S = 90
OFF_S = 1.2                       # a clock of whole seconds, read before its next one
SNAKEOIL = "/usr/share/ovmf/PkKek-1-snakeoil"
PASSPHRASE = "snakeoil"           # Debian's, in /usr/share/doc/ovmf/README.Debian

# Name, row, what is other about the machine; the last: only in make test-full.
MACHINES = (
    ("q35", "q35-uefi", {"mem": 6000, "smp": 4}, False),
    ("q35-64-cpus", "q35-uefi", {"smp": 64}, True),
    ("pc", "q35-uefi", {"machine": "pc"}, True),
    ("acpi", "virt-uefi", {"mem": 6000, "nic": "pci"}, False),
    ("device-tree", "virt-uefi", {"machine": "virt,acpi=off"}, False),
    ("64-cpus-gicv3", "virt-uefi", {"machine": "virt,gic-version=3", "smp": 64}, True),
    ("el2", "virt-uefi", {"machine": "virt,virtualization=on", "cpu": "cortex-a53"}, True),
)


def start(row, image, **more):
    """A started machine with a port of this computer forwarded: (vm, port)."""
    port = free_port()
    opts = BY_NAME[row].options(image, forwards=((port, GUEST_PORT),))
    for name, value in more.items():
        setattr(opts, name, value)
    return Vm(opts), port


def image_of(row):
    """The image for a row of the table."""
    return images.image(BY_NAME[row].board, app="time", firmware="uefi")


def answer(vm, port):
    """The answer to the first request, with the right time; firmware takes its own before."""
    vm.wait_for(r"Zeitkern on ", BOOT_S)
    vm.wait_for(r"serving http://", BOOT_S)
    before = time.time()
    found = first_answer(vm, port)
    after = time.time()
    late = OFF_S + (EDK_S if vm.opts.board == "pc" else 0)
    assert before - late < served_time(found) < after + OFF_S, (before, found, after)
    return found


@pytest.mark.parametrize("name,row,more,only_full", MACHINES, ids=[m[0] for m in MACHINES])
def test_boot(name, row, more, only_full, full):
    """To a 200 with the right time, and off by the power button. All of the memory is there, and
    so are zeitkern.conf, which fw_cfg overrules, and SMBIOS."""
    if only_full and not full:
        pytest.skip("only in make test-full")
    vm, port = start(row, image_of(row), cmdline="log.level=debug",
                     extra=("-smbios", "type=11,value=zeitkern:log.level=info no.oem=1"),
                     files={"zeitkern.conf": "no.such=1\nlog.level=error\n"}, **more)
    with vm:
        assert answer(vm, port).status == 200, name
        kib = int(vm.wait_for(r"memory: (\d+) KiB")[1])
        assert kib > 0.9 * max(more.get("mem", 0), 256) * 1024
        vm.wait_for(r"entropy: the firmware's, 512 bits")
        vm.wait_for(r'zeitkern\.conf: unknown setting "no.such"')
        vm.wait_for(r'SMBIOS: unknown setting "no.oem"')
        vm.powerdown()
        assert vm.wait(20) == 0, vm.console.text()


def test_too_long(full):
    """A settings file that is too long is ignored with a line."""
    if not full:
        pytest.skip("only in make test-full")
    vm, port = start("q35-uefi", image_of("q35-uefi"), files={"zeitkern.conf": "x" * 16384})
    with vm:
        assert answer(vm, port).status == 200
        vm.wait_for(r"zeitkern: zeitkern\.conf has 16 KiB or more: ignored")


def test_load_options(full):
    """Words behind the program's name in the UEFI Shell are the command line."""
    if not full:
        pytest.skip("only in make test-full")
    script = "fs0:\r\nzk.efi no.such=1\r\n"
    vm, _ = start("q35-uefi", image_of("q35-uefi"), program="zk.efi", no_nic=True,
                  files={"startup.nsh": script})
    with vm:
        vm.wait_for(r'command line: unknown setting "no.such"', BOOT_S)
        assert "expected key=value" not in vm.console.text()


# ---- Secure Boot ---------------------------------------------------------------------

@pytest.fixture(scope="module", name="key")
def fixture_key(tmp_path_factory):
    """Debian's snakeoil key without its passphrase."""
    path = tmp_path_factory.mktemp("key") / "key"
    subprocess.run(["openssl", "rsa", "-passin", f"pass:{PASSPHRASE}", "-in", f"{SNAKEOIL}.key",
                    "-out", path], check=True, stderr=subprocess.DEVNULL)
    return path


def built(board, copy, *words):
    """An image, kept as `copy`."""
    done = images.make("-s", "image", f"BOARD={board}", "FORMAT=efi", *words,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode()
    assert done.returncode == 0, text
    shutil.copy(os.path.join(ROOT, text.split()[-1]), copy)
    return copy


@pytest.mark.parametrize("row", ("q35-uefi", "virt-uefi"))
def test_secure_boot(row, key, tmp_path, full):
    """What is signed is started; the same with one bit changed, or not signed, is not."""
    if row != "q35-uefi" and not full:
        pytest.skip("only in make test-full")
    good = built(BY_NAME[row].board, tmp_path / "signed.efi", f"SIGN_KEY={key}",
                 f"SIGN_CERT={SNAKEOIL}.pem")
    subprocess.run(["sbverify", "--cert", f"{SNAKEOIL}.pem", good], check=True,
                   stdout=subprocess.DEVNULL)
    unsigned = built(BY_NAME[row].board, tmp_path / "unsigned.efi")
    vm, port = start(row, good, secure=True)
    with vm:
        assert answer(vm, port).status == 200
    data = bytearray(good.read_bytes())
    data[len(data) // 2] ^= 1
    changed = tmp_path / "changed.efi"
    changed.write_bytes(data)
    for bad in (changed, unsigned) if full else (changed,):
        vm, _ = start(row, bad, secure=True)
        with vm:
            vm.wait_for(r"(Access Denied|Security Violation)", BOOT_S)
            assert not re.search("Zeitkern|zeitkern:", vm.console.text())


def test_sections():
    """No section is writable and executable, and NX_COMPAT is promised (PE Format)."""
    for row in ("q35-uefi", "virt-uefi"):
        with open(image_of(row), "rb") as file:
            data = file.read()
        at = int.from_bytes(data[0x3c:0x40], "little")
        assert data[at:at + 4] == b"PE\0\0"
        count = int.from_bytes(data[at + 6:at + 8], "little")
        size = int.from_bytes(data[at + 20:at + 22], "little")
        assert int.from_bytes(data[at + 94:at + 96], "little") & 0x100
        names = []
        for i in range(count):
            section = data[at + 24 + size + 40 * i:][:40]
            names.append(section[:8].rstrip(b"\0"))
            flags = int.from_bytes(section[36:], "little")
            assert flags & 0xa0000000 != 0xa0000000, names[-1]
            assert int.from_bytes(section[12:16], "little") % 4096 == 0
        assert names == [b".text", b".rodata", b".data", b".sbat", b".reloc"]


# ---- Absurd tables -------------------------------------------------------------------

def le(*numbers):
    """Bytes of (value, bytes) pairs."""
    return b"".join(value.to_bytes(size, "little") for value, size in numbers)


# Signature and contents behind the header: a root table lists them after QEMU's own.
ABSURD = {
    "entries-of-no-length": ("APIC", bytes(8) + bytes(4096)),
    "controllers-without-end": ("APIC", bytes(8) + le((0xc01, 4), (0xffffff00, 4), (1, 4)) * 800),
    "buses-nowhere": ("MCFG", bytes(8) + le((0xffffffffff00000, 8), (255 << 24, 8)) * 50),
    "registers-nowhere": ("FACP", b"\xff" * 300),
    "an-id-nowhere": ("SSDT", b"VM_Gen_Counter\x08ADDR\x12\x0c\x02\x0e" + b"\xff" * 8 + b"\x0a3"),
    "a-console-nowhere": ("SPCR", le((0, 4), (0, 8), (0xfffffffffffff000, 8)) + bytes(30)),
}


@pytest.mark.parametrize("name", ABSURD)
def test_absurd_tables(name, tmp_path, full):
    """A machine whose ACPI says such things as well comes up all the same."""
    if not full and name not in ("controllers-without-end", "an-id-nowhere"):
        pytest.skip("only in make test-full")
    signature, data = ABSURD[name]
    (tmp_path / "table").write_bytes(data)
    port = free_port()
    opts = BY_NAME["q35"].options(images.image("pc", app="time"), forwards=((port, GUEST_PORT),),
                                  extra=("-acpitable", f"sig={signature},data={tmp_path}/table"))
    with Vm(opts) as vm:
        assert first_answer(vm, port).status == 200
        if name == "an-id-nowhere":
            vm.wait_for("acpi: VMGENID is not where it can be read, clones do not show by it")
        vm.powerdown()
        assert vm.wait(20) == 0, vm.console.text()


def test_console_by_spcr(tmp_path):
    """The console is where SPCR says, here COM2, and nothing is said on COM1."""
    table = le((0, 4), (0x801, 4), (0x2f8, 8)) + bytes(28)
    (tmp_path / "table").write_bytes(table)
    second = tmp_path / "second"
    port = free_port()
    opts = BY_NAME["q35"].options(images.image("pc", app="time"), forwards=((port, GUEST_PORT),),
                                  extra=("-acpitable", f"sig=SPCR,data={tmp_path}/table",
                                         "-chardev", f"file,id=second,path={second}",
                                         "-device", "isa-serial,index=1,chardev=second"))
    with Vm(opts) as vm:
        assert first_answer(vm, port).status == 200
        assert "Zeitkern" not in vm.console.text()
        assert b"serving http://" in second.read_bytes()
