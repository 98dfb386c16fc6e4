"""A private PostgreSQL cluster in the lab's folder, run by a user that is not root, with the shop's tables."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path

import psycopg
from lab.shop.settings import CUSTOMERS, PRODUCTS
from lab.shop.store import address
from lab.state import Lab, LabError

ORDERS_AT_FIRST = 2_000
MOVEMENTS = 60_000
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "max_parallel_workers_per_gather": "0",
    "autovacuum": "off",
    "log_lock_waits": "on",
    "deadlock_timeout": "500ms",
    "log_min_duration_statement": "150",
    "log_line_prefix": "%m [%p] %a ",
}
SCHEMA = """
CREATE TABLE movements (id bigserial PRIMARY KEY, product int NOT NULL, quantity int NOT NULL);
CREATE TABLE orders (
    id bigserial PRIMARY KEY, email text NOT NULL, product int NOT NULL, cents int NOT NULL,
    placed timestamptz NOT NULL DEFAULT now(), shipped timestamptz
);
CREATE TABLE charges (id bigserial PRIMARY KEY, cents int NOT NULL, settled timestamptz);
"""


def programs() -> Path:
    """Where the newest installed PostgreSQL keeps its programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    there = shutil.which("initdb")
    if there:
        return Path(there).parent
    raise LabError("PostgreSQL is not installed: apt-get install postgresql")


def owner() -> tuple[int, int] | None:
    """User and group that the cluster is run as; None where this user may run it."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            row = pwd.getpwnam(name)
        except KeyError:
            continue
        return row.pw_uid, row.pw_gid
    raise LabError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def as_owner() -> list[str]:
    """What stands before a command so that it runs as the cluster's owner."""
    ids = owner()
    if ids is None:
        return []
    return ["setpriv", f"--reuid={ids[0]}", f"--regid={ids[1]}", "--clear-groups"]


def prepare(lab: Lab) -> None:
    """Make the cluster; LabError with what initdb says."""
    folder = lab.path("postgres", "data")
    folder.mkdir(exist_ok=True)
    ids = owner()
    if ids is not None:
        for path in (folder.parent, folder):
            os.chown(path, *ids)
    command = [*as_owner(), str(programs() / "initdb"), "-D", str(folder), "-U", "shop", "-A", "trust"]
    done = subprocess.run(
        [*command, "--no-sync", "--no-locale", "--encoding=UTF8"],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-500:]
        raise LabError(f"initdb failed in {folder}: {said} (can its user enter every folder above?)")


def command(lab: Lab) -> list[str]:
    """How the server is started."""
    settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    port = str(lab.port("postgres"))
    return [str(programs() / "postgres"), "-D", str(lab.path("postgres", "data")), "-p", port, *settings]


def fill(lab: Lab, seconds: float = 20.0) -> None:
    """Wait for the server, then make the shop's tables and what is in them."""
    port = lab.port("postgres")
    plain = address(port, "setup").replace("dbname=shop", "dbname=postgres")
    deadline = time.monotonic() + seconds
    while True:
        try:
            with psycopg.connect(plain, autocommit=True) as connection:
                connection.execute("CREATE DATABASE shop")
            break
        except psycopg.OperationalError as problem:
            if time.monotonic() > deadline:
                raise LabError(f"PostgreSQL does not answer: {problem}; see out/postgres.log") from problem
            time.sleep(0.1)
    with psycopg.connect(address(port, "setup"), autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute(
            "INSERT INTO movements (product, quantity) SELECT 1 + n %% %s, n %% 7 - 2 FROM generate_series(1, %s) n",
            (PRODUCTS, MOVEMENTS),
        )
        grow(connection, ORDERS_AT_FIRST)
        connection.execute("ANALYZE")


def grow(connection: psycopg.Connection[tuple[object, ...]], rows: int) -> None:
    """Add orders of the past."""
    connection.execute(
        "INSERT INTO orders (email, product, cents, shipped) "
        "SELECT 'Customer' || n %% %s || '@example.com', 1 + n %% %s, 1500, now() FROM generate_series(1, %s) n",
        (CUSTOMERS, PRODUCTS, rows),
    )


def leftover(lab: Lab) -> None:
    """Remove the System V segment that a killed server leaves in the kernel."""
    try:
        lines = (lab.folder / "postgres" / "data" / "postmaster.pid").read_text().splitlines()
        segment = lines[6].split()[1]
    except (OSError, IndexError):
        return
    subprocess.run(["ipcrm", "-m", segment], capture_output=True, check=False)
