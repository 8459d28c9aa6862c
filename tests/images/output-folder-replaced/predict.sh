rm -rf /outputs
mv /outputs /elsewhere
mount -t tmpfs none /outputs && echo mounted
ln -s / /outputs
echo taken > /outputs/case_Mask.json
