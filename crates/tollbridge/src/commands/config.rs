//! `tollbridge config …`

use crate::{
    cli::{Common, Config},
    failure::Failure,
    local, output,
};

pub(super) fn run(common: &Common, config: &Config) -> Result<(), Failure> {
    match config {
        Config::Show => {
            let shown = local::load(&common.config)?.settings.show();
            output::data(&if common.json {
                as_json(&shown)?
            } else {
                shown.trim_end().to_owned()
            });
        }
        Config::Docs => page(common.json, &tollbridge_config::reference()),
        Config::Vendors => page(common.json, &tollbridge_config::vendors()),
    }
    Ok(())
}

fn page(json: bool, markdown: &str) {
    output::data(&if json {
        serde_json::json!({ "markdown": markdown }).to_string()
    } else {
        markdown.trim_end().to_owned()
    });
}

fn as_json(toml: &str) -> Result<String, Failure> {
    let value: serde_json::Value =
        toml::from_str(toml).map_err(|error| Failure::of("the configuration", &error))?;
    Ok(value.to_string())
}
