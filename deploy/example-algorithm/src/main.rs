//! `segment [--inputs DIR] [--outputs DIR] [--params FILE] [--NAME VALUE]…`

use std::path::PathBuf;
use std::process::ExitCode;

use molar_example_algorithm::{Error, Params, run};

fn main() -> ExitCode {
    match start(std::env::args().skip(1)) {
        Ok(written) => {
            println!("wrote {}", written.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Later wins: the file, then `ALGORITHM_…` in the environment, then the arguments.
fn start(mut args: impl Iterator<Item = String>) -> Result<PathBuf, Error> {
    let mut inputs = PathBuf::from("/inputs");
    let mut outputs = PathBuf::from("/outputs");
    let mut file = PathBuf::from("/opt/algorithm/params");
    let mut given = Vec::new();
    while let Some(arg) = args.next() {
        let name = arg
            .strip_prefix("--")
            .ok_or_else(|| Error::Argument(arg.clone()))?;
        let value = args.next().ok_or_else(|| Error::Argument(arg.clone()))?;
        match name {
            "inputs" => inputs = value.into(),
            "outputs" => outputs = value.into(),
            "params" => file = value.into(),
            _ => given.push((name.to_owned(), value)),
        }
    }
    let mut params = Params::default();
    if file.exists() {
        params.read(&std::fs::read_to_string(&file)?)?;
    }
    for name in Params::NAMES {
        let variable = format!("ALGORITHM_{}", name.replace('-', "_").to_uppercase());
        if let Ok(value) = std::env::var(variable) {
            params.set(name, &value)?;
        }
    }
    for (name, value) in given {
        params.set(&name, &value)?;
    }
    run(&inputs, &outputs, &params)
}
