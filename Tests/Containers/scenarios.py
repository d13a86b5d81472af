"""What depot must show, on real containers. Each scenario leaves the composition whole for the next."""

import argparse
import filecmp
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request

import damage
import disks
import hardening
import meddling
import network
import secured
import trees
import watched
from composition import ALL_REPLICAS, Composition, PeakMemory, docker
from support import MIB, Scratch, equal, expect, flip, regular_files, write_random


def a_real_tree(depot, scratch):
    """A real tree at level 3; one replica killed, another damaged; everything comes back, bad copies named."""
    tree = scratch.files / "tree"
    files = regular_files(tree)
    size = sum((tree / name).stat().st_size for name in files)
    expect(len(files) >= 1000 and size >= 1 << 30, f"the corpus is too small: {len(files)} files, {size} bytes")
    began = time.monotonic()
    answer = depot.must("deposit", "/work/tree", 3, "-r", "--as", "tree")
    print(f"   deposited {len(files)} files, {size >> 20} MiB in {time.monotonic() - began:.0f} s; "
          f"{answer['totals']}")
    equal(len(answer["files"]), len(files), "files deposited")
    expect(all(file["copies"] == 3 and not file["degraded"] for file in answer["files"]), "three copies each")

    depot.kill("replica1")
    docker("stop", depot.container("replica2"))
    for segment in depot.segments("replica2"):
        flip(segment, every=5 * MIB, count=40)
    depot.start("replica2")
    damaged = depot.replicas()["replica2"]["id"]
    depot.await_up(["replica2", "replica3", "replica4", "replica5"])

    began = time.monotonic()
    answer = depot.must("retrieve", "tree", "-r", "-o", "/out/tree")
    print(f"   retrieved in {time.monotonic() - began:.0f} s")
    back = scratch.out / "tree"
    # Names are kept below the prefix that was asked for, or whole: either way all of them.
    back = back / "tree" if (back / "tree").is_dir() else back
    equal(regular_files(back), files, "files retrieved")
    _, different, wrong = filecmp.cmpfiles(tree, back, files, shallow=False)
    equal((different, wrong), ([], []), "files that differ")
    bad = [copy for file in answer["files"] for copy in file["badCopies"]]
    expect(any(copy["replica"] == damaged for copy in bad), f"the damaged copies are named: {bad[:5]}")
    print(f"   bad copies named: {len(bad)}")
    shutil.rmtree(back)
    depot.start("replica1")
    depot.await_up(ALL_REPLICAS)


def levels_change(depot, scratch):
    """Level 3 to 4, 1 and 3: `info` is true at each step, and copies never fall below the smaller level."""
    write_random(scratch.files / "levels", 40 * MIB, seed=11)
    depot.must("deposit", "/work/levels", 3)
    low = []
    for before, after in [(3, 4), (4, 1), (1, 3)]:
        done = threading.Event()

        def watch(floor=min(before, after)):
            while not done.is_set():
                fewest = min(depot.good_copies("levels").values())
                if fewest < floor:
                    low.append((floor, fewest))

        watcher = threading.Thread(target=watch)
        watcher.start()
        answer = depot.must("change-replication", "levels", after)
        done.set()
        watcher.join()
        equal((answer["from"], answer["to"]), (before, after), "the change")
        depot.await_that(
            lambda: set(depot.good_copies("levels").values()) == {after}, f"level {after} holds")
        equal(depot.must("info", "levels")["level"], after, "info says the level")
        print(f"   {before} → {after}: {answer['copied']} copied, {answer['dropped']} dropped")
    equal(low, [], "moments with too few copies")
    scratch.back(depot, "levels")


def chunks_are_shared(depot, scratch):
    """The same file twice, an edit in the middle, and two files at different levels that share chunks."""
    first = write_random(scratch.files / "shared", 32 * MIB, seed=12)
    depot.must("deposit", "/work/shared", 2)
    again = depot.must("deposit", "/work/shared", 2, "--as", "shared-again")
    equal((again["newChunks"], again["newBytes"]), (0, 0), "the same file again")
    content = first.read_bytes()
    (scratch.files / "edited").write_bytes(content[:16 * MIB] + random.Random(1).randbytes(1024) + content[16 * MIB:])
    edited = depot.must("deposit", "/work/edited", 2)
    expect(1 <= edited["newChunks"] <= 3, f"1 KiB inserted cost {edited['newChunks']} chunks")

    depot.must("deposit", "/work/shared", 4, "--as", "shared-4")
    pinned = depot.must("change-replication", "shared-again", 1)
    expect(pinned["pinned"] > 0 and pinned["dropped"] == 0, f"copies are pinned by the other file: {pinned}")
    copies = depot.good_copies("shared")
    # The manifest is among the chunks, and is shared too: the same content has the same manifest.
    equal(set(copies.values()), {4}, "copies while a file at level 4 lives")
    depot.must("delete", "--purge", "shared-4")
    depot.await_that(
        lambda: set(depot.good_copies("shared").values()) == {2}, "copies fall to 2 when it is deleted")
    depot.must("delete", "shared-4", code=3)
    scratch.back(depot, "shared")


def replicas_gone(depot, scratch):
    """Two of five gone: three copies all the same, and of four three: degraded, or refused with --require-all. Three
    gone: nobody may change anything, since the others may follow another FileServer; everything is read."""
    write_random(scratch.files / "gone", 20 * MIB, seed=13)
    write_random(scratch.files / "gone4", 20 * MIB, seed=14)
    depot.kill("replica1", "replica2")
    answer = depot.must("deposit", "/work/gone", 3)
    equal((answer["copies"], answer["degraded"]), (3, False), "copies with two replicas gone")
    answer = depot.must("deposit", "/work/gone4", 4)
    equal((answer["copies"], answer["degraded"]), (3, True), "copies of four with two replicas gone")
    refused = depot.must("deposit", "/work/gone4", 4, "--as", "all", "--require-all", code=5)
    equal(refused["error"]["code"], "notEnoughReplicas", "the refusal")
    depot.must("info", "all", code=3)
    depot.kill("replica3")
    refused = depot.must("deposit", "/work/gone", 1, "--as", "few", code=5)
    equal(refused["error"]["code"], "notEnoughReplicas", "the refusal where a majority is gone")
    scratch.back(depot, "gone4")
    depot.start("replica1", "replica2", "replica3")
    depot.await_up(ALL_REPLICAS)
    depot.must("change-replication", "gone4", 4)
    equal(set(depot.good_copies("gone4").values()), {4}, "asking for the level again makes up for it")


def killed_in_the_middle(depot, scratch):
    """kill -9 of the FileServer and of a replica during deposits: names are whole or absent; a rerun sends the rest."""
    big = write_random(scratch.files / "killed", 400 * MIB, seed=15)
    for victim, name in [("fileserver", "killed-a"), ("replica4", "killed-b")]:
        offset = 1 if victim == "replica4" else 0
        if offset:
            big.write_bytes(big.read_bytes()[::-1])
        outcomes = []
        worker = threading.Thread(target=lambda: outcomes.append(
            depot.depot("deposit", "/work/killed", 3, "--as", name)))
        worker.start()
        time.sleep(1.5)
        depot.kill(victim)
        time.sleep(1)
        depot.start(victim)
        there = depot.depot("info", name)
        worker.join()
        print(f"   {victim} killed: the deposit ended with {outcomes[0].code}")
        depot.await_up(ALL_REPLICAS)
        answer = depot.must("deposit", "/work/killed", 3, "--as", name)
        expect(answer["sharedBytes"] > 0, f"the rerun sent only the rest: {answer}")
        expect(there.code in (0, 3), f"the name is whole or absent: {there.out}")
        scratch.back(depot, name, original="killed")


def bounded_memory(depot, scratch, size):
    """A large file passes through with client and daemons below their bounds."""
    path = scratch.files / "large"
    subprocess.run(
        f"openssl enc -aes-128-ctr -nosalt -pass pass:depot -in /dev/zero 2>/dev/null | head -c {size} >{path}",
        shell=True, check=False)
    equal(path.stat().st_size, size, "the generated file")
    for service in ["fileserver", *ALL_REPLICAS]:
        docker("restart", depot.container(service))
    depot.await_up(ALL_REPLICAS)
    with PeakMemory() as memory:
        began = time.monotonic()
        depot.must("deposit", "/work/large", 2)
        middle = time.monotonic()
        depot.must("retrieve", "large", "-o", "/out/large")
        end = time.monotonic()
    print(f"   {size >> 20} MiB in {middle - began:.0f} s in, {end - middle:.0f} s out; peaks in MiB: "
          f"{ {role: round(peak) for role, peak in memory.peaks.items()} }")
    expect(filecmp.cmp(path, scratch.out / "large", shallow=False), "the large file came back equal")
    bounds = {"deposit": 128, "retrieve": 128, "serve": 256, "replica": 256}
    for role, bound in bounds.items():
        expect(0 < memory.peaks.get(role, 0) < bound, f"peak of {role}: {memory.peaks.get(role)} MiB, bound {bound}")
    (scratch.out / "large").unlink()
    path.unlink()


def plain_http(depot, scratch):
    """curl's way in and out, and what is refused."""
    token = docker("exec", depot.client, "cat", "/secrets/client/token")
    base = f"http://127.0.0.1:{depot.port}/v1/files"

    def call(method, path, body=None, **headers):
        headers.setdefault("Authorization", f"Bearer {token}")
        request = urllib.request.Request(
            base + path, data=body, method=method,
            headers={name.replace("_", "-"): value for name, value in headers.items()})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read(), dict(error.headers)

    content = random.Random(3).randbytes(3 * MIB)
    equal(call("PUT", "/web/page?level=3", content)[0], 201, "PUT")
    status, body, headers = call("GET", "/web/page/content")
    expect(status == 200 and body == content, "GET gives the bytes")
    tag = {name.lower(): value for name, value in headers.items()}["etag"]
    status, body, _ = call("GET", "/web/page/content", Range="bytes=1000000-1000009")
    equal((status, body), (206, content[1000000:1000010]), "a range")
    equal(call("GET", "/web/page/content", If_None_Match=tag)[0], 304, "If-None-Match")
    equal(call("HEAD", "/web/page/content")[0], 200, "HEAD")
    equal(call("GET", "/web/page/content", Authorization="Bearer wrong-wrong-wrong-wrong")[0], 401, "a wrong token")
    equal(call("PUT", "/%2e%2e/x?level=3", b"x")[0], 400, "a name that tries to escape")
    equal(call("DELETE", "/web/page")[0], 204, "DELETE")
    equal(call("GET", "/web/page/content")[0], 404, "GET after DELETE")
    client = depot.compose("run", "--rm", "-T", "client", "list", "--json")
    expect('"files"' in client.stdout, "the client service of the composition works")
    reached = subprocess.run(
        ["docker", "exec", depot.client, "depot", "health", "http://replica1:7401"], capture_output=True)
    expect(reached.returncode != 0, "a client cannot reach a replica")


NEED_TREE = [a_real_tree, damage.segments_wiped, damage.volume_wiped, damage.verify_is_cheap]


def corpus():
    """The tree that is deposited: a real one, of many files of all sizes."""
    named = os.environ.get("DEPOT_CORPUS")
    if named:
        return pathlib.Path(named)
    swift = pathlib.Path(shutil.which("swift")).resolve()
    return swift.parent.parent / "lib"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="also what takes long")
    parser.add_argument("--only", help="scenarios to run, by their first letters", nargs="+")
    arguments = parser.parse_args()
    scenarios = [
        ("plain_http", plain_http), ("hardened", hardening.hardened), ("secured", secured.secured),
        ("watched", watched.watched), ("levels_change", levels_change),
        ("chunks_are_shared", chunks_are_shared), ("replicas_gone", replicas_gone),
        ("full_disk", disks.full_disk), ("no_room", disks.no_room), ("killed_in_the_middle", killed_in_the_middle),
        ("whole_trees", trees.whole_trees),
        *((f"network_{fault}", network.network_fault(fault)) for fault in network.FAULTS
          if arguments.full or arguments.only or fault not in network.ONLY_FULL),
        *((f"meddled_{label}", meddling.meddled(
            place, label, meddling.OPERATIONS_FULL if arguments.full else meddling.OPERATIONS))
          for label, place in [("replicas", meddling.meddled_replicas), ("client", meddling.meddled_client)]),
        ("a_real_tree", a_real_tree), ("segments_wiped", damage.segments_wiped),
        ("volume_wiped", damage.volume_wiped), ("verify_is_cheap", damage.verify_is_cheap),
        ("bounded_memory", lambda depot, scratch: bounded_memory(
            depot, scratch, (10 << 30) if arguments.full else (1 << 30))),
    ]
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="depot-containers.") as folder:
        scratch = Scratch(pathlib.Path(folder))
        chosen = [
            (name, scenario) for name, scenario in scenarios
            if not arguments.only or name.startswith(tuple(arguments.only))
        ]
        if any(scenario in NEED_TREE for _, scenario in chosen):
            subprocess.run(["cp", "-a", str(corpus()), str(scratch.files / "tree")], check=True)
        with Composition(scratch.files, scratch.out) as depot:
            for name, scenario in chosen:
                print(f"== {name}", flush=True)
                began = time.monotonic()
                try:
                    scenario(depot, scratch)
                    passed += 1
                    print(f"   passed in {time.monotonic() - began:.0f} s", flush=True)
                except Exception:  # one scenario's failure must not hide the others
                    failed += 1
                    traceback.print_exc()
                    for service in ["replica1", "replica2", "replica3", "replica4", "replica5", "fileserver"]:
                        docker("start", depot.container(service), check=False)
            if failed:
                raise SystemExit(f"{passed} passed, {failed} failed")
    print(f"{passed} passed, {failed} failed")


if __name__ == "__main__":
    sys.exit(main())
