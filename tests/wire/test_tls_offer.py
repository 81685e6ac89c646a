# SPDX-License-Identifier: MIT
"""What HTTPS offers where there is memory for all of it, and what it refuses: by openssl s_client,
curl and Python. Protocols, cipher suites, ALPN (RFC 7301), names (RFC 6066 §3), tickets, and
certificates of clients."""

import dataclasses
import json
import re
import ssl
import subprocess
import time

import pytest

import pki
from faked import FakedClock
from secure import PORT, context, fingerprint, fingerprints, listening, raw, secure

NAME = "zeitkern.test"
REQUEST = f"GET /show HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode()
TLS13 = ("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256")
TLS12 = tuple(f"ECDHE-{sign}-{cipher}" for sign in ("ECDSA", "RSA") for cipher in
              ("AES256-GCM-SHA384", "AES128-GCM-SHA256", "CHACHA20-POLY1305"))
# What must not be there: {name: (options of s_client, what it then says)}.
REFUSED = {
    "TLS 1.1": (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "alert protocol version"),
    "TLS 1.0": (["-tls1", "-cipher", "ALL:@SECLEVEL=0"], "alert protocol version"),
    "CBC": (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384"],
            "alert handshake failure"),
    "RSA key exchange": (["-tls1_2", "-cipher", "AES128-GCM-SHA256"], "alert handshake failure"),
    "DHE": (["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"], "alert handshake failure"),
    "CCM": (["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"], "alert handshake failure"),
    # For no common group, mbedTLS ends the connection without an alert.
    "other curves": (["-tls1_3", "-groups", "P-521"], "unexpected eof"),
}
pytestmark = pytest.mark.large
# How QEMU writes the CPU's instructions for AES and GHASH in a list of what has run.
AES = {"pc": (r"\baesenc\b", r"\bv?pclmul\w+"), "virt": (r"\baese\b", r"\bpmull2?\b")}
GONE_S = 20              # until a session whose client has left is no more; a hang detector
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def s_client(site, *options, lines=REQUEST, ends=("-ign_eof",)):
    """openssl s_client in the namespace: all that it says."""
    listening(site)
    command = ["openssl", "s_client", "-connect", f"{site.address}:{PORT}", *ends, *options]
    with site.net.inside():
        done = subprocess.run(command, input=lines, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60, check=False)
    return done.stdout.decode("latin-1")


def only(version):
    """context()'s versions."""
    return (VERSIONS[version],) * 2


@pytest.mark.parametrize("suite", TLS13 + TLS12)
def test_suite(https, trust, suite):
    """Each cipher suite, and the kind of certificate that it takes, verified."""
    options = ["-tls1_3", "-ciphersuites"] if suite in TLS13 else ["-tls1_2", "-cipher"]
    text = s_client(https, *options, suite, "-servername", NAME, "-CAfile", trust.root.cert,
                    "-verify_return_error", "-verify_hostname", NAME)
    assert f"Cipher is {suite}\n" in text and "HTTP/1.1 200 OK" in text, text
    assert "Secure Renegotiation IS supported" in text or suite in TLS13, text
    assert "Compression: NONE" in text, text


@pytest.mark.parametrize("signature", ["ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256"])
def test_signature(https, trust, signature):
    """TLS 1.3 with a client that verifies one kind of signature; the chain of the other kind's
    certificate is sent."""
    text = s_client(https, "-tls1_3", "-sigalgs", signature, "-servername", NAME, "-CAfile",
                    trust.root.cert, "-verify_return_error")
    assert "HTTP/1.1 200 OK" in text and "Verify return code: 0 (ok)" in text, text


@pytest.mark.parametrize("what", REFUSED)
def test_refused(https, what):
    """Old versions and weak suites are refused, by the alert that says so."""
    options, says = REFUSED[what]
    text = s_client(https, *options, "-servername", NAME)
    assert says in text and "HTTP/1.1" not in text, text


@pytest.mark.parametrize("options", [["--tlsv1.3"], ["--tls-max", "1.2"], ["--curves", "P-256"]])
def test_curl(https, trust, options):
    """curl, which trusts the root."""
    listening(https)
    done = https.net.run("curl", "-sS", *options, "--cacert", trust.root.cert, "--resolve",
                         f"{NAME}:{PORT}:{https.address}", f"https://{NAME}:{PORT}/show",
                         stdout=subprocess.PIPE, timeout=60)
    assert json.loads(done.stdout)["host"] == f"{NAME}:{PORT}"


@pytest.mark.parametrize("version", VERSIONS)
def test_alpn(https, version):
    """http/1.1 is chosen where it is offered; h2 alone is refused by name."""
    for offered, chosen in ((["h2", "http/1.1"], "http/1.1"), ([], None)):
        with secure(https, context(alpn=offered, versions=only(version)), NAME) as client:
            assert client.sock.selected_alpn_protocol() == chosen
            assert client.get("/show").status == 200
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        secure(https, context(alpn=["h2"], versions=only(version)), NAME)


@pytest.mark.parametrize("version", VERSIONS)
def test_name(https, pairs, version):
    """The name that a client asks for chooses the certificate: in any case, by one label of a
    wildcard; who asks for another, or none, sees the first."""
    first, wild = pairs["tls"].fingerprint(), pairs["tls.3"].fingerprint()
    assert fingerprints(https) == [pair.fingerprint() for pair in pairs.values()]
    for name, expected in ((NAME, first), (None, first), ("unknown.test", first),
                           ("exact.test", wild), ("a.wild.test", wild), ("A.Wild.TEST", wild),
                           ("wild.test", first), ("a.b.wild.test", first),
                           ("x" * 63 + ".wild.test", wild)):
        with secure(https, context(versions=only(version)), name) as client:
            assert fingerprint(client.sock) == expected, name


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_resumption(https, tmp_path, version):
    """A ticket saves the second handshake, which is counted; it is no early data."""
    ticket, early = tmp_path / "ticket", tmp_path / "early"
    early.write_bytes(REQUEST)
    before = https.metrics()["tls_resumed_total"]
    text = s_client(https, version, "-servername", NAME, "-sess_out", str(ticket))
    assert "New, TLSv1" in text, text
    text = s_client(https, version, "-servername", NAME, "-sess_in", str(ticket))
    assert "Reused, TLSv1" in text and "HTTP/1.1 200 OK" in text, text
    assert https.metrics()["tls_resumed_total"] == before + 1
    if version == "-tls1_3":
        text = s_client(https, version, "-servername", NAME, "-sess_out", str(ticket))
        text = s_client(https, version, "-servername", NAME, "-sess_in", str(ticket),
                        "-early_data", str(early))
        assert "Max Early Data: 0" in text and "Early data was not sent" in text, text


def test_rotation(row, boot, tmp_path):
    """A ticket lives for an hour, and so does the key that new tickets are sealed with; the one
    before it still opens those that are younger."""
    if row.board not in pki.FW_CFG or not row.runs_on or row.accel == "kvm":
        pytest.skip("the clock of this machine cannot be moved")
    world = FakedClock(tmp_path)
    site = boot("", start=False, wait=False)
    site.boot(env=world.env)

    def later(minutes):
        site.vm.qmp.execute("stop")
        world.move(minutes * 60)
        site.vm.qmp.execute("cont")
        deadline = time.monotonic() + GONE_S
        while abs(site.time_error(world.now)[0]) > 2:
            assert time.monotonic() < deadline

    def ticket(name):
        text = s_client(site, "-tls1_2", "-sess_out", str(tmp_path / name))
        return re.search(r"TLS session ticket:\n\s+0000 - ((?:[0-9a-f]{2} ){4})", text)[1]

    def resumes(name):
        return "Reused, TLSv1.2" in s_client(site, "-tls1_2", "-sess_in", str(tmp_path / name))

    keys = [ticket("first")]
    later(40)
    assert resumes("first")
    keys.append(ticket("second"))
    later(40)
    assert not resumes("first")
    keys.append(ticket("third"))
    assert resumes("second") and resumes("third")
    assert keys[0] == keys[1] != keys[2], keys


def test_aes_of_the_cpu(row, boot, tmp_path):
    """AES-GCM is computed by the CPU's instructions for it, and without them where it has none."""
    if row.board not in AES or row.accel == "kvm":
        pytest.skip("what this machine runs cannot be listed")
    models = (row,) if row.board != "pc" else (
        row, dataclasses.replace(row, cpu="max,-aes,-pclmulqdq"))
    for model in models:
        ran = tmp_path / f"ran-{len(model.cpu)}"
        site = boot("", row=model, extra=("-d", "in_asm", "-D", str(ran)))
        for suite in TLS13[:2]:
            text = s_client(site, "-tls1_3", "-ciphersuites", suite)
            assert f"Cipher is {suite}\n" in text and "HTTP/1.1" in text, text
        site.close()
        text = ran.read_text(errors="replace")
        for instruction in AES[row.board]:
            assert bool(re.search(instruction, text)) == (model is row), (model, instruction)


def test_ticket_of_another(https, echo, tmp_path):
    """The ticket of another machine is no error: there is a full handshake."""
    ticket = str(tmp_path / "ticket")
    s_client(https, "-tls1_3", "-sess_out", ticket)
    text = s_client(echo, "-tls1_3", "-sess_in", ticket)
    assert "New, TLSv1.3" in text and "HTTP/1.1 200 OK" in text, text


def interactive(site, *options, letter):
    """s_client, with a line of its own commands after the handshake: all that it says until the
    server, or a request that follows, ends it."""
    listening(site)
    command = ["openssl", "s_client", "-connect", f"{site.address}:{PORT}", "-crlf", *options]
    child = site.net.popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
    try:
        for line in (letter, "GET /show HTTP/1.1", f"Host: {NAME}", "Connection: close", ""):
            time.sleep(0.5 if line in (letter, "GET /show HTTP/1.1") else 0)
            child.stdin.write(f"{line}\n".encode())
            child.stdin.flush()
    except BrokenPipeError:
        pass
    try:
        return child.communicate(timeout=30)[0].decode("latin-1")
    finally:
        site.net.end(child)


def test_no_renegotiation(https):
    """TLS 1.2's is refused by the alert for that."""
    text = interactive(https, "-tls1_2", letter="R")
    assert "RENEGOTIATING" in text and "no renegotiation" in text, text


def test_key_update(https):
    """TLS 1.3's KeyUpdate, which mbedTLS has not: the session ends, nothing hangs."""
    text = interactive(https, "-tls1_3", letter="K")
    assert "KEYUPDATE" in text, text
    with secure(https) as client:
        assert client.get("/show").status == 200


# ---- Certificates of clients ------------------------------------------------------------------


@pytest.fixture(scope="module")
def clients(trust):
    """Clients by what is wrong with them: their certificate and key, or None."""
    def made(ca, name, **more):
        pair = pki.signed(ca, trust.folder, name, **more)
        return pair.cert, pair.key
    return {"none": None, "good": made(trust.root, "ann"),
            "below": made(trust.below, "bob"),
            "another's": made(trust.other, "eve"),
            "expired": made(trust.root, "old", days=5, since=-20),
            "early": made(trust.root, "new", since=10),
            "a server": made(trust.root, "srv", extra=("extendedKeyUsage=serverAuth",))}


def client_of(site, chain, version):
    """The name that the service sees of such a client, or "refused"."""
    wants = context(versions=only(version), chain=chain)
    try:
        with secure(site, wants, NAME) as client:
            answer = client.get("/client")
            return json.loads(answer.body)["client"] if answer.status == 200 else answer.status
    except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
        return "refused"


@pytest.mark.parametrize("mode", ["required", "optional"])
def test_clients(boot, row, echo_image, trust, clients, mode):
    """Who is let in, and by which name; who shows a bad certificate is not, even where none will
    do. There are no tickets, by which nobody would be known."""
    settings, more = pki.given(row, trust.folder, {"tls.client_ca": trust.root.cert},
                           f"metrics=yes tls.client={mode}")
    site = boot(settings, image=echo_image, **more)
    nobody = "refused" if mode == "required" else 401
    for version in VERSIONS:
        seen = {name: client_of(site, chain, version) for name, chain in clients.items()}
        assert seen == {"none": nobody, "good": "CN=ann", "below": "CN=bob",
                        "another's": "refused", "expired": "refused", "early": "refused",
                        "a server": "refused"}, version
    if mode == "optional":
        text = s_client(site, "-tls1_3")
        assert "New, TLSv1.3" in text and "Session Ticket" not in text, text
    deadline = time.monotonic() + GONE_S
    while site.metrics()['zeitkern_pool_used{pool="tls_sessions"}'] > 0:
        assert time.monotonic() < deadline, site.metrics()
        time.sleep(0.1)


# ---- Settings that are wrong --------------------------------------------------------------------


def test_wrong_settings(boot, row, trust, pairs):
    """A key of another certificate, and what is none: one line each that does not show it;
    HTTPS is served with a certificate of its own."""
    settings, more = pki.given(row, trust.folder, {"tls.cert": pairs["tls"].cert,
                                             "tls.key": pairs["tls.3"].key},
                           "tls.cert.2=AAAA tls.key.3=c2VjcmV0IHdvcmRz tls.client=perhaps")
    site = boot(settings, **more)
    listening(site)
    text = site.vm.console.text()
    assert len(re.findall(r"its key is another one's", text)) == 1, text
    for key in (r"tls\.cert\.2", r"tls\.key\.3", r"tls\.client"):
        assert len(re.findall(rf"{key}.*: expected", text)) == 1, (key, text)
    assert "c2VjcmV0" not in text and "secret words" not in text
    with secure(site) as client:
        assert [fingerprint(client.sock)] == fingerprints(site)
        assert fingerprint(client.sock) not in [pair.fingerprint() for pair in pairs.values()]
    raw(site).close()
