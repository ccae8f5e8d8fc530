# needs: runc
# A container of an engine has a bundle, too: its config.json under another runtime, with a copy of its files.
mydocker run -d --name web -e LESSON=oci busybox sleep 1000
mkdir -p copy/rootfs
mydocker export web | tar -x -C copy/rootfs
cd copy
python3 - <<'END'
import glob, json, os
[bundle] = glob.glob(os.environ["MYDOCKER_ROOT"] + "/containers/*/bundle/config.json")
config = json.load(open(bundle))
config["root"]["path"] = "rootfs"
del config["linux"]["cgroupsPath"]
json.dump(config, open("config.json", "w"))
END
runc run -d web < /dev/null > /dev/null 2> runc.log
