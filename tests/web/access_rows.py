"""Who gets past the gate of the web room's routes: everyone, since they show what is public anyway."""

from tests.access import EVERYONE, Row

ROWS = [
    Row("web.front", "GET", lambda w: "/", EVERYONE),
    Row("web.switch_language", "GET", lambda w: "/language/en?next=/robots.txt", EVERYONE),
    Row("web.openapi", "GET", lambda w: "/api/openapi.json", EVERYONE),
    Row("web.api_docs", "GET", lambda w: "/api/docs", EVERYONE),
    Row("web.robots", "GET", lambda w: "/robots.txt", EVERYONE),
    Row("web.favicon", "GET", lambda w: "/favicon.ico", EVERYONE),
    Row("web.manifest", "GET", lambda w: "/manifest.webmanifest", EVERYONE),
]
