//! Every figure from one table of values, and what is true of each.

use chrono::{DateTime, TimeDelta, Utc};
use molar_figures::*;
use roxmltree::{Document, Node};

/// Entries, and a row of values for each.
#[derive(Debug, Default)]
pub struct Made {
    pub names: Vec<String>,
    pub values: Vec<Vec<Option<f64>>>,
}

impl Made {
    fn value(&self, entry: usize, at: usize) -> Option<f64> {
        self.values.get(entry)?.get(at).copied().flatten()
    }

    /// Something that may be a rank or not.
    fn rank(&self, entry: usize, at: usize) -> Option<f64> {
        let value = self.value(entry, at)?;
        Some(if at.is_multiple_of(2) {
            value.round().abs() + 1.0
        } else {
            value
        })
    }
}

/// Names that nobody wishes for.
pub fn nasty() -> Vec<String> {
    [
        "",
        " \u{200f}\t",
        "</title></svg><script>alert(1)</script>",
        "\" onload=\"alert(1)' & <b>",
        "]]><!--",
        "\u{202e}gnp.exe\u{2069}\u{2069}",
        "فريق الأسنان",
        "צוות שיניים",
        "👨‍👩‍👧‍👦🦷🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
        "\u{0}\u{7}\u{1b}[31m\u{fffe}\u{ffff}\u{85}\u{2028}",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain(["x".repeat(200), "long name ".repeat(20), "牙".repeat(200)])
    .collect()
}

/// Draws each of the nine.
pub fn each(made: &Made, show: &mut dyn FnMut(&dyn Figure)) {
    let names: Vec<&str> = made.names.iter().map(String::as_str).collect();
    let title = names.first().copied().unwrap_or("Figure");
    let higher = Quantity::higher_is_better("Dice");
    let lower = Quantity::lower_is_better(title).unit("mm").decimals(2);
    boards(made, &names, title, show);
    let placed: Vec<Placed<'_>> = names
        .iter()
        .enumerate()
        .map(|(at, name)| Placed {
            name,
            rank: made.rank(at, 0),
            value: made.value(at, 1),
        })
        .collect();
    show(&Podium {
        title,
        quantity: lower,
        entries: &placed,
    });
    histories(made, &names, title, show);
    let offers: Vec<Offer<'_>> = names
        .iter()
        .enumerate()
        .map(|(at, name)| Offer {
            name,
            gain: made.value(at, 0),
            cost: made.value(at, 1),
            is_baseline: at % 5 == 4,
        })
        .collect();
    show(&TradeOff {
        title,
        gain: higher,
        cost: lower,
        entries: &offers,
    });
    show(&TradeOff {
        title,
        gain: lower,
        cost: higher,
        entries: &offers,
    });
    let numbers = (0..).zip(made.values.iter().flatten());
    let teeth: Vec<Tooth> = numbers
        .map(|(at, value)| Tooth {
            number: at % 90,
            value: *value,
        })
        .collect();
    let ends = made.value(0, 0).zip(made.value(0, 1));
    show(&Dentition {
        title,
        quantity: lower,
        teeth: &teeth,
        range: ends,
    });
    let row = |at: usize| made.values.get(at).cloned().unwrap_or_default();
    let pairs: Vec<Pair<'_>> = row(0)
        .into_iter()
        .zip(row(1))
        .map(|(a, b)| Pair { case: title, a, b })
        .collect();
    let name = |at: usize| names.get(at).copied().unwrap_or("");
    show(&Duel {
        title,
        quantity: higher,
        a: name(0),
        b: name(1),
        cases: &pairs,
    });
    show(&Duel {
        title,
        quantity: lower,
        a: name(1),
        b: name(0),
        cases: &pairs,
    });
}

fn boards(made: &Made, names: &[&str], title: &str, show: &mut dyn FnMut(&dyn Figure)) {
    let quantity = Quantity::higher_is_better("Dice");
    let rows = made
        .values
        .iter()
        .chain(std::iter::repeat(const { &Vec::new() }));
    let samples = names
        .iter()
        .zip(rows)
        .map(|(name, values)| Sample { name, values });
    let samples: Vec<Sample<'_>> = samples.collect();
    show(&BoxPlot {
        title,
        quantity,
        entries: &samples,
    });
    let counts: Vec<Vec<(f64, usize)>> = (0..names.len())
        .map(|entry| {
            (0..4)
                .filter_map(|at| Some((made.rank(entry, at)?, at * 7 + 1)))
                .collect()
        })
        .collect();
    let shares: Vec<RankShare<'_>> = names
        .iter()
        .enumerate()
        .map(|(at, name)| RankShare {
            name,
            rank: made.rank(at, 0),
            counts: &counts[at],
            unranked: at % 3,
            median: made.rank(at, 2),
            interval: made.rank(at, 0).zip(made.rank(at, 2)),
        })
        .collect();
    show(&Stability {
        title,
        entries: &shares,
    });
    // As many rows as there are, of whatever length.
    let adjusted: Vec<&[Option<f64>]> = made.values.iter().map(Vec::as_slice).collect();
    show(&SignificanceMap {
        title,
        names,
        tested: Tested::Adjusted(&adjusted),
        alpha: made.value(0, 0).unwrap_or(0.05),
    });
    let places = |row: &Vec<Option<f64>>| -> Vec<usize> {
        row.iter().flatten().map(|value| *value as usize).collect()
    };
    let better: Vec<Vec<usize>> = made.values.iter().map(places).collect();
    let better: Vec<&[usize]> = better.iter().map(Vec::as_slice).collect();
    show(&SignificanceMap {
        title,
        names,
        tested: Tested::BetterThan(&better),
        alpha: 0.05,
    });
    let ranks: Vec<Vec<Option<f64>>> = (0..names.len())
        .map(|entry| (0..5).map(|at| made.rank(entry, at)).collect())
        .collect();
    let lines = names
        .iter()
        .zip(&ranks)
        .map(|(name, ranks)| Line { name, ranks });
    let lines: Vec<Line<'_>> = lines.collect();
    for schemes in [&names[..names.len().min(5)], &["one"], &[]] {
        show(&Schemes {
            title,
            schemes,
            entries: &lines,
        });
    }
}

fn histories(made: &Made, names: &[&str], title: &str, show: &mut dyn FnMut(&dyn Figure)) {
    let begin: DateTime<Utc> = "2026-03-01T08:00:00Z".parse().expect("a moment");
    let changes: Vec<Vec<Change>> = made
        .values
        .iter()
        .map(|row| {
            let days = row
                .iter()
                .map(|value| value.filter(|v| v.abs() < 1e4).unwrap_or(3.0) as i64);
            let changes = days.zip(row);
            changes
                .map(|(days, value)| Change {
                    at: begin + TimeDelta::days(days),
                    value: *value,
                })
                .collect()
        })
        .collect();
    let tracks = names
        .iter()
        .zip(&changes)
        .map(|(name, changes)| Track { name, changes });
    let tracks: Vec<Track<'_>> = tracks.collect();
    let quantity = Quantity::lower_is_better("rank");
    for (is_rank, until) in [
        (true, begin + TimeDelta::days(40)),
        (false, DateTime::<Utc>::MAX_UTC),
    ] {
        show(&History {
            title,
            quantity,
            is_rank,
            tracks: &tracks,
            until,
        });
    }
}

/// Fails where a figure is not sound; gives all its text.
pub fn checked(svg: &str, sheet: &Sheet<'_>) -> String {
    let document = Document::parse(svg).unwrap_or_else(|error| panic!("{error}\n{svg}"));
    let root = document.root_element();
    assert_eq!(
        (root.tag_name().name(), root.attribute("role")),
        ("svg", Some("img"))
    );
    let labels = root.attribute("aria-labelledby").expect("a label");
    let parts: Vec<Node<'_, '_>> = root.children().filter(Node::is_element).take(2).collect();
    assert_eq!(parts[0].tag_name().name(), "title");
    assert_eq!(parts[1].tag_name().name(), "desc");
    let ids: Vec<&str> = parts
        .iter()
        .filter_map(|part| part.attribute("id"))
        .collect();
    assert_eq!(ids.join(" "), labels);
    for part in parts {
        assert!(
            part.text().is_some_and(|text| !text.trim().is_empty()),
            "{svg}"
        );
    }
    let frame: Vec<f64> = root
        .attribute("viewBox")
        .expect("a frame")
        .split(' ')
        .map(|n| n.parse().expect("a number"))
        .collect();
    assert_eq!(frame[2], f64::from(sheet.width.clamp(320, 1600)));
    for node in root.descendants().filter(Node::is_element) {
        within(&node, &frame, svg);
    }
    let texts: Vec<&str> = root
        .descendants()
        .filter_map(|node| node.text().filter(|_| node.is_text()))
        .collect();
    for text in &texts {
        isolated(text);
    }
    texts.join(" ")
}

const KNOWN: [&str; 14] = [
    "svg", "title", "desc", "style", "rect", "path", "circle", "text", "g", "defs", "pattern",
    "ellipse", "line", "tspan",
];

fn within(node: &Node<'_, '_>, frame: &[f64], svg: &str) {
    let name = node.tag_name().name();
    assert!(KNOWN.contains(&name), "{name} in {svg}");
    for attribute in node.attributes() {
        let (key, value) = (attribute.name(), attribute.value());
        assert!(
            !key.starts_with("on") && key != "href" && key != "style",
            "{key}"
        );
        assert!(
            !value.contains("NaN") && !value.contains("inf"),
            "{key}={value:?}"
        );
        let far = match key {
            "x" | "cx" => frame[2],
            "y" | "cy" => frame[3],
            _ => continue,
        };
        let value: f64 = value.parse().expect("a number");
        assert!(
            (-1.0..=far + 1.0).contains(&value),
            "{name} {key}={value} of {far}\n{svg}"
        );
    }
}

/// Every isolation that begins in a text ends in it.
fn isolated(text: &str) {
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '\u{2068}' => depth += 1,
            '\u{2069}' => depth -= 1,
            _ => (),
        }
        assert!((0..=3).contains(&depth), "{text:?}");
    }
    assert_eq!(depth, 0, "{text:?}");
}
