//! A main for tests that share one expensive system: prints what cargo's own harness prints.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Instant;

use futures_util::FutureExt as _;

pub type Run<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>;

pub struct Scenario<S> {
    pub name: &'static str,
    pub run: for<'a> fn(&'a mut S) -> Run<'a>,
}

/// A list of functions over the stage, by module.
#[macro_export]
macro_rules! scenarios {
    ($($module:ident { $($name:ident),+ $(,)? })+) => {
        vec![$($($crate::scenario::Scenario {
            name: concat!(stringify!($module), "::", stringify!($name)),
            run: |stage| Box::pin($module::$name(stage)),
        }),+),+]
    };
}

/// What the command line of `cargo test` asks of a test binary.
pub struct Wanted {
    filters: Vec<String>,
    is_list: bool,
}

impl Wanted {
    pub fn from_args() -> Self {
        let args: Vec<String> = std::env::args().skip(1).collect();
        let is_list = args.iter().any(|arg| arg == "--list");
        Self {
            filters: args
                .into_iter()
                .filter(|arg| !arg.starts_with('-'))
                .collect(),
            is_list,
        }
    }

    fn wants(&self, name: &str) -> bool {
        self.filters.is_empty()
            || self
                .filters
                .iter()
                .any(|filter| name.contains(filter.as_str()))
    }

    /// The scenarios to run; `None` when they were only to be listed.
    pub fn choose<S>(&self, all: Vec<Scenario<S>>) -> Option<Vec<Scenario<S>>> {
        let chosen: Vec<_> = all.into_iter().filter(|one| self.wants(one.name)).collect();
        if self.is_list {
            for one in &chosen {
                println!("{}: test", one.name);
            }
            return None;
        }
        Some(chosen)
    }
}

/// Runs them in order on the same stage. A failure does not keep the next from being tried.
pub async fn run<S>(
    stage: &mut S,
    scenarios: Vec<Scenario<S>>,
    on_failure: impl Fn(&S),
) -> ExitCode {
    println!("\nrunning {} tests", scenarios.len());
    let (begun, mut failed) = (Instant::now(), Vec::new());
    let all = scenarios.len();
    for scenario in scenarios {
        let at = Instant::now();
        let outcome = AssertUnwindSafe((scenario.run)(stage)).catch_unwind().await;
        let took = at.elapsed().as_secs_f64();
        let what = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!("    {error:#}")),
            Err(_) => Some("it panicked".to_owned()),
        };
        match what {
            None => println!("test {} ... ok ({took:.1} s)", scenario.name),
            Some(what) => {
                println!("test {} ... FAILED ({took:.1} s)\n{what}", scenario.name);
                on_failure(stage);
                failed.push(scenario.name);
            }
        }
    }
    let word = if failed.is_empty() { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {} passed; {} failed; 0 ignored; 0 measured; 0 filtered out; finished in {:.2}s\n",
        all - failed.len(),
        failed.len(),
        begun.elapsed().as_secs_f64()
    );
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(101)
    }
}
