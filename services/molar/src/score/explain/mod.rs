//! `molar score --explain`: a picture of one case.

mod load;
mod target;

use std::path::PathBuf;

use anyhow::bail;

use super::cases::Case;
use super::measure::Outcome;
use target::Target;

/// As many cases are named to whoever asks for one that there is not.
const NAMED: usize = 8;

#[derive(Debug, clap::Args)]
pub struct Explain {
    /// Score this case only, and draw it: reference, prediction and errors.
    #[arg(long, value_name = "CASE")]
    explain: Option<String>,
    /// Where the picture goes, in the place of what is there; CASE.png in the current folder if not given.
    #[arg(long, value_name = "FILE.png", requires = "explain", value_parser = png)]
    explain_to: Option<PathBuf>,
}

/// A picture that has a place, but is not drawn yet.
pub struct Explanation {
    target: Target,
}

fn png(path: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    let is_png = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    is_png
        .then_some(path)
        .ok_or_else(|| "the picture is a PNG: end its name in .png".to_owned())
}

impl Explain {
    /// Leaves only the case that is asked for, and makes sure that its picture can be written.
    pub fn begin(&self, cases: &mut Vec<Case>) -> anyhow::Result<Option<Explanation>> {
        let Some(wanted) = &self.explain else {
            return Ok(None);
        };
        if !cases.iter().any(|case| case.name == *wanted) {
            bail!("there is no case {wanted} to explain: {}", known(cases));
        }
        cases.retain(|case| case.name == *wanted);
        if cases.len() > 1 {
            bail!(
                "{wanted} is a case of polygons and one of a volume: give the two files to compare"
            );
        }
        let target = Target::open(self.path(wanted)?)?;
        Ok(Some(Explanation { target }))
    }

    fn path(&self, case: &str) -> anyhow::Result<PathBuf> {
        if let Some(path) = &self.explain_to {
            return Ok(path.clone());
        }
        let path = PathBuf::from(format!("{case}.png"));
        // It may be the case's own image.
        if path.exists() {
            let path = path.display();
            bail!("{path} is there already: say --explain-to {path} to replace it");
        }
        Ok(path)
    }
}

fn known(cases: &[Case]) -> String {
    let names: Vec<_> = cases.iter().take(NAMED).map(|case| &*case.name).collect();
    let names = names.join(", ");
    match cases.len() {
        1 => format!("there is {names}"),
        2..=NAMED => format!("there are {names}"),
        more => format!("there are {names} and {} more", more - NAMED),
    }
}

impl Explanation {
    /// Draws what could be scored, and says why there is no picture of anything else.
    pub fn finish(self, case: &Case, outcome: &Outcome) -> anyhow::Result<()> {
        let name = &case.name;
        match outcome {
            Outcome::Scored(_) => {
                let picture = load::picture(case)?.draw();
                let path = self.target.write(&picture)?;
                eprintln!("molar: the picture of {name} is in {}", path.display());
            }
            Outcome::Failed { reason, .. } | Outcome::Unfit(reason) => {
                eprintln!("molar: {name}: there is no picture: {reason}");
            }
        }
        Ok(())
    }
}
