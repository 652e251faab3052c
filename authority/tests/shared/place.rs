//! A real sync service on a free port, and programs that connect to it.

use authority::{Authority, Embedded, port, sync};
use score::{Server, Shared};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::runtime::Runtime;
use ucore::{Updatable, encode};

/// A sync service of an authority.
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) addr: SocketAddr,
    pub(crate) authority: Arc<dyn Authority>,
    pub(crate) runtime: Runtime,
    _server: sync::Server,
}

impl Place {
    /// One without a disk.
    pub(crate) fn start() -> Self {
        Self::of(Arc::new(Embedded::in_memory().unwrap()))
    }

    pub(crate) fn of(authority: Arc<dyn Authority>) -> Self {
        let runtime = Runtime::new().unwrap();
        let server = {
            let _inside = runtime.enter();
            let listener = port::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
            sync::serve(listener, Arc::clone(&authority)).unwrap()
        };
        let addr = server.addr();
        Self { url: format!("ws://{addr}"), addr, authority, runtime, _server: server }
    }

    /// A program of its own: a connection, a thread and a copy.
    pub(crate) fn open<T>(&self, group: &str) -> Shared<T>
    where
        T: Updatable + Default + Send + Sync + 'static,
        T::Update: Send + Sync,
    {
        Server::at(&self.url).unwrap().group(group).open().unwrap()
    }
}

/// Waits until all have what any has, and says that their bytes are equal.
pub(crate) fn assert_equal<T>(copies: &[Shared<T>])
where
    T: Updatable + Send + Sync + 'static,
    T::Update: Send + Sync,
{
    let newest = copies.iter().map(|it| it.read().version()).max().unwrap();
    let readings: Vec<_> = copies.iter().map(|it| it.read_at(newest).unwrap()).collect();
    for reading in &readings {
        assert_eq!(reading.version(), newest);
        assert_eq!(encode(&**reading), encode(&*readings[0]), "copies at one version are equal");
    }
}
