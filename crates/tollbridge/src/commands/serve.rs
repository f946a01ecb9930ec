//! `tollbridge serve`

use crate::{cli::Common, failure::Failure, lifecycle::Ready, local, output, telemetry};

pub(super) async fn run(common: Common) -> Result<(), Failure> {
    let loaded = local::load(&common.config)?;
    for warning in &loaded.warnings {
        output::words(&warning.to_string());
    }
    telemetry::start(&loaded.settings.log);
    let path = std::path::absolute(&common.config).unwrap_or(common.config);
    let shown = path.display().to_string();
    let ready = Ready::prepare(loaded.settings, Some(path)).await?;
    let (public, admin) = (ready.public()?, ready.admin()?);
    ready
        .run(None, move || {
            output::data(&format!("public http://{public}"));
            output::data(&format!("admin http://{admin}"));
            output::data(&format!("config 1 {shown}"));
        })
        .await
}
