. /inputs/case.txt
fallocate -l "$bomb" /bomb
sleep 60
