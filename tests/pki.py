# SPDX-License-Identifier: MIT
"""Certificates for tests, made by openssl: a CA and what it signs, as files in PEM; and how a
machine is given them."""

import os
import re
import subprocess
import sys

from budget import ROOT, board_words

FW_CFG = ("pc", "virt")          # boards whose machines are given files by QEMU
FAKETIME_TRIES = 20               # it names a semaphore by its process id, and some are left behind
KINDS = {"ec": ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"), "rsa": ("rsa:2048",),
         "long rsa": ("rsa:4096",)}


def openssl(*words, since=0):
    """Runs it, in a number of days if so wished; its standard output."""
    when = ("faketime", "-f", f"{since:+}d") if since else ()
    for _ in range(FAKETIME_TRIES):
        done = subprocess.run(when + ("openssl",) + words, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        if b"sem_open" not in done.stderr:
            break
    assert done.returncode == 0, (words, done.stderr.decode())
    return done.stdout.decode()


class Pair:
    """A certificate and its key: the files `cert`, `key`, and `both` in one. `chain`: the file
    of what stands behind the certificates that it signs, or none."""

    def __init__(self, folder, name):
        self.name, self.chain = name, None
        self.cert, self.key, self.both = (os.path.join(str(folder), f"{name}.{end}")
                                          for end in ("crt", "key", "pem"))

    def join(self):
        """Writes `both`."""
        with open(self.both, "w", encoding="ascii") as out:
            for path in (self.cert, self.key):
                with open(path, encoding="ascii") as part:
                    out.write(part.read())
        return self

    def fingerprint(self):
        """SHA-256, in hex."""
        text = openssl("x509", "-in", self.cert, "-noout", "-fingerprint", "-sha256")
        return text.strip().rsplit("=", 1)[1].replace(":", "").lower()

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


def signed(ca, folder, name, names=(), kind="ec", days=30, subject=None, since=0, extra=()):
    """A certificate that `ca` signs, for DNS names, for `days` that begin in `since` days.
    `extra`: lines of extensions."""
    pair = Pair(folder, name)
    request, path = pair.cert + ".csr", pair.cert + ".ext"
    openssl("req", "-newkey", *KINDS[kind], "-nodes", "-keyout", pair.key, "-out", request,
            "-subj", subject or f"/CN={name}")
    with open(path, "w", encoding="ascii") as out:
        lines = list(extra) or ["basicConstraints=CA:FALSE"]
        if names:
            lines.append("subjectAltName=" + ",".join(f"DNS:{n}" for n in names))
        out.write("\n".join(lines) + "\n")
    openssl("x509", "-req", "-in", request, "-CA", ca.cert, "-CAkey", ca.key, "-out", pair.cert,
            "-days", str(days), "-extfile", path, "-set_serial", str(abs(hash(name)) + 1),
            since=since)
    if ca.chain:
        with open(pair.cert, "a", encoding="ascii") as out, open(ca.chain,
                                                                 encoding="ascii") as chain:
            out.write(chain.read())
    return pair.join()


def below(ca, folder, name):
    """An authority that `ca` signs; what it signs has its certificate behind it."""
    pair = signed(ca, folder, name, extra=("basicConstraints=critical,CA:TRUE",))
    pair.chain = pair.cert
    return pair


def given(row, folder, files, words=""):
    """How a machine gets settings from files, {key: path}: (settings, more) for site_vm.Site."""
    if row.board in FW_CFG:
        extra = []
        for key, path in files.items():
            extra += ["-fw_cfg", f"name=opt/zeitkern/{key},file={path}"]
        return words, {"extra": tuple(extra)}
    path = os.path.join(folder, f"settings-{len(os.listdir(folder))}")
    size = board_words(row.board).get("SETTINGS_SIZE", "16K")
    listed = [f"{key}=@{value}" for key, value in files.items()]
    if "SETTINGS_AT" in board_words(row.board):       # the page is all that it is told
        listed.append(words)
    subprocess.run([sys.executable, f"{ROOT}/linker/settings", path, size, "seed", *listed],
                   check=True, stdout=subprocess.DEVNULL)
    if row.board == "host":
        return f"settings={path} {words}", {}
    with open(path, "rb") as file:
        return words, {"page": file.read()}
