echo taken > /outputs/case_Mask.json
chmod 0 /outputs/case_Mask.json /outputs
