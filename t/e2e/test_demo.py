"""The README's first words: ./demo --once from a clean copy of the tree."""
import os
import shutil
import socket
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

    def once(expected):
        done = subprocess.run(["./demo", "--once"], cwd=copy, capture_output=True, text=True,
                              timeout=300)
        assert done.returncode == expected, done.stdout + done.stderr
        left = subprocess.run(["pgrep", "-f", str(copy)], capture_output=True, text=True).stdout
        assert not left, f"processes left behind: {left}"
        return done

    assert "Every step worked." in once(0).stdout
    with socket.socket() as holder:  # and one that cannot start leaves nothing running either
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 20143))
        holder.listen()
        assert "20143 is in use" in once(1).stderr
