//! The configuration the demo runs on: ordinary TOML, one route for each thing the page shows.

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
};

use super::certificate::Throwaway;

/// Writes the demo's configuration: listeners, a store in `dir`, and the routes.
///
/// `listen` with port 0 or an unspecified address leaves the page's origin unknown; the routes
/// then take any origin, which `check` would warn about.
pub(crate) fn config(
    listen: SocketAddr,
    tls: Option<&Throwaway>,
    dir: &Path,
    upstream: SocketAddr,
    secret: &str,
) -> String {
    let mut text = preamble(listen, tls, dir);
    let origins = page_origins(listen, tls.is_some());
    for route in ROUTES {
        // Writing to a String cannot fail.
        let _ = write!(text, "{}", route.to_toml(upstream, &origins, secret));
    }
    text
}

fn preamble(listen: SocketAddr, tls: Option<&Throwaway>, dir: &Path) -> String {
    let store = quoted(&format!("sqlite:{}", dir.join("demo.db").display()));
    let master_key = quoted(&format!("file:{}", dir.join("master.key").display()));
    let loopback = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let tls = tls.map_or_else(String::new, |tls| {
        let (cert, key) = (quoted(&tls.cert), quoted(tls.key.reveal()));
        format!("tls = {{ cert = {cert}, key = {key} }}\n")
    });
    format!(
        "# What is secret here lives and dies with this process, so it may stand here.\n\
         allow_inline_secrets = true\n\n\
         [server]\nlisten = \"{listen}\"\n{tls}\n\
         [admin]\nlisten = \"{loopback}\"\n\n\
         [store]\nurl = {store}\n\n\
         [keys]\nmaster_key = {master_key}\n\n\
         [callers.backend]\ntype = \"api_key\"\n"
    )
}

/// Origins from which a browser on this machine loads the page.
fn page_origins(listen: SocketAddr, tls: bool) -> String {
    if listen.port() == 0 || listen.ip().is_unspecified() {
        return "[\"*\"]".to_owned();
    }
    let (scheme, usual) = if tls { ("https", 443) } else { ("http", 80) };
    let port = match listen.port() {
        port if port == usual => String::new(),
        other => format!(":{other}"),
    };
    let host = match listen.ip() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    format!("[\"{scheme}://{host}{port}\", \"{scheme}://localhost{port}\"]")
}

/// A TOML basic string: every JSON string is one.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// One route of the demo.
struct Route {
    name: &'static str,
    /// Path at the demo's upstream.
    path: &'static str,
    /// Further keys of `[routes.NAME]`.
    keys: &'static str,
    /// Keys of `[routes.NAME.limits]`.
    limits: &'static str,
    /// What is unusual about it, if not a limit.
    twist: Twist,
}

enum Twist {
    None,
    /// Another page's origin is the only one allowed.
    ForeignOrigin,
    /// The credential is not the upstream's.
    WrongCredential,
    /// Nobody listens there.
    ClosedPort,
}

impl Route {
    const fn plain(name: &'static str, path: &'static str) -> Self {
        Self::limited(name, path, "")
    }

    const fn limited(name: &'static str, path: &'static str, limits: &'static str) -> Self {
        Self {
            name,
            path,
            keys: "",
            limits,
            twist: Twist::None,
        }
    }

    const fn keyed(name: &'static str, path: &'static str, keys: &'static str) -> Self {
        Self {
            name,
            path,
            keys,
            limits: "",
            twist: Twist::None,
        }
    }

    const fn twisted(name: &'static str, twist: Twist) -> Self {
        Self {
            name,
            path: "/echo",
            keys: "",
            limits: "",
            twist,
        }
    }

    fn to_toml(&self, upstream: SocketAddr, page_origins: &str, secret: &str) -> String {
        let Self {
            name,
            path,
            keys,
            limits,
            ..
        } = self;
        let origins = match self.twist {
            Twist::ForeignOrigin => "[\"https://app.example.com\"]",
            Twist::None | Twist::WrongCredential | Twist::ClosedPort => page_origins,
        };
        let credential = match self.twist {
            Twist::WrongCredential => quoted("not-the-key"),
            Twist::None | Twist::ForeignOrigin | Twist::ClosedPort => quoted(secret),
        };
        let host = match self.twist {
            Twist::ClosedPort => CLOSED_PORT,
            Twist::None | Twist::ForeignOrigin | Twist::WrongCredential => upstream,
        };
        format!(
            "\n[routes.{name}]\n\
             upstream = \"ws://{host}{path}\"\n\
             origins = {origins}\n\
             callers = [\"backend\"]\n\
             {keys}\
             credentials = {{ headers = {{ x-demo-key = {credential} }} }}\n\
             limits = {{ {limits} }}\n"
        )
    }
}

/// Port 1 of loopback: reserved for a service that no machine runs any more.
const CLOSED_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

const ROUTES: &[Route] = &[
    Route::plain("echo", "/echo"),
    Route::plain("ticks", "/ticks"),
    Route::plain("speech", "/speech"),
    Route::twisted("foreign-origin", Twist::ForeignOrigin),
    Route::keyed(
        "one-subprotocol",
        "/echo",
        "subprotocols = [\"demo.tollbridge\"]\n",
    ),
    Route::keyed("one-query-name", "/echo", "query_allow = [\"language\"]\n"),
    Route::limited("one-session", "/ticks", "sessions_per_subject = 1"),
    Route::limited("two-a-minute", "/echo", "connects_per_minute = 2"),
    Route::limited("few-bytes", "/echo", "bytes_per_session = \"4KiB\""),
    Route::limited(
        "small-messages",
        "/echo",
        "max_message = \"1KiB\", max_frame = \"1KiB\"",
    ),
    Route::limited("short-idle", "/echo", "idle_timeout = \"1s\""),
    Route::limited("short-session", "/ticks", "max_session = \"2s\""),
    Route::limited("stuck", "/stuck", "write_timeout = \"1s\""),
    Route::limited("silent", "/silent", "connect_timeout = \"1s\""),
    Route::twisted("wrong-credential", Twist::WrongCredential),
    Route::twisted("closed-port", Twist::ClosedPort),
    Route::plain("busy", "/busy"),
    Route::plain("lost", "/lost"),
    Route::plain("broken-frame", "/broken-frame"),
    Route::plain("broken-reason", "/broken-reason"),
];

#[cfg(test)]
mod tests {
    use tollbridge_domain::RouteName;

    use super::*;

    fn sample() -> String {
        config(
            SocketAddr::from(([127, 0, 0, 1], 8080)),
            None,
            Path::new("/tmp/a \"quoted\" place"),
            SocketAddr::from(([127, 0, 0, 1], 9)),
            "s3cret",
        )
    }

    #[test]
    fn the_demo_configuration_passes_the_ordinary_check() {
        let loaded = tollbridge_config::parse(&sample(), "demo", Path::new("/"), Vec::new())
            .unwrap_or_else(|problems| panic!("{problems}"));
        for route in ROUTES {
            let name = RouteName::parse(route.name).expect("a route name");
            assert!(loaded.settings.routes.contains_key(&name), "{name}");
        }
    }

    #[test]
    fn every_route_that_the_page_uses_is_configured() {
        for named in include_str!("page/cases.js").split("route: '").skip(1) {
            let name = named.split('\'').next().unwrap_or_default();
            assert!(ROUTES.iter().any(|route| route.name == name), "{name}");
        }
    }

    #[test]
    fn the_page_may_connect_from_where_it_is_served() {
        let served = SocketAddr::from(([127, 0, 0, 1], 8080));
        assert!(page_origins(served, false).contains("\"http://127.0.0.1:8080\""));
        assert!(page_origins(served, false).contains("\"http://localhost:8080\""));
        assert!(page_origins(served, true).contains("\"https://127.0.0.1:8080\""));
        assert_eq!(
            page_origins(SocketAddr::from(([0, 0, 0, 0], 8080)), false),
            "[\"*\"]"
        );
    }
}
