echo taken > /outputs/case_Mask.json
chmod 6777 /outputs/case_Mask.json
