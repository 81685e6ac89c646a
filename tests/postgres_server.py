# SPDX-License-Identifier: MIT
"""A real PostgreSQL of a test's own: a fresh cluster in a folder, in the machine's namespace.

The server refuses to run as root, so it runs in a user namespace in which it is somebody else;
that works for root and under `unshare -Urn` alike.
"""

import atexit
import functools
import glob
import os
import signal
import shutil
import subprocess
import tempfile
import time

from netns import HOST

BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: float(p.split("/")[4]))[-1]
AS_USER = ["unshare", "--user", "--map-user=999", "--map-group=999"]
START_S = 30
USERS = (("zeitkern", "scram-sha-256"), ("old", "md5"), ("plain", "password"), ("anybody", "trust"))
PASSWORD = "correct horse, battery"


@functools.lru_cache(maxsize=None)
def template():
    """A folder with a cluster that is as each one begins, made once."""
    folder = tempfile.mkdtemp(prefix="zeitkern-pg-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run([*AS_USER, f"{BIN}/initdb", "-D", f"{folder}/data", "-U", "postgres",
                    "--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C"], check=True,
                   stdout=subprocess.DEVNULL)
    with open(f"{folder}/data/pg_hba.conf", "w", encoding="ascii") as file:
        file.write("local all all trust\n")
        file.writelines(f"host all {user} 10.0.0.0/8 {how}\n" for user, how in USERS)
    words = []
    for user, how in USERS:
        kind = "md5" if how == "md5" else "scram-sha-256"
        words.append(f"SET password_encryption = '{kind}'; "
                     f"CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}';\n")
    words.append("CREATE DATABASE shop OWNER zeitkern;\n")
    subprocess.run([*AS_USER, f"{BIN}/postgres", "--single", "-D", f"{folder}/data", "postgres"],
                   check=True, input="".join(words).encode(), stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return folder


class Postgres:
    """One cluster on 10.77.0.1; `config` is added to postgresql.conf."""

    def __init__(self, net, config="", port=5432):
        self.net, self.port, self.child = net, port, None
        self.folder = tempfile.mkdtemp(prefix="zeitkern-pg-")
        self.data = f"{self.folder}/data"
        self.log = f"{self.folder}/log"
        subprocess.run(["cp", "-a", f"{template()}/data", self.data], check=True)
        with open(f"{self.data}/postgresql.conf", "a", encoding="ascii") as file:
            file.write(f"listen_addresses = '*'\nport = {port}\nfsync = off\n"
                       f"unix_socket_directories = '{self.folder}'\nmax_connections = 40\n"
                       "timezone = 'UTC'\n"
                       f"{config}\n")
        self.start()

    def start(self):
        """Starts the server and waits until it answers."""
        with open(self.log, "ab") as log:
            self.child = self.net.popen([*AS_USER, f"{BIN}/postgres", "-D", self.data],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.sql("SELECT 1")
                return
            except subprocess.CalledProcessError:
                assert self.child.poll() is None and time.monotonic() < deadline, self.text()
                time.sleep(0.05)

    def stop(self, how=signal.SIGINT):
        """Ends it: SIGINT is a fast shutdown, SIGQUIT an immediate one."""
        self.child.send_signal(how)
        self.child.wait(20)
        self.net.children.remove(self.child)

    def restart(self):
        """Ends it and starts it again."""
        self.stop()
        self.start()

    def sql(self, text, database="postgres", user="postgres"):
        """Runs it by psql: its output."""
        done = subprocess.run(["psql", "-h", self.folder, "-p", str(self.port), "-U", user, "-d",
                               database, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c",
                               text], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=dict(os.environ, PGCLIENTENCODING="UTF8"))
        return done.stdout.decode()

    def text(self):
        """What the server has logged."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def settings(self, user="zeitkern"):
        """The settings of an image that is to use it."""
        return (f'postgres.host={HOST} postgres.port={self.port} postgres.user={user} '
                f'postgres.database=shop postgres.password="{PASSWORD}"')

    def close(self):
        """Ends it and removes all of it."""
        if self.child and self.child.poll() is None:
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
