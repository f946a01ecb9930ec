//! `tollbridge sessions …`: the running server knows them.

use awc::http::Method;
use serde_json::Value;

use super::table;
use crate::{
    cli::{Common, Sessions},
    failure::Failure,
    local, output,
    remote::Server,
};

pub(super) async fn run(common: Common, command: Sessions) -> Result<(), Failure> {
    let settings = local::load(&common.config)?.settings;
    let server = Server::find(&common, &settings)?;
    match command {
        Sessions::List { route, subject } => {
            let answer = server.ask(Method::GET, "/admin/v1/sessions", None).await?;
            let all = answer["sessions"].as_array().cloned().unwrap_or_default();
            let wanted = |asked: &Option<String>, value: &Value| {
                asked
                    .as_deref()
                    .is_none_or(|asked| value.as_str() == Some(asked))
            };
            let rows: Vec<Value> = all
                .into_iter()
                .filter(|row| wanted(&route, &row["route"]) && wanted(&subject, &row["subject"]))
                .collect();
            present(common.json, rows);
        }
        Sessions::Kill { id, reason } => {
            if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err(Failure::Usage(
                    "a session id is letters and digits".to_owned(),
                ));
            }
            let body = serde_json::json!({ "reason": reason });
            let answer = server
                .ask(
                    Method::DELETE,
                    &format!("/admin/v1/sessions/{id}"),
                    Some(body),
                )
                .await?;
            output::done(common.json, &answer, &format!("ended {id}"));
        }
    }
    Ok(())
}

fn present(json: bool, rows: Vec<Value>) {
    if json {
        output::data(&serde_json::json!({ "sessions": rows }).to_string());
        return;
    }
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            [
                "id",
                "route",
                "subject",
                "peer",
                "age_seconds",
                "bytes_up",
                "bytes_down",
            ]
            .map(|key| text(&row[key]))
            .to_vec()
        })
        .collect();
    table(
        &["ID", "ROUTE", "SUBJECT", "PEER", "AGE S", "UP", "DOWN"],
        &rows,
    );
}
