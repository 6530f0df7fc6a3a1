//! What the program tells people to type can be typed: every verb and option that a sentence names is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use clap::{Command, CommandFactory as _};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::args::Cli;

/// Options of other programs that sentences name, each with a word of its sentence.
const OF_OTHERS: [(&str, &str); 2] = [("--workspace", "cargo"), ("--bins", "cargo")];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The texts of a source file, without documentation and tests.
fn texts(stream: TokenStream, found: &mut Vec<String>) {
    let (mut attribute, mut test) = (false, false);
    for token in stream {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '#' => attribute = true,
            TokenTree::Punct(mark) if mark.as_char() == '!' && attribute => {}
            TokenTree::Group(group) if attribute => {
                attribute = false;
                let inner = group.stream().to_string();
                test |= inner.replace(' ', "") == "cfg(test)";
                if !inner.starts_with("doc") {
                    texts(group.stream(), found);
                }
            }
            TokenTree::Group(group) if test && group.delimiter() == Delimiter::Brace => test = false,
            TokenTree::Group(group) => texts(group.stream(), found),
            TokenTree::Literal(literal) => found.extend(Some(literal.to_string()).filter(|text| text.contains('"'))),
            _ => attribute = false,
        }
    }
}

/// Words as a person would type them.
fn words(text: &str) -> Vec<String> {
    let text = text.replace("\\n", " ").replace("\\\n", " ");
    let apart = |c: char| c.is_whitespace() || "`'\"()[],;:…\\".contains(c);
    text.split(apart).map(|word| word.trim_end_matches('.').to_owned()).filter(|word| !word.is_empty()).collect()
}

fn options(command: &Command, all: &mut BTreeSet<String>) {
    for argument in command.get_arguments() {
        all.extend(argument.get_long().map(|name| format!("--{name}")));
    }
    command.get_subcommands().for_each(|verb| options(verb, all));
}

fn is_option(word: &str) -> bool {
    word.strip_prefix("--")
        .is_some_and(|name| name.len() > 1 && name.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
}

/// What is wrong with a sentence.
fn wrong(text: &str, cli: &Command, all: &BTreeSet<String>) -> Option<String> {
    let words = words(text);
    for (i, word) in words.iter().enumerate() {
        let option = word.split('=').next().unwrap_or(word);
        let of_others = OF_OTHERS.iter().any(|(name, program)| *name == option && text.contains(program));
        // A word alone is handed to a program, and `--text` in a page is a colour.
        let said = text.trim().contains(' ') && !text.contains("var(--") && !text.contains("modeldesk-workbench");
        if said && is_option(option) && !all.contains(option) && !of_others {
            return Some(format!("there is no option {option}"));
        }
        // `modeldesk verify` is typed; "modeldesk was not built" is not.
        let typed = |next: &&String| {
            text.contains(&format!("`modeldesk {next}")) || text.contains(&format!(": modeldesk {next}"))
        };
        let Some(verb) = words.get(i + 1).filter(|next| word == "modeldesk" && typed(next)) else { continue };
        if verb.starts_with(|c: char| c.is_ascii_lowercase()) && cli.find_subcommand(verb).is_none() {
            return Some(format!("there is no verb {verb}"));
        }
    }
    None
}

#[test]
fn every_option_and_verb_that_a_sentence_names_is_there() {
    let mut cli = Cli::command();
    cli.build();
    let mut all = BTreeSet::from(["--help".to_owned(), "--version".to_owned()]);
    options(&cli, &mut all);
    assert_eq!(wrong("Use `modeldesk verify --home X`, or --drop", &cli, &all), None);
    assert!(
        wrong("Widen it with --tolerance", &cli, &all).is_some() && wrong("`modeldesk mend x`", &cli, &all).is_some()
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in std::fs::read_dir(root.join("crates")).expect("the crates").flatten() {
        // The server and what starts it have options of their own.
        if !["desk-serve", "desk-deploy"].contains(&folder.file_name().to_string_lossy().as_ref()) {
            sources(&folder.path().join("src"), &mut files);
        }
    }
    sources(&root.join("ui/src"), &mut files);
    assert!(files.len() > 150, "only {} files", files.len());
    let mut problems = Vec::new();
    for file in files.iter().filter(|file| !file.ends_with("hints.rs")) {
        let source = std::fs::read_to_string(file).expect("read");
        let mut found = Vec::new();
        texts(TokenStream::from_str(&source).expect("Rust"), &mut found);
        for text in found {
            problems.extend(wrong(&text, &cli, &all).map(|what| format!("{}: {what}: {text}", file.display())));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
