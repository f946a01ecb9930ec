//! `[routes.NAME.hook]`

use std::{net::IpAddr, time::Duration};

use url::{Host, Url};

use super::engines::{parsed, secret};
use crate::{reader::Section, settings::Hook, units::write_duration};

/// Reads `hook` of a route; `None` where it is not written, or written wrongly.
pub(crate) fn read(route: &Section<'_>) -> Option<Hook> {
    if !route.holds("hook") {
        return None;
    }
    let section = route.section("hook");
    section.require("url", "what is asked before a session");
    section.require("secret", "what signs the questions");
    let timeout = section.positive_duration("timeout").unwrap_or(PATIENCE);
    if timeout > LONGEST {
        // A use must be on record before its token is forgotten.
        let message = format!("at most {}: a page waits", write_duration(LONGEST));
        section.reader.error(&section.at("timeout"), message);
    }
    let url = section.parsed("url", address);
    let secret = secret(&section, "secret");
    Some(Hook {
        url: url?,
        secret: secret?,
        timeout,
    })
}

/// Whoever answers there says who may connect: TLS, or an address in a network of one's own.
fn address(text: &str) -> Result<String, String> {
    let url: Url = parsed(text)?;
    let near = match url.host() {
        Some(Host::Ipv4(address)) => is_near(address.into()),
        Some(Host::Ipv6(address)) => is_near(IpAddr::from(address).to_canonical()),
        Some(Host::Domain(_)) | None => false,
    };
    if url.scheme() == "https" || near {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "{text:?}: whoever answers there decides who may connect: use https (http is for a \
             literal loopback or private address, as 10.0.0.5)"
        ))
    }
}

fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

const PATIENCE: Duration = Duration::from_secs(2);

/// Well within the time for which a use is remembered after its token's end.
const LONGEST: Duration = Duration::from_secs(10);
