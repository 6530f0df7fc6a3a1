//! Standard output and standard error: text for people, JSON for programs, faults for both.
#![expect(clippy::print_stderr, reason = "this is the one place that prints")]

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use desk_core::{Fault, FaultKind};
use serde::Serialize;

use crate::args::Global;

/// Prints answers in the way that was asked for.
#[expect(clippy::struct_excessive_bools, reason = "independent choices of the person who typed")]
pub struct Printer {
    json: bool,
    /// Draw progress bars.
    pub bars: bool,
    /// Say only what came of it.
    pub quiet: bool,
    /// A person sits there and may be asked.
    pub interactive: bool,
    /// The passphrase of the encrypted file comes on standard input.
    pub passphrase_stdin: bool,
    colour: bool,
    failed: std::cell::Cell<Option<FaultKind>>,
}

impl Printer {
    /// As the global options say.
    pub fn new(global: &Global) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self {
            json: global.json,
            bars: terminal && !global.quiet,
            quiet: global.quiet,
            interactive: !global.no_input && std::io::stdin().is_terminal() && terminal,
            passphrase_stdin: global.passphrase_stdin,
            colour: terminal && std::env::var_os("NO_COLOR").is_none(),
            failed: std::cell::Cell::new(None),
        }
    }

    /// Notes that the answer that was printed is itself a failure, such as damage that was found.
    pub fn answer_failed(&self, kind: FaultKind) {
        self.failed.set(Some(kind));
    }

    /// The exit code of a command that gave an answer.
    pub fn exit_code(&self) -> ExitCode {
        self.failed.get().map_or(ExitCode::SUCCESS, |kind| ExitCode::from(kind.exit_code()))
    }

    /// True when a program reads.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Prints an answer: the JSON of `value`, or `text`.
    pub fn answer(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Fault> {
        let text = if self.json {
            serde_json::to_string(value)
                .map_err(|error| Fault::bug("cannot write the answer as JSON").detail(error.to_string()))?
        } else {
            text()
        };
        self.plain(&text)
    }

    /// Prints text as it is, with `--json` too: scripts for a shell.
    #[expect(clippy::unused_self, reason = "standard output has one owner")]
    pub fn plain(&self, text: &str) -> Result<(), Fault> {
        let mut out = std::io::stdout().lock();
        match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
            Ok(()) => Ok(()),
            // `modeldesk list | head` closes the pipe early; that is not a failure.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => {
                Err(Fault::new(FaultKind::Environment, "cannot write to standard output").detail(error.to_string()))
            }
        }
    }

    /// A line beside the answer, for people only.
    pub fn note(&self, line: &str) {
        if !self.json {
            eprintln!("{}", one_line(line));
        }
    }

    /// Prints a fault and gives the exit code.
    pub fn fault(&self, fault: &Fault) -> ExitCode {
        let mut out = std::io::stdout();
        let error = serde_json::json!({ "error": fault });
        // Where it cannot be written, as on a full disk, people are told instead.
        let told = self.json && writeln!(out, "{error}").and_then(|()| out.flush()).is_ok();
        if !told {
            let (red, bold, off) = if self.colour { ("\x1b[31m", "\x1b[1m", "\x1b[0m") } else { ("", "", "") };
            let label = if fault.is_cancelled() { "cancelled" } else { "error" };
            if fault.is_cancelled() && fault.message == "cancelled" {
                eprintln!("{red}{label}{off}");
            } else {
                eprintln!("{red}{label}:{off} {}", one_line(&fault.message));
            }
            // What a runtime or another machine said may have several lines; each is seen to belong to it.
            for line in fault.details.iter().flat_map(|detail| detail.lines()) {
                eprintln!("  {}", one_line(line));
            }
            for hint in &fault.hints {
                eprintln!("{bold}hint:{off} {}", one_line(hint));
            }
        }
        ExitCode::from(fault.kind.exit_code())
    }
}

/// Text from models and files must neither steer the terminal nor look like further lines: control
/// characters, line and paragraph separators and marks of writing direction are shown as their codes.
pub fn one_line(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        match c {
            '\n' => shown.push_str("\\n"),
            c if steers(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
        shown
    })
}

/// Prints what clap says; help and version are no errors.
pub fn usage(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().any(|arg| arg == "--json");
    if error.use_stderr() && wants_json {
        let fault = usage_fault(&error.to_string());
        drop(writeln!(std::io::stdout(), "{}", serde_json::json!({ "error": fault })));
        return ExitCode::from(FaultKind::Usage.exit_code());
    }
    // A closed pipe is the reader's choice.
    drop(error.print());
    ExitCode::from(if error.use_stderr() { FaultKind::Usage.exit_code() } else { 0 })
}

/// What clap says as a fault: its first paragraph, and its tips as hints.
fn usage_fault(text: &str) -> Fault {
    let first: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let fault = Fault::new(FaultKind::Usage, first.join(" ").trim_start_matches("error: "));
    let tips = text.lines().filter_map(|line| line.trim().strip_prefix("tip: "));
    tips.fold(fault, Fault::hint).hint("See modeldesk --help, and --help after a verb")
}

/// Warnings of the program go to standard error; `-v` and `-vv` show more.
pub fn init_logging(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("MODELDESK_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .without_time();
    // A second call in one process (tests) keeps the first.
    drop(builder.try_init());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_usage_names_what_is_missing_and_what_was_meant() {
        use clap::Parser as _;
        let fault =
            |line: &[&str]| usage_fault(&crate::args::Cli::try_parse_from(line).expect_err("wrong usage").to_string());
        let missing = fault(&["modeldesk", "predict", "churn"]);
        assert!(missing.message.contains("--data"), "{missing:?}");
        let typo = fault(&["modeldesk", "predict", "churn", "--data", "x", "--traget", "y"]);
        assert!(typo.hints[0].contains("--target"), "{typo:?}");
    }

    #[test]
    fn texts_can_neither_steer_the_terminal_nor_forge_lines() {
        assert_eq!(one_line("a\u{1b}[2Jb\nc\u{202e}"), "a\\u{1b}[2Jb\\nc\\u{202e}");
        assert_eq!(one_line("a\u{2028}b\u{200f}c\u{85}d\re"), "a\\u{2028}b\\u{200f}c\\u{85}d\\u{d}e");
        assert_eq!(one_line("längst 长 e\u{301} 👩\u{200d}🔬"), "längst 长 e\u{301} 👩\u{200d}🔬");
    }
}
