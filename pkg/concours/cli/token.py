"""`concours token`: bearer tokens for scripts."""

import json

import click

from concours.cli.acts import act


@click.group(name="token")
def command() -> None:
    """API tokens: `Authorization: Bearer TOKEN` acts as the account."""


@command.command("create")
@click.argument("name")
@click.option("--label", default="command line", show_default=True, help="What the token is for.")
@click.option("--json", "as_json", is_flag=True, help="Print the token as JSON.")
def create(name: str, label: str, as_json: bool) -> None:
    """Create a token that acts as the account NAME. It is shown once and works until it is revoked."""
    with act("token") as now:
        from concours.identity import accounts, tokens

        account = accounts.find_by_username(name)
        if account is None:
            raise click.ClickException(f"there is no account {name!r}; make it with `concours account create`")
        found = {"account": account.username, "label": label}
        found["token"] = tokens.create_token(account, label, actor=None, now=now)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else found["token"])
