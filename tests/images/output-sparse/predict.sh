truncate -s 1099511627776 /outputs/case_Mask.json
