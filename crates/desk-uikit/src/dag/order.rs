//! The order of items within rows: barycentres swept down and up, the order with the fewest crossings kept.

use super::layout::{Lists, Net};
use super::pace::Pace;

/// Sorts the rows; `None` when it was ended.
pub(super) fn sweep(net: &mut Net, sweeps: usize, pace: &mut Pace<'_>) -> Option<()> {
    let mut places = vec![0u32; net.widths.len()];
    net.rows.iter().for_each(|row| number(row, &mut places));
    let mut best: (u64, Vec<Vec<u32>>) = (crossings(net, &places), net.rows.clone());
    let mut keys: Vec<(f32, u32)> = Vec::new();
    for sweep in 0..sweeps {
        if best.0 == 0 {
            break;
        }
        let rows = net.rows.len();
        for i in 0..rows {
            let (at, towards) = if sweep % 2 == 0 { (i, &net.up) } else { (rows - 1 - i, &net.down) };
            sort(&mut net.rows[at], towards, &places, &mut keys);
            number(&net.rows[at], &mut places);
            pace.on(net.rows[at].len())?;
        }
        let found = crossings(net, &places);
        if found < best.0 {
            best = (found, net.rows.clone());
        }
    }
    net.rows = best.1;
    Some(())
}

fn number(row: &[u32], places: &mut [u32]) {
    for (place, item) in row.iter().enumerate() {
        places[*item as usize] = place as u32;
    }
}

/// Sorts a row by the means of the places of neighbours; an item without any keeps its place.
fn sort(row: &mut [u32], towards: &Lists, places: &[u32], keys: &mut Vec<(f32, u32)>) {
    keys.clear();
    keys.extend(row.iter().enumerate().map(|(place, item)| {
        let neighbours = towards.of(*item);
        let sum: u64 = neighbours.iter().map(|neighbour| u64::from(places[*neighbour as usize])).sum();
        let key = if neighbours.is_empty() { place as f32 } else { sum as f32 / neighbours.len() as f32 };
        (key, *item)
    }));
    // A stable sort: items that are alike stay as they are.
    keys.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (item, (_, sorted)) in row.iter_mut().zip(keys.iter()) {
        *item = *sorted;
    }
}

/// Pairs of edges that cross, between all neighbouring rows (Barth, Mutzel and Jünger, Simple and efficient
/// bilayer cross counting, JGAA 2004: inversions counted with an accumulator tree).
fn crossings(net: &Net, places: &[u32]) -> u64 {
    let mut count = 0;
    let (mut ends, mut tree): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
    for pair in net.rows.windows(2) {
        ends.clear();
        for item in &pair[0] {
            let from = ends.len();
            ends.extend(net.down.of(*item).iter().map(|to| places[*to as usize]));
            ends[from..].sort_unstable();
        }
        let leaves = pair[1].len().next_power_of_two();
        tree.clear();
        tree.resize(2 * leaves, 0);
        for end in &ends {
            let mut at = *end as usize + leaves;
            tree[at] += 1;
            while at > 1 {
                if at.is_multiple_of(2) {
                    count += u64::from(tree[at + 1]);
                }
                at /= 2;
                tree[at] += 1;
            }
        }
    }
    count
}
