. /inputs/case.txt
ln -s "$secret" /outputs/case_Mask.json
