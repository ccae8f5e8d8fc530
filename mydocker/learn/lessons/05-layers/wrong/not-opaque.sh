# en: no directory of the writable layer has trusted.overlay.opaque
# zh: 可写层里没有目录带 trusted.overlay.opaque
mkdir -p lower/directory upper work merged
touch lower/changed lower/hidden lower/directory/old
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged
echo new > merged/changed
rm merged/hidden
rm merged/directory/old
env LESSON=layers sleep 1000 &
