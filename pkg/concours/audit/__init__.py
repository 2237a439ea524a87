"""Who did what, to what, when: append-only. Verbs call `record`; nothing updates or deletes a row."""

from concours.audit.models import AuditRecord
from concours.audit.verbs import record

__all__ = ["AuditRecord", "record"]
