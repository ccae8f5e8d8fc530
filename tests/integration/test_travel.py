"""Images between mydocker, skopeo, podman, docker's archives and a registry, there and back; what is refused; kill -9 on the way."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import restore_busybox

HOST = "127.0.0.1:5000"
REGISTRY = """
version: 0.1
storage: {filesystem: {rootdirectory: DIRECTORY/registry}, delete: {enabled: true}}
http: {addr: "127.0.0.1:5000"AUTH}
log: {level: error}
"""
# htpasswd's form of 'secret'.
PASSWORD = "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"


class Images:
    """Two images, one on the other, with what is hard to carry: links, owners, capabilities, a whiteout."""

    def __init__(self, mydocker: Any) -> None:
        self.mydocker = mydocker
        links = "ln /d/hello /d/hard && ln -s hello /d/soft && mkfifo /d/fifo"
        script = f"mkdir -p /d/gone && echo hello > /d/hello && chown 12:34 /d/hello && {links} && echo x > /d/gone/x"
        assert mydocker("run", "--name", "made", "--network", "none", "busybox", "sh", "-c", script).rc == 0
        assert mydocker("commit", "-c", "ENV A=b", "made", "travel:base").rc == 0
        assert mydocker("run", "--name", "again", "--network", "none", "travel:base", "rm", "-r", "/d/gone").rc == 0
        assert mydocker("commit", "again", "travel:1").rc == 0
        mydocker("rm", "made", "again")
        self.id = self.field("travel:1", "Id")

    def field(self, name: str, key: str) -> Any:
        return json.loads(self.mydocker("image", "inspect", name).stdout)[0][key]

    def forget(self, *names: str) -> None:
        """Remove these images, whatever they are called."""
        for name in names:
            self.mydocker("rmi", "-f", name)

    def check(self, name: str, same: bool = True) -> None:
        """Run what has come back."""
        look = "cat /d/soft; stat -c '%u:%g %h' /d/hard; ls /d; echo $A"
        shown = self.mydocker("run", "--rm", "--network", "none", name, "sh", "-c", look)
        assert shown.stdout == "hello\n12:34 2\nfifo\nhard\nhello\nsoft\nb\n", shown.stderr
        if same:
            assert self.field(name, "Id") == self.id


def podman_command(mydocker: Any) -> str:
    """Podman with all that it keeps, its locks too, in the test's own directory; skip without it."""
    needs(mydocker, "podman")
    directory = mydocker.directory
    Path(f"{directory}/containers.conf").write_text('[engine]\nlock_type = "file"\n')
    places = f"--root {directory}/podman --runroot {directory}/podman-run --storage-driver vfs --tmpdir {directory}/podman-tmp"
    return f"env CONTAINERS_CONF={directory}/containers.conf podman {places}"


@pytest.fixture
def images(mydocker: Any) -> Iterator[Images]:
    made = Images(mydocker)
    yield made
    left = mydocker("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    made.forget(*(name for name in left if not name.startswith(("busybox:", "<none>"))))
    mydocker("image", "prune", "-f")
    assert mydocker("system", "check").stdout == ""


@pytest.fixture
def registry(mydocker: Any) -> Iterator[Any]:
    """docker's registry on loopback of the test's own network namespace."""
    yield from serving(mydocker, "")


def serving(mydocker: Any, auth: str) -> Iterator[Any]:
    if not mydocker.host.exists("docker-registry"):
        pytest.skip("docker-registry is not installed")
    text = REGISTRY.replace("DIRECTORY", mydocker.directory).replace("AUTH", "") + auth
    mydocker.sh(f"cat > registry.yml <<'END'\n{text}\nEND")
    pid = begun_to_serve(mydocker, "registry")
    yield mydocker
    mydocker.end(pid)


def begun_to_serve(mydocker: Any, name: str, address: str = HOST) -> int:
    """Start a registry that NAME.yml describes, and return its pid when it can be connected to."""
    pid = int(mydocker.sh(f"docker-registry serve {name}.yml > {name}.log 2>&1 & echo $!").stdout)
    connect = f"bash -c ': < /dev/tcp/{address.replace(':', '/')}'"
    mydocker.wait_until(lambda: mydocker.sh(connect).rc == 0)
    return pid


def needs(mydocker: Any, tool: str) -> None:
    if not mydocker.host.exists(tool):
        pytest.skip(f"{tool} is not installed")


def test_save_and_load(images: Images, mydocker: Any) -> None:
    mydocker("tag", "travel:1", "other.example/x:2")
    assert mydocker("save", "-o", "one.tar", "travel", "other.example/x:2").rc == 0
    images.forget("travel:1", "travel:base", "other.example/x:2")
    assert mydocker("image", "inspect", "travel:1").rc == 1
    loaded = mydocker("load", "-i", "one.tar")
    assert sorted(loaded.stdout.splitlines()) == [f"Loaded image: {n}" for n in ("other.example/x:2", "travel:1", "travel:base")]
    images.check("travel:1")
    images.check("other.example/x:2")
    assert mydocker.sh("{mydocker} save travel other.example/x:2 | cmp - one.tar").rc == 0


@pytest.mark.parametrize("command", ["gzip -c", "xz -0 -c", "zstd -q -c", "bzip2 -c"])
def test_a_compressed_archive_by_standard_input(images: Images, mydocker: Any, command: str) -> None:
    mydocker.sh(f"{{mydocker}} save travel:1 | {command} > it")
    images.forget("travel:1")
    assert mydocker.sh("{mydocker} load < it").stdout == "Loaded image: travel:1\n"
    images.check("travel:1")


def test_an_image_saved_by_id_has_no_name(images: Images, mydocker: Any) -> None:
    assert mydocker("save", "-o", "it.tar", images.id).rc == 0
    images.forget("travel:1")
    assert mydocker("load", "-i", "it.tar").stdout == f"Loaded image ID: {images.id}\n"
    images.check(images.id)


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
def test_skopeo(images: Images, mydocker: Any, form: str) -> None:
    needs(mydocker, "skopeo")
    mydocker("save", "-o", "ours.tar", "travel:1")
    copied = mydocker.sh(f"skopeo copy -q {form}:ours.tar:travel:1 {form}:theirs.tar:back/travel:7")
    assert copied.rc == 0, copied.stderr
    images.forget("travel:1")
    assert mydocker("load", "-i", "theirs.tar").stdout == "Loaded image: back/travel:7\n"
    images.check("back/travel:7")


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
def test_podman(images: Images, mydocker: Any, form: str) -> None:
    mydocker("save", "-o", "ours.tar", "travel:1")
    podman = podman_command(mydocker)
    assert mydocker.sh(f"{podman} load -q -i ours.tar").stdout.strip().endswith("/travel:1")
    images.forget("travel:1")
    saved = mydocker.sh(
        f"{podman} tag travel:1 pod.example/travel:1 && {podman} save -q --format {form} -o theirs.tar pod.example/travel:1"
    )
    assert saved.rc == 0, saved.stderr
    assert mydocker("load", "-i", "theirs.tar").stdout == "Loaded image: pod.example/travel:1\n"
    images.check("pod.example/travel:1")


def test_layers_have_explicit_whiteouts(images: Images, mydocker: Any) -> None:
    """As the image specification wants them written; an overlay has an opaque directory there."""
    assert mydocker("run", "--name", "made", "--network", "none", "travel:1", "sh", "-c", "rm -r /d && mkdir /d && echo > /d/new").rc == 0
    mydocker("commit", "made", "travel:2")
    mydocker("rm", "made")
    mydocker.sh("mkdir out && {mydocker} save travel:2 | tar -x -C out")
    layer = json.loads(mydocker.sh("cat out/manifest.json").stdout)[0]["Layers"][-1]
    gone = ["d/.wh.fifo", "d/.wh.hard", "d/.wh.hello", "d/.wh.soft"]
    names = mydocker.sh(f"tar -tzf out/{layer}").stdout.split()
    assert sorted(name for name in names if name.startswith("d/")) == ["d/", *gone, "d/new"]
    assert mydocker("run", "--rm", "--network", "none", "travel:2", "ls", "/d").stdout == "new\n"


def test_an_id_may_stand_for_several_manifests(images: Images, mydocker: Any) -> None:
    needs(mydocker, "skopeo")
    mydocker("save", "-o", "ours.tar", "travel:1")
    copied = mydocker.sh("skopeo copy -q --dest-compress-format zstd oci-archive:ours.tar:travel:1 oci-archive:zstd.tar:travel:zstd")
    assert copied.rc == 0, copied.stderr
    assert mydocker("load", "-i", "zstd.tar").stdout == "Loaded image: travel:zstd\n"
    images.check("travel:zstd")
    refused = mydocker("rmi", images.id)
    assert (refused.rc, "without force: it has 2 names" in refused.stderr) == (1, True)
    removed = mydocker("rmi", "-f", images.id).stdout.splitlines()
    assert {"Untagged: travel:1", "Untagged: travel:zstd", f"Deleted: {images.id}"} <= set(removed)
    assert mydocker("image", "inspect", "travel:1").rc == mydocker("image", "inspect", "travel:zstd").rc == 1


def test_the_archive_is_a_layout_that_umoci_reads(images: Images, mydocker: Any) -> None:
    needs(mydocker, "umoci")
    assert mydocker.sh("{mydocker} save travel:1 | (mkdir out && tar -C out -x) && umoci ls --layout out").stdout == "travel:1\n"


def test_push_and_pull(images: Images, registry: Any) -> None:
    mydocker, name = registry, f"{HOST}/t/travel:1"
    mydocker("tag", "travel:1", name)
    digest = mydocker("image", "inspect", "-f", "{{index .RepoDigests 0}}", name).stdout.strip().partition("@")[2]
    pushed = mydocker("push", name)
    assert pushed.rc == 0, pushed.stderr
    assert pushed.stdout.startswith(f"The push refers to repository [{HOST}/t/travel]\n")
    assert f"\n1: digest: {digest} size: " in pushed.stdout
    assert mydocker("push", name).stdout.count("Layer already exists") == 3
    images.forget(name, "travel:1", "travel:base", "busybox:latest")
    pulled = mydocker("pull", name)
    assert pulled.stdout.startswith("1: Pulling from t/travel\n"), pulled.stderr
    assert pulled.stdout.endswith(f"Digest: {digest}\nStatus: Downloaded newer image for {name}\n{name}\n")
    assert pulled.stdout.count("Pull complete") == 3
    assert f"Status: Image is up to date for {name}\n" in mydocker("pull", name).stdout
    images.check(name)
    images.check(f"{HOST}/t/travel@{digest}")
    assert mydocker("pull", "-q", f"{HOST}/t/travel@{digest}").stdout == f"{HOST}/t/travel@{digest}\n"
    images.forget(name, f"{HOST}/t/travel@{digest}")
    restore_busybox(mydocker)


@pytest.mark.parametrize("flags", [["-t", f"{HOST}/t/built:1", "--push"], ["-o", f"type=registry,name={HOST}/t/built:1"]])
def test_what_is_built_is_pushed(mydocker: Any, registry: Any, flags: list[str]) -> None:
    name = f"{HOST}/t/built:1"
    mydocker.sh("mkdir ctx && printf 'FROM busybox\\nRUN echo x > /x\\n' > ctx/Dockerfile")
    built = mydocker("build", *flags, "--annotation", "a=b", "--network", "none", "ctx")
    assert built.rc == 0 and "\n1: digest: sha256:" in built.stdout, built.stderr
    mydocker("rmi", name)
    mydocker("builder", "prune", "-f")
    assert mydocker("run", "--rm", "--network", "none", name, "cat", "/x").stdout == "x\n"
    mydocker("rmi", name)


def test_run_pulls_what_is_missing(images: Images, registry: Any) -> None:
    mydocker, name = registry, f"{HOST}/travel:1"
    mydocker("tag", "travel:1", name)
    mydocker("push", "-q", name)
    images.forget(name)
    assert mydocker("run", "--pull", "never", "--rm", name, "true").rc == 125
    first = mydocker("run", "--rm", "--network", "none", name, "cat", "/d/hello")
    assert (first.stdout, first.stderr.splitlines()[0]) == ("hello\n", f"Unable to find image '{name}' locally")
    quiet = mydocker("run", "--rm", "-q", "--pull", "always", "--network", "none", name, "cat", "/d/hello")
    assert (quiet.stdout, quiet.stderr) == ("hello\n", "")
    missing = mydocker("run", "--rm", f"{HOST}/nosuch", "true")
    assert missing.rc == 125
    assert f"cannot pull {HOST}/nosuch:latest: manifest latest of nosuch does not exist" in missing.stderr


def test_all_tags(images: Images, registry: Any) -> None:
    mydocker = registry
    for tag in ("one", "two"):
        mydocker("tag", "travel:1", f"{HOST}/many:{tag}")
    pushed = mydocker("push", "-a", f"{HOST}/many")
    assert [line.split(":")[0] for line in pushed.stdout.splitlines() if "digest:" in line] == ["one", "two"]
    images.forget(f"{HOST}/many:one", f"{HOST}/many:two")
    assert mydocker("pull", "-a", f"{HOST}/many").stdout.splitlines()[-1] == f"{HOST}/many"
    assert mydocker("images", "-q", f"{HOST}/many").stdout.split() == [images.id[7:19]] * 2
    assert HOST + "/many" in mydocker("search", f"{HOST}/man").stdout


def test_skopeo_and_podman_pull_what_we_push_and_we_what_they_push(images: Images, registry: Any) -> None:
    mydocker, name = registry, f"{HOST}/t/travel:1"
    needs(mydocker, "skopeo")
    mydocker("tag", "travel:1", name)
    mydocker("push", name)
    podman = podman_command(mydocker)
    pulled = mydocker.sh(f"{podman} pull -q --tls-verify=false {name}")
    assert pulled.stdout.strip() == images.id.removeprefix("sha256:"), pulled.stderr
    back = mydocker.sh(f"{podman} push -q --tls-verify=false {name} docker://{HOST}/podman/travel:1 --remove-signatures")
    assert back.rc == 0, back.stderr
    options = "--src-tls-verify=false --dest-tls-verify=false"
    copied = mydocker.sh(f"skopeo copy -q {options} --format v2s2 docker://{name} docker://{HOST}/skopeo/travel:1")
    assert copied.rc == 0, copied.stderr
    images.forget(name, "travel:1")
    for other in (f"{HOST}/podman/travel:1", f"{HOST}/skopeo/travel:1"):
        assert mydocker("pull", other).rc == 0
        images.check(other, same=False)
    theirs = json.loads(mydocker.sh(f"skopeo inspect --tls-verify=false docker://{HOST}/skopeo/travel:1").stdout)["Digest"]
    assert images.field(f"{HOST}/skopeo/travel:1", "RepoDigests") == [f"{HOST}/skopeo/travel@{theirs}"]


def test_an_index_of_platforms(images: Images, registry: Any) -> None:
    mydocker = registry
    needs(mydocker, "skopeo")
    mydocker.sh("mkdir -p arm/bin && echo arm > arm/bin/which && tar -C arm -c . | {mydocker} import --platform linux/arm64 - multi:arm")
    for tag, source in (("arm", "multi:arm"), ("own", "travel:1")):
        mydocker("tag", source, f"{HOST}/multi:{tag}")
        mydocker("push", f"{HOST}/multi:{tag}")
    index = mydocker.sh(f"python3 - <<'END'\n{MAKE_INDEX}\nEND").stdout.strip()
    images.forget(f"{HOST}/multi:arm", f"{HOST}/multi:own")
    assert f"Digest: {index}\n" in mydocker("pull", f"{HOST}/multi:all").stdout
    images.check(f"{HOST}/multi:all")
    images.check(f"{HOST}/multi@{index}")
    assert mydocker("pull", "--platform", "linux/arm64", f"{HOST}/multi:all").rc == 0
    assert images.field(f"{HOST}/multi:all", "Architecture") == "arm64"
    wrong = mydocker("pull", "--platform", "linux/s390x", f"{HOST}/multi:all")
    assert "no image for platform linux/s390x\nhint: there is linux/amd64, linux/arm64" in wrong.stderr
    assert "wanted linux/s390x, there is linux/arm64" in mydocker("pull", "--platform", "linux/s390x", f"{HOST}/multi:arm").stderr


MAKE_INDEX = """
import hashlib, json, urllib.request
base = "http://127.0.0.1:5000/v2/multi/manifests/"
kind = "application/vnd.oci.image.manifest.v1+json"
def get(tag):
    return urllib.request.urlopen(urllib.request.Request(base + tag, headers={"Accept": kind})).read()
entries = []
for tag, architecture in (("arm", "arm64"), ("own", "amd64")):
    data = get(tag)
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    entries.append({"mediaType": kind, "digest": digest, "size": len(data), "platform": {"os": "linux", "architecture": architecture}})
index = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}).encode()
headers = {"Content-Type": "application/vnd.oci.image.index.v1+json"}
urllib.request.urlopen(urllib.request.Request(base + "all", data=index, method="PUT", headers=headers))
print("sha256:" + hashlib.sha256(index).hexdigest())
"""


def test_login(images: Images, mydocker: Any) -> None:
    mydocker.sh(f"echo 'me:{PASSWORD}' > passwords")
    name = f"{HOST}/private:1"
    own = {"DOCKER_CONFIG": f"{mydocker.directory}/docker"}
    for _ in serving(mydocker, f"auth: {{htpasswd: {{realm: x, path: {mydocker.directory}/passwords}}}}"):
        mydocker("tag", "travel:1", name)
        denied = mydocker("push", name, env=own)
        assert (denied.rc, "denied" in denied.stderr, "mydocker login" in denied.stderr) == (1, True, True)
        assert mydocker("login", "-u", "me", "--password-stdin", HOST, stdin="wrong", env=own).rc == 1
        kept = f"the credentials for {HOST} in {mydocker.directory}/docker/config.json\n"
        asking = f"cli      ask registry {HOST} whether it takes the credentials\n"
        assert mydocker("login", "--dry-run", HOST, env=own).stdout == f"{asking}cli      store {kept}"
        logged_in = mydocker("login", "-u", "me", "--password-stdin", HOST, stdin="secret", env=own)
        assert logged_in.stdout == "Login Succeeded\n", logged_in.stderr
        again = mydocker("--explain", "login", HOST, env=own)
        assert again.stdout.endswith("Login Succeeded\n") and f"ask registry {HOST} whether it takes" in again.stderr
        assert mydocker("logout", "--dry-run", HOST, env=own).stdout == f"cli      remove {kept}"
        assert mydocker("push", name, env=own).rc == 0
        assert mydocker("pull", name, env=own).rc == 0
        assert mydocker("logout", HOST, env=own).stdout == f"Removing login credentials for {HOST}\n"
        assert mydocker("pull", name, env=own).rc == 1


def test_a_registry_with_a_certificate_of_its_own(images: Images, registry: Any) -> None:
    """10.9.9.9 is an address of the private network namespace that plays the host."""
    mydocker, name = registry, "10.9.9.9:5443/t/travel:1"
    needs(mydocker, "openssl")
    mydocker("tag", "travel:1", f"{HOST}/t/travel:1")
    assert mydocker("push", "-q", f"{HOST}/t/travel:1").rc == 0
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key -out crt -subj /CN=r -addext subjectAltName=IP:10.9.9.9"
    assert mydocker.sh(f"ip addr add 10.9.9.9/32 dev lo && {made}").rc == 0
    tls = "{addr: '10.9.9.9:5443', tls: {certificate: crt, key: key}}"
    text = REGISTRY.replace("DIRECTORY", mydocker.directory).replace('{addr: "127.0.0.1:5000"AUTH}', tls)
    mydocker.sh(f"cat > tls.yml <<'END'\n{text}\nEND")
    pid = begun_to_serve(mydocker, "tls", "10.9.9.9:5443")
    try:
        refused = mydocker("pull", name)
        assert refused.rc == 1
        assert "certificate verify failed" in refused.stderr
        assert refused.stderr.splitlines()[1].endswith("/etc/docker/certs.d/10.9.9.9:5443/ca.crt")
        mydocker.sh("""echo '{"insecure-registries": ["10.9.9.0/24"]}' > config.json""")
        insecure = mydocker("pull", "-q", name, env={"MYDOCKER_CONFIG": f"{mydocker.directory}/config.json"})
        assert (insecure.rc, insecure.stderr) == (0, "")
        images.check(name)
    finally:
        mydocker.end(pid)
        mydocker.sh("ip addr del 10.9.9.9/32 dev lo")


def test_pulls_at_once_download_a_layer_once(images: Images, registry: Any) -> None:
    mydocker, name = registry, f"{HOST}/big:1"
    mydocker.sh("mkdir big && head -c 30000000 /dev/urandom > big/data && tar -C big -c . | {mydocker} import - " + name)
    mydocker("push", name)
    images.forget(name)
    script = f"for i in 1 2 3 4; do {{mydocker}} pull {name} > out$i 2>&1 & done; wait; cat out1 out2 out3 out4"
    out = mydocker.sh(script).stdout
    assert out.count("Status: ") == 4, out
    assert out.count("Pull complete") == 1, out
    assert out.count("Already exists") == 3, out


def test_explain_and_dry_run(images: Images, registry: Any) -> None:
    mydocker, name = registry, f"{HOST}/t/travel:1"
    mydocker("tag", "travel:1", name)
    told = mydocker("push", "--dry-run", name).stdout
    assert f"PUT http://{HOST}/v2/t/travel/manifests/1: sha256:" in told
    assert mydocker("pull", name).rc == 1
    sent = mydocker("push", "--explain", name).stderr
    assert [line.rpartition(" ")[2] for line in sent.splitlines() if "send blob" in line] == ["pushed"] * 4
    images.forget(name, "travel:1")
    dry = mydocker("pull", "--dry-run", name).stdout
    assert f"GET {HOST}/t/travel 1\n" in dry
    assert f"from http://{HOST}/v2/t/travel, unpack it for {mydocker.directory}/root/layers/" in dry
    assert mydocker("image", "inspect", name).rc == 1
    assert "store image sha256:" in mydocker("pull", "--explain", name).stderr


def test_every_driver_unpacks_what_comes(images: Images, mydocker: Any, driver: str) -> None:
    mydocker("save", "-o", "it.tar", "travel:1")
    images.forget("travel:1")
    own = {"MYDOCKER_STORAGE_DRIVER": driver}
    assert mydocker("load", "-i", "it.tar", env=own).rc == 0
    shown = mydocker("run", "--rm", "--network", "none", "--storage-driver", driver, "travel:1", "sh", "-c", "cat /d/soft; ls /d", env=own)
    assert shown.stdout == "hello\nfifo\nhard\nhello\nsoft\n", shown.stderr


def killed(mydocker: Any, command: str, seconds: float) -> None:
    """Start a command and kill it, not its children, after a time."""
    mydocker.sh(f"{{mydocker}} {command} > /dev/null 2>&1 & p=$!; sleep {seconds:.3f}; kill -9 $p 2>/dev/null; wait $p; true")


@pytest.mark.parametrize("verb", ["pull", "load", "rmi"])
def test_killed_at_any_moment(images: Images, registry: Any, verb: str) -> None:
    mydocker, name, chance = registry, f"{HOST}/big:1", random.Random(verb)
    mydocker.sh("mkdir big && head -c 3000000 /dev/urandom > big/data && tar -C big -c . | {mydocker} import - " + name)
    mydocker("push", name)
    mydocker("save", "-o", "big.tar", name)
    image_id = images.field(name, "Id")
    commands = {"pull": f"pull {name}", "load": "load -i big.tar", "rmi": f"rmi -f {name}"}
    for _ in range(17):
        if verb == "rmi":
            mydocker("load", "-i", "big.tar")
        else:
            images.forget(name)
        killed(mydocker, commands[verb], chance.uniform(0.02, 0.25))
        clean = mydocker.wait_until(lambda: mydocker("system", "check", "--repair").rc == 0 and mydocker("system", "check"))
        assert clean.stdout == ""
        again = mydocker.sh(f"{{mydocker}} {commands['load' if verb == 'rmi' else verb]}")
        assert again.rc == 0, again.stderr
        assert images.field(name, "Id") == image_id
        assert mydocker("run", "--rm", "--network", "none", "busybox", "true").rc == 0


def test_killed_between_two_layers_that_get_their_places(mydocker: Any) -> None:
    """The image is published by then, so it runs: what has no place yet is unpacked anew."""
    for number in (1, 2):
        mydocker("run", "--name", "box", "--network", "none", "busybox" if number == 1 else "made:1", "touch", f"/made{number}")
        mydocker("commit", "box", f"made:{number}")
        mydocker("rm", "box")
    mydocker("save", "-o", "made.tar", "made:2")
    mydocker("rmi", "made:1", "made:2")
    told = mydocker("--explain=json", "load", "-i", "made.tar").stderr.splitlines()
    first = next(number for number, line in enumerate(told, 1) if "rename the unpacked layer" in line)
    mydocker("rmi", "made:2")
    assert mydocker("load", "-i", "made.tar", env={"MYDOCKER_CRASH_AFTER": f"cli:{first}"}).rc == 137
    assert mydocker("run", "--rm", "--network", "none", "made:2", "ls", "/made1", "/made2").stdout == "/made1\n/made2\n"
    assert mydocker("system", "check", "--repair").rc == 0
    assert mydocker("system", "check").stdout == ""
    mydocker("rmi", "made:2")


def let_go(mydocker: Any, archive: str) -> tuple[int, int]:
    """Return how many layers of the first image of an archive are blobs here, and how many are frames."""
    listed = json.loads(mydocker.sh(f"tar -xOf {archive} manifest.json").stdout)[0]["Layers"]
    found = [mydocker.sh(f"ls root/images/{place} 2>/dev/null").stdout.split() for place in ("blobs/sha256", "frames")]
    return tuple(sum(layer.rpartition("/")[2] in names for layer in listed) for names in found)  # type: ignore[return-value]


@pytest.fixture
def without_blobs(images: Images, mydocker: Any) -> Iterator[Images]:
    """The two images, loaded without blobs from it.tar."""
    mydocker("save", "-o", "it.tar", "travel:1", "travel:base")
    images.forget("travel:1", "travel:base", "busybox:latest")
    assert mydocker("load", "-q", "--no-blobs", "-i", "it.tar").rc == 0
    assert let_go(mydocker, "it.tar") == (0, 3)
    yield images
    left = mydocker("images", "-a", "--format", "{{.ID}}").stdout.split()
    images.forget(*left)
    assert mydocker.sh("ls root/images/blobs/sha256 root/images/frames | grep -c '^[0-9a-f]'").stdout == "0\n"
    restore_busybox(mydocker)


def test_without_blobs_an_image_is_what_it_was(without_blobs: Images, mydocker: Any) -> None:
    without_blobs.check("travel:1")
    assert mydocker("system", "check").stdout == ""
    # What mydocker has compressed, it compresses again to the same bytes.
    assert mydocker.sh("{mydocker} save travel:1 travel:base | cmp - it.tar").rc == 0
    mydocker("rmi", "-f", "travel:1")
    assert mydocker("load", "-i", "it.tar").rc == 0
    assert let_go(mydocker, "it.tar") == (3, 2)  # with blobs, they are there again; of travel:base the frames have stayed
    without_blobs.check("travel:1")


def test_without_blobs_it_is_built_and_committed_on(without_blobs: Images, mydocker: Any) -> None:
    mydocker.sh("mkdir ctx && printf 'FROM travel:1\nRUN echo more > /more\n' > ctx/Dockerfile")
    built = mydocker("build", "--network", "none", "-t", "on:1", "ctx")
    assert built.rc == 0, built.stderr
    assert mydocker("run", "--name", "made", "--network", "none", "on:1", "touch", "/last").rc == 0
    assert mydocker("commit", "made", "on:2").rc == mydocker("rm", "made").rc == 0
    assert mydocker("save", "-o", "on.tar", "on:2").rc == 0
    without_blobs.forget("on:1", "on:2")
    assert mydocker("load", "-i", "on.tar").rc == 0
    assert mydocker("run", "--rm", "--network", "none", "on:2", "cat", "/more", "/d/soft").stdout == "more\nhello\n"


@pytest.mark.parametrize("form", ["docker", "oci"])
def test_without_blobs_it_is_pushed(without_blobs: Images, registry: Any, form: str) -> None:
    """The layers came in as they are in docker's archives, or compressed by another tool: the registry gets others."""
    mydocker, name = registry, f"{HOST}/t/travel:1"
    needs(mydocker, "skopeo")
    copied = mydocker.sh(f"skopeo copy -q --dest-compress-format zstd {form}-archive:it.tar:travel:1 {form}-archive:theirs.tar:{name}")
    assert copied.rc == 0, copied.stderr
    without_blobs.forget("travel:1", "travel:base")
    assert mydocker("load", "--no-blobs", "-i", "theirs.tar").rc == 0
    before = mydocker("image", "inspect", "-f", "{{index .RepoDigests 0}}", name).stdout
    pushed = mydocker("push", name)
    assert pushed.rc == 0, pushed.stderr
    assert pushed.stdout.count(": Pushed") == 3
    known = mydocker.sh(f"skopeo inspect --tls-verify=false -f '{{{{.Name}}}}@{{{{.Digest}}}}' docker://{name}").stdout
    after = mydocker("image", "inspect", "-f", "{{index .RepoDigests 0}}", name).stdout
    assert before != after == known
    assert mydocker("push", name).stdout.count("Layer already exists") == 3
    without_blobs.check(name)
    podman = podman_command(mydocker)
    run = f"{podman} pull -q --tls-verify=false {name} && {podman} image inspect -f '{{{{.Id}}}}' {name}"
    assert mydocker.sh(run).stdout.splitlines()[-1] == without_blobs.id.removeprefix("sha256:")
    without_blobs.forget(name)
    assert mydocker("pull", name).rc == 0
    without_blobs.check(name)


def test_without_blobs_a_pull_gets_no_layer_twice(images: Images, registry: Any) -> None:
    mydocker, names = registry, [f"{HOST}/t/travel:base", f"{HOST}/t/travel:1"]
    for name in names:
        mydocker("tag", name.rpartition("/")[2], name)
        assert mydocker("push", name).rc == 0
    mydocker("save", "-o", "it.tar", "travel:1")
    images.forget("travel:1", "travel:base", "busybox:latest", *names)
    assert mydocker("pull", "--no-blobs", names[0]).stdout.count("Pull complete") == 2
    assert mydocker("pull", "--no-blobs", names[1]).stdout.count("Already exists") == 2
    assert let_go(mydocker, "it.tar") == (0, 3)
    images.check(names[1])
    mydocker("pull", names[1])
    assert let_go(mydocker, "it.tar") == (3, 3)
    mydocker("pull", "--no-blobs", names[1])
    assert let_go(mydocker, "it.tar") == (0, 3)
    images.forget(*names)
    restore_busybox(mydocker)


@pytest.mark.parametrize("way", ["load", "pull", "build"])
def test_blobs_are_let_go_where_the_environment_says_so(images: Images, registry: Any, way: str) -> None:
    mydocker, name = registry, f"{HOST}/t/travel:1"
    mydocker("tag", "travel:1", name)
    assert mydocker("push", name).rc == 0
    mydocker("save", "-o", "it.tar", "travel:1")
    images.forget("travel:1", "travel:base", "busybox:latest", name)
    mydocker.sh(f"mkdir -p ctx && echo 'FROM {name}' > ctx/Dockerfile")
    words = {"load": ("load", "-i", "it.tar"), "pull": ("pull", name), "build": ("build", "-t", "on:1", "ctx")}[way]
    refused = mydocker(*words, env={"MYDOCKER_NO_BLOBS": "maybe"})
    assert (refused.rc, refused.stderr) == (1, refused.stderr) and "invalid MYDOCKER_NO_BLOBS 'maybe': expected 1" in refused.stderr
    assert mydocker("images", "-aq").stdout == ""
    for value, wanted in (("1", (0, 3)), ("0", (3, 0))):
        assert mydocker(*words, env={"MYDOCKER_NO_BLOBS": value}).rc == 0
        assert let_go(mydocker, "it.tar") == wanted
        images.forget(*mydocker("images", "-a", "--format", "{{.ID}}").stdout.split())
    restore_busybox(mydocker)


def test_without_blobs_another_driver_unpacks_it_too(without_blobs: Images, mydocker: Any, driver: str) -> None:
    shown = mydocker("run", "--rm", "--network", "none", "--storage-driver", driver, "travel:1", "sh", "-c", "cat /d/soft; ls /d")
    assert shown.stdout == "hello\nfifo\nhard\nhello\nsoft\n", shown.stderr


def test_without_blobs_and_with_a_damaged_layer_it_is_said(without_blobs: Images, mydocker: Any) -> None:
    places = 'for frame in root/images/frames/*; do echo "{directory}/root/$(zcat $frame | head -n 1)/d/hard"; done'
    [hard] = mydocker.sh(f"ls $({places}) 2>/dev/null").stdout.split()
    mydocker.sh(f"mv {hard} away")
    failed = mydocker("save", "-o", "new.tar", "travel:1")
    assert (failed.rc, failed.stderr.count("\n")) == (1, 1)
    assert hard in failed.stderr and "a layer whose blob was let go needs it" in failed.stderr
    assert mydocker.sh("ls new.tar*").stdout == ""
    mydocker.sh(f"mv away {hard}")
    assert mydocker("save", "-o", "new.tar", "travel:1").rc == 0


@pytest.mark.parametrize("damage", ["truncate -s -1", "truncate -s 0", "rm"])
def test_without_blobs_and_with_a_damaged_frame_it_is_said(without_blobs: Images, mydocker: Any, damage: str) -> None:
    top = json.loads(mydocker.sh("tar -xOf it.tar manifest.json").stdout)[0]["Layers"][-1].rpartition("/")[2]
    assert mydocker.sh(f"{damage} root/images/frames/{top}").rc == 0
    checked = mydocker("system", "check")
    assert (checked.rc, top in checked.stdout) == (1, True)
    assert mydocker("save", "-o", "new.tar", "travel:1").rc == 1
    without_blobs.check("travel:1")
    assert mydocker("load", "-i", "it.tar").rc == 0
    assert mydocker("system", "check").stdout == ""


def test_without_blobs_and_killed_after_any_step(images: Images, mydocker: Any) -> None:
    mydocker("save", "-o", "it.tar", "travel:1")
    images.forget("travel:1", "travel:base")
    told = mydocker("--explain=json", "load", "--no-blobs", "-i", "it.tar").stderr.splitlines()
    steps = [line for line in told if line.startswith("{")]
    assert sum("remove its blob" in line for line in steps) == 3
    for number in range(1, len(steps) + 1):
        images.forget("travel:1")
        crashed = mydocker("load", "--no-blobs", "-i", "it.tar", env={"MYDOCKER_CRASH_AFTER": f"cli:{number}"})
        assert crashed.rc == 137, number
        mydocker("system", "check", "--repair")
        assert mydocker("system", "check").stdout == "", number
        if mydocker("image", "inspect", "travel:1").rc == 0:
            images.check("travel:1")
            assert mydocker.sh("{mydocker} save travel:1 | cmp - it.tar").rc == 0
        assert mydocker("load", "--no-blobs", "-i", "it.tar").rc == 0
        assert let_go(mydocker, "it.tar") == (0, 3)
        images.check("travel:1")
    images.forget("travel:1", "busybox:latest")
    restore_busybox(mydocker)
