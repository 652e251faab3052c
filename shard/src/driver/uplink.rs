//! Hops 8 and 12, uplink: the delta interval leaves for the authority, and the truth comes back in
//! the same answer.

use crate::machine::{Answer, Request};
use authority::Authority;
use futures::FutureExt;
use futures::future::BoxFuture;
use protocol::Unavailable;
use std::sync::Arc;
use std::time::Duration;

/// How long an answer is waited for. Then its outcome is unknown, and the next request repairs it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The same for what players get of a fallen boss.
const SHARES_TIMEOUT: Duration = Duration::from_secs(1);

/// The one request on its way to the authority and back.
pub(super) struct Uplink {
    authority: Arc<dyn Authority>,
    in_flight: Option<BoxFuture<'static, Result<Answer, Unavailable>>>,
}

impl Uplink {
    pub(super) fn new(authority: Arc<dyn Authority>) -> Self {
        Self { authority, in_flight: None }
    }

    /// Sends a request. The machine asks for one at a time.
    pub(super) fn send(&mut self, request: Request) {
        self.in_flight = Some(ask(&self.authority, request));
    }

    /// Waits for the answer to the request in flight; for ever if there is none. Cancel safe.
    pub(super) async fn answer(&mut self) -> Result<Answer, Unavailable> {
        let Some(in_flight) = &mut self.in_flight else {
            return std::future::pending().await;
        };
        let answer = in_flight.await;
        self.in_flight = None;
        answer
    }
}

/// Asks once, with a time-out.
pub(super) fn ask(
    authority: &Arc<dyn Authority>,
    request: Request,
) -> BoxFuture<'static, Result<Answer, Unavailable>> {
    // What players get may wait, and pushes may not wait for it.
    let patience =
        if matches!(request, Request::Shares(_)) { SHARES_TIMEOUT } else { ANSWER_TIMEOUT };
    let answer = match request {
        Request::Join(join) => authority.join(join).map(|a| a.map(Answer::Join)).boxed(),
        Request::Enter(enter) => authority.enter(enter).map(|a| a.map(Answer::Enter)).boxed(),
        Request::Push(push) => authority.push(push).map(|a| a.map(Answer::Push)).boxed(),
        Request::Shares(shares) => authority.shares(shares).map(|a| a.map(Answer::Shares)).boxed(),
    };
    async move {
        match tokio::time::timeout(patience, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(Unavailable::Unknown(format!("no answer within {patience:?}"))),
        }
    }
    .boxed()
}
