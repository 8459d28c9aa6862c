set -e
id -u
cd /root
sh /root/code/main.sh
