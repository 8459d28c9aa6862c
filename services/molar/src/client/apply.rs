//! `molar apply FILE`: the plan of a challenge file, the question, and nothing else than that plan.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use super::{Connection, print, text};

const PATH: &str = "/api/v1/challenges";

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// The challenge file.
    file: PathBuf,
    /// A second file whose values replace those of the first.
    #[arg(long)]
    overlay: Option<PathBuf>,
    /// Apply without asking.
    #[arg(long)]
    yes: bool,
    /// Show what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Why a running phase is changed; kept in the audit log.
    #[arg(long)]
    reason: Option<String>,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    let file = read(&args.file)?;
    let overlay = args.overlay.as_deref().map(read).transpose()?;
    let body = |dry_run: bool, plan: Option<&str>| {
        json!({
            "file": file, "overlay": overlay, "dry_run": dry_run, "reason": args.reason, "plan": plan,
        })
    };
    let planned: Value = api.put(PATH, &body(true, None)).await?;
    if args.dry_run || !changes_anything(&planned) {
        return print(args.json, &planned, show);
    }
    if !args.json {
        show(&planned);
    }
    require_reason(&planned, args.reason.as_deref())?;
    if !args.yes {
        ask()?;
    }
    // What was shown, or nothing: the server compares.
    let plan = planned["plan_id"].as_str();
    let applied: Value = api.put(PATH, &body(false, plan)).await?;
    print(args.json, &applied, |_| say!("Applied."))
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn steps(plan: &Value) -> &[Value] {
    plan["plan"].as_array().map_or(&[], Vec::as_slice)
}

fn changes_anything(plan: &Value) -> bool {
    steps(plan)
        .iter()
        .any(|step| text(step, "change") != "keep")
}

fn require_reason(plan: &Value, reason: Option<&str>) -> anyhow::Result<()> {
    let needs = plan["needs_reason"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    if needs.is_empty() || reason.is_some_and(|reason| !reason.trim().is_empty()) {
        return Ok(());
    }
    let lines: Vec<_> = needs.iter().filter_map(Value::as_str).collect();
    bail!(
        "teams work under these rules; say why they change with --reason:\n  {}",
        lines.join("\n  ")
    )
}

fn ask() -> anyhow::Result<()> {
    ensure!(
        std::io::stdin().is_terminal(),
        "nothing was changed: there is no terminal to ask at; run it again with --yes"
    );
    eprint!("Apply? Type yes: ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    ensure!(answer.trim() == "yes", "nothing was changed");
    Ok(())
}

fn show(plan: &Value) {
    if steps(plan).is_empty() {
        say!("Nothing changes.");
    }
    for step in steps(plan) {
        say!(
            "  {} {}: {}",
            text(step, "change"),
            text(step, "what"),
            text(step, "detail")
        );
        if let Some(touched) = touched(&step["touches"]) {
            say!("      touches {touched}");
        }
    }
}

fn touched(touches: &Value) -> Option<String> {
    let counted = |name: &str, words: &str| {
        let n = touches[name].as_i64().filter(|n| *n > 0)?;
        Some(format!("{words}: {n}"))
    };
    let parts = [
        counted("teams", "teams"),
        counted("submissions", "submissions"),
        counted("evaluations", "evaluations to redo"),
        counted("ranks", "ranks computed again"),
        counted("kept_shorter", "submissions whose files go sooner"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_touches_teams_wants_a_reason_before_it_asks() {
        let plan = json!({"plan": [{"change": "keep", "what": "track a", "detail": "stays"}], "needs_reason": []});
        assert!(!changes_anything(&plan));
        require_reason(&plan, None).unwrap();
        let plan = json!({"needs_reason": ["phase a/b: closes_at: 1 → 2"]});
        let error = require_reason(&plan, Some(" ")).unwrap_err().to_string();
        assert!(
            error.contains("--reason") && error.contains("phase a/b"),
            "{error}"
        );
        require_reason(&plan, Some("the store was down")).unwrap();
    }

    #[test]
    fn whom_a_step_touches_is_told_where_it_touches_somebody() {
        assert_eq!(touched(&Value::Null), None);
        let touches = json!({"teams": 2, "submissions": 5, "evaluations": 0, "ranks": 1});
        assert_eq!(
            touched(&touches).unwrap(),
            "teams: 2, submissions: 5, ranks computed again: 1"
        );
    }
}
