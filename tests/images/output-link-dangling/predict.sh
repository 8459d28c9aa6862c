ln -s /nowhere /outputs/case_Mask.json
