# SPDX-License-Identifier: MIT
"""The front door as a newcomer uses it: make run, its URL, its end, its error lines."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

import images
from images import ROOT, environment
from netns import Namespace, NoNamespace
from test_boot import free_port
from vm import Console, child_setup

URL_S = 60
END_S = 5.0


class Make:
    """A running `make run`."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            ["make", "run"] + list(words), cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(),
            preexec_fn=child_setup(), start_new_session=True)
        self.console = Console(self.process.stdout)

    def url(self):
        """Waits for the URL."""
        match, _ = self.console.wait_for(r"^(http://127\.0\.0\.1:\d+/)$", URL_S)
        assert match, self.console.text()
        return match[1]

    def left(self):
        """Processes of its session that still run, the make itself apart."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
                    fields = stat.read().rsplit(")", 1)[1].split()
                with open(f"/proc/{pid}/cmdline", "rb") as line:
                    name = line.read().split(b"\0")[0].decode()
            except (OSError, IndexError):
                continue
            if "qemu-system" in name and self.port in open_args(pid):
                found.append((pid, name, fields[0]))
        return found

    port = "-"

    def end(self):
        """Kills what is left of it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def open_args(pid):
    """A process's command line as text, empty when it is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as line:
            return line.read().decode("utf-8", "replace")
    except OSError:
        return ""


@pytest.fixture
def run():
    """run(words...) -> a Make on a port of its own, ended after the test."""
    started = []

    def start(*words):
        images.image("pc", app="time")
        port = free_port()
        made = Make(f"PORT={port}", *words)
        made.port = f"127.0.0.1:{port}-"
        started.append(made)
        return made
    yield start
    for made in started:
        made.end()


def refusal(*words, command="run"):
    """Runs make with words it must refuse: the lines it says, at most 30 s."""
    done = images.make("-s", command, *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=30)
    assert done.returncode != 0, done.stdout.decode()
    return [line for line in done.stdout.decode().splitlines()
            if not re.match(r"make(\[\d+\])?: \*\*\* \[", line) and line.strip()]


def test_url_and_answer(run):
    """The URL is printed once it answers, and the console is ours, its first line the machine."""
    made = run()
    with urllib.request.urlopen(made.url(), timeout=5) as answer:
        assert re.fullmatch(rb'\{"time": \d{10}\.\d{6}\}', answer.read())
    assert re.search(r"serving http://10\.0\.2\.15:8080/", made.console.text())
    assert re.match(r"(.*\n)*?\[   0\.000000\] Zeitkern on QEMU \(PVH\), ", made.console.text())


def answer_of(url):
    """(status, type, body) of GET, whatever the status."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def test_app_prints(run):
    """app/greenlet says its two lines once, in order, on stdout, and serves the same."""
    images.image("pc", app="greenlet")
    made = run("APP=greenlet")
    assert answer_of(made.url()) == (200, "text/plain", "hello world\n42\n")
    said = [line for line in made.console.text().splitlines() if "hello" in line or line == "42"]
    assert said == ["hello world", "42"], made.console.text()


@pytest.mark.parametrize("app, statuses", [
    ("wsgi", (200,)), ("flask", (200,)), ("twisted", (200,)), ("gevent", (502,)),
    ("aiohttp", (502, 503)), ("postgres", (502, 503))])
def test_app(run, app, statuses):
    """Each way to write a service: an image of its own, which answers, without its backend with an
    error in JSON."""
    images.image("pc", app=app)
    status, kind, body = answer_of(run(f"APP={app}").url())
    assert status in statuses, (status, body)
    if status != 200:
        assert kind == "application/json" and json.loads(body)["error"], (kind, body)


@pytest.mark.busy
@pytest.mark.parametrize("number,whole_group", [
    (signal.SIGINT, True), (signal.SIGHUP, True), (signal.SIGTERM, True), (signal.SIGTERM, False)])
def test_signals(run, number, whole_group):
    """Ctrl-C (to all in the terminal's group), or SIGTERM to make alone: no QEMU left in 5 s."""
    made = run()
    made.url()
    if whole_group:
        os.killpg(made.process.pid, number)
    else:
        made.process.send_signal(number)
    began = time.monotonic()
    while made.left() or made.process.poll() is None:
        assert time.monotonic() - began < END_S, (made.left(), made.console.text())
        time.sleep(0.05)


@pytest.mark.busy
@pytest.mark.parametrize("board,source", [
    ("lm3s6965evb", "settings"), ("mps2-an385", "settings"), ("orangepi-pc", "command line")])
def test_board(run, board, source):
    """A board: settings by its page or command line, the time from its clock or this computer's,
    and no QEMU left in 5 s."""
    images.image(board, app="time")
    made = run(f"BOARD={board}", "CONFIG=of.config=1", "CMDLINE=of.line=1")
    url = made.url()
    for word in ("of.config", "of.line"):
        assert f'{source}: unknown setting "{word}"' in made.console.text(), made.console.text()
    deadline = time.monotonic() + URL_S
    status = 0
    while status != 200 and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                status = answer.status
        except urllib.error.HTTPError as error:
            assert error.code == 503, error
            time.sleep(0.1)
    assert status == 200, made.console.text()
    made.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    while made.left() or made.process.poll() is None:
        assert time.monotonic() - began < END_S, (made.left(), made.console.text())
        time.sleep(0.05)


def test_make_killed(run):
    """When make is killed outright, its QEMU goes too."""
    made = run()
    made.url()
    made.process.kill()
    began = time.monotonic()
    while made.left():
        assert time.monotonic() - began < END_S + 1, made.left()
        time.sleep(0.05)


def test_signal_before_it_serves(run):
    """The same in the middle of the boot."""
    made = run("CMDLINE=ip=dhcp")
    made.console.wait_for(r"^\[", URL_S)
    made.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    while made.left() or made.process.poll() is None:
        assert time.monotonic() - began < END_S, made.console.text()
        time.sleep(0.05)


@pytest.mark.parametrize("offset", [0, 363])
def test_port_taken(offset):
    """A port already taken is one line, before anything starts."""
    images.image("pc", app="time")
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port + offset))
        taken.listen(1)
        lines = refusal(f"PORT={port}")
    assert len(lines) == 1 and str(port + offset) in lines[0], lines
    assert "PORT" in lines[0], lines


@pytest.mark.parametrize("word,names", [
    ("BORAD=pc", ("BORAD", "BOARD")), ("BOARD=nope", ("BOARD", "pc", "virt", "host")),
    ("MACHINE=isapc", ("MACHINE", "microvm", "q35")), ("ACCEL=hax", ("ACCEL", "tcg", "kvm")),
    ("MEM=lots", ("MEM", "number")), ("PORT=http", ("PORT", "number")), ("PORT=70000", ("PORT",)),
    ("PORT=18446744073709551616", ("PORT", "65172")), ("MEM=1", ("MEM", "from 2")),
    ("NET=wifi", ("NET", "user", "tap")), ("NET=tap:zk-no-such", ("zk-no-such",)),
    ("FIRMWARE=coreboot", ("FIRMWARE", "none")), ("APP=nope", ("APP", "time")),
    ("FORMAT=floppy", ("FORMAT", "elf")), ("FORMAT=sd", ("FORMAT", "elf")),
    ("SMP=x", ("SMP",)), ("SMP=0", ("SMP", "from 1")), ("TLS=maybe", ("TLS",))])
def test_wrong_words(word, names):
    """A misspelt variable or value is one line that names the choices."""
    images.image("pc", app="time")
    lines = refusal(word)
    assert len(lines) == 1, lines
    for name in names:
        assert name in lines[0], (name, lines)


@pytest.mark.parametrize("board", ["host", "virt" if os.uname().machine == "x86_64" else "pc"])
def test_foreign_kvm(board):
    """ACCEL=kvm with a board that is not this computer's CPU is one line."""
    images.image(board, app="time", sanitize="")
    lines = refusal(f"BOARD={board}", "ACCEL=kvm")
    assert len(lines) == 1 and "ACCEL=kvm" in lines[0] and board in lines[0], lines


def test_wrong_command():
    """A command that does not exist is one line that names those that do."""
    lines = refusal(command="rum")
    assert len(lines) == 1 and "run" in lines[0] and "test" in lines[0], lines


def set_up(folder, command="run", sudo=None, path=""):
    """linker/setup by an ordinary user who has no program but id, dpkg, with `sudo` one that does
    this, and those in `path`: (status, lines)."""
    programs = {"id": "echo 1000", "dpkg": "echo amd64", "find": "echo Packages"}
    programs.update({"sudo": sudo} if sudo else {})
    for name, does in programs.items():
        program = folder / name
        program.write_text(f"#!/bin/sh\n{does}\n", encoding="ascii")
        program.chmod(0o755)
    done = subprocess.run([f"{ROOT}/linker/setup", command, "pc", "elf"], check=False, timeout=30,
                          env={"PATH": f"{folder}{path}"}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode().splitlines()


@pytest.mark.parametrize("sudo", [None, "exit 1"])
def test_setup_by_hand(tmp_path, sudo):
    """Without sudo, or when it refuses, the last line is what root has to type: with what the
    build calls, and what unpacks the files that are fetched."""
    status, lines = set_up(tmp_path, sudo=sudo)
    assert status == 1 and len(lines) == (3 if sudo else 1), lines
    said, packages = lines[-1].split("as root: apt-get install ")
    assert "make run" in said, lines
    needs = {"gcc", "ninja-build", "qemu-system-x86"}
    with open(f"{ROOT}/linker/libs.lock", encoding="ascii") as lock:
        for line in lock:
            needs |= {"xz-utils"} if ".tar.xz " in line else set()
            needs |= {"bzip2"} if ".tar.bz2 " in line else set()
    assert {"xz-utils", "bzip2"} <= needs and needs <= set(packages.split()), lines


def test_setup_by_sudo(tmp_path):
    """With sudo it is told to install them."""
    status, lines = set_up(tmp_path, sudo='echo "sudo $*"')
    assert status == 0, lines
    assert re.match(r"make run needs: .*\bgcc\b", lines[0]), lines
    assert re.search(r"^sudo env .* apt-get .* install .*\bgcc\b", lines[-1]), lines


@pytest.mark.parametrize("command", ["test-full", "bench", "flash", "debug"])
def test_setup_without_sbin(tmp_path, command):
    """What is installed is found by a user whose PATH has no sbin, as Debian's has not."""
    path = ":/usr/bin:/bin"
    assert set_up(tmp_path, command, "exit 1", path) == \
        set_up(tmp_path, command, "exit 1", f"{path}:/usr/sbin:/sbin")


def test_help():
    """A bare make prints help, one line each."""
    done = images.make("-s", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
    text = done.stdout.decode()
    assert done.returncode == 0
    for command in ("run", "test", "test-full", "image", "flash", "debug", "symbols", "bench",
                    "soak",
                    "fuzz", "size", "lint", "clean", "help"):
        assert re.search(rf"^\s*(make )?{command}\b", text, re.M) or command == "help", command


def test_qemu_dies(run):
    """A QEMU that does not start: its own words, and failure."""
    made = run("QEMU_ARGS=-device nonsense")
    assert made.process.wait(30) != 0
    made.console.thread.join(3)
    assert "nonsense" in made.console.text(), made.console.text()


@pytest.mark.busy
def test_again_in_seconds(run):
    """A second make run starts in seconds."""
    run().url()
    began = time.monotonic()
    run().url()
    assert time.monotonic() - began < 10


def test_image_path():
    """make image prints the path as its last line."""
    done = images.make("-s", "image", stdout=subprocess.PIPE, timeout=300)
    path = done.stdout.decode().split()[-1]
    assert path == os.environ.get("BUILD", "build") + "/pc/time/zeitkern.elf"
    assert os.path.exists(os.path.join(ROOT, path))


def test_host(run):
    """BOARD=host answers on the same port, as the user who typed it."""
    images.image("host", app="time", sanitize="")
    made = run("BOARD=host")
    match, _ = made.console.wait_for(r"^(http://127\.0\.0\.1:\d+/)$|BOARD=host: ", URL_S)
    assert match, made.console.text()
    if not match[1]:
        pytest.skip(match.string)
    with urllib.request.urlopen(match[1], timeout=5) as answer:
        assert answer.status == 200
    made.process.send_signal(signal.SIGTERM)
    assert made.process.wait(END_S) is not None


def test_own_tap():
    """NET=tap:NAME uses an existing TAP as it is, and the URL is the machine's own."""
    image = images.image("pc", app="time")
    try:
        net = Namespace()
    except NoNamespace as error:
        pytest.skip(f"no network namespace here: {error}")
    try:
        net.ip("tuntap", "add", "dev", "zk1", "mode", "tap")
        net.ip("addr", "add", "10.78.0.1/16", "dev", "zk1")
        net.ip("link", "set", "zk1", "up")
        run = net.popen([f"{ROOT}/tests/qemu", "run", "--image", image, "--net", "tap:zk1",
                         "--cmdline", "ip=10.78.0.2/16"], stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        match, _ = Console(run.stdout).wait_for(r"^http://10\.78\.0\.2:8080/$", URL_S)
        assert match
        run.send_signal(signal.SIGTERM)
        assert run.wait(END_S) == 0
        assert "10.78.0.1/16" in net.ip("addr", "show", "zk1")
    finally:
        net.close()


def test_namespace_of_a_user():
    """The network of the tests, in a user namespace as an ordinary user has it."""
    said = subprocess.run(
        ["unshare", "-Urn", "/usr/bin/python3", "-c", "import time; from netns import Namespace\n"
         "server = Namespace().dnsmasq(); time.sleep(1); print(server.poll())"],
        cwd=f"{ROOT}/tests", check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=30).stdout.decode()
    if "unshare failed" in said or "NoNamespace" in said:
        pytest.skip(f"no user namespace here: {said.splitlines()[-1]}")
    assert said == "None\n", said


@pytest.mark.parametrize("board", ["pc", "virt", "lm3s6965evb", "mps2-an385", "orangepi-pc"])
def test_debug(board):
    """make debug: gdb with symbols, stopped before the kernel's first line."""
    images.image(board, app="time")
    done = images.make("-s", "debug", f"BOARD={board}", f"PORT={free_port()}",
                       input=b"backtrace\nkill\n", stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=URL_S)
    out = done.stdout.decode()
    assert re.search(r"#0 +kmain \(\) at kernel/main\.c:\d+", out), out


@pytest.mark.parametrize("machine,board", [("microvm", "pc"), ("lm3s6965evb", "lm3s6965evb")])
def test_symbols(machine, board):
    """make symbols puts names to the addresses of a crash report."""
    code, text = crash(machine)
    assert code == 2, text
    done = images.make("-s", "symbols", f"BOARD={board}", "GUEST=write_text", input=text.encode(),
                       stdout=subprocess.PIPE, timeout=60)
    out = done.stdout.decode()
    assert re.search(r"^pc 0x[0-9a-f]+ .*\b(poke|image_main)\b", out, re.M), out


def crash(machine):
    """A guest that faults: (code, console)."""
    from table import BY_NAME
    from test_guests import run_guest
    return run_guest(BY_NAME[machine], "write_text")
