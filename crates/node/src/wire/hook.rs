//! Hooks, from what is written down.

use std::sync::Arc;

use tollbridge_config as written;
use tollbridge_domain::SystemClock;
use tollbridge_hook::{Hook, HookOptions, Key, Tls};
use url::Url;

use crate::secrets;

/// The hook of a route. Its secret is looked at now, and read anew for each question.
pub(super) fn hook(written: &written::Hook) -> Result<Hook, String> {
    let secret = secrets::reader(&written.secret)?;
    Key::parse(&secret()?).map_err(|error| format!("{}: {error}", written.secret))?;
    let options = HookOptions {
        url: Url::parse(&written.url).map_err(|error| error.to_string())?,
        secret,
        timeout: written.timeout,
    };
    let tls = Tls::new(None).map_err(|error| tollbridge_http::chain(&error))?;
    Ok(Hook::new(options, tls, Arc::new(SystemClock)))
}
