cat /dev/zero > /tmp/bomb
sleep 60
