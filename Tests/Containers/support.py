"""What every scenario needs: files to deposit, a place to bring them back to, and words for what is expected."""

import filecmp
import os
import random

from composition import Failed

MIB = 1 << 20


def expect(condition, message):
    if not condition:
        raise Failed(message)


def equal(found, expected, what):
    expect(found == expected, f"{what}: expected {expected!r}, found {found!r}")


def write_random(path, size, seed):
    """Incompressible bytes from a seed."""
    source = random.Random(seed)
    with open(path, "wb") as file:
        for start in range(0, size, MIB):
            file.write(source.randbytes(min(MIB, size - start)))
    return path


def regular_files(folder):
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def flip(segment, every, count):
    """Flips a bit every so many bytes inside a segment, as a dying disk would."""
    with open(segment, "r+b") as file:
        size = os.fstat(file.fileno()).st_size
        for place in range(every, min(size, every * (count + 1)), every):
            file.seek(place)
            byte = file.read(1)
            file.seek(place)
            file.write(bytes([byte[0] ^ 0x40]))
        os.fsync(file.fileno())


class Scratch:
    """Files that the client sees under /work, and what it brings back under /out."""

    def __init__(self, folder):
        self.files, self.out = folder / "files", folder / "out"
        self.files.mkdir()
        self.out.mkdir()
        self.out.chmod(0o777)

    def back(self, depot, name, original=None):
        """Retrieves a file and compares it with what was deposited."""
        depot.must("retrieve", name, "-o", f"/out/{name}")
        expect(filecmp.cmp(self.files / (original or name), self.out / name, shallow=False), f"{name} came back equal")
        (self.out / name).unlink()
