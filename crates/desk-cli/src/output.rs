//! Answers, notes and faults: text for people, JSON for programs.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use desk_core::ids::NameError;
use desk_core::{Diagnose, Fault, FaultKind};
use serde::Serialize;

pub use desk_core::words::escaped as one_line;

use crate::args::Global;
use crate::standard;

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
        standard::print(text.trim_end()).map_err(unwritten)
    }

    /// A line beside the answer, for people only.
    pub fn note(&self, line: &str) {
        if !self.json {
            standard::tell(&one_line(line));
        }
    }

    /// A line beside the answer for people who may not see it, such as those who read a script's log.
    pub fn aside(&self, line: &str) {
        if !self.quiet {
            standard::tell(&one_line(line));
        }
    }

    /// Prints a fault and gives the exit code.
    pub fn fault(&self, fault: &Fault) -> ExitCode {
        let error = serde_json::json!({ "error": fault });
        // Where it cannot be written, as on a full disk, people are told instead.
        let told = self.json && standard::print(&error.to_string()).is_ok();
        if !told {
            let (red, bold, off) = if self.colour { ("\x1b[31m", "\x1b[1m", "\x1b[0m") } else { ("", "", "") };
            let label = if fault.is_cancelled() { "cancelled" } else { "error" };
            if fault.is_cancelled() && fault.message == "cancelled" {
                standard::tell(&format!("{red}{label}{off}"));
            } else {
                standard::tell(&format!("{red}{label}:{off} {}", one_line(&fault.message)));
            }
            // What a runtime or another machine said may have several lines; each is seen to belong to it.
            for line in fault.details.iter().flat_map(|detail| detail.lines()) {
                standard::tell(&format!("  {}", one_line(line)));
            }
            for hint in &fault.hints {
                standard::tell(&format!("{bold}hint:{off} {}", one_line(hint)));
            }
        }
        ExitCode::from(fault.kind.exit_code())
    }
}

/// Prints what clap says; help and version are no errors.
pub fn usage(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().any(|arg| arg == "--json");
    let rules = rules(error);
    if error.use_stderr() && wants_json {
        let fault = rules.iter().rev().fold(usage_fault(&error.to_string()), |mut fault, rule| {
            fault.hints.insert(0, rule.clone());
            fault
        });
        let told = standard::print(&serde_json::json!({ "error": fault }).to_string()).is_ok();
        if told {
            return ExitCode::from(FaultKind::Usage.exit_code());
        }
    }
    if error.use_stderr() {
        // Nobody else could be told.
        drop(error.print());
        for rule in rules {
            standard::tell(&format!("hint: {}", one_line(&rule)));
        }
        return ExitCode::from(FaultKind::Usage.exit_code());
    }
    let printed = standard::check_output().and_then(|()| standard::silent_pipe(error.print()));
    printed.map_or_else(
        |error| {
            standard::tell(&format!("error: {}", unwritten(error).message));
            ExitCode::from(FaultKind::Environment.exit_code())
        },
        |()| ExitCode::SUCCESS,
    )
}

/// What a value that clap refused should be, where our own words refused it.
fn rules(error: &clap::Error) -> Vec<String> {
    let source = std::error::Error::source(error);
    source.and_then(|source| source.downcast_ref::<NameError>()).map(Diagnose::hints).unwrap_or_default()
}

/// What was asked for could not be printed.
#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
fn unwritten(error: std::io::Error) -> Fault {
    Fault::new(FaultKind::Environment, "cannot write to standard output")
        .detail(error.to_string())
        .hint("What was asked for is done, but not told; open standard output, or send it to a file with room")
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
    fn a_name_that_cannot_be_used_comes_with_the_rule_of_names() {
        use clap::Parser as _;
        for line in [
            &["modeldesk", "import", "x.onnx", "--name", "my model"][..],
            &["modeldesk", "archive", "../churn"],
            &["modeldesk", "predict", "a b@3", "--data", "x"],
        ] {
            let error = crate::args::Cli::try_parse_from(line).expect_err("no name");
            assert_eq!(rules(&error), [format!("Use {}", desk_core::ids::NAME_RULE)], "{line:?}");
        }
        let selector = crate::args::Cli::try_parse_from(["modeldesk", "show", "churn@-"]).expect_err("no version");
        assert!(rules(&selector)[0].contains("MODEL@3"));
    }

    #[test]
    fn texts_can_neither_steer_the_terminal_nor_forge_lines() {
        assert_eq!(one_line("a\u{1b}[2Jb\nc\u{202e}"), "a\\u{1b}[2Jb\\nc\\u{202e}");
        assert_eq!(one_line("a\u{2028}b\u{200f}c\u{85}d\re"), "a\\u{2028}b\\u{200f}c\\u{85}d\\u{d}e");
        assert_eq!(one_line("längst 长 e\u{301} 👩\u{200d}🔬"), "längst 长 e\u{301} 👩\u{200d}🔬");
    }
}
