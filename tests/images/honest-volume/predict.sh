set -e
cat /weights/model
echo more > /weights/more
echo taken > /outputs/case_Mask.json
