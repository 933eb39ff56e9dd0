//! How long functions are.

use crate::assert_nothing;
use crate::circles;
use crate::lines::LINES;
use crate::source::{File, files, sources};
use crate::tokens::{Kind, Token};

/// The most lines of a function, from its `fn` to its closing brace.
const LONGEST: usize = 60;

/// A function with a body: its name, and the lines from its `fn` to its closing brace.
struct Function {
    name: String,
    line: usize,
    lines: usize,
}

/// Lists the functions of a file that are no tests, those within others too.
fn functions(file: &File) -> Vec<Function> {
    let code = file.code();
    let begins =
        |at: usize| code[at].is("fn") && code.get(at + 1).is_some_and(|name| name.kind == Kind::Word);
    let function = |at: usize| {
        let last = &code[body_end(&code, at)?];
        let line = code[at].line;
        Some(Function { name: code[at + 1].text.clone(), line, lines: last.line - line + 1 })
    };
    (0..code.len()).filter(|at| begins(*at)).filter_map(function).collect()
}

/// The place of the brace that ends the function that begins here; `None` if it has no body.
fn body_end(code: &[Token], start: usize) -> Option<usize> {
    let (mut brackets, mut braces) = (0, 0);
    for (at, token) in code.iter().enumerate().skip(start).filter(|(_, token)| token.kind == Kind::Mark) {
        match token.text.as_str() {
            "(" | "[" => brackets += 1,
            ")" | "]" => brackets -= 1,
            "{" => braces += 1,
            "}" if braces == 1 => return Some(at),
            "}" => braces -= 1,
            ";" if brackets == 0 && braces == 0 => return None,
            _ => {}
        }
    }
    panic!("the function at line {} has no end", code[start].line)
}

/// Lists the functions that are too long.
fn long_functions(files: &[File]) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in files {
        for function in functions(file).iter().filter(|function| function.lines > LONGEST) {
            let Function { name, line, lines } = function;
            wrong.push(format!("{}:{line}: {name} has {lines} lines, more than {LONGEST}", file.path));
        }
    }
    wrong
}

#[test]
fn functions_are_short() {
    assert_nothing(&long_functions(&sources()));
}

#[test]
fn long_functions_are_found() {
    let file = |lines: usize| File::new("a.rs", &format!("fn f(x: [u8; 2]) {{{}}}", "\n".repeat(lines - 1)));
    assert_eq!(long_functions(&[file(60)]), [""; 0]);
    assert_eq!(long_functions(&[file(61)]), ["a.rs:1: f has 61 lines, more than 60"]);
    let nested = format!("trait T {{ fn a(); fn b() {{ if x {{}} fn c() {{{}}} }} }}", "\n".repeat(60));
    let both = ["a.rs:1: b has 61 lines, more than 60", "a.rs:1: c has 61 lines, more than 60"];
    assert_eq!(long_functions(&[File::new("a.rs", &nested)]), both);
    let test = format!("#[cfg(test)]\nmod tests {{ fn d() {{{}}} }}", "\n".repeat(60));
    assert_eq!(long_functions(&[File::new("a.rs", &test)]), [""; 0]);
}

/// Prints the figures that say how large the sources are; holds nothing against them.
#[test]
fn figures() {
    for folder in ["src", "plot/src"] {
        let files = files(&[folder], &[".rs"]);
        let long = files.iter().filter(|file| file.text.lines().count() > LINES).count();
        let mut sizes: Vec<usize> = files.iter().map(|file| file.text.lines().count()).collect();
        sizes.sort_unstable();
        let sources = files.into_iter().filter(|file| !file.path.ends_with("tests.rs"));
        let sources: Vec<File> = sources.collect();
        let mut lengths: Vec<usize> = sources.iter().flat_map(functions).map(|f| f.lines).collect();
        lengths.sort_unstable();
        println!(
            "{folder}: {} functions, median {} lines, p90 {}, longest {}, {} above {LONGEST}; \
             {} files, median {} lines, {long} above {LINES}; {} circles between files",
            lengths.len(),
            quantile(&lengths, 50),
            quantile(&lengths, 90),
            quantile(&lengths, 100),
            lengths.iter().filter(|lines| **lines > LONGEST).count(),
            sizes.len(),
            quantile(&sizes, 50),
            circles::circles(&sources).len(),
        );
    }
}

/// The smallest value that so many percent of these ascending values do not exceed.
fn quantile(ascending: &[usize], percent: usize) -> usize {
    ascending[(ascending.len() * percent).div_ceil(100).max(1) - 1]
}
