//! Prometheus metrics of what exists; names and labels as in `docs/reference/metrics.md`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder, exponential_buckets,
};
use tollbridge_domain::{SessionId, give_back_room};
use tollbridge_relay::{Counts, Meter};

mod hook;
mod listener;
mod tls;

pub use self::{hook::HookMetrics, listener::ListenerMetrics, tls::TlsMetrics};

/// Every metric of the process.
pub struct Metrics {
    registry: Registry,
    /// Tokens minted, by route and caller.
    pub minted: IntCounterVec,
    /// Mints refused, by route and reason.
    pub mint_denied: IntCounterVec,
    /// Upgrades refused, by route and reason.
    pub upgrade_denied: IntCounterVec,
    /// Questions about tokens, by what about and outcome.
    pub token_inquiries: IntCounterVec,
    /// Bearers whom somebody else's relay was told to let in, by route.
    pub forward_auth_passed: IntCounterVec,
    /// Seconds a mint took, by route.
    pub mint_seconds: HistogramVec,
    /// Open sessions, by route.
    pub sessions_active: IntGaugeVec,
    /// The configured limit, by route.
    pub sessions_limit: IntGaugeVec,
    /// Seconds a session lasted, by route.
    pub session_seconds: HistogramVec,
    /// Sessions closed, by route, initiator and code.
    pub sessions_closed: IntCounterVec,
    /// Seconds of an upstream handshake, by route and outcome.
    pub handshake_seconds: HistogramVec,
    /// Upstream handshakes, by route and status.
    pub handshakes: IntCounterVec,
    /// Fetches of upstream credentials, by route and outcome.
    pub credential_fetches: IntCounterVec,
    /// Credentials of callers that were judged, by caller and outcome.
    pub caller_checks: IntCounterVec,
    /// Relayed bytes, by route and direction.
    pub bytes: IntCounterVec,
    /// Relayed messages, by route and direction.
    pub messages: IntCounterVec,
    /// Signing keys, by kid and state: 1.
    pub key_info: IntGaugeVec,
    /// When each signing key became active.
    pub key_activated: IntGaugeVec,
    /// Whether the last reload worked.
    pub reload_ok: IntGauge,
    /// When it was.
    pub reload_at: IntGauge,
    /// Failures of the store, by operation.
    pub store_errors: IntCounterVec,
    /// What hooks answer.
    pub hook: HookMetrics,
    /// The public listener's certificate and handshakes.
    pub tls: TlsMetrics,
    listeners: IntCounterVec,
    running: Mutex<HashMap<SessionId, Running>>,
}

struct Running {
    meter: Arc<Meter>,
    relayed: Relayed,
    told: Counts,
}

/// What the sessions of one route have relayed. Looked up once a session: a scrape of thousands of
/// sessions must not hold up those that begin or end meanwhile.
struct Relayed {
    bytes_up: IntCounter,
    bytes_down: IntCounter,
    messages_up: IntCounter,
    messages_down: IntCounter,
}

impl Metrics {
    /// Registers everything.
    ///
    /// # Errors
    /// Where a name is registered twice, which a test rules out.
    pub fn new(version: &str) -> prometheus::Result<Self> {
        let registry = Registry::new_custom(Some("tollbridge".to_owned()), None)?;
        let build = gauges(&registry, "build_info", "The build.", &["version"])?;
        build.with_label_values(&[version]).set(1);
        let metrics = Self {
            minted: counters(
                &registry,
                "tokens_minted_total",
                "Tokens minted.",
                &["route", "auth"],
            )?,
            mint_denied: counters(
                &registry,
                "mint_denied_total",
                "Mints refused.",
                &["route", "reason"],
            )?,
            upgrade_denied: counters(
                &registry,
                "upgrade_denied_total",
                "Upgrades refused.",
                &["route", "reason"],
            )?,
            token_inquiries: counters(
                &registry,
                "token_inquiries_total",
                "Questions about tokens.",
                &["about", "outcome"],
            )?,
            forward_auth_passed: counters(
                &registry,
                "forward_auth_passed_total",
                "Bearers let in elsewhere.",
                &["route"],
            )?,
            mint_seconds: histograms(
                &registry,
                "mint_duration_seconds",
                "Time to mint.",
                &["route"],
                (0.000_1, 2.0, 14),
            )?,
            sessions_active: gauges(&registry, "sessions_active", "Open sessions.", &["route"])?,
            sessions_limit: gauges(&registry, "sessions_limit", "Session limit.", &["route"])?,
            session_seconds: histograms(
                &registry,
                "session_duration_seconds",
                "Time a session lasted.",
                &["route"],
                (1.0, 2.0, 14),
            )?,
            sessions_closed: counters(
                &registry,
                "sessions_closed_total",
                "Sessions closed.",
                &["route", "initiator", "code"],
            )?,
            handshake_seconds: histograms(
                &registry,
                "upstream_handshake_duration_seconds",
                "Time of an upstream handshake.",
                &["route", "outcome"],
                (0.001, 2.0, 14),
            )?,
            credential_fetches: counters(
                &registry,
                "credential_fetches_total",
                "Fetches of upstream credentials.",
                &["route", "outcome"],
            )?,
            caller_checks: counters(
                &registry,
                "caller_checks_total",
                "Credentials of callers that were judged.",
                &["caller", "outcome"],
            )?,
            handshakes: counters(
                &registry,
                "upstream_handshakes_total",
                "Upstream handshakes.",
                &["route", "status"],
            )?,
            bytes: counters(
                &registry,
                "relay_bytes_total",
                "Relayed bytes.",
                &["route", "direction"],
            )?,
            messages: counters(
                &registry,
                "relay_messages_total",
                "Relayed messages.",
                &["route", "direction"],
            )?,
            key_info: gauges(
                &registry,
                "signing_key_info",
                "Signing keys.",
                &["kid", "state"],
            )?,
            key_activated: gauges(
                &registry,
                "signing_key_activated_timestamp_seconds",
                "When a key became active.",
                &["kid"],
            )?,
            reload_ok: gauge(
                &registry,
                "config_last_reload_successful",
                "Whether the last reload worked.",
            )?,
            reload_at: gauge(
                &registry,
                "config_last_reload_timestamp_seconds",
                "When the last reload was.",
            )?,
            store_errors: counters(
                &registry,
                "store_errors_total",
                "Failures of the store.",
                &["operation"],
            )?,
            hook: HookMetrics::registered(&registry)?,
            tls: TlsMetrics::registered(&registry)?,
            listeners: listener::registered(&registry)?,
            running: Mutex::default(),
            registry,
        };
        metrics.reload_ok.set(1);
        Ok(metrics)
    }

    /// Those of the listener of that name.
    #[must_use]
    pub fn listener(&self, name: &str) -> ListenerMetrics {
        ListenerMetrics::of(&self.listeners, name)
    }

    /// A session opened.
    pub fn opened(&self, session: &SessionId, route: &str, meter: Arc<Meter>) {
        self.sessions_active.with_label_values(&[route]).inc();
        let relayed = Relayed {
            bytes_up: self.bytes.with_label_values(&[route, "up"]),
            bytes_down: self.bytes.with_label_values(&[route, "down"]),
            messages_up: self.messages.with_label_values(&[route, "up"]),
            messages_down: self.messages.with_label_values(&[route, "down"]),
        };
        let running = Running {
            meter,
            relayed,
            told: Counts::default(),
        };
        self.lock().insert(session.clone(), running);
    }

    /// A session ended.
    pub fn closed(
        &self,
        session: &SessionId,
        route: &str,
        initiator: &str,
        code: &str,
        lasted: Duration,
    ) {
        let mut all = self.lock();
        let gone = all.remove(session);
        give_back_room(&mut all);
        drop(all);
        if let Some(mut running) = gone {
            running.tell();
            self.sessions_active.with_label_values(&[route]).dec();
        }
        self.session_seconds
            .with_label_values(&[route])
            .observe(lasted.as_secs_f64());
        self.sessions_closed
            .with_label_values(&[route, initiator, code])
            .inc();
    }

    /// The text that Prometheus scrapes.
    ///
    /// # Errors
    /// Where the encoder fails.
    pub fn text(&self) -> prometheus::Result<String> {
        for running in self.lock().values_mut() {
            running.tell();
        }
        let mut families = self.registry.gather();
        families.extend(
            prometheus::gather()
                .into_iter()
                .filter(|one| one.name().starts_with("process_")),
        );
        let mut text = Vec::new();
        TextEncoder::new().encode(&families, &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Adds what was relayed since the last time.
    fn tell(&mut self) {
        let now = self.meter.snapshot();
        let (relayed, told) = (&self.relayed, self.told);
        for (counter, now, told) in [
            (&relayed.bytes_up, now.bytes_up, told.bytes_up),
            (&relayed.bytes_down, now.bytes_down, told.bytes_down),
            (&relayed.messages_up, now.messages_up, told.messages_up),
            (
                &relayed.messages_down,
                now.messages_down,
                told.messages_down,
            ),
        ] {
            counter.inc_by(now.saturating_sub(told));
        }
        self.told = now;
    }
}

fn counters(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> prometheus::Result<IntCounterVec> {
    let family = IntCounterVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

fn gauges(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> prometheus::Result<IntGaugeVec> {
    let family = IntGaugeVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

fn gauge(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntGauge> {
    let one = IntGauge::new(name, help)?;
    registry.register(Box::new(one.clone()))?;
    Ok(one)
}

fn histograms(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
    (start, factor, count): (f64, f64, usize),
) -> prometheus::Result<HistogramVec> {
    let options =
        HistogramOpts::new(name, help).buckets(exponential_buckets(start, factor, count)?);
    let family = HistogramVec::new(options, labels)?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}
