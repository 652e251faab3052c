//! The remote authority over real sockets.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

use authority::{Authority, Embedded, Remote, port, sync};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

#[tokio::test]
async fn it_lists_bosses() {
    let dir = tempfile::tempdir().unwrap();
    let embedded = Arc::new(Embedded::open(dir.path()).unwrap());
    let listener = port::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let server = sync::serve(listener, embedded).unwrap();
    let remote = Remote::new(&format!("ws://{}", server.addr())).unwrap();
    assert_eq!(remote.bosses().await.unwrap(), []);
    server.stop().await;
    println!("{:?}", remote.bosses().await);
    println!("{:?}", remote.bosses().await);
}
