# SPDX-License-Identifier: MIT
"""Settings from metadata services: each cloud's, imitated from what it documents (tests/imds.py),
on a machine that recognises it or is told; and services that are away, slow, wrong or hostile."""

import re
import ssl
import time

import pytest

import images
import imds
import pki
from net6 import enable
from memory import memory_dump
from netns import NoNamespace
from site_vm import Site
from table import BY_NAME
from test_boot import BOOT_S
from test_dhcp import stamp

SETTINGS = "#zeitkern\nhttp.port=81\n"
SERVES = r"serving http://10\.77\.2\.2:(\d+)/"
MOST_S = 2.05            # two seconds, and the lines on the console
TRIES = 3                # of which one is in time: a busy computer may hold any of them up


@pytest.fixture
def booted():
    """booted(machine, cloud, ...) -> (Site, Server) of a machine that has said where it serves."""
    made = []

    def make(name, cloud, cmdline="", trouble=None, serve=True, dhcp=False, address=imds.ADDRESS):
        extra = []
        for words in (cloud.smbios if name == "q35" else ()):
            extra += ["-smbios", words]
        if not extra:
            cmdline = f"metadata={cloud.name} {cmdline}"
        row = BY_NAME[name]
        try:
            site = Site(row, images.image(row.board, app="time"), cmdline, dhcp=dhcp,
                        extra=tuple(extra))
        except NoNamespace as error:
            pytest.skip(f"no network namespace here: {error}")
        made.append(site)
        if ":" in address:
            enable(site.net)
        server = imds.Server(site.net, cloud, trouble, address) if serve else None
        if server:
            made.append(server)
        site.boot(wait=False)
        site.vm.wait_for("serving http://", BOOT_S)
        return site, server
    yield make
    for thing in reversed(made):
        thing.close()


def said(site):
    """Its lines about metadata, without their time."""
    return [line.split("] ", 1)[1] for line in site.vm.console.text().splitlines()
            if "metadata" in line]


EVERYWHERE = [(name, kind) for name in ("q35", "host") for kind in imds.CLOUDS]
EVERYWHERE += [("virt", imds.Aws), ("virt", imds.Linode), ("microvm", imds.Firecracker)]


@pytest.mark.parametrize("name, kind", EVERYWHERE, ids=lambda value: getattr(value, "name", value))
def test_cloud(kind, name, booted):
    """The hostname and settings of each cloud, which is recognised by SMBIOS where there is one.
    Every request is as documented."""
    cloud = kind(SETTINGS)
    site, _ = booted(name, cloud)
    text = site.vm.console.text()
    assert re.search(SERVES, text)[1] == "81", text
    assert said(site) == [f"metadata: asking {cloud.name}",
                          f"metadata: {len(SETTINGS)} bytes of settings"], text
    wanted = ([("PUT", cloud.token_path, 200)] if cloud.token_path else [])
    wanted += [("GET", cloud.hostname_path, 200), ("GET", cloud.user_data_path, 200)]
    assert cloud.asked == wanted
    with site.socket(port=81) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 200 ")
    if name == "microvm":
        assert b"box-4711\0" in memory_dump(site.vm)


def delay(site):
    """Seconds from the first question to the service, by the machine's own clock."""
    return stamp(site, "serving http://") - stamp(site, "metadata: asking")


def in_time(boot):
    """A Site that boot() has made and that serves as soon as it must."""
    delays = []
    for _ in range(TRIES):
        site = boot()
        delays.append(delay(site))
        if delays[-1] < MOST_S:
            return site
    raise AssertionError(delays)


def test_not_recognised(booted):
    """Nobody is asked on a machine that names no cloud, nor where metadata=none says so."""
    cloud = imds.Hetzner(SETTINGS)
    cloud.smbios = ("type=1,manufacturer=Somebody,product=Google",)
    site, _ = booted("q35", cloud)
    assert said(site) == [] and cloud.asked == []
    cloud = imds.Hetzner(SETTINGS)
    site, _ = booted("q35", cloud, "metadata=none")
    assert said(site) == [] and cloud.asked == []


@pytest.mark.parametrize("name", ("microvm", "virt"))
def test_precedence(name, booted):
    """What other sources have set stands; what is decided at boot is refused; the rest is taken,
    each key of it that can come late."""
    words = ("http.port=81 hostname=c ip=10.77.9.9/16 http.max_connections=9 nic=none\n"
             "metadata=none log.level=debug ntp=10.77.0.1 dns=10.77.0.1 http.max_uri=1000\n"
             "http.max_head=4096 http.max_headers=20 http.max_body=1000 http.redirect=no\n"
             "https.port=8444 tls.client=optional https.handshake_timeout=9 no.such=hidden\n"
             f"http.max_uri=999 seed={'ab' * 32}")
    cloud = imds.Aws(f"#zeitkern\n{words}")
    site, _ = booted(name, cloud, "hostname=b http.max_body=2000")
    text = site.vm.console.text()
    assert re.search(SERVES, text)[1] == "81", text
    refused = ["ip", "http.max_connections", "nic", "metadata"]
    assert re.findall(r"metadata: (\S+) is decided at boot", text) == refused, text
    assert re.findall(r"metadata: (\S+) stands as", text) == ["hostname", "hostname",
                                                              "dns", "http.max_body"], text
    assert text.count("metadata: http.max_uri is given twice") == 1, text
    assert 'metadata: unknown setting "no.such"' in text and "hidden" not in text
    site.vm.wait_for("https: port 8444", BOOT_S)
    assert site.vm.running()


def test_certificate(booted, tmp_path):
    """HTTPS by the certificate and key that user data bring."""
    root = pki.authority(str(tmp_path), "root")
    pair = pki.signed(root, str(tmp_path), "ours", ["zeitkern.test"])
    words = "".join(f'tls.{name}="{open(path, encoding="ascii").read()}"\n'
                    for name, path in (("cert", pair.cert), ("key", pair.key)))
    site, _ = booted("microvm", imds.Hetzner(f"#zeitkern\n{words}"))
    site.vm.wait_for("https: port 8443", BOOT_S)
    trust = ssl.create_default_context(cafile=root.cert)
    with trust.wrap_socket(site.socket(port=8443), server_hostname="zeitkern.test") as sock:
        assert sock.version() == "TLSv1.3"


@pytest.mark.parametrize("cmdline, dhcp", (("ip=10.77.2.2/16", False), ("", True)))
def test_routes(cmdline, dhcp, booted):
    """The address is on the link where there is no gateway, or behind DHCP's."""
    cloud = imds.Firecracker(SETTINGS)
    site, _ = booted("microvm", cloud, cmdline, dhcp=dhcp)
    assert ":81/" in site.vm.console.text()


@pytest.mark.parametrize("kind, address", ((imds.Aws, "fd00:ec2::254"),
                                           (imds.Linode, "fd00:a9fe:a9fe::1")))
def test_without_ip4(kind, address, booted):
    """Where there is IPv6 alone, and the cloud has an address for it."""
    cloud = kind(SETTINGS)
    site, _ = booted("microvm", cloud, "ip=off ip6=fd77::7/64 gw6=fd77::1", address=address)
    assert "serving http://[fd77::7]:81/" in site.vm.console.text()


SILENT = "ip=10.77.2.2/16 gw=10.77.99.99"
AWAY = [(kind, words) for kind in imds.CLOUDS for words in ("", SILENT)]
AWAY_CHOSEN = ((imds.Aws, ""), (imds.Aws, SILENT), (imds.OpenStack, SILENT))


@pytest.mark.parametrize("kind, words", AWAY, ids=[
    f"{kind.name}-{'silent' if words else 'refused'}" for kind, words in AWAY])
def test_away(kind, words, booted, full):
    """Nobody listens, or nobody answers at all: a line, within two seconds, and the service."""
    if not full and (kind, words) not in AWAY_CHOSEN:
        pytest.skip("only in make test-full")
    site = in_time(lambda: booted("microvm", kind(SETTINGS), words, serve=False)[0])
    assert len(said(site)) == 2 and re.search(
        rf"metadata: no answer of {kind.name} from 169\.254\.169\.254 within 2000 ms: .+",
        site.vm.console.text()), said(site)
    assert site.get().status == 200


AGAIN = {1: 503, 2: 500, 4: 429}
OK = b"HTTP/1.1 200 OK\r\n"
TROUBLE = {
    "again": (AGAIN.get, None),
    "forbidden": (lambda n: 403, "aws answers 403 to PUT /latest/api/token"),
    "no token": (lambda n: 404, "aws has no /latest/api/token"),
    "moved": (lambda n: 302, "aws answers 302 to PUT /latest/api/token"),
    "broken": (lambda n: 500, "aws answers 500 to PUT /latest/api/token"),
    "noise": (lambda n: b"\x00\xff" * 100, "no answer of aws"),
    "hang up": (lambda n: b"", "no answer of aws"),
    "cut": (lambda n: OK + b"Content-Length: 100\r\n\r\nx", "no answer of aws"),
    "head": (lambda n: OK + b"A: b\r\n" * 10000, "no answer of aws|longer than"),
    "bad token": (lambda n: OK + b"Content-Length: 5\r\n\r\na\x01b\r\n", "the token is none"),
    "long token": (lambda n: OK + b"Content-Length: 600\r\n\r\n" + b"t" * 600,
                   r"/latest/api/token: longer than 0 KiB"),
    "endless": (lambda n: OK + b"\r\n" + b"t" * (8 << 20), "longer than"),
}


@pytest.mark.parametrize("what", TROUBLE)
def test_trouble(what, booted):
    """What is busy is asked again; what is wrong is one line, and the service comes up."""
    trouble, line = TROUBLE[what]
    site = in_time(lambda: booted("host", imds.Aws(SETTINGS), trouble=trouble)[0])
    text = site.vm.console.text()
    assert (re.search(SERVES, text)[1] == "81") == (line is None), text
    assert len(said(site)) == 2 and (line is None or re.search(f"metadata: .*({line})", text)), text


def test_slow(booted):
    """A service that takes its time is given two seconds in all."""
    def slowly(_):
        time.sleep(0.9)

    site = in_time(lambda: booted("microvm", imds.DigitalOcean(SETTINGS), trouble=slowly)[0])
    assert "no answer" in said(site)[1], said(site)


USER_DATA = {
    "none": (imds.Aws, None, "metadata: no user-data"),
    "cloud-config": (imds.Hetzner, "#cloud-config\nx: hidden",
                     'metadata: user-data: the first line is "#cloud-config": expected'),
    "large": (imds.Vultr, "#zeitkern " + "hidden " * 20000,
              "metadata: /latest/user-data: longer than 64 KiB, not used"),
    "large, base64": (imds.Azure, "#zeitkern " + "hidden " * 20000, "longer than 64 KiB, not used"),
    "binary": (imds.Gce, b"#zeitkern\nseed=hidden\0", "metadata: user-data: byte 22 is none of a"),
    "secret": (imds.Oci, "#zeitkern\nseed=hidden", "metadata: seed=(secret): expected 64 hex"),
}


@pytest.mark.parametrize("what", USER_DATA)
def test_user_data(what, booted):
    """One clear line that shows no secret, and the service."""
    kind, data, line = USER_DATA[what]
    site, _ = booted("host", kind(data))
    text = site.vm.console.text()
    assert line in text and "hidden" not in text and ":8080/" in text, text


def test_no_base64(booted):
    """User data that are not encoded where the cloud says that they are."""
    cloud = imds.Azure(SETTINGS)
    cloud.encoded = lambda data: data
    site, _ = booted("microvm", cloud)
    assert "metadata: user-data: azure has base64, this is none; not used" in said(site)
