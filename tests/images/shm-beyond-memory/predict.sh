cat /dev/zero > /dev/shm/bomb
sleep 60
