//! A grid as its file states it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, anyhow};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::experiment::{OptionSetting, did_you_mean};
use crate::scheduler::PolicyOptions;
use crate::trace::plain::in_plain_words;
use crate::trace::{InputErrors, file};

use super::keys::{KeyParser, KeyValue, SET};
use super::problem::{GridErrors, Reading};

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

/// The values that are tried of one key.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// The option's name; `set.lease` for an option of a policy.
    pub(super) key: String,
    /// The name of the scheduler that the option is for, if it is for one alone.
    pub(super) only: Option<&'static str>,
    pub(super) values: Vec<AxisValue>,
}

/// One of the values that are tried.
#[derive(Clone, Debug)]
pub(super) struct AxisValue {
    /// As the file says it.
    pub(super) text: Arc<str>,
    pub(super) parsed: KeyValue,
}

impl PartialEq for AxisValue {
    /// Values of one key are the same if the file says the same.
    fn eq(&self, other: &AxisValue) -> bool {
        self.text == other.text
    }
}

impl Block {
    /// Returns the axes of `other`, and those of this block for which `other` has none.
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
        let bytes = file::read(path).map_err(|problem| InputErrors::new(&name, vec![problem]))?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| anyhow!("{name}: is not UTF-8 text; save it as UTF-8"))?;
        Ok(Grid::parse(&name, text, path.parent().unwrap_or(Path::new("")))?)
    }

    /// Returns the grid that a text states. `name` is what messages call it; the paths in it start
    /// at `base`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong: text that is not TOML, keys that are not options of `run`, values
    /// that these do not take, lists without a value or with the same one twice.
    pub fn parse(name: &str, text: &str, base: &Path) -> Result<Grid, GridErrors> {
        let mut walk = Walk { reading: Reading::new(text), parser: KeyParser::new() };
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let at = error.span().map_or(0, |span| span.start);
            walk.reading.wrong(at, format!("is not TOML: {}", in_plain_words(error.message())));
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

/// Returns the entries of a table in the order of the text.
fn in_order<'t, 'a>(table: &'t DeTable<'a>) -> Vec<(&'t Key<'a>, &'t Content<'a>)> {
    let mut all: Vec<_> = table.iter().collect();
    all.sort_by_key(|(key, _)| key.span().start);
    all
}

struct Walk<'a> {
    reading: Reading<'a>,
    parser: KeyParser,
}

impl Walk<'_> {
    fn blocks(&mut self, key: &Key<'_>, value: &Content<'_>) -> Vec<Block> {
        let name = key.get_ref();
        let wrong = format!("`{name}` is not a list of tables; begin each with [[{name}]]");
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

    /// Adds the axis of one key. `others` are keys that are not options, for the suggestion.
    fn axis(&mut self, key: &Key<'_>, value: &Content<'_>, others: &[&str], to: &mut Block) {
        let (name, at) = (key.get_ref().as_ref(), key.span().start);
        let known = self.parser.keys();
        if !known.contains(&name) {
            let hint = did_you_mean(name, known.iter().chain(others).copied());
            let text =
                format!("unknown key `{name}`; keys are the options of `run`: {}{hint}", known.join(", "));
            return self.reading.wrong(at, text);
        }
        if name == SET && value.get_ref().is_table() {
            return self.options("", value, to);
        }
        let values = self.list(name, value, |walk, item| walk.value(name, item));
        to.axes.push(Axis { key: name.to_owned(), only: None, values });
    }

    /// Adds the axes of the table under `set`: options of policies, below a scheduler's name if
    /// they are for that one alone.
    fn options(&mut self, prefix: &str, value: &Content<'_>, to: &mut Block) {
        let table = value.get_ref().as_table().expect("a caller has looked");
        for (key, value) in in_order(table) {
            let name = format!("{prefix}{}", key.get_ref());
            if value.get_ref().is_table() {
                self.options(&format!("{name}."), value, to);
                continue;
            }
            let only = OptionSetting::new(&name, toml::Value::Boolean(true)).scheduler();
            let values = self.list(&name, value, |walk, item| walk.option(&name, item));
            to.axes.push(Axis { key: format!("{SET}.{name}"), only, values });
        }
    }

    /// Reads a value of an option of a policy. A text is read as `--set` reads it; a list in a list
    /// is one value that is a list.
    fn option(&mut self, name: &str, item: &Content<'_>) -> Option<AxisValue> {
        let text = match item.get_ref().is_array() {
            true => self.reading.at(item.span()).to_owned(),
            false => self.scalar(name, item)?,
        };
        let setting = OptionSetting::new(name, PolicyOptions::parse_value(&text));
        Some(AxisValue { text: text.into(), parsed: KeyValue::Options(vec![setting]) })
    }

    /// Reads one value, or each of a list.
    fn list(
        &mut self,
        name: &str,
        value: &Content<'_>,
        mut item: impl FnMut(&mut Self, &Content<'_>) -> Option<AxisValue>,
    ) -> Vec<AxisValue> {
        let Some(all) = value.get_ref().as_array() else {
            return item(self, value).into_iter().collect();
        };
        if all.is_empty() {
            let text = format!("{name}: an empty list leaves no point; give at least one value");
            self.reading.wrong(value.span().start, text);
        }
        let mut values: Vec<AxisValue> = Vec::new();
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

    /// Reads a value of an option of `run`.
    fn value(&mut self, name: &str, item: &Content<'_>) -> Option<AxisValue> {
        // Several options of policies that go together.
        if name == SET
            && let Some(parts) = item.get_ref().as_array()
        {
            let parts: Vec<AxisValue> = parts.iter().filter_map(|part| self.single(name, part)).collect();
            let texts: Vec<&str> = parts.iter().map(|part| &*part.text).collect();
            let text = texts.join(" ").into();
            let settings = parts.into_iter().flat_map(|part| match part.parsed {
                KeyValue::Options(settings) => settings,
                other => unreachable!("the key `set` has options, not {other:?}"),
            });
            return Some(AxisValue { text, parsed: KeyValue::Options(settings.collect()) });
        }
        self.single(name, item)
    }

    fn single(&mut self, name: &str, item: &Content<'_>) -> Option<AxisValue> {
        let text = self.scalar(name, item)?;
        match self.parser.parse(name, &text) {
            Ok(parsed) => Some(AxisValue { text: text.into(), parsed }),
            Err(why) => {
                self.reading.wrong(item.span().start, format!("{name}: {why}"));
                None
            }
        }
    }

    fn scalar(&mut self, name: &str, item: &Content<'_>) -> Option<String> {
        match item.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
            DeValue::Float(number) => Some(number.as_str().to_owned()),
            DeValue::Boolean(truth) => Some(truth.to_string()),
            _ => {
                let found = self.reading.at(item.span());
                let text = format!("{name}: `{found}` is neither text nor a decimal number");
                self.reading.wrong(item.span().start, text);
                None
            }
        }
    }
}
