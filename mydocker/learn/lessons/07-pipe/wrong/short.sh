# en: was something cut off
# zh: 是被截断了
mydocker run -d -e LESSON=pipe busybox sh -c 'while :; do sleep 1000; done' sh "it's \"two words\""
