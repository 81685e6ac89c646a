# SPDX-License-Identifier: MIT
"""The order of the sources of settings: a machine that has one key in all of them, in each with
another value, and loses the strongest of them boot by boot."""

import os
import subprocess

import pytest

import images
import imds
from images import ROOT
from netns import NoNamespace
from site_vm import Site
from table import BY_NAME
from test_config_drive import iso
from test_uefi import BOOT_S

# README's order, the weakest first. fw_cfg has two: its file of words, and the key's own file.
SOURCES = ("image", "zeitkern.conf", "metadata", "config drive", "SMBIOS", "fw_cfg: words",
           "fw_cfg: key", "command line")
WORDS = {name: f"http.port={81 + i}" for i, name in enumerate(SOURCES)}
# Which of them a machine can have: (row, FORMAT, sources, only in make test-full).
WAYS = {
    "kernel": ("q35", "elf", [name for name in SOURCES if name != "zeitkern.conf"], False),
    "disk": ("pc-bios", "raw", SOURCES[1:-1], True),
    "uefi": ("q35-uefi", "efi", SOURCES, True),
}


def image(form):
    """app/time with CONFIG=: in the kernel, or on a disk in zeitkern.conf."""
    words = WORDS["zeitkern.conf" if form == "raw" else "image"]
    done = images.make("-s", "image", "BOARD=pc", f"FORMAT={form}", f"CONFIG={words}",
                       "BUILD=build/long", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=600)
    text = done.stdout.decode()
    assert done.returncode == 0, text
    return os.path.join(ROOT, text.split()[-1])


def qemu(sources, drive, cloud):
    """QEMU's arguments for those that are given by some."""
    args = []
    if "SMBIOS" in sources:
        args += ["-smbios", f"type=11,value=zeitkern:{WORDS['SMBIOS']}"]
    if "fw_cfg: key" in sources:
        args += ["-fw_cfg", f"name=opt/zeitkern/http.port,string={WORDS['fw_cfg: key'][10:]}"]
    if "config drive" in sources:
        args += ["-drive", f"if=none,id=seed,format=raw,readonly=on,file={drive}",
                 "-device", "virtio-blk-pci,drive=seed"]
    for words in cloud.smbios if "metadata" in sources else ():
        args += ["-smbios", words]
    return args


def site(way, path, sources, drive, cloud):
    """A machine with those sources, the metadata service in its network. Its address comes by the
    command line, or by fw_cfg's words, where the key is, too, if it is to be there."""
    row = BY_NAME[WAYS[way][0]]
    args, more = qemu(sources, drive, cloud), {}
    words = WORDS["command line"] if "command line" in sources else ""
    if way == "kernel" and "fw_cfg: words" in sources:
        args += ["-fw_cfg", f"name=opt/zeitkern/settings,string={WORDS['fw_cfg: words']}"]
    if way == "uefi":
        # UEFI's shell starts it, with its load options.
        more = {"program": "zk.efi", "files": {
            "zeitkern.conf": WORDS["zeitkern.conf"] if "zeitkern.conf" in sources else "",
            "startup.nsh": f"fs0:\r\nzk.efi {words}\r\n"}}
    if way != "kernel":
        words = WORDS["fw_cfg: words"] if "fw_cfg: words" in sources else ""
    try:
        return Site(row, path, words, dhcp=False, extra=tuple(args), **more)
    except NoNamespace as error:
        pytest.skip(f"no network namespace here: {error}")


@pytest.mark.parametrize("way", WAYS)
def test_precedence(way, tmp_path, full):
    """The value is always that of the strongest source that is left; a metadata service that is
    overruled is said. In `make test` no image is made for it, and so none has the key."""
    _, form, sources, only_full = WAYS[way]
    if only_full and not full:
        pytest.skip("by other firmware, which takes long: only in make test-full")
    sources = sources if full else sources[1:]
    path = image(form) if full else images.image("pc", app="time")
    drive = iso(tmp_path, {"meta-data": "instance-id: i-1\n",
                           "user-data": f"#zeitkern\n{WORDS['config drive']}\n"})
    for count in range(len(sources), 0, -1):
        left = sources[:count]
        cloud = imds.Aws(f"#zeitkern\n{WORDS['metadata']}\n")
        made = site(way, path, left, drive, cloud)
        server = imds.Server(made.net, cloud)
        try:
            made.boot(wait=False)
            port = int(made.vm.wait_for(r"serving http://[0-9.]+:(\d+)/", BOOT_S)[1])
            text = made.vm.console.text()
            assert f"http.port={port}" == WORDS[left[-1]], (left, text)
            overruled = "metadata" in left and left[-1] != "metadata"
            assert ("metadata: http.port stands as another source" in text) == overruled, text
        finally:
            server.close()
            made.close()
