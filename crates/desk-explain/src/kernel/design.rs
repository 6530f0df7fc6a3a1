//! Which sets of features kernel SHAP values: pairs of a set and its complement, in strata by size.
//!
//! Small sizes are valued completely while the budget allows (as Lundberg and Lee's implementation
//! does); the other sizes are strata that get pairs in proportion to their kernel mass, drawn
//! without replacement. Pairing: Covert and Lee 2021, arXiv 2012.01536.

use crate::dice::Dice;
use crate::exact::choose;
use crate::game::{Coalition, CoalitionSet};

/// Sets of one size (or of several small strata together) and their complements.
#[derive(Debug)]
pub(crate) struct Stratum {
    /// Total kernel weight of its sets and their complements.
    pub mass: f64,
    /// Pairs that exist; infinite when drawn with replacement or beyond count.
    pub population: f64,
    /// One set of each chosen pair; in random order unless complete.
    pub sets: Vec<Coalition>,
    /// Every pair is there.
    pub complete: bool,
}

/// How many pairs of one size are taken.
#[derive(Debug, Clone)]
struct Plan {
    size: usize,
    population: f64,
    mass: f64,
    take: usize,
    complete: bool,
}

/// The strata for a number of players (at least 3) and a budget of coalitions.
pub(crate) fn strata(players: usize, budget: usize, dice: &mut Dice) -> Vec<Stratum> {
    let mut strata = Vec::new();
    let mut small = Vec::new();
    for plan in plan(players, budget / 2) {
        if plan.complete {
            let sets = enumerate(players, plan.size);
            strata.push(Stratum { mass: plan.mass, population: plan.population, sets, complete: true });
        } else if plan.take >= 2 {
            let sets = draw(players, &plan, dice);
            strata.push(Stratum { mass: plan.mass, population: plan.population, sets, complete: false });
        } else {
            small.push(plan);
        }
    }
    if !small.is_empty() {
        strata.push(pool(players, &small, dice));
    }
    strata
}

/// How the pairs are spread over sizes.
fn plan(players: usize, pairs: usize) -> Vec<Plan> {
    let d = players as f64;
    let mut plans: Vec<Plan> = (1..=players / 2)
        .map(|size| {
            let s = size as f64;
            let halves = if 2 * size == players { 2.0 } else { 1.0 };
            Plan {
                size,
                population: (choose(players, size) / halves).round(),
                mass: 2.0 * (d - 1.0) / (s * (d - s)) / halves,
                take: 0,
                complete: false,
            }
        })
        .collect();
    let mut left = pairs as f64;
    let mut mass: f64 = plans.iter().map(|plan| plan.mass).sum();
    for plan in &mut plans {
        // Size 1 is always complete: with it the regression has one solution.
        if plan.size > 1 && left * plan.mass / mass < plan.population {
            break;
        }
        plan.complete = true;
        left -= plan.population;
        mass -= plan.mass;
    }
    allot(&mut plans, left.max(0.0) as usize, mass);
    plans
}

/// Gives `pairs` to the incomplete sizes in proportion to their mass, by largest remainders.
fn allot(plans: &mut [Plan], pairs: usize, mass: f64) {
    let mut open: Vec<&mut Plan> = plans.iter_mut().filter(|plan| !plan.complete).collect();
    let mut left = pairs;
    let mut remainders = Vec::with_capacity(open.len());
    for (i, plan) in open.iter_mut().enumerate() {
        let ideal = (pairs as f64 * plan.mass / mass).min(plan.population);
        plan.take = ideal as usize;
        left = left.saturating_sub(plan.take);
        remainders.push((ideal - ideal.floor(), i));
    }
    remainders.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, i) in remainders {
        let plan = &mut *open[i];
        if left > 0 && (plan.take as f64) < plan.population {
            plan.take += 1;
            left -= 1;
        }
        plan.complete = plan.take as f64 >= plan.population;
    }
}

/// Every pair of one size, a set for each; of half the players only those with player 0.
fn enumerate(players: usize, size: usize) -> Vec<Coalition> {
    let mut sets = Vec::new();
    let mut members: Vec<usize> = (0..size).collect();
    loop {
        if 2 * size < players || members[0] == 0 {
            sets.push(coalition(players, &members));
        }
        let Some(i) = (0..size).rev().find(|i| members[*i] < players - size + i) else { return sets };
        members[i] += 1;
        for j in i + 1..size {
            members[j] = members[j - 1] + 1;
        }
    }
}

/// Different random pairs of one size.
fn draw(players: usize, plan: &Plan, dice: &mut Dice) -> Vec<Coalition> {
    if plan.take as f64 > plan.population / 2.0 {
        let mut sets = enumerate(players, plan.size);
        dice.shuffle(&mut sets);
        sets.truncate(plan.take);
        return sets;
    }
    let mut seen = CoalitionSet::default();
    let mut sets = Vec::with_capacity(plan.take);
    let mut order: Vec<usize> = (0..players).collect();
    while sets.len() < plan.take {
        let set = random_set(players, plan.size, &mut order, dice);
        if seen.insert(set.clone()) {
            sets.push(set);
        }
    }
    sets
}

/// Strata that would get fewer than two pairs each, as one, drawn in proportion to the kernel.
fn pool(players: usize, plans: &[Plan], dice: &mut Dice) -> Stratum {
    let mass: f64 = plans.iter().map(|plan| plan.mass).sum();
    let take = plans.iter().map(|plan| plan.take).sum::<usize>().max(2);
    let mut order: Vec<usize> = (0..players).collect();
    let sets = (0..take)
        .map(|_| {
            let mut point = dice.uniform() * mass;
            let chosen = plans.iter().find(|plan| {
                point -= plan.mass;
                point < 0.0
            });
            let size = chosen.or(plans.last()).map_or(1, |plan| plan.size);
            random_set(players, size, &mut order, dice)
        })
        .collect();
    Stratum { mass, population: f64::INFINITY, sets, complete: false }
}

/// A uniform set of the given size; of half the players the one of the pair that has player 0.
fn random_set(players: usize, size: usize, order: &mut [usize], dice: &mut Dice) -> Coalition {
    for i in 0..size {
        let j = i + dice.below(players - i);
        order.swap(i, j);
    }
    let set = coalition(players, &order[..size]);
    if 2 * size == players && !set.contains(0) { set.complement(players) } else { set }
}

fn coalition(players: usize, members: &[usize]) -> Coalition {
    let mut set = Coalition::empty(players);
    for member in members {
        set.insert(*member);
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_kept_and_no_pair_comes_twice() {
        for (players, budget) in [(13, 200), (13, 2048), (14, 6000), (30, 120), (30, 2108), (31, 8192), (400, 2848)] {
            let mut dice = Dice::new(1, &[], 0);
            let strata = strata(players, budget, &mut dice);
            let taken: usize = strata.iter().map(|s| s.sets.len()).sum();
            assert!(2 * taken <= budget + 4 && 2 * taken + 4 >= budget, "{players} {budget}: {taken} pairs");
            let mass: f64 = strata.iter().map(|s| s.mass).sum();
            let d = players as f64;
            let all: f64 = (1..players).map(|s| (d - 1.0) / (s as f64 * (d - s as f64))).sum();
            assert!((mass - all).abs() < 1e-9);
            for stratum in strata.iter().filter(|s| s.population.is_finite()) {
                let mut seen = CoalitionSet::default();
                for set in &stratum.sets {
                    assert!(seen.insert(set.clone()) && seen.insert(set.complement(players)), "{players} {budget}");
                }
                assert_eq!(stratum.complete, stratum.sets.len() as f64 >= stratum.population);
            }
        }
    }

    #[test]
    fn enumeration_gives_each_pair_once() {
        assert_eq!(enumerate(6, 2).len(), 15);
        assert_eq!(enumerate(6, 3).len(), 10);
        assert_eq!(enumerate(5, 1).len(), 5);
    }
}
