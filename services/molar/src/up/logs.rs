//! The file that each child writes to.

use std::fs::{self, File};
use std::io;

use anyhow::Context;

use super::account;
use super::data_folder::DataFolder;

/// A log larger than this is put aside before its child starts; one old file is kept.
const LOG_BYTES: u64 = 16 << 20;

pub(super) fn put_log_aside(folder: &DataFolder, name: &str) -> io::Result<()> {
    let log = folder.log(name);
    if fs::metadata(&log).is_ok_and(|found| found.len() > LOG_BYTES) {
        fs::rename(&log, log.with_extension("log.1"))?;
    }
    Ok(())
}

pub(super) fn open_log(folder: &DataFolder, name: &str) -> anyhow::Result<File> {
    let log = folder.log(name);
    let file = File::options()
        .create(true)
        .append(true)
        .open(&log)
        .with_context(|| log.display().to_string())?;
    account::keep_owner(&log)?;
    Ok(file)
}
