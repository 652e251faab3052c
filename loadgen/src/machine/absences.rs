//! When a player is away on purpose: planned with its hits, whatever the shards answer.

use protocol::Micros;

/// How a player comes and goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Churn {
    /// How long it stays on average: anything from half of that to one and a half.
    pub every: Micros,
    /// How long it is away.
    pub away: Micros,
    /// Where it comes back.
    pub returns: Returns,
}

/// Where a player comes back that was away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returns {
    /// To its target and session. It leaves in the middle of things: what is unanswered then is
    /// sent again.
    Resume,
    /// To the next target, as a new player. It leaves when everything is answered and counted.
    Move,
}

/// One absence. Times count from the load's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Absence {
    pub(super) leaves: Micros,
    pub(super) returns: Micros,
}

impl Absence {
    pub(super) fn covers(self, at: Micros) -> bool {
        (self.leaves..self.returns).contains(&at)
    }
}

/// The absences of one player, one after the other. The same seed plans the same ones.
#[derive(Debug, Clone)]
pub(super) struct Absences {
    random: fastrand::Rng,
    churn: Option<Churn>,
    next: Option<Absence>,
}

impl Absences {
    /// Those of a player who comes at `from`.
    pub(super) fn new(churn: Option<Churn>, from: Micros, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        let mut absences = Self { random, churn, next: None };
        absences.plan(from);
        absences
    }

    /// The next absence, or the one that lasts.
    pub(super) fn next(&self) -> Option<Absence> {
        self.next
    }

    /// The next absence is over, or has been missed.
    pub(super) fn pass(&mut self) {
        if let Some(absence) = self.next {
            self.plan(absence.returns);
        }
    }

    fn plan(&mut self, from: Micros) {
        let Some(Churn { every, away, .. }) = self.churn else { return };
        let stay = Micros(every.0 / 2 + self.random.u64(0..=every.0));
        let leaves = from + stay;
        self.next = Some(Absence { leaves, returns: leaves + away });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absences_follow_each_other_and_stays_are_as_long_as_they_should_be() {
        let (every, away) = (Micros::from_millis(20_000), Micros::from_millis(2_000));
        let churn = Churn { every, away, returns: Returns::Resume };
        let mut absences = Absences::new(Some(churn), Micros(7), 3);
        let (mut back, mut stays) = (Micros(7), 0);
        for _ in 0..1_000 {
            let absence = absences.next().unwrap();
            let stay = absence.leaves.since(back);
            assert!((10_000..=30_000).contains(&stay.as_millis()), "{stay:?}");
            assert_eq!(absence.returns, absence.leaves + away);
            stays += stay.as_millis();
            back = absence.returns;
            absences.pass();
        }
        assert!((19_000_000..21_000_000).contains(&stays), "{stays}");
    }

    #[test]
    fn who_does_not_come_and_go_is_never_away() {
        let mut absences = Absences::new(None, Micros(0), 3);
        absences.pass();
        assert_eq!(absences.next(), None);
    }
}
