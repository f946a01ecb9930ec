//! Logs: JSON lines on stderr, words on a terminal. Panics are events.

use std::io::IsTerminal;

use tollbridge_config::{Log, LogFormat};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Installs the subscriber and the panic hook. A level that cannot be parsed was refused by the
/// configuration's check.
pub(crate) fn start(log: &Log) {
    // Dependencies speak at `warn`: at `trace` some of them would print request lines and headers.
    let directives = format!(
        "warn,tollbridge={0},tollbridge_http={0},tollbridge_relay={0},tollbridge_upstream={0},tollbridge_token={0},tollbridge_keyring={0},tollbridge_authn={0},tollbridge_store_sql={0}",
        log.level
    );
    let filter = EnvFilter::try_new(directives).unwrap_or_else(|_| EnvFilter::new("info"));
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Pretty => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let registry = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().with_writer(std::io::stderr);
    // A second start in one process (tests) keeps the first subscriber.
    let _already = if json {
        registry
            .with(
                layer
                    .json()
                    .flatten_event(true)
                    .with_current_span(false)
                    .with_span_list(false),
            )
            .try_init()
    } else {
        registry.with(layer.with_target(false)).try_init()
    };
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        // Not the message: it may hold what was being worked on.
        tracing::error!(event = "panic", place, "a task panicked");
    }));
}
