//! Plain HTTP on the loopback, for readiness and for RabbitMQ's management.

use std::sync::LazyLock;
use std::time::Duration;

pub fn client() -> &'static reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
        // The client wants a provider even if it never speaks TLS; an error says there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(10))
            // A kept connection would belong to the runtime of whoever came first.
            .pool_max_idle_per_host(0);
        // Unwrap safety: the options are constants, and a provider is installed.
        builder.build().expect("an HTTP client")
    });
    &CLIENT
}

pub async fn is_ok(url: &str) -> bool {
    client()
        .get(url)
        .send()
        .await
        .is_ok_and(|answer| answer.status().is_success())
}
