# What an image finds that has a slot after another: its own files, its own input, its own processes.
found=$(find / -name '*molar-mark*' 2> /dev/null; ls -A /outputs /tmp /dev/shm | grep -v ':$' | grep .)
[ -z "$found" ] || { echo "found $found"; exit 1; }
[ "$(ls -A /inputs)" = case.txt ] || { echo "inputs $(ls -A /inputs)"; exit 1; }
[ "$(cat /proc/sysvipc/shm /proc/sysvipc/msg /proc/sysvipc/sem 2> /dev/null | grep -vc key)" = 0 ] || { echo shared; exit 1; }
for process in /proc/[0-9]*; do
    case $(tr '\0' ' ' < $process/cmdline 2> /dev/null) in *predict.sh*|''|tr*) ;; *) echo "process $process"; exit 1 ;; esac
done
echo taken > /outputs/case_Mask.json
