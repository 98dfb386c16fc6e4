"""The nginx configuration of the documentation, running on loopback, and the sites that it guards."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from conftest import ROOT
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from published import TODAY, team, tribe

from compass.library import load
from compass.publish.build import build_site

PART = re.compile(r"\.pf_(?:fragment|index|filter|meta)$|(?:^|/)search/[0-9a-f]{16}/")
"""A file of the search whose name changes with its content."""
PAGE = (ROOT / "site" / "docs" / "how-to" / "publish-for-several-audiences.md").read_text("utf-8")


def fence(language: str) -> str:
    """The one block of the page in that language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def certificate(folder: Path) -> None:
    """A certificate of its own for memory.example.com."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "memory.example.com")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "memory.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "memory.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


class Front:
    """nginx with the page's file, whose paths and ports alone are other ones."""

    def __init__(self, folder: Path, sites: Path, authenticator: int, left_out: str = "never") -> None:
        self.port = free_port()
        certificate(folder)
        text = fence("nginx").replace(left_out, "")
        for old, new in (
            ("listen 443 ssl;", f"listen 127.0.0.1:{self.port} ssl;"),
            ("/etc/ssl/memory", f"{folder}/memory"),
            ("root /srv/memory;", f"root {sites};"),
            ("127.0.0.1:4180", f"127.0.0.1:{authenticator}"),
        ):
            assert old in text
            text = text.replace(old, new)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "".join(
            f"{kind}_temp_path {folder}/{kind};" for kind in kinds if kind in {"client_body", "proxy"}
        )
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/error.log info;\n"
            f"events {{}}\nhttp {{ include /etc/nginx/mime.types; default_type application/octet-stream;\n"
            f"access_log off; {paths}\n{text}\n}}\n"
        )
        if os.geteuid() == 0:
            (folder / "nginx.conf").write_text("user root;\n" + (folder / "nginx.conf").read_text())
        command = ["nginx", "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
        tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        assert tested.returncode == 0, tested.stderr
        assert "warn" not in tested.stderr
        self.process = subprocess.Popen(command)
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.1)
        raise AssertionError((folder / "error.log").read_text())

    def ask(
        self, path: str, cookie: str = "", method: str = "GET", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """The answer to exactly these characters: nothing tidies the path on the way."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        line = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=context)
        sent = {"Host": "memory.example.com", **({"Cookie": cookie} if cookie else {}), **headers}
        try:
            line.request(method, path, headers=sent)
            answer = line.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            line.close()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler], port: int = 0) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def build_sites(folder: Path) -> Path:
    """Three sites in one folder, and a file beside them that belongs to nobody."""
    where = folder / "srv"
    build_site(load(team(folder)), where / "team-payments", today=TODAY)
    product = load(tribe(folder))
    build_site(product, where / "tribe-product", today=TODAY)
    build_site(product, where / "tribe-platform", today=TODAY)
    (where / "stray.html").write_text("STRAY")
    (folder / "outside.html").write_text("OUTSIDE")
    (where / "tribe-product" / "out.html").symlink_to("/etc/hostname")
    return where
