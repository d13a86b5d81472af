"""What somebody finds who has taken a daemon over: no root, no capability, nothing to write to, no token lying about."""

import json
import pathlib
import subprocess
import time

from composition import ALL_REPLICAS, docker
from support import MIB, equal, expect, write_random

USER = "10001"
MEMORY_OF_FILESERVER, MEMORY_OF_REPLICA = 512 * MIB, 384 * MIB
PROCESSES = 256
# The binary, its libraries and a busybox: what is not there has no holes.
IMAGE_SIZE = 120 * MIB
# What a container can write to; the kernel's own file systems are not counted.
WRITABLE = {"/data", "/tmp"}
KERNEL = ("/proc", "/sys", "/dev")
# The kernel keeps these limits in files of one name or the other, by the version of its control groups.
LIMIT_FILES = {
    "memory": ["memory/{}/memory.limit_in_bytes", "{}/memory.max"], "pids": ["pids/{}/pids.max", "{}/pids.max"]}


def hardened(depot, scratch):
    """Each protection of each container, as the engine and the kernel see it; the ordinary work is done under them."""
    write_random(scratch.files / "hardened", 20 * MIB, seed=41)
    client = depot.compose("run", "-d", "-T", "--entrypoint", "sleep", "client", "600").stdout.strip()
    services = {name: depot.container(name) for name in ["fileserver", *ALL_REPLICAS]}
    try:
        for service, container in {**services, "client": client}.items():
            memory = MEMORY_OF_REPLICA if service in ALL_REPLICAS else MEMORY_OF_FILESERVER
            expect_asked_for(service, container, memory)
            expect_confined(service, container, memory)
        expect_asked_for("tokens", depot.container("tokens"), MEMORY_OF_FILESERVER)
        expect_small()
        expect_published(depot)
        expect_apart(depot)
        work_as_usual(depot, scratch, client)
        expect_room(services)
        expect_no_tokens(depot, [*services.values(), client, depot.container("tokens")])
    finally:
        docker("rm", "-f", "-v", client, check=False)


def expect_asked_for(service, container, memory):
    """What the engine was told."""
    [found] = json.loads(docker("inspect", container))
    host = found["HostConfig"]
    wanted = {
        "ReadonlyRootfs": True, "Privileged": False, "CapAdd": None, "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"], "Memory": memory, "PidsLimit": PROCESSES, "PidMode": "",
        "UsernsMode": "", "Devices": None,
        "LogConfig": {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}},
    }
    equal({name: host[name] for name in wanted}, wanted, f"what the engine was told of {service}")
    equal(found["Config"]["User"].split(":")[0], USER, f"the user of {service}")
    expect(host["NetworkMode"] != "host" and host["IpcMode"] != "host", f"{service} shares nothing with the host")
    sockets = [mount["Source"] for mount in found["Mounts"] if mount["Source"].endswith(".sock")]
    equal(sockets, [], f"sockets of the host in {service}")


def processes(container):
    """The processes of a container, as the host numbers them."""
    return docker("top", container, "-eo", "pid").split()[1:]


def expect_confined(service, container, memory):
    """What the kernel has made of it, for every process of the container."""
    numbers = processes(container)
    seen = 0
    for number in numbers:
        try:
            expect_process_confined(service, number, memory)
            seen += 1
        except (FileNotFoundError, ProcessLookupError):
            continue  # The check of the container's health, which has ended since.
    expect(seen >= 2, f"{service} has its first process and its own: {seen} of {numbers}")
    equal(writable(numbers[0]), WRITABLE, f"what {service} can write to")
    # Folders that belong to whoever tries: nothing but the file system being read-only refuses it.
    for user, folders in [("0", ["/", "/usr/local/bin", "/etc"]), (USER, ["/work"])]:
        for folder in folders:
            tried = subprocess.run(
                ["docker", "exec", "--user", user, container, "touch", f"{folder}/written"], capture_output=True, text=True)
            expect("Read-only file system" in tried.stderr, f"user {user} writes to {folder} of {service}: {tried.stderr}")
    tried = subprocess.run(
        ["docker", "exec", container, "sh", "-c", "cp /bin/true /tmp/program && /tmp/program"],
        capture_output=True, text=True)
    expect("Permission denied" in tried.stderr, f"a program in /tmp of {service} is run: {tried.stderr}")
    docker("exec", container, "rm", "/tmp/program")


def expect_process_confined(service, number, memory):
    """The same of one process. Throws as the kernel does where it has ended."""
    status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{number}/status").read_text().splitlines())
    what = f"process {status['Name']} of {service}"
    for ids in ["Uid", "Gid"]:
        equal(set(status[ids].split()), {USER}, f"{ids} of {what}")
    for kind in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]:
        equal(int(status[kind], 16), 0, f"{kind} of {what}")
    equal((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"), f"NoNewPrivs and Seccomp of {what}")
    equal(limit(number, "memory"), str(memory), f"bytes of memory of {what}")
    equal(limit(number, "pids"), str(PROCESSES), f"processes that {what} may have")


def limit(process, controller):
    """What bounds a process, as its control group has it."""
    for line in pathlib.Path(f"/proc/{process}/cgroup").read_text().splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        for name in LIMIT_FILES[controller]:
            for root in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]:
                path = pathlib.Path(root, name.format(group.strip("/")))
                if path.exists():
                    return path.read_text().strip()
    return None


def writable(process):
    """The places that are mounted for writing."""
    mounts = [line.split() for line in pathlib.Path(f"/proc/{process}/mountinfo").read_text().splitlines()]
    return {
        words[4] for words in mounts
        if "rw" in words[5].split(",") and not f"{words[4]}/".startswith(tuple(f"{place}/" for place in KERNEL))
        # Docker's own files, which only root could write to.
        and words[4] not in ("/etc/resolv.conf", "/etc/hostname", "/etc/hosts")}


def expect_small():
    """The image, as it lies on a disk."""
    size = int(docker("image", "inspect", "depot:latest", "-f", "{{.Size}}"))
    expect(size < IMAGE_SIZE, f"the image has {size} bytes, of {IMAGE_SIZE}")
    print(f"   the image has {size / MIB:.1f} MiB")


def expect_published(depot):
    """One port, on loopback."""
    ports = {
        service: json.loads(docker("inspect", depot.container(service), "-f", "{{json .HostConfig.PortBindings}}"))
        for service in ["fileserver", *ALL_REPLICAS]}
    expected = {service: {} for service in ALL_REPLICAS}
    expected["fileserver"] = {"7400/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(depot.port)}]}
    equal({service: found or {} for service, found in ports.items()}, expected, "published ports")


def expect_apart(depot):
    """A replica that was taken over has the cluster's token, and finds no other replica to use it on. The FileServer does,
    so that the addresses are right."""
    for service in ALL_REPLICAS:
        address = depot.address(service, depot.storage(service))
        words = ["depot", "health", f"http://{address}:7401"]
        for other in ["fileserver", *ALL_REPLICAS]:
            reached = subprocess.run(
                ["docker", "exec", depot.container(other), "timeout", "1", *words], capture_output=True).returncode == 0
            equal(reached, other in ("fileserver", service), f"{other} reaches {service}")


def work_as_usual(depot, scratch, client):
    """A deposit, a retrieval and a verification by a client that is confined like the rest."""
    def run(*words):
        done = subprocess.run(["docker", "exec", client, "depot", *words], capture_output=True)
        equal(done.returncode, 0, f"exit code of {words}, with {done.stderr.decode()}")
        return done.stdout

    began = time.monotonic()
    run("deposit", "/work/hardened", "3")
    content = (scratch.files / "hardened").read_bytes()
    expect(run("retrieve", "hardened", "-o", "-") == content, "the file came back equal")
    run("retrieve", "hardened", "-o", "/data/back")
    run("verify", "--unpaced")
    run("delete", "--purge", "hardened")
    print(f"   deposited, retrieved twice, verified and deleted in {time.monotonic() - began:.1f} s")
    depot.await_up(ALL_REPLICAS)


def expect_room(services):
    """Nobody was killed for memory, and nobody came near the number of processes."""
    for service, container in services.items():
        state = json.loads(docker("inspect", container))[0]["State"]
        equal((state["Status"], state["OOMKilled"]), ("running", False), f"state of {service}")
        threads = sum(len(list(pathlib.Path(f"/proc/{number}/task").iterdir())) for number in processes(container))
        expect(threads < PROCESSES // 2, f"{service} has {threads} threads, of {PROCESSES}")


def expect_no_tokens(depot, containers):
    """The tokens are in their two volumes and in the memory of the daemons, and nowhere else."""
    tokens = {}
    for name in ["client", "cluster"]:
        volume = docker("volume", "inspect", f"{depot.project}_{name}-token", "-f", "{{.Mountpoint}}")
        path = pathlib.Path(volume, "token")
        equal(path.stat().st_mode & 0o077, 0, f"rights of others on the {name} token")
        tokens[name] = path.read_bytes().strip()
        expect(len(tokens[name]) >= 32, f"the {name} token is long")

    def expect_absent(text, what):
        for name, token in tokens.items():
            expect(token not in text, f"the {name} token is in {what}")

    for container in containers:
        expect_absent(docker("inspect", container).encode(), f"what the engine tells of {container}")
        logs = subprocess.run(["docker", "logs", container], capture_output=True)
        expect_absent(logs.stdout + logs.stderr, f"the log of {container}")
    for container in containers[:-1]:
        for number in processes(container):
            for file in ["environ", "cmdline"]:
                expect_absent(pathlib.Path(f"/proc/{number}/{file}").read_bytes(), f"{file} of {container}")
    is_readable = False
    for part in image():
        expect_absent(part, "the image")
        is_readable |= b"depot:x:10001:" in part
    expect(is_readable, "the image's layers can be searched: the user whom they make is found")
    # A client that never sees the cluster's token cannot give it away.
    mounts = json.loads(docker("inspect", depot.client))[0]["Mounts"]
    expect(not any("cluster" in mount["Destination"] for mount in mounts), "the client has no cluster token")


def image():
    """All layers and the configuration of the image, in parts that overlap by more than a token has."""
    with subprocess.Popen(["docker", "save", "depot:latest"], stdout=subprocess.PIPE) as saving:
        last = b""
        while part := saving.stdout.read(8 * MIB):
            yield last + part
            last = part[-1024:]
    equal(saving.returncode, 0, "exit code of docker save")
