sleep 2.5
echo taken > /outputs/case_Mask.json
