"""Secrets made at run time in the shape of real formats; none of them stands in the repository."""

from __future__ import annotations

import base64
import string
from collections.abc import Callable
from random import Random

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits


def chars(random: Random, count: int, alphabet: str = ALNUM) -> str:
    return "".join(random.choice(alphabet) for _ in range(count))


def b64(random: Random, count: int) -> str:
    return base64.b64encode(random.randbytes(count)).decode()


def jwt(random: Random) -> str:
    parts = (
        b'{"alg":"HS256","typ":"JWT"}',
        b'{"sub":"' + chars(random, 12).encode() + b'"}',
        random.randbytes(32),
    )
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def key_block(random: Random) -> str:
    kind = random.choice(["RSA ", "EC ", "OPENSSH ", ""])
    lines = "\n".join(chars(random, 64) for _ in range(6))
    dashes = "-" * 5
    return f"{dashes}BEGIN {kind}PRIVATE KEY{dashes}\n{lines}\n{dashes}END {kind}PRIVATE KEY{dashes}"


FORMATS: dict[str, Callable[[Random], str]] = {
    "aws id": lambda r: "AK" + "IA" + chars(r, 16, UPPER),
    "github": lambda r: "gh" + r.choice("pousr") + "_" + chars(r, 36),
    "github fine-grained": lambda r: "github" + "_pat_" + chars(r, 22) + "_" + chars(r, 59),
    "gitlab": lambda r: "gl" + "pat-" + chars(r, 20),
    "slack": lambda r: "xo" + "xb-" + chars(r, 12, string.digits) + "-" + chars(r, 24),
    "stripe": lambda r: "sk" + "_live_" + chars(r, 24),
    "google": lambda r: "AI" + "za" + chars(r, 35),
    "google client": lambda r: "GOC" + "SPX-" + chars(r, 28),
    "openai": lambda r: "sk" + "-proj-" + chars(r, 60),
    "anthropic": lambda r: "sk" + "-ant-api03-" + chars(r, 80),
    "npm": lambda r: "np" + "m_" + chars(r, 36),
    "pypi": lambda r: "py" + "pi-AgEI" + chars(r, 60),
    "sendgrid": lambda r: "S" + "G." + chars(r, 22) + "." + chars(r, 43),
    "twilio": lambda r: "S" + "K" + chars(r, 32, HEX),
    "databricks": lambda r: "da" + "pi" + chars(r, 32, HEX),
    "digitalocean": lambda r: "do" + "p_v1_" + chars(r, 64, HEX),
    "shopify": lambda r: "shp" + "at_" + chars(r, 32, HEX),
    "grafana": lambda r: "gl" + "sa_" + chars(r, 32) + "_" + chars(r, 8, HEX),
    "vault": lambda r: "hv" + "s." + chars(r, 90),
    "new relic": lambda r: "NR" + "AK-" + chars(r, 27, UPPER),
    "linear": lambda r: "lin" + "_api_" + chars(r, 40),
    "hugging face": lambda r: "h" + "f_" + chars(r, 34, string.ascii_letters),
    "telegram": lambda r: chars(r, 9, "123456789") + ":A" + "A" + chars(r, 33),
    "age": lambda r: "AGE-SECRET" + "-KEY-1" + chars(r, 58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
    "jwt": jwt,
    "key block": key_block,
    "crypt hash": lambda r: "$6" + "$" + chars(r, 8) + "$" + chars(r, 60),
    "bcrypt": lambda r: "$2" + "b$12$" + chars(r, 53),
    "unlisted prefix": lambda r: chars(r, 4, string.ascii_lowercase) + "_key_" + chars(r, 30) + "7",
    "random": lambda r: chars(r, 32),
    "hex 32": lambda r: chars(r, 31, HEX) + "7",
    "base64": lambda r: b64(r, 30),
}

PLACES = (
    "The token `{}` was pasted into the channel.",
    "export TOKEN={}\n",
    "```yaml\nenv:\n  - name: API_TOKEN\n    value: {}\n```",
    'curl -H "Authorization: Bearer {}" https://example.com/x',
    "We found {} in the log.",
    '{{"level": "info", "api_key": "{}"}}',
)

WORD_PASSWORDS = ("hunter2", "Summer2024!", "sunshine1", "Tr0ub4dor&3", "qwerty-7", "dragon", "letmein99")

PASSWORD_PLACES = (
    "PGPASSWORD={} psql -h db\n",
    'the root password was "{}" on all boxes',
    "mysql -u root -p'{}' orders",
    "redis-cli -a '{}' PING",
    "sshpass -p {} ssh root@db",
    "curl -u admin:{} https://example.com/x",
    "spring.datasource.password={}\n",
    "<password>{}</password>",
    "machine db login app password {}\n",
    "ALTER USER app PASSWORD '{}';",
    "log in with `root` / `{}`",
    "| user | password |\n|---|---|\n| app | {} |\n",
    'db: {{"password": "{}"}}',
    "env:\n  - name: DB_PASSWORD\n    value: {}\n",
    "DB_PASS: {}\n",
)
