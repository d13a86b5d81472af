"""A replica whose network fails in every way that networks do, while every operation is asked of the FileServer.

Faults are made in the network namespace of the replica's container, with iptables and tc of this machine.
"""

import concurrent.futures
import contextlib
import filecmp
import os
import pathlib
import signal
import threading
import time

from composition import ALL_REPLICAS
from support import MIB, equal, expect, write_random

VICTIM = "replica2"
# An operation ends by itself within this, whatever the network does; the longest wait of one replica is for a disk.
OPERATION_MAX = 100
# From the end of a fault until everything is whole again.
HEALING_MAX = 90
# Exit codes of failures that name something outside of the client; 70, a bug, is none of them.
CLEAR_FAILURES = {4, 5, 7, 8}


# Faults: context managers that last as long as their body.

@contextlib.contextmanager
def cut(depot, chains):
    """No packet passes in these directions, seen from the replica. Its own health check goes by loopback."""
    drop(depot, "-I", chains)
    try:
        yield
    finally:
        drop(depot, "-D", chains)


def drop(depot, action, chains):
    for chain in chains:
        interface = {"INPUT": "-i", "OUTPUT": "-o"}[chain]
        depot.inside(VICTIM, "-n", "iptables", "-w", action, chain, "!", interface, "lo", "-j", "DROP")


@contextlib.contextmanager
def flapping(depot):
    """Cut for a second, open for a second, and so on."""
    over = threading.Event()

    def flap():
        while not over.is_set():
            with cut(depot, ["INPUT", "OUTPUT"]):
                over.wait(1)
            over.wait(1)

    flapper = threading.Thread(target=flap)
    flapper.start()
    try:
        yield
    finally:
        over.set()
        flapper.join()


@contextlib.contextmanager
def slow(depot):
    """A megabit a second in both directions: a hundred times less than anybody else has."""
    limit = ["root", "tbf", "rate", "1mbit", "burst", "32k", "latency", "400ms"]
    number = depot.inside(VICTIM, "-n", "ip", "-o", "link", "show", "eth0").split("@if")[1].split(":")[0]
    # The other end of the container's link; what it sends is what the replica receives.
    peer = next(
        link.name for link in pathlib.Path("/sys/class/net").iterdir()
        if (link / "ifindex").read_text().strip() == number)
    depot.inside(VICTIM, "-n", "tc", "qdisc", "add", "dev", "eth0", *limit)
    depot.on_host("tc", "qdisc", "add", "dev", peer, *limit)
    try:
        yield
    finally:
        depot.on_host("tc", "qdisc", "del", "dev", peer, "root")
        depot.inside(VICTIM, "-n", "tc", "qdisc", "del", "dev", "eth0", "root")


@contextlib.contextmanager
def stopped(depot, seconds):
    """SIGSTOP for at least so long: the kernel goes on to accept connections and bytes, and nobody answers."""
    process = depot.process(VICTIM)
    began = time.monotonic()
    os.kill(process, signal.SIGSTOP)
    try:
        yield
        time.sleep(max(0, seconds - (time.monotonic() - began)))
    finally:
        os.kill(process, signal.SIGCONT)


# The mix.

class Mix:
    """Files that every operation is tried on, and what has to be true of them afterwards."""

    def __init__(self, depot, scratch, fault):
        self.depot, self.scratch, self.fault = depot, scratch, fault
        # What a file's level may be: one value where the answer was known, else before and after.
        self.levels = {}
        self.deleted = set()
        for index, (name, level) in enumerate(
                [("kept", 3), ("raised", 2), ("lowered", 4), ("deleted", 2)]):
            self.write(name, index)
            depot.must("deposit", f"/work/{self.name(name)}", level)
            self.levels[name] = {level}

    def name(self, name):
        return f"{self.fault}-{name}"

    def write(self, name, index):
        return write_random(self.scratch.files / self.name(name), 2 * MIB, seed=hash_of(self.fault) + index)

    def during(self):
        """All operations at once, each in bounded time. The level changes and the drain go on side by side."""
        self.write("new", 4)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            work = [pool.submit(operation) for operation in [
                self.deposit, self.retrieve, lambda: self.change("raised", 4), lambda: self.change("lowered", 1),
                self.delete, self.drain, self.verify]]
        for done in work:
            done.result()
        self.change("raised", 2)
        self.change("lowered", 3)
        self.retrieve()

    def timed(self, *words, codes=()):
        began = time.monotonic()
        outcome = self.depot.depot(*words)
        took = time.monotonic() - began
        what = " ".join(map(str, words))
        print(f"      {what}: {outcome.code} in {took:.1f} s{error_of(outcome)}", flush=True)
        expect(took < OPERATION_MAX, f"{what} took {took:.0f} s")
        expect(outcome.code in {0, *CLEAR_FAILURES, *codes}, f"{what} ended with {outcome.code}: {outcome.out}")
        return outcome

    def deposit(self):
        outcome = self.timed("deposit", f"/work/{self.name('new')}", 3)
        if outcome.code == 0:
            self.levels["new"] = {3}
            expect(outcome.json["copies"] >= 2, f"copies: {outcome.json}")

    def retrieve(self):
        outcome = self.timed("retrieve", self.name("kept"), "-o", f"/out/{self.name('during')}-{time.monotonic()}")
        equal(outcome.code, 0, "a file that is whole elsewhere is read, whatever happens to one replica")
        for path in self.scratch.out.glob(f"{self.name('during')}-*"):
            expect(filecmp.cmp(path, self.scratch.files / self.name("kept"), shallow=False), "the bytes are right")
            path.unlink()

    def change(self, name, level):
        outcome = self.timed("change-replication", self.name(name), level)
        self.levels[name] = {level} if outcome.code == 0 else self.levels[name] | {level}

    def delete(self):
        outcome = self.timed("delete", self.name("deleted"))
        # Where it failed, it may have been done all the same.
        if outcome.code == 0 or self.depot.depot("info", self.name("deleted")).code == 3:
            del self.levels["deleted"]
            self.deleted.add("deleted")

    def drain(self):
        """Of the replica at fault, then of another; both are stopped again before they end."""
        for replica in [VICTIM, "replica4"]:
            self.timed("drain", replica, "--no-wait")
            time.sleep(2)
            equal(self.timed("drain", replica, "--stop").code, 0, "a drain can be stopped")

    def verify(self):
        self.timed("verify", "--unpaced", "--max-age", "1h", codes=(1, 2, 8))

    def after(self):
        """Heals by itself: all levels hold, nothing is wrong, and every byte that was acknowledged is there."""
        depot = self.depot
        began = time.monotonic()
        depot.await_up(ALL_REPLICAS)
        for name in list(self.levels):
            depot.await_that(
                lambda: min(depot.good_copies(self.name(name)).values()) >= self.level(name),
                f"{self.name(name)} has its copies", HEALING_MAX)
        depot.await_that(
            lambda: depot.depot("verify", "--unpaced").code == 0, "a verification is clean", HEALING_MAX)
        print(f"   healed in {time.monotonic() - began:.0f} s", flush=True)
        for name in self.levels:
            expect(self.level(name) in self.levels[name], f"{name}: {self.level(name)}, of {self.levels[name]}")
            self.scratch.back(depot, self.name(name))
        for name in self.deleted:
            depot.must("info", self.name(name), code=3)
        depot.must("delete", *map(self.name, self.levels))

    def level(self, name):
        return self.depot.must("info", self.name(name))["level"]


def hash_of(text):
    """The same in every run, unlike Python's own."""
    return int.from_bytes(text.encode()[:6], "big")


def error_of(outcome):
    try:
        return f"  {outcome.json['error']['code']}: {outcome.json['error']['message'][:160]}"
    except (ValueError, KeyError, TypeError):
        return ""


FAULTS = {
    "cut-in": lambda depot: cut(depot, ["INPUT"]),
    "cut-out": lambda depot: cut(depot, ["OUTPUT"]),
    "cut-both": lambda depot: cut(depot, ["INPUT", "OUTPUT"]),
    "flapping": flapping,
    "slow": slow,
    "stopped": lambda depot: stopped(depot, 80),
}

# What others show as well.
ONLY_FULL = {"cut-both"}


def network_fault(fault):
    """The scenario of one fault."""
    def scenario(depot, scratch):
        mix = Mix(depot, scratch, fault)
        with FAULTS[fault](depot):
            mix.during()
        mix.after()
    return scenario
