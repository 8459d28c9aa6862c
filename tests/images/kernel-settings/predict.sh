for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/panic /proc/sysrq-trigger /sys/kernel/uevent_helper; do
    (: >> $file) && echo "opened $file"
done
dmesg > /dev/null && echo read the log
echo taken > /outputs/case_Mask.json
