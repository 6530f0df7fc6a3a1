//! Developer commands: `cargo xtask setup|run|test|bench|samples|pictures|tidy`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool for developers")]

mod bench;
mod cmd;
mod place;
mod python;
mod runtime;
mod shell;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  setup [--wheel FILE]         fetch the pinned ONNX Runtime library into the cache folder
  run [--release] [--headless] build, and open the workbench on the sample workspace; with no
                               display, do the same job on the command line
  test [NEXTEST ARGUMENT ...]  set up what tests need and run every check
  bench [NAME ...] [--quick]   measure beside the peers and write docs/benchmarks.md
  samples [--reference] [--icons]
                               train the samples again; also the values in tests/reference, and
                               the app icon
  pictures                     take the pictures of the README
  tidy                         check the rules of ARCHITECTURE.md

Example: cargo xtask run";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match args.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    let done = match command {
        "setup" => cmd::setup::main(rest),
        "run" => cmd::run::main(rest),
        "test" => cmd::test::main(rest),
        "bench" => bench::main(rest),
        "samples" => cmd::samples::main(rest),
        "pictures" => cmd::pictures::main(rest),
        "tidy" => tidy::main(rest),
        "help" | "-h" | "--help" => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        other => Err(anyhow::anyhow!("there is no command `{other}`\n\n{USAGE}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
