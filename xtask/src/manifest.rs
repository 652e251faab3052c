//! Reads the part of TOML that this workspace's manifests use: tables of `key = value` lines, whose
//! arrays may go on over several lines.

/// One `key = value` of a manifest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The name between the brackets of its table, empty above the first.
    pub(crate) table: String,
    pub(crate) key: String,
    /// As written, without comments.
    pub(crate) value: String,
    /// What stands behind `#` on its own lines, empty if nothing.
    pub(crate) comment: String,
    pub(crate) line: usize,
}

pub(crate) fn entries(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut table = String::new();
    let mut is_open = false;
    for (index, line) in text.lines().enumerate() {
        let (content, comment) = split_comment(line);
        let content = content.trim();
        match entries.last_mut() {
            Some(entry) if is_open => {
                entry.value.push_str(content);
                entry.comment.push_str(comment.trim());
                is_open = has_open_bracket(&entry.value);
                continue;
            }
            _ => {}
        }
        if content.starts_with('[') {
            content.trim_matches(['[', ']']).clone_into(&mut table);
        } else if let Some((key, value)) = content.split_once('=') {
            is_open = has_open_bracket(value);
            entries.push(Entry {
                table: table.clone(),
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
                comment: comment.trim().to_owned(),
                line: index + 1,
            });
        }
    }
    entries
}

/// The value of `key` in `table`, without its quotes.
pub(crate) fn value(text: &str, table: &str, key: &str) -> Option<String> {
    let found = entries(text).into_iter().find(|entry| entry.table == table && entry.key == key)?;
    Some(found.value.trim_matches('"').to_owned())
}

/// The strings between double quotes, such as the members of an array.
pub(crate) fn strings(value: &str) -> impl Iterator<Item = &str> {
    value.split('"').skip(1).step_by(2)
}

/// The line before its `#` and behind it; a `#` in a string is no comment.
fn split_comment(line: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, letter) in line.char_indices() {
        match letter {
            '#' if quote.is_none() => return (&line[..at], &line[at + 1..]),
            '"' | '\'' if quote.is_none() => quote = Some(letter),
            _ if quote == Some(letter) => quote = None,
            _ => {}
        }
    }
    (line, "")
}

fn has_open_bracket(value: &str) -> bool {
    let outside: String = value.split('"').step_by(2).collect();
    outside.matches(['[', '{']).count() > outside.matches([']', '}']).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_knows_its_table_comment_and_line() {
        let text =
            "# top\n[a.b]\nx = \"1#[\" # why\ny = [\n  \"p\", # first\n  \"q\",\n]\nz.w = true\n";
        let found = entries(text);
        let brief: Vec<_> = found
            .iter()
            .map(|e| {
                (e.table.as_str(), e.key.as_str(), e.value.as_str(), e.comment.as_str(), e.line)
            })
            .collect();
        assert_eq!(
            brief,
            [
                ("a.b", "x", "\"1#[\"", "why", 3),
                ("a.b", "y", "[\"p\",\"q\",]", "first", 4),
                ("a.b", "z.w", "true", "", 8),
            ]
        );
        assert_eq!(strings(&found[1].value).collect::<Vec<_>>(), ["p", "q"]);
        assert_eq!(value(text, "a.b", "x").as_deref(), Some("1#["));
    }
}
