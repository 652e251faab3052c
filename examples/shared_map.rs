//! Two programs share an `SMap<i32, UVec<String>>`: run this twice, with two names.
//!
//! ```text
//! worldboss authority serve --listen 127.0.0.1:7700 --store memory
//! cargo run --example shared_map ada
//! cargo run --example shared_map bob
//! ```
#![allow(missing_docs, clippy::print_stdout, reason = "it talks to a person")]

use score::{SMap, Server};
use std::io::BufRead;
use ucore::UVec;
use ucore::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "somebody".to_owned());
    let url = std::env::args().nth(2).unwrap_or_else(|| "ws://127.0.0.1:7700".to_owned());
    let notes: SMap<i32, UVec<String>> = Server::at(&url)?.map("demo/notes")?;

    // The other one's changes come by themselves.
    let _watch = notes.on_change(|notes, _| {
        for (page, lines) in notes.iter() {
            println!("page {page}: {}", lines.join(" | "));
        }
    });

    println!("{name}: write a page's number and a line, such as `1 hello`; ctrl-D ends");
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words = line.split_once(' ');
        let Some((page, text)) = words.and_then(|(page, text)| Some((page.parse().ok()?, text)))
        else {
            println!("a page's number and a line, such as `1 hello`");
            continue;
        };
        let text = format!("{name}: {text}");
        // Whoever is first begins the page; the closure runs again if the other one was faster.
        notes.transact(move |notes| {
            if notes.get(&page).is_none() {
                notes.insert(page, UVec::default())?;
            }
            notes.at(page).push(text.clone())?;
            Ok(())
        })?;
    }
    Ok(())
}
