# SPDX-License-Identifier: MIT
"""The Python original of an app, which runs beside it: tests/apps/NAME_app.py of app/NAME."""

import os
import re
import socket
import subprocess
import time

from images import ROOT
from netns import EXTRA, HOST

START_S = 20


class Original:
    """It, in a site's namespace, at a port of the host's side, started as `NAME_app.py PORT`
    and more words, if any."""

    def __init__(self, net, name, port, *words):
        self.net, self.port = net, port
        self.child = net.popen(["/usr/bin/python3", f"{ROOT}/tests/apps/{name}_app.py", str(port),
                                *map(str, words)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.socket().close()
                return
            except OSError:
                assert self.child.poll() is None and time.monotonic() < deadline, name
                time.sleep(0.05)

    def socket(self):
        """A connected TCP socket."""
        sock = self.net.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.settimeout(START_S)
            sock.bind((EXTRA[0], 0))      # from its own address it might reach itself
            sock.connect((HOST, self.port))
        except OSError:
            sock.close()
            raise
        return sock

    def get(self, path):
        """GET, by curl, because it may answer in HTTP/1.0: (status, type, body)."""
        done = self.net.run("curl", "-s", "-m", str(START_S), "-w",
                            "\n%{http_code} %{content_type}",
                            f"http://{HOST}:{self.port}{path}", stdout=subprocess.PIPE)
        text, _, end = done.stdout.decode().rpartition("\n")
        status, _, kind = end.partition(" ")
        return int(status), kind, text

    def close(self):
        """Ends it: what it printed."""
        self.child.terminate()
        if self.child.stdout.closed:
            return ""
        return self.child.communicate()[0].decode()


def lines(path):
    """How many of a file's lines are neither blank nor comment."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        text = file.read()
    if path.endswith(".c"):
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    else:
        text = re.sub(r'""".*?"""|^#.*?$', "", text, flags=re.S | re.M)
    return sum(bool(line.strip()) for line in text.split("\n"))


def shown(name):
    """How many of README's blocks show an app beside its original: every line, C or Python, as it
    stands there but for white space."""
    files = []
    for path in (f"app/{name}/main.c", f"tests/apps/{name}_app.py", "README.md"):
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            files.append(file.read())
    texts = [" ".join(text.split()) for text in files[:2]]
    count = 0
    for block in re.findall(r"^```c\n(.*?)^```", files[2], re.S | re.M):
        rows = [re.split(r"\|(?:  |$)", row) for row in block.splitlines()]
        count += all(len(row) == 2 and all(half.strip() == "…" or " ".join(half.split()) in text
                                           for half, text in zip(row, texts)) for row in rows)
    return count
