"""docker/tls.yml: what somebody meets who reads packets, has no certificate, or has the wrong one."""

import socket
import ssl
import subprocess

from composition import ALL_REPLICAS, Composition, docker
from support import MIB, equal, expect, write_random


def secured(depot, scratch):
    """Everything works over TLS 1.3; other versions, plain HTTP, and callers of replicas without a certificate do not."""
    write_random(scratch.files / "secured", 20 * MIB, seed=43)
    with Composition(scratch.files, scratch.out, tls=True) as safe:
        receipt = safe.must("deposit", "/work/secured", "3")
        equal(receipt["copies"], 3, "copies over TLS")
        safe.kill("replica2")
        scratch.back(safe, "secured")
        safe.start("replica2")
        safe.await_up(ALL_REPLICAS)
        status = safe.must("status")
        days = [status["certificateDaysLeft"], *(replica["certificateDaysLeft"] for replica in status["replicas"])]
        expect(all(30 < left <= 825 for left in days), f"days left of certificates: {days}")
        expect_handshakes(safe, scratch)
        expect_replica_closed(safe)
        expect_keys_apart(safe)
        # A second start keeps what the first has made.
        before = key_of(safe, "replica1")
        safe.compose("up", "-d", "--no-build")
        safe.await_up(ALL_REPLICAS)
        equal(key_of(safe, "replica1"), before, "the key after another start")


def key_of(safe, service):
    return docker("exec", safe.container(service), "cat", "/tls/own/key.pem")


def handshake(port, context):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as secure:
            return secure.version()


def expect_handshakes(safe, scratch):
    docker("cp", f"{safe.container('fileserver')}:/tls/own/ca.pem", str(scratch.out / "ca.pem"))
    known = ssl.create_default_context(cafile=str(scratch.out / "ca.pem"))
    equal(handshake(safe.port, known), "TLSv1.3", "version")
    old = ssl.create_default_context(cafile=str(scratch.out / "ca.pem"))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    for name, context in {"TLS 1.2": old, "a client that knows other authorities": ssl.create_default_context()}.items():
        try:
            handshake(safe.port, context)
        except ssl.SSLError:
            continue
        expect(False, f"{name} is refused")
    with socket.create_connection(("127.0.0.1", safe.port), timeout=10) as plain:
        plain.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        expect(b"https://" in plain.recv(4096), "plain HTTP is told to use https")


def expect_replica_closed(safe):
    """Health is for everybody; anything else wants the FileServer's certificate, whatever token is shown."""
    container = safe.container("replica1")
    healthy = subprocess.run(["docker", "exec", container, "depot", "health", "https://127.0.0.1:7401"], capture_output=True)
    equal(healthy.returncode, 0, "health of a replica")
    token = docker("exec", container, "cat", "/secrets/cluster/token")
    blind = ssl._create_unverified_context()
    address = safe.address("replica1", safe.storage("replica1"))
    request = f"GET /r1/standing HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"
    with socket.create_connection((address, 7401), timeout=10) as plain:
        with blind.wrap_socket(plain) as secure:
            secure.sendall(request.encode())
            expect(b" 401 " in secure.recv(4096), "a caller without a certificate is refused by a replica")


def expect_keys_apart(safe):
    """No daemon mounts the CA's key, or another one's."""
    for service in ["fileserver", *ALL_REPLICAS]:
        found = docker("exec", safe.container(service), "sh", "-c", "ls /tls/own; find / -name '*key.pem' 2>/dev/null; true")
        equal(
            sorted(found.split()), ["/tls/own/key.pem", "ca.pem", "certificate.pem", "key.pem"],
            f"files of certificates in {service}")
