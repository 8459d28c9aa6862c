set -e
[ "$SET_UP" = yes ]
echo taken > /outputs/case_Mask.json
