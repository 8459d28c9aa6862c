echo taken > /outputs/other
ln /outputs/other /outputs/case_Mask.json
