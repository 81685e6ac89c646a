# SPDX-License-Identifier: MIT
"""HTTPS under clients that come all at once, stop half way, or stay: each cap holds, somebody new
is served all the same, and so is plain HTTP; and without entropy there is no HTTPS.

The heap's mark moves with the handshakes at once, so that it is held against a second round.
"""

import random
import socket
import threading
import time

import pytest

import pki
from secure import ByHand, PORT, in_the_end, listening, raw, secure
from site_vm import HEAP, HEAP_SLACK

AT_ONCE = 32
STALLED = 100
IDLE = 64
SESSIONS = 'zeitkern_pool_used{pool="tls_sessions"}'
TIMEOUT_S = 2
SIGNATURES = 10
IDLE_BYTES = 8 << 10     # of a session that says nothing; its buffers alone would be 20 KB
GIVEN_UP_S = 30          # a hang detector


# Caps are the same wherever the budget is: one machine of each architecture.
pytestmark = pytest.mark.large
ALWAYS = ("microvm", "virt")


@pytest.fixture(name="caps")
def fixture_caps(row, full, boot, echo_image):
    """app/echo on a machine of its own."""
    if not full and row.name not in ALWAYS:
        pytest.skip("only in make test-full on this machine")
    return boot("metrics=yes", image=echo_image)


def rest(site):
    """The samples once every session has gone."""
    deadline = time.monotonic() + GIVEN_UP_S
    while (samples := site.metrics())[SESSIONS] > 0:
        assert time.monotonic() < deadline, samples
        time.sleep(0.2)
    return samples


def crowd(site, count):
    """That many clients begin at once, each comes again when it is turned away: how often each
    did, and plain HTTP's answers meanwhile."""
    tries, gate = [], threading.Barrier(count + 1)

    def one():
        gate.wait()
        client, tried = in_the_end(site)
        with client:
            if client.get("/show").status == 200:
                tries.append(tried)

    threads = [threading.Thread(target=one, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    gate.wait()
    plain = 0
    while any(thread.is_alive() for thread in threads):
        assert site.get("/show").status == 200
        plain += 1
    return tries, plain


@pytest.mark.busy
def test_at_once(caps):
    """Thirty-two handshakes at once; none is refused; a second round takes no more memory."""
    listening(caps)
    marks = []
    for _ in range(2):
        tries, plain = crowd(caps, AT_ONCE)
        assert tries == [1] * AT_ONCE and plain > 0, tries
        marks.append(rest(caps)[HEAP])
    assert marks[1] <= marks[0] + HEAP_SLACK, marks
    samples = caps.metrics()
    assert samples["tls_handshakes_total"] == 2 * AT_ONCE, samples
    assert samples["tls_no_memory_total"] == 0, samples


@pytest.mark.busy
@pytest.mark.parametrize("part", ["nothing", "half a hello", "hello"])
def test_stalled(caps, part):
    """A hundred clients that stop there and stay: somebody new is served, plain HTTP too."""
    stalled = []
    try:
        for _ in range(STALLED):
            sock = raw(caps)
            stalled.append(sock)
            hello = ByHand(sock).hello()
            sock.sendall({"nothing": b"", "half a hello": hello[:len(hello) // 2],
                          "hello": hello}[part])
        for _ in range(3):
            client, _ = in_the_end(caps)
            with client:
                assert client.get("/show").status == 200
            assert caps.get("/show").status == 200
        samples = caps.metrics()
        assert part == "nothing" or samples["tls_stalled_dropped_total"] > 0, samples
    finally:
        for sock in stalled:
            sock.close()
    rest(caps)


@pytest.mark.busy
def test_idle(caps):
    """Sixty-four sessions stay, idle, and each answers again, in any order; each takes little."""
    with secure(caps) as client:
        assert client.get("/show").status == 200
    before = rest(caps)[HEAP]
    clients = [secure(caps) for _ in range(IDLE)]
    for client in clients:
        assert client.get("/show").status == 200
    samples = caps.metrics()
    assert samples[SESSIONS] == IDLE
    each = (samples[HEAP] - before) / IDLE + samples[SESSIONS.replace("used", "object_bytes")]
    assert each <= IDLE_BYTES, (before, samples)
    random.Random(1).shuffle(clients)
    for client in clients:
        assert client.get("/show").status == 200
    for client in clients:
        client.sock.unwrap().close()
    samples = rest(caps)
    assert samples["tls_evicted_total"] == 0 and samples["tls_refused_total"] == 0, samples


@pytest.mark.busy
def test_breathes(row, boot, echo_image, trust):
    """A signature by a long RSA key takes its time; plain requests meanwhile do not wait for it."""
    pair = pki.signed(trust.root, trust.folder, "long", ("long.test",), kind="long rsa")
    settings, more = pki.given(row, trust.folder, {"tls.cert": pair.cert, "tls.key": pair.key})
    site = boot(settings, image=echo_image, **more)
    listening(site)
    shaken, waited = [], []

    def shake():
        for _ in range(SIGNATURES):
            began = time.monotonic()
            secure(site).sock.close()
            shaken.append(time.monotonic() - began)

    thread = threading.Thread(target=shake, daemon=True)
    with site.client() as client:
        thread.start()
        while thread.is_alive():
            began = time.monotonic()
            assert client.get("/show").status == 200
            waited.append(time.monotonic() - began)
    assert len(shaken) == SIGNATURES, shaken
    waited.sort(reverse=True)
    half = SIGNATURES // 2
    assert waited[half] < sorted(shaken)[half] / 4, (waited[:SIGNATURES], shaken)


def test_timeout(row, boot, echo_image):
    """A handshake that takes too long is ended, whatever it does meanwhile, and is counted."""
    site = boot(f"metrics=yes https.handshake_timeout={TIMEOUT_S}", image=echo_image)
    with raw(site) as silent, raw(site) as dripping:
        hello = ByHand().hello()
        for sock in (silent, dripping):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began, at = time.monotonic(), 0
        dripping.settimeout(0.2)
        over = False
        while not over and time.monotonic() < began + GIVEN_UP_S:
            try:
                dripping.sendall(hello[at:at + 1])
                at += 1
                over = dripping.recv(100) == b""
            except TimeoutError:
                pass
            except OSError:
                over = True
        assert over and TIMEOUT_S <= time.monotonic() - began + 0.1, at
        with pytest.raises(OSError):
            assert silent.recv(100), "the end in order"
            raise OSError("it sent something")
    assert site.metrics()["tls_handshake_timeouts_total"] >= 1
    client, _ = in_the_end(site)
    with client:
        assert client.get("/show").status == 200
    rest(site)


def test_no_entropy(row, boot, echo_image):
    """Without a source of entropy HTTP is served and HTTPS is not; the arrival of frames is one,
    and then HTTPS comes up."""
    if row.machine not in ("microvm", "q35", "pc"):
        pytest.skip("this machine's entropy cannot be taken away")
    site = boot("metrics=yes", image=echo_image, no_rng=True)
    text = site.vm.console.text()
    assert "entropy: RD" not in text and "entropy: virtio-rng" not in text, text
    assert "https: not served until there is enough entropy" in text, text
    with pytest.raises(ConnectionRefusedError):
        site.socket(port=PORT)
    assert site.get("/show").status == 200
    with secure(site) as client:
        assert client.get("/show").status == 200
    assert "entropy: enough, with the arrival of" in site.vm.console.text()
