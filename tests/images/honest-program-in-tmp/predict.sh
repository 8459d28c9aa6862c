set -e
cp /opt/algorithm/program /tmp/program
chmod 755 /tmp/program
/tmp/program
echo taken > /outputs/case_Mask.json
