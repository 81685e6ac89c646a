# SPDX-License-Identifier: MIT
"""Every x86_64 machine with every firmware, NIC and form of the disk, to a 200 over the wire with
an address by DHCP: make test-full. One of each kind is in test_disk.py, test_uefi.py and
test_nics.py for make test. The README's table of them is printed at the end."""

import collections

import pytest

from table import EDK_S
from test_disk import FORMS, OFF_S, UEFI, answers, plain, raw_of  # noqa: F401
from test_nics import PCI_NICS

FIRMWARES = ("bios", "uefi")
NAMES = {"bios": "SeaBIOS", "uefi": "OVMF"}


def firmware(which):
    """What a machine needs for it, as of vm.Options."""
    if which == "bios":
        return {}
    _, code, variables = UEFI["pc"]
    return {"mem": 256, "off": OFF_S + EDK_S, "extra": (
        "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
        "-drive", f"if=pflash,unit=1,format=raw,snapshot=on,file={variables}")}


@pytest.fixture(scope="module")
def disk(plain, tmp_path_factory):  # noqa: F811
    """disk(FORM): (path, QEMU's name of its format), as far as QEMU takes it."""
    made = {}

    def of(form):
        if form not in made:
            made[form] = raw_of(form, plain(form), tmp_path_factory.mktemp(form))
        return made[form]
    return of


@pytest.fixture(scope="module")
def served(request):
    """{(machine, firmware, form): NICs by which it went to a 200}; a table of it at the end."""
    found = collections.defaultdict(list)
    yield found
    if not found:
        return
    lines = [f"| NICs that serve, of {len(PCI_NICS)} | " + " | ".join(FORMS) + " |",
             "|---" * (len(FORMS) + 1) + "|"]
    for machine in ("q35", "pc"):
        for which in FIRMWARES:
            cells = [str(len(found[machine, which, form]) or "") for form in FORMS]
            lines.append(f"| {machine}, {NAMES[which]} | " + " | ".join(cells) + " |")
    with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        print("\n" + "\n".join(lines))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("nic", PCI_NICS)
@pytest.mark.parametrize("which", FIRMWARES)
@pytest.mark.parametrize("machine", ("q35", "pc"))
def test_product(disk, full, served, machine, which, nic, form):
    """An iso is a CD."""
    if not full:
        pytest.skip("only in make test-full")
    path, disk_format = disk(form)
    drive = ("virtio-scsi-pci", "scsi-cd") if form == "iso" else ("virtio-blk-pci",)
    answers(machine, path, nic=nic, disk_format=disk_format, disk=drive, **firmware(which))
    served[machine, which, form].append(nic)
