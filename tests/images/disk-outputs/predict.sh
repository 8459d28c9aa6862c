. /inputs/case.txt
fallocate -l "$bomb" /outputs/bomb
sleep 60
