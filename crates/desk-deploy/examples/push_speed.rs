//! Upload speed beside OpenSSH's `sftp`: one file over loopback to a real sshd, alternating.
//!
//! `cargo run --release -p desk-deploy --example push_speed [MEGABYTES] [ROUNDS]`

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use desk_core::Cancel;
use desk_deploy::remote::{Put, Remote as _};
use desk_deploy::testing::TestSshd;
use desk_deploy::{HostKeyPolicy, SshRemote};

#[expect(clippy::print_stdout, reason = "the numbers are what it is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).filter_map(|text| text.parse::<usize>().ok());
    let megabytes = arguments.next().unwrap_or(1024);
    let rounds = arguments.next().unwrap_or(3).max(1);
    let server = TestSshd::start()?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("file");
    write_noise(&file, megabytes)?;
    std::fs::create_dir(folder.path().join("there"))?;

    let hosts: Arc<dyn HostKeyPolicy> = Arc::new(server.known_hosts());
    let there = folder.path().join("there");
    let target = server.target(there.to_str().ok_or("no text")?, 8123);
    let remote = SshRemote::connect(&target, &server.key(), &hosts)?;
    let (mut ours, mut theirs, mut same_cipher) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        theirs.push(openssh(&server, &file, &there, &[])?);
        same_cipher.push(openssh(&server, &file, &there, &["-c", "aes128-gcm@openssh.com"])?);
        let from = Instant::now();
        let cancel = Cancel::new();
        remote.put(&Put { from: &file, to: "by-us", executable: false, cancel: &cancel, progress: &|_| {} })?;
        ours.push(megabytes as f64 / from.elapsed().as_secs_f64());
        remote.remove("by-us")?;
    }
    let (ours, theirs, same) = (median(ours), median(theirs), median(same_cipher));
    println!(
        "{megabytes} MB, median of {rounds}: modeldesk {ours:.0} MB/s, sftp {theirs:.0} MB/s, ratio {:.2}; sftp with our cipher {same:.0} MB/s, ratio {:.2}",
        ours / theirs,
        ours / same
    );
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Bytes that do not compress, and that the file system cannot leave out.
fn write_noise(path: &Path, megabytes: usize) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(path)?;
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut block = Vec::with_capacity(1 << 20);
    for _ in 0..megabytes {
        block.clear();
        while block.len() < 1 << 20 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            block.extend(state.to_le_bytes());
        }
        file.write_all(&block)?;
    }
    file.sync_all()
}

/// MB/s of `sftp -b`, connecting included, as its user meets it.
fn openssh(server: &TestSshd, file: &Path, there: &Path, options: &[&str]) -> Result<f64, Box<dyn std::error::Error>> {
    let batch = server.dir().join("batch");
    // -f: flush to disk after the transfer, as our upload does.
    std::fs::write(&batch, format!("put -f {} {}\n", file.display(), there.join("by-openssh").display()))?;
    let from = Instant::now();
    let status = Command::new("sftp")
        .args(["-q", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"])
        .args(options)
        .args(["-o", "IdentitiesOnly=yes", "-i"])
        .arg(server.key_file())
        .args(["-P", &server.port().to_string(), "-b"])
        .arg(&batch)
        .arg(format!("{}@127.0.0.1", server.user()))
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(format!("sftp failed: {status}").into());
    }
    let speed = (std::fs::metadata(file)?.len() >> 20) as f64 / from.elapsed().as_secs_f64();
    std::fs::remove_file(there.join("by-openssh"))?;
    Ok(speed)
}
