for place in / /tmp /root /dev /dev/shm /outputs /etc /opt/algorithm /inputs /data /run; do
    echo mark > $place/molar-mark
done 2> /dev/null
mkdir -p /var/lock/molar-mark
echo taken > /outputs/case_Mask.json
