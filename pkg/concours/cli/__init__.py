"""The `concours` command. Each command is a module of its own; `--help` everywhere."""

import click


@click.group()
def main() -> None:
    """Concours (赛展): contests and exhibitions, self-hosted."""
