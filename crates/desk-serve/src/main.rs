//! `modeldesk-serve`: the model server that runs on a target.

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    desk_serve::cli::main()
}

#[cfg(not(unix))]
#[expect(clippy::print_stderr, reason = "there is no other way to say it")]
fn main() -> std::process::ExitCode {
    eprintln!("modeldesk-serve needs a Unix system: it hands its listening socket to child processes");
    std::process::ExitCode::from(3)
}
