//! `tollbridge config …`

use crate::{
    cli::{Common, Config},
    failure::Failure,
    local, output,
};

pub(super) fn run(common: &Common, config: &Config) -> Result<(), Failure> {
    match config {
        Config::Show => output::data(local::load(&common.config)?.settings.show().trim_end()),
        Config::Docs => output::data(tollbridge_config::reference().trim_end()),
    }
    Ok(())
}
