//! Reads the JSON that benches leave behind. Numbers are what a plot needs: floats.

/// A value. Members of an object stay in their order.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// Lists and objects inside each other. Deeper: refused.
const DEPTH_MAX: usize = 32;

impl Json {
    /// Reads a whole text.
    ///
    /// # Errors
    /// A sentence that says where it is no JSON.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { rest: text.trim_start() };
        let value = reader.value(0);
        match value {
            Some(value) if reader.rest.is_empty() => Ok(value),
            Some(_) | None => {
                Err(format!("it is no JSON from byte {} on", text.len() - reader.rest.len()))
            }
        }
    }

    /// A member of an object. Null where there is none, so that a path needs no questions.
    pub(super) fn at(&self, key: &str) -> &Self {
        let Self::Object(members) = self else { return &Self::Null };
        members.iter().find(|(name, _)| name == key).map_or(&Self::Null, |(_, value)| value)
    }

    pub(super) fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The values of a list; none where there is no list.
    pub(super) fn list(&self) -> &[Self] {
        if let Self::List(values) = self { values } else { &[] }
    }
}

struct Reader<'a> {
    /// What is not read yet; never begins with white space between two tokens.
    rest: &'a str,
}

impl Reader<'_> {
    /// None where it is no JSON.
    fn value(&mut self, depth: usize) -> Option<Json> {
        if depth > DEPTH_MAX {
            return None;
        }
        match self.rest.chars().next()? {
            '{' => self
                .items('}', |it| {
                    let key = it.string()?;
                    it.token(":")?;
                    Some((key, it.value(depth + 1)?))
                })
                .map(Json::Object),
            '[' => self.items(']', |it| it.value(depth + 1)).map(Json::List),
            '"' => self.string().map(Json::Text),
            'n' => self.token("null").map(|()| Json::Null),
            't' => self.token("true").map(|()| Json::Bool(true)),
            'f' => self.token("false").map(|()| Json::Bool(false)),
            _ => self.number(),
        }
    }

    /// Takes a token and the white space behind it.
    fn token(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(token)?.trim_start();
        Some(())
    }

    /// What stands between brackets, with commas between.
    fn items<T>(
        &mut self,
        end: char,
        mut item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.rest = self.rest[1..].trim_start();
        let (mut items, end) = (Vec::new(), end.to_string());
        if self.token(&end).is_some() {
            return Some(items);
        }
        loop {
            items.push(item(self)?);
            if self.token(&end).is_some() {
                return Some(items);
            }
            self.token(",")?;
        }
    }

    fn number(&mut self) -> Option<Json> {
        let is_part = |it: char| it.is_ascii_digit() || "+-.eE".contains(it);
        let len = self.rest.find(|it| !is_part(it)).unwrap_or(self.rest.len());
        let number = self.rest[..len].parse().ok().filter(|number: &f64| number.is_finite())?;
        self.rest = self.rest[len..].trim_start();
        Some(Json::Number(number))
    }

    fn string(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut chars = self.rest.strip_prefix('"')?.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => text.push(escaped(&mut chars)?),
                plain => text.push(plain),
            }
        }
        self.rest = chars.as_str().trim_start();
        Some(text)
    }
}

/// The character behind a backslash. Halves of a surrogate pair become the mark of what is unknown:
/// our benches write none.
fn escaped(chars: &mut std::str::Chars<'_>) -> Option<char> {
    Some(match chars.next()? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'u' => {
            let digits = chars.as_str().get(..4)?;
            *chars = chars.as_str()[4..].chars();
            let code = u32::from_str_radix(digits, 16).ok()?;
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        same @ ('"' | '\\' | '/') => same,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_with_everything_in_it() {
        let text = r#" {"a": [1, -2.5e1, true, null], "b\n\u00e9": {"c": "d\"e"}, "f": [] } "#;
        let json = Json::parse(text).expect("it is JSON");
        assert_eq!(json.at("a").list()[1].number(), Some(-25.0));
        assert_eq!(json.at("a").list()[2], Json::Bool(true));
        assert_eq!(json.at("b\né").at("c").text(), Some("d\"e"));
        assert_eq!(json.at("f").list(), []);
        assert_eq!(json.at("nowhere").at("deeper"), &Json::Null);
        assert_eq!(json.at("a").text(), None);
    }

    #[test]
    fn what_is_no_json_is_refused_and_says_where() {
        for text in
            ["", "{", "[1,]", "[1 2]", "{\"a\"}", "\"", "\"\\x\"", "\"\\u12\"", "nul", "1e999"]
        {
            assert!(Json::parse(text).is_err(), "{text}");
        }
        let failure = Json::parse("[1] x").expect_err("something follows");
        assert_eq!(failure, "it is no JSON from byte 4 on");
        assert!(Json::parse(&"[".repeat(100_000)).is_err());
    }
}
