# SPDX-License-Identifier: MIT
"""Two copies of one machine do not give out the same random bytes.

tests/guests/draw.c prints what it draws, numbered. A copy goes on with the number after its
original's last, and so can be compared with another. No machine here has another source of
entropy than its clock's jitter, unless said. QEMU's `-rtc clock=vm` freezes the real-time clock
with the machine, so that a pause cannot show: what then makes a difference is VMGENID alone,
and without it the copies do repeat each other, which shows that these tests can fail.
"""

import re
import socket
import ssl
import time

import pytest

import images
from snapshot import clone, snapshot, with_guid
from table import BY_NAME
from test_boot import free_port, kvm_works
from vm import Vm

TIMEOUT_S = 60
MEM = 64
GAP_S = 2.5              # more than the clocks' resolution
DRAWS = 8                # numbers that two copies are compared by
LINE = re.compile(r"draw: (\d+) ([0-9a-f]{32}) epoch (\d+)")
OLD, ONE, OTHER = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abc")
FROZEN = ("-rtc", "clock=vm")


def draws(vm, last):
    """{number: (bytes, epoch)} of the console, once number `last` has come."""
    vm.wait_for(rf"draw: {last} ", TIMEOUT_S)
    return {int(n): (data, int(epoch)) for n, data, epoch in LINE.findall(vm.console.text())}


def take_snapshot(row, path, guid=None, **options):
    """Starts the guest and makes a snapshot of it: (snapshot, the last number it gave,
    its epoch then)."""
    cpu = options.pop("cpu", row.cpu)
    opts = row.options(images.image(row.board, guest="draw"), mem=MEM, no_nic=True, **options)
    opts.cpu = cpu
    with Vm(with_guid(opts, guid)) as vm:
        vm.wait_for(r"draw: 10 ", TIMEOUT_S)
        snap = snapshot(vm, path)
        given = draws(vm, 10)
        return snap, max(given), given[max(given)][1]


def two(snap, last, guids=(None, None)):
    """What two clones give for the same numbers: [({number: (bytes, epoch)}, console text)]."""
    seen = []
    for guid in guids:
        with clone(snap, guid) as vm:
            after = draws(vm, last + DRAWS)
            assert last not in after, vm.console.text()
            seen.append(({n: after[n] for n in range(last + 1, last + DRAWS)}, vm.console.text()))
    return seen


def differ(seen):
    """No number has the same bytes twice, here or there."""
    given = [data for column, _ in seen for data, _ in column.values()]
    return len(set(given)) == len(given)


def repeat(seen):
    """Both gave the same bytes for every number."""
    return seen[0][0] == seen[1][0]


@pytest.mark.parametrize("name", ("q35", "pc"))
def test_vmgenid(name, tmp_path):
    """With another generation ID each, copies differ at once, and each says why on the console."""
    snap, last, epoch = take_snapshot(BY_NAME[name], tmp_path / "state", OLD, no_rng=True,
                                      extra=FROZEN)
    seen = two(snap, last, (ONE, OTHER))
    assert differ(seen), seen
    for column, text in seen:
        assert len(re.findall("VMGENID says that the machine was cloned", text)) == 1, text
        assert {e for _, e in column.values()} == {epoch + 1}, (epoch, text)


def test_same_vmgenid(tmp_path):
    """With the generation ID that they had, nothing tells copies apart, and they repeat."""
    snap, last, _ = take_snapshot(BY_NAME["q35"], tmp_path / "state", OLD, no_rng=True,
                                  extra=FROZEN)
    seen = two(snap, last, (OLD, OLD))
    assert repeat(seen), seen
    assert not any("VMGENID" in text for _, text in seen), seen


@pytest.mark.parametrize("name", ("microvm", "q35", "virt"))
def test_pause(name, tmp_path):
    """Without a generation ID the real-time clock shows the gap, and copies differ."""
    snap, last, _ = take_snapshot(BY_NAME[name], tmp_path / "state", no_rng=True)
    time.sleep(GAP_S)
    seen = two(snap, last)
    assert differ(seen), seen


def test_kvm(tmp_path):
    """Under KVM the host says that it stopped the machine, however short."""
    why = kvm_works()
    if why:
        pytest.skip(why)
    snap, last, _ = take_snapshot(BY_NAME["microvm-kvm"], tmp_path / "state",
                                  cpu="host,-arch-capabilities,-rdrand,-rdseed")
    seen = two(snap, last)
    assert differ(seen), seen
    assert all("reseeded, the host stopped the machine" in text for _, text in seen), seen


@pytest.mark.parametrize("name", ("microvm", "virt"))
def test_no_pause(name, tmp_path):
    """With a real-time clock that stood still like all else, they repeat."""
    snap, last, _ = take_snapshot(BY_NAME[name], tmp_path / "state", no_rng=True,
                                  extra=FROZEN)
    time.sleep(GAP_S)
    assert repeat(two(snap, last))


@pytest.mark.parametrize("name", ("q35", "virt"))
def test_host_source(name, tmp_path):
    """Where there is virtio-rng, a copy is given fresh bytes by it: the epoch moves twice, once
    at the reseed and once when they came."""
    row = BY_NAME[name]
    cpu = "max,-rdrand,-rdseed" if row.board == "pc" else "cortex-a53"
    snap, last, epoch = take_snapshot(row, tmp_path / "state", cpu=cpu)
    time.sleep(GAP_S)
    seen = two(snap, last)
    assert differ(seen), seen
    for column, text in seen:
        assert column[last + DRAWS - 1][1] >= epoch + 2, (epoch, text)


def client_hello():
    """One, to be sent to each copy."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        tls.wrap_bio(incoming, outgoing, server_hostname="a").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def server_random(port, hello):
    """The 32 bytes of a ServerHello (RFC 8446 §4.1.3)."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as sock:
        sock.sendall(hello)
        answer = b""
        while len(answer) < 43:
            more = sock.recv(43 - len(answer))
            assert more, answer
            answer += more
    assert answer[0] == 22 and answer[5] == 2, answer
    return answer[11:]


@pytest.mark.parametrize("other, same", ((OLD, True), (ONE, False)))
def test_server_hello(tmp_path, other, same):
    """What two copies make up for the same ClientHello: something else each where VMGENID tells
    them apart; where nothing does, the same, which shows that this test can fail."""
    row = BY_NAME["q35"]
    port = free_port()
    opts = row.options(images.image(row.board, app="time"), mem=MEM, no_rng=True, extra=FROZEN,
                       forwards=((port, 8443),), cmdline="seed=" + "5a" * 32)
    with Vm(with_guid(opts, OLD)) as vm:
        vm.wait_for(r"https: port 8443", TIMEOUT_S)
        snap = snapshot(vm, tmp_path / "state")
    hello, seen = client_hello(), []
    for guid in (OLD, other):
        port = free_port()
        with clone(snap, guid, forwards=((port, 8443),)):
            seen.append(server_random(port, hello))
    assert (seen[0] == seen[1]) is same, seen
