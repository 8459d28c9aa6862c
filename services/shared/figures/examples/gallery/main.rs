//! Writes a page with every figure from made data, in light and dark, and each as a file:
//! `cargo run --example gallery -- FOLDER`.
//!
//! The page has the stylesheet of ours, so that it shows what the roles' pages will.

mod board;
mod others;
mod scores;

use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};

use molar_figures::{Figure, Sheet, png, responsive};

const STYLESHEET: &str = include_str!("../../../web-kit/assets/molar.css");
/// What a page that shows figures adds to the stylesheet, and the dark half beside the light one.
const RULES: &str = "
.half { background: var(--paper); color: var(--ink); padding: 1rem; }
.all { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 36rem), 1fr)); align-items: start; max-width: 88rem; margin: 0 auto; }
.all > div { background: var(--raised); border: 1px solid var(--line); border-radius: 8px; padding: .5rem; min-width: 0; }
.figure { display: block; width: 100%; height: auto; }
@media (max-width: 40rem) { .figure-wide { display: none; } .half { padding: .5rem; } }
@media (min-width: 40.01rem) { .figure-narrow { display: none; } }
";

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).unwrap_or_else(|| "gallery".to_owned());
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    let (mut light, mut dark) = (String::new(), String::new());
    let mut written = Ok(());
    let mut show = |name: &str, figure: &dyn Figure| {
        for (half, theme) in [(&mut light, "light"), (&mut dark, "dark")] {
            let drawn = responsive(figure, &format!("{name}-{theme}"));
            let _ = writeln!(half, "<div>{drawn}</div>");
        }
        if let Err(error) = keep(folder, name, figure) {
            written = Err(error);
        }
    };
    board::each(14, "", &mut show);
    board::each(114, "-114", &mut show);
    others::each(&mut show);
    written?;
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Figures</title><style>{STYLESHEET}{RULES}.light {{{}}} .dark {{{}}}</style>\
         <body><div class=\"half light\"><div class=\"all\">{light}</div></div>\
         <div class=\"half dark\"><div class=\"all\">{dark}</div></div></body></html>",
        variables(STYLESHEET.find(":root {")),
        variables(STYLESHEET.rfind(":root {")),
    );
    fs::write(folder.join("gallery.html"), page)
}

/// As files, for screens and for print.
fn keep(folder: &Path, name: &str, figure: &dyn Figure) -> io::Result<()> {
    let svg = figure.svg(&Sheet::file(name));
    let pixels = png(&svg, 2).map_err(io::Error::other)?;
    fs::write(folder.join(format!("{name}.svg")), svg)?;
    fs::write(folder.join(format!("{name}.png")), pixels)
}

/// The declarations of the rule that begins there.
fn variables(rule: Option<usize>) -> &'static str {
    let rule = rule.map_or("", |at| &STYLESHEET[at..]);
    let inside = rule.split_once('{').map_or("", |(_, inside)| inside);
    inside.split_once('}').map_or("", |(inside, _)| inside)
}
