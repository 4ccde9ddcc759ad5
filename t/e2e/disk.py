"""A small ext4 with a journal in a file, mounted by a loop device: its power can be cut, it can be filled."""
import fcntl
import os
import pathlib
import struct
import subprocess
import tempfile

from instance import wait_for

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2


class Disk:
    def __init__(self, size, *features):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="posthorn-disk-"))
        self.image, self.mount = self.base / "image", self.base / "mnt"
        self.mount.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(size)
        # No reserve for root: it fills up for everybody.
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", *features, str(self.image)], check=True)
        self.attach()

    def attach(self):
        subprocess.run(["mount", "-o", "loop", str(self.image), str(self.mount)], check=True)

    def detach(self):
        subprocess.run(["umount", str(self.mount)], check=True)
        # A mount namespace that somebody has made meanwhile keeps it, and attach() would get it back as it is.
        wait_for(lambda: not self._in_use(), 120, "nobody else has the disk mounted")

    def _in_use(self):
        return subprocess.run(["losetup", "--associated", str(self.image)], capture_output=True, check=True).stdout

    def cut_power(self):
        fd = os.open(self.mount, os.O_RDONLY)
        fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        os.close(fd)

    def fill(self):
        """To the last block. What is freed meanwhile (and what ext4 kept back) is taken, too."""
        with open(self.mount / "filler", "ab", buffering=0) as filler:
            for size in (1 << 20, 1 << 12, 1 << 10):
                try:
                    while True:
                        filler.write(bytes(size))
                        os.fsync(filler.fileno())
                except OSError:
                    pass

    def make_room(self):
        (self.mount / "filler").unlink()

    def close(self):
        subprocess.run(["umount", str(self.mount)], check=False, capture_output=True)
        subprocess.run(["rm", "-rf", str(self.base)], check=True)
