# en: the mark is to be in process.env of config.json
# zh: 标记要写在 config.json 的 process.env 里
mkdir -p bundle/rootfs
cp /bin/busybox bundle/rootfs
cd bundle
cat > config.json <<'END'
{"ociVersion": "1.0.2", "root": {"path": "rootfs"},
 "process": {"cwd": "/", "user": {"uid": 0, "gid": 0}, "args": ["/busybox", "sleep", "1000"]},
 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
 "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}]}}
END
env LESSON=oci runc run one < /dev/null &
mydocker-oci run -d two < /dev/null > /dev/null
