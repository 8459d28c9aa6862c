//! Whatever a figure is given, what comes out is well-formed, described and within its frame.

mod common;

use common::{Made, checked, each, nasty};
use molar_figures::{Look, Sheet};
use proptest::prelude::*;

fn sheets() -> [Sheet<'static>; 5] {
    [
        Sheet::wide("a"),
        Sheet::narrow("b"),
        Sheet::file("c"),
        Sheet::file("d").look(Look::Dark),
        Sheet {
            width: 5000,
            most: 0,
            ..Sheet::file("</svg>\" é")
        },
    ]
}

fn check_all(made: &Made) {
    for sheet in sheets() {
        each(made, &mut |figure| {
            checked(&figure.svg(&sheet), &sheet);
        });
    }
}

#[test]
fn nothing_is_a_figure_that_says_so() {
    let made = Made::default();
    let mut texts = Vec::new();
    each(&made, &mut |figure| {
        let svg = figure.svg(&Sheet::wide("a"));
        texts.push(checked(&svg, &Sheet::wide("a")));
    });
    for text in texts {
        let says = ["No ", "no ", "Nobody", "nobody", "Nothing"]
            .iter()
            .any(|word| text.contains(word));
        assert!(says, "{text}");
    }
    check_all(&made);
}

#[test]
fn one_entry_one_case_and_equal_values_are_drawn() {
    let one = |value| Made {
        names: vec!["only".to_owned()],
        values: vec![vec![value]],
    };
    for value in [
        Some(0.5),
        Some(0.0),
        Some(-1e300),
        None,
        Some(f64::NAN),
        Some(f64::INFINITY),
    ] {
        check_all(&one(value));
    }
    check_all(&Made {
        names: nasty(),
        values: vec![vec![Some(0.25); 7]; nasty().len()],
    });
    check_all(&Made {
        names: nasty(),
        values: vec![vec![None; 7]; nasty().len()],
    });
}

#[test]
fn names_stay_text() {
    let names = nasty();
    let values = names
        .iter()
        .enumerate()
        .map(|(at, _)| vec![Some(at as f64), Some(1.0)]);
    check_all(&Made {
        values: values.collect(),
        names,
    });
}

#[test]
fn of_many_entries_the_first_are_shown_and_the_others_counted() {
    let names: Vec<String> = (1..=114).map(|at| format!("team {at}")).collect();
    let values = names
        .iter()
        .enumerate()
        .map(|(at, _)| vec![Some(at as f64), Some(0.5)])
        .collect();
    let made = Made { names, values };
    let mut told = 0;
    each(&made, &mut |figure| {
        let svg = figure.svg(&Sheet::wide("a"));
        let text = checked(&svg, &Sheet::wide("a"));
        told += usize::from(text.contains("… and 84 more entries"));
    });
    assert_eq!(told, 6, "boxes, stability, significance and schemes twice");
}

#[test]
fn a_page_has_no_style_and_a_file_brings_its_own() {
    let made = Made {
        names: vec!["a".to_owned(), "b".to_owned(), "c".to_owned()],
        values: vec![
            vec![Some(1.0), Some(2.0)],
            vec![Some(1.5), Some(2.5)],
            vec![Some(0.5), None],
        ],
    };
    each(&made, &mut |figure| {
        let page = figure.svg(&Sheet::wide("a"));
        assert_eq!(page, figure.svg(&Sheet::wide("a")), "the same again");
        assert!(
            !page.contains("<style") && !page.contains("style="),
            "{page}"
        );
        assert!(
            page.contains("var(--ink,currentColor)") && page.contains("var(--sans,"),
            "{page}"
        );
        let file = figure.svg(&Sheet::file("a"));
        assert!(
            file.contains("prefers-color-scheme:dark") && !file.contains("var("),
            "{file}"
        );
        let paper = |look| figure.svg(&Sheet::file("a").look(look));
        assert!(paper(Look::Light).contains("fill=\"#fbfaf6\""));
        assert!(paper(Look::Dark).contains("fill=\"#12181a\""));
        for fixed in [paper(Look::Light), paper(Look::Dark)] {
            assert!(
                !fixed.contains("<style") && !fixed.contains("class=\"f-"),
                "{fixed}"
            );
        }
    });
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), prop::sample::select(nasty()), "\\PC{0,40}"]
}

fn value() -> impl Strategy<Value = Option<f64>> {
    let near = (-2.0..30.0_f64).prop_map(Some);
    let any = prop::num::f64::ANY.prop_map(Some);
    prop_oneof![6 => near, 2 => any, 1 => Just(None), 1 => Just(Some(0.0))]
}

fn made() -> impl Strategy<Value = Made> {
    (0..18_usize, 0..12_usize).prop_flat_map(|(entries, cases)| {
        let names = prop::collection::vec(name(), entries);
        let row = prop::collection::vec(value(), cases);
        let values = prop::collection::vec(row, entries);
        (names, values).prop_map(|(names, values)| Made { names, values })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn anything_at_all_is_drawn_soundly(made in made()) {
        check_all(&made);
    }
}
