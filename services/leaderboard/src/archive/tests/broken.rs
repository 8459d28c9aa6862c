//! Archives that somebody changed, by hand or on purpose.

use std::io::Cursor;

use serde_json::{Value, json};
use sqlx::PgPool;

use super::{Files, World, sealed, text, unzip, verified, wrong, zip_of};
use crate::archive::Unreadable;
use crate::archive::names::{CHECKSUMS, CRATE, LONG, RANKING, STATISTICS, WIDE};
use crate::archive::verify::verify;

pub(super) fn replaced(files: &Files, name: &str, from: &str, to: &str) -> Files {
    let mut files = files.clone();
    let before = text(&files, name).to_owned();
    let after = before.replacen(from, to, 1);
    assert_ne!(before, after, "{from} is not in {name}");
    files.insert(name.to_owned(), after.into_bytes());
    files
}

pub(super) fn edited(files: &Files, name: &str, edit: impl FnOnce(&mut Value)) -> Files {
    let mut files = files.clone();
    let mut document: Value = serde_json::from_slice(&files[name]).unwrap();
    edit(&mut document);
    files.insert(name.to_owned(), serde_json::to_vec(&document).unwrap());
    files
}

/// What differs where the checksums were made to fit.
pub(super) fn differs(files: &Files) -> Vec<String> {
    let report = verified(&sealed(files));
    assert_eq!(report.is_equal, wrong(&report).is_empty());
    wrong(&report).into_iter().map(str::to_owned).collect()
}

const INTERVALS: &str = "intervals and stability";
pub(super) const FIGURES: &str = "ranks by metric and scheme, tests, consensus";

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn whatever_is_changed_is_found_also_with_checksums_that_fit(db: PgPool) {
    let files = unzip(&World::new(&db).await.archive(&db).await);
    assert_eq!(differs(&files), [""; 0]);

    // The last digit of one score, in the one table, then in both.
    let (from, to) = ("0.5294117647058824", "0.5294117647058825");
    let long = replaced(&files, LONG, from, to);
    assert_eq!(differs(&long), ["scores", "means"]);
    let both = replaced(&long, WIDE, from, to);
    assert_eq!(differs(&both), ["means"]);
    // One that changes the order of two entries.
    let better = replaced(&replaced(&files, LONG, from, "0"), WIDE, from, "0");
    let found = differs(&better);
    assert!(
        found.contains(&"means".to_owned()) && found.contains(&INTERVALS.to_owned()),
        "{found:?}"
    );

    let ranks = edited(&files, RANKING, |ranking| {
        ranking["entries"][0]["rank"] = json!(2);
        ranking["entries"][1]["rank"] = json!(1);
    });
    let found = differs(&ranks);
    assert!(
        found.contains(&"final ranks".to_owned()) && found.contains(&FIGURES.to_owned()),
        "{found:?}"
    );
    let metric = edited(&files, RANKING, |ranking| {
        ranking["entries"][1]["ranks"]["IA"] = json!(1)
    });
    assert_eq!(differs(&metric), ["ranks by metric"]);
    let mean = edited(&files, RANKING, |ranking| {
        ranking["entries"][1]["mean_rank"] = json!(1.5)
    });
    assert_eq!(differs(&mean), ["mean ranks"]);
    let spread = edited(&files, RANKING, |ranking| {
        ranking["entries"][0]["spreads"]["IA"]["q1"] = json!(0.5)
    });
    assert_eq!(differs(&spread), ["means"]);
    let failed = edited(&files, RANKING, |ranking| {
        ranking["entries"][3]["failed_cases"] = json!(0)
    });
    assert_eq!(differs(&failed), ["means"]);

    let interval = edited(&files, STATISTICS, |made| {
        made["teams"][1]["interval"]["to"] = json!(9.0)
    });
    assert_eq!(differs(&interval), [INTERVALS]);
    let p = edited(&files, STATISTICS, |made| {
        made["adjusted_p"][0][1] = json!(0.001)
    });
    assert_eq!(differs(&p), [FIGURES]);
    let scheme = edited(&files, STATISTICS, |made| {
        made["schemes"][2]["tau"] = json!(0.123)
    });
    assert_eq!(differs(&scheme), [FIGURES]);
    let more = edited(&files, STATISTICS, |made| {
        made["undrawn"] = json!("it was not")
    });
    assert_eq!(differs(&more), [FIGURES]);
    let seed = edited(&files, STATISTICS, |made| made["seed"] = json!(5));
    assert_eq!(differs(&seed), ["draws"]);
    let draws = edited(&files, STATISTICS, |made| {
        made["draws"] = json!(100_000_000)
    });
    assert_eq!(differs(&draws), ["draws"]);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_file_that_is_missing_changed_or_new_is_named(db: PgPool) {
    let files = unzip(&World::new(&db).await.archive(&db).await);
    let named = |files: &Files, what: &[&str], name: &str| {
        let report = verified(&zip_of(files));
        assert_eq!(wrong(&report), what);
        let told = format!("{:?}", report.checks);
        assert!(told.contains(name), "{told}");
    };
    let without = |name: &str| {
        let mut files = files.clone();
        files.remove(name).unwrap();
        files
    };
    let podium = "figures/podium.svg";
    named(&without(podium), &["files", "checksums"], podium);
    named(&without(LONG), &["files", "checksums", "scores"], LONG);
    named(
        &without(RANKING),
        &["files", "checksums", "documents"],
        RANKING,
    );
    named(
        &without(STATISTICS),
        &["files", "checksums", "statistics"],
        STATISTICS,
    );
    named(
        &replaced(&files, podium, "<svg", "<svg "),
        &["checksums"],
        podium,
    );
    let mut more = files.clone();
    more.insert("extra.txt".to_owned(), b"more".to_vec());
    named(&more, &["files", "checksums"], "extra.txt");
    assert_eq!(differs(&more), ["files"]);
    for (name, junk) in [
        (RANKING, "{"),
        (RANKING, "[]"),
        (STATISTICS, "1"),
        (CRATE, "[]"),
        (CHECKSUMS, "junk"),
    ] {
        let mut files = files.clone();
        files.insert(name.to_owned(), junk.as_bytes().to_vec());
        assert!(!verified(&zip_of(&files)).is_equal, "{name} {junk}");
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_is_no_archive_cannot_be_compared(db: PgPool) {
    let archive = World::new(&db).await.archive(&db).await;
    let read = |bytes: &[u8]| verify(Cursor::new(bytes), &|_| {}).unwrap_err();
    assert!(matches!(read(b""), Unreadable::Zip(_)));
    assert!(matches!(
        read(&archive[..archive.len() / 2]),
        Unreadable::Zip(_)
    ));
    let mut files = unzip(&archive);
    files.remove(CRATE);
    assert!(matches!(read(&zip_of(&files)), Unreadable::Other(CRATE)));
    let mut flipped = archive.clone();
    flipped[60] ^= 0xff;
    // Whichever byte that is: never as if it were whole.
    assert!(verify(Cursor::new(flipped), &|_| {}).map_or(true, |report| !report.is_equal));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_another_version_of_the_library_wrote_is_equal_and_a_note_says_so(db: PgPool) {
    let files = unzip(&World::new(&db).await.archive(&db).await);
    let library = |name: Value| edited(&files, STATISTICS, |made| made["library"] = name);
    let report = verified(&sealed(&library(json!("molar-ranking 1.9.9"))));
    assert!(report.is_equal, "{:?}", wrong(&report));
    let this = molar_ranking::VERSION;
    let note = format!("written by molar-ranking 1.9.9, recomputed by molar-ranking {this}");
    assert_eq!(report.notes, [note]);
    assert_eq!(differs(&library(json!(null))), ["draws"]);

    // The last digit of a mean is as good as another where sums were rounded, and nowhere else.
    let nudged = |files: &Files, by: f64| {
        edited(files, RANKING, |ranking| {
            let value = &mut ranking["entries"][0]["values"]["IA"];
            *value = json!(value.as_f64().unwrap() * (1.0 + by));
        })
    };
    assert_eq!(differs(&nudged(&files, 4e-16)), ["means"]);
    let older = library(json!("molar-ranking 0.1.0"));
    let report = verified(&sealed(&nudged(&older, 4e-16)));
    assert!(report.is_equal, "{:?}", wrong(&report));
    assert_eq!(report.notes.len(), 2, "{:?}", report.notes);
    assert_eq!(differs(&nudged(&older, 1e-9)), ["means"]);
}
