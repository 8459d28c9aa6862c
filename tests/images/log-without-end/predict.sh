while true; do cat /dev/zero; done
