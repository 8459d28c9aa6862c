. /inputs/case.txt
fallocate -l "$bomb" /bomb
echo taken > /outputs/case_Mask.json
