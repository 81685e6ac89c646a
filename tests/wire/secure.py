# SPDX-License-Identifier: MIT
"""TLS clients for the tests: Python's (OpenSSL), and one whose bytes go out as a test likes.

Both are sockets to client.Client, which then reads HTTP as strictly as it does without TLS; the
end of a stream counts only after a close_notify (RFC 8446 §6.1).
"""

import hashlib
import re
import ssl
import time

from client import Client

PORT = 8443
READY_S = 60             # until it has its key and listens; a hang detector
TRIES = 40               # a client that is turned away comes again
FINGERPRINT = re.compile(r"https: .*SHA-256 fingerprint ([0-9A-F:]{95})")


def context(ca=None, alpn=("http/1.1",), versions=(ssl.TLSVersion.TLSv1_3,) * 2, chain=None):
    """What a client wants. Without a `ca`, a file in PEM, it trusts anybody; `chain`: its own
    certificate and key, two files."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    made.check_hostname = ca is not None
    made.verify_mode = ssl.CERT_REQUIRED if ca else ssl.CERT_NONE
    made.minimum_version, made.maximum_version = versions
    if ca:
        made.load_verify_locations(ca)
    if alpn:
        made.set_alpn_protocols(list(alpn))
    if chain:
        made.load_cert_chain(*chain)
    return made


def listening(site):
    """Waits for the line that says that HTTPS is served; where it waits for entropy, requests
    bring frames, whose arrival is some."""
    deadline = time.monotonic() + READY_S
    while not site.vm.console.wait_for(rf"https: port {PORT}\b", 2)[0]:
        assert time.monotonic() < deadline and site.vm.running(), site.vm.console.text()
        for _ in range(20):
            site.get("/")


def fingerprints(site):
    """Those that the console shows, as hex digits."""
    return [found.replace(":", "").lower()
            for found in FINGERPRINT.findall(site.vm.console.text())]


def fingerprint(sock):
    """That of the certificate that the server has shown."""
    return hashlib.sha256(sock.getpeercert(binary_form=True)).hexdigest()


def raw(site, **more):
    """A TCP connection to the TLS port."""
    listening(site)
    return site.socket(port=PORT, **more)


def secure(site, wants=None, name=None, session=None, timeout=20):
    """A Client in a TLS session."""
    sock = raw(site, timeout=timeout)
    try:
        sock = (wants or context()).wrap_socket(sock, server_hostname=name, session=session,
                                                suppress_ragged_eofs=False)
    except BaseException:
        sock.close()
        raise
    return Client(sock, timeout)


def in_the_end(site, **more):
    """As secure(), for a server that may turn some away, again and again: (Client, tries)."""
    for tries in range(1, TRIES + 1):
        try:
            return secure(site, **more), tries
        except OSError as error:
            last = error
            time.sleep(0.1)
    raise AssertionError(f"turned away {TRIES} times, at last: {last!r}")


def in_pieces(size):
    """For ByHand: bytes go out `size` at a time, each in a segment of its own."""
    def send(sock, data):
        for at in range(0, len(data), size):
            sock.sendall(data[at:at + size])
    return send


class ByHand:
    """A TLS client that is a socket to its user; `send(sock, data)` sends its bytes."""

    def __init__(self, sock=None, wants=None, send=in_pieces(1 << 16)):
        self.sock, self.send = sock, send
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (wants or context()).wrap_bio(self.incoming, self.outgoing)

    def __getattr__(self, name):
        return getattr(self.sock, name)

    def output(self):
        """What is to be sent, which then is not."""
        return self.outgoing.read()

    def hello(self):
        """The bytes of a ClientHello."""
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.output()

    def drive(self, call, *args):
        """A call of OpenSSL, with all that it wants to read and write."""
        while True:
            try:
                result = call(*args)
            except ssl.SSLWantReadError:
                self.send(self.sock, self.output())
                data = self.sock.recv(65536)
                if data:
                    self.incoming.write(data)
                else:
                    self.incoming.write_eof()
                continue
            self.send(self.sock, self.output())
            return result

    def handshake(self):
        """All of it; itself."""
        self.drive(self.tls.do_handshake)
        return self

    def sendall(self, data):
        """As of a socket: one record, or more than one for more than 16 KiB."""
        while data:
            data = data[self.drive(self.tls.write, data):]

    def recv(self, size):
        """As of a socket: b"" after a close_notify, SSLEOFError without."""
        try:
            return self.drive(self.tls.read, size)
        except ssl.SSLZeroReturnError:
            return b""

    def notify(self):
        """Sends a close_notify; reads on."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self.send(self.sock, self.output())
