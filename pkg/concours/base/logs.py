"""Log lines: one format for every process, for people by default, as JSON where a program collects them."""

import json
import logging
import logging.config
import sys
from datetime import UTC, datetime
from typing import Any


class PlainLines(logging.Formatter):
    """`17:02:11 web        message`; the level is named only from WARNING up."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback below it where there is one."""
        moment = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        level = f"{record.levelname}: " if record.levelno >= logging.WARNING else ""
        line = f"{moment} {self._process:<10} {level}{record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonLines(logging.Formatter):
    """One JSON object a line: at, process, level, logger, message, and the traceback."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "process": self._process,
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


NOISY = ("rq", "rq.worker", "rq.scheduler", "alembic", "_granian", "werkzeug", "httpx", "httpcore")
"""Libraries that tell every step; they are heard from WARNING up unless the level is DEBUG."""


def init_logs(process: str, *, level: str = "INFO", form: str = "text") -> None:
    """Sends all log lines of this process to standard error.

    Arguments: `process` names it in each line; `level` is DEBUG, INFO, WARNING or ERROR; `form` is text or json.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(process) if form == "json" else PlainLines(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in NOISY:
        logging.getLogger(name).setLevel(level if level == "DEBUG" else logging.WARNING)
