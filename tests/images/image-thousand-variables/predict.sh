env | grep -c VARIABLE_
echo taken > /outputs/case_Mask.json
