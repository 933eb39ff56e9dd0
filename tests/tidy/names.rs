//! Which file defines what a file names: the modules of a crate, what they define, and what they
//! only pass on.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::File;
use crate::tokens::{Kind, Token};

/// A path in source, by its segments.
pub(crate) type Segments = Vec<String>;

/// For each file the files that define what it names, and these names.
pub(crate) type Uses<'c> = BTreeMap<&'c str, BTreeMap<String, BTreeSet<String>>>;

/// The names of a module.
#[derive(Default)]
struct Module {
    file: String,
    items: BTreeSet<String>,
    /// What `use` gives a name here.
    aliases: BTreeMap<String, Segments>,
    globs: Vec<Segments>,
}

/// A path that the code of a file names: in which module of it, and the path.
struct Mention {
    module: Segments,
    path: Segments,
}

/// The modules of a crate, and what each file names.
#[derive(Default)]
pub(crate) struct Crate {
    modules: BTreeMap<Segments, Module>,
    mentions: BTreeMap<String, Vec<Mention>>,
}

/// Where a path leads.
enum Target {
    Module(Segments),
    Item { file: String, name: String },
}

/// Words that begin an item and stand before its name.
const ITEMS: [&str; 8] = ["fn", "struct", "enum", "trait", "type", "const", "static", "macro_rules"];

impl Crate {
    /// Reads the files of one crate, whose sources are in `folder`.
    pub(crate) fn new(folder: &str, files: &[&File]) -> Crate {
        let mut read = Crate::default();
        for file in files {
            let below = file.path.strip_prefix(folder).expect("a path in the folder of the crate");
            let module: Segments = below.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
            let is_root = ["lib.rs", "main.rs"].contains(&below) && (below == "lib.rs" || folder != "src/");
            read.read_file(&file.path, if is_root { Vec::new() } else { module }, &file.code());
        }
        read
    }

    fn read_file(&mut self, file: &str, root: Segments, code: &[Token]) {
        // The module at this place, and the depth of braces at which it ends.
        let mut inside = vec![(root, 0)];
        let (mut depth, mut at) = (0, 0);
        while at < code.len() {
            let (module, floor) = inside.last().cloned().expect("the module of the file itself");
            let names = self.modules.entry(module.clone()).or_default();
            file.clone_into(&mut names.file);
            let token = &code[at];
            let next = code.get(at + 1);
            if token.is("{") {
                depth += 1;
            } else if token.is("}") {
                depth -= 1;
                if depth < floor {
                    inside.pop();
                }
            } else if token.is("mod") && code.get(at + 2).is_some_and(|brace| brace.is("{")) {
                let mut inner = module;
                inner.push(code[at + 1].text.clone());
                depth += 1;
                inside.push((inner, depth));
                at += 2;
            } else if token.is("use") && !next.is_some_and(|next| next.is("<")) {
                let end = at + code[at..].iter().position(|token| token.is(";")).expect("`use` ends");
                let passes_on = at > 0 && (code[at - 1].is("pub") || code[at - 1].is(")"));
                for (path, name) in use_tree(&code[at + 1..end], &[]) {
                    self.add_use(file, &module, path, name, passes_on);
                }
                at = end;
            } else if let Some(item) = defined(code, at).filter(|_| depth == floor) {
                names.items.insert(item.to_owned());
            } else if let Some(path) = mentioned(code, at) {
                self.mentions.entry(file.to_owned()).or_default().push(Mention { module, path });
            }
            at += 1;
        }
    }

    fn add_use(&mut self, file: &str, module: &[String], path: Segments, name: String, passes_on: bool) {
        let names = self.modules.get_mut(module).expect("the module is known");
        if name == "*" {
            names.globs.push(path);
            return;
        }
        names.aliases.insert(name, path.clone());
        if !passes_on {
            self.mentions.entry(file.to_owned()).or_default().push(Mention { module: module.to_vec(), path });
        }
    }

    /// Finds what each file uses of others.
    pub(crate) fn uses(&self) -> Uses<'_> {
        let mut uses = Uses::new();
        for (file, mentions) in &self.mentions {
            let used = uses.entry(file).or_default();
            for mention in mentions {
                match self.resolve(&mention.module, &mention.path, 0) {
                    Some(Target::Item { file: other, name }) if other != *file => {
                        used.entry(other).or_default().insert(name);
                    }
                    _ => {}
                }
            }
        }
        uses
    }

    /// Follows a path from a module; `None` where it leads out of the crate. `hops` counts the
    /// aliases on the way, since one may lead to itself.
    fn resolve(&self, from: &[String], path: &[String], hops: usize) -> Option<Target> {
        let mut target = Target::Module(from.to_vec());
        for (index, segment) in path.iter().enumerate() {
            let Target::Module(module) = target else { return Some(target) };
            target = match segment.as_str() {
                "crate" => Target::Module(Vec::new()),
                "self" => Target::Module(module),
                "super" => Target::Module(module.split_last()?.1.to_vec()),
                name => self.look_up(&module, name, index + 1 == path.len(), hops)?,
            };
        }
        Some(target)
    }

    /// Finds a name in a module. Before another segment a module is meant, not an item of its name.
    fn look_up(&self, module: &[String], name: &str, is_last: bool, hops: usize) -> Option<Target> {
        if hops > 8 {
            return None;
        }
        let child: Segments = module.iter().cloned().chain([name.to_owned()]).collect();
        let child_exists = self.modules.contains_key(&child);
        let Some(names) = self.modules.get(module) else {
            return child_exists.then_some(Target::Module(child));
        };
        if names.items.contains(name) && (is_last || !child_exists) {
            return Some(Target::Item { file: names.file.clone(), name: name.to_owned() });
        }
        if child_exists && !(is_last && names.aliases.contains_key(name)) {
            return Some(Target::Module(child));
        }
        if let Some(path) = names.aliases.get(name) {
            let found = self.resolve(module, path, hops + 1);
            return found.or_else(|| child_exists.then_some(Target::Module(child)));
        }
        names.globs.iter().find_map(|glob| match self.resolve(module, glob, hops + 1)? {
            Target::Module(other) if other != module => self.look_up(&other, name, is_last, hops + 1),
            _ => None,
        })
    }
}

/// The paths of a `use` and the names that they get; `*` for all of a module.
fn use_tree(tree: &[Token], prefix: &[String]) -> Vec<(Segments, String)> {
    let mut path = prefix.to_vec();
    for (at, token) in tree.iter().enumerate() {
        if token.is("{") {
            return branches(&tree[at + 1..])
                .into_iter()
                .flat_map(|branch| use_tree(branch, &path))
                .collect();
        }
        if token.is("*") {
            return vec![(path, "*".to_owned())];
        }
        if token.is("as") {
            return vec![(path, tree[at + 1].text.clone())];
        }
        if token.kind == Kind::Word && (path.is_empty() || !token.is("self")) {
            path.push(token.text.clone());
        }
    }
    let name = path.last().cloned();
    name.map(|name| (path, name)).into_iter().collect()
}

/// The parts of a list in braces, whose opening brace is gone.
fn branches(list: &[Token]) -> Vec<&[Token]> {
    let (mut found, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, token) in list.iter().enumerate() {
        let ends = token.is("}") && depth == 0;
        if ends || (token.is(",") && depth == 0) {
            found.push(&list[start..at]);
            start = at + 1;
        }
        if ends {
            break;
        }
        depth += i32::from(token.is("{")) - i32::from(token.is("}"));
    }
    found
}

/// The name of the item that begins here, if one does.
fn defined(code: &[Token], at: usize) -> Option<&str> {
    let begins = ITEMS.iter().any(|item| code[at].is(item));
    let name = code[at + 1..].iter().find(|token| !token.is("!") && !token.is("mut"))?;
    (begins && name.kind == Kind::Word && !name.is("fn")).then_some(&name.text)
}

/// The path that begins here, if one does. Fields, methods and bindings are none; a string of an
/// attribute may be one.
fn mentioned(code: &[Token], at: usize) -> Option<Segments> {
    let token = &code[at];
    let before = |text: &str| at > 0 && code[at - 1].is(text);
    if token.kind == Kind::Text && before("=") {
        let path: Segments = token.text.trim_matches('"').split("::").map(str::to_owned).collect();
        let is_word = |word: &String| word.chars().all(|c| c.is_alphanumeric() || c == '_');
        return (path.len() > 1 && path.iter().all(is_word)).then_some(path);
    }
    if token.kind != Kind::Word || [".", "::", "fn", "let", "mut", "mod"].iter().any(|text| before(text)) {
        return None;
    }
    let mut path = vec![token.text.clone()];
    let mut end = at;
    while code.get(end + 1).is_some_and(|mark| mark.is("::"))
        && code.get(end + 2).is_some_and(|word| word.kind == Kind::Word)
    {
        end += 2;
        path.push(code[end].text.clone());
    }
    let is_binding = path.len() == 1 && code.get(end + 1).is_some_and(|mark| mark.is(":"));
    (!is_binding && path != ["self"] && path != ["crate"] && path != ["super"]).then_some(path)
}
