//! Credentials, as a file that would give them.

use super::{Page, show_values};
use crate::{
    names::join,
    settings::{Credentials, Fetch, Sign, Yields},
    units::write_duration,
};

pub(super) fn show_credentials(page: &mut Page, path: &str, credentials: &Credentials) {
    show_values(page, &join(path, "headers"), &credentials.headers);
    show_values(page, &join(path, "query"), &credentials.query);
    show_values(page, &join(path, "message"), &credentials.message);
    if let Some(fetch) = &credentials.fetch {
        show_fetch(page, path, fetch);
    }
    if let Some(sign) = &credentials.sign {
        show_sign(page, path, sign);
    }
}

fn show_fetch(page: &mut Page, path: &str, fetch: &Fetch) {
    match fetch {
        Fetch::OAuth2 {
            token_url,
            client_id,
            client_secret,
            scope,
            audience,
            basic,
        } => {
            page.section(&join(path, "oauth2"));
            page.text("token_url", token_url);
            page.text("client_id", client_id);
            page.text("client_secret", client_secret);
            page.text_some("scope", scope.as_ref());
            page.text_some("audience", audience.as_ref());
            page.text("auth", if *basic { "basic" } else { "form" });
        }
        Fetch::AzureManagedIdentity {
            resource,
            client_id,
            endpoint,
        } => {
            page.section(&join(path, "azure_managed_identity"));
            page.text("resource", resource);
            page.text_some("client_id", client_id.as_ref());
            page.text_some("endpoint", endpoint.as_ref());
        }
        Fetch::GcpMetadata { scopes, endpoint } => {
            page.section(&join(path, "gcp_metadata"));
            page.list("scopes", scopes);
            page.text_some("endpoint", endpoint.as_ref());
        }
        Fetch::GcpServiceAccount {
            key,
            scope,
            token_url,
        } => {
            page.section(&join(path, "gcp_service_account"));
            page.text("key", key);
            page.text("scope", scope);
            page.text_some("token_url", token_url.as_ref());
        }
        Fetch::TokenUrl { .. } => show_token_url(page, &join(path, "token_url"), fetch),
        Fetch::TokenCommand {
            command,
            timeout,
            cache_for,
        } => {
            page.section(&join(path, "token_command"));
            page.list("command", command);
            page.text("timeout", write_duration(*timeout));
            page.text("cache_for", write_duration(*cache_for));
        }
    }
}

fn show_token_url(page: &mut Page, path: &str, fetch: &Fetch) {
    let Fetch::TokenUrl {
        url,
        post,
        headers,
        body,
        yields,
        expires_in,
        cache_for,
    } = fetch
    else {
        return;
    };
    page.section(path);
    page.text("url", url);
    page.text("method", if *post { "POST" } else { "GET" });
    page.text_some("body", body.as_ref());
    match yields {
        Yields::Token(pointer) => page.text("token", pointer),
        Yields::Upstream(pointer) => page.text("upstream_url", pointer),
    }
    page.text_some("expires_in", expires_in.as_ref());
    page.text("cache_for", write_duration(*cache_for));
    show_values(page, &join(path, "headers"), headers);
}

fn show_sign(page: &mut Page, path: &str, sign: &Sign) {
    match sign {
        Sign::HmacUrl { key, secret } => {
            page.section(&join(path, "hmac_url"));
            page.text("key", key);
            page.text("secret", secret);
        }
        Sign::SigV4 {
            region,
            service,
            access_key_id,
            secret_access_key,
            session_token,
            expires,
        } => {
            page.section(&join(path, "sigv4"));
            page.text("region", region);
            page.text("service", service);
            page.text("access_key_id", access_key_id);
            page.text("secret_access_key", secret_access_key);
            page.text_some("session_token", session_token.as_ref());
            page.text("expires", write_duration(*expires));
        }
    }
}
