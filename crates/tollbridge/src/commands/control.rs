//! `tollbridge drain`, `reload`, `healthcheck`: orders and questions to the running server.

use awc::http::{Method, StatusCode};

use crate::{cli::Common, failure::Failure, local, output, remote::Server};

pub(super) async fn drain(common: Common) -> Result<(), Failure> {
    let settings = local::load(&common.config)?.settings;
    let answer = Server::find(&common, &settings)?
        .ask(Method::POST, "/admin/v1/drain", None)
        .await?;
    let said = format!("draining; sessions open: {}", answer["sessions"]);
    output::done(common.json, &answer, &said);
    Ok(())
}

pub(super) async fn reload(common: Common) -> Result<(), Failure> {
    let settings = local::load(&common.config)?.settings;
    let answer = Server::find(&common, &settings)?
        .ask(Method::POST, "/admin/v1/reload", None)
        .await?;
    if common.json {
        output::data(&answer.to_string());
        return Ok(());
    }
    output::data(&format!("generation {}", answer["generation"]));
    for key in answer["needs_restart"].as_array().into_iter().flatten() {
        output::words(&format!(
            "{} changed and needs a restart",
            key.as_str().unwrap_or_default()
        ));
    }
    Ok(())
}

pub(super) async fn healthcheck(common: Common) -> Result<(), Failure> {
    let settings = local::load(&common.config)?.settings;
    let server = Server::find(&common, &settings)?;
    let (status, body) = server
        .exchange(Method::GET, "/readyz?verbose", None)
        .await?;
    output::data(&body.to_string());
    if status == StatusCode::OK {
        Ok(())
    } else {
        Err(Failure::Failed("not ready".to_owned()))
    }
}
