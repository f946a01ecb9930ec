//! One file a command.

mod apikey;
mod check;
mod config;
mod control;
mod demo;
mod init;
mod keys;
mod migrate;
mod route;
mod serve;
mod sessions;
mod token;

use std::future::Future;

use crate::{
    cli::{Cli, Command},
    failure::Failure,
    output,
};

/// Runs what was asked for. What it had to say must have been said: an API key is shown once.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    carry_out(cli)?;
    if output::lost() {
        let why = "standard output could not be written".to_owned();
        return Err(Failure::Failed(why));
    }
    Ok(())
}

fn carry_out(cli: Cli) -> Result<(), Failure> {
    let common = cli.common;
    match cli.command {
        Command::Serve => on_runtime(serve::run(common)),
        Command::Demo(demo) => on_runtime(demo::run(demo)),
        Command::Init(init) => init::run(&common, &init),
        Command::Check => check::run(&common),
        Command::Migrate => on_runtime(migrate::run(common)),
        Command::Config(config) => config::run(&common, &config),
        Command::Keys(keys) => on_runtime(keys::run(common, keys)),
        Command::ApiKey(apikey) => on_runtime(apikey::run(common, apikey)),
        Command::Token(token) => on_runtime(token::run(common, token)),
        Command::Sessions(sessions) => on_runtime(sessions::run(common, sessions)),
        Command::Route(route) => on_runtime(route::run(common, route)),
        Command::Drain => on_runtime(control::drain(common)),
        Command::Reload => on_runtime(control::reload(common)),
        Command::Healthcheck => on_runtime(control::healthcheck(common)),
        Command::Version => {
            version(common.json);
            Ok(())
        }
    }
}

fn on_runtime(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    actix_rt::System::new().block_on(command)
}

fn version(json: bool) {
    let version = env!("CARGO_PKG_VERSION");
    if json {
        output::data(&serde_json::json!({ "version": version }).to_string());
    } else {
        output::data(&format!("tollbridge {version}"));
    }
}

/// A table: columns as wide as their widest cell.
fn table(header: &[&str], rows: &[Vec<String>]) {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.len()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        output::data(padded.join("  ").trim_end());
    };
    line(header.to_vec());
    for row in rows {
        line(row.iter().map(String::as_str).collect());
    }
}
