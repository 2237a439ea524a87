"""Which passwords may be, and how they are kept."""

import pytest

from concours.identity.passwords import hash_password, matches, weakness


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "123456789",
        "1234567890",
        "9876543210",
        "qwertyuiop",
        "aaaaaaaaaaaa",
        "abababababab",
        "password123!",
        "P@ssw0rd2024",
        "woaini1314",
        "admin@123456",
        "iloveyou1314",
        "１２３４５６７８９０",
        "x" * 129,
        "D01-00123!",
        "张三丰张三丰张三丰1",
        "",
        "\x00" * 12,
        "\ud800" * 12,
    ],
)
def test_easy_passwords_are_refused(password: str) -> None:
    assert weakness(password, "D01-00123", "张三丰") is not None


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "春眠不觉晓处处闻啼鸟",
        "Kx7-trOmbone-9",
        "the tea is too hot",
        "0b7f19c2ad",
        "𠮷野家的牛肉饭真好吃",
    ],
)
def test_passwords_nobody_guesses_are_welcome(password: str) -> None:
    assert weakness(password, "D01-00123", "张三丰") is None


def test_a_password_matches_in_whichever_width_it_is_typed() -> None:
    kept = hash_password("ｃｏｒｒｅｃｔ　horse battery")
    assert matches(kept, "correct horse battery")
    assert not matches(kept, "correct horse batterY")


def test_nothing_matches_where_nothing_was_kept() -> None:
    assert not matches(None, "the password of nobody at all")
    assert not matches("not a hash", "anything")
