//! `modeldesk`: everything that the window does, without a window.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = desk_app::worker::main_if_worker() {
        return code;
    }
    desk_cli::main(std::env::args_os())
}
