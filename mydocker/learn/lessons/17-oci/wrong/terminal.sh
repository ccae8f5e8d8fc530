# en: process.terminal is false for `run -d` without a console socket
# zh: 用 run -d 又没有 console socket 时，process.terminal 要是 false
mkdir -p bundle/rootfs
cp /bin/busybox bundle/rootfs
cd bundle
runc spec
python3 - <<'END'
import json
config = json.load(open("config.json"))
config["process"].update(args=["/busybox", "sleep", "1000"], env=["LESSON=oci"], rlimits=[])
json.dump(config, open("config.json", "w"))
END
runc run -d one < /dev/null
sed -i 's/"terminal": true/"terminal": false/' config.json
mydocker-oci run -d two < /dev/null > /dev/null
