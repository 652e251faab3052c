//! The remote authority: everything is asked of a sync service in another process.

use super::followers::Followers;
use crate::client::{Answered, Authority};
use futures::FutureExt;
use protocol::{GroupRequest, SyncAnswer, SyncRequest};
use score::AddressError;
use std::sync::Arc;

/// An authority behind a sync service. Cloning it gives another handle to the same one.
#[derive(Debug, Clone)]
pub struct Remote {
    service: score::Remote,
    followers: Arc<Followers>,
}

impl Remote {
    /// The authority behind an address such as `ws://127.0.0.1:7777`. It connects when it is first
    /// asked, and comes back by itself after every loss.
    ///
    /// # Errors
    /// [`AddressError`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(url: &str) -> Result<Self, AddressError> {
        let service = score::Remote::new(url)?;
        Ok(Self { followers: Followers::new(service.clone()), service })
    }
}

impl Authority for Remote {
    fn ask(&self, request: SyncRequest) -> Answered<SyncAnswer> {
        if let SyncRequest::Group(GroupRequest::Follow(follow)) = request {
            let page = Arc::clone(&self.followers).page(follow);
            return async move { page.await.map(SyncAnswer::Group) }.boxed();
        }
        let service = self.service.clone();
        async move { service.ask(request).await }.boxed()
    }
}
