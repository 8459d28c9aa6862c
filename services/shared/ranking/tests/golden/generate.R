# Writes r.csv: of each ordered pair of entries of board.csv what R gives. Made with R 4.2.2.
board <- read.csv("board.csv")
pairs <- expand.grid(right = unique(board$entry), left = unique(board$entry))
pairs <- pairs[pairs$left != pairs$right, c("left", "right")]
of <- function(entry) board$dice[board$entry == entry]
test <- function(left, right, exact) {
  suppressWarnings(wilcox.test(of(left), of(right), paired = TRUE, alternative = "greater", exact = exact)$p.value)
}
pairs$normal <- mapply(test, pairs$left, pairs$right, MoreArgs = list(exact = FALSE))
pairs$auto <- mapply(test, pairs$left, pairs$right, MoreArgs = list(exact = NULL))
pairs$holm <- p.adjust(pairs$normal, method = "holm")
pairs$tau <- mapply(function(l, r) cor(of(l), of(r), method = "kendall"), pairs$left, pairs$right)
pairs[-(1:2)] <- lapply(pairs[-(1:2)], format, digits = 15)
write.csv(pairs, "r.csv", row.names = FALSE, quote = FALSE)
