"""The whole of `compass watch`: listen, investigate, and end with nothing left behind."""

from __future__ import annotations

from collections.abc import Callable

from compass.workflows.watch.child import Children
from compass.workflows.watch.desk import Desk, Told
from compass.workflows.watch.listener import listener


def watch(
    address: tuple[str, int],
    children: Children,
    *,
    at_once: int,
    waiting: int,
    told: Told,
    ready: Callable[[str], None],
) -> None:
    """Investigate what is sent to `address` until interrupted (KeyboardInterrupt); `ready` gets the URL.

    Raises OutsideError if the address cannot be had.
    """
    desk = Desk(children.investigate, at_once, waiting, told)
    with listener(address, desk.take) as server:
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        ready(f"http://{host}:{server.server_port}")
        desk.start()
        try:
            server.serve_forever()
        finally:
            desk.close()
            children.close()
            desk.join()
