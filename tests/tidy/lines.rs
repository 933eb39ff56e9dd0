//! How long lines and files may be.

use crate::assert_nothing;
use crate::source::{File, files};
use crate::tokens::{Kind, tokens};

/// The most columns of a line with a comment on it.
const COMMENT: usize = 100;

/// The most columns of a line of JavaScript.
const SCRIPT: usize = 120;

/// The most lines of a Rust file, tests included.
pub(crate) const LINES: usize = 450;

fn columns(line: &str) -> usize {
    line.chars().count()
}

/// Lists the lines of comments that are too long. A comment behind code counts with the code.
fn long_comments(files: &[File]) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in files {
        let lines: Vec<&str> = file.text.lines().collect();
        for comment in tokens(&file.text).iter().filter(|token| token.kind == Kind::Comment) {
            for number in comment.line..=comment.last_line() {
                let columns = columns(lines[number - 1]);
                if columns > COMMENT {
                    wrong.push(format!("{}:{number}: {columns} columns with a comment", file.path));
                }
            }
        }
    }
    wrong
}

/// Lists the lines of scripts that are too long: all of a `.js` file, and what stands between
/// `<script` and `</script>` elsewhere.
fn long_scripts(files: &[File]) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in files {
        let mut script = file.path.ends_with(".js");
        for (number, line) in file.text.lines().enumerate() {
            script |= line.contains("<script");
            if script && columns(line) > SCRIPT {
                wrong.push(format!("{}:{}: {} columns of script", file.path, number + 1, columns(line)));
            }
            script &= !line.contains("</script>");
        }
    }
    wrong
}

/// Lists the files with too many lines.
fn long_files(files: &[File]) -> Vec<String> {
    let long = files.iter().filter(|file| file.text.lines().count() > LINES);
    long.map(|file| format!("{}: {} lines, more than {LINES}", file.path, file.text.lines().count()))
        .collect()
}

fn rust() -> Vec<File> {
    files(&["src", "plot/src", "tests", "benches"], &[".rs"])
}

#[test]
fn comments_are_narrow() {
    assert_nothing(&long_comments(&rust()));
}

#[test]
fn scripts_are_narrow() {
    assert_nothing(&long_scripts(&files(&["templates"], &[".js", ".html"])));
}

#[test]
fn files_are_short() {
    assert_nothing(&long_files(&rust()));
}

#[test]
fn long_lines_and_files_are_found() {
    let wide = "x".repeat(101);
    let comments = |text: String| long_comments(&[File::new("a.rs", &text)]);
    assert_eq!(comments(format!("// {}\nlet s = \"{wide}\";", &wide[..97])), [""; 0]);
    assert_eq!(comments(format!("\nf(); // {wide}")), ["a.rs:2: 109 columns with a comment"]);
    assert_eq!(comments(format!("/* a\n{wide} */")), ["a.rs:2: 104 columns with a comment"]);

    let page = format!("{wide}{wide}\n<script>\n{wide}{wide}\n</script>\n{wide}{wide}");
    assert_eq!(long_scripts(&[File::new("a.html", &page)]), ["a.html:3: 202 columns of script"]);
    assert_eq!(long_scripts(&[File::new("a.js", &wide.repeat(2))]), ["a.js:1: 202 columns of script"]);

    assert_eq!(long_files(&[File::new("a.rs", &"\n".repeat(450))]), [""; 0]);
    assert_eq!(long_files(&[File::new("a.rs", &"\n".repeat(451))]), ["a.rs: 451 lines, more than 450"]);
}
