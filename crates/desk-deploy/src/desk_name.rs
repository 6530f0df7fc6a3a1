//! Which desk: a name for people that ends with the desk's own id, as `ann on north (home /srv/desk, desk 3f2a9c1e)`.
//!
//! By its id a desk stays itself when its computer or its folder gets another name, and two that look alike are two.

/// Before the id, at the end of a name.
const ID: &str = ", desk ";

/// The name of a desk; `id` is made once for its home, of letters and digits.
pub fn desk_name(who: &str, host: &str, home: &str, id: Option<&str>) -> String {
    let on = if host.is_empty() { String::new() } else { format!(" on {host}") };
    let id = id.map(|id| format!("{ID}{id}")).unwrap_or_default();
    format!("{who}{on} (home {home}{id})")
}

/// Two names are of one desk. One that bears no id is told by the rest of its name.
pub fn same_desk(one: &str, other: &str) -> bool {
    let ((one, its_id), (other, other_id)) = (split(one), split(other));
    if its_id.is_some() && other_id.is_some() { its_id == other_id } else { one == other }
}

/// A name without its id, and the id.
fn split(name: &str) -> (&str, Option<&str>) {
    let Some((rest, id)) = name.rsplit_once(ID) else { return (name.trim_end_matches(')'), None) };
    match id.strip_suffix(')') {
        Some(id) if !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric()) => (rest, Some(id)),
        _ => (name.trim_end_matches(')'), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desk_is_told_by_its_id() {
        let ann = desk_name("ann", "north", "/home/ann/desk", Some("3f2a"));
        assert_eq!(ann, "ann on north (home /home/ann/desk, desk 3f2a)");
        assert!(same_desk(&ann, &desk_name("ann", "south", "/mnt/desk", Some("3f2a"))), "renamed and moved");
        assert!(!same_desk(&ann, &desk_name("ann", "north", "/home/ann/desk", Some("77b0"))), "a cloned computer");
        assert!(same_desk(&ann, &desk_name("ann", "north", "/home/ann/desk", None)), "as former versions wrote it");
        assert!(!same_desk(&ann, &desk_name("ben", "north", "/home/ann/desk", None)));
        assert!(same_desk("ana", "ana") && !same_desk("ana", "ben"));
        let odd = desk_name("ann", "", "/a, desk b/c", None);
        assert!(same_desk(&odd, &odd) && !same_desk(&odd, &ann));
    }
}
