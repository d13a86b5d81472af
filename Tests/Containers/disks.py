"""Disks without room, and without inodes."""

import contextlib
import os

from composition import ALL_REPLICAS, Composition, docker
from network import error_of
from support import MIB, equal, expect, write_random

# What a full disk may make of an operation; 70, a mistake of depot, is none of these.
CLEAR_FAILURES = {4, 5, 7, 8}


def full_disk(_, scratch):
    """Replicas on full disks refuse, lose nothing, and take more once they have room, without a restart."""
    write_random(scratch.files / "fits", 8 * MIB, seed=21)
    write_random(scratch.files / "too-large", 100 * MIB, seed=22)
    with Composition(scratch.files, scratch.out, small_disks=True) as depot:
        depot.must("deposit", "/work/fits", 3)
        refused = depot.depot("deposit", "/work/too-large", 3)
        expect(refused.code in (5, 7), f"exit code of the refusal: {refused.code}: {refused.out}")
        # Replicas that are known to be full are not asked again; the answer must not change for that.
        again = depot.must("deposit", "/work/too-large", 3, code=7)
        equal(again["error"]["code"], "storageFull", "the refusal")
        equal([file["name"] for file in depot.must("list")["files"]], ["fits"], "what is there")
        scratch.back(depot, "fits")
        collection_on_full_disks(depot, scratch)
        for service in ALL_REPLICAS:
            depot.resize_disk(service, "size=400m")
        depot.await_that(
            lambda: depot.depot("deposit", "/work/too-large", 3).code == 0, "the deposit finds room")
        equal(set(depot.good_copies("too-large").values()), {3}, "copies")
        scratch.back(depot, "too-large")
        scratch.back(depot, "fits")


def collection_on_full_disks(depot, scratch):
    """What the refused deposit has left is taken away though the disks are full; then there is room for something."""
    write_random(scratch.files / "after", 12 * MIB, seed=23)
    # Copies of a deposit that came to nothing are known when inventories were compared.
    depot.depot("verify", "--unpaced")
    depot.await_that(
        lambda: depot.must("collect", "--grace", "0s")["freedBytes"] == 0, "collection has done all that it can")
    depot.await_that(
        lambda: depot.depot("deposit", "/work/after", 3).code == 0, "collection makes room for a deposit")
    scratch.back(depot, "after")
    depot.must("delete", "--purge", "after")
    depot.must("collect", "--grace", "0s")


@contextlib.contextmanager
def without_room(depot):
    """Somebody else has written the disks full to the last block."""
    for service in ALL_REPLICAS:
        depot.inside(service, "-m", "dd", "if=/dev/zero", "of=/data/filler", "bs=64k", check=False)
        depot.inside(service, "-m", "dd", "if=/dev/zero", "of=/data/filler2", "bs=512", check=False)
    try:
        yield
    finally:
        for service in ALL_REPLICAS:
            depot.inside(service, "-m", "rm", "-f", "/data/filler", "/data/filler2")


@contextlib.contextmanager
def without_inodes(depot):
    """No further file can be made."""
    for service in ALL_REPLICAS:
        disk = os.statvfs(depot.folder(service))
        depot.resize_disk(service, f"nr_inodes={disk.f_files - disk.f_ffree}")
    try:
        yield
    finally:
        for service in ALL_REPLICAS:
            depot.resize_disk(service, "nr_inodes=100000")


class Mix:
    """Each operation on a file of its own, first without room and then, the same again, with room."""

    def __init__(self, depot, scratch):
        self.depot, self.scratch = depot, scratch
        for index, (name, level) in enumerate(
                [("kept", 3), ("raised", 1), ("lowered", 3), ("deleted", 3), ("gone", 2)]):
            write_random(scratch.files / name, MIB, seed=40 + index)
            depot.must("deposit", f"/work/{name}", level)
        write_random(scratch.files / "new", 6 * MIB, seed=50)
        depot.must("delete", "gone")

    def attempt(self, clear=CLEAR_FAILURES):
        codes = {}
        for words in [
                ["deposit", "/work/new", 3], ["change-replication", "raised", 4],
                ["change-replication", "lowered", 1], ["delete", "deleted"], ["verify", "--unpaced"],
                ["drain", "replica1", "--no-wait"], ["drain", "replica1", "--stop"], ["collect", "--grace", "0s"]]:
            outcome = self.depot.depot(*words)
            codes[words[0]] = outcome.code
            print(f"      {' '.join(map(str, words))}: {outcome.code}{error_of(outcome)}", flush=True)
            allowed = {0, *clear} | ({1, 2} if words[0] == "verify" else set())
            # A file that was deleted is not there to be deleted again.
            allowed |= {3} if words[0] == "delete" else set()
            expect(outcome.code in allowed, f"{words} ended with {outcome.code}: {outcome.out} {outcome.err}")
        for name in ["kept", "raised", "lowered"]:
            self.scratch.back(self.depot, name)
        return codes


def no_room(_, scratch):
    """Without a block, then without an inode: clear refusals, nothing lost; afterwards all of it works at once."""
    for fault in [without_room, without_inodes]:
        print(f"   {fault.__name__}")
        with Composition(scratch.files, scratch.out, small_disks=True) as depot:
            for service in ALL_REPLICAS:
                depot.resize_disk(service, "size=64m")
            mix = Mix(depot, scratch)
            with fault(depot):
                mix.attempt()
            depot.await_up(ALL_REPLICAS)
            depot.await_that(lambda: depot.depot("deposit", "/work/new", 3).code == 0, "there is room again")
            depot.await_that(lambda: depot.depot("verify", "--unpaced").code == 0, "a verification is clean")
            mix.attempt(clear=set())
            # One that was full is not asked for half a minute; what was raised meanwhile is lacking copies until then.
            depot.await_that(lambda: depot.depot("verify", "--unpaced").code == 0, "all levels hold")
            scratch.back(depot, "new")
            levels = {name: depot.must("info", name)["level"] for name in ["kept", "raised", "lowered"]}
            equal(levels, {"kept": 3, "raised": 4, "lowered": 1}, "levels")
            for service in ALL_REPLICAS:
                equal(docker("inspect", depot.container(service), "-f", "{{.RestartCount}}"), "0", "restarts")
