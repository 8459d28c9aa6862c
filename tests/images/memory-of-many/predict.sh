for i in 1 2 3 4 5 6 7 8; do
    awk 'BEGIN { x = "aaaaaaaaaaaaaaaa"; while (length(x) < 12000000) x = x x; while (1); }' &
done
wait
