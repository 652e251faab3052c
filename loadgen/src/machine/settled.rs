//! Holds a settled generation of the ledger against itself: the shares follow from the damage.

use protocol::{LedgerGeneration, PlayerId, Share, Status};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What is wrong with a generation's end; none if nothing is, or if it has not come.
pub(super) fn fault(book: &LedgerGeneration) -> Option<String> {
    let generation = book.generation;
    let counted = book.players().into_iter().map(|(player, (counted, _))| (player, counted));
    let damage: BTreeMap<_, _> = counted.filter(|(_, counted)| *counted > 0).collect();
    let sum: u64 = damage.values().sum();
    if book.status.is_closed() && (sum != book.damage || sum < book.hp_max) {
        let (counted, hp_max) = (book.damage, book.hp_max);
        return Some(format!(
            "generation {generation}: players did {sum}, {counted} is counted, of {hp_max} HP"
        ));
    }
    if book.shares.is_empty() {
        let is_divided = book.status >= Status::Credited;
        return is_divided.then(|| format!("generation {generation}: nobody has a share"));
    }
    let fault = unfair(book.hp_max, &damage, &book.shares)?;
    Some(format!("generation {generation}: {fault}"))
}

fn unfair(hp_max: u64, damage: &BTreeMap<PlayerId, u64>, shares: &[Share]) -> Option<String> {
    let booked: BTreeMap<_, _> = shares.iter().map(|it| (it.player, it.damage)).collect();
    if booked != *damage || shares.len() != damage.len() {
        return Some("the shares are not those of the players who did the damage".to_owned());
    }
    if !shares.is_sorted_by_key(|it| (Reverse(it.damage), it.player))
        || !shares.iter().zip(1..).all(|(it, rank)| it.rank == rank)
    {
        return Some("the ranks are not the order of the damage".to_owned());
    }
    let given: u128 = shares.iter().map(|it| u128::from(it.credit)).sum();
    if given != u128::from(hp_max) {
        return Some(format!("shares of {given} were given of a boss with {hp_max} HP"));
    }
    let sum: u128 = damage.values().map(|damage| u128::from(*damage)).sum();
    // Whose share was rounded up lost more by rounding down than anybody who was not.
    let (mut least_up, mut most_down) = (u128::MAX, 0);
    for share in shares {
        let exact = u128::from(hp_max) * u128::from(share.damage);
        let (floor, remainder) = (exact / sum, exact % sum);
        match u128::from(share.credit).checked_sub(floor) {
            Some(0) => most_down = most_down.max(remainder),
            Some(1) => least_up = least_up.min(remainder),
            Some(_) | None => {
                let (player, credit) = (share.player, share.credit);
                return Some(format!("player {player} got {credit}, and {floor} is their part"));
            }
        }
    }
    (least_up < most_down).then(|| "the rounding favours who lost less by it".to_owned())
}

/// What has changed of a generation's end since it was shown before, which must not be. The newest
/// step of all may be taken back by a fail-over; `is_over` says that a later generation was shown.
pub(super) fn change(
    before: &LedgerGeneration,
    now: &LedgerGeneration,
    is_over: bool,
) -> Option<String> {
    let credit = |it: &Share| (it.player, it.rank, it.damage, it.credit);
    let credits = |book: &LedgerGeneration| book.shares.iter().map(credit).collect::<Vec<_>>();
    let has_closed = is_over || before.status >= Status::Credited;
    let is_divided = is_over || before.status == Status::Rewarded;
    let what = if has_closed && before.closed != now.closed {
        "where its books closed"
    } else if has_closed && before.damage != now.damage {
        "the damage in its closed books"
    } else if is_divided && credits(before) != credits(now) {
        "its shares"
    } else if is_over && before.shares != now.shares {
        "its rewards"
    } else {
        return None;
    };
    Some(format!("generation {}: its settlement has changed, {what}", now.generation))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hp_max: u64, lines: &[(u64, u64, u64)], expected: Option<&str>) {
        let damage = lines.iter().map(|(player, damage, _)| (PlayerId(*player), *damage)).collect();
        let shares = lines.iter().zip(1..).map(|((player, damage, credit), rank)| Share {
            player: PlayerId(*player),
            rank,
            damage: *damage,
            credit: *credit,
            rewards: Vec::new(),
        });
        let found = unfair(hp_max, &damage, &shares.collect::<Vec<_>>());
        match expected {
            None => assert_eq!(found, None),
            Some(what) => assert!(found.as_ref().is_some_and(|it| it.contains(what)), "{found:?}"),
        }
    }

    #[test]
    fn fair_shares_pass() {
        check(100, &[(7, 40, 40), (8, 30, 30), (9, 30, 30)], None);
        check(100, &[(7, 1, 34), (8, 1, 33), (9, 1, 33)], None);
        check(1, &[(7, 900, 1), (8, 1, 0)], None);
        let hp_max = ucore::INT_MAX;
        check(hp_max, &[(7, hp_max, hp_max)], None);
    }

    #[test]
    fn each_kind_of_wrong_share_is_named() {
        check(100, &[(7, 40, 40), (8, 30, 30), (9, 30, 29)], Some("99 were given"));
        check(100, &[(7, 30, 30), (8, 40, 40), (9, 30, 30)], Some("order"));
        check(100, &[(9, 30, 30), (7, 30, 30), (8, 40, 40)], Some("order"));
        check(100, &[(7, 50, 52), (8, 50, 48)], Some("player 7 got 52"));
        check(10, &[(7, 60, 5), (8, 40, 5)], Some("player 7 got 5"));
        // 3 of 7: 1.2.. and 0.9.. and 0.8..
        check(3, &[(7, 3, 2), (8, 2, 0), (9, 2, 1)], Some("favours"));
    }
}
