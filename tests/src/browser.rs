//! Chromium without a window, steered by its driver: the few commands of WebDriver that the tests need.
//!
//! No crate for it: `thirtyfour` turns on `preserve_order` of serde_json for everything that is built beside.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::api::client;
use crate::system::binary;
use crate::until;

/// As the protocol names the reference to an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub struct Browser {
    session: String,
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
        let wanted = capabilities(profile.path());
        let url = format!("http://127.0.0.1:{port}/session");
        let session = until("the browser", Duration::from_secs(60), async || {
            let session = ask(Method::POST, &url, &wanted).await?;
            let id = session["sessionId"].as_str().context("no session")?;
            Ok(Some(format!("{url}/{id}")))
        })
        .await?;
        Ok(Some(Self {
            session,
            _chromedriver: chromedriver,
            _profile: profile,
        }))
    }

    /// One command of the browser's own protocol, which can do what WebDriver cannot.
    pub async fn devtools(&self, command: &str, parameters: Value) -> anyhow::Result<Value> {
        let body = json!({"cmd": command, "params": parameters});
        self.post("/goog/cdp/execute", body).await
    }

    /// Shows pages so wide and high, in one of both looks, and with a screen's points for pixels.
    pub async fn look_as(&self, width: u32, height: u32, is_dark: bool) -> anyhow::Result<()> {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size)
            .await?;
        let scheme = if is_dark { "dark" } else { "light" };
        let media = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.devtools("Emulation.setEmulatedMedia", media).await?;
        Ok(())
    }

    /// Whether pages loaded from now on may run scripts of their own.
    pub async fn let_scripts_run(&self, may: bool) -> anyhow::Result<()> {
        let value = json!({ "value": !may });
        self.devtools("Emulation.setScriptExecutionDisabled", value)
            .await?;
        Ok(())
    }

    /// All cookies go, and this one comes, for every port of the host.
    pub async fn only_cookie(&self, cookie: Option<(&str, &str)>) -> anyhow::Result<()> {
        self.devtools("Network.clearBrowserCookies", json!({}))
            .await?;
        if let Some((name, value)) = cookie {
            let cookie = json!({"name": name, "value": value, "domain": "127.0.0.1", "path": "/", "httpOnly": true});
            self.devtools("Network.setCookie", cookie).await?;
        }
        Ok(())
    }

    /// What the console was told as an error since it was asked last.
    pub async fn console_errors(&self) -> anyhow::Result<Vec<String>> {
        let told = self.post("/se/log", json!({"type": "browser"})).await?;
        let entries = told.as_array().into_iter().flatten();
        let errors = entries.filter(|entry| entry["level"] == "SEVERE");
        Ok(errors.map(|entry| entry["message"].to_string()).collect())
    }

    /// Presses Tab so often, one after the other.
    pub async fn press_tab(&self, times: usize) -> anyhow::Result<()> {
        self.press(&"\u{e004}".repeat(times)).await
    }

    /// These keys, wherever the focus is.
    pub async fn press(&self, keys: &str) -> anyhow::Result<()> {
        let strokes = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|way| json!({"type": way, "value": key})));
        let keys: Vec<Value> = strokes.collect();
        let keyboard = json!({"actions": [{"type": "key", "id": "keyboard", "actions": keys}]});
        self.post("/actions", keyboard).await?;
        Ok(())
    }

    pub async fn goto(&self, url: &str) -> anyhow::Result<()> {
        self.post("/url", json!({ "url": url })).await?;
        Ok(())
    }

    pub async fn refresh(&self) -> anyhow::Result<()> {
        self.post("/refresh", json!({})).await?;
        Ok(())
    }

    /// The path of the page that is shown.
    pub async fn path(&self) -> anyhow::Result<String> {
        let url = ask(Method::GET, &format!("{}/url", self.session), &Value::Null).await?;
        let url: reqwest::Url = url.as_str().context("no address")?.parse()?;
        Ok(url.path().to_owned())
    }

    pub async fn run(&self, script: &str, arguments: Value) -> anyhow::Result<Value> {
        let body = json!({"script": script, "args": arguments});
        self.post("/execute/sync", body).await
    }

    /// A script that says by its last argument what came out.
    pub async fn run_until_done(&self, script: &str, arguments: Value) -> anyhow::Result<Value> {
        let body = json!({"script": script, "args": arguments});
        self.post("/execute/async", body).await
    }

    /// Types into the element, or chooses a file for it.
    pub async fn type_into(&self, css: &str, text: &str) -> anyhow::Result<()> {
        let element = self.find(css).await?;
        self.post(&format!("{element}/value"), json!({ "text": text }))
            .await?;
        Ok(())
    }

    pub async fn click(&self, css: &str) -> anyhow::Result<()> {
        let element = self.find(css).await?;
        self.post(&format!("{element}/click"), json!({})).await?;
        Ok(())
    }

    pub async fn text_of(&self, css: &str) -> anyhow::Result<String> {
        let url = format!("{}{}/text", self.session, self.find(css).await?);
        let text = ask(Method::GET, &url, &Value::Null).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Kept beside what was built, in `screenshots`.
    pub async fn keep_picture(&self, name: &str) -> anyhow::Result<()> {
        let url = format!("{}/screenshot", self.session);
        let picture = ask(Method::GET, &url, &Value::Null).await?;
        let picture = BASE64.decode(picture.as_str().context("no picture")?)?;
        let built = binary().context("the binary `molar` is not built")?;
        let folder = built.with_file_name("screenshots");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(format!("{name}.png")), picture)?;
        Ok(())
    }

    /// The whole page, as high as it is, into this file.
    pub async fn keep_page(&self, path: &Path) -> anyhow::Result<()> {
        let whole =
            json!({"format": "png", "captureBeyondViewport": true, "optimizeForSpeed": true});
        let picture = self.devtools("Page.captureScreenshot", whole).await?;
        let picture = BASE64.decode(picture["data"].as_str().context("no picture")?)?;
        std::fs::write(path, picture)?;
        Ok(())
    }

    /// The page as it is printed, a PDF: on the paper that it asks for itself, else on A4.
    pub async fn print(&self) -> anyhow::Result<Vec<u8>> {
        // In centimetres; shrunk to fit, the page's own size would not count.
        let paper = json!({"page": {"width": 21.0, "height": 29.7}, "shrinkToFit": false});
        let printed = self.post("/print", paper).await?;
        Ok(BASE64.decode(printed.as_str().context("no PDF")?)?)
    }

    pub async fn quit(self) {
        // Its driver is killed anyhow.
        let _ = ask(Method::DELETE, &self.session, &Value::Null).await;
    }

    async fn find(&self, css: &str) -> anyhow::Result<String> {
        let body = json!({"using": "css selector", "value": css});
        let found = self.post("/element", body).await?;
        let id = found[ELEMENT].as_str();
        Ok(format!(
            "/element/{}",
            id.with_context(|| format!("no {css}"))?
        ))
    }

    async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        ask(Method::POST, &format!("{}{path}", self.session), &body).await
    }
}

/// The `value` of the driver's answer.
async fn ask(method: Method, url: &str, body: &Value) -> anyhow::Result<Value> {
    let mut request = client().request(method, url);
    if !body.is_null() {
        request = request.json(body);
    }
    let answer = request.send().await?;
    let status = answer.status();
    let answer: Value = answer.json().await?;
    ensure!(
        status.is_success(),
        "the browser's driver answered {status}: {}",
        answer["value"]["message"]
    );
    Ok(answer["value"].clone())
}

fn capabilities(profile: &Path) -> Value {
    let profile = format!("--user-data-dir={}", profile.display());
    // Root has no other way than without a sandbox; what it sees are our own pages.
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        // As on a telephone: they lie over the page.
        "--hide-scrollbars",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        profile.as_str(),
    ];
    json!({"capabilities": {"alwaysMatch": {
        "browserName": "chrome",
        "goog:chromeOptions": {"args": arguments},
        "goog:loggingPrefs": {"browser": "ALL"},
    }}})
}
