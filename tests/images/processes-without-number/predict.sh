i=0
while [ $i -lt 20000 ]; do
    sleep 30 &
    i=$((i + 1))
done
echo taken > /outputs/case_Mask.json
