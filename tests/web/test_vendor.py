"""What comes from other projects is exactly what the lock names, and nothing in it changes unseen."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from concours.web.vendoring import FILES, LISTING, ROOT, VENDOR, copy_all

PERMISSIVE = {"MIT", "ISC", "BSD-0-Clause", "0BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0"}
LISTED = json.loads((VENDOR / LISTING).read_text(encoding="utf-8"))["packages"]
LOCK = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("package", LISTED, ids=lambda package: package["name"])
def test_files_are_those_that_were_copied(package: dict[str, dict[str, str]]) -> None:
    for path, expected in package["sha256"].items():
        assert sha256((VENDOR / path).read_bytes()).hexdigest() == expected, path


def test_every_file_is_listed() -> None:
    present = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()} - {LISTING}
    assert present == {path for package in LISTED for path in package["sha256"]}


def test_versions_and_integrity_are_the_locks() -> None:
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert {package["name"]: package["version"] for package in LISTED} == wanted
    for package in LISTED:
        locked = LOCK["packages"][f"node_modules/{package['name']}"]
        assert (package["version"], package["integrity"]) == (locked["version"], locked["integrity"])


def test_licences_are_permissive_and_present() -> None:
    for package in LISTED:
        assert package["licence"] in PERMISSIVE
        assert any(path.endswith("/LICENSE") for path in package["sha256"])


def test_nothing_points_to_a_source_map_we_do_not_serve() -> None:
    for path in VENDOR.rglob("*.*s"):
        assert b"sourceMappingURL" not in path.read_bytes()[-300:], path


def _modules(folder: Path, version: str) -> Path:
    """A node_modules folder in which every package has the wanted files; bootstrap in `version`."""
    for name, wanted in FILES.items():
        for inside in wanted.values():
            path = folder / name / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("content\n//# sourceMappingURL=x.map\n")
        locked = LOCK["packages"][f"node_modules/{name}"]["version"]
        about = {"version": version if name == "bootstrap" else locked, "license": "MIT"}
        (folder / name / "package.json").write_text(json.dumps(about))
        (folder / name / "LICENSE").write_text("text")
    return folder


def test_copying_makes_the_same_listing_and_drops_what_was_there(tmp_path: Path) -> None:
    version = LOCK["packages"]["node_modules/bootstrap"]["version"]
    vendor = tmp_path / "vendor"
    (vendor / "old-1.0").mkdir(parents=True)
    listing = copy_all(_modules(tmp_path / "node_modules", version), vendor, LOCK)
    assert not (vendor / "old-1.0").exists()
    assert [package["names"] for package in listing["packages"]] == [package["names"] for package in LISTED]
    assert (vendor / f"bootstrap-{version}" / "bootstrap.min.css").read_text() == "content\n"


def test_another_version_than_the_locks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"bootstrap 4\.0\.0 is installed"):
        copy_all(_modules(tmp_path / "node_modules", "4.0.0"), tmp_path / "vendor", LOCK)
