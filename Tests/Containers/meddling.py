"""A proxy that meddles between the FileServer and its replicas, and between client and FileServer: see meddler.py."""

import contextlib
import filecmp
import os
import random
import time

from composition import ALL_REPLICAS, docker
from meddler import Meddler
from network import OPERATION_MAX, error_of
from support import MIB, equal, expect

# Between 5 s and 5 min on a quiet machine, depending on --full.
OPERATIONS, OPERATIONS_FULL = 60, 600
SHARE = 0.12
# Not 70, a mistake of depot. 64, because what the FileServer cannot read was sent wrongly, as far as it knows.
CLEAR_FAILURES = {2, 3, 4, 5, 7, 8, 64}


@contextlib.contextmanager
def meddled_replicas(depot, seed):
    """Whatever the FileServer says to a replica from now on, and what it answers, passes through a meddler."""
    with contextlib.ExitStack() as stack:
        meddlers = []
        for index, service in enumerate(ALL_REPLICAS):
            network = depot.storage(service)
            gateway = docker(
                "network", "inspect", f"{depot.project}_{network}", "-f", "{{(index .IPAM.Config 0).Gateway}}")
            address = depot.address(service, network)
            meddler = stack.enter_context(Meddler(gateway, (address, 7401), seed * 10 + index, SHARE))
            meddlers.append(meddler)
            to_replica = ["OUTPUT", "-d", address, "-p", "tcp", "--dport", "7401"]
            for table, target in [
                    ("nat", ["DNAT", "--to-destination", f"{gateway}:{meddler.port}"]),
                    # Connections from before are cut; those that are made now go elsewhere.
                    ("filter", ["REJECT", "--reject-with", "tcp-reset"])]:
                rule = [*to_replica, "-j", *target]
                depot.inside("fileserver", "-n", "iptables", "-w", "-t", table, "-A", *rule)
                stack.callback(depot.inside, "fileserver", "-n", "iptables", "-w", "-t", table, "-D", *rule)
        yield meddlers


@contextlib.contextmanager
def meddled_client(depot, seed):
    """The client speaks to the FileServer through a meddler."""
    gateway = docker("network", "inspect", f"{depot.project}_front", "-f", "{{(index .IPAM.Config 0).Gateway}}")
    with Meddler(gateway, (depot.address("fileserver", "front"), 7400), seed, SHARE) as meddler:
        depot.server = f"http://{gateway}:{meddler.port}"
        try:
            yield [meddler]
        finally:
            depot.server = None


class Mix:
    """Operations by chance, and what the depot may hold after each."""

    def __init__(self, depot, scratch, seed, label):
        self.depot, self.scratch, self.label = depot, scratch, label
        self.source = random.Random(seed)
        # By name, the files that may be what the depot has of it; None: it may have none.
        self.possible = {}
        self.codes = {}

    def run(self, count):
        operations = [self.deposit] * 5 + [self.retrieve] * 4 + [self.change] * 3 + [
            self.delete, self.drain, self.verify]
        for _ in range(count):
            self.source.choice(operations)()
        print(f"   exit codes: {self.codes}")

    def timed(self, *words, codes=()):
        began = time.monotonic()
        outcome = self.depot.depot(*words)
        what = " ".join(map(str, words))
        took = time.monotonic() - began
        self.codes[outcome.code] = self.codes.get(outcome.code, 0) + 1
        if outcome.code or took > 10:
            print(f"      {what}: {outcome.code} in {took:.1f} s{error_of(outcome)}", flush=True)
        expect(took < OPERATION_MAX, f"{what} took {took:.0f} s")
        expect(outcome.code in {0, *CLEAR_FAILURES, *codes}, f"{what} ended with {outcome.code}: {outcome.out}")
        return outcome

    def name(self):
        """Mostly of a file that is there."""
        there = sorted(name for name, possible in self.possible.items() if possible != {None})
        if there and self.source.random() < 0.9:
            return self.source.choice(there)
        return f"{self.label}-{self.source.randrange(8)}"

    def deposit(self):
        name = f"{self.label}-{self.source.randrange(8)}"
        path = self.scratch.files / f"{name}-{self.source.getrandbits(32)}"
        path.write_bytes(self.source.randbytes(self.source.choice([0, 100, 70_000, MIB, 5 * MIB])))
        outcome = self.timed("deposit", f"/work/{path.name}", self.source.randrange(1, 5), "--as", name)
        self.possible[name] = {path} if outcome.code == 0 else self.possible.get(name, {None}) | {path}

    def retrieve(self):
        name = self.name()
        outcome = self.timed("retrieve", name, "-o", "/out/meddled")
        self.check(name, outcome.code)

    def check(self, name, code):
        """What came back is one of the files that it may be."""
        back = self.scratch.out / "meddled"
        possible = self.possible.get(name, {None})
        equal(back.exists(), code == 0, "a file appears when it is whole")
        if code == 3:
            expect(None in possible, f"{name} is gone")
        if code == 0:
            found = {path for path in possible if path and filecmp.cmp(path, back, shallow=False)}
            expect(found, f"{name} came back as none of {possible}")
            back.unlink()

    def change(self):
        self.timed("change-replication", self.name(), self.source.randrange(1, 5))

    def delete(self):
        name = self.name()
        outcome = self.timed("delete", name)
        if outcome.code == 0:
            self.possible[name] = {None}
        elif outcome.code != 3:
            self.possible[name] = self.possible.get(name, {None}) | {None}

    def drain(self):
        replica = self.source.choice(ALL_REPLICAS)
        self.timed("drain", replica, "--no-wait")
        self.timed("drain", replica, "--stop")

    def verify(self):
        self.timed("verify", "--unpaced", codes=(1,))

    def settle(self):
        """Nobody meddles any more: everything heals, and each name is what it may be."""
        depot = self.depot
        for replica in ALL_REPLICAS:
            depot.must("drain", replica, "--stop")
        depot.await_up(ALL_REPLICAS)
        depot.await_that(lambda: depot.depot("verify", "--unpaced").code == 0, "a verification is clean", 120)
        for name, possible in self.possible.items():
            outcome = depot.depot("retrieve", name, "-o", "/out/meddled")
            expect(outcome.code in ({0, 3} if None in possible else {0}), f"{name}: {outcome.code}: {outcome.out}")
            self.check(name, outcome.code)
            if outcome.code == 0:
                depot.must("delete", name)


def meddled(meddling, label, count):
    """The scenario of one place to meddle."""
    def scenario(depot, scratch):
        seed = int(os.environ.get("DEPOT_SEED", random.SystemRandom().getrandbits(24)))
        print(f"   DEPOT_SEED={seed} replays this")
        mix = Mix(depot, scratch, seed, label)
        with meddling(depot, seed) as meddlers:
            mix.run(count)
        print(f"   {sum(one.exchanges for one in meddlers)} exchanges; "
              f"{ {fault: sum(one.counts[fault] for one in meddlers) for fault in meddlers[0].counts} }")
        mix.settle()
    return scenario
