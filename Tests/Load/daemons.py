"""A FileServer and its replicas as processes of the real binary, in a temporary folder; what is measured of them."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time


class Failed(Exception):
    """Something came out otherwise than expected."""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Daemon:
    """One process, and what the kernel says of it."""

    def __init__(self, name, words, environment, log):
        self.name, self.port = name, int(words[words.index("--listen") + 1].split(":")[1])
        self.log = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(words, env=environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL)

    @property
    def is_alive(self):
        return self.process.poll() is None

    def status(self, field):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise Failed(f"{self.name} has no {field}")

    def peak(self):
        """Mebibytes of the highest resident memory since `forget_peak`."""
        return self.status("VmHWM") / 1024

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def sockets(self):
        """Their inodes."""
        found = set()
        for path in pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                target = os.readlink(path)
            except OSError:
                continue  # It was closed while we looked.
            if target.startswith("socket:["):
                found.add(target[8:-1])
        return found

    def cpu(self):
        """Seconds of all cores so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        if self.is_alive:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Depot:
    """All of them, and a client."""

    def __init__(self, binary, folder, replicas=3):
        self.binary, self.folder, self.count = str(pathlib.Path(binary).resolve()), folder, replicas
        self.daemons = []

    def __enter__(self):
        # Whoever ends this script ends the daemons with it.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        secrets = [str(self.folder / f"{name}.token") for name in ["cluster", "client"]]
        subprocess.run([self.binary, "token", *secrets], check=True, capture_output=True)
        self.cluster_token, self.client_token = (pathlib.Path(path).read_text().strip() for path in secrets)
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("DEPOT_")}
        self.environment.update(
            DEPOT_CLUSTER_TOKEN_FILE=secrets[0], DEPOT_TOKEN_FILE=secrets[1], XDG_CACHE_HOME=str(self.folder / "cache"))
        try:
            replicas = [
                self.start(f"replica{number}", "replica", "--name", f"replica{number}")
                for number in range(1, self.count + 1)]
            named = [word for replica in replicas for word in ("--replica", f"http://127.0.0.1:{replica.port}")]
            self.fileserver = self.start("fileserver", "serve", *named)
            self.replicas = replicas
            self.environment["DEPOT_SERVER"] = f"http://127.0.0.1:{self.fileserver.port}"
            self.await_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self, name, role, *words):
        port = free_port()
        daemon = Daemon(
            name, [self.binary, role, "--data", str(self.folder / name), "--listen", f"127.0.0.1:{port}", *words],
            self.environment, self.folder / f"{name}.log")
        self.daemons.append(daemon)
        return daemon

    def await_up(self, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            told = self.run("status", "--json")
            if told.returncode == 0:
                states = [replica["state"] for replica in json.loads(told.stdout)["replicas"]]
                if states == ["up"] * self.count:
                    return
            time.sleep(0.2)
        raise Failed(f"not all daemons were up within {seconds} s: {told.stdout} {told.stderr}")

    def __exit__(self, *_):
        for daemon in reversed(self.daemons):
            daemon.stop()

    def run(self, *words, timeout=120):
        """One command of the client; never throws for its exit code."""
        return subprocess.run(
            [self.binary, *map(str, words)], env=self.environment, capture_output=True, text=True, timeout=timeout)

    def must(self, *words):
        done = self.run(*words)
        if done.returncode != 0:
            raise Failed(f"depot {' '.join(map(str, words))}: exit code {done.returncode}: {done.stdout} {done.stderr}")
        return done.stdout

    def request(self, daemon, method, path, token, headers=(), body=b""):
        """One plain request: its status and its body."""
        head = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{daemon.port}", f"Authorization: Bearer {token}",
                f"Content-Length: {len(body)}", "Connection: close", *headers]
        with socket.create_connection(("127.0.0.1", daemon.port), 10) as connection:
            connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
            answer = b""
            while part := connection.recv(1 << 16):
                answer += part
        told, _, content = answer.partition(b"\r\n\r\n")
        return int(told.split()[1]), content

    def descriptors(self):
        """How many each daemon has open, without the connections between FileServer and replicas: some are kept for the
        next work, at most 32 to each replica."""
        of_fileserver = self.fileserver.sockets()
        pooled = {replica.name: 0 for replica in self.replicas}
        names = {replica.port: replica.name for replica in self.replicas}
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            words = line.split()
            name = names.get(int(words[2].split(":")[1], 16))
            if name and words[9] in of_fileserver:
                pooled[name] += 1
        pooled["fileserver"] = sum(pooled.values())
        return {daemon.name: daemon.descriptors() - pooled[daemon.name] for daemon in self.daemons}

    def last_words(self):
        for daemon in self.daemons:
            print(f"--- last words of {daemon.name}, which {'runs' if daemon.is_alive else 'has ended'}")
            print("\n".join(daemon.log.read_text(errors="replace").splitlines()[-3:]))
