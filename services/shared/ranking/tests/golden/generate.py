"""Writes golden.json and board.csv: what SciPy, NumPy and the plain definitions give.

    python generate.py && Rscript generate.R

Made with Python 3.11.7, SciPy 1.17.1, NumPy 2.4.6. Nothing here is shared with the library: a
draw is a list of cases, and everything is sorted and added up again for each.
"""

import json
import math
import sys
from itertools import permutations

import numpy as np
import scipy
from scipy.stats import kendalltau, rankdata, wilcoxon

TIES = ["min", "max", "average", "dense"]
ALPHA = 0.05
random = np.random.default_rng(20241006)


def ranks(goodness, ties, excluded):
    """None is missing. No value here is infinite, so that infinity can stand for it."""
    if excluded:
        at = [i for i, g in enumerate(goodness) if g is not None]
        found = [None] * len(goodness)
        for i, r in zip(at, rankdata([-goodness[i] for i in at], ties) if at else []):
            found[i] = float(r)
        return found
    keys = [math.inf if g is None else -g for g in goodness]
    return [float(r) for r in rankdata(keys, ties)]


def aggregate(row, how, excluded):
    row = [v for v in row if v is not None] if excluded else row
    if not row or (how == "mean" and None in row):
        return None
    if how == "mean":
        return math.fsum(row) / len(row)
    median = np.median([-math.inf if v is None else v for v in row])
    return None if np.isinf(median) else float(median)


def signed_rank(left, right, method):
    """SciPy's, on what both have; the two differ by nothing: 1."""
    both = [(l, r) for l, r in zip(left, right) if l is not None and r is not None]
    if all(l == r for l, r in both):
        return 1.0
    l, r = np.array(both).T
    return float(wilcoxon(l, r, zero_method="wilcox", correction=True, alternative="greater", method=method).pvalue)


def goodness(rows, scheme, ties, excluded):
    """Of one metric, more being better; `rows` too."""
    kind, _, how = scheme.partition(" ")
    if kind == "aggregate":
        return [aggregate(row, how, excluded) for row in rows]
    if kind == "rank":
        columns = [ranks(column, ties, excluded) for column in zip(*rows)]
        by_entry = [[None if r is None else -r for r in row] for row in zip(*columns)]
        return [aggregate(row, how, excluded) for row in by_entry]
    wins = [0] * len(rows)
    for a, b in permutations(range(len(rows)), 2):
        wins[a] += signed_rank(rows[a], rows[b], "asymptotic") <= ALPHA
    return [w / (len(rows) - 1) if any(v is not None for v in row) else None for w, row in zip(wins, rows)]


def rule(metrics, scheme, combine, weights, ties):
    columns = []
    for metric in metrics:
        excluded = metric["missing"] == "excluded"
        columns.append(ranks(goodness(metric["rows"], scheme, ties, excluded), ties, excluded))
    entries = list(zip(*columns))
    if combine == "lexicographic":
        keys = [tuple(math.inf if row[m] is None else row[m] for m in weights) for row in entries]
        places = {key: place for place, key in enumerate(sorted(set(keys)))}
        return None, ranks([-places[key] for key in keys], ties, True)
    scores = []
    for row in entries:
        pairs = [(w, r) for w, r in zip(weights, row) if r is not None]
        scores.append(math.fsum(w * r for w, r in pairs) / math.fsum(w for w, _ in pairs) if pairs else None)
    return scores, ranks([None if s is None else -s for s in scores], ties, True)


def tau(left, right):
    both = [(l, r) for l, r in zip(left, right) if l is not None and r is not None]
    value = kendalltau(*zip(*both), variant="b").statistic if len(both) > 1 else math.nan
    return None if np.isnan(value) else float(value)


def chacha8(seed, stream, cases):
    """Draws of cases from the RFC 8439 block function with four double rounds, Lemire's method."""
    turn = lambda v, n: ((v << n) | (v >> (32 - n))) & 0xFFFFFFFF
    key = list(seed.to_bytes(32, "little"))
    key = [int.from_bytes(bytes(key[i : i + 4]), "little") for i in range(0, 32, 4)]
    block, drawn = 0, []
    while True:
        start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *key, block, 0, stream, 0]
        s = list(start)
        for _ in range(4):
            for a, b, c, d in [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                               (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]:
                for x, y, z, n in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)]:
                    s[x] = (s[x] + s[y]) & 0xFFFFFFFF
                    s[z] = turn(s[z] ^ s[x], n)
        for word in ((a + b) & 0xFFFFFFFF for a, b in zip(s, start)):
            if (word * cases) & 0xFFFFFFFF >= (1 << 32) % cases:
                drawn.append((word * cases) >> 32)
            if len(drawn) == cases:
                return drawn
        block += 1


def a_board(entries=6, cases=14):
    skill = np.linspace(0.5, 0.0, entries)[:, None]
    dice = np.round(np.clip(0.4 + skill + random.normal(0, 0.15, (entries, cases)), 0, 1), 2)
    far = np.round(20 - 20 * skill + random.normal(0, 6, (entries, cases)), 3)
    time = np.round(random.lognormal(2, 0.3, (entries, cases)), 4)
    plain = lambda table: [[float(v) for v in row] for row in table]
    rows = {"dice": plain(dice), "far": plain(far), "time": plain(time)}
    for entry, case in [(0, 3), (2, 0), (2, 1), (4, 7), (5, 3)]:
        rows["far"][entry][case] = None
    rows["time"][1] = [None] * cases
    return rows


def metrics(rows, missing):
    """Signed so that more is better."""
    found = []
    for name, sign in [("dice", 1), ("far", -1), ("time", -1)]:
        fill = {"worst": sign * 90.0}.get(missing)
        signed = [[fill if v is None else sign * v for v in row] for row in rows[name]]
        found.append({"missing": missing, "rows": signed})
    return found


def main():
    rows = a_board()
    schemes = ["aggregate mean", "aggregate median", "rank mean", "rank median", "test"]
    combines = [("mean", [1.0, 1.0, 1.0]), ("weighted", [0.5, 0.3, 0.1]), ("lexicographic", [2, 0])]
    boards = []
    for missing in ["last", "worst", "excluded"]:
        for scheme in schemes:
            for combine, weights in combines:
                for ties in TIES:
                    scores, final = rule(metrics(rows, missing), scheme, combine, weights, ties)
                    boards.append({"missing": missing, "scheme": scheme, "combine": combine, "weights": weights,
                                   "ties": ties, "scores": scores, "ranks": final})

    bootstraps = []
    draws = random.integers(0, 14, (40, 14)).tolist()
    for missing, scheme, ties in [("last", "aggregate mean", "min"), ("excluded", "aggregate median", "average"),
                                  ("worst", "rank mean", "dense"), ("excluded", "rank median", "max"),
                                  ("last", "test", "min")]:
        given = metrics(rows, missing)
        _, full = rule(given, scheme, "mean", [1.0] * 3, ties)
        drawn = []
        for draw in draws:
            again = [{**m, "rows": [[row[c] for c in draw] for row in m["rows"]]} for m in given]
            drawn.append(rule(again, scheme, "mean", [1.0] * 3, ties)[1])
        columns = [[r for r in column if r is not None] for column in zip(*drawn)]
        bootstraps.append({"missing": missing, "scheme": scheme, "ties": ties, "ranks": drawn,
                           "tau": [tau(full, ranking) for ranking in drawn],
                           "percentiles": [np.percentile(c, [2.5, 50, 97.5]).tolist() for c in columns]})

    tests = []
    for n, step in [(1, 0), (3, 0), (5, 0), (8, 1), (13, 0), (30, 0.5), (49, 0), (50, 0), (51, 0), (200, 0.25)]:
        left = random.normal(0.3, 1, n)
        right = random.normal(0, 1, n)
        if step:
            left, right = np.round(left / step) * step, np.round(right / step) * step
        left, right = left.tolist(), right.tolist()
        sizes = [abs(l - r) for l, r in zip(left, right)]
        countable = n <= 50 and 0 not in sizes and len(set(sizes)) == n
        tests.append({"left": left, "right": right,
                      "normal": [signed_rank(a, b, "asymptotic") for a, b in [(left, right), (right, left)]],
                      "exact": [signed_rank(a, b, "exact") for a, b in [(left, right), (right, left)]] if countable else None})

    values = random.integers(0, 9, 25).tolist()
    rankings = [[int(v) for v in random.permutation(12)], random.integers(0, 5, 12).tolist(), random.integers(0, 5, 12).tolist()]
    golden = {
        "made_with": f"Python {sys.version.split()[0]}, SciPy {scipy.__version__}, NumPy {np.__version__}",
        "rankdata": {"values": values, **{t: rankdata(values, t).tolist() for t in TIES}},
        "wilcoxon": tests,
        "kendall": [{"left": a, "right": b, "tau": tau(a, b)} for a, b in permutations(rankings, 2)],
        "draws": {"seed": 2024, "cases": 23, "draws": [chacha8(2024, stream, 23) for stream in range(4)]},
        "rows": rows, "boards": boards, "given": draws, "bootstraps": bootstraps,
    }
    with open("golden.json", "w") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")
    with open("board.csv", "w") as file:
        file.write("entry,case,dice\n")
        for entry, row in enumerate(rows["dice"]):
            file.writelines(f"{entry},{case},{value}\n" for case, value in enumerate(row))


main()
