exec 3> /tmp/bomb
rm /tmp/bomb
cat /dev/zero >&3
sleep 60
