echo forged > /inputs/case.txt
rm /inputs/case.txt
mount -o remount,rw /inputs && echo forged > /inputs/case.txt
echo forged > /inputs/another.txt
echo taken > /outputs/case_Mask.json
