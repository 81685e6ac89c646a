# SPDX-License-Identifier: MIT
"""The network as clouds configure it on a config drive (net/netconf.h), on a wire where no DHCP
server is: volumes by the tools that clouds use, Proxmox's and Nova's files letter by letter."""

import json
import re
import subprocess

import pytest

import images
from client import Client
from net6 import enable, socket6
from netns import STATIC, NoNamespace
from site_vm import Site
from table import BY_NAME
from test_boot import BOOT_S
from test_config_drive import console, iso, lines, options

MAC, OTHER = "52:54:00:12:34:56", "52:54:00:12:34:99"
SIX = "fd77::7"
GENISO = {"joliet": ["-J"], "rock": ["-iso-level", "3", "-R"], "both": ["-joliet", "-rock"]}

# As qm's ipconfig0=ip=10.77.2.2/16,gw=10.77.0.1 becomes it.
PROXMOX = f"""version: 1
config:
    - type: physical
      name: eth0
      mac_address: '{MAC}'
      subnets:
      - type: static
        address: '{STATIC}'
        netmask: '255.255.0.0'
        gateway: '10.77.0.1'
      - type: static6
        address: '{SIX}/64'
        gateway: 'fd77::1'
    - type: nameserver
      address:
      - '10.77.0.1'
      search:
      - 'example.com'
"""
V2 = f"""# made by hand
network:
  version: 2
  ethernets:
    nic0:
      match: {{macaddress: "{MAC}"}}
      set-name: eth0
      dhcp4: false
      addresses: [{STATIC}/16, '{SIX}/64']
      gateway6: fd77::1
      nameservers:
        addresses: [10.77.0.1]
      routes:
        - {{to: default, via: 10.77.0.1}}
      mtu: 1400
"""
NOVA = {
    "links": [{"id": "tap1", "vif_id": "8", "type": "ovs", "mtu": 1450,
               "ethernet_mac_address": MAC}],
    "networks": [
        {"id": "network0", "type": "ipv4", "link": "tap1", "ip_address": STATIC,
         "netmask": "255.255.0.0", "network_id": "9", "services": [],
         "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "10.77.0.1"}]},
        {"id": "network1", "type": "ipv6", "link": "tap1", "ip_address": SIX,
         "netmask": "ffff:ffff:ffff:ffff::", "network_id": "9",
         "routes": [{"network": "::", "netmask": "::", "gateway": "fd77::1"}]}],
    "services": [{"type": "dns", "address": "10.77.0.1"}]}
IP = f"ip={STATIC}/16 gw=10.77.0.1 ip6={SIX}/64 gw6=fd77::1 dns=10.77.0.1"


def geniso(tmp_path, files, form="both", label="cidata"):
    """A volume by genisoimage, as Proxmox, Nova and KubeVirt make theirs."""
    folder = tmp_path / "files"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    subprocess.run(["genisoimage", "-quiet", *GENISO[form], "-V", label, "-o",
                    str(tmp_path / "seed.iso"), str(folder)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return tmp_path / "seed.iso"


def localds(tmp_path, network, user_data="#zeitkern\n"):
    """A volume by cloud-localds."""
    for name, text in (("net.yaml", network), ("user", user_data), ("meta", "instance-id: i\n")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    subprocess.run(["cloud-localds", "--network-config=net.yaml", "seed.img", "user", "meta"],
                   cwd=tmp_path, check=True)
    return tmp_path / "seed.img"


@pytest.fixture
def booted():
    """booted(machine, drive, settings, more arguments) -> a Site without a DHCP server that has
    said where it serves."""
    made = []

    def make(name, drive, settings="", extra=(), kind="blk", wait=True):
        row = BY_NAME[name]
        bus = "device" if row.nic == "mmio" else "pci"
        disk = {"blk": ("-device", f"virtio-blk-{bus},drive=d"),
                "scsi": ("-device", f"virtio-scsi-{bus}", "-device", "scsi-cd,drive=d"),
                "sata": ("-device", "ide-cd,drive=d")}[kind]
        try:
            site = Site(row, images.image(row.board, app="time"), settings, dhcp=False,
                        by_hand=False, extra=("-drive", "if=none,id=d,format=raw,readonly=on,"
                                              f"file={drive}", *disk, *extra))
        except NoNamespace as error:
            pytest.skip(f"no network namespace here: {error}")
        made.append(site)
        enable(site.net)
        site.boot(wait)
        return site
    yield make
    for site in made:
        site.close()


def taken(site):
    """The settings that it says it has made of the file."""
    return re.search(r"config drive: network[-_.a-z]*: \S+: (\S*=.*)", site.vm.console.text())[1]


def answers(site, six=True):
    """It serves at the static addresses, and has asked no DHCP server."""
    text = site.vm.console.text()
    assert site.address == STATIC and "dhcp:" not in text, text
    assert site.get("/").status == 200
    if six:
        site.vm.wait_for(rf"serving http://\[{SIX}\]", BOOT_S)
        with Client(socket6(site, SIX), 10) as client:
            assert client.get("/").status == 200


@pytest.mark.parametrize("name, form, kind", (
    ("microvm", "rock", "blk"), ("q35", "rock", "scsi"), ("q35", "joliet", "sata"),
    ("virt", "both", "blk")))
def test_proxmox(name, form, kind, booted, tmp_path):
    """A machine of Proxmox VE with ipconfig0, by a CD on SCSI or SATA or by virtio-blk."""
    files = {"user-data": "#cloud-config\nhostname: box\n", "meta-data": "instance-id: 8f\n",
             "network-config": PROXMOX}
    site = booted(name, geniso(tmp_path, files, form), kind=kind)
    answers(site)
    assert taken(site) == IP
    assert "nameserver: search is not used" in site.vm.console.text()


@pytest.mark.parametrize("name", ("microvm", "q35", "virt"))
def test_version2(name, booted, tmp_path):
    """Netplan's format, by cloud-localds."""
    site = booted(name, localds(tmp_path, V2))
    answers(site)
    assert taken(site) == f"{IP} mtu=1400" and "mtu 1400" in site.vm.console.text()


@pytest.mark.parametrize("name", ("microvm", "q35", "virt"))
def test_nova(name, booted, tmp_path):
    """OpenStack's config drive."""
    files = {"openstack/latest/meta_data.json": '{"hostname": "box.novalocal"}',
             "openstack/latest/network_data.json": json.dumps(NOVA)}
    site = booted(name, geniso(tmp_path, files, label="config-2"))
    answers(site)
    assert taken(site) == f"{IP} mtu=1450"


def v2(*ethernets):
    """A document of version 2: (id, MAC, address)..., in flow style and JSON's quotes."""
    return json.dumps({"version": 2, "ethernets": {
        name: {"match": {"macaddress": mac}, "addresses": [f"{ip}/16"]} if mac else
        {"addresses": [f"{ip}/16"]} for name, mac, ip in ethernets}})


def test_ip6_alone(booted, tmp_path):
    """An interface that is given IPv6 alone asks for no IPv4."""
    drive = localds(tmp_path, "version: 2\nethernets:\n  eth0:\n    addresses: [fd77::7/64]\n")
    site = booted("microvm", drive, wait=False)
    site.vm.wait_for(rf"serving http://\[{SIX}\]", BOOT_S)
    assert taken(site) == f"ip=off ip6={SIX}/64" and "dhcp:" not in site.vm.console.text()
    with Client(socket6(site, SIX), 10) as client:
        assert client.get("/").status == 200


SECOND = ("-netdev", "user,id=u", "-device", f"virtio-net-pci,netdev=u,mac={OTHER},romfile=")


def test_two_cards(booted, tmp_path):
    """That card of two which the file names, whichever it is, and the first that both the file and
    the machine have; nic= decides which of the file's interfaces counts."""
    site = booted("q35", localds(tmp_path, v2(("a", MAC, STATIC))), extra=SECOND)
    answers(site, False)
    both = localds(tmp_path, v2(("gone", "52:54:00:00:00:01", "10.77.9.1"), ("a", MAC, STATIC),
                                ("b", OTHER, "10.77.9.2")))
    site = booted("q35", both, extra=SECOND)
    answers(site, False)
    text = site.vm.console.text()
    assert "b: the interface is not used: one network card is" in text, text
    both = localds(tmp_path, v2(("b", OTHER, "10.77.9.2"), ("a", MAC, STATIC)))
    for nic in (MAC, "00:01.0"):
        answers(booted("q35", both, f"nic={nic}", extra=SECOND), False)
    site = booted("q35", localds(tmp_path, v2(("b", OTHER, STATIC))), f"nic={MAC}", extra=SECOND)
    answers(site, False)
    said = f"b: is for {OTHER}: used for nic={MAC} all the same"
    assert said in site.vm.console.text(), site.vm.console.text()


@pytest.mark.parametrize("name", ("pc-e1000", "q35-e1000e", "q35-vmxnet3", "pc-legacy"))
def test_cards(name, booted, tmp_path):
    """Each driver is asked for the MAC address first, and then serves."""
    answers(booted(name, localds(tmp_path, v2(("eth0", MAC, STATIC)))), False)


@pytest.mark.parametrize("mac", (None, "52:54:00:00:00:01"))
def test_no_mac(mac, booted, tmp_path):
    """An interface that names no card, or one that there is not, is the one there is."""
    site = booted("microvm", localds(tmp_path, v2(("eth0", mac, STATIC))))
    answers(site, False)
    said = "eth0: no network card is 52:54:00:00:00:01: used for the one there is"
    assert (said in site.vm.console.text()) == (mac is not None)


def test_precedence(booted, tmp_path):
    """The drive's user data and the command line overrule it, key by key, and a gateway belongs to
    its address."""
    drive = localds(tmp_path, v2(("eth0", MAC, "10.77.9.9")), f"#zeitkern\nip={STATIC}/16\n")
    site = booted("microvm", drive)
    answers(site, False)
    assert "network-config: ip stands as another source has it" in site.vm.console.text()
    document = json.loads(v2(("eth0", MAC, "10.77.9.9")))
    document["ethernets"]["eth0"]["gateway4"] = "10.77.9.1"
    site = booted("microvm", localds(tmp_path, json.dumps(document)), f"ip={STATIC}/16")
    answers(site, False)
    said = 'eth0: gateway "10.77.9.1" is not used: another source has the address'
    assert said in site.vm.console.text(), site.vm.console.text()


FLAT = {"user-data": "#zeitkern\n", "meta-data": "instance-id: i\n"}
SAYS = "config drive: network-config: "
BAD = {
    "tab": ("version: 2\nethernets:\n\teth0: {}\n", "line 3: a tab before a word: expected spaces; "
            "not used"),
    "twice": ("version: 2\nethernets:\n  eth0:\n    dhcp4: no\n    dhcp4: yes\n",
              'line 5: "dhcp4" twice: expected a key once; not used'),
    "html": ("<html>\n<body>gone</body>\n", "line 2: a line that belongs to none before it: "
             "expected the column of one of those; not used"),
    "binary": ("\x7fELF\x01", "line 1: a byte that is none of a text: expected text; not used"),
    "word": ("hello\n", "version is not there: expected 1 or 2; not used"),
    "version": ("version: 3\n", 'version "3": expected 1 or 2; not used'),
    "large": ("version: 1\n" + "# x\n" * (1 << 18), "longer than 64 KiB, not used"),
    "deep": ("version: 2\nx: " + "[" * 60000, "line 2: nested too deep: expected at most 16 "
             "levels; not used"),
    "many": ("version: 2\nx:\n" + "- 1\n" * 16000, "line 1024: too much in one document: expected "
             "at most 1024 values; not used"),
    "address": ("version: 2\nethernets:\n  eth0:\n    addresses: [10.0.2.300/24]\n",
                'eth0: address "10.0.2.300/24": expected an address with its prefix, as '
                "192.0.2.7/24 or 2001:db8::7/64"),
    "prefix": ("version: 2\nethernets:\n  eth0:\n    addresses: [10.0.2.15]\n",
               'eth0: address "10.0.2.15": expected an address with its prefix, as 192.0.2.7/24 '
               "or 2001:db8::7/64"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad(what, tmp_path):
    """One line says what is wrong and what was expected, and DHCP gives the address."""
    text, line = BAD[what]
    said = console_of(tmp_path, text)
    wrong = [words for words in lines(said, "network-config") if "nothing is said" not in words]
    assert wrong == [SAYS + line], said
    assert "dhcp: asking" in said and "serving http://10.0.2.15:8080/" in said, said


def console_of(tmp_path, network):
    """What a machine with QEMU's DHCP server says up to its service."""
    return console(options("microvm", [iso(tmp_path, dict(FLAT, **{"network-config": network}))]))


def test_unsupported(tmp_path):
    """One line for each thing that the settings cannot hold; the rest counts."""
    said = console_of(tmp_path, """
version: 2
renderer: networkd
ethernets:
  eth0:
    addresses: [10.0.2.20/24, 10.0.2.21/24, {'fd00::5/64': {label: x}}]
    dhcp4: yes
    gateway4: 10.0.2.2
    optional: true
    routes:
    - to: 192.0.2.0/24
      via: 10.0.2.3
    nameservers: {search: [lab], addresses: [10.0.2.3, fec0::3, 1.1.1.1]}
    link-local: []
bonds:
  bond0: {interfaces: [eth0]}
vlans:
  vlan5: {id: 5, link: eth0}
""")
    assert lines(said, "network-config") == [SAYS + words for words in (
        "eth0: dhcp is not used: an address of that family is given",
        'eth0: address "10.0.2.21/24" is not used: there is one of its family before it',
        'eth0: route to "192.0.2.0/24" is not used: only one to all networks is',
        'eth0: name server "1.1.1.1" is not used: there are 2 before it',
        "eth0: search is not used: names are asked for as they are",
        'eth0: "link-local" is not used: no setting is like it',
        'bond0: what is below "bonds" is not used: expected ethernets',
        'vlan5: what is below "vlans" is not used: expected ethernets',
        "eth0: ip=10.0.2.20/24 gw=10.0.2.2 ip6=fd00::5/64 dns=10.0.2.3,fec0::3")], said
    assert "serving http://10.0.2.20:8080/" in said, said
