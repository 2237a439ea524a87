"""Work on files in the background."""


def check(asset_id: int) -> None:
    """Looks inside the file."""
