//! The command line of Modeldesk: verbs to commands, answers to text or JSON.
//!
//! Architecture invariant: knows no egui; every verb builds a [`desk_app::Command`] or reads a query.

mod args;
mod complete;
#[cfg(test)]
mod hints;
mod output;
mod progress;
mod render;
mod secrets;
mod standard;
mod verbs;

use std::ffi::OsString;
use std::process::ExitCode;

use desk_core::{Cancel, Fault};

/// Runs one command line and gives its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    complete::answer_shell();
    let cli = match args::parse(args) {
        Ok(cli) => cli,
        Err(mut error) => {
            args::suggest_no_hidden(&mut error);
            return output::usage(&error);
        }
    };
    output::init_logging(cli.global.verbose);
    let printer = output::Printer::new(&cli.global);
    let cancel = Cancel::new();
    match run(cli, &printer, &cancel) {
        Ok(code) => code,
        Err(fault) => printer.fault(&fault),
    }
}

fn run(cli: args::Cli, printer: &output::Printer, cancel: &Cancel) -> Result<ExitCode, Fault> {
    cancel_on_signal(cancel)?;
    verbs::dispatch(cli, printer, cancel)?;
    Ok(printer.exit_code())
}

/// Ctrl+C asks the work to stop and undo; a second one ends the process at once.
fn cancel_on_signal(cancel: &Cancel) -> Result<(), Fault> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let cancel = cancel.clone();
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])
        .map_err(|error| Fault::bug("cannot listen for signals").detail(error.to_string()))?;
    std::thread::spawn(move || {
        for _signal in signals.forever() {
            if cancel.is_cancelled() {
                signal_hook::low_level::exit(130);
            }
            cancel.cancel();
        }
    });
    Ok(())
}
