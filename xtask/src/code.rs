//! Reads Rust text just well enough for the checks: what is code, and which names it mentions.

/// The text with every comment, string and character literal replaced by spaces. Line breaks stay,
/// so a byte's line is the same in both.
pub(crate) fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        let silent = match bytes[at] {
            b'/' => comment_len(&text[at..]),
            b'"' => string_len(text, at),
            b'\'' => char_len(&text[at..]),
            _ => 0,
        };
        if silent == 0 {
            code.push(letter);
            at += letter.len_utf8();
        } else {
            let blank = |byte: &u8| if *byte == b'\n' { '\n' } else { ' ' };
            code.extend(bytes[at..at + silent].iter().map(blank));
            at += silent;
        }
    }
    code
}

/// Where `word` stands in the code and is not a part of a longer name.
pub(crate) fn word_offsets<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let starts_as_name = word.starts_with(is_name);
    let ends_as_name = word.ends_with(is_name);
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = starts_as_name && code[..*at].ends_with(is_name);
        let after = ends_as_name && code[at + word.len()..].starts_with(is_name);
        !before && !after
    })
}

/// Where the code names `head::member`, spelled out or in a group: `head::{other, member}`.
pub(crate) fn path_offsets(code: &str, head: &str, member: &str) -> Vec<usize> {
    let names_member = |at: &usize| {
        let Some(rest) = code[at + head.len()..].trim_start().strip_prefix("::") else {
            return false;
        };
        match rest.trim_start().strip_prefix('{') {
            Some(group) => group_heads(group).contains(&member),
            None => first_name(rest) == member,
        }
    };
    word_offsets(code, head).filter(names_member).collect()
}

/// The line, counted from 1, of a byte.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

/// The name that a text starts with, empty if none.
pub(crate) fn first_name(text: &str) -> &str {
    let text = text.trim_start();
    text.split(|letter| !is_name(letter)).next().unwrap_or_default()
}

pub(crate) fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The first name of each item of a `use` group whose opening brace is already read.
fn group_heads(group: &str) -> Vec<&str> {
    let mut heads = vec![first_name(group)];
    let mut depth = 0;
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(first_name(&group[at + 1..])),
            _ => {}
        }
    }
    heads
}

/// The length of the comment that the text starts with, 0 if none. Block comments nest.
fn comment_len(text: &str) -> usize {
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if !text.starts_with("/*") {
        return 0;
    }
    let mut depth = 1;
    let mut at = 2;
    while depth > 0 {
        let Some(found) = text[at..].find(['/', '*']) else {
            return text.len();
        };
        at += found;
        let step = match text.get(at..at + 2) {
            Some("/*") => (1, 2),
            Some("*/") => (-1, 2),
            _ => (0, 1),
        };
        depth += step.0;
        at += step.1;
    }
    at
}

/// The length of the string literal that opens at `at`, from its first quote to its last.
/// Whether it is raw is told by the `r##` before it.
fn string_len(text: &str, at: usize) -> usize {
    let before = text[..at].trim_end_matches('#');
    let prefix = before.rsplit(|letter| !is_name(letter)).next().unwrap_or_default();
    let body = &text[at + 1..];
    if matches!(prefix, "r" | "br" | "cr") {
        let end = format!("\"{}", "#".repeat(at - before.len()));
        return body.find(&end).map_or(text.len() - at, |found| 1 + found + end.len());
    }
    let mut escaped = false;
    for (offset, letter) in body.char_indices() {
        match letter {
            '"' if !escaped => return offset + 2,
            _ => escaped = letter == '\\' && !escaped,
        }
    }
    text.len() - at
}

/// The length of the character literal that the text starts with, 0 if its quote is a lifetime's.
fn char_len(text: &str) -> usize {
    let mut letters = text[1..].chars();
    match letters.next() {
        Some('\\') => text[1..]
            .char_indices()
            .skip(2)
            .find(|(_, letter)| *letter == '\'')
            .map_or(0, |(at, _)| at + 2),
        Some(letter) if letters.next() == Some('\'') => letter.len_utf8() + 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_no_code() {
        for silent in [
            "// tokio",
            "/// tokio",
            "/* a /* tokio */ tokio */",
            r#""tokio""#,
            r#""\"tokio""#,
            r##"br#"a "tokio" b"#"##,
            "\"two\ntokio\"",
            "\"http://tokio\"",
            "/* tokio",
        ] {
            let code = code_only(&format!("{silent}\n"));
            assert!(!code.contains("tokio"), "{silent} leaves {code}");
        }
    }

    #[test]
    fn code_after_a_literal_is_still_code() {
        for (text, lines) in [
            ("let a = '\"'; tokio", 1),
            ("let a = '\\''; tokio", 1),
            ("let a = '\\u{1F600}'; tokio", 1),
            ("let a = 'é'; tokio", 1),
            ("fn f<'a>(x: &'a str) { tokio }", 1),
            ("\"\\\\\"; tokio", 1),
            ("r\"\\\"; tokio", 1),
            ("let r = 1 / 2; tokio", 1),
            ("/* ü */ tokio", 1),
            ("// one\n/* two\n three */ tokio", 3),
        ] {
            let code = code_only(text);
            let at = word_offsets(&code, "tokio").next().expect(text);
            assert_eq!(line_of(&code, at), lines, "{text}");
        }
    }

    #[test]
    fn a_word_is_not_a_part_of_a_longer_one() {
        assert_eq!(
            word_offsets("Instantly MyInstant Instant", "Instant").collect::<Vec<_>>(),
            [20]
        );
    }

    #[test]
    fn a_path_is_found_in_every_spelling() {
        for named in ["std::fs", "use std::{net, fs};", "std :: { io::{self, fs2}, fs::File }"] {
            assert_eq!(path_offsets(named, "std", "fs").len(), 1, "{named}");
        }
        for other in ["std::fsync", "mystd::fs", "use std::{io::{fs}};", "use std::{io}; use fs;"] {
            assert_eq!(path_offsets(other, "std", "fs").len(), 0, "{other}");
        }
    }
}
