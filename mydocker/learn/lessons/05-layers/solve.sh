mkdir -p lower/directory upper work merged
touch lower/changed lower/hidden lower/directory/old
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged
echo new > merged/changed
rm merged/hidden
rm -r merged/directory
mkdir merged/directory
env LESSON=layers sleep 1000 &
