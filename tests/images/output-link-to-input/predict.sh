ln -s /inputs/case.txt /outputs/case_Mask.json
