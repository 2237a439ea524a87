"""The demonstration can always be loaded: what it draws, the platform takes."""

import pytest

from concours.cli import demo
from concours.identity import passwords


def test_every_password_that_is_drawn_is_strong_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = {demo.a_password() for _ in range(500)}
    assert len(drawn) > 490
    assert [word for word in drawn if passwords.weakness(word, "admin", "judge", "member") is not None] == []
    monkeypatch.setattr(demo, "LETTERS", "0123456789")  # as it was drawn one time in seventeen
    assert passwords.weakness(demo.a_password()) is not None
