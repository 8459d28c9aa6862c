//! What is asked of each page.

use std::path::Path;

use molar_tests::browser::Browser;
use serde_json::{Value, json};

use super::Visit;

/// Violations that axe calls serious or critical, and whatever is wrong with the landmarks.
const AXE: &str = "
    const done = arguments[arguments.length - 1];
    const tell = (rule) => rule.nodes.slice(0, 3).map((node) =>
        `axe ${rule.id} (${rule.impact}): ${node.target.join(' ')}: ${node.html.slice(0, 160)}`
        + ` [${node.failureSummary.split('\\n').slice(1, 2).join(' ').trim()}]`);
    const counts = (rule) => ['serious', 'critical'].includes(rule.impact)
        || /^(region|landmark-|page-has-heading-one|heading-order)/.test(rule.id);
    const [only] = arguments;
    axe.run(document, {resultTypes: ['violations'], ...(only && {runOnly: {type: 'rule', values: only}})})
        .then((found) => done(found.violations.filter(counts).flatMap(tell)))
        .catch((error) => done([`axe: ${error}`]));";

/// Rules of axe about colours.
const COLOURS: [&str; 2] = ["color-contrast", "link-in-text-block"];

const OVERFLOW: &str = "
    const root = document.documentElement;
    if (root.scrollWidth <= root.clientWidth) return [];
    const isWide = (element) => element.getBoundingClientRect().right > root.clientWidth + 1
        && !element.closest('.scroll, pre');
    const wide = [...document.querySelectorAll('body *')].filter(isWide).slice(0, 3);
    return [`it is ${root.scrollWidth} wide in a window of ${root.clientWidth}: `
        + wide.map((element) => element.outerHTML.slice(0, 120)).join(' | ')];";

/// Notes where the focus goes, and whether it can be seen there; returns where it has to go. Of a group of radio buttons
/// one is a stop, and a field of a date is several.
const WATCH: &str = "
    const isStop = (element) => !element.disabled && element.type !== 'hidden'
        && element.checkVisibility({visibilityProperty: true})
        && (element.type !== 'radio' || element.checked);
    const controls = 'a[href], button, input, select, textarea, summary, [tabindex=\"0\"]';
    const told = (element) => element.outerHTML.slice(0, 140);
    const seen = {stops: [...document.querySelectorAll(controls)].filter(isStop), reached: new Set(), unseen: []};
    document.addEventListener('focusin', ({target}) => {
        seen.reached.add(target);
        const style = getComputedStyle(target);
        const isSeen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
        if (!isSeen) seen.unseen.push(`the focus is not to be seen on ${told(target)}`);
    });
    seen.tell = () => [...seen.unseen, ...seen.stops.filter((stop) => !seen.reached.has(stop))
        .map((stop) => `Tab does not lead to ${told(stop)}`)];
    window.seenByTest = seen;
    document.activeElement?.blur?.();
    const dates = seen.stops.filter((stop) => /date|time/.test(stop.type)).length;
    return seen.stops.length + 8 * dates + 2;";

/// What needs a script to be sent, or to be read.
const FORMS: &str = "
    const cannot = [...document.forms].filter((form) => !form.matches('[data-upload]')
        && !form.querySelector('button:not([type=button]), input[type=submit]'));
    const empty = document.querySelector('main')?.innerText.trim() ? [] : ['nothing is to be read without scripts'];
    return [...cannot.map((form) => `needs a script to be sent: ${form.outerHTML.slice(0, 120)}`), ...empty];";

const WIDE: (u32, u32) = (1400, 900);
const NARROW: (u32, u32) = (360, 780);

pub struct Examiner<'a> {
    pub browser: &'a Browser,
    pub axe: &'a str,
    pub folder: &'a Path,
}

impl Examiner<'_> {
    /// All that is wrong with it.
    pub async fn examine(&self, visit: &Visit) -> anyhow::Result<Vec<String>> {
        let browser = self.browser;
        let session = visit.session.as_deref();
        browser
            .only_cookie(session.map(|session| ("molar_session", session)))
            .await?;
        browser.look_as(WIDE.0, WIDE.1, false).await?;
        browser.goto(&visit.url).await?;
        let mut wrong = self.shown(&visit.name, visit.is_first).await?;
        wrong.extend(self.without_scripts(visit).await?);
        // A page that is not there is an error to the console.
        let of_console = browser.console_errors().await?.into_iter();
        let of_console = of_console.filter(|_| !visit.name.starts_with("problem-"));
        wrong.extend(of_console.map(|error| format!("the console says {error}")));
        Ok(wrong)
    }

    /// All that is wrong with the page as it is shown, which may be the answer to a form.
    pub async fn shown(&self, name: &str, is_first: bool) -> anyhow::Result<Vec<String>> {
        let browser = self.browser;
        browser.look_as(WIDE.0, WIDE.1, false).await?;
        let mut wrong = self.look("wide and light").await?;
        self.picture(name, "1400").await?;
        browser.look_as(WIDE.0, WIDE.1, true).await?;
        wrong.extend(self.colours("wide and dark").await?);
        if is_first {
            wrong.extend(self.by_tab().await?);
        }
        browser.look_as(NARROW.0, NARROW.1, true).await?;
        wrong.extend(self.look("narrow and dark").await?);
        self.picture(name, "360-dark").await?;
        browser.look_as(NARROW.0, NARROW.1, false).await?;
        wrong.extend(self.colours("narrow and light").await?);
        Ok(wrong)
    }

    async fn look(&self, how: &str) -> anyhow::Result<Vec<String>> {
        let script = format!("if (!window.axe) {{ {} }}", self.axe);
        self.browser.run(&script, json!([])).await?;
        let mut found = told(self.browser.run_until_done(AXE, json!([null])).await?);
        found.extend(told(self.browser.run(OVERFLOW, json!([])).await?));
        Ok(found
            .into_iter()
            .map(|what| format!("{how}: {what}"))
            .collect())
    }

    /// Of a page that was looked at in this width, or in these colours: what depends on both.
    async fn colours(&self, how: &str) -> anyhow::Result<Vec<String>> {
        let found = told(self.browser.run_until_done(AXE, json!([COLOURS])).await?);
        let told = found.into_iter().map(|what| format!("{how}: {what}"));
        Ok(told.collect())
    }

    async fn by_tab(&self) -> anyhow::Result<Vec<String>> {
        let stops = self.browser.run(WATCH, json!([])).await?;
        let stops = usize::try_from(stops.as_u64().unwrap_or_default())?;
        self.browser.press_tab(stops).await?;
        // The pictures that follow show the page as it is found.
        let tell = "document.activeElement?.blur?.(); return window.seenByTest.tell()";
        let seen = self.browser.run(tell, json!([])).await?;
        Ok(told(seen))
    }

    /// A form may be there for one caller alone, so as every one of them.
    async fn without_scripts(&self, visit: &Visit) -> anyhow::Result<Vec<String>> {
        let browser = self.browser;
        browser.let_scripts_run(false).await?;
        browser.look_as(WIDE.0, WIDE.1, false).await?;
        browser.goto(&visit.url).await?;
        let mut found = told(browser.run(FORMS, json!([])).await?);
        for (width, height) in [WIDE, NARROW] {
            browser.look_as(width, height, false).await?;
            found.extend(told(browser.run(OVERFLOW, json!([])).await?));
            if visit.is_first {
                let how = format!("{width}-without-scripts");
                self.picture(&visit.name, &how).await?;
            }
        }
        browser.let_scripts_run(true).await?;
        Ok(found
            .into_iter()
            .map(|what| format!("without scripts: {what}"))
            .collect())
    }

    async fn picture(&self, name: &str, how: &str) -> anyhow::Result<()> {
        let path = self.folder.join(format!("{name}-{how}.png"));
        self.browser.keep_page(&path).await
    }
}

fn told(found: Value) -> Vec<String> {
    let found = found.as_array().cloned().unwrap_or_default();
    found
        .iter()
        .map(|one| one.as_str().unwrap_or("?").to_owned())
        .collect()
}
