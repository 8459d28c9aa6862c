mkfifo /outputs/case_Mask.json
