//! A program that shares a group: it proposes, follows, and says what its copy is.

use super::SCHEMA;
use authority::Authority;
use protocol::{
    Edit, Follow, Found, GroupAnswer, GroupName, GroupPage, GroupRequest, Propose, ProposeVerdict,
    Proposed, Seen, Unavailable,
};
use std::sync::Arc;
use ucore::{Blob, WriterId};

/// A copy of what a group shares: who has edited, and the number, in the order of the log.
pub(crate) type Edits = Vec<(WriterId, u64)>;

/// One program of a group.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) authority: Arc<dyn Authority>,
    pub(crate) group: GroupName,
    writer: WriterId,
    /// The number of its next edit.
    pub(crate) next: u64,
    pub(crate) seen: Seen,
    pub(crate) edits: Edits,
    /// How often it had to begin anew.
    pub(crate) anew: u32,
}

impl Member {
    /// Opens a group, and begins it if nobody has.
    pub(crate) async fn open(
        authority: &(impl Authority + Clone),
        group: &str,
        writer: u8,
    ) -> Self {
        let (group, schema) = (GroupName(group.to_owned()), SCHEMA);
        let found = Found { group: group.clone(), schema, create: true };
        let answer = authority.group(GroupRequest::Found(found)).await.unwrap();
        assert!(matches!(answer, GroupAnswer::Founded(_)), "{answer:?}");
        let authority: Arc<dyn Authority> = Arc::new(authority.clone());
        let (writer, seen) = (super::id(writer), SCHEMA.start());
        Self { authority, group, writer, next: 1, seen, edits: Vec::new(), anew: 0 }
    }

    pub(crate) fn proposal(&self) -> Propose {
        let (group, schema, seen) = (self.group.clone(), SCHEMA, self.seen);
        let updates = Blob::from(vec![0x90]);
        let edit = Edit { writer: self.writer, seq: self.next, ordered: false, updates };
        Propose { group, schema, edit, expect: None, seen }
    }

    /// Proposes its next edit, or the one that the group lacks.
    pub(crate) async fn propose(&mut self) -> Result<ProposeVerdict, Unavailable> {
        let answer = self.authority.group(GroupRequest::Propose(self.proposal())).await?;
        let GroupAnswer::Proposed(Proposed { verdict, want, page, .. }) = answer else {
            panic!("no verdict: {answer:?}")
        };
        match verdict {
            ProposeVerdict::Committed | ProposeVerdict::Duplicate => self.next += 1,
            // It was taken back, and comes again.
            ProposeVerdict::Gap => self.next = want,
            ProposeVerdict::Old => self.next += 1,
            ProposeVerdict::Conflict | ProposeVerdict::Forgotten => panic!("{verdict:?}"),
        }
        self.take(page);
        Ok(verdict)
    }

    pub(crate) fn follow(&self, wait_ms: u32) -> GroupRequest {
        let (group, schema, seen) = (self.group.clone(), SCHEMA, Some(self.seen));
        GroupRequest::Follow(Follow { group, schema, seen, distrust: None, wait_ms })
    }

    /// Pulls one page, and gives back how many entries it had.
    pub(crate) async fn pull(&mut self, wait_ms: u32) -> Result<usize, Unavailable> {
        let page = page(self.authority.group(self.follow(wait_ms)).await?);
        let len = page.entries.len();
        self.take(page);
        Ok(len)
    }

    /// Pulls until it has everything.
    pub(crate) async fn catch_up(&mut self) {
        while self.pull(0).await.unwrap() > 0 {}
    }

    pub(crate) fn take(&mut self, page: GroupPage) {
        if let Some(base) = page.base {
            self.seen = base.at;
            self.edits = base.value.map_or_else(Vec::new, |value| value.open().unwrap());
            self.anew += 1;
        }
        for entry in page.entries {
            let edit = entry.follow(self.seen).unwrap();
            self.seen = entry.seen();
            self.edits.push((edit.writer, edit.seq));
        }
    }

    /// Its own edits are all in its copy, once and in their order.
    pub(crate) fn check_own(&self) {
        let own = self.edits.iter().filter(|(writer, _)| *writer == self.writer);
        let own: Vec<u64> = own.map(|(_, seq)| *seq).collect();
        assert_eq!(own, (1..self.next).collect::<Vec<_>>(), "each edit is in the log, once");
    }
}

pub(crate) fn page(answer: GroupAnswer) -> GroupPage {
    let GroupAnswer::Page(page) = answer else { panic!("no page: {answer:?}") };
    page
}
