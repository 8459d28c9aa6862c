. /inputs/case.txt
fallocate -l "$bomb" /data/bomb
sleep 60
