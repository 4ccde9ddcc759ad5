"""The README's first words: ./demo --once from a clean copy of the tree."""
import os
import shutil
import subprocess

import pytest

from instance import TOP


@pytest.mark.skipif(os.geteuid() != 0, reason="the demo runs as root")
def test_demo_once_from_a_clean_copy(tmp_path):
    copy = tmp_path / "posthorn"
    files = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=True).stdout
    for name in files.decode().split("\0"):
        if name and (TOP / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TOP / name, copy / name)
    done = subprocess.run(["./demo", "--once"], cwd=copy, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every step worked." in done.stdout
    left = subprocess.run(["pgrep", "-f", str(copy)], capture_output=True, text=True).stdout.split()
    assert not left, f"processes left behind: {left}"
