//! What the readers of TOML, JSON and CSV say, in the words of a user.

/// Puts a message of a reader in plain words: without the names of types of the program.
pub(crate) fn in_plain_words(message: &str) -> String {
    let (what, place) = match message.rfind(" at line ") {
        Some(at) => message.split_at(at),
        None => (message, ""),
    };
    let what = what_is_wrong(what.trim());
    if place.is_empty() { what } else { format!("{what} ({})", place.trim_start()) }
}

fn what_is_wrong(what: &str) -> String {
    let wrong = what.strip_prefix("invalid type: ").or_else(|| what.strip_prefix("invalid value: "));
    if let Some((found, expected)) = wrong.and_then(|wrong| wrong.split_once(", expected ")) {
        return format!("{} stands where {} belongs", found_in_words(found), expected_in_words(expected));
    }
    if let Some(key) = what.strip_prefix("missing field ") {
        return format!("the key {key} is missing");
    }
    if let Some(key) = what.strip_prefix("duplicate field ") {
        return format!("the key {key} stands there twice");
    }
    for (prefix, kind) in [("unknown field ", "key"), ("unknown variant ", "value")] {
        if let Some((found, known)) = what.strip_prefix(prefix).and_then(|rest| rest.split_once(", ")) {
            let known = known.trim_start_matches("expected ").trim_start_matches("one of ");
            return format!("{found} is not a {kind} here; known: {known}");
        }
    }
    if let Some((_, plain)) = STANDARD.iter().find(|(begins, _)| what.starts_with(begins)) {
        return (*plain).to_owned();
    }
    match what.split_once(", expected ") {
        Some((what, right)) => format!("{what}; {right} belongs there"),
        None => what.to_owned(),
    }
}

/// How messages begin that say too much of the program, and what they come to.
const STANDARD: [(&str, &str); 19] = [
    ("invalid key-value pair, expected key", "has a value without a key"),
    ("string values must be quoted", "has no value, or a text without quotes"),
    ("invalid basic string", "has a text that never ends; close it with `\"`"),
    ("key with no value", "has a key without a value; write KEY = VALUE"),
    ("duplicate key", "gives a key twice; keep one"),
    ("floating-point number overflowed", "has too large a number"),
    ("invalid length ", "has a list where a table belongs"),
    ("EOF while parsing", "ends early: was it cut off?"),
    ("expected value", "is not JSON"),
    ("expected ident", "is not JSON"),
    ("key must be a string", "has a key without quotes"),
    ("trailing characters", "goes on after its end"),
    ("data did not match any variant", "has a value of another kind than belongs here"),
    ("invalid digit found in string", "is not a whole number"),
    ("cannot parse integer from empty string", "is empty, and a whole number belongs there"),
    ("number too large to fit", "is too large a number"),
    ("invalid float literal", "is not a number"),
    ("provided string was not `true` or `false`", "is neither true nor false"),
    ("expected field, but got end of row", "has too few values"),
];

/// Returns what was found, in words.
fn found_in_words(found: &str) -> String {
    for number in ["integer ", "floating point ", "boolean ", "character "] {
        if let Some(value) = found.strip_prefix(number) {
            return value.to_owned();
        }
    }
    match found {
        "map" => "a table".to_owned(),
        "sequence" => "a list".to_owned(),
        "null" | "unit value" | "Option value" => "no value".to_owned(),
        other => {
            other.strip_prefix("string ").map_or_else(|| other.to_owned(), |text| format!("the text {text}"))
        }
    }
}

/// Returns what belongs there, in words.
fn expected_in_words(expected: &str) -> String {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "string" | "a string" | "str" => "a text".to_owned(),
        "bool" | "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a table".to_owned(),
        other if other.starts_with("struct ") => "a table".to_owned(),
        other if other.contains("variant") => "a word".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_of_the_program_is_left() {
        for (message, plain) in [
            (
                "invalid type: floating point `1.5`, expected u64",
                "`1.5` stands where a whole number from 0 belongs",
            ),
            ("invalid type: string \"x\", expected f64", "the text \"x\" stands where a number belongs"),
            ("invalid type: sequence, expected struct Group", "a list stands where a table belongs"),
            (
                "invalid type: null, expected f64 at line 3 column 9",
                "no value stands where a number belongs (at line 3 column 9)",
            ),
            ("missing field `nodes`", "the key `nodes` is missing"),
            ("unknown field `a`, expected `b` or `c`", "`a` is not a key here; known: `b` or `c`"),
            ("unknown variant `a`, expected one of `b`, `c`", "`a` is not a value here; known: `b`, `c`"),
            ("duplicate field `a`", "the key `a` stands there twice"),
            (
                "EOF while parsing an object at line 1 column 3",
                "ends early: was it cut off? (at line 1 column 3)",
            ),
            ("invalid digit found in string", "is not a whole number"),
            ("invalid table header", "invalid table header"),
        ] {
            assert_eq!(in_plain_words(message), plain);
        }
    }
}
