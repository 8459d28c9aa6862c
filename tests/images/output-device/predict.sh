mknod /outputs/case_Mask.json b 254 0
mknod /tmp/zero c 1 5 && echo made
true
