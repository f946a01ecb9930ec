//! From the merged tree to the typed settings, one file a group of sections.

mod allow;
mod callers;
mod carriers;
mod credentials;
mod engines;
mod foundation;
mod headers;
mod hook;
mod limits;
mod params;
mod routes;
mod server;
mod tls;

#[cfg(test)]
pub(crate) use self::headers::query_name;
pub(crate) use self::headers::subprotocol;
use crate::{reader::Section, settings::Settings};

/// Reads everything. `None` where something required is missing or cannot be read, which has
/// been reported then.
pub(crate) fn read(root: &Section<'_>) -> Option<Settings> {
    let callers = callers::read(&root.section("callers"));
    let routes = routes::read(&root.section("routes"), root);
    let server = server::read_server(&root.section("server"));
    let admin = server::read_admin(&root.section("admin"));
    let store = foundation::read_store(&root.section("store"));
    let coordination = foundation::read_coordination(&root.section("coordination"));
    let keys = foundation::read_keys(&root.section("keys"));
    let tokens = foundation::read_tokens(&root.section("tokens"));
    let log = server::read_log(&root.section("log"));
    Some(Settings {
        server,
        admin,
        store: store?,
        coordination: coordination?,
        keys: keys?,
        tokens,
        log,
        allow_inline_secrets: root.reader.allow_inline,
        callers,
        routes,
    })
}
