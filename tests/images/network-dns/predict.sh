. /inputs/case.txt
nslookup example.org "127.0.0.1:$udp" &
sleep 0.5
kill $!
echo taken > /outputs/case_Mask.json
