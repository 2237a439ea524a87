"""Who gets past the gate of the web room's routes: everyone, since they show what is public anyway."""

from concours.base.redis import client
from concours.voting.keys import HEARTBEAT, HEARTBEAT_S
from tests.access import EVERYONE, Row, World


def ready(_world: World) -> str:
    """The address of the readiness, where a sequencer has just reported."""
    client().set(HEARTBEAT, "here", ex=HEARTBEAT_S)
    return "/readyz"


ROWS = [
    Row("web.front", "GET", lambda w: "/", EVERYONE),
    Row("web.switch_language", "GET", lambda w: "/language/en?next=/robots.txt", EVERYONE),
    Row("web.openapi", "GET", lambda w: "/api/openapi.json", EVERYONE),
    Row("web.api_docs", "GET", lambda w: "/api/docs", EVERYONE),
    Row("web.robots", "GET", lambda w: "/robots.txt", EVERYONE),
    Row("web.favicon", "GET", lambda w: "/favicon.ico", EVERYONE),
    Row("web.manifest", "GET", lambda w: "/manifest.webmanifest", EVERYONE),
    Row("health.healthz", "GET", lambda w: "/healthz", EVERYONE),
    Row("health.readyz", "GET", ready, EVERYONE),
    Row("metrics.metrics", "GET", lambda w: "/metrics", EVERYONE),
]
