. /inputs/case.txt
cat "$secret" "/proc/1/root$secret" "/proc/self/root$secret" "/proc/1/root/../../../..$secret"
echo taken > /outputs/case_Mask.json
