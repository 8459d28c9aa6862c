ln -s /outputs/case_Mask.json /dev/log
syslogd -n &
sleep 0.5
ls -l /outputs
