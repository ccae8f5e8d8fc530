# en: not in the lower directory
# zh: 而不是在下层目录里
mkdir -p lower/directory upper work merged
touch lower/changed lower/hidden lower/directory/old
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged
echo new > merged/changed
rm lower/hidden
env LESSON=layers sleep 1000 &
