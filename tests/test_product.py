# SPDX-License-Identifier: MIT
"""Every x86_64 machine with every firmware and NIC, and every form of the disk with every firmware,
to a 200 over the wire with an address by DHCP: make test-full. One of each kind is in
test_disk.py, test_uefi.py and test_nics.py for make test."""

import pytest

from table import EDK_S
from test_disk import FORMS, OFF_S, UEFI, answers, plain, raw_of  # noqa: F401

NICS = ("pci", "transitional", "non-transitional", "e1000", "e1000e", "vmxnet3")
FIRMWARES = ("bios", "uefi")


def firmware(which):
    """What a machine needs for it, as of vm.Options."""
    if which == "bios":
        return {}
    _, code, variables = UEFI["pc"]
    return {"mem": 256, "off": OFF_S + EDK_S, "extra": (
        "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
        "-drive", f"if=pflash,unit=1,format=raw,snapshot=on,file={variables}")}


@pytest.fixture(autouse=True)
def only_full(full):
    """None of it is in make test."""
    if not full:
        pytest.skip("only in make test-full")


@pytest.mark.parametrize("nic", NICS)
@pytest.mark.parametrize("which", FIRMWARES)
@pytest.mark.parametrize("machine", ("q35", "pc"))
def test_machine(plain, machine, which, nic):  # noqa: F811
    """From the raw disk."""
    answers(machine, plain("raw"), nic=nic, **firmware(which))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("which", FIRMWARES)
def test_form(plain, which, form, tmp_path):  # noqa: F811
    """On q35 with virtio-net; an iso is a CD."""
    path, disk_format = raw_of(form, plain(form), tmp_path)
    disk = ("virtio-scsi-pci", "scsi-cd") if form == "iso" else ("virtio-blk-pci",)
    answers("q35", path, disk_format=disk_format, disk=disk, **firmware(which))
