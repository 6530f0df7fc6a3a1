//! Running programs on the far side.

use std::time::Duration;

use russh::ChannelMsg;
use russh::client::Handle;

use super::connection::HostCheck;
use crate::error::{DeployError, Result};
use crate::remote::{Exec, Output};

/// Output is cut here: nothing that we run says more.
const MAX_OUTPUT: usize = 16 << 20;

/// After a program has ended, its output is awaited this long. A daemon that it started may keep
/// the channel open for ever.
const LINGER: Duration = Duration::from_millis(500);

/// Quotes a word for a POSIX shell: single quotes, each one inside replaced by `'\''`.
pub(super) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

pub(super) async fn run(handle: &Handle<HostCheck>, exec: &Exec, words: &[String], address: &str) -> Result<Output> {
    let name = exec.args.first().cloned().unwrap_or_default();
    let lost = |detail: &dyn ToString| DeployError::Lost {
        address: address.to_owned(),
        doing: format!("running `{name}`"),
        detail: detail.to_string(),
    };
    let running = async {
        let mut channel = handle.channel_open_session().await.map_err(|e| lost(&e))?;
        let line: Vec<String> = words.iter().map(|word| quote(word)).collect();
        channel.exec(true, line.join(" ")).await.map_err(|e| lost(&e))?;
        if !exec.stdin.is_empty() {
            channel.data_bytes(exec.stdin.clone()).await.map_err(|e| lost(&e))?;
        }
        channel.eof().await.map_err(|e| lost(&e))?;
        let mut output = Output { status: -1, ..Output::default() };
        let (mut ended, mut silent) = (false, false);
        // The end of the output and the exit status come in either order.
        while !(ended && silent) {
            let message = if ended {
                match tokio::time::timeout(LINGER, channel.wait()).await {
                    Ok(message) => message,
                    Err(_) => break,
                }
            } else {
                channel.wait().await
            };
            match message {
                Some(ChannelMsg::Data { data }) => append(&mut output.stdout, &data),
                Some(ChannelMsg::ExtendedData { data, .. }) => append(&mut output.stderr, &data),
                Some(ChannelMsg::ExitStatus { exit_status }) => {
                    output.status = exit_status as i32;
                    ended = true;
                }
                Some(ChannelMsg::ExitSignal { .. }) => ended = true,
                Some(ChannelMsg::Failure) => return Err(lost(&"the SSH server refused to run programs")),
                Some(ChannelMsg::Eof | ChannelMsg::Close) => silent = true,
                None if ended => break,
                Some(_) => {}
                None => return Err(lost(&"it ended without an exit status")),
            }
        }
        // The far side may have closed the channel already.
        drop(channel.close().await);
        Ok(output)
    };
    tokio::select! {
        biased;
        () = cancelled(exec) => Err(DeployError::Cancelled),
        ran = tokio::time::timeout(exec.timeout, running) => ran.map_err(|_late| DeployError::Timeout {
            what: format!("`{}`", exec.display()),
            seconds: exec.timeout.as_secs(),
            address: address.to_owned(),
        })?,
    }
}

/// Returns once nobody wants the answer any more.
async fn cancelled(exec: &Exec) {
    match &exec.cancel {
        None => std::future::pending().await,
        Some(cancel) => {
            while !cancel.is_cancelled() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

fn append(to: &mut Vec<u8>, data: &[u8]) {
    let room = MAX_OUTPUT.saturating_sub(to.len());
    to.extend_from_slice(&data[..data.len().min(room)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        for word in ["plain", "", "a b", "it's", "$HOME `id` \\ \" ; & | > * ?", "-rf", "über\nnew"] {
            let output = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {}", quote(word))])
                .output()
                .expect("a shell");
            assert_eq!(String::from_utf8_lossy(&output.stdout), word);
        }
    }
}
