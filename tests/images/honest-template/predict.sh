set -e
pwd
id -u
cat /home/algo/.local/lib/packages/model.py
. /home/algo/algorithm/run.sh
