# SPDX-License-Identifier: MIT
"""The disk that BIOSes boot, and the forms that clouds take it in.

Layout, file systems and containers are read by programs that others wrote: sgdisk, fsck.fat,
mtools, xorriso, qemu-img, tar. Each form is booted to a 200 over the wire, by SeaBIOS, in a network
namespace; what QEMU cannot boot itself is brought back to a raw disk first.
"""

import dataclasses
import hashlib
import os
import re
import shutil
import struct
import subprocess
import tarfile
import time
import xml.etree.ElementTree

import pytest

import images
from images import ROOT
from memory import memory_dump
from netns import NoNamespace
from site_vm import Site
from table import BY_NAME, EDK_S
from test_front import refusal
from test_settings import found
from test_time import served_time
from vm import Vm

FORMS = ("raw", "iso", "qcow2", "vmdk", "vhd", "gce", "ova")
MIB, SECTOR = 1 << 20, 512
UEFI = {"pc": ("q35", "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
        "virt": ("virt", "/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd")}
SECRET = "c3a55ac36996f00f" "1e2d3c4b5a697887" "0f1e2d3c4b5a6978" "8796a5b4c3d2e1f0"
OFF_S = 1.2                  # that a clock may be off which goes by an RTC
LINE_S = 120                 # a hang detector
# What a BIOS reads from: (machine, devices).
BUSES = {
    "IDE": ("pc", ("ide-hd",)), "virtio-blk": ("pc", ("virtio-blk-pci",)),
    "AHCI": ("q35", ("ide-hd",)), "virtio-scsi": ("q35", ("virtio-scsi-pci", "scsi-hd")),
    "NVMe": ("q35", ("nvme,serial=1",)), "USB": ("q35", ("qemu-xhci", "usb-storage")),
    "CD on IDE": ("pc", ("ide-cd",)), "CD on AHCI": ("q35", ("ide-cd",)),
    "CD on virtio-scsi": ("q35", ("virtio-scsi-pci", "scsi-cd")),
}


def built(form, *words, board="pc"):
    """Makes an image: its path, which is the last line."""
    done = images.make("-s", "image", f"BOARD={board}", f"FORMAT={form}", *words,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    text = done.stdout.decode()
    assert done.returncode == 0, text
    path = text.splitlines()[-1]
    assert path == f"build/{board}/time/zeitkern.{form}"
    return os.path.join(ROOT, path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """plain(FORM, BOARD): the image without settings, where no later one takes its place."""
    folder = tmp_path_factory.mktemp("disks")

    def made(form, board="pc"):
        path = folder / f"{board}.{form}"
        return str(path if path.exists() else shutil.copy(built(form, board=board), path))
    return made


def run(*words, **more):
    """A tool's output; it must succeed."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          stdin=subprocess.DEVNULL, **more)
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout.decode()


def partitions(path):
    """[(first byte, size, type)] as sgdisk sees them."""
    rows = re.findall(r"^ +\d+ +(\d+) +(\d+) .* ([0-9A-F]{4})  ",
                      run("/usr/sbin/sgdisk", "-p", str(path)), re.M)
    return [(int(first) * SECTOR, (int(last) - int(first) + 1) * SECTOR, kind)
            for first, last, kind in rows]


def esp(path):
    """mtools' name of the EFI system partition."""
    at, = (at for at, _, kind in partitions(path) if kind == "EF00")
    return f"{path}@@{at}"


def copied(tmp_path, *words, board="pc"):
    """A disk made with these words that a test may change."""
    return shutil.copy(built("raw", *words, board=board), tmp_path / "disk.raw")


def machine(name, path, **more):
    """A started machine with that disk, without a network unless it is given one."""
    row = dataclasses.replace(BY_NAME[name], firmware="bios", cpu=more.pop("cpu", ""))
    return Vm(row.options(str(path), **{"no_nic": True, **more}))


def loaded(elf):
    """Bytes of a kernel that a loader must have: those that its segments hold."""
    with open(elf, "rb") as file:
        head = file.read(4096)
    at, = struct.unpack_from("<Q", head, 32)
    size, count = struct.unpack_from("<HH", head, 54)
    return sum(struct.unpack_from("<Q", head, at + i * size + 32)[0] for i in range(count)
               if struct.unpack_from("<I", head, at + i * size)[0] == 1)


@pytest.mark.parametrize("board,kinds", (("pc", ["EF02", "EF00"]), ("virt", ["EF00"])))
def test_layout(plain, board, kinds):
    """GPT and MBR are sound, all partitions begin at whole MiB, and of the disk at most
    1 MiB more than the kernel is used."""
    path = plain("raw", board)
    assert "No problems found" in run("/usr/sbin/sgdisk", "-v", path)
    found_here = partitions(path)
    assert [kind for _, _, kind in found_here] == kinds
    assert all(at % MIB == 0 and size % MIB == 0 for at, size, _ in found_here), found_here
    with open(path, "rb") as file:
        data = file.read()
    entries = [struct.unpack_from("<B3xB3xII", data, 446 + i * 16) for i in range(4)]
    assert data[510:512] == b"\x55\xaa" and len(data) % MIB == 0
    assert entries[0][1:3] == (0xEE, 1) and entries[2:] == [(0, 0, 0, 0)] * 2
    at, size, _ = found_here[-1]
    assert entries[1] == (0x80, 0xEF, at // SECTOR, size // SECTOR)
    used = sum(SECTOR for i in range(0, len(data), SECTOR) if any(data[i:i + SECTOR]))
    assert used <= loaded(f"{ROOT}/build/{board}/time/zeitkern.elf") + MIB, used


@pytest.mark.parametrize("board", UEFI)
@pytest.mark.parametrize("words,inside", (
    (("CONFIG=hostname=one", "CMDLINE=hostname=two"), "hostname=one\nhostname=two\n"),
    ((), "")), ids=("words", "none"))
def test_file_system(tmp_path, board, words, inside):
    """The EFI system partition: fsck finds nothing, the settings are in a file with its name, the
    program where UEFI looks for it."""
    path = copied(tmp_path, *words, board=board)
    at, size, _ = partitions(path)[-1]
    volume = tmp_path / "esp"
    with open(path, "rb") as file:
        file.seek(at)
        volume.write_bytes(file.read(size))
    run("/usr/sbin/fsck.fat", "-n", str(volume))
    text = run("mtype", "-i", esp(path), "::zeitkern.conf")
    assert text == inside
    name = {"pc": "BOOTX64.EFI", "virt": "BOOTAA64.EFI"}[board]
    with open(f"{ROOT}/build/{board}/time/zeitkern.efi", "rb") as file:
        program = file.read()
    run("mcopy", "-i", esp(path), f"::EFI/BOOT/{name}", str(tmp_path / "program"))
    assert (tmp_path / "program").read_bytes() == program


def test_large_loader(tmp_path):
    """The packer alone, with a file for UEFI that makes clusters of a KiB and a partition longer
    than a boot catalog can say: sound, and the file comes out as it went in."""
    efi, conf, disk = (tmp_path / name for name in ("efi", "conf", "disk"))
    efi.write_bytes(os.urandom(MIB) * 42)
    conf.write_text("http.port=81\n")
    run(f"{ROOT}/linker/disk", str(disk), "--settings", str(conf), "--efi", "BOOTAA64.EFI",
        str(efi), "--iso")
    assert "No problems found" in run("/usr/sbin/sgdisk", "-v", str(disk))
    (at, size, kind), = partitions(disk)
    assert (at, kind) == (MIB, "EF00") and size >= 42 * MIB
    volume = tmp_path / "esp"
    volume.write_bytes(disk.read_bytes()[at:at + size])
    run("/usr/sbin/fsck.fat", "-n", str(volume))
    run("mcopy", "-i", esp(disk), "::EFI/BOOT/BOOTAA64.EFI", str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == efi.read_bytes()
    report = run("xorriso", "-indev", str(disk), "-report_el_torito", "plain")
    assert re.search(r"El Torito boot img :   1  UEFI  y   none .* 0 +512$", report, re.M), report


def sums(forms, *words):
    """SHA-256 of each form, made with these words."""
    found_here = {}
    for form in forms:
        with open(built(form, *words), "rb") as file:
            found_here[form] = hashlib.file_digest(file, "sha256").hexdigest()
    return found_here


def test_same_bytes(full):
    """Each form made twice, at different times, is the same; with other settings it is not."""
    forms = [form for form in FORMS if form != "gce" or full]
    first = sums(forms, "CONFIG=hostname=same")
    time.sleep(1.1)
    assert sums(forms, "CONFIG=hostname=same") == first
    other = sums(forms)
    assert all(other[form] != first[form] for form in forms)


def raw_of(form, path, folder):
    """(disk, QEMU's name of its format) of a form, as far as QEMU takes it."""
    if form == "vhd":
        run("qemu-img", "convert", "-f", "vpc", "-O", "raw", path, f"{folder}/disk.raw")
    elif form in ("gce", "ova"):
        run("tar", "-C", str(folder), "-xf", path)
        if form == "ova":
            return f"{folder}/zeitkern-disk1.vmdk", "vmdk"
    else:
        return path, "raw" if form == "iso" else form
    return f"{folder}/disk.raw", "raw"


def answers(name, path, nic="", off=OFF_S, **more):
    """Boots it on the wire, with an address by DHCP, until it serves the time."""
    row = dataclasses.replace(BY_NAME[name], firmware="bios", nic=nic or BY_NAME[name].nic)
    try:
        site = Site(row, str(path), **more)
    except NoNamespace as error:
        pytest.skip(f"no network namespace here: {error}")
    try:
        site.boot(wait=False)
        site.serving(LINE_S)
        asked = time.time()
        answer = site.get()
        assert answer.status == 200
        assert asked - off < served_time(answer) < time.time() + OFF_S, (asked, answer)
    finally:
        site.close()


@pytest.mark.parametrize("form", FORMS)
def test_form_boots(plain, form, tmp_path):
    """Each form, from what it was converted to, answers over the wire; an iso as a CD."""
    path, disk_format = raw_of(form, plain(form), tmp_path)
    disk = ("ide-cd",) if form == "iso" else ("virtio-blk-pci",)
    answers("q35", path, disk_format=disk_format, disk=disk)


@pytest.mark.parametrize("form", ("raw", "iso"))
@pytest.mark.parametrize("board", UEFI)
def test_uefi(board, form, full):
    """The same disk, and the same CD, by UEFI."""
    if (board, form) == ("virt", "iso") and not full:
        pytest.skip("only in make test-full")
    name, code, variables = UEFI[board]
    disk = ("virtio-blk-pci",) if form == "raw" else ("virtio-scsi-pci", "scsi-cd")
    answers(name, built(form, board=board), off=OFF_S + EDK_S, disk=disk, mem=256, extra=(
        "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
        "-drive", f"if=pflash,unit=1,format=raw,snapshot=on,file={variables}"))


@pytest.mark.parametrize("bus", BUSES)
def test_bus(plain, bus, full):
    """From every kind of drive that SeaBIOS knows; a CD's is the same image on a disk, too."""
    if bus not in ("IDE",) and not full:
        pytest.skip("only in make test-full")
    name, disk = BUSES[bus]
    answers(name, plain("iso" if "CD" in bus else "raw"), disk=disk)
    if "CD" in bus:
        answers(name, plain("iso"))


def test_containers(plain, tmp_path):
    """qemu-img finds the images sound and the same disk in them; vhd is fixed and of whole MiB."""
    for form in ("qcow2", "vmdk"):
        run("qemu-img", "check", "-f", form, plain(form))
        run("qemu-img", "compare", "-f", "raw", "-F", form, plain("raw"), plain(form))
    with open(plain("vhd"), "rb") as file:
        data = file.read()
    footer = data[-512:]
    cookie, _, _, offset = struct.unpack_from(">8sIIQ", footer)
    assert cookie == b"conectix" and offset == 0xFFFFFFFFFFFFFFFF
    original, current = struct.unpack_from(">QQ", footer, 40)
    kind, checksum = struct.unpack_from(">II", footer, 60)
    assert kind == 2 and original == current == len(data) - 512 and current % MIB == 0
    assert current >= 20 * MIB
    assert checksum == ~(sum(footer) - sum(footer[64:68])) & 0xFFFFFFFF
    disk, _ = raw_of("vhd", plain("vhd"), tmp_path)
    assert "No problems found" in run("/usr/sbin/sgdisk", "-v", disk)


def test_gce(plain, tmp_path):
    """A gzip of a tar in oldgnu format, with one file of the right name and of whole GiB."""
    with open(plain("gce"), "rb") as file:
        assert file.read(3) == b"\x1f\x8b\x08"
    head = subprocess.run(["gzip", "-dc", plain("gce")], check=True,
                          stdout=subprocess.PIPE).stdout[:512]
    assert head[257:265] == b"ustar  \0" and head[156:157] == b"S" and head[:9] == b"disk.raw\0"
    assert run("tar", "-tf", plain("gce")).split() == ["disk.raw"]
    disk, _ = raw_of("gce", plain("gce"), tmp_path)
    assert os.path.getsize(disk) == 1 << 30
    assert "No problems found" in run("/usr/sbin/sgdisk", "-v", disk)


def test_ova(plain, tmp_path):
    """The description is first and says what is there; the manifest has the right sums."""
    with tarfile.open(plain("ova")) as tar:
        assert tar.getnames() == ["zeitkern.ovf", "zeitkern-disk1.vmdk", "zeitkern.mf"]
        tar.extractall(tmp_path)
    listed = re.findall(r"^SHA256\((.*)\)= ([0-9a-f]{64})$", (tmp_path / "zeitkern.mf").read_text(),
                      re.M)
    assert listed == [(name, hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
                      for name in ("zeitkern.ovf", "zeitkern-disk1.vmdk")]
    vmdk = tmp_path / "zeitkern-disk1.vmdk"
    assert b'createType="streamOptimized"' in vmdk.read_bytes()[:2048]
    run("qemu-img", "compare", "-f", "raw", "-F", "vmdk", plain("raw"), str(vmdk))
    root = xml.etree.ElementTree.parse(tmp_path / "zeitkern.ovf").getroot()
    ovf = root.tag.removesuffix("Envelope")
    file, disk = root.find(f".//{ovf}File"), root.find(f".//{ovf}Disk")
    assert file.get(f"{ovf}href") == vmdk.name and int(file.get(f"{ovf}size")) == \
        vmdk.stat().st_size
    assert disk.get(f"{ovf}fileRef") == file.get(f"{ovf}id")
    assert int(disk.get(f"{ovf}capacity")) * MIB == os.path.getsize(plain("raw"))
    kinds = [item.text for item in root.iter() if item.tag.endswith("}ResourceType")]
    assert kinds == ["3", "4", "5", "17", "10"]


def test_iso(plain):
    """xorriso sees a BIOS's entry in the boot catalog and, where the disk has a loader for it,
    UEFI's; sgdisk a sound disk with the raw one's partitions."""
    report = run("xorriso", "-indev", plain("iso"), "-report_el_torito", "plain")
    assert re.search(r"El Torito boot img :   1  BIOS  y   none .* 4 +512$", report, re.M), report
    assert "EFI" in run("mdir", "-b", "-i", esp(plain("raw")), "::")
    assert re.search(r"El Torito boot img :   2  UEFI  y", report), report
    assert "No problems found" in run("/usr/sbin/sgdisk", "-v", plain("iso"))
    assert partitions(plain("iso")) == partitions(plain("raw"))


def replace(path, text, tmp_path):
    """Puts another zeitkern.conf on the disk, as one would by hand."""
    conf = tmp_path / "conf"
    conf.write_bytes(text)
    run("mcopy", "-o", "-i", esp(path), str(conf), "::zeitkern.conf")


def test_settings_of_disk(tmp_path):
    """CONFIG= is in effect without being in the kernel, a new zeitkern.conf is, too, up to its
    end, and fw_cfg overrules both."""
    path = copied(tmp_path, "CONFIG=of.build=1 http.port=81")
    with machine("q35", path, no_nic=False) as vm:
        vm.wait_for(r'zeitkern.conf: unknown setting "of.build"', LINE_S)
        vm.wait_for(r"serving http://[0-9.]+:81/", LINE_S)
    words = "".join(f"of.hand.{i}={'x' * 200}\n" for i in range(76))
    replace(path, words.encode(), tmp_path)
    with machine("q35", path, no_nic=False, cmdline="http.port=82 of.line=1") as vm:
        vm.wait_for(r'zeitkern.conf: unknown setting "of.hand.0"', LINE_S)
        vm.wait_for(r'zeitkern.conf: unknown setting "of.hand.75"', LINE_S)
        vm.wait_for(r'fw_cfg: unknown setting "of.line"', LINE_S)
        vm.wait_for(r"serving http://[0-9.]+:82/", LINE_S)
        assert "of.build" not in vm.console.text()


def garbage(path, tmp_path):
    """It is no text."""
    replace(path, bytes(range(255, 0, -1)) * 8, tmp_path)


def too_large(path, tmp_path):
    """16 KiB."""
    replace(path, b"http.port=81\n" + b" " * 16371, tmp_path)


def empty(path, tmp_path):
    """A file without a byte."""
    replace(path, b"", tmp_path)


def cut_off(path, _):
    """The file goes on in no cluster: its entries in the allocation table are free."""
    at = partitions(path)[1][0]
    with open(path, "r+b") as disk:
        disk.seek(at + 22)
        sectors, = struct.unpack("<H", disk.read(2))
        disk.seek(at + SECTOR + 4)
        disk.write(bytes(sectors * SECTOR - 4))


def deleted(path, _):
    """There is none."""
    run("mdel", "-i", esp(path), "::zeitkern.conf")


def fat32(path, _):
    """The partition was made anew, with another file system."""
    at, size, _ = partitions(path)[1]
    run("/usr/sbin/mkfs.fat", "-F", "32", "--offset", str(at // SECTOR), path, str(size // 1024))


def no_volume(path, _):
    """The disk ends before the EFI system partition."""
    os.truncate(path, partitions(path)[1][0])


@pytest.mark.parametrize("change,line", [
    (garbage, "zeitkern.conf: word 1: expected key=value"),
    (too_large, "zeitkern.conf has 16 KiB or more: ignored"),
    (cut_off, "zeitkern.conf cannot be read: ignored"), (empty, None), (deleted, None),
    (fat32, "no FAT16 file system in the EFI system partition"),
    (no_volume, "no FAT16 file system in the EFI system partition")],
    ids=lambda value: getattr(value, "__name__", ""))
def test_bad_settings(tmp_path, change, line):
    """At least one line, if there is anything to say, and it serves with the defaults."""
    path = copied(tmp_path, "CONFIG=hostname=a hostname=" + "b" * 60 + " http.idle_timeout=60" * 30)
    change(path, tmp_path)
    with machine("q35", path, no_nic=False) as vm:
        vm.wait_for(r"serving http://[0-9.]+:8080/", LINE_S)
        text = vm.console.text()
        assert bool(line) == ("Zeitkern: " in text or "zeitkern.conf: " in text), text
        assert not line or line in text, text


def stops(vm, line):
    """It says that, and nothing after it."""
    vm.wait_for(line, LINE_S)
    time.sleep(0.5)
    assert vm.running() and len(vm.console.lines) == 1, vm.console.text()


@pytest.mark.parametrize("length,line", [
    (MIB, "the disk cannot be read"), (MIB + 4 * SECTOR, "the rest of the loader"),
    (MIB + 100 * SECTOR, "the disk cannot be read up to the kernel's end")])
@pytest.mark.parametrize("name", ("pc", "q35"))
def test_truncated(tmp_path, name, length, line):
    """A disk that ends too early is one line."""
    path = copied(tmp_path)
    os.truncate(path, length)
    with machine(name, path, disk=("ide-hd",)) as vm:
        stops(vm, rf"^Zeitkern: {line}")


@pytest.mark.parametrize("at,line", [
    (MIB, "no loader on the disk"), (MIB + 4 * SECTOR, "the rest of the loader"),
    (MIB + 100 * SECTOR, "the kernel on the disk is damaged")])
def test_blank(tmp_path, at, line):
    """So is one on which a part was never written."""
    path = copied(tmp_path)
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(bytes(64 * SECTOR))
    with machine("q35", path) as vm:
        stops(vm, rf"^Zeitkern: {line}")


def test_poor_machines(plain):
    """A CPU without 64-bit mode, one without NX, and too little memory: a line each."""
    for cpu in ("qemu32", "max,-nx"):
        with machine("q35", plain("raw"), cpu=cpu) as vm:
            stops(vm, "^Zeitkern: this CPU has no 64-bit mode")
    with machine("pc", plain("raw"), mem=1, disk=("ide-hd",)) as vm:
        stops(vm, "^Zeitkern: too little memory, there must be RAM from 1024 to [0-9]+ KiB$")


# What tests/boot/liar.S has the BIOS say of memory, and what the loader says then.
LIES = ("too little memory, there must be RAM from 1024 to [0-9]+ KiB$",
        "the BIOS gives no memory map$",
        "the BIOS's memory map does not end, what comes late is left out$")


@pytest.mark.parametrize("lie", (1, 2, 3), ids=("wraps", "nothing", "endless"))
def test_lying_bios(plain, tmp_path, lie):
    """A memory map that wraps or has no end: one line, and the machine stops or goes on."""
    liar, made = tmp_path / "liar", tmp_path / "liar.o"
    run("x86_64-linux-gnu-as", "--32", "--defsym", f"LIE={lie}", "-o", str(made),
        f"{ROOT}/tests/boot/liar.S")
    run("x86_64-linux-gnu-ld", "-m", "elf_i386", "-Ttext=0", "--oformat=binary", "-e", "0",
        "-o", str(liar), str(made))
    with machine("pc", liar, disk=("ide-hd,bootindex=0",), no_nic=lie != 3, extra=(
            "-drive", f"id=second,if=none,format=raw,snapshot=on,file={plain('raw')}",
            "-device", "ide-hd,drive=second,bootindex=1")) as vm:
        if lie == 3:
            vm.wait_for(f"^Zeitkern: {LIES[2]}", LINE_S)
            vm.wait_for(r"serving http://", LINE_S)
            assert int(vm.wait_for(r"memory: (\d+) KiB,")[1]) < 64 << 10
        else:
            stops(vm, f"^Zeitkern: {LIES[lie - 1]}")


def test_no_secret_stays(tmp_path):
    """Neither the loader nor the kernel leaves a copy of the settings in memory."""
    path = copied(tmp_path, f"CONFIG=seed={SECRET} hostname=known-host-4711")
    with machine("q35", path, no_nic=False) as vm:
        vm.wait_for(r"serving http://", LINE_S)
        memory = memory_dump(vm)
        assert b"known-host-4711" in memory
        assert found(memory) == []


def test_floppy(plain, tmp_path):
    """A drive that has no sector numbers, nor what lies behind the first 1.4 MiB."""
    blank = tmp_path / "blank"
    blank.write_bytes(bytes(MIB))
    floppy = shutil.copy(plain("raw"), tmp_path / "floppy")
    os.truncate(floppy, 1440 << 10)
    with machine("pc", blank, extra=("-drive", f"if=none,id=f,format=raw,file={floppy}",
                                     "-device", "floppy,drive=f")) as vm:
        stops(vm, "^Zeitkern: this BIOS cannot read a disk by sector numbers$")


def test_on_screen(plain):
    """What is wrong is on the screen, too, where there is one: in text mode's memory."""
    with machine("q35", plain("raw"), cpu="qemu32", extra=("-device", "VGA")) as vm:
        vm.wait_for("^Zeitkern: this CPU", LINE_S)
        deadline = time.monotonic() + LINE_S
        while b"Zeitkern: this CPU has no 64-bit mode" not in memory_dump(vm)[0xB8000:0xC0000:2]:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_reset(plain):
    """After a reset it is loaded again."""
    with machine("q35", plain("raw"), no_nic=False, extra=("-action", "reboot=reset")) as vm:
        vm.wait_for(r"serving http://", LINE_S)
        seen = vm.mark()
        vm.qmp.execute("system_reset")
        vm.wait_for(r"serving http://", LINE_S, seen)


def test_large_machine(plain):
    """5 GiB and 8 CPUs: a memory map with a hole, and all of it is found."""
    with machine("q35", plain("raw"), no_nic=False, mem=5120, smp=8) as vm:
        vm.wait_for(r"memory: 52[34][0-9]{4} KiB", LINE_S)
        vm.wait_for(r"serving http://", LINE_S)


def test_front_door():
    """FIRMWARE=bios wants a machine with a BIOS."""
    lines = refusal("FIRMWARE=bios", "MACHINE=microvm")
    assert len(lines) == 1 and "MACHINE=microvm" in lines[0] and "q35 pc" in lines[0], lines
