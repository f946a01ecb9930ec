//! Where an issuer publishes its keys (OpenID Connect Discovery 1.0, 4).

use serde_json::Value;
use tollbridge_outbound::{Ask, HeaderMap, Method, Tls};

use crate::{address::Address, asking, key_set::KeySet, members, trouble::Trouble};

/// The longest document that is read. Real ones are 2 to 20 KiB.
const LONGEST: usize = 256 * 1024;

/// Where the keys of one issuer are.
#[derive(Clone, Debug)]
pub(crate) enum Published {
    /// Here.
    At(Address),
    /// Where the issuer's own document says.
    Discovered {
        /// What the document must say that it is, exactly.
        issuer: String,
        /// Where it is.
        document: Address,
    },
}

impl Published {
    /// The keys as they are now, and for how many seconds they may be kept.
    pub(crate) async fn keys(&self, tls: &Tls) -> Result<(KeySet, i64), Trouble> {
        let at = match self {
            Self::At(address) => address.clone(),
            Self::Discovered { issuer, document } => discover(issuer, document, tls).await?,
        };
        let (headers, body) = get(&at, tls, "the key set").await?;
        Ok((KeySet::read(&body)?, crate::freshness::seconds(&headers)))
    }
}

async fn discover(issuer: &str, document: &Address, tls: &Tls) -> Result<Address, Trouble> {
    let (_headers, body) = get(document, tls, "the discovery document").await?;
    let members =
        members::parse(&body).ok_or(Trouble::Answer("the discovery document is no JSON"))?;
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    if text("issuer") != Some(issuer) {
        return Err(Trouble::Answer(
            "the discovery document is of another issuer",
        ));
    }
    let keys =
        text("jwks_uri").ok_or(Trouble::Answer("the discovery document names no jwks_uri"))?;
    document
        .pointed_to(keys)
        .map_err(|_why| Trouble::Answer("the discovery document's jwks_uri is not to be trusted"))
}

async fn get(at: &Address, tls: &Tls, what: &'static str) -> Result<(HeaderMap, Vec<u8>), Trouble> {
    let ask = Ask::new(Method::GET, at.url())?;
    let answer = asking::http().ask(ask, tls, LONGEST).await?;
    if answer.status != 200 {
        let status = answer.status;
        return Err(Trouble::Status { what, status });
    }
    Ok((answer.headers, answer.body?.to_vec()))
}
