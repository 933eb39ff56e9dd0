//! Rust source as tokens: enough of the language to tell code from comments and strings.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    Mark,
    Text,
    Comment,
    /// A character, a number or a lifetime: nothing that a check looks into.
    Other,
}

/// A token: what it is, its text with quotes and slashes, and the line where it begins, from 1.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) line: usize,
}

impl Token {
    /// Whether it is this word or mark.
    pub(crate) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Mark) && self.text == text
    }

    /// The number of its last line.
    pub(crate) fn last_line(&self) -> usize {
        self.line + self.text.matches('\n').count()
    }
}

/// Splits source into tokens. `::` is one mark; every other mark is one character.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let (mut found, mut rest, mut line) = (Vec::new(), source, 1);
    while let Some(first) = rest.chars().next() {
        let (kind, length) = next(rest, first);
        let text = &rest[..length];
        if let Some(kind) = kind {
            found.push(Token { kind, text: text.to_owned(), line });
        }
        line += text.matches('\n').count();
        rest = &rest[length..];
    }
    found
}

/// Finds the kind and the length of the token that begins here; white space has no kind.
fn next(rest: &str, first: char) -> (Option<Kind>, usize) {
    if rest.starts_with("//") {
        return (Some(Kind::Comment), rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Some(Kind::Comment), rest.find("*/").map_or(rest.len(), |end| end + 2));
    }
    if let Some(length) = text_length(rest) {
        return (Some(Kind::Text), length);
    }
    if first == '\'' {
        return (Some(Kind::Other), quote_length(rest));
    }
    if first.is_alphanumeric() || first == '_' {
        let kind = if first.is_ascii_digit() { Kind::Other } else { Kind::Word };
        return (Some(kind), rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()));
    }
    match first {
        _ if first.is_whitespace() => (None, first.len_utf8()),
        _ if rest.starts_with("::") => (Some(Kind::Mark), 2),
        _ => (Some(Kind::Mark), first.len_utf8()),
    }
}

/// The length of the string that begins here, if one does; raw strings and byte strings are
/// strings.
fn text_length(rest: &str) -> Option<usize> {
    let prefix = ["br", "b", "r", "c", ""].into_iter().find(|prefix| {
        rest.strip_prefix(prefix).is_some_and(|rest| rest.trim_start_matches('#').starts_with('"'))
    })?;
    let hashes = rest[prefix.len()..].find('"').expect("the prefix is followed by a quote");
    let body = prefix.len() + hashes + 1;
    if prefix.ends_with('r') {
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(rest[body..].find(&end).map_or(rest.len(), |at| body + at + end.len()));
    }
    if hashes > 0 {
        return None;
    }
    let mut escaped = false;
    for (at, c) in rest[body..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(body + at + 1),
            _ => {}
        }
    }
    Some(rest.len())
}

/// The length of the character or the lifetime that begins here with a quote.
fn quote_length(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    let (Some((_, first)), Some((at, second))) = (chars.next(), chars.next()) else { return rest.len() };
    if first == '\\' {
        // What follows the backslash may be a quote itself.
        let after = at + second.len_utf8();
        return rest[after..].find('\'').map_or(rest.len(), |end| after + end + 1);
    }
    if second == '\'' {
        return at + 1;
    }
    rest[1..].find(|c: char| !c.is_alphanumeric() && c != '_').map_or(rest.len(), |end| end + 1)
}

/// The code alone, without comments and without what only tests see.
pub(crate) fn code(all: &[Token]) -> Vec<Token> {
    let all: Vec<&Token> = all.iter().filter(|token| token.kind != Kind::Comment).collect();
    let (mut code, mut at) = (Vec::new(), 0);
    while at < all.len() {
        if starts_with(&all[at..], &["#", "[", "cfg", "(", "test", ")", "]"]) {
            at = end_of_item(&all, at + 7);
        } else {
            code.push(all[at].clone());
            at += 1;
        }
    }
    code
}

fn starts_with(tokens: &[&Token], texts: &[&str]) -> bool {
    tokens.len() >= texts.len() && tokens.iter().zip(texts).all(|(token, text)| token.is(text))
}

/// The place behind an item: behind its `;`, or behind the braces of its body.
fn end_of_item(tokens: &[&Token], start: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        let opens = ["(", "[", "{"].iter().any(|mark| token.is(mark));
        let closes = [")", "]", "}"].iter().any(|mark| token.is(mark));
        depth += i32::from(opens) - i32::from(closes);
        if depth == 0 && (token.is(";") || token.is("}")) {
            return at + 1;
        }
    }
    tokens.len()
}

#[test]
fn code_is_told_from_comments_strings_and_tests() {
    let text = "fn f<'a>(x: &'a str) { // one \"\n let c = '\\''; g(r#\"a \" b\"#, \"\\\"\", '\"'); }\n\
                #[cfg(test)]\nmod tests { fn h() {} }\nstruct A;";
    let all = tokens(text);
    let of_kind = |kind| -> Vec<&str> {
        all.iter().filter(|token| token.kind == kind).map(|token| token.text.as_str()).collect()
    };
    assert_eq!(of_kind(Kind::Comment), ["// one \""]);
    assert_eq!(of_kind(Kind::Text), ["r#\"a \" b\"#", "\"\\\"\""]);
    assert_eq!(of_kind(Kind::Other), ["'a", "'a", "'\\''", "'\"'"]);
    let words = code(&all).into_iter().filter(|token| token.kind == Kind::Word);
    let words: Vec<_> = words.map(|token| (token.text, token.line)).collect();
    assert_eq!(words.last(), Some(&("A".to_owned(), 5)));
    assert!(words.iter().all(|(word, _)| word != "h"));
}
