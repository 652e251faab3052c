//! What anybody may read of a boss by HTTP: its books, leaderboard and fame, folded from the log.

mod page;

use crate::client::Authority;
use crate::driver::{Follower, FollowerError};
use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use page::Page;
use protocol::limits::BOOKS_MAX;
use protocol::{BossId, Micros, PlayerId, Snapshot, Unavailable};
use score::Clock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use ucore::{Chain, Version};

/// The books of an authority's bosses, for everybody who asks.
#[derive(Debug)]
pub struct Books {
    authority: Arc<dyn Authority>,
    /// Whose books they are if nobody is named.
    boss: Option<BossId>,
    clock: Clock,
    /// Folds of the bosses that were asked for, the newest question last. At most [`BOOKS_MAX`].
    shelf: Mutex<Vec<(BossId, Arc<tokio::sync::Mutex<Book>>)>>,
}

/// The fold of one boss's log, and pages made of it.
#[derive(Debug)]
struct Book {
    follower: Follower,
    read_at: Option<Micros>,
    /// The pages that are for everybody, and the position that they show.
    pages: BTreeMap<Page, ((Version, Chain), Bytes)>,
}

/// A log is read this often at most, so that asking is no load.
const FRESH: Micros = Micros::from_millis(100);

/// Why there is no page.
#[derive(Debug)]
enum NoPage {
    /// The question is none.
    Mistaken(String),
    /// There is no such boss or player.
    Missing(String),
    /// The authority can't be asked now.
    Unavailable(String),
}

impl Books {
    /// The books of all bosses of an authority; of `boss`, or of its only one, if nobody is named.
    #[must_use]
    pub fn new(authority: Arc<dyn Authority>, boss: Option<BossId>, clock: Clock) -> Self {
        Self { authority, boss, clock, shelf: Mutex::default() }
    }

    /// The routes below `/api/`.
    pub fn routes(self) -> Router {
        Router::new()
            .route("/api/ledger", get(|books, query| answer(books, query, Ok(Page::Ledger))))
            .route(
                "/api/leaderboard",
                get(|books, query| answer(books, query, Ok(Page::Leaderboard))),
            )
            .route("/api/hall", get(|books, query| answer(books, query, Ok(Page::Hall))))
            .route("/api/players/{id}", get(player))
            .with_state(Arc::new(self))
    }

    async fn page(&self, boss: Option<BossId>, page: Page) -> Result<Bytes, NoPage> {
        let boss = match boss.or(self.boss) {
            Some(boss) => boss,
            None => self.only_boss().await?,
        };
        let book = self.take_down(boss).await?;
        let mut book = book.lock().await;
        let value = book.read(self.clock.now()).await?;
        let position = (value.version, value.chain);
        if let Some((made_at, rendered)) = book.pages.get(&page)
            && *made_at == position
        {
            return Ok(rendered.clone());
        }
        // A page may tell of a million players, which must not hold up a runtime's worker.
        let rendering = tokio::task::spawn_blocking(move || page.render(boss, &value));
        let rendered = rendering.await.map_err(|_| FollowerError::Interrupted)?;
        let rendered = rendered.map_err(NoPage::Missing)?;
        if page.is_for_all() {
            book.pages.insert(page, (position, rendered.clone()));
        }
        Ok(rendered)
    }

    /// The book of a boss that exists; one that nobody has asked for lately begins anew.
    async fn take_down(&self, boss: BossId) -> Result<Arc<tokio::sync::Mutex<Book>>, NoPage> {
        let known = |books: &Self| {
            let mut shelf = books.shelf.lock().unwrap_or_else(PoisonError::into_inner);
            let idx = shelf.iter().position(|(id, _)| *id == boss)?;
            let found = shelf.remove(idx);
            let book = Arc::clone(&found.1);
            shelf.push(found);
            Some(book)
        };
        if let Some(book) = known(self) {
            return Ok(book);
        }
        // Whoever names bosses that are none does not empty the shelf.
        self.authority.truth(boss).await.map_err(FollowerError::Unavailable)?;
        if let Some(book) = known(self) {
            return Ok(book);
        }
        let follower = Follower::new(Arc::clone(&self.authority), boss);
        let book = Book { follower, read_at: None, pages: BTreeMap::new() };
        let book = Arc::new(tokio::sync::Mutex::new(book));
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.push((boss, Arc::clone(&book)));
        if shelf.len() > BOOKS_MAX {
            shelf.remove(0);
        }
        Ok(book)
    }

    async fn only_boss(&self) -> Result<BossId, NoPage> {
        let bosses = self.authority.bosses().await.map_err(FollowerError::Unavailable)?;
        match bosses[..] {
            [boss] => Ok(boss),
            [] => Err(NoPage::Missing("this authority has no boss yet; spawn one".to_owned())),
            [first, ..] => {
                let why =
                    format!("this authority has several bosses; add ?boss={first} or another");
                Err(NoPage::Mistaken(why))
            }
        }
    }
}

impl Book {
    /// The boss at the end of the log, or where it was a moment ago.
    async fn read(&mut self, now: Micros) -> Result<Arc<Snapshot>, FollowerError> {
        if self.read_at.is_some_and(|read_at| now.since(read_at) < FRESH) {
            return Ok(self.follower.value());
        }
        self.read_at = None;
        let value = self.follower.catch_up().await?;
        self.read_at = Some(now);
        Ok(value)
    }
}

async fn player(books: State<Arc<Books>>, Path(id): Path<String>, query: RawQuery) -> Response {
    let page = match id.parse().ok().filter(|id| *id <= ucore::INT_MAX) {
        Some(id) => Ok(Page::Player(PlayerId(id))),
        None => Err(NoPage::Mistaken(format!("`{id}` is no player's number"))),
    };
    answer(books, query, page).await
}

async fn answer(
    State(books): State<Arc<Books>>,
    RawQuery(query): RawQuery,
    page: Result<Page, NoPage>,
) -> Response {
    // A reader that leaves in the middle must not cost the next one what was folded.
    let rendering = tokio::spawn(async move { books.page(named(query.as_deref())?, page?).await });
    match rendering.await.unwrap_or_else(|_| Err(FollowerError::Interrupted.into())) {
        Ok(page) => ([(header::CONTENT_TYPE, "application/json")], page).into_response(),
        Err(why) => why.into_response(),
    }
}

/// The boss that `?boss=N` names.
fn named(query: Option<&str>) -> Result<Option<BossId>, NoPage> {
    let mut pairs = query.unwrap_or_default().split('&');
    let Some(boss) = pairs.find_map(|pair| pair.strip_prefix("boss=")) else { return Ok(None) };
    match boss.parse() {
        Ok(boss) => Ok(Some(BossId(boss))),
        Err(_) => Err(NoPage::Mistaken(format!("`{boss}` is no boss's number"))),
    }
}

impl From<FollowerError> for NoPage {
    fn from(error: FollowerError) -> Self {
        match &error {
            FollowerError::Unavailable(Unavailable::NoBoss(_)) => Self::Missing(error.to_string()),
            FollowerError::Unavailable(_)
            | FollowerError::Follow(_)
            | FollowerError::RolledBack
            | FollowerError::Interrupted => Self::Unavailable(error.to_string()),
        }
    }
}

impl IntoResponse for NoPage {
    fn into_response(self) -> Response {
        let (status, why) = match self {
            Self::Mistaken(why) => (StatusCode::BAD_REQUEST, why),
            Self::Missing(why) => (StatusCode::NOT_FOUND, why),
            Self::Unavailable(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
        };
        (status, format!("{why}\n")).into_response()
    }
}
