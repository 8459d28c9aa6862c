//! Chromium without a window, steered by its driver.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use thirtyfour::ChromeCapabilities;
use thirtyfour::prelude::*;
use tokio::process::{Child, Command};

use crate::until;

pub struct Browser {
    driver: WebDriver,
    _chromedriver: Child,
    _profile: TempDir,
}

impl Browser {
    /// `None` where it is not installed.
    pub async fn start() -> anyhow::Result<Option<Self>> {
        let is_there = |program: &str| Path::new("/usr/bin").join(program).exists();
        if !is_there("chromium") || !is_there("chromedriver") {
            return Ok(None);
        }
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?
            .local_addr()?
            .port();
        let chromedriver = Command::new("/usr/bin/chromedriver")
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let profile = tempfile::Builder::new()
            .prefix("molar-browser-")
            .tempdir()?;
        let capabilities = capabilities(profile.path())?;
        let url = format!("http://127.0.0.1:{port}");
        let driver = until("the browser", Duration::from_secs(60), async || {
            Ok(Some(WebDriver::new(&url, capabilities.clone()).await?))
        })
        .await?;
        Ok(Some(Self {
            driver,
            _chromedriver: chromedriver,
            _profile: profile,
        }))
    }

    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    pub async fn quit(self) {
        // Its driver is killed anyhow.
        let _ = self.driver.quit().await;
    }
}

fn capabilities(profile: &Path) -> WebDriverResult<ChromeCapabilities> {
    let mut capabilities = DesiredCapabilities::chrome();
    for argument in [
        "--headless",
        // Root has no other way; what it sees are our own pages.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ] {
        capabilities.add_arg(argument)?;
    }
    capabilities.add_arg(&format!("--user-data-dir={}", profile.display()))?;
    Ok(capabilities)
}
