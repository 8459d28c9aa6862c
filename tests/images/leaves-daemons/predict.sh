setsid sh -c 'while true; do sleep 1; done' > /dev/null 2>&1 < /dev/null &
(setsid sleep 1000 > /dev/null 2>&1 < /dev/null &)
sh -c 'sleep 0 & exec sleep 1000' > /dev/null 2>&1 &
sleep 0.3
echo taken > /outputs/case_Mask.json
