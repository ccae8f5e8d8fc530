# needs: runc
mkdir -p bundle/rootfs
cp /bin/busybox bundle/rootfs
cd bundle
cat > config.json <<'END'
{"ociVersion": "1.0.2", "root": {"path": "rootfs"}, "hostname": "same",
 "process": {"cwd": "/", "user": {"uid": 0, "gid": 0}, "args": ["/busybox", "sleep", "1000"], "env": ["LESSON=oci"]},
 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
 "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "uts"}]}}
END
for runtime in mydocker-oci runc; do
    $runtime run -d "with-$runtime" < /dev/null > /dev/null 2> "$runtime.log"
done
