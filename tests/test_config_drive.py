# SPDX-License-Identifier: MIT
"""Settings from config drives: volumes as cloud-init's tools and OpenStack make them, by xorriso,
mkfs.vfat and mtools, on virtio-blk, virtio-scsi, IDE and SATA; and what may be wrong with them."""

import dataclasses
import os
import re
import ssl
import subprocess
import time

import pytest

import images
import pki
from memory import memory_dump
from site_vm import Site
from table import BY_NAME
from test_boot import BOOT_S
from vm import Vm

MACHINES = ("microvm", "q35", "virt")
STATIC = "ip=10.0.2.15/24 gw=10.0.2.2"
JOLIET_ROCK = ("-joliet", "on", "-rockridge", "on")
NOCLOUD = {"meta-data": "instance-id: i-1\nlocal-hostname: box.example\n",
           "user-data": f"#zeitkern\n{STATIC}\nhttp.port=81\n"}
SERVES = "serving http://10.0.2.15:81/"


def files_in(folder, files):
    """Writes {path: text or bytes} below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def iso(tmp_path, files, label="cidata", form=JOLIET_ROCK):
    """An ISO 9660 image, as cloud-localds and Nova make one."""
    image = tmp_path / f"{len(list(tmp_path.iterdir()))}.iso"
    folder = files_in(tmp_path / f"{image.name}.files", files)
    subprocess.run(["xorriso", "-outdev", str(image), "-volid", label, *form, "-map", str(folder),
                    "/"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return image


def vfat(tmp_path, files, label="CIDATA", kib=1024, bits=12):
    """A FAT volume of a whole device."""
    image = tmp_path / f"{len(list(tmp_path.iterdir()))}.vfat"
    folder = files_in(tmp_path / f"{image.name}.files", files)
    with open(image, "wb") as file:
        file.truncate(kib << 10)
    quiet = {"check": True, "stdout": subprocess.DEVNULL,
             "env": dict(os.environ, MTOOLS_SKIP_CHECK="1")}
    subprocess.run(["/usr/sbin/mkfs.vfat", "-n", label, "-F", str(bits), str(image)], **quiet)
    subprocess.run(["mcopy", "-s", "-i", str(image), *map(str, folder.iterdir()), "::"], **quiet)
    return image


def options(name, drives, cmdline="", nic_first=False):
    """A machine with these drives on virtio-blk."""
    row = BY_NAME[name]
    bus = "virtio-blk-pci" if row.nic == "pci" else "virtio-blk-device"
    extra = []
    for i, drive in enumerate(drives):
        extra += ["-drive", f"if=none,id=drive{i},format=raw,readonly=on,file={drive}",
                  "-device", f"{bus},drive=drive{i}"]
    return row.options(images.image(row.board, app="time"), cmdline=cmdline, extra=tuple(extra))


def scsi(name, drives, cmdline="", device="scsi-cd"):
    """A machine with these on one SCSI host, target by target from 3 on."""
    row = BY_NAME[name]
    extra = ["-device", "virtio-scsi-" + ("pci" if row.nic == "pci" else "device")]
    for i, drive in enumerate(drives):
        extra += ["-drive", f"if=none,id=drive{i},format=raw,readonly=on,file={drive}",
                  "-device", f"{device},drive=drive{i},scsi-id={i + 3}"]
    return row.options(images.image(row.board, app="time"), cmdline=cmdline, extra=tuple(extra))


def console(opts, until=r"serving http://"):
    """What a machine says up to that line."""
    with Vm(opts) as vm:
        vm.wait_for(until, BOOT_S)
        return vm.console.text()


def lines(text, pattern="config drive"):
    """Those that match, without their time."""
    return [line.split("] ", 1)[1] for line in text.splitlines() if re.search(pattern, line)]


def where(text):
    """The device that the drive was found on."""
    return re.search(r"config drive: \w+ on ((virtio-mmio|pci) [^,]*), ", text)[1]


@pytest.mark.parametrize("name", MACHINES)
def test_nocloud(name, tmp_path):
    """Settings in user-data, on an ISO behind another disk; the command line overrules them."""
    other = tmp_path / "other"
    other.write_bytes(bytes(1 << 20))
    drives = [other, iso(tmp_path, NOCLOUD)]
    text = console(options(name, drives))
    assert SERVES in text, text
    assert lines(text) == [f"config drive: NoCloud on {where(text)}, ISO 9660",
                           f"config drive: {len(NOCLOUD['user-data'])} bytes of settings"], text
    assert "serving http://10.0.2.15:82/" in console(options(name, drives, "http.port=82"))


@pytest.mark.parametrize("name", MACHINES)
def test_scsi(name, tmp_path):
    """A CD, as Proxmox and Nova attach one, behind another; or a disk with a FAT volume."""
    other = tmp_path / "other"
    other.write_bytes(bytes(1 << 20))
    text = console(scsi(name, [other, iso(tmp_path, NOCLOUD)]))
    assert SERVES in text and len(lines(text)) == 2, text
    text = console(scsi(name, [vfat(tmp_path, NOCLOUD)], device="scsi-hd"))
    assert SERVES in text and len(lines(text)) == 2, text
    text = console(scsi(name, [other], STATIC))
    assert lines(text) == [], text


@pytest.mark.parametrize("firmware", ("none", "bios"))
@pytest.mark.parametrize("place", ("ide.0,unit=1", "ide.1,unit=0"))
def test_ide(firmware, place, tmp_path):
    """A CD on QEMU's pc, beside an empty drive."""
    row = dataclasses.replace(BY_NAME["pc"], firmware=firmware)
    extra = ["-device", "ide-cd,bus=ide.0,unit=0" if "1,u" in place else "ide-cd,bus=ide.1,unit=1",
             "-drive", f"if=none,id=cd,format=raw,readonly=on,file={iso(tmp_path, NOCLOUD)}",
             "-device", f"ide-cd,drive=cd,bus={place}"]
    text = console(row.options(images.image("pc", app="time", firmware=firmware),
                               extra=tuple(extra)))
    assert SERVES in text and lines(text)[0].startswith("config drive: NoCloud on ide "), text


def sata(name, drives, device="ide-cd", firmware="none", cmdline="", more=()):
    """A machine with these on SATA, one port behind the other from 1 on: on q35's own AHCI host, or
    one beside it. A drive is a file, the words of -drive, or None: no medium."""
    row = dataclasses.replace(BY_NAME[name], firmware=firmware)
    bus = "ide" if name == "q35" else "ahci"
    extra = [] if name == "q35" else ["-device", "ich9-ahci,id=ahci"]
    for i, drive in enumerate(drives, 1):
        if drive is None:
            extra += ["-device", f"ide-cd,bus={bus}.{i}"]
            continue
        words = drive if isinstance(drive, str) else f"format=raw,readonly=on,file={drive}"
        if device == "ide-hd":
            words = words.replace("readonly=on", "snapshot=on")
        extra += ["-drive", f"if=none,id=sata{i},{words}",
                  "-device", f"{device},drive=sata{i},bus={bus}.{i}"]
    return row.options(images.image(row.board, app="time", firmware=firmware), cmdline=cmdline,
                       extra=tuple(extra) + tuple(more))


@pytest.mark.parametrize("name", ("q35", "pc", "virt-pci"))
def test_sata(name, tmp_path):
    """A CD, as libvirt and Proxmox attach one to q35, behind another and an empty drive; or a disk
    with a FAT volume; or neither."""
    other = tmp_path / "other"
    other.write_bytes(bytes(1 << 20))
    text = console(sata(name, [other, None, iso(tmp_path, NOCLOUD)]))
    assert SERVES in text and len(lines(text)) == 2, text
    assert where(text).startswith("pci ") and ", port 3, ISO 9660" in text, text
    text = console(sata(name, [vfat(tmp_path, NOVA, label="config-2")], device="ide-hd"))
    assert SERVES in text and len(lines(text)) == 2, text
    assert lines(text)[0].startswith("config drive: OpenStack on pci "), text
    text = console(sata(name, [other, None], cmdline=STATIC))
    assert lines(text, "config drive|port [0-9]+:|cannot") == [], text


@pytest.mark.parametrize("device", ("ide-cd", "ide-hd"))
@pytest.mark.parametrize("firmware", ("bios", "uefi"))
def test_sata_firmware(firmware, device, tmp_path):
    """Behind firmware, which has started the ports and leaves them so."""
    opts = sata("q35", [iso(tmp_path, NOVA, "config-2")], device, firmware)
    text = console(dataclasses.replace(opts, disk=("virtio-blk-pci,bootindex=0",)))
    assert SERVES in text and len(lines(text)) == 2, text


def test_sata_hosts(tmp_path):
    """Several hosts, the last of which has it; and, on another machine, two that have one: the
    first is it."""
    first, second = iso(tmp_path, NOCLOUD), iso(tmp_path, NOVA, "config-2")
    more = ["-device", "ich9-ahci,id=a", "-device", "ich9-ahci,id=b",
            "-drive", f"if=none,id=cd,format=raw,readonly=on,file={second}",
            "-device", "ide-cd,drive=cd,bus=b.5"]
    text = console(sata("q35", [None], more=more))
    assert SERVES in text and len(lines(text, "OpenStack.*, port 5")) == 1, text
    text = console(sata("pc", [first], more=more))
    assert SERVES in text and [line.split()[2] for line in lines(text)] == ["NoCloud", "51"], text


@pytest.mark.busy
@pytest.mark.parametrize("device", ("ide-cd", "ide-hd"))
def test_sata_fails(device, tmp_path):
    """A drive that fails, and one that is too late, are one line each and no more than a second;
    what comes after the time hurts nobody."""
    rules = tmp_path / "rules"
    rules.write_text('[inject-error]\nevent = "read_aio"\nerrno = "5"\n')
    broken = f"format=raw,file=blkdebug:{rules}:{iso(tmp_path, NOCLOUD)},rerror=report"
    text = console(sata("q35", [broken], device, cmdline=STATIC))
    assert [line.split(", ")[1] for line in lines(text, "port [0-9]: ")] == [
        "port 1: cannot be read (it says so)"] and lines(text) == [], text
    late = "driver=null-aio,size=1048576,latency-ns=3000000000"
    with Vm(sata("q35", [late], device, cmdline=STATIC)) as vm:
        vm.wait_for("port 1: cannot be read .no answer in time.", BOOT_S)
        said = vm.wait_for(r"^\[ *([0-9.]+)\] serving http://10", BOOT_S)
        assert 1 < float(said[1]) < 2.5, vm.console.text()
        vm.wait_for("serving http://.fec0", BOOT_S)
        time.sleep(3)
        assert vm.running() and len(lines(vm.console.text(), "port [0-9]: ")) == 1


def test_medium_changed(tmp_path):
    """A drive that has to say first, until it is asked for it, that its medium was changed, after
    it had none; where no firmware has heard it before."""
    with Vm(sata("virt-pci", [None], more=("-S",))) as vm:
        [drive] = vm.qmp.execute("query-block")
        vm.qmp.execute("blockdev-change-medium", id=drive["qdev"], format="raw",
                       filename=str(iso(tmp_path, NOCLOUD)))
        vm.qmp.execute("cont")
        vm.wait_for("serving http://", BOOT_S)
        text = vm.console.text()
        assert SERVES in text and len(lines(text)) == 2, text


@pytest.mark.parametrize("firmware", ("bios", "uefi"))
def test_firmware(firmware, tmp_path):
    """Started by firmware from a disk, which has used the devices before us."""
    row = dataclasses.replace(BY_NAME["q35"], firmware=firmware)
    opts = scsi("q35", [iso(tmp_path, NOCLOUD)])
    text = console(row.options(images.image("pc", app="time", firmware=firmware),
                               extra=opts.extra))
    assert SERVES in text and len(lines(text)) == 2, text


NOVA = {"openstack/latest/meta_data.json": '{"uuid": "8", "meta": {"hostname": "wrong"}, '
                                           '"hostname": "box-4711.novalocal", "name": "box"}',
        "openstack/latest/user_data": NOCLOUD["user-data"],
        "openstack/2012-08-10/user_data": "#cloud-config\n",
        "openstack/content/0000": "x" * 5000}
SPREAD = dict(NOVA, **{f"openstack/latest/a-file-with-a-long-name-{i:03}": "y" for i in range(200)})


@pytest.mark.parametrize("make, more", [
    (iso, {"form": ("-joliet", "on", "-rockridge", "off")}),
    (iso, {"form": ("-joliet", "off", "-rockridge", "on"), "label": "CIDATA"}),
    (iso, {"files": NOVA, "label": "config-2"}),
    (iso, {"files": SPREAD, "label": "CONFIG-2"}),
    (vfat, {}), (vfat, {"label": "cidata", "kib": 16384, "bits": 16}),
    (vfat, {"kib": 40960, "bits": 32}),
    (vfat, {"files": NOVA, "label": "config-2", "kib": 65536, "bits": 16}),
    (vfat, {"files": SPREAD, "label": "CONFIG-2", "kib": 40960, "bits": 32}),
], ids=lambda value: value.__name__ if callable(value) else
    "-".join(str(word) for word in value.values() if not isinstance(word, dict)) or "default")
def test_forms(make, more, tmp_path):
    """Each form that such a volume may have."""
    more = dict(more)
    text = console(options("microvm", [make(tmp_path, more.pop("files", NOCLOUD), **more)]))
    assert SERVES in text and len(lines(text)) == 2, text


@pytest.mark.parametrize("files, label", ((dict(NOCLOUD, **{
    "meta-data": "local-hostname: box-4711.example\n"}), "cidata"), (NOVA, "config-2")))
def test_hostname(files, label, tmp_path):
    """It comes from meta-data unless user-data name another; nothing else of those stays in memory,
    and the device is left as a reset leaves it."""
    with Vm(options("microvm", [iso(tmp_path, files, label)])) as vm:
        vm.wait_for("serving http://", BOOT_S)
        memory = memory_dump(vm)
        assert b"box-4711\0" in memory and b"box-4711." not in memory
        for device in vm.qmp.execute("x-query-virtio"):
            if device["name"] == "virtio-blk":
                status = vm.qmp.execute("x-query-virtio-status", path=device["path"])
                assert status["status"] == {"statuses": []}, status
                break
        else:
            raise AssertionError("no virtio-blk")
    named = dict(files)
    words = "openstack/latest/user_data" if label == "config-2" else "user-data"
    named[words] += "hostname=box-4712\n"
    with Vm(options("microvm", [iso(tmp_path, named, label)])) as vm:
        vm.wait_for("serving http://", BOOT_S)
        memory = memory_dump(vm)
        assert b"box-4712\0" in memory and b"box-4711" not in memory


@pytest.mark.parametrize("name", MACHINES)
def test_certificate(name, tmp_path):
    """HTTPS by the certificate and key of a config drive; nothing of the key's text stays."""
    root = pki.authority(str(tmp_path), "root")
    pair = pki.signed(root, str(tmp_path), "ours", ["zeitkern.test"])
    text = "".join(f'tls.{key}="{open(path, encoding="ascii").read()}"\n'
                   for key, path in (("cert", pair.cert), ("key", pair.key)))
    drive = iso(tmp_path, {"meta-data": "", "user-data": f"#zeitkern\n{text}"})
    opts = options(name, [drive])
    site = Site(BY_NAME[name], opts.image, extra=opts.extra)
    try:
        site.boot()
        site.vm.wait_for("https: port 8443", BOOT_S)
        trust = ssl.create_default_context(cafile=root.cert)
        with trust.wrap_socket(site.socket(port=8443), server_hostname="zeitkern.test") as sock:
            assert sock.version() == "TLSv1.3"
        memory = memory_dump(site.vm)
        with open(pair.key, encoding="ascii") as file:
            for line in file.read().split("\n")[1:3]:
                assert line[:32].encode() not in memory and line not in site.vm.console.text()
    finally:
        site.close()


SEED = "c3a55ac36996f00f1e2d3c4b5a697887" * 2
BAD = {
    "cloud-config": ("#cloud-config\npassword: hidden\n",
                     'config drive: user-data: the first line is "#cloud-config": expected '
                     '"#zeitkern" and settings; not used'),
    "bare": ("secret=hidden\n", "config drive: user-data: the first line is another: expected "
             '"#zeitkern" and settings; not used'),
    "gzip": (b"\x1f\x8b\x08\0hidden", "config drive: user-data is compressed: expected text; "
             "not used"),
    "binary": (b"#zeitkern\nhttp.port=81 \x01hidden",
               "config drive: user-data: byte 24 is none of a text; not used"),
    "large": ("#zeitkern\n" + "x" * (1 << 20),
              "config drive: user-data: longer than 64 KiB, not used"),
    "twice": (f"#zeitkern\n{STATIC} http.port=80\nhttp.port=81",
              "config drive: http.port is given twice, the last one counts"),
    "unknown": (f"#zeitkern\r\n{STATIC}\r\nhttp.port=81 no.such=hidden\r\n",
                'config drive: unknown setting "no.such"'),
    "value": (f"#zeitkern\n{STATIC} http.port=81\nhttp.max_uri=no",
              "config drive: http.max_uri=no: expected bytes, 16 to 32768"),
    "secret": (f"#zeitkern {STATIC} http.port=81 seed=hidden",
               "config drive: seed=(secret): expected 64 hex digits or more, in pairs"),
    "noise": ("#zeitkern " + "hidden\u00e9 " * 5000,
              "config drive: 20 words are refused, the rest is not looked at"),
    "quote": (f"#zeitkern {STATIC} http.port=81 hostname=\"hidden",
              'config drive: hostname=(?: expected'),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_user_data(what, tmp_path):
    """One clear line each, which shows nothing that could be a secret; the service comes up."""
    data, line = BAD[what]
    opts = options("microvm", [iso(tmp_path, {"user-data": data, "meta-data": ""})],
                   STATIC if "ip=" not in str(data) else "")
    text = console(opts)
    said = lines(text)
    if what == "quote":
        assert "config drive: hostname=" in text and SERVES in text, text
        return
    assert said.count(line) == 1 and "hidden" not in text.replace("word", ""), text
    assert len(said) <= 23 and (SERVES in text) == ("http.port=81" in str(data) and
                                                    what != "binary"), text


def spoilt(path, at, data):
    """That file with other bytes there."""
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(data)
    return path


def bad_iso(tmp_path, form=JOLIET_ROCK):
    """An ISO whose descriptors say that its directories lie beyond the end of the device."""
    image = iso(tmp_path, NOCLOUD, form=form)
    for at in range(16 * 2048, 24 * 2048, 2048):
        with open(image, "rb") as file:
            file.seek(at)
            if file.read(1)[0] in (1, 2):
                spoilt(image, at + 156 + 2, b"\xff\xff\xff\x7f")
    return image


def looping_fat(tmp_path):
    """A volume whose user-data's clusters go round."""
    files = dict(NOCLOUD, **{"user-data": "#zeitkern\n" + "#" * 60000})
    image = vfat(tmp_path, files, kib=16384, bits=16)
    with open(image, "rb") as file:
        head = file.read(512)
    sector, reserved = int.from_bytes(head[11:13], "little"), int.from_bytes(head[14:16], "little")
    return spoilt(image, reserved * sector + 4, b"\x03\0\x02\0" * 64)


def wild_fat(tmp_path):
    """A volume whose clusters are all beyond its end."""
    image = vfat(tmp_path, NOCLOUD, kib=16384, bits=16)
    with open(image, "rb") as file:
        head = file.read(512)
    start = int.from_bytes(head[14:16], "little") * int.from_bytes(head[11:13], "little")
    data = dict(NOCLOUD, **{"user-data": "#" * 60000})
    image = vfat(tmp_path, data, kib=16384, bits=16)
    return spoilt(image, start + 4, b"\xf0\xef" * 64)


def cut(tmp_path):
    """A device that ends before the files."""
    image = iso(tmp_path, NOCLOUD)
    os.truncate(image, 40 * 2048)
    return image


DAMAGED = "the file system is damaged"
BEYOND = "beyond the end of the drive, or the drive fails"


@pytest.mark.parametrize("make, why", ((bad_iso, BEYOND), (looping_fat, None),
                                       (wild_fat, DAMAGED), (cut, BEYOND)))
def test_bad_volume(make, why, tmp_path):
    """What is broken is a line for each file that cannot be read; the service comes up."""
    drive = make(tmp_path)
    for opts in (options("microvm", [drive], STATIC), sata("q35", [drive], cmdline=STATIC)):
        text = console(opts)
        said = lines(text)
        assert said[0].startswith("config drive: NoCloud on "), text
        if why:
            assert f"config drive: user-data: {why}" in said, text
        assert len(said) <= 4, text
