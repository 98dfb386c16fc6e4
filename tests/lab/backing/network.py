"""The network between two services as a proxy: delay, jitter, and lost pieces that are sent again after a timeout.

Run `python -m lab.backing.network FOLDER`. What a link does is read anew from `config/network.json` twice a second.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path
from typing import Final

from lab.state import Lab

LINKS: Final = {"storefront-checkout": "checkout", "checkout-payments": "payments"}
"""Each link and the service behind it."""
FIRST_TIMEOUT: Final = 0.2
"""TCP's least time until a lost piece is sent again; it doubles with each loss (RFC 6298)."""
MOST_LOSSES: Final = 5


class Link:
    """One proxied connection between two services; `delay` and `jitter` in seconds each way, `loss` per piece."""

    def __init__(self, port: int, target: int) -> None:
        self.port, self.target = port, target
        self.delay = self.jitter = self.loss = 0.0

    def hold(self) -> float:
        """Seconds until the next piece arrives; OSError once it was lost too often."""
        seconds = max(0.0, random.gauss(self.delay, self.jitter)) if self.delay else 0.0
        for losses in range(MOST_LOSSES):
            if random.random() >= self.loss:
                return seconds
            seconds += FIRST_TIMEOUT * 2**losses
        raise ConnectionResetError("the piece was lost too often")

    async def serve(self) -> None:
        """Accept connections for ever."""
        server = await asyncio.start_server(self._join, "127.0.0.1", self.port)
        await server.serve_forever()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        ways = [
            asyncio.create_task(self._copy(reader, there[1])),
            asyncio.create_task(self._copy(there[0], writer)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for end in (writer, there[1]):
            end.transport.abort()

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while piece := await source.read(65536):
                await asyncio.sleep(self.hold())
                target.write(piece)
                await target.drain()
        except OSError:
            return


async def _main(lab: Lab) -> None:
    links = {name: Link(lab.port(f"network-{name}"), lab.port(target)) for name, target in LINKS.items()}
    async with asyncio.TaskGroup() as tasks:
        for link in links.values():
            tasks.create_task(link.serve())
        while True:
            for name, row in lab.read("config", "network.json").items():
                link = links[name]
                link.delay, link.jitter, link.loss = row["delay"], row["jitter"], row["loss"]
            await asyncio.sleep(0.5)


if __name__ == "__main__":
    asyncio.run(_main(Lab(Path(sys.argv[1]))))
