nc -w 1 169.254.169.254 80 < /dev/null && echo reached
ip addr
echo taken > /outputs/case_Mask.json
