"""The `concours` command. Each command is a module of its own, imported when it is called; `--help` everywhere.

Reading order: environment (where the settings of a command come from), serve and supervisor (the embedded stack), web,
worker and sequencer (its processes, each of which is also a production process), then the acts of an administrator.
"""

from importlib import import_module
from importlib.util import find_spec

import click

from concours import __version__

COMMANDS = {
    "account": "concours.cli.account",
    "backup": "concours.cli.backup",
    "config": "concours.cli.config",
    "db": "concours.cli.database",
    "demo": "concours.cli.demo",
    "health": "concours.cli.health",
    "poll": "concours.cli.poll",
    "replay": "concours.cli.replay",
    "restore": "concours.cli.restore",
    "round": "concours.cli.round",
    "sequencer": "concours.cli.sequencer",
    "serve": "concours.cli.serve",
    "token": "concours.cli.token",
    "web": "concours.cli.web",
    "worker": "concours.cli.worker",
}
"""Command and the module that holds it, as an attribute named `command`."""


class Commands(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The commands that are there."""
        return [name for name, module in COMMANDS.items() if find_spec(module) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, or None where there is none of that name."""
        module = COMMANDS.get(cmd_name)
        if module is None or find_spec(module) is None:
            return None
        found = getattr(import_module(module), "command", None)
        return found if isinstance(found, click.Command) else None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="concours")
def main() -> None:
    """Concours (赛展): contests and exhibitions, self-hosted."""
