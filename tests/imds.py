# SPDX-License-Identifier: MIT
"""Imitations of the metadata services of clouds, made from what each documents: strict about
method, path, fields, the token and its life. What is wrong is answered as the cloud does, and
noted."""

import base64
import http.server
import json
import secrets
import socket
import threading
import time

ADDRESS = "169.254.169.254"


class Cloud:
    """One service. `user_data` and `hostname` are what a machine shall get, in plain text."""
    name = ""
    smbios = ()              # QEMU's arguments by which it is recognised
    needs = {}               # fields that each request must carry
    refusal = 400            # without them
    token_path = token_life = token_field = ""
    life_max = 21600
    user_data_path = hostname_path = ""
    headers = {}             # of each answer

    def __init__(self, user_data, hostname="box-4711"):
        self.user_data = user_data.encode() if isinstance(user_data, str) else user_data
        self.hostname = hostname
        self.tokens = {}     # value: when it ends
        self.asked = []      # (method, path, status)

    def answer(self, method, path, fields):
        """(status, body) of a request."""
        if any(name.lower().startswith("x-forwarded") for name in fields):
            return 403, b""
        if self.token_path and method == "PUT":
            return self.give_token(path, fields)
        if method != "GET":
            return 405, b""
        if self.token_path and self.tokens.get(fields.get(self.token_field), 0) < time.monotonic():
            return 401, b"Unauthorized"
        if any(fields.get(name) != value for name, value in self.needs.items()):
            return self.refusal, b"a field is missing"
        return self.get(path, fields)

    def give_token(self, path, fields):
        """PUT: a token that lives as long as was asked for."""
        life = fields.get(self.token_life, "")
        if path != self.token_path:
            return 404, b""
        if not life.isdigit() or not 1 <= int(life) <= self.life_max:
            return 400, b"Bad Request"
        if int(fields.get("Content-Length", "0")):
            return 400, b"a body"
        token = secrets.token_urlsafe(42)
        self.tokens[token] = time.monotonic() + int(life)
        return 200, token.encode()

    def get(self, path, _fields):
        """GET of a path with what else is needed."""
        if path == self.user_data_path and self.user_data is not None:
            return 200, self.encoded(self.user_data)
        if path == self.hostname_path and self.hostname is not None:
            return 200, self.named(self.hostname)
        return 404, b"Not Found"

    def encoded(self, data):
        """User data as the service has them."""
        return data

    def named(self, name):
        """The hostname as the service has it."""
        return name.encode()


class Base64(Cloud):
    """User data as they were given to the cloud's interface, with ends of lines."""

    def encoded(self, data):
        return base64.encodebytes(data)


class Aws(Cloud):
    """EC2, version 2 alone (HttpTokens=required)."""
    name = "aws"
    smbios = ("type=1,manufacturer=Amazon EC2,product=t3.micro",)
    token_path = "/latest/api/token"
    token_life = "X-aws-ec2-metadata-token-ttl-seconds"
    token_field = "X-aws-ec2-metadata-token"
    user_data_path, hostname_path = "/latest/user-data", "/latest/meta-data/local-hostname"

    def named(self, name):
        return f"{name}.eu-central-1.compute.internal".encode()


class Gce(Cloud):
    """Compute Engine."""
    name = "gce"
    smbios = ("type=1,manufacturer=Google,product=Google Compute Engine",)
    needs, refusal = {"Metadata-Flavor": "Google"}, 403
    headers = {"Metadata-Flavor": "Google"}
    user_data_path = "/computeMetadata/v1/instance/attributes/user-data"
    hostname_path = "/computeMetadata/v1/instance/hostname"

    def named(self, name):
        return f"{name}.europe-west3-a.c.project.internal".encode()


class Azure(Base64):
    """Azure: an api-version that it knows, format=text for a leaf."""
    name = "azure"
    smbios = ("type=1,manufacturer=Microsoft Corporation,product=Virtual Machine",
              "type=3,asset=7783-7084-3265-9085-8269-3286-77")
    needs = {"Metadata": "true"}
    query = "?api-version=2021-01-01&format=text"
    user_data_path = f"/metadata/instance/compute/userData{query}"
    hostname_path = f"/metadata/instance/compute/name{query}"


class Oci(Base64):
    """Oracle, version 2."""
    name = "oci"
    smbios = ("type=3,asset=OracleCloud.com",)
    needs, refusal = {"Authorization": "Bearer Oracle"}, 403
    user_data_path = "/opc/v2/instance/metadata/user_data"
    hostname_path = "/opc/v2/instance/hostname"


class DigitalOcean(Cloud):
    """DigitalOcean."""
    name = "digitalocean"
    smbios = ("type=1,manufacturer=DigitalOcean,product=Droplet",)
    user_data_path, hostname_path = "/metadata/v1/user-data", "/metadata/v1/hostname"


class Hetzner(Cloud):
    """Hetzner."""
    name = "hetzner"
    smbios = ("type=1,manufacturer=Hetzner,product=vServer",)
    user_data_path, hostname_path = "/hetzner/v1/userdata", "/hetzner/v1/metadata/hostname"


class Vultr(Cloud):
    """Vultr."""
    name = "vultr"
    smbios = ("type=1,manufacturer=Vultr,product=VC2",)
    user_data_path, hostname_path = "/latest/user-data", "/latest/meta-data/hostname"


class Linode(Base64):
    """Akamai: text unless JSON is asked for."""
    name = "linode"
    smbios = ("type=1,manufacturer=Akamai,product=Standard PC",)
    token_path, token_life = "/v1/token", "Metadata-Token-Expiry-Seconds"
    token_field, life_max = "Metadata-Token", 86400
    user_data_path, hostname_path = "/v1/user-data", "/v1/instance"

    def get(self, path, fields):
        if path == self.hostname_path and "application/json" not in fields.get("Accept", ""):
            return 200, f"id: 1\nlabel: {self.hostname}\n".encode()
        return super().get(path, fields)

    def named(self, name):
        return json.dumps({"id": 1, "host_uuid": "7", "label": name, "tags": ["label", "x"],
                           "specs": {"label": "no"}}).encode()


class OpenStack(Cloud):
    """Nova."""
    name = "openstack"
    smbios = ("type=1,manufacturer=OpenStack Foundation,product=OpenStack Nova",)
    user_data_path = "/openstack/latest/user_data"
    hostname_path = "/openstack/latest/meta_data.json"

    def named(self, name):
        return json.dumps({"uuid": "8", "meta": {"hostname": "no"}, "name": "no",
                           "hostname": f"{name}.novalocal"}).encode()


class Firecracker(Cloud):
    """MMDS version 2, with the paths of aws."""
    name = "firecracker"
    token_path, token_life = "/latest/api/token", "X-metadata-token-ttl-seconds"
    token_field = "X-metadata-token"
    user_data_path, hostname_path = "/latest/user-data", "/latest/meta-data/local-hostname"


CLOUDS = (Aws, Gce, Azure, Oci, DigitalOcean, Hetzner, Vultr, Linode, OpenStack, Firecracker)


class Server(http.server.ThreadingHTTPServer):
    """A Cloud at an address of a namespace; `trouble(number)`, if given, says what happens to a
    request instead: a status, or bytes to be sent as they are."""
    daemon_threads = True

    def __init__(self, net, cloud, trouble=None, address=ADDRESS):
        if ":" in address:
            self.address_family = socket.AF_INET6
        net.ip("addr", "add", address, "dev", "lo")
        self.cloud, self.trouble, self.number = cloud, trouble, 0
        with net.inside():
            super().__init__((address, 80), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        """Ends it."""
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    """Asks the Cloud."""
    protocol_version = "HTTP/1.1"
    wbufsize = -1            # one segment for an answer


    def log_message(self, *unused):
        """Nothing on the console."""

    def respond(self):
        """Any method."""
        server = self.server
        server.number += 1
        trouble = server.trouble(server.number) if server.trouble else None
        if isinstance(trouble, bytes):
            self.wfile.write(trouble)
            self.close_connection = True
            return
        status, body = (trouble, b"") if trouble else server.cloud.answer(
            self.command, self.path, self.headers)
        server.cloud.asked.append((self.command, self.path, status))
        self.send_response(status)
        for name, value in server.cloud.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_HEAD = respond
