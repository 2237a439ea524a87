"""Runs concours-verify in this process."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

import concours_verify as verify


class Ran(NamedTuple):
    """What a command said."""

    status: int
    told: dict[str, Any]

    @property
    def said(self) -> str:
        """All sentences."""
        return "\n".join(self.told["said"])


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """`run("tally", "--log", folder)`: the command in this process, its answer read as JSON."""

    def call(*args: object) -> Ran:
        capsys.readouterr()
        status = verify.main([*(str(arg) for arg in args), "--json"])
        return Ran(status, json.loads(capsys.readouterr().out))

    return call
