"""The five-replica composition as the scenarios use it: real containers, killed and damaged for real."""

import json
import os
import pathlib
import random
import subprocess
import threading
import time

PROJECT = f"depot-test-{os.getpid()}"
ALL_REPLICAS = [f"replica{number}" for number in range(1, 6)]


class Failed(Exception):
    """A command that ended otherwise than expected."""


class Outcome:
    """How a command of the client ended: its exit code and the one JSON object that it printed."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)


def docker(*words, check=True, **options):
    done = subprocess.run(["docker", *words], capture_output=True, text=True, **options)
    if check and done.returncode != 0:
        raise Failed(f"docker {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


class Composition:
    """docker-compose.yml, started under a name of its own, with a client container that stays.

    With `small_disks`, the replicas' volumes are of 24 MiB; with `tls`, docker/tls.yml is put over it."""

    def __init__(self, files, out, small_disks=False, tls=False):
        self.files, self.out = files, out
        self.port = random.randint(20000, 30000)
        self.project = PROJECT + ("-small" if small_disks else "") + ("-tls" if tls else "")
        self.tls = tls
        self.client = f"{self.project}-client"
        # Where the client finds the FileServer, if not where the composition has it.
        self.server = None
        self.composed = ["-f", "docker-compose.yml"]
        if small_disks:
            self.composed += ["-f", "Tests/Containers/small-disks.yml"]
        if tls:
            self.composed += ["-f", "docker/tls.yml"]

    def compose(self, *words, check=True):
        environment = dict(os.environ, DEPOT_PORT=str(self.port), DEPOT_FILES=str(self.files))
        done = subprocess.run(
            ["docker-compose", "-p", self.project, *self.composed, *words],
            capture_output=True, text=True, env=environment)
        if check and done.returncode != 0:
            raise Failed(f"docker-compose {' '.join(words)}: {done.stderr.strip()}")
        return done

    def __enter__(self):
        self.compose("up", "-d", "--no-build")
        secured = [
            "-v", f"{self.project}_tls-client:/tls/own:ro", "-e", "DEPOT_CA_FILE=/tls/own/ca.pem"] if self.tls else []
        # Runs as root so that the files it brings back belong to whoever runs the tests.
        docker(
            "run", "-d", "--name", self.client, "--user", "0", "--network", f"{self.project}_front",
            "-v", f"{self.project}_client-token:/secrets/client:ro", "-v", f"{self.files}:/work:ro",
            "-v", f"{self.out}:/out", *secured,
            "-e", f"DEPOT_SERVER={'https' if self.tls else 'http'}://fileserver:7400",
            "-e", "DEPOT_TOKEN_FILE=/secrets/client/token", "--entrypoint", "sleep",
            "depot:latest", "infinity")
        self.await_up(ALL_REPLICAS)
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            for service in ["fileserver", *ALL_REPLICAS]:
                print(f"--- last words of {service}")
                print(self.compose("logs", "--no-color", "--tail=15", service, check=False).stdout)
        docker("rm", "-f", "-v", self.client, check=False)
        self.compose("down", "-v", "--remove-orphans", "-t", "5", check=False)

    def container(self, service):
        return f"{self.project}_{service}_1"

    def depot(self, *words, stdin=None):
        """Runs one command of the client, with `--json`; never throws for its exit code."""
        options = ["-i"] if stdin is not None else []
        if self.server:
            options += ["-e", f"DEPOT_SERVER={self.server}"]
        done = subprocess.run(
            ["docker", "exec", *options, self.client, "depot", *map(str, words), "--json"],
            input=stdin, capture_output=True, text=True)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def must(self, *words, code=0):
        """Runs one command that has to end with this exit code."""
        outcome = self.depot(*words)
        if outcome.code != code:
            raise Failed(
                f"depot {' '.join(map(str, words))}: exit code {outcome.code}, expected {code}\n"
                f"{outcome.out[-2000:]}\n{outcome.err[-2000:]}")
        return outcome.json if outcome.out.strip() else {}

    def replicas(self):
        return {replica["name"]: replica for replica in self.must("status")["replicas"]}

    def await_up(self, expected, seconds=120):
        """Waits until exactly these replicas answer; one that stalled lately is up, too."""
        self.await_that(
            lambda: {
                name for name, replica in self.replicas().items() if replica["state"] in ("up", "slow")
            } == set(expected),
            f"{expected} are up", seconds)

    def await_that(self, is_true, what, seconds=60):
        deadline = time.monotonic() + seconds
        last = None
        while time.monotonic() < deadline:
            try:
                if is_true():
                    return
            except (Failed, json.JSONDecodeError, KeyError) as error:
                last = error
            time.sleep(0.3)
        raise Failed(f"waited {seconds} s that {what}; last: {last}")

    def kill(self, *services):
        for service in services:
            docker("kill", "--signal", "KILL", self.container(service))

    def start(self, *services):
        for service in services:
            docker("start", self.container(service))

    def folder(self, service):
        """A replica's data folder, on the host."""
        mount = docker("volume", "inspect", f"{self.project}_{service}", "-f", "{{.Mountpoint}}")
        return pathlib.Path(mount)

    def segments(self, service):
        """The segment files of a replica, on the host."""
        return sorted((self.folder(service) / "segments").glob("*.tar"))

    def process(self, service):
        """The process of a service's daemon, as the host numbers it; its container's first process only waits."""
        first = docker("inspect", self.container(service), "-f", "{{.State.Pid}}")
        return int(pathlib.Path(f"/proc/{first}/task/{first}/children").read_text().split()[0])

    def storage(self, replica):
        """The network that a replica shares with the FileServer."""
        return f"storage{replica.removeprefix('replica')}"

    def address(self, service, network):
        networks = json.loads(docker("inspect", self.container(service)))[0]["NetworkSettings"]["Networks"]
        return networks[f"{self.project}_{network}"]["IPAddress"]

    def inside(self, service, namespace, *words, check=True):
        """Runs a command of this machine inside one namespace of a service's container: `-n` network, `-m` mounts."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.process(service)), namespace, *map(str, words)], capture_output=True, text=True)
        if check and done.returncode != 0:
            raise Failed(f"{' '.join(map(str, words))} at {service}: {done.stderr.strip()}")
        return done.stdout

    def on_host(self, *words):
        subprocess.run([*map(str, words)], check=True)

    def resize_disk(self, service, options):
        """Remounts a small disk, such as with `size=400m`."""
        self.on_host("mount", "-o", f"remount,{options}", self.folder(service))

    def good_copies(self, name):
        """How many good copies each chunk of a file has, by chunk."""
        chunks = self.must("info", name)["chunks"]
        return {
            chunk["id"]: sum(holding["state"] == "good" for holding in chunk["holdings"])
            for chunk in chunks
        }


class PeakMemory:
    """Watches the peak resident memory of every depot process on this machine, by role."""

    def __init__(self):
        self.peaks = {}
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()

    def watch(self):
        while not self.stopped.wait(0.1):
            for process in pathlib.Path("/proc").glob("[0-9]*"):
                self.note(process)

    def note(self, process):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            if len(words) < 2 or pathlib.Path(words[0].decode()).name != "depot":
                return
            for line in (process / "status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    role = words[1].decode()
                    mebibytes = int(line.split()[1]) / 1024
                    self.peaks[role] = max(self.peaks.get(role, 0), mebibytes)
        except (OSError, UnicodeDecodeError):
            return  # the process ended while we looked
