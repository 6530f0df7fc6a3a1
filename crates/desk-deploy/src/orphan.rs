//! Servers that cannot be asked any more because their folder was removed under them, and who has a port.

use std::time::Duration;

use crate::error::Result;
use crate::remote::{Exec, Remote};

/// How long a server without a folder may drain.
const PATIENCE: Duration = Duration::from_mins(1);

/// Supervisors of a folder, whether or not it is still there, by what they were started with. Where
/// there is no `/proc`, `ps` shows the same words, less safely apart.
const FIND: &str = r#"if [ -d /proc/self ]; then
for file in $(grep -laF -- "$1" /proc/[0-9]*/cmdline 2>/dev/null); do
words="
$(tr '\0' '\n' < "$file" 2>/dev/null)
"
case "$words" in *"
supervise
--root
$1
"*) pid=${file#/proc/}; echo "${pid%/cmdline}";; esac
done
else
ps -A -o pid= -o args= | grep -F -- "supervise --root $1" | grep -v grep | awk '{ print $1 }'
fi"#;

/// Asks it to drain and end; ends it the hard way when it does not.
const END: &str = r#"lives() {
kill -0 "$1" 2>/dev/null && { [ ! -d /proc/self ] || grep -qa supervise "/proc/$1/cmdline" 2>/dev/null; }
}
kill -TERM "$1" 2>/dev/null || exit 0
i=0
while lives "$1"; do
i=$((i + 1))
[ "$i" -lt 400 ] || { kill -KILL "$1" 2>/dev/null; break; }
sleep 0.1
done"#;

/// Whose process listens on a port: its id and its program's name. What else it was started with may hold secrets.
const HOLDER: &str = r#"hex=$(printf ':%04X' "$1")
inode=$(awk -v p="$hex" '$4 == "0A" && substr($2, length($2) - 4) == p { print $10; exit }' \
/proc/net/tcp /proc/net/tcp6 2>/dev/null)
[ -n "$inode" ] || exit 1
pid=$(ls -l /proc/[0-9]*/fd 2>/dev/null | awk -v s="socket:[$inode]" \
'/^\/proc\// { split($0, part, "/"); pid = part[3] } index($0, s) { print pid; exit }')
[ -n "$pid" ] || exit 1
echo "$pid ($(cat "/proc/$pid/comm" 2>/dev/null))""#;

/// The process of a supervisor of this folder that still runs; only meaningful when it does not
/// answer on its control socket.
pub(crate) fn find(remote: &dyn Remote) -> Result<Option<u32>> {
    let found = remote.exec(&Exec::script(FIND, [remote.root()]))?;
    Ok(found.text().lines().find_map(|line| line.trim().parse().ok()))
}

/// Ends such a process; nothing when it is gone already.
pub(crate) fn end(remote: &dyn Remote, pid: u32) -> Result<()> {
    remote.must(&Exec::script(END, [pid.to_string()]).timeout(PATIENCE).changing()).map(drop)
}

/// Who listens on a port of the far side, such as `4711 (python3)`; `None` when the
/// system does not tell this user.
pub(crate) fn port_holder(remote: &dyn Remote, port: u16) -> Option<String> {
    let found = remote.exec(&Exec::script(HOLDER, [port.to_string()])).ok()?;
    Some(found.text()).filter(|text| found.status == 0 && !text.is_empty())
}
