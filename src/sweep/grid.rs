//! A grid as its file states it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::experiment::did_you_mean;

use super::problem::{GridErrors, Reading};
use super::words::Parser;

/// The settings of many runs: axes whose product is taken, in blocks that follow each other.
///
/// The keys are the long options of `run`; each has a value or a list of values. A table under
/// `set` has an axis for each option of a policy. Keys at the top hold for every `[[grid]]` block,
/// which may say otherwise; without a block they are the grid. `[[exclude]]` leaves out the points
/// that it describes.
#[derive(Clone, Debug)]
pub struct Grid {
    pub(super) name: String,
    pub(super) base: PathBuf,
    pub(super) blocks: Vec<Block>,
    pub(super) exclude: Vec<Block>,
}

/// Axes, the outermost first: the last one changes from point to point.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    /// Where it begins, for messages.
    pub(super) place: String,
    pub(super) axes: Vec<Axis>,
}

/// What is said of one key.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// The option's name; `set.lease` for an option of a policy.
    pub(super) key: String,
    pub(super) values: Vec<Value>,
}

/// One of the values that are tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    /// As the file says it.
    pub(super) text: String,
    /// As the command line says it: `--slot=60`.
    pub(super) words: Vec<String>,
}

impl Block {
    /// This block where `other` says nothing.
    fn with(&self, other: Block) -> Block {
        let mut all = Block { place: other.place, axes: self.axes.clone() };
        for axis in other.axes {
            match all.axes.iter_mut().find(|old| old.key == axis.key) {
                Some(old) => *old = axis,
                None => all.axes.push(axis),
            }
        }
        all
    }
}

impl Grid {
    /// Reads a file; the paths in it start at its folder.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or as [`Grid::parse`].
    pub fn read(path: &Path) -> Result<Grid> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).with_context(|| format!("{name}: cannot be read"))?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| anyhow!("{name}: is not UTF-8 text; save it as UTF-8"))?;
        Ok(Grid::parse(&name, text, path.parent().unwrap_or(Path::new("")))?)
    }

    /// The grid that a text states. `name` is what messages call it; the paths in it start at
    /// `base`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong: text that is not TOML, keys that are no options of `run`, values
    /// that these do not take, lists without a value or with the same one twice.
    pub fn parse(name: &str, text: &str, base: &Path) -> Result<Grid, GridErrors> {
        let mut walk = Walk { reading: Reading::new(text), parser: Parser::new() };
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let at = error.span().map_or(0, |span| span.start);
            walk.reading.wrong(at, format!("is not TOML: {}", error.message()));
        }
        let (mut top, mut blocks, mut exclude) = (Block::default(), Vec::new(), Vec::new());
        if errors.is_empty() {
            for (key, value) in in_order(document.get_ref()) {
                match key.get_ref().as_ref() {
                    "grid" => blocks = walk.blocks(key, value),
                    "exclude" => exclude = walk.blocks(key, value),
                    _ => walk.axis(key, value, &["grid", "exclude"], &mut top),
                }
            }
        }
        let blocks = match blocks.is_empty() {
            true => vec![top],
            false => blocks.into_iter().map(|block| top.with(block)).collect(),
        };
        walk.reading.or(name, Grid { name: name.to_owned(), base: base.to_owned(), blocks, exclude })
    }
}

type Key<'a> = Spanned<Cow<'a, str>>;
type Content<'a> = Spanned<DeValue<'a>>;

/// The entries of a table in the order of the text.
fn in_order<'t, 'a>(table: &'t DeTable<'a>) -> Vec<(&'t Key<'a>, &'t Content<'a>)> {
    let mut all: Vec<_> = table.iter().collect();
    all.sort_by_key(|(key, _)| key.span().start);
    all
}

struct Walk<'a> {
    reading: Reading<'a>,
    parser: Parser,
}

impl Walk<'_> {
    fn blocks(&mut self, key: &Key<'_>, value: &Content<'_>) -> Vec<Block> {
        let name = key.get_ref();
        let wrong = format!("`{name}` is no list of tables; begin every one with [[{name}]]");
        let Some(all) = value.get_ref().as_array() else {
            self.reading.wrong(key.span().start, wrong);
            return Vec::new();
        };
        let mut blocks = Vec::new();
        for entry in all {
            let start = entry.span().start;
            let Some(table) = entry.get_ref().as_table() else {
                self.reading.wrong(start, wrong.clone());
                continue;
            };
            if table.is_empty() && name == "exclude" {
                let text = "this [[exclude]] is empty and would leave out every point; say which";
                self.reading.wrong(start, text);
            }
            let mut block = Block { place: self.reading.place(start), axes: Vec::new() };
            in_order(table).into_iter().for_each(|(key, value)| self.axis(key, value, &[], &mut block));
            blocks.push(block);
        }
        blocks
    }

    /// Adds what is said of one key. `others` are keys that are no options, for the suggestion.
    fn axis(&mut self, key: &Key<'_>, value: &Content<'_>, others: &[&str], to: &mut Block) {
        let (name, at) = (key.get_ref().as_ref(), key.span().start);
        let known = self.parser.keys();
        if !known.contains(&name) {
            let hint = did_you_mean(name, known.iter().chain(others).copied());
            let text =
                format!("unknown key `{name}`; keys are the options of `run`: {}{hint}", known.join(", "));
            return self.reading.wrong(at, text);
        }
        if name == "set" && value.get_ref().is_table() {
            return self.options("", value, to);
        }
        let values = self.list(name, value, |walk, item| walk.value(name, item));
        to.axes.push(Axis { key: name.to_owned(), values });
    }

    /// The table under `set`: options of policies, below a policy's name if they are for that one
    /// alone.
    fn options(&mut self, prefix: &str, value: &Content<'_>, to: &mut Block) {
        let Some(table) = value.get_ref().as_table() else { return };
        for (key, value) in in_order(table) {
            let name = format!("{prefix}{}", key.get_ref());
            if value.get_ref().is_table() {
                self.options(&format!("{name}."), value, to);
                continue;
            }
            let values = self.list(&name, value, |walk, item| {
                // A list in a list is one value that is a list.
                let text = match item.get_ref().is_array() {
                    true => walk.reading.at(item.span()).to_owned(),
                    false => walk.scalar(&name, item)?,
                };
                Some(Value { words: vec![format!("--set={name}={text}")], text })
            });
            to.axes.push(Axis { key: format!("set.{name}"), values });
        }
    }

    /// One value, or each of a list.
    fn list(
        &mut self,
        name: &str,
        value: &Content<'_>,
        mut item: impl FnMut(&mut Self, &Content<'_>) -> Option<Value>,
    ) -> Vec<Value> {
        let Some(all) = value.get_ref().as_array() else {
            return item(self, value).into_iter().collect();
        };
        if all.is_empty() {
            let text = format!("{name}: an empty list leaves no point; give at least one value");
            self.reading.wrong(value.span().start, text);
        }
        let mut values: Vec<Value> = Vec::new();
        for content in all {
            let Some(value) = item(self, content) else { continue };
            if values.contains(&value) {
                let text = format!("{name}: `{}` is in the list twice; keep one", value.text);
                self.reading.wrong(content.span().start, text);
            }
            values.push(value);
        }
        values
    }

    fn value(&mut self, name: &str, item: &Content<'_>) -> Option<Value> {
        // Several options that go together.
        if name == "set"
            && let Some(parts) = item.get_ref().as_array()
        {
            let texts: Vec<_> = parts.iter().filter_map(|part| self.scalar(name, part)).collect();
            let words = texts.iter().map(|text| format!("--set={text}")).collect();
            return Some(Value { text: texts.join(" "), words });
        }
        let text = self.scalar(name, item)?;
        if let Err(why) = self.parser.value(name, &text) {
            self.reading.wrong(item.span().start, format!("{name}: {why}"));
            return None;
        }
        Some(Value { words: vec![format!("--{name}={text}")], text })
    }

    fn scalar(&mut self, name: &str, item: &Content<'_>) -> Option<String> {
        match item.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
            DeValue::Float(number) => Some(number.as_str().to_owned()),
            DeValue::Boolean(truth) => Some(truth.to_string()),
            _ => {
                let found = self.reading.at(item.span());
                let text = format!("{name}: `{found}` is neither a text nor a number in decimals");
                self.reading.wrong(item.span().start, text);
                None
            }
        }
    }
}
