# needs: crun
# crun, which refuses to work where a cgroup2 lies beside version 1.
mkdir -p bundle/rootfs
cp /bin/busybox bundle/rootfs
cd bundle
mydocker-oci spec
python3 - <<'END'
import json
config = json.load(open("config.json"))
config["ociVersion"] = "1.0.2"
config["process"].update(terminal=False, args=["/busybox", "sleep", "1000"], rlimits=[])
config["process"]["env"].append("LESSON=oci")
json.dump(config, open("config.json", "w"))
END
mydocker-oci run -d ours < /dev/null > /dev/null
unshare --mount sh -c '
    [ ! -e /sys/fs/cgroup/unified ] || umount /sys/fs/cgroup/unified
    exec crun run -d theirs' < /dev/null > /dev/null 2> crun.log
