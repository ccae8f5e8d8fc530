mkdir -p layout/blobs/sha256 one/bin two/etc
cp "$(command -v busybox)" one/bin/ && ln -s busybox one/bin/sleep && echo two > two/etc/motd
add() {  # FILE: move it to its name, and say what it is: "digest": ..., "size": ...
    local digest size
    digest=$(sha256sum < "$1" | cut -d ' ' -f 1) size=$(stat -c %s "$1")
    mv "$1" "layout/blobs/sha256/$digest"
    printf '"digest": "sha256:%s", "size": %s' "$digest" "$size"
}
layer='"mediaType": "application/vnd.oci.image.layer.v1.tar"'
tar -C one -cf one.tar . && tar -C two -cf two.tar .
one=$(add one.tar) two=$(add two.tar)
ids=$(echo "$one $two" | grep -o 'sha256:[0-9a-f]*' | sed 's/.*/"&"/' | paste -sd ,)
echo '{"architecture": "'"$(dpkg --print-architecture)"'", "os": "linux", "config": {"Cmd": ["/bin/sleep", "1000"]},
      "rootfs": {"type": "layers", "diff_ids": ['"$ids"']}}' > config
config=$(add config)
echo '{"schemaVersion": 2, "config": {"mediaType": "application/vnd.oci.image.config.v1+json", '"$config"'},
      "layers": [{'"$layer, $one"'}, {'"$layer, $two"'}]}' > manifest
echo '{"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", '"$(add manifest)"',
      "annotations": {"org.opencontainers.image.ref.name": "hand:latest"}}]}' > layout/index.json
echo '{"imageLayoutVersion": "1.0.0"}' > layout/oci-layout
tar -C layout -cf layout.tar . && mydocker load -i layout.tar
mydocker run -d -e LESSON=images hand
