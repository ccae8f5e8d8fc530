"""Every verb that changes something tells its steps with their reasons, and with --dry-run it changes nothing."""

from __future__ import annotations

import json
import shlex

import pytest
from conftest import Machine

GHOST = "f" * 64
# What a user does from one end of the verbs to the other; each line needs what the ones before it left. Behind it, words of a step.
LIFE = """
run -d --name up busybox sleep 1000                  # execve
create --name one --network none busybox sleep 1000  # claim the name
rename one web                                       # rename
start web                                            # execve
exec web true                                        # execve
update --restart no web                              # settings of web
cp file web:/                                        # unpack it to
wait web                                             # wait for the end of container
restart web                                          # start container
pause web                                            # frozen
unpause web                                          # go on
network create --subnet 10.77.0.0/24 back            # record of network back
network create --subnet 10.78.0.0/24 other           # record of network other
run -d --name on --network back busybox sleep 1000   # veth
network connect other on                             # veth
network disconnect other on                          # ip link delete
commit web made                                      # store layer
export -o exported.tar web                           # chroot
tag made again                                       # name image
save -o saved.tar again                              # saved.tar
rmi again                                            # name
load -i saved.tar                                    # store the files of saved.tar
import exported.tar third                            # store layer
build -q -t fourth context                           # COPY file /
volume create data                                   # rename volume data
volume rm data                                       # data
kill web                                             # signal 9
stop -t 0 on                                         # signal 15
rm on web                                            # writable layer
network rm other                                     # other
network prune -f                                     # back
container prune -f                                   # writable layer
volume prune -af                                     # data
image prune -f                                       # image
builder prune -af                                    # image
system prune -f                                      # writable layer
system check --repair                                # make right
rm -f up                                             # writable layer
"""


@pytest.fixture
def user(mydocker: Machine) -> Machine:
    """Somebody who reads Chinese, with files to use."""
    mydocker.sh("echo x > file; mkdir context; printf 'FROM busybox\nCOPY file /\n' > context/Dockerfile; cp file context")
    mydocker.environment = {**mydocker.environment, "LANGUAGE": "zh", "LANG": "C.UTF-8"}
    return mydocker


def before(machine: Machine, words: str) -> None:
    """Make what a line of LIFE needs and no line before it leaves."""
    made = {
        "wait": "{mydocker} kill web",
        "stop": 'id=$(cat root/names/web); timeout 10 sh -c "while [ -e state/$id ]; do :; done"',
        "container prune": "{mydocker} create --name idle --network none busybox true",
        "volume prune": "{mydocker} volume create data",
        "image prune": "{mydocker} tag made third; {mydocker} build -t made --no-cache context; {mydocker} tag busybox made",
        "system prune": "{mydocker} create --name idle --network none busybox true",
        "system check": f"printf {GHOST} > root/names/ghost",
    }
    machine.sh(next((script for verb, script in made.items() if words.startswith(verb)), "true"))


def files(machine: Machine) -> set[str]:
    """Return all that mydocker keeps, but for locks."""
    listed = machine.sh("find root state ! -name '*lock' -printf '%p %y %s\\n' | sort; cat root/images/index.json").stdout
    return set(listed.splitlines())


def test_every_verb_tells_its_steps_with_their_reasons_and_a_dry_run_changes_nothing(user: Machine) -> None:
    problems = []
    for line in LIFE.strip().splitlines():
        words, _, expected = (part.strip() for part in line.partition("#"))
        before(user, words)
        found = files(user)
        if words.split()[0] != "wait":  # which changes nothing
            dry = user("--dry-run", *shlex.split(words))
            changed = sorted(found ^ files(user))
            if dry.rc or dry.stderr or changed or expected not in dry.stdout:
                problems.append("\n".join([f"--dry-run {line}", *changed, dry.stdout + dry.stderr]))
        done = user("--explain=json", *shlex.split(words))
        steps = [json.loads(each) for each in done.stderr.splitlines() if each.startswith("{")]
        bare = [each for each in steps if not each["why"].endswith("。") or not each["where"].startswith("mydocker/")]
        if done.rc or bare or not any(expected in each["step"] for each in steps):
            problems.append("\n".join([line, done.stderr, *(each["step"] for each in steps), "bare:", *(each["step"] for each in bare)]))
    assert not problems, "\n\n".join(problems)
    left = user("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    user("rmi", "-f", *(name for name in left if name != "busybox:latest"))
