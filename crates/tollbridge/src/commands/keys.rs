//! `tollbridge keys …`: directly on the store; a running server follows within a second.

use std::{fs, io::IsTerminal, sync::Arc};

use awc::http::Method;
use tollbridge_domain::{KeyId, Secret};
use tollbridge_keyring::{Keyring, MasterKey, RingEntropy, Rotation};
use tollbridge_store_sql::Mode;

use super::table;
use crate::{
    cli::{Common, Keys},
    failure::Failure,
    local, output,
    remote::Server,
};

pub(super) async fn run(common: Common, command: Keys) -> Result<(), Failure> {
    let settings = local::load(&common.config)?.settings;
    let store = tollbridge_node::open_store(&settings, Mode::Create).await?;
    let keyring = tollbridge_node::open_keys(&settings, store.clone()).await?;
    match command {
        Keys::List => list(&common, &keyring),
        Keys::Rotate { now, reason } => rotate(&common, &keyring, now, &reason).await?,
        Keys::Revoke {
            kid,
            yes,
            also_sessions,
            reason,
        } => {
            let kid = KeyId::parse(&kid).map_err(|error| Failure::Usage(error.to_string()))?;
            confirm(&kid, yes)?;
            keyring
                .revoke(&kid, &local::operator(), &reason)
                .await
                .map_err(|error| Failure::of("the key was not revoked", &error))?;
            // Said at once: the key is revoked even where the server cannot be reached below.
            output::words(&format!("revoked {kid}"));
            let mut value = serde_json::json!({ "kid": kid.as_str(), "revoked": true });
            if also_sessions {
                let body =
                    serde_json::json!({ "kid": kid.as_str(), "reason": reason, "sessions": true });
                let server = Server::find(&common, &settings)?;
                let answer = server
                    .ask(Method::POST, "/admin/v1/revocations", Some(body))
                    .await?;
                output::words(&format!("sessions ended: {}", answer["sessions_ended"]));
                value["sessions_ended"] = answer["sessions_ended"].clone();
            }
            if common.json {
                output::data(&value.to_string());
            }
        }
        Keys::Rewrap { new_master_key } => rewrap(&common, &keyring, &new_master_key).await?,
        Keys::Import { path } => import(&common, &keyring, &path).await?,
        Keys::Jwks => output::data(&String::from_utf8_lossy(&keyring.snapshot().jwks().body)),
    }
    Ok(())
}

fn list(common: &Common, keyring: &Arc<Keyring>) {
    let snapshot = keyring.snapshot();
    let when = |moment: Option<tollbridge_domain::Moment>| {
        moment.map_or_else(|| "-".to_owned(), |at| at.to_string())
    };
    if common.json {
        let rows: Vec<serde_json::Value> = snapshot
            .records()
            .iter()
            .map(tollbridge_http::signing_key)
            .collect();
        output::data(&serde_json::json!({ "keys": rows }).to_string());
        return;
    }
    let rows: Vec<Vec<String>> = snapshot
        .records()
        .iter()
        .map(|key| {
            let stage = if key.revoked_at.is_some() {
                "revoked".to_owned()
            } else {
                format!("{:?}", key.stage).to_lowercase()
            };
            vec![
                key.kid.to_string(),
                format!("{:?}", key.algorithm),
                stage,
                when(key.activated_at.or(key.activate_at)),
                when(key.retired_at.or(key.retire_at)),
            ]
        })
        .collect();
    table(
        &["KID", "ALGORITHM", "STAGE", "ACTIVE FROM", "RETIRES"],
        &rows,
    );
}

async fn rotate(
    common: &Common,
    keyring: &Arc<Keyring>,
    now: bool,
    reason: &str,
) -> Result<(), Failure> {
    let rotation = keyring
        .rotate(now, &local::operator(), reason)
        .await
        .map_err(|error| Failure::of("the key was not rotated", &error))?;
    takeover(common, &rotation);
    Ok(())
}

fn takeover(common: &Common, rotation: &Rotation) {
    let (kid, at) = (rotation.kid.as_str(), rotation.activates_at.to_string());
    output::data(&if common.json {
        serde_json::json!({ "kid": kid, "activates_at": at }).to_string()
    } else {
        format!("{kid} active from {at}")
    });
}

fn confirm(kid: &KeyId, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage("off a terminal, say --yes".to_owned()));
    }
    output::words(&format!(
        "Every token signed by {kid} stops working at once. Type the key id to go on:"
    ));
    let mut typed = String::new();
    let read = std::io::stdin().read_line(&mut typed);
    if read.is_ok() && typed.trim() == kid.as_str() {
        Ok(())
    } else {
        Err(Failure::Failed("not revoked".to_owned()))
    }
}

async fn rewrap(
    common: &Common,
    keyring: &Arc<Keyring>,
    path: &std::path::Path,
) -> Result<(), Failure> {
    let entropy = RingEntropy::default();
    let new = if path.exists() {
        MasterKey::load(path)
    } else {
        MasterKey::create(path, &entropy)
    };
    let new = new.map_err(|error| Failure::of("the new master key", &error))?;
    keyring
        .rewrap(new, &local::operator())
        .await
        .map_err(|error| Failure::of("the keys were not sealed again", &error))?;
    let reference = format!("file:{}", path.display());
    let said = format!("sealed again; set keys.master_key = \"{reference}\" and reload the server");
    output::done(
        common.json,
        &serde_json::json!({ "master_key": reference }),
        &said,
    );
    Ok(())
}

async fn import(
    common: &Common,
    keyring: &Arc<Keyring>,
    path: &std::path::Path,
) -> Result<(), Failure> {
    let text = if path.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        fs::read_to_string(path)
    };
    let pem = Secret::new(text.map_err(|error| Failure::of("the key file", &error))?);
    let imported = keyring
        .import(&pem, &local::operator())
        .await
        .map_err(|error| Failure::of("the key was not imported", &error))?;
    takeover(common, &imported);
    Ok(())
}
