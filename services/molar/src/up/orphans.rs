//! What a killed predecessor left running.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;

use super::data_folder::DataFolder;
use super::process;
use super::record::Record;
use super::terminal::Terminal;

/// Ends it, highest tier first, and forgets it.
pub(super) async fn end_orphans(folder: &DataFolder, terminal: &Terminal) -> anyhow::Result<()> {
    let mut records = Vec::new();
    for entry in fs::read_dir(folder.path().join("run"))?.flatten() {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        // A half-written record cannot be: they are renamed into place.
        if let Ok(record) = serde_json::from_str::<Record>(&text) {
            records.push((entry.path(), record));
        }
    }
    records.sort_by_key(|(_, record)| std::cmp::Reverse(record.tier));
    for (file, record) in records {
        let step = terminal.begin(&record.name, "left over from last time, stopping");
        let was_alive = record.identity.is_alive();
        let ask = Signal::from_named_raw(record.stop_signal).unwrap_or(Signal::TERM);
        record
            .identity
            .end(ask, Duration::from_secs(record.grace_s))
            .await?;
        let mark = format!("{}/{};", folder.instance(), record.name);
        let found = process::find_marked(&mark, record.trace.as_ref());
        process::end_all(found, Duration::from_secs(5)).await?;
        fs::remove_file(file)?;
        if was_alive {
            step.done("left over from last time, stopped", "");
        }
    }
    let strays = process::find_marked(&format!("{}/", folder.instance()), None);
    process::end_all(strays, Duration::from_secs(5)).await?;
    Ok(())
}
