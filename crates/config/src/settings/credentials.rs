//! What upstreams want to see.

use std::{collections::BTreeMap, time::Duration};

use crate::{json_pointer::JsonPointer, secret_ref::SecretRef, value_template::ValueTemplate};

/// `[routes.NAME.credentials]`
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Header names as written, and their values.
    pub headers: BTreeMap<String, ValueTemplate>,
    /// Query parameter names and values, both not yet percent-encoded.
    pub query: BTreeMap<String, ValueTemplate>,
    /// Members of the client's first message that are replaced.
    pub message: BTreeMap<JsonPointer, ValueTemplate>,
    /// Where `{fetched}` comes from.
    pub fetch: Option<Fetch>,
    /// How the address is signed.
    pub sign: Option<Sign>,
}

/// An engine that asks somebody for a credential before the upstream is dialled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fetch {
    /// `oauth2`: RFC 6749, 4.4.
    OAuth2 {
        /// Where tokens are had.
        token_url: String,
        /// Who asks.
        client_id: String,
        /// What proves it.
        client_secret: SecretRef,
        /// What for.
        scope: Option<String>,
        /// For whom, where the server asks for it.
        audience: Option<String>,
        /// Whether id and secret travel in `Authorization: Basic` instead of the form.
        basic: bool,
    },
    /// `azure_managed_identity`
    AzureManagedIdentity {
        /// For which resource, as `https://ai.azure.com`.
        resource: String,
        /// Which identity, where the machine has several.
        client_id: Option<String>,
        /// Where the metadata service is, if not at its usual address.
        endpoint: Option<String>,
    },
    /// `gcp_metadata`
    GcpMetadata {
        /// For what; empty: what the machine has.
        scopes: Vec<String>,
        /// Where the metadata service is, if not at its usual address.
        endpoint: Option<String>,
    },
    /// `gcp_service_account`: RFC 7523.
    GcpServiceAccount {
        /// The key file that Google gives out, JSON.
        key: SecretRef,
        /// For what, separated by blanks.
        scope: String,
        /// Where tokens are had, if not where the key file says.
        token_url: Option<String>,
    },
    /// `token_url`: any REST call.
    TokenUrl {
        /// What is called.
        url: String,
        /// Whether by POST.
        post: bool,
        /// Its headers.
        headers: BTreeMap<String, ValueTemplate>,
        /// Its body, JSON; POST only.
        body: Option<String>,
        /// What of the answer is wanted.
        yields: Yields,
        /// Where the answer says for how many seconds it is good.
        expires_in: Option<JsonPointer>,
        /// How long an answer is used again; zero: every dial asks.
        cache_for: Duration,
    },
    /// `token_command`
    TokenCommand {
        /// Program and arguments; no shell.
        command: Vec<String>,
        /// How long it may take.
        timeout: Duration,
        /// How long its answer is used again.
        cache_for: Duration,
    },
}

/// What of the answer to a REST call is wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Yields {
    /// A token, for `{fetched}`.
    Token(JsonPointer),
    /// The address to dial, on the upstream's host.
    Upstream(JsonPointer),
}

/// An engine that signs the upstream's address.
#[derive(Clone, Debug)]
pub enum Sign {
    /// `hmac_url`: `host`, `date` and request line under HMAC-SHA256, in the query.
    HmacUrl {
        /// `APIKey`
        key: SecretRef,
        /// `APISecret`
        secret: SecretRef,
    },
    /// `sigv4`: an AWS presigned URL.
    SigV4 {
        /// AWS region.
        region: String,
        /// AWS service, as `execute-api`.
        service: String,
        /// Access key id.
        access_key_id: SecretRef,
        /// Secret access key.
        secret_access_key: SecretRef,
        /// Session token, where the key is a temporary one.
        session_token: Option<SecretRef>,
        /// How long the address is good.
        expires: Duration,
    },
}

impl Credentials {
    /// All values with holes.
    pub fn values(&self) -> impl Iterator<Item = &ValueTemplate> {
        self.headers
            .values()
            .chain(self.query.values())
            .chain(self.message.values())
            .chain(self.fetch.iter().flat_map(Fetch::values))
    }

    /// All secrets, wherever they are used.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        self.values()
            .flat_map(ValueTemplate::secrets)
            .chain(self.fetch.iter().flat_map(Fetch::secrets))
            .chain(self.sign.iter().flat_map(Sign::secrets))
    }
}

impl Fetch {
    fn values(&self) -> impl Iterator<Item = &ValueTemplate> {
        let headers = match self {
            Self::TokenUrl { headers, .. } => Some(headers.values()),
            _ => None,
        };
        headers.into_iter().flatten()
    }

    fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        match self {
            Self::OAuth2 { client_secret, .. } => Some(client_secret),
            Self::GcpServiceAccount { key, .. } => Some(key),
            Self::AzureManagedIdentity { .. }
            | Self::GcpMetadata { .. }
            | Self::TokenUrl { .. }
            | Self::TokenCommand { .. } => None,
        }
        .into_iter()
    }
}

impl Sign {
    fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        match self {
            Self::HmacUrl { key, secret } => vec![key, secret],
            Self::SigV4 {
                access_key_id,
                secret_access_key,
                session_token,
                ..
            } => [access_key_id, secret_access_key]
                .into_iter()
                .chain(session_token)
                .collect(),
        }
        .into_iter()
    }
}
