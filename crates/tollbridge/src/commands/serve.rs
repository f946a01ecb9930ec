//! `tollbridge serve`

use crate::{
    cli::Common, failure::Failure, lifecycle::Ready, local, output, reload::Source, telemetry,
};

pub(super) async fn run(common: Common) -> Result<(), Failure> {
    let path = std::path::absolute(&common.config).unwrap_or_else(|_| common.config.clone());
    let shown = path.display().to_string();
    let source = Source::at(path);
    let loaded = local::load(&common.config)?;
    for warning in &loaded.warnings {
        output::words(&warning.to_string());
    }
    telemetry::start(&loaded.settings.log);
    let ready = Ready::prepare(loaded.settings, Some(source)).await?;
    let (public, admin) = (ready.public_base()?, ready.admin()?);
    ready
        .run(None, move || {
            output::data(&format!("public {public}"));
            output::data(&format!("admin http://{admin}"));
            output::data(&format!("config 1 {shown}"));
        })
        .await
}
