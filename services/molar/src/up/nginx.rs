//! The one origin in front of all roles: Debian's nginx with a configuration of ours.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::Signal;

use super::account::{self, Account, is_root};
use super::child::{Child, Ready, Tier, find_program};
use super::process::Trace;
use super::supervisor::Supervisor;

/// Which role answers which path.
#[derive(Clone, Debug)]
pub struct Front<'a> {
    /// Path prefixes, at segment boundaries; `*` stands for one segment. The longer one wins, and
    /// of equally long ones the one without stars.
    pub routes: &'a [(&'a str, SocketAddr)],
    /// Answers everything else.
    pub default: SocketAddr,
    pub port: u16,
}

impl Front<'_> {
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// Starts nginx on 127.0.0.1.
pub async fn start(up: &Supervisor, front: &Front<'_>) -> anyhow::Result<()> {
    let program =
        find_program("nginx").context("nginx is not installed: run deploy/local/install.sh")?;
    let home = up.folder().servers().join("nginx");
    // nginx itself hands its temporary folders to its workers' user.
    account::folder(&home, 0o711)?;
    let configuration = home.join("nginx.conf");
    let account = Account::when_root("www-data")?;
    let user = account.map(|_| "user www-data;\n").unwrap_or_default();
    let text = format!("{user}{}", configure(front, &home));
    account::private_file(&configuration, &text, None)?;
    check(&program, &home, &configuration).await?;

    let child = Child::new("nginx", Tier::Front, &program)
        .arg("-p")
        .arg(&home)
        .arg("-c")
        .arg(&configuration)
        .args(["-e", "stderr", "-g", "daemon off;"])
        .folder(&home)
        .ready(
            Ready::Tcp(([127, 0, 0, 1], front.port).into()),
            Duration::from_secs(20),
        )
        .stop(Signal::TERM, Duration::from_secs(10))
        .trace(Trace {
            folder: home.clone(),
            executable: "nginx".to_owned(),
        })
        .note(front.url());
    up.start(child).await
}

async fn check(program: &Path, home: &Path, configuration: &Path) -> anyhow::Result<()> {
    let mut command = tokio::process::Command::new(program);
    command
        .arg("-t")
        .arg("-q")
        .arg("-p")
        .arg(home)
        .arg("-c")
        .arg(configuration);
    let output = command.args(["-e", "stderr"]).output().await?;
    if !output.status.success() {
        bail!(
            "nginx refuses its configuration: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

fn configure(front: &Front<'_>, home: &Path) -> String {
    let Front {
        routes,
        default,
        port,
    } = front;
    let upstreams = upstreams(routes, *default);
    let mut servers = String::new();
    for (address, name) in &upstreams {
        // Writing to a String cannot fail.
        let _ = writeln!(
            servers,
            "    upstream {name} {{ server {address} max_fails=0; keepalive 16; keepalive_timeout 30s; }}"
        );
    }
    let mut table = String::new();
    for (pattern, address) in by_precedence(routes) {
        let _ = writeln!(
            table,
            "        \"~{}\" {};",
            regex(pattern),
            upstreams[&address]
        );
    }
    let default = &upstreams[default];
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("    {kind}_temp_path \"{}/{kind}\";\n", home.display()))
        .collect();
    let processes = if is_root() { "auto" } else { "1" };
    format!(
        r#"worker_processes {processes};
pid "{home}/nginx.pid";
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
{temporary}    access_log off;
    server_tokens off;
    default_type application/octet-stream;
    # Submissions, images and cases go straight to S3: what comes through here is small.
    client_max_body_size 4m;
    keepalive_timeout 65s;

{servers}
    map $uri $molar_role {{
        default {default};
{table}    }}
    map $http_accept $molar_trouble {{
        default @trouble;
        "~*text/html" @trouble_page;
    }}

    server {{
        listen 127.0.0.1:{port};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $http_host;
        # The front is the first to see the caller: what the caller claims to have passed is not kept.
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header X-Request-Id $request_id;
        proxy_connect_timeout 5s;
        proxy_read_timeout 120s;
        # A request that changes something is never sent twice.
        proxy_next_upstream off;
        # Only what nginx itself has to say: a role's own answer goes out as it is.
        error_page 502 503 504 =503 $molar_trouble;
        error_page 413 @too_large;

        location / {{ proxy_pass http://$molar_role; }}
        # Server-sent events: each goes out as it comes in, for as long as somebody listens.
        location ~ /events$ {{
            proxy_pass http://$molar_role;
            proxy_buffering off;
            proxy_read_timeout 1h;
        }}
        # The forms with a file in them. The role says in words what is too much.
        location ~ ^/(?:finalists/[^/]+/report|organize/boards/[^/]+/import/plan)$ {{
            proxy_pass http://$molar_role;
            client_max_body_size 64m;
        }}
        location @trouble {{
            internal;
            default_type application/problem+json;
            add_header Retry-After 5 always;
            add_header X-Request-Id $request_id always;
            return 503 '{{"type":"/problems/unavailable","title":"The service is not available","status":503,"detail":"this part of Molar is starting or restarting; try again in a few seconds"}}';
        }}
        location @trouble_page {{
            internal;
            default_type "text/html; charset=utf-8";
            add_header Retry-After 5 always;
            add_header X-Request-Id $request_id always;
            return 503 '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Back in a moment</title><body style="font:1.1rem/1.5 system-ui;max-width:34rem;margin:15vh auto;padding:0 1rem"><h1>Back in a moment</h1><p>This part of Molar is starting or restarting. Nothing is lost; try again in a few seconds.</p>';
        }}
        location @too_large {{
            internal;
            default_type application/problem+json;
            return 413 '{{"type":"/problems/too-large","title":"The request is too large","status":413,"detail":"at most 4 MiB are accepted here; files are uploaded to the URLs that creating an upload returns"}}';
        }}
    }}
}}
"#,
        home = home.display(),
    )
}

fn upstreams(routes: &[(&str, SocketAddr)], default: SocketAddr) -> BTreeMap<SocketAddr, String> {
    let all = routes.iter().map(|(_, address)| *address).chain([default]);
    all.map(|address| (address, format!("role_{}", address.port())))
        .collect()
}

fn by_precedence<'a>(routes: &[(&'a str, SocketAddr)]) -> Vec<(&'a str, SocketAddr)> {
    let mut sorted = routes.to_vec();
    sorted.sort_by_key(|(pattern, _)| {
        let segments = pattern.split('/').filter(|segment| !segment.is_empty());
        let stars = segments.clone().filter(|segment| *segment == "*").count();
        (std::cmp::Reverse(segments.count()), stars)
    });
    sorted
}

fn regex(pattern: &str) -> String {
    let mut regex = "^".to_owned();
    for segment in pattern.split('/').filter(|segment| !segment.is_empty()) {
        let segment = if segment == "*" {
            "[^/]+".to_owned()
        } else {
            segment.replace('.', r"\.")
        };
        let _ = write!(regex, "/{segment}");
    }
    regex + "(?:/|$)"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    #[test]
    fn the_more_exact_route_comes_first() {
        let routes = [
            ("/api/v1/phases", at(1)),
            ("/api/v1/phases/*/board", at(2)),
            ("/api/v1/phases/current/board", at(3)),
        ];
        let ports: Vec<_> = by_precedence(&routes)
            .iter()
            .map(|(_, to)| to.port())
            .collect();
        assert_eq!(ports, [3, 2, 1]);
        assert_eq!(
            regex("/api/v1/phases/*/board"),
            "^/api/v1/phases/[^/]+/board(?:/|$)"
        );
        assert_eq!(regex("/api/openapi.json"), r"^/api/openapi\.json(?:/|$)");
    }
}
