cd /outputs
i=0
while : > $i; do i=$((i + 1)); done 2> /dev/null
sleep 60
