set -e
head -c 2000000 /dev/zero > part
mkdir -p "$HOME/.cache/torch"
head -c 2000000 /dev/zero > "$HOME/.cache/torch/part"
head -c 2000000 /dev/zero > /tmp/part
mv /tmp/part "$HOME/moved"
echo taken > /outputs/case_Mask.json
