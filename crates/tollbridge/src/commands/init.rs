//! `tollbridge init`

use tollbridge_config::Preset;

use super::table;
use crate::{
    cli::{Common, Init},
    failure::Failure,
    output,
};

pub(super) fn run(common: &Common, init: &Init) -> Result<(), Failure> {
    let Some(name) = &init.preset else {
        list(common.json);
        return Ok(());
    };
    let preset = Preset::find(name).map_err(Failure::Usage)?;
    let starter = preset.starter();
    output::data(&if common.json {
        serde_json::json!({ "preset": preset.name(), "toml": starter }).to_string()
    } else {
        starter.trim_end().to_owned()
    });
    Ok(())
}

fn list(json: bool) {
    if json {
        let presets: Vec<_> = Preset::all()
            .map(|preset| serde_json::json!({ "name": preset.name(), "title": preset.about.title }))
            .collect();
        output::data(&serde_json::json!({ "presets": presets }).to_string());
        return;
    }
    let rows: Vec<Vec<String>> = Preset::all()
        .map(|preset| vec![preset.name().to_owned(), preset.about.title.clone()])
        .collect();
    table(&["PRESET", "VENDOR"], &rows);
}
