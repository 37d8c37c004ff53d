"""Makes ``gpu-node/.venv`` on a machine without a GPU: ``python gpu-node/install.py``, by ``make``.

Everything comes from the lock with hashes, but torch: its CPU build is another file for each Python and
does not live on PyPI. A folder of wheels that pip is configured with (``find-links``) is taken when it has
the build, PyTorch's own index otherwise.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NODE = Path(__file__).resolve().parent
PYTHON = NODE / ".venv/bin/python"
UV = Path(sys.executable).with_name("uv")
TORCH = (NODE / "torch-cpu.txt").read_text().split()[-1]


LOCK = ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--no-header"]


def main() -> int:
    """``install.py`` installs, ``install.py --lock`` resolves both locks anew."""
    return lock() if sys.argv[1:] == ["--lock"] else install()


def lock() -> int:
    """The CPU lock holds all but torch; the CUDA lock is for the image's Linux alone."""
    options = [*LOCK, "--python-version", "3.11"]
    cpu = ["--universal", "--excludes", "excludes.txt", "--no-emit-package", "torch"]
    place = next((["--find-links", folder] for folder in find_links()), ["--torch-backend", "cpu"])
    cuda = ["--python-platform", "x86_64-manylinux_2_34"]
    for name, more in (("cpu", [*cpu, *place]), ("cuda", cuda)):
        files = [f"requirements-{name}.in", "-o", f"requirements-{name}.lock"]
        run([str(UV), "pip", "compile", "-q", *options, *more, *files])
    return 0


def install() -> int:
    """Exit code 1, saying what is missing, when there is no CPU build of torch to be had."""
    if not PYTHON.exists():
        run([str(UV), "venv", "-q", "--clear", "--python", sys.executable, str(NODE / ".venv")])
    uv("--no-deps", "--require-hashes", "-r", str(NODE / "requirements-cpu.lock"))
    if not install_torch():
        return 1
    link_sources()
    return 0


def link_sources() -> None:
    """The project's own packages by path: their pins are the control plane's, and would fight with these."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    folders = [NODE, NODE.parent, NODE.parent / "shared"]
    path = NODE / ".venv/lib" / version / "site-packages/fitsense.pth"
    path.write_text("".join(f"{folder}\n" for folder in folders))


def install_torch() -> bool:
    """From the first place that has it."""
    places = [["--find-links", folder] for folder in find_links()] + [["--torch-backend", "cpu"]]
    said = [uv("--no-deps", *place, TORCH, check=False) for place in places]
    if any(not words for words in said):
        return True
    looked = [*find_links(), "PyTorch's index (uv's --torch-backend cpu)"]
    sys.stderr.write(
        f"{TORCH} for Python {sys.version_info[0]}.{sys.version_info[1]} was found in none of: "
        f"{', '.join(looked)}.\n{said[-1].strip()}\n"
        "Give pip a folder that has the wheel (pip config set global.find-links FOLDER), or a way to "
        "PyTorch's index, and run make again.\n"
    )
    return False


def find_links() -> list[str]:
    """The folders and pages that pip is configured with; uv does not read pip's configuration."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    values = [line.split("=", 1)[1] for line in listed.splitlines() if ".find-links=" in line]
    return list(dict.fromkeys(place for value in values for place in value.strip("'\"").split()))


def uv(*arguments: str, check: bool = True) -> str:
    """``uv pip install`` into the node's environment; what it complained of, or nothing."""
    command = [str(UV), "pip", "install", "-q", "--python", str(PYTHON)]
    return run([*command, "--excludes", str(NODE / "excludes.txt"), *arguments], check=check)


def run(command: list[str], *, check: bool = True) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and check:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return done.stderr or "failed" if done.returncode else ""


if __name__ == "__main__":
    sys.exit(main())
