grep -E "Cap(Eff|Bnd|Prm|Inh|Amb)|NoNewPrivs|Seccomp:" /proc/self/status
mount -t tmpfs none /tmp && echo mounted
chown 1:1 /etc/passwd && echo owned
hostname evil && echo renamed
now=$(date +%s)
date -s 2001-01-01
[ "$(date +%s)" -ge "$now" ] || echo turned back
echo taken > /outputs/case_Mask.json
