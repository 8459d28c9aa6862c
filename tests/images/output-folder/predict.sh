mkdir /outputs/case_Mask.json
echo taken > /outputs/case_Mask.json/case_Mask.json
