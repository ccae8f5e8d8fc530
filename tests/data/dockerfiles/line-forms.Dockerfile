  # indented comment
from busybox
  run echo one \
      && echo two \
# comment

  # another


      && echo three > /three
	RUN	echo tab	>	/tab
ENV x=1\
2\
3
CMD [ "echo" , "x" ]
