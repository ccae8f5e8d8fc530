# en: in /run their runtimes are mydocker-oci, mydocker-oci
# zh: /run 里记录的运行时是 mydocker-oci, mydocker-oci
mkdir -p bundle/rootfs
cp /bin/busybox bundle/rootfs
cd bundle
cat > config.json <<'END'
{"ociVersion": "1.0.2", "root": {"path": "rootfs"},
 "process": {"cwd": "/", "user": {"uid": 0, "gid": 0}, "args": ["/busybox", "sleep", "1000"], "env": ["LESSON=oci"]},
 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
 "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}]}}
END
mydocker-oci run -d one < /dev/null > /dev/null
mydocker-oci run -d two < /dev/null > /dev/null
