ps
kill -9 -1
echo taken > /outputs/case_Mask.json
