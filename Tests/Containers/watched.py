"""The profile `monitoring`: what Prometheus sees of the composition, and what its token opens."""

import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import urllib.request

import hardening
from composition import ALL_REPLICAS, Failed, docker
from support import MIB, equal, expect, write_random

ALERTS = pathlib.Path(__file__).resolve().parents[2] / "docker" / "monitoring" / "alerts.yml"


def watched(depot, scratch):
    """Prometheus reaches all daemons with tokens that open nothing else, has all alarms, and notices a replica that is gone."""
    write_random(scratch.files / "watched", MIB, seed=47)
    depot.must("deposit", "/work/watched", "3")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])
    os.environ["PROMETHEUS_PORT"] = port
    try:
        # Grafana comes from elsewhere; Tests/Monitoring asks what its dashboard asks.
        depot.compose("--profile", "monitoring", "up", "-d", "--build", "prometheus")
        hardening.expect_asked_for("prometheus", depot.container("prometheus"), hardening.MEMORY_OF_FILESERVER)

        def ask(path):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=10) as answer:
                    return json.load(answer)["data"]
            except (OSError, http.client.HTTPException) as error:  # It may not listen yet.
                raise Failed(f"Prometheus does not answer: {error}") from error

        def value(question):
            result = ask(f"query?query={question}")["result"]
            if len(result) != 1:
                raise Failed(f"{question} has no value yet")
            return float(result[0]["value"][1])

        def targets():
            return sorted(target["health"] for target in ask("targets")["activeTargets"])

        depot.await_that(lambda: targets() == ["up"] * (1 + len(ALL_REPLICAS)), "all daemons are scraped", 90)
        rules = [rule["name"] for group in ask("rules")["groups"] for rule in group["rules"]]
        equal(sorted(rules), sorted(re.findall(r"alert: (\w+)", ALERTS.read_text())), "alarms")
        depot.await_that(lambda: value("sum(depot_replica_up)") == len(ALL_REPLICAS), "all replicas are seen", 60)
        depot.kill("replica2")
        depot.await_that(lambda: value("sum(depot_replica_up)") == len(ALL_REPLICAS) - 1, "one is missed", 60)
        expect_little_opened(depot)
    finally:
        depot.start("replica2")
        depot.compose("--profile", "monitoring", "rm", "-s", "-f", "-v", "prometheus", "observer", check=False)
        del os.environ["PROMETHEUS_PORT"]
        for volume in ["prometheus", "observer-token"]:
            docker("volume", "rm", "-f", f"{depot.project}_{volume}", check=False)
    depot.await_up(ALL_REPLICAS)


def expect_little_opened(depot):
    """Whoever takes Prometheus over reads no file, nor what it is called."""
    environment = ["-e", "DEPOT_TOKEN_FILE=/secrets/observer/token", "-e", "DEPOT_SERVER=http://fileserver:7400"]
    for words, code in [(["status"], 0), (["list"], 6), (["retrieve", "watched", "-o", "-"], 6)]:
        tried = subprocess.run(
            ["docker", "run", "--rm", "--network", f"{depot.project}_front", *environment,
             "-v", f"{depot.project}_observer-token:/secrets/observer:ro", "depot:latest", *words], capture_output=True, text=True)
        equal(tried.returncode, code, f"depot {words[0]} with the token of Prometheus: {tried.stderr}")
        expect("watched" not in tried.stdout, f"depot {words[0]} names no file to it")
