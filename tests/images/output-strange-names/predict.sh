cd /outputs
touch "$(printf 'a\nb')" "$(printf '\377\376')" "$(printf '\033[2J')" ' ' '-rf' '*' "$(printf '%0200d' 0)"
