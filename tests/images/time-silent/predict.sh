echo once
sleep 60
