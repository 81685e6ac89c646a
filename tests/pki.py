# SPDX-License-Identifier: MIT
"""Certificates for tests, made by openssl: a CA and what it signs, as files in PEM."""

import os
import re
import subprocess

KINDS = {"ec": ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"), "rsa": ("rsa:2048",)}


def openssl(*words):
    """Runs it; its standard output."""
    done = subprocess.run(("openssl",) + words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, (words, done.stderr.decode())
    return done.stdout.decode()


class Pair:
    """A certificate and its key: the files `cert`, `key`, and `both` in one."""

    def __init__(self, folder, name):
        self.name = name
        self.cert, self.key, self.both = (os.path.join(str(folder), f"{name}.{end}")
                                          for end in ("crt", "key", "pem"))

    def join(self):
        """Writes `both`."""
        with open(self.both, "w", encoding="ascii") as out:
            for path in (self.cert, self.key):
                with open(path, encoding="ascii") as part:
                    out.write(part.read())
        return self

    def secret(self):
        """An EC key's 32 bytes."""
        text = openssl("ec", "-in", self.key, "-noout", "-text")
        digits = re.search(r"priv:([0-9a-f:\s]+)pub:", text)[1]
        return bytes.fromhex(re.sub(r"[:\s]", "", digits))[-32:].rjust(32, b"\0")


def authority(folder, name="ca", days=30):
    """A CA of its own."""
    pair = Pair(folder, name)
    openssl("req", "-x509", "-newkey", *KINDS["ec"], "-nodes", "-keyout", pair.key, "-out",
            pair.cert, "-subj", f"/CN={name}", "-days", str(days))
    return pair.join()


def signed(ca, folder, name, names=(), kind="ec", days=30, subject=None):
    """A certificate that `ca` signs, for DNS names; days < 0: it is over."""
    pair = Pair(folder, name)
    request, extra = pair.cert + ".csr", pair.cert + ".ext"
    openssl("req", "-newkey", *KINDS[kind], "-nodes", "-keyout", pair.key, "-out", request,
            "-subj", subject or f"/CN={name}")
    with open(extra, "w", encoding="ascii") as out:
        out.write("basicConstraints=CA:FALSE\n")
        if names:
            out.write("subjectAltName=" + ",".join(f"DNS:{n}" for n in names) + "\n")
    openssl("x509", "-req", "-in", request, "-CA", ca.cert, "-CAkey", ca.key, "-out", pair.cert,
            "-days", str(days), "-extfile", extra, "-set_serial", str(abs(hash(name)) + 1))
    return pair.join()
