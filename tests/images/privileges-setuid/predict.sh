id -u
/opt/algorithm/are-you-root && echo became root
echo taken > /outputs/case_Mask.json
