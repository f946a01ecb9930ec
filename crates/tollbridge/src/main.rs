//! The Tollbridge binary: command line, wiring, telemetry, signals, drain.

mod certificate;
mod cli;
mod commands;
mod demo;
mod failure;
mod heap;
mod lifecycle;
mod local;
mod output;
mod reload;
mod remote;
mod signals;
mod socket;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::words(&failure.to_string());
            failure.exit_code()
        }
    }
}
