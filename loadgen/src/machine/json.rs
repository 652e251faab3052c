//! The JSON of a report: a line for each field, and one for each second or bucket list in it.

use super::Report;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::io::{Result, Write};

/// Values that are nested deeper stand on one line.
const LINES_DEPTH: usize = 2;

impl Report {
    /// The JSON, for people and for line tools.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = Vec::new();
        let mut serializer = Serializer::with_formatter(&mut json, Lines::default());
        self.serialize(&mut serializer).expect("the fields of a report have JSON forms");
        String::from_utf8(json).expect("JSON is UTF-8")
    }

    pub(super) fn to_value(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("the fields of a report have JSON forms")
    }
}

#[derive(Debug, Default)]
struct Lines {
    depth: usize,
    /// Whether the value that ends has anything in it.
    is_filled: bool,
}

impl Lines {
    fn begin<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> Result<()> {
        self.depth += 1;
        self.is_filled = false;
        out.write_all(bracket)
    }

    fn item<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> Result<()> {
        if !first {
            out.write_all(if self.depth > LINES_DEPTH { b", " } else { b"," })?;
        }
        self.line(out)
    }

    fn end<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> Result<()> {
        let is_on_lines = self.is_filled && self.depth <= LINES_DEPTH;
        self.depth -= 1;
        if is_on_lines {
            out.write_all(b"\n")?;
            (0..self.depth).try_for_each(|_| out.write_all(b"  "))?;
        }
        out.write_all(bracket)
    }

    fn line<W: ?Sized + Write>(&self, out: &mut W) -> Result<()> {
        if self.depth > LINES_DEPTH {
            return Ok(());
        }
        out.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| out.write_all(b"  "))
    }
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        self.begin(out, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        self.end(out, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> Result<()> {
        self.item(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> Result<()> {
        self.is_filled = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        self.begin(out, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        self.end(out, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> Result<()> {
        self.item(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        out.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> Result<()> {
        self.is_filled = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::example::example;

    #[test]
    fn the_json_reads_back_as_the_same_report() {
        for report in [Report { ledger_version: Some(u64::MAX), ..example() }, Report::default()] {
            assert!(serde_json::from_str::<Report>(&report.to_json()).unwrap() == report);
        }
    }

    #[test]
    fn every_second_and_every_histogram_is_one_line() {
        let json = example().to_json();
        let seconds = json.lines().filter(|line| line.starts_with("    {\"at_s\": "));
        assert_eq!(seconds.count(), example().series.len());
        let line = json.lines().find(|line| line.starts_with("    \"ack_ms\": [[")).unwrap();
        assert!(line.ends_with("]],"), "{line}");
        assert!(json.contains("\n  \"unfair\": [],\n") && json.ends_with("\n}"), "{json}");
    }
}
