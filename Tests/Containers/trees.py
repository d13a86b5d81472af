"""Whole trees through real containers: what comes back is compared by rsync and tar, which know nothing of depot."""

import os
import pathlib
import re
import shutil
import stat
import subprocess
import time

from composition import ALL_REPLICAS, docker
from support import MIB, equal, expect, write_random

# Whom the image runs as: an ordinary user who owns nothing of what was deposited.
USER = 10001
# Seconds since 1970: long before, before, and behind the ends of 32 bits with a sign and without one.
TIMES = {"1902": -2_145_916_799, "1969": -1, "2039": 2_177_452_800, "2107": 4_323_456_789, "2300": 10_413_792_000}
NANOSECOND = 123_456_789
# Of the image that the client's container runs.
REAL_TREES = ["/usr/share", "/etc", "/var/lib/dpkg"]
NAMES = [
    b"no\xe9utf8", b"\xff\xfe", b"tab\there", b"line\nbreak", b"escape\x1b[31m", b"\x7f", "‛41".encode(), b" ", b"-r",
    b"x" * 255, "e\u0301".encode(), "\u00e9".encode(), "\u202ebidi".encode(), b"back\\slash", b"quo'te\"",
]


def make_everything(tree):
    """A tree with all that a tree can have, but for what cannot be read: pipes, sockets and devices. It is made from
    outside of containers, since their image has nothing that sets access lists."""
    tree.mkdir()
    (tree / "empty-file").touch()
    write_random(tree / "large", 24 * MIB + 1, seed=31)
    (tree / "small").mkdir()
    for number in range(500):
        write_random(tree / "small" / f"file-{number}", number * 7, seed=number)
    (tree / "names").mkdir()
    for name in NAMES:
        pathlib.Path(os.fsdecode(os.fsencode(tree / "names") + b"/" + name)).write_bytes(name)
    os.mkdir(os.fsencode(tree / "names") + b"/folder\xe9")
    os.symlink(b"target\xe9", os.fsencode(tree / "names") + b"/link\xe9")
    make_links(tree)
    make_holes(tree / "holes")
    make_modes(tree / "modes")
    make_attributes(tree / "attributes")
    # Last: what is made in a folder changes its time.
    make_times(tree / "times")
    os.utime(tree, ns=(0, 987_654_321))


def make_links(tree):
    folder = tree / "links"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "first").write_text("one file of four names\n")
    for name in [folder / "in" / "second", folder / "third", tree / "far-from-the-others"]:
        os.link(folder / "in" / "first", name)
    targets = {
        "relative": "in/first", "up": os.path.join("..", "small", "file-1"), "dangling": "nowhere/at all",
        "absolute": "/etc/passwd", "to-folder": "in", "to-folder-slash": "in/", "to-itself": "to-itself", "around": "..",
        "long": "y" * 1000,
    }
    for name, target in targets.items():
        os.symlink(target, folder / name)
    os.lchown(folder / "relative", 33, 34)
    os.utime(folder / "dangling", ns=(0, 1_000_000_000 * NANOSECOND + 7), follow_symlinks=False)


def make_holes(folder):
    """Sparse files: of several holes, one that begins with a hole, one that ends with it, one that is nothing else."""
    folder.mkdir()
    islands = {
        "several": [(0, b"start"), (3 * MIB, b"x" * 70_000), (9 * MIB + 5, b"y"), (40 * MIB, b"end")],
        "begins": [(30 * MIB, b"content")], "ends": [(0, b"content")], "only": [], "zeros": [(MIB, bytes(200_000))],
    }
    for name, pieces in islands.items():
        with open(folder / name, "wb") as file:
            for offset, piece in pieces:
                os.pwrite(file.fileno(), piece, offset)
            file.truncate(max([30 * MIB, *(offset + len(piece) for offset, piece in pieces)]))
            os.fsync(file.fileno())


def make_modes(folder):
    """Owners that have no name anywhere, the three bits above the rights, and rights that shut everybody out."""
    modes = {
        "setuid": 0o4755, "setgid": 0o2755, "both": 0o6711, "sticky": 0o1644, "none": 0o000, "all": 0o777,
        "write-only": 0o222,
    }
    for number, (name, mode) in enumerate(modes.items()):
        for place, owner in [(folder, 0), (folder / "of-others", 70_000 + number)]:
            place.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(name)
            (place / f"{name}.d").mkdir()
            (place / f"{name}.d" / "in").write_text(name)
            for path in [place / name, place / f"{name}.d"]:
                os.chown(path, owner, owner)
                path.chmod(mode)
    (folder / "empty" / "deep" / "deeper").mkdir(parents=True)
    (folder / "empty").chmod(0o2750)


def make_attributes(folder):
    (folder / "folder").mkdir(parents=True)
    (folder / "file").write_text("attributes and lists\n")
    (folder / "list-only").write_text("a list\n")
    for path in [folder / "file", folder / "folder"]:
        os.setxattr(path, "user.note", b"bytes \x00\xff of any kind")
        os.setxattr(path, "user.empty", b"")
        os.setxattr(path, "user.large", bytes(range(256)) * 8)
    grants = {"file": ["u:33:rw,g:34:r,m::r"], "list-only": ["u:70000:---,g:34:rwx"],
              "folder": ["u:33:rwx", "d:u:33:rwx,d:g:34:r-x,d:o::-"]}
    for name, lists in grants.items():
        for words in lists:
            subprocess.run(["setfacl", "-m", words, folder / name], check=True)
    # What is made in a folder with a default list inherits it.
    (folder / "folder" / "heir").mkdir()
    (folder / "folder" / "heir" / "file").write_text("an heir\n")


def make_times(folder):
    folder.mkdir()
    for name, seconds in TIMES.items():
        (folder / name).write_text(name)
        (folder / f"{name}.d").mkdir()
        os.symlink(name, folder / f"{name}.l")
        for path in [folder / name, folder / f"{name}.d", folder / f"{name}.l"]:
            os.utime(path, ns=(0, seconds * 1_000_000_000 + NANOSECOND), follow_symlinks=False)


def rsync(first, second, *options):
    """What rsync would change in the second folder; it looks at each byte."""
    return subprocess.run(
        ["rsync", "-aAXHSn", "--checksum", "--delete", "--itemize-changes", *options, f"{first}/", f"{second}/"],
        check=True, capture_output=True).stdout.decode(errors="backslashreplace").splitlines()


def archive(tree):
    """What tar lists of each entry: owners by number, times to the nanosecond, attributes and access lists."""
    flags = ["--acls", "--xattrs", "--numeric-owner", "--format=posix"]
    with subprocess.Popen(
            ["tar", "-C", tree, *flags, "--sort=name", "-cf", "-", "."], stdout=subprocess.PIPE) as writer:
        listed = subprocess.run(
            ["tar", *flags, "--full-time", "-tvvf", "-"], stdin=writer.stdout, check=True, capture_output=True).stdout
    equal(writer.returncode, 0, "tar's exit code")
    entries = []
    for line in listed.decode(errors="backslashreplace").splitlines():
        # A line that is indented tells of the entry above it. File systems list attributes in any order.
        entries = [*entries[:-1], sorted([*entries[-1], line])] if line.startswith("  ") else [*entries, [line]]
    return entries


def stretches(path):
    """Where a file has content and no holes, as the file system tells, and its blocks."""
    found, place = [], 0
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        while place < status.st_size:
            try:
                start = os.lseek(file.fileno(), place, os.SEEK_DATA)
            except OSError:
                break  # nothing but a hole follows
            place = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            found.append((start, place))
    return found, status.st_blocks


def expect_same(tree, back):
    equal((rsync(tree, back)[:20], rsync(back, tree)[:20]), ([], []), "what rsync would change, there and back")
    differing = [(one, other) for one, other in zip(archive(tree), archive(back), strict=True) if one != other]
    equal(differing[:20], [], "entries that tar lists otherwise")
    if (tree / "holes").is_dir():
        for path in (tree / "holes").iterdir():
            equal(stretches(back / "holes" / path.name), stretches(path), f"content of {path.name} and its blocks")


def statuses(tree):
    """Of each file, folder and link once, whatever the number of its names."""
    paths = [tree, *(pathlib.Path(folder) / name for folder, *names in os.walk(tree) for name in sum(names, []))]
    return {status.st_ino: status for status in map(os.lstat, paths)}.values()


def expect_told(complaint, tree):
    """What an ordinary user cannot have is told in a line for each kind, with its count, and nothing else is."""
    bits = stat.S_ISUID | stat.S_ISGID
    counts = {
        "its owner is not restored": len(statuses(tree)),
        "its set-user-ID and set-group-ID bits are not restored": sum(
            bool(status.st_mode & bits) and not stat.S_ISLNK(status.st_mode) for status in statuses(tree)),
    }
    # On a busy machine it takes long enough to tell how far it is.
    told = [line for line in complaint.splitlines() if not re.match(r"retrieve +\d+ %", line)]
    for kind, count in counts.items():
        expect(count < 2 or any(f"of {count} in all: {kind}" in line for line in told), f"{count} × {kind}: {told}")
    # The first of each kind is named before all are counted.
    equal(len(told), sum(min(count, 2) for count in counts.values()), f"lines of {told}")


def retrieve_as_root(depot, scratch, name, tree):
    answer = depot.depot("retrieve", name, "-r", "-o", f"/out/{name}")
    equal((answer.code, answer.err), (0, ""), "root's exit code, and what is told")
    expect_same(tree, scratch.out / name)
    shutil.rmtree(scratch.out / name)


def retrieve_as_user(depot, scratch, name, tree):
    home = scratch.out / "home"
    home.mkdir()
    os.chown(home, USER, USER)
    done = subprocess.run(
        ["docker", "exec", "--user", str(USER), depot.client, "depot", "retrieve", name, "-r", "-o", "/out/home/back"],
        capture_output=True, text=True)
    equal(done.returncode, 0, f"the user's exit code, with {done.stderr}")
    expect_told(done.stderr, tree)
    changes = rsync(tree, home / "back", "--no-owner", "--no-group", "--chmod=ug-s")
    equal(changes[:20], [], "what rsync would change but for owners and their bits")
    equal({status.st_uid for status in statuses(home / "back")}, {USER}, "owners")
    shutil.rmtree(home)


def whole_trees(depot, scratch):
    """A tree with everything, and real ones of a Debian container: retrieved by root and by an ordinary user, with
    all replicas and with one stopped, they are what rsync and tar call the same."""
    tree = scratch.out / "trees"
    tree.mkdir()
    make_everything(tree / "everything")
    for folder in REAL_TREES:
        docker(
            "run", "--rm", "-v", f"{tree}:/trees", "debian:bookworm-slim",
            "cp", "-a", folder, f"/trees/{folder[1:].replace('/', '-')}")
    names = sorted(os.listdir(tree))
    began = time.monotonic()
    for name in names:
        answer = depot.must("deposit", f"/out/trees/{name}", 3, "-r", "--as", name)
        equal((answer["skipped"], answer["failed"]), ([], []), f"left out of {name}")
        print(f"   {name}: {answer['totals']}")
    print(f"   deposited in {time.monotonic() - began:.0f} s", flush=True)
    for stopped in [[], ["replica1"]]:
        for service in stopped:
            docker("stop", depot.container(service))
        began = time.monotonic()
        for name in names:
            retrieve_as_root(depot, scratch, name, tree / name)
            retrieve_as_user(depot, scratch, name, tree / name)
        print(f"   retrieved and compared in {time.monotonic() - began:.0f} s, stopped: {stopped}", flush=True)
        depot.start(*stopped)
    depot.await_up(ALL_REPLICAS)
    depot.must("delete", "-r", "--purge", *names)
    shutil.rmtree(tree)
