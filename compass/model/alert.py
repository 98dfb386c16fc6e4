"""What Alertmanager (version 4) and Grafana send to a webhook, as far as an investigation needs it.

Formats: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config and
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field

from compass.model.base import Model, in_utc


class _Foreign(Model):
    """Others decide what else stands in it, so unknown fields are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class ReceivedAlert(_Foreign):
    """One alert of a notification; every text in it is data from outside."""

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)
    starts: Annotated[AwareDatetime, AfterValidator(in_utc)] = Field(alias="startsAt")
    fingerprint: str = ""

    @property
    def name(self) -> str:
        """The alert's name, empty where its rule gave it none."""
        return self.labels.get("alertname", "")

    @property
    def key(self) -> str:
        """Tells one firing of one alert from every other; sent again, it is the same."""
        labels = self.fingerprint or repr(sorted(self.labels.items()))
        return hashlib.sha256(f"{labels}\n{self.starts.isoformat()}".encode()).hexdigest()


class Notification(_Foreign):
    """The body of one webhook: the alerts of a group."""

    status: Literal["firing", "resolved"]
    alerts: Annotated[tuple[ReceivedAlert, ...], Field(min_length=1)]
    group: str = Field(default="", alias="groupKey")

    @property
    def firing(self) -> tuple[ReceivedAlert, ...]:
        """The alerts that fire, the earliest first."""
        found = [one for one in self.alerts if one.status == "firing"]
        return tuple(sorted(found, key=lambda one: (one.starts, one.name, one.key)))
