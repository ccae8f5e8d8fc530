# en: there is none among its mounts
# zh: 它的挂载里没有
mkdir -p lower merged
touch lower/changed
cp -a lower/. merged
echo new > merged/changed
env LESSON=layers sleep 1000 &
