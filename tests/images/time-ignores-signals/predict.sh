trap '' TERM INT HUP QUIT PIPE USR1
while true; do sleep 1; done
