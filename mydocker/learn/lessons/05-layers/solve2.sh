# A container's root is such a view, and its image the layers below.
mydocker run -d -e LESSON=layers busybox sh -c '
    echo changed > /etc/group
    rm /etc/shadow
    rm -r /var && mkdir /var
    exec sleep 1000'
