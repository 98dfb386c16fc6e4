"""storefront: what customers see; asks inventory for products and checkout for orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.shop.calls import Peer
from lab.shop.service import Context, Service
from lab.shop.trust import authority
from lab.shop.web import Request


def service(context: Context) -> Service:
    """Routes of the storefront."""
    lab, config, signals = context.lab, context.config, context.signals
    legs = [lab.port("inventory-a"), lab.port("inventory-b")]
    inventory = Peer("inventory", legs, signals, config["timeout"], tls=authority(lab))
    checkout = Peer("checkout", [lab.port("network-storefront-checkout")], signals, config["timeout"])

    def products(request: Request) -> Mapping[str, Any]:
        return inventory.call("GET", f"/stock/{request.words[0]}", request.here)

    def order(request: Request) -> Mapping[str, Any]:
        return checkout.call("POST", "/orders", request.here, request.body)

    def history(request: Request) -> Mapping[str, Any]:
        return checkout.call("GET", f"/history/{request.words[0]}", request.here)

    return Service({("GET", "products"): products, ("POST", "orders"): order, ("GET", "history"): history})
