# en: CapEff, CapBnd
# zh: CapEff、CapBnd
mkdir -p bundle/rootfs
cp /bin/busybox bundle/rootfs
mydocker run -d -e LESSON=oci --name web busybox sleep 1000
cd bundle
runc spec
sed -i -e 's/"terminal": true/"terminal": false/' -e 's/"sh"/"\/busybox", "sleep", "1000"/' -e 's/"TERM=xterm"/"LESSON=oci"/' config.json
python3 - <<'END'
import json
config = json.load(open("config.json"))
config["process"]["rlimits"] = []
json.dump(config, open("config.json", "w"))
END
runc run -d web < /dev/null > /dev/null
