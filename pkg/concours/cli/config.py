"""`concours config`: every setting with its type, default, meaning and present value."""

import json
import re
import textwrap
from typing import Any

import click

from concours.base import config
from concours.cli import environment

MASK = "••••••••"


def masked(setting: config.Setting, value: str) -> str:
    """The value as it may be shown: secrets and passwords in addresses are not."""
    if not value:
        return ""
    shown = re.sub(r"(?<=://)([^/@:]*):[^/@]*@", rf"\1:{MASK}@", value)
    return MASK if setting.secret and shown == value and "://" not in value else shown


def described() -> list[dict[str, Any]]:
    """All settings: name, type, default, meaning, whether it is secret, and the masked present value."""
    environ = environment.resolve()
    return [
        {
            "name": setting.name,
            "type": setting.kind,
            "default": setting.default,
            "meaning": setting.meaning,
            "secret": setting.secret,
            "current": masked(setting, environ.get(setting.name, "").strip()),
        }
        for setting in config.SETTINGS
    ]


def listing(*, current: bool) -> str:
    """The settings as text, one paragraph each."""
    lines = []
    for row in described():
        lines.append(f"{row['name']}  ({row['type']}, default {row['default'] or 'empty'})")
        lines += textwrap.wrap(row["meaning"], 92, initial_indent="    ", subsequent_indent="    ")
        if current and row["current"]:
            lines.append(f"    now: {row['current']}")
        lines.append("")
    return "\n".join(lines)


class WithSettings(click.Command):
    """A command whose help ends with the list of all settings."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list."""
        formatter.write("\nSettings, read from the environment:\n\n")
        formatter.write(textwrap.indent(listing(current=False), "  "))


@click.command(name="config", cls=WithSettings)
@click.option("--json", "as_json", is_flag=True, help="Print the settings as JSON.")
def command(as_json: bool) -> None:
    """Show every setting with its present value (secrets masked), and whether they can be used together."""
    try:
        config.load(environment.resolve(), root=config.PROJECT)
        faults: list[str] = []
    except config.ConfigError as fault:
        faults = str(fault).splitlines()
    if as_json:
        click.echo(json.dumps({"ok": not faults, "faults": faults, "settings": described()}, ensure_ascii=False))
    else:
        click.echo(listing(current=True))
        click.echo("These settings can be used." if not faults else "These settings cannot be used:")
        for line in faults:
            click.echo(f"  {line}")
    if faults:
        click.get_current_context().exit(1)
