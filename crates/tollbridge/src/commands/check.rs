//! `tollbridge check`

use tollbridge_config::{Problem, Severity};

use crate::{cli::Common, failure::Failure, output};

pub(super) fn run(common: &Common) -> Result<(), Failure> {
    match tollbridge_config::load(&common.config, &tollbridge_config::environment) {
        Ok(loaded) => {
            show(common.json, &loaded.warnings);
            unreadable(&loaded.settings)?;
            if !common.json {
                output::words(&format!("{}: no errors", common.config.display()));
            }
            Ok(())
        }
        Err(problems) => {
            show(common.json, &problems.0);
            let errors = problems
                .0
                .iter()
                .filter(|one| one.severity == Severity::Error)
                .count();
            Err(Failure::Configuration(format!("{errors} errors")))
        }
    }
}

/// Secrets are read, too: a reference that leads nowhere is found here and not at the first
/// session.
fn unreadable(settings: &tollbridge_config::Settings) -> Result<(), Failure> {
    tollbridge_node::generation(settings, 0, settings.server.listen, None, None)
        .map(drop)
        .map_err(|error| Failure::Configuration(error.to_string()))
}

fn show(json: bool, problems: &[Problem]) {
    if json {
        let rows: Vec<serde_json::Value> = problems
            .iter()
            .map(|problem| {
                serde_json::json!({
                    "severity": if problem.severity == Severity::Error { "error" } else { "warning" },
                    "file": problem.file,
                    "line": problem.line,
                    "column": problem.column,
                    "key": problem.key,
                    "message": problem.message,
                    "hint": problem.hint,
                })
            })
            .collect();
        output::data(&serde_json::json!({ "problems": rows }).to_string());
    } else {
        for problem in problems {
            output::data(&problem.to_string());
        }
    }
}
