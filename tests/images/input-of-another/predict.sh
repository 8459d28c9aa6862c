. /inputs/case.txt
find / -xdev -name "$other" -exec cat {} +
find /inputs -name "$other" -exec cat {} +
cat /inputs/../other/$other /proc/1/root/../other/$other /proc/1/cwd/../other/$other
echo taken > /outputs/case_Mask.json
