# SPDX-License-Identifier: MIT
"""Settings on booted machines: where each source comes in, values over many lines, and that a
secret is gone from memory once it is applied."""

import re
import subprocess

import pytest

import images
from budget import board_words
from memory import memory_dump
from netns import NoNamespace
from site_vm import Site
from table import BY_NAME
from test_boot import BOOT_S
from vm import Vm

FW_CFG = ("microvm", "q35", "pc", "virt")     # machines that have the device
SECRET = bytes.fromhex("c3a55ac36996f00f" "1e2d3c4b5a697887" "0f1e2d3c4b5a6978" "8796a5b4c3d2e1f0")
KNOWN = "known-host-4711"
# Pieces that a copy cut anywhere would still have whole.
PIECES = [SECRET.hex()[i:i + 16].encode() for i in (0, 16, 32, 48)]
PIECES += [SECRET[i:i + 8] for i in (0, 8, 16, 24)]


def booted(name, cmdline="", fw_cfg=None, files=None, **more):
    """A machine that has said where it serves."""
    row = BY_NAME[name]
    extra = []
    for key, text in (fw_cfg or {}).items():
        extra += ["-fw_cfg", f"name=opt/zeitkern/{key},string={text}"]
    for key, path in (files or {}).items():
        extra += ["-fw_cfg", f"name=opt/zeitkern/{key},file={path}"]
    vm = Vm(row.options(images.image(row.board, app="time"), cmdline=cmdline, extra=tuple(extra),
                        **more))
    try:
        vm.wait_for(r"serving http://", BOOT_S)
    except BaseException:
        vm.kill()
        raise
    return vm


@pytest.mark.parametrize("name", FW_CFG)
def test_fw_cfg(name, tmp_path):
    """A key's own file overrules the file of words, the command line both; a value may have many
    lines, and what is wrong is one line."""
    words = tmp_path / "words"
    words.write_text('http.port=81 hostname="box"\nhttp.max_uri=100 dns="10.0.0.1\nx"\n')
    lines = tmp_path / "lines"
    lines.write_text("-----BEGIN\nabc\n")
    port = tmp_path / "port"
    port.write_text("82\n")
    large = tmp_path / "large"
    large.write_bytes(b"x" * (1 << 20))
    with booted(name, "ip=10.0.2.15/24 gw=10.0.2.2", {"no.such": "hidden"},
                {"settings": words, "http.port": port, "ntp": large, "gw": lines}) as vm:
        text = vm.console.text()
        assert "serving http://10.0.2.15:82/" in text
        for line in (r'fw_cfg: unknown setting "no\.such"$',
                     r"fw_cfg: ntp: longer than 262144 bytes",
                     r"fw_cfg: gw=-----BEGIN\?abc: expected an address",
                     r"fw_cfg: dns=10\.0\.0\.1\?x: expected"):
            assert len(re.findall(line, text, re.M)) == 1, (line, text)
        assert "hidden" not in text and text.count("fw_cfg:") == 4, text
    with booted(name, "http.port=83", {"http.port": "82"}) as vm:
        assert ":83/" in vm.console.text()


PEM = "-----BEGIN X-----\n" + "".join("Zm9v" * 16 + "\n" for _ in range(13)) + "-----END X-----"
LONG = SECRET.hex() * 14                      # as many bytes as a certificate in PEM


def with_file(tmp_path, name, text):
    """KEY=@FILE's FILE."""
    path = tmp_path / name
    path.write_text(text + "\n")
    return path


def check_long(text):
    """What a console says of the settings that long_words() names."""
    assert ":81/" in text and "seed" not in text and "entropy: too little" not in text, text
    assert len(re.findall(r"gw=-----BEGIN X-----\?Zm9v.*: expected an address", text)) == 1, text


def long_words(tmp_path):
    """A long secret, a value of many lines that is refused, and a word after them."""
    return (f"seed=@{with_file(tmp_path, 'seed', LONG)} gw=@{with_file(tmp_path, 'pem', PEM)} "
            "http.port=81")


@pytest.mark.parametrize("name", ("q35", "pc"))
@pytest.mark.parametrize("overruled,port", ((None, 81), ("82", 82)))
def test_smbios(name, overruled, port):
    """OEM strings that begin with our name are words, in turn; fw_cfg overrules them."""
    row = BY_NAME[name]
    extra = ["-smbios", "type=11,value=other:http.port=79,value=zeitkern:http.port=80 no.oem=1,"
             "value=zeitkern:http.port=81"]
    if overruled:
        extra += ["-fw_cfg", f"name=opt/zeitkern/http.port,string={overruled}"]
    with Vm(row.options(images.image(row.board, app="time"), cmdline="ip=10.0.2.15/24",
                        extra=tuple(extra))) as vm:
        vm.wait_for(f"serving http://10.0.2.15:{port}/", BOOT_S)
        vm.wait_for('SMBIOS: unknown setting "no.oem"')


@pytest.mark.parametrize("board", ["lm3s6965evb", "mps2-an385", "orangepi-pc"])
def test_long_page(board, tmp_path):
    """A page holds what a certificate and a key take, each from a file, beside other settings."""
    page = page_of(board, long_words(tmp_path), tmp_path)
    assert len(page) > 1800
    with booted(board, page=page) as vm:
        check_long(vm.console.text())


def test_long_host(tmp_path):
    """The host build takes the same file by settings=PATH."""
    path = tmp_path / "page"
    images.settings(path, "64K", long_words(tmp_path))
    try:
        site = Site(BY_NAME["host"], images.image("host", app="time"), dhcp=False,
                    page=path.read_bytes())
    except NoNamespace as error:
        pytest.skip(f"no network namespace here: {error}")
    try:
        site.boot(wait=False)
        site.vm.wait_for("serving http://", BOOT_S)
        check_long(site.vm.console.text())
        with open(f"/proc/{site.vm.process.pid}/cmdline", "rb") as file:
            assert b"ip=" not in file.read()      # its words are wiped where ps would show them
    finally:
        site.close()


def test_long_image(tmp_path):
    """CONFIG= in an image takes files, too; a missing one is one line and no image."""
    words = ["image", "BOARD=pc", "BUILD=build/long"]
    done = images.make("-s", *words, f"CONFIG={long_words(tmp_path)}", stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=600)
    text = done.stdout.decode()
    assert done.returncode == 0, text
    with Vm(BY_NAME["microvm"].options(text.split()[-1])) as vm:
        vm.wait_for("serving http://", BOOT_S)
        check_long(vm.console.text())
    done = images.make("-s", *words, "CONFIG=gw=@no/such", stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=600)
    assert done.returncode and b"gw=@no/such: No such file" in done.stdout, done.stdout
    assert done.stdout.count(b"\n") == 1, done.stdout


def found(memory):
    """Which pieces of the secret are in it."""
    return [piece for piece in PIECES if piece in memory]


def page_of(board, words, tmp_path):
    """A settings page of these words, and no seed but theirs."""
    path = tmp_path / "page"
    images.settings(path, board_words(board)["SETTINGS_SIZE"], words)
    return path.read_bytes()


@pytest.mark.parametrize("name, source", [
    (name, source) for name in ("microvm", "q35", "virt")
    for source in ("command line", "fw_cfg", "fw_cfg words")] + [("orangepi-pc", "page")])
def test_secret_is_wiped(name, source, tmp_path):
    """A seed that was given is nowhere in memory, in digits or in bytes; a setting that is no
    secret is, by the same search; and nothing of it is on the console."""
    words = f"seed={SECRET.hex()} hostname={KNOWN}"
    given = {"command line": {"cmdline": words},
             "fw_cfg": {"fw_cfg": {"seed": SECRET.hex(), "hostname": KNOWN}},
             "fw_cfg words": {"fw_cfg": {"settings": words}}}
    more = given.get(source) or {"page": page_of(BY_NAME[name].board, words, tmp_path)}
    with booted(name, **more) as vm:
        memory = memory_dump(vm)
        assert KNOWN.encode() in memory
        assert found(memory) == []
        assert not found(vm.console.text().encode()), vm.console.text()


@pytest.mark.parametrize("name", ["microvm", "virt"])
def test_search_finds(name):
    """The same search does find it where it is no secret."""
    row = BY_NAME[name]
    opts = row.options(images.image(row.board, app="time"), cmdline=f"hostname={SECRET.hex()[:32]}")
    with Vm(opts) as vm:
        vm.wait_for(r"serving http://", BOOT_S)
        assert len(found(memory_dump(vm))) >= 2
