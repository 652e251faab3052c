//! A counter that a hundred writers hit, each with a thread and a connection of its own: nobody
//! waits for anybody, and every hit counts once.
//!
//! ```text
//! worldboss authority serve --listen 127.0.0.1:7700 --store memory
//! cargo run --release --example counter
//! ```
#![allow(missing_docs, clippy::print_stdout, reason = "it talks to a person")]
#![allow(clippy::disallowed_methods, reason = "it looks at the clock")]

use score::{Server, Shared};
use std::time::Instant;
use ucore::prelude::*;
use ucore::{Counter, plan};

const WRITERS: u32 = 100;
const HITS: u32 = 10_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:7700".to_owned());
    let open = || -> Result<Shared<Counter>, Box<dyn std::error::Error>> {
        Ok(Server::at(&url)?.group("demo/counter").open()?)
    };
    let before = open()?.read().get();
    let counters = (0..WRITERS).map(|_| open()).collect::<Result<Vec<_>, _>>()?;
    let began = Instant::now();
    std::thread::scope(|scope| {
        for counter in &counters {
            scope.spawn(move || {
                // Hits that wait together travel as one number.
                let hits: Vec<_> =
                    (0..HITS).map(|_| counter.propose(plan::<Counter>().add(1))).collect();
                hits.into_iter().for_each(|hit| hit.wait().expect("it counts"));
            });
        }
    });
    let took = began.elapsed().as_secs_f64();
    let newest = counters.iter().map(|it| it.read().version()).max().unwrap_or_default();
    let sum = counters[0].read_at(newest)?.get() - before;
    println!("{WRITERS} writers x {HITS} hits: {sum} counted, {:.0} a second", sum as f64 / took);
    assert_eq!(sum, i64::from(WRITERS) * i64::from(HITS));
    Ok(())
}
