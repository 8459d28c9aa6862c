echo taken > /outputs/case_Mask.json
