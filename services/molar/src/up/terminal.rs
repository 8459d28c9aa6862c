//! What a person sees while servers come and go. Goes to stderr: stdout belongs to `--run`.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

#[derive(Clone, Debug)]
pub struct Terminal {
    bars: Option<MultiProgress>,
}

/// One thing that takes a while.
#[derive(Debug)]
pub struct Step {
    terminal: Terminal,
    name: String,
    begun: Instant,
    bar: Option<ProgressBar>,
}

impl Terminal {
    pub fn new() -> Self {
        Self {
            bars: std::io::stderr().is_terminal().then(MultiProgress::new),
        }
    }

    pub fn line(&self, text: &str) {
        match &self.bars {
            // Nothing to do if the terminal went away; the logs have it all.
            Some(bars) => drop(bars.println(text)),
            None => eprintln!("{text}"),
        }
    }

    pub fn begin(&self, name: &str, doing: &str) -> Step {
        let bar = self.bars.as_ref().map(|bars| {
            let style = ProgressStyle::with_template("  {prefix:<14} {spinner} {msg} {elapsed}");
            let bar = bars.add(ProgressBar::new_spinner());
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_prefix(name.to_owned());
            bar.set_message(doing.to_owned());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Step {
            terminal: self.clone(),
            name: name.to_owned(),
            begun: Instant::now(),
            bar,
        }
    }
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

impl Step {
    pub fn done(self, what: &str, note: &str) {
        let took = self.begun.elapsed().as_secs_f64();
        let line = format!("  {:<14} {what} in {took:>4.1} s   {note}", self.name);
        self.terminal.line(line.trim_end());
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
