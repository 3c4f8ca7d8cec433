"""The lines of the SDK: their pins, and where each is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / ".sdk"

_PINS = Path(__file__).with_name("lines.txt")
_STAMP = ".installed"


def read_pins() -> dict[str, list[str]]:
    """The requirements of each line."""
    lines = [line for line in _PINS.read_text().splitlines() if line and not line.startswith("#")]
    return {name: pins.split() for name, _, pins in (line.partition(":") for line in lines)}


def install(name: str, pins: list[str]) -> Path:
    """The folder with a line in it; installs it unless these pins are there for this Python."""
    folder = FOLDER / name
    stamp = f"{sys.version}\n{' '.join(pins)}\n"
    if (folder / _STAMP).is_file() and (folder / _STAMP).read_text() == stamp:
        return folder
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=f"{name}-") as scratch:
        fresh = Path(scratch) / "packages"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run([*pip, "--target", str(fresh), *pins], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"cannot install {' '.join(pins)}:\n{done.stdout}{done.stderr}")
        (fresh / _STAMP).write_text(stamp)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    return folder
