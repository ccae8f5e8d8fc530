# needs: aufs
# The book's union file system: the writable branch first, and its marks are files.
mkdir -p lower/directory rw merged
touch lower/changed lower/hidden lower/directory/old
mount -t aufs none -o br:rw=rw:lower=ro+wh merged
echo new > merged/changed
rm merged/hidden
rm -r merged/directory
mkdir merged/directory
env LESSON=layers sleep 1000 &
