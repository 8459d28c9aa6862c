yes "a line of a log that nobody reads" | head -c 50000000
echo taken > /outputs/case_Mask.json
