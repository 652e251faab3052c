//! A program and a page share a list: what either adds, the other shows.
//!
//! ```text
//! cargo play --share demo/list
//! cargo run --example list
//! ```
//! Then open `http://127.0.0.1:7777/list.html`.
#![allow(missing_docs, clippy::print_stdout, reason = "it talks to a person")]

use score::{SVec, Server};
use std::io::BufRead;
use ucore::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:7777".to_owned());
    // Pages can't begin a group: this does, and it keeps the value.
    let list: SVec<String> = Server::at(&url)?.vec("demo/list")?;
    let _watch = list.on_change(|list, _| {
        println!("--");
        list.iter().for_each(|line| println!("{line}"));
    });
    println!("write lines, which the page shows; `-` removes the first one; ctrl-D ends");
    for line in std::io::stdin().lock().lines() {
        match line?.trim() {
            "" => {}
            "-" if list.read().is_empty() => println!("the list is empty"),
            "-" => list.remove(0)?,
            line => list.push(line.to_owned())?,
        }
    }
    Ok(())
}
