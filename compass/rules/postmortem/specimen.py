"""A complete post-mortem, of which each example changes what matters."""

from __future__ import annotations

from typing import Final

from compass.rules.base import Example

_FIELDS: Final = {
    "status": "verified",
    "summary": "Checkout waited for connections because its pool was smaller than its work.",
    "owner": "group:default/payments",
    "services": "[component:default/checkout]",
    "severity": "high",
    "times": "{start: 2026-01-01T10:00:00Z, detected: 2026-01-01T10:04:00Z, mitigated: 2026-01-01T10:30:00Z, resolved: 2026-01-01T11:00:00Z}",
    "roles": "{incident_commander: payments-lead, facilitator: cart-lead}",
    "participants": "[payments-lead, support-desk]",
    "contributing_causes": """
  - {text: "The pool was sized for half the traffic.[^e1]", level: equipment_technology}
  - {text: "No review asks for the size of a pool.[^e1]", level: technical_management}""",
    "what_went_well": "[The page came after four minutes.]",
    "where_we_got_lucky": "[It was a public holiday.]",
    "what_surprised_us": "[A restart made it worse.]",
    "actions": """
  - {text: Refuse a pool below the number of workers., owner: group:default/payments, due: 2026-03-01, tracker: PAY-1, strength: strong, done_when: A build with a smaller pool fails.}""",
    "evidence": "[{id: e1, type: metric, redacted: true}]",
    "review_by": "2027-01-01",
    "last_verified": "2026-01-02",
}
BODY: Final = (
    "The pool was full.[^e1] No pattern yet, as no similar incident was found.\n\n[^e1]: The pool's gauge.\n"
)


def specimen(body: str = BODY, *, without: str = "", **changes: str) -> Example:
    """The complete post-mortem without one field, or with some fields changed (YAML flow or block text)."""
    fields = {name: text for name, text in {**_FIELDS, **changes}.items() if name != without}
    return Example("postmortem", "\n".join(f"{name}: {text}" for name, text in fields.items()), body)


def draft(body: str) -> Example:
    """A draft with this body, which is all that a rule about language needs."""
    return Example("postmortem", body=body)
