"""Holds what deploy/ says against those who read it: Kubernetes' own JSON schema (strict, so no name is unknown), the
Compose specification, the parser of Docker, and the server itself, which must understand each setting that is handed
to it. Run by scripts/rings/deploy with the Python that scripts/lib.sh prepares; BINARY is `chaoke`.

usage: manifests.py BINARY"""

import copy
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import compose_spec
import dockerfile
import kubernetes_validate
import yaml

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
KUBERNETES = "1.37"
failed = False


def check(name, act):
    """Runs one check and says how it went, in the form that scripts/tally.mjs counts."""
    global failed
    try:
        act()
    except Exception as error:  # whatever it is, the check did not pass
        failed = True
        print(f"{name}: {error}", file=sys.stderr)
        print(f"check {name} ... FAILED", flush=True)
    else:
        print(f"check {name} ... ok", flush=True)


def refuses(what, act):
    """A check that takes everything proves nothing: a mistake must be seen."""
    try:
        act()
    except Exception:
        return
    raise AssertionError(f"{what} was not noticed")


def version():
    return re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]


def objects(name):
    return [one for one in yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text()) if one]


def containers(name):
    for one in objects(name):
        if "template" in one.get("spec", {}):
            yield from one["spec"]["template"]["spec"]["containers"]


def understood(binary, settings, environment, secret):
    """Has the server read a configuration file and an environment as it would at a start."""
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "secret"
        key.write_text("a-secret-of-the-check\n")
        file = Path(folder) / "chaoke.toml"
        file.write_text(re.sub(secret, str(key), settings))
        own = {name: re.sub(secret, str(key), str(value)) for name, value in environment.items()}
        told = subprocess.run(
            [binary, "config", "check", "--config", str(file)],
            env={"PATH": os.environ["PATH"]} | own,
            capture_output=True,
            text=True,
        )
    # What looks like a setting and is none is told beside, and does not stop it.
    if told.returncode != 0 or "is not read" in told.stderr:
        raise AssertionError(told.stderr.strip())


def kubernetes(name, binary):
    for one in objects(name):
        kubernetes_validate.validate(one, KUBERNETES, strict=True)
        wrong = copy.deepcopy(one)
        wrong.setdefault("spec", {})["replica"] = 1
        refuses(f"a wrong name in {one['kind']}", lambda: kubernetes_validate.validate(wrong, KUBERNETES, strict=True))
    settings = next(one["data"]["chaoke.toml"] for one in objects(name) if one["kind"] == "ConfigMap")
    for container in containers(name):
        assert container["image"] == f"chaoke:{version()}", f"the image is {container['image']}"
        environment = {
            entry["name"]: entry.get("value", "name-of-the-pod").replace("$(POD_IP)", "10.0.0.1")
            for entry in container.get("env", [])
        }
        understood(binary, settings, environment, r"/run/secrets/chaoke/[a-z-]+")
        refuses("a wrong setting", lambda: understood(binary, settings + "nets = 1\n", environment, "/run/secrets/chaoke/[a-z-]+"))


def compose(name, binary):
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (DEPLOY / name).read_text())
    # Written out, because the parser does not know what `<<` means in YAML.
    whole = yaml.safe_load(text)
    compose_spec.PyCompose.from_yaml(yaml.safe_dump(whole))
    for service, what in whole["services"].items():
        wrong = copy.deepcopy(whole)
        wrong["services"][service]["imagee"] = "x"
        refuses(f"a wrong name in {service}", lambda: compose_spec.PyCompose.from_yaml(yaml.safe_dump(wrong)))
        if what["image"].startswith("chaoke:"):
            assert what["image"] == f"chaoke:{version()}", f"the image is {what['image']}"
            understood(binary, "", what["environment"], r"/run/secrets/cluster-key")


def containerfile():
    commands = dockerfile.parse_file(str(DEPLOY / "Containerfile"))
    said = {command.cmd: command.value for command in commands}
    assert said["USER"] == ("10001:10001",), "it does not run as 10001"
    assert said["HEALTHCHECK"][0] == "CMD" and said["HEALTHCHECK"][1:] == ("chaoke", "healthcheck"), "no healthcheck"
    assert said["ARG"] == (f"RELEASE=chaoke-{version()}-linux-x86_64",), "it packs another release"
    order = [command.cmd for command in commands]
    assert order.index("USER") > max(n for n, cmd in enumerate(order) if cmd == "RUN"), "something runs as the server"


def main():
    binary = sys.argv[1]
    for name in ["single.yaml", "cluster.yaml"]:
        check(f"kubernetes-{name}", lambda: kubernetes(name, binary))
    for name in ["compose.yaml", "compose.cluster.yaml"]:
        check(name, lambda: compose(name, binary))
    check("containerfile", containerfile)
    sys.exit(failed)


main()
