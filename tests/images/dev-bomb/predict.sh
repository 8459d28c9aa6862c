cat /dev/zero > /dev/bomb
sleep 60
