//! The leaderboard on its way from the authority to players: a level, and seldom a new one.

use protocol::{Board, Micros, Standings};
use std::sync::Arc;

/// The newest leaderboard, and the one that players are shown.
#[derive(Debug, Default)]
pub(super) struct Boards {
    newest: Option<Box<Standings>>,
    /// What players are shown, and since when.
    shown: Option<(Arc<Board>, Micros)>,
}

/// Players are shown another board at most this often.
const EVERY: Micros = Micros::from_millis(1_000);

impl Boards {
    /// The number of the newest standings, 0 before the first.
    pub(super) fn number(&self) -> u64 {
        self.newest.as_ref().map_or(0, |newest| newest.number)
    }

    /// Journals that the authority calls suspects.
    pub(super) fn suspects(&self) -> usize {
        self.newest.as_ref().map_or(0, |newest| newest.suspects.len())
    }

    /// Takes the authority's newest standings, whatever their number.
    pub(super) fn learn(&mut self, standings: Box<Standings>) {
        self.newest = Some(standings);
    }

    /// The board of this moment; another one than before only if it says something else.
    pub(super) fn show(&mut self, now: Micros) -> Option<Arc<Board>> {
        let newest = &self.newest.as_ref()?.board;
        match &self.shown {
            Some((shown, since)) if **shown == *newest || now.since(*since) < EVERY => {}
            Some(_) | None => self.shown = Some((Arc::new(newest.clone()), now)),
        }
        self.shown.as_ref().map(|(board, _)| Arc::clone(board))
    }
}
