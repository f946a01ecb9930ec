//! `tollbridge migrate`

use crate::{cli::Common, failure::Failure, local, output};

pub(super) async fn run(common: Common) -> Result<(), Failure> {
    let settings = local::load(&common.config)?.settings;
    let report = tollbridge_store_sql::migrate(&settings.store.url)
        .await
        .map_err(|error| Failure::of("the store", &error))?;
    if common.json {
        output::data(&serde_json::json!({ "before": report.before, "after": report.after, "applied": report.applied }).to_string());
    } else {
        output::data(&format!("schema {} -> {}", report.before, report.after));
    }
    Ok(())
}
