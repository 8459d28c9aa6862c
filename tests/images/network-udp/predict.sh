. /inputs/case.txt
tftp -g -r x -l /tmp/x 127.0.0.1 "$udp" &
sleep 0.5
kill $!
echo taken > /outputs/case_Mask.json
