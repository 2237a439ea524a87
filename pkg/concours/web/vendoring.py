"""Copies what pages use from other projects out of node_modules into static/vendor, and writes down what was copied.

    npm ci --ignore-scripts && python -m concours.web.vendoring

The versions and their integrity are package-lock.json's; static/vendor/vendor.json keeps each file's SHA-256,
which a test holds against the files, so that nothing in there changes unseen.
"""

import json
import shutil
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
VENDOR = Path(__file__).parent / "static" / "vendor"
LISTING = "vendor.json"

FILES: dict[str, dict[str, str]] = {
    "altcha": {"altcha-pbkdf2.js": "dist/workers/pbkdf2.js"},
    "bootstrap": {
        "bootstrap.css": "dist/css/bootstrap.min.css",
        "bootstrap.js": "dist/js/bootstrap.bundle.min.js",
    },
    "htmx.org": {"htmx.js": "dist/htmx.min.js"},
    "photoswipe": {
        "photoswipe.css": "dist/photoswipe.css",
        "photoswipe.js": "dist/photoswipe.esm.min.js",
        "photoswipe-lightbox.js": "dist/photoswipe-lightbox.esm.min.js",
    },
    "tus-js-client": {"tus.js": "dist/tus.min.js"},
}
"""For each package: the short name that templates use, and the file it stands for."""


def plain(content: bytes) -> bytes:
    """The file without its pointer to a source map, which is not served."""
    lines = content.rstrip().split(b"\n")
    if b"sourceMappingURL=" in lines[-1] and len(lines[-1]) < 200:
        lines.pop()
    return b"\n".join(lines) + b"\n"


def licence_of(package: Path) -> Path:
    """The package's licence text; raises FileNotFoundError where it brings none."""
    for path in sorted(package.iterdir()):
        if path.name.lower().startswith(("license", "licence")):
            return path
    raise FileNotFoundError(f"{package.name} brings no licence text")


def copy_all(modules: Path, vendor: Path, lock: dict[str, Any]) -> dict[str, Any]:
    """Fills `vendor` anew from `modules` (node_modules); returns the listing it wrote.

    Raises ValueError where what is installed is not what the lock names.
    """
    packages: list[dict[str, Any]] = []
    shutil.rmtree(vendor, ignore_errors=True)
    for name, wanted in FILES.items():
        source = modules / name
        installed = json.loads((source / "package.json").read_text(encoding="utf-8"))
        locked = lock["packages"][f"node_modules/{name}"]
        if installed["version"] != locked["version"]:
            raise ValueError(f"{name} {installed['version']} is installed, the lock names {locked['version']}")
        folder = vendor / f"{name.removesuffix('.org')}-{locked['version']}"
        folder.mkdir(parents=True)
        names: dict[str, str] = {}
        hashes: dict[str, str] = {}
        for alias, inside in wanted.items():
            target = folder / Path(inside).name
            target.write_bytes(plain((source / inside).read_bytes()))
            names[alias] = f"{folder.name}/{target.name}"
            hashes[names[alias]] = sha256(target.read_bytes()).hexdigest()
        licence = folder / "LICENSE"
        licence.write_bytes(licence_of(source).read_bytes())
        hashes[f"{folder.name}/LICENSE"] = sha256(licence.read_bytes()).hexdigest()
        packages.append(
            {
                "name": name,
                "version": locked["version"],
                "licence": installed["license"],
                "integrity": locked["integrity"],
                "names": names,
                "sha256": hashes,
            }
        )
    listing = {"made_by": "python -m concours.web.vendoring", "packages": packages}
    (vendor / LISTING).write_text(json.dumps(listing, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return listing


def main() -> int:
    """Copies from the project's node_modules; tells what to do where it is missing."""
    modules = ROOT / "node_modules"
    if not modules.is_dir():
        sys.stderr.write("node_modules is missing: run `npm ci --ignore-scripts` first\n")
        return 1
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    listing = copy_all(modules, VENDOR, lock)
    for package in listing["packages"]:
        sys.stdout.write(f"{package['name']} {package['version']} ({package['licence']})\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
