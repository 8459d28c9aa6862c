cat /dev/zero > /dev/shm/bomb && echo endless
wc -c < /dev/shm/bomb
echo taken > /outputs/case_Mask.json
