. /inputs/case.txt
nc -w 1 127.0.0.1 "$tcp" < /dev/null && echo reached
echo taken > /outputs/case_Mask.json
