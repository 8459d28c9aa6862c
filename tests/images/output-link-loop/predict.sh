ln -s case_Mask.json /outputs/case_Mask.json
