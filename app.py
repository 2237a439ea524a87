"""The WSGI entry (`granian --interface wsgi app:app`, `gunicorn app:app`); `python app.py` serves the whole platform.

The application is built when a server asks for `app`, not when this module is imported.
"""

import sys
from typing import Any

from concours.factory import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    if name in {"app", "application"}:
        built = create_app()
        globals()[name] = built
        return built
    raise AttributeError(name)


if __name__ == "__main__":
    from concours.cli import main

    main(["serve", *sys.argv[1:]], prog_name="concours")
