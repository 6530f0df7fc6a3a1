//! Completions of a shell: verbs and options, and the names that the store knows.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};
use desk_app::query::ModelFilter;
use desk_app::{Desk, DeskOptions};
use desk_core::{Fault, FaultKind};

use crate::args::Cli;

/// The shell's script sets it when it asks for candidates.
const VARIABLE: &str = "MODELDESK_COMPLETE";
/// Names that are offered at most; nobody reads more.
const MOST: usize = 200;

/// Answers a shell that asks for candidates, and ends the process then.
pub fn answer_shell() {
    CompleteEnv::with_factory(Cli::command).var(VARIABLE).bin("modeldesk").complete();
}

/// The script that makes a shell ask.
pub fn script(shell: &str) -> Result<String, Fault> {
    let shells = Shells::builtins();
    let completer = shells.completer(shell).ok_or_else(|| {
        Fault::new(FaultKind::Usage, format!("`{shell}` is no shell that completions are made for"))
            .hint(format!("There are {}", shells.names().collect::<Vec<_>>().join(", ")))
    })?;
    let mut script = Vec::new();
    completer
        .write_registration(VARIABLE, "modeldesk", "modeldesk", "modeldesk", &mut script)
        .map_err(|error| Fault::bug("the script cannot be written").detail(error.to_string()))?;
    Ok(String::from_utf8_lossy(&script).into_owned())
}

/// Models, and after an `@` the numbers and aliases of one.
pub fn versions() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let typed = typed.to_string_lossy();
        match typed.split_once('@') {
            None => of_desk(&typed, |desk| model_names(desk, &typed)),
            Some((model, _)) => of_desk(&typed, |desk| {
                let items = desk.versions(&model.parse()?)?;
                let numbers = items.iter().map(|item| format!("{model}@{}", item.version));
                let aliases = items.iter().flat_map(|item| &item.aliases).map(|alias| format!("{model}@{alias}"));
                Ok(aliases.chain(numbers).collect())
            }),
        }
    })
}

/// Models.
pub fn models() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let typed = typed.to_string_lossy();
        of_desk(&typed, |desk| model_names(desk, &typed))
    })
}

/// Targets.
pub fn targets() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        of_desk(&typed.to_string_lossy(), |desk| Ok(desk.targets()?.into_iter().map(|target| target.name).collect()))
    })
}

/// Credentials.
pub fn credentials() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        of_desk(&typed.to_string_lossy(), |desk| Ok(desk.credentials()?.into_iter().map(|item| item.name).collect()))
    })
}

fn model_names(desk: &Desk, typed: &str) -> Result<Vec<String>, Fault> {
    let filter = ModelFilter { text: typed.to_owned(), ..ModelFilter::default() };
    Ok(desk.models(&filter)?.into_iter().map(|item| item.name.to_string()).collect())
}

/// Names that begin as was typed. Where there is no store, or it cannot be read, there are none: a shell has
/// no place for an error, and a key press makes no folder.
fn of_desk(typed: &str, names: impl FnOnce(&Desk) -> Result<Vec<String>, Fault>) -> Vec<CompletionCandidate> {
    let found = options().and_then(Desk::open_to_read).and_then(|desk| names(&desk)).unwrap_or_default();
    let fitting = found.into_iter().filter(|name| name.starts_with(typed));
    fitting.take(MOST).map(CompletionCandidate::new).collect()
}

/// The home that the line being typed names, else the usual one.
fn options() -> Result<DeskOptions, Fault> {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let named = words.iter().enumerate().find_map(|(i, word)| match word.strip_prefix("--home") {
        Some("") => words.get(i + 1).map(PathBuf::from),
        Some(rest) => rest.strip_prefix('=').map(PathBuf::from),
        None => None,
    });
    match named {
        Some(home) => Ok(DeskOptions::for_home(home)),
        None => DeskOptions::default_home(),
    }
}
