# en: the writable layer has no file that a lower one has too
# zh: 可写层里没有与下层同名的文件
mkdir -p lower upper work merged
touch lower/changed
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged
echo new > merged/another
env LESSON=layers sleep 1000 &
