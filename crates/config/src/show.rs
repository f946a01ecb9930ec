//! The effective settings, as a file that would give them.

use std::{fmt::Display, time::Duration};

use self::{allow::show_rule, callers::show_caller, engines::show_credentials};
use crate::{
    names::join,
    settings::{Carriers, Limits, Origins, Param, Route, Settings},
    units::{write_duration, write_size},
    value_template::ValueTemplate,
};

mod allow;
mod callers;
mod engines;

impl Settings {
    /// Effective values as TOML. Secrets appear as their references, literal ones as
    /// `[redacted]`.
    #[must_use]
    pub fn show(&self) -> String {
        let mut page = Page::default();
        page.set("allow_inline_secrets", self.allow_inline_secrets);
        self.show_listeners(&mut page);
        self.show_foundation(&mut page);
        for (name, caller) in &self.callers {
            show_caller(&mut page, name.as_str(), caller);
        }
        for (name, route) in &self.routes {
            show_route(&mut page, &join("routes", name.as_str()), route);
        }
        page.0
    }

    fn show_listeners(&self, page: &mut Page) {
        let server = &self.server;
        page.section("server");
        page.text("listen", server.listen);
        page.text_some("public_url", server.public_url.as_ref());
        page.set("workers", server.workers);
        page.list("trusted_proxies", &server.trusted_proxies);
        page.text("forwarded_header", &server.forwarded_header);
        page.set("max_sessions", server.max_sessions);
        page.text("drain_window", write_duration(server.drain_window));
        page.text(
            "handshake_timeout",
            write_duration(server.handshake_timeout),
        );
        page.text("max_body", write_size(server.max_body));
        if let Some(tls) = &server.tls {
            page.section("server.tls");
            page.text("cert", &tls.cert);
            page.text("key", &tls.key);
            page.text_some("client_ca", tls.client_ca.as_ref());
        }
        page.section("admin");
        page.text("listen", self.admin.listen);
        page.section("log");
        page.text("format", self.log.format);
        page.text("level", &self.log.level);
    }

    fn show_foundation(&self, page: &mut Page) {
        page.section("store");
        page.text("url", &self.store.url);
        page.section("coordination");
        page.text("url", &self.coordination.url);
        let keys = &self.keys;
        page.section("keys");
        page.text("algorithm", keys.algorithm);
        let rotate_every = keys
            .rotate_every
            .map_or_else(|| "never".to_owned(), write_duration);
        page.text("rotate_every", rotate_every);
        page.text(
            "publish_before_use",
            write_duration(keys.publish_before_use),
        );
        page.text("master_key", &keys.master_key);
        let tokens = &self.tokens;
        page.section("tokens");
        page.text_some("issuer", tokens.issuer.as_ref());
        page.text("redeem_within", write_duration(tokens.redeem_within));
        page.text(
            "max_redeem_within",
            write_duration(tokens.max_redeem_within),
        );
    }
}

fn show_route(page: &mut Page, path: &str, route: &Route) {
    page.section(path);
    if let Some(preset) = &route.preset {
        page.comment(&format!("with preset {preset:?}, whose lines stand below"));
    }
    page.text("upstream", &route.upstream);
    page.list("paths", &route.paths);
    page.list("hosts", &route.hosts);
    page.text("token_prefix", &route.token_prefix);
    match &route.origins {
        Origins::Any => page.list("origins", ["*"]),
        Origins::List(origins) => page.list("origins", origins),
    }
    page.list("callers", &route.callers);
    page.set("max_uses", route.max_uses);
    page.list("query_allow", &route.query_allow);
    page.list("header_allow", &route.header_allow);
    page.list("keep_response_headers", &route.keep_response_headers);
    if let Some(subprotocols) = &route.subprotocols {
        page.list("subprotocols", subprotocols);
    }
    page.set("require_origin", route.require_origin);
    page.text("refuse", route.refuse);
    page.text("compression", route.compression);
    page.text_some("ca", route.ca.as_ref().map(|path| path.display()));
    show_carriers(page, &join(path, "carriers"), &route.carriers);
    for (name, param) in &route.params {
        show_param(page, &join(&join(path, "params"), name), param);
    }
    let credentials = join(path, "credentials");
    show_credentials(page, &credentials, &route.credentials);
    if let Some(hook) = &route.hook {
        page.section(&join(path, "hook"));
        page.text("url", &hook.url);
        page.text("secret", &hook.secret);
        page.text("timeout", write_duration(hook.timeout));
    }
    show_limits(page, &join(path, "limits"), &route.limits);
    for rule in &route.allow {
        show_rule(page, &join(path, "allow"), rule);
    }
}

fn show_param(page: &mut Page, path: &str, param: &Param) {
    page.section(path);
    page.text_some("default", param.default.as_ref());
    if let Some(allow) = &param.allow {
        page.list("allow", allow);
    }
    page.text_some("pattern", param.pattern_as_written());
}

fn show_carriers(page: &mut Page, path: &str, carriers: &Carriers) {
    page.section(path);
    page.list("query", &carriers.query);
    page.list("header", &carriers.header);
    page.list("subprotocol", &carriers.subprotocol);
    page.list("subprotocol_pair", &carriers.subprotocol_pair);
    if let Some(message) = &carriers.message {
        page.section(&join(path, "message"));
        page.text("field", &message.field);
        page.text("timeout", write_duration(message.timeout));
        page.text("max", write_size(message.max));
        page.text_some("greeting", message.greeting.as_ref());
    }
}

fn show_values<'a, N: Display + 'a>(
    page: &mut Page,
    path: &str,
    values: impl IntoIterator<Item = (&'a N, &'a ValueTemplate)>,
) {
    let mut values = values.into_iter().peekable();
    if values.peek().is_some() {
        page.section(path);
    }
    for (name, value) in values {
        let name = join("", &name.to_string());
        match value.as_plain() {
            Some(plain) => page.set(&name, format!("{{ plain = {} }}", quoted(plain))),
            None => page.text(&name, value),
        }
    }
}

fn show_limits(page: &mut Page, path: &str, limits: &Limits) {
    page.section(path);
    page.text("max_session", write_duration(limits.max_session));
    page.text("idle_timeout", write_duration(limits.idle_timeout));
    page.duration_some("client_idle_timeout", limits.client_idle_timeout);
    page.duration_some("upstream_idle_timeout", limits.upstream_idle_timeout);
    page.text("idle_counts", limits.idle_counts);
    page.text("max_frame", write_size(limits.max_frame));
    page.text("max_message", write_size(limits.max_message));
    page.set("max_fragments", limits.max_fragments);
    page.set_some("sessions", limits.sessions);
    page.set_some("sessions_per_subject", limits.sessions_per_subject);
    page.text_some(
        "bytes_per_session",
        limits.bytes_per_session.map(write_size),
    );
    page.set_some("connects_per_minute", limits.connects_per_minute);
    page.text("connect_timeout", write_duration(limits.connect_timeout));
    page.text("write_timeout", write_duration(limits.write_timeout));
    let ping_interval = limits.ping_interval.unwrap_or_default();
    page.text("ping_interval", write_duration(ping_interval));
    page.duration_some("pong_timeout", limits.pong_timeout);
    page.duration_some("upstream_ping_interval", limits.upstream_ping_interval);
    page.duration_some("upstream_pong_timeout", limits.upstream_pong_timeout);
}

/// TOML, line by line.
#[derive(Default)]
struct Page(String);

impl Page {
    fn section(&mut self, path: &str) {
        self.0.push_str(&format!("\n[{path}]\n"));
    }

    fn element(&mut self, path: &str) {
        self.0.push_str(&format!("\n[[{path}]]\n"));
    }

    fn comment(&mut self, text: &str) {
        self.0.push_str(&format!("# {text}\n"));
    }

    fn set(&mut self, key: &str, value: impl Display) {
        self.0.push_str(&format!("{key} = {value}\n"));
    }

    fn set_some(&mut self, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    fn text(&mut self, key: &str, value: impl Display) {
        self.set(key, quoted(&value.to_string()));
    }

    fn text_some(&mut self, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    fn duration_some(&mut self, key: &str, value: Option<Duration>) {
        self.text_some(key, value.map(write_duration));
    }

    fn list<T: Display>(&mut self, key: &str, values: impl IntoIterator<Item = T>) {
        let values = values.into_iter().map(|value| quoted(&value.to_string()));
        self.set(key, format!("[{}]", values.collect::<Vec<_>>().join(", ")));
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
