//! One source file: its modules, the names they define, and every path they name.

use crate::tokens::{Kind, Token, tokens};
use std::collections::BTreeSet;
use std::ops::Range;

/// A module: a file, or `mod name { .. }` inside one.
#[derive(Debug, Default)]
pub struct Module {
    pub path: Vec<String>,
    /// The file, relative to `src/`.
    pub file: String,
    pub test: bool,
    pub children: BTreeSet<String>,
    /// Those that exist in tests only.
    pub test_children: BTreeSet<String>,
    /// Functions, types, constants and macros of this module, but those that a macro makes.
    pub defined: BTreeSet<String>,
    /// Those of them that a path can begin with: a function `rsa` does not hide the crate.
    pub types: BTreeSet<String>,
    pub macros: BTreeSet<String>,
    /// All words of the code, outside of imports and tests.
    pub words: BTreeSet<String>,
    pub named: Vec<Named>,
}

/// A path that a module names.
#[derive(Debug)]
pub struct Named {
    /// As written; `["::", "name"]` for `::name`.
    pub path: Vec<String>,
    pub how: How,
    pub line: usize,
    pub test: bool,
    /// Whether the name that an import brings is known in the whole module.
    pub everywhere: bool,
}

impl Named {
    /// Whether this is an import that brings the name.
    pub fn brings(&self, name: &str) -> bool {
        matches!(&self.how, How::Import(brought) | How::Reexport(brought) if brought == name)
    }
}

#[derive(Debug, PartialEq)]
pub enum How {
    /// In the midst of code.
    Inline,
    /// `name!`
    Macro,
    /// `use`, with the name that it brings.
    Import(String),
    /// `pub use`, likewise.
    Reexport(String),
    /// `use path::*`
    Glob,
    /// `pub use path::*`
    ReexportGlob,
}

/// Reads a file that lies at `file` below `src/`.
pub fn modules(file: &str, source: &str) -> Vec<Module> {
    let tokens = tokens(source);
    let reader = Reader {
        ends: ends(&tokens),
        tests: tests(&tokens),
        tokens: &tokens,
    };
    let mut found = vec![Module {
        path: module_path(file),
        file: file.to_owned(),
        test: reader.tests.contains(&(0..tokens.len())),
        ..Module::default()
    }];
    reader.read(0..tokens.len(), &mut found, 0, true);
    found
}

/// The number of lines that are not in tests.
pub fn lines_without_tests(source: &str) -> usize {
    let tokens = tokens(source);
    let mut lines: BTreeSet<usize> = (1..=source.lines().count()).collect();
    for test in tests(&tokens) {
        let (first, last) = (tokens[test.start].line, tokens[test.end - 1].line);
        lines.retain(|line| !(first..=last).contains(line));
    }
    lines.len()
}

fn module_path(file: &str) -> Vec<String> {
    let mut path: Vec<_> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    let is_lib = path == ["lib"];
    path.pop_if(|name| name == "mod" || is_lib);
    path
}

/// For each token the index after its end: where a bracket closes, or the next token.
fn ends(tokens: &[Token]) -> Vec<usize> {
    let mut ends: Vec<_> = (1..=tokens.len()).collect();
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Mark('(' | '[' | '{') => open.push(at),
            Kind::Mark(')' | ']' | '}') => {
                if let Some(opening) = open.pop() {
                    ends[opening] = at + 1;
                }
            }
            _ => {}
        }
    }
    // A bracket that never closes, as in half a source.
    for opening in open {
        ends[opening] = tokens.len();
    }
    ends
}

/// What exists in tests only: items behind `#[test]` or `#[cfg(test)]`, and all of a module with
/// `#![cfg(test)]`.
fn tests(tokens: &[Token]) -> Vec<Range<usize>> {
    let ends = ends(tokens);
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let inner = tokens.get(at + 1).is_some_and(|token| token.is('!'));
        let bracket = if inner { at + 2 } else { at + 1 };
        let is_attribute =
            tokens[at].is('#') && tokens.get(bracket).is_some_and(|token| token.is('['));
        if !is_attribute || !is_for_tests(&tokens[bracket + 1..ends[bracket]]) {
            continue;
        }
        if inner {
            let around = (0..at).rev().find(|&open| ends[open] > at);
            found.push(around.map_or(0..tokens.len(), |open| open..ends[open]));
        } else {
            found.push(at..item_end(tokens, &ends, ends[bracket]));
        }
    }
    found
}

/// Whether these are the contents of an attribute that leaves an item to tests. `any(test, ..)` and
/// `not(test)` do not.
fn is_for_tests(attribute: &[Token]) -> bool {
    let words: Vec<_> = attribute.iter().filter_map(Token::word).collect();
    match words[..] {
        ["test"] | ["cfg", "test"] => true,
        ["cfg", "all", ref conditions @ ..] => {
            conditions.contains(&"test")
                && !conditions.iter().any(|word| ["any", "not"].contains(word))
        }
        _ => false,
    }
}

/// The end of the item, field or statement whose first token, after one attribute, is at `start`.
fn item_end(tokens: &[Token], ends: &[usize], start: usize) -> usize {
    let mut at = start;
    while at + 1 < tokens.len() && tokens[at].is('#') && tokens[at + 1].is('[') {
        at = ends[at + 1];
    }
    let (braces_end_it, comma_ends_it) = match item_keyword(tokens, ends, at) {
        Some("const" | "let" | "static" | "type" | "use") => (false, false),
        Some(_) => (true, false),
        None => (true, true),
    };
    while at < tokens.len() {
        match tokens[at].kind {
            Kind::Mark('{') if braces_end_it => return ends[at],
            Kind::Mark(';') => return at + 1,
            Kind::Mark(',') if comma_ends_it => return at + 1,
            Kind::Mark(')' | ']' | '}') => return at,
            _ => at = ends[at],
        }
    }
    tokens.len()
}

/// The keyword of the item's kind.
fn item_keyword<'a>(tokens: &'a [Token], ends: &[usize], start: usize) -> Option<&'a str> {
    let mut at = start;
    loop {
        let (word, next) = (tokens.get(at)?.word(), tokens.get(at + 1)?);
        match word {
            Some("pub") if next.is('(') => at = ends[at + 1],
            Some("pub" | "async" | "unsafe" | "extern") => at += 1,
            Some("const") if matches!(next.word(), Some("fn" | "unsafe" | "async")) => at += 1,
            Some("impl" | "let" | "macro_rules" | "mod" | "use") => return word,
            Some(word) if defines(word) => return Some(word),
            // The name of a calling convention.
            None if tokens[at].kind == Kind::Literal => at += 1,
            _ => return None,
        }
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    ends: Vec<usize>,
    tests: Vec<Range<usize>>,
}

impl Reader<'_> {
    fn word(&self, at: usize) -> Option<&str> {
        self.tokens.get(at)?.word()
    }

    fn is(&self, at: usize, mark: char) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(mark))
    }

    fn is_separator(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == Kind::PathSeparator)
    }

    fn is_test(&self, at: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&at))
    }

    /// Reads what belongs to the module `found[module]`. At the `top` of a module items are its
    /// own.
    fn read(&self, range: Range<usize>, found: &mut Vec<Module>, module: usize, top: bool) {
        let mut at = range.start;
        while at < range.end {
            at = self.read_one(at, found, module, top);
        }
    }

    /// Reads one thing, and returns the index after it.
    fn read_one(&self, at: usize, found: &mut Vec<Module>, module: usize, top: bool) -> usize {
        let token = &self.tokens[at];
        let test = self.is_test(at);
        let named = |path: Vec<String>, how| Named {
            path,
            how,
            line: token.line,
            test,
            everywhere: top,
        };
        let next = self.word(at + 1);
        match (&token.kind, next) {
            (Kind::Mark('{' | '(' | '['), _) => {
                let end = self.ends[at];
                self.read(at + 1..end, found, module, false);
                end
            }
            (Kind::Word(word), Some(name)) if word == "mod" => {
                self.read_module(at, name, found, module)
            }
            // `impl Trait + use<'a>` imports nothing.
            (Kind::Word(word), _) if word == "use" && !self.is(at + 1, '<') => {
                let mut leaves = Vec::new();
                let end = self.use_tree(at + 1, &[], &mut leaves);
                let public = self.is_public(at);
                for (path, name) in leaves {
                    let how = match (name, public) {
                        (Some(name), false) => How::Import(name),
                        (Some(name), true) => How::Reexport(name),
                        (None, false) => How::Glob,
                        (None, true) => How::ReexportGlob,
                    };
                    found[module].named.push(named(path, how));
                }
                end
            }
            (Kind::Word(word), Some("crate")) if word == "extern" => {
                let (path, end) = self.path(at + 2);
                let name = match self.word(end) {
                    Some("as") => self.word(end + 1).unwrap_or("_").to_owned(),
                    _ => path.concat(),
                };
                let path = [vec!["::".to_owned()], path].concat();
                found[module].named.push(named(path, How::Import(name)));
                end
            }
            // `pub(in path)` names a module to be seen by it.
            (Kind::Word(word), _)
                if word == "pub" && self.is(at + 1, '(') && self.word(at + 2) == Some("in") =>
            {
                self.ends[at + 1]
            }
            (Kind::Word(word), Some(name)) if top && defines(word) => {
                found[module].defined.insert(name.to_owned());
                if !["const", "fn", "static"].contains(&&**word) {
                    found[module].types.insert(name.to_owned());
                }
                self.note(at, found, module);
                at + 1
            }
            (Kind::Word(word), _) if word == "macro_rules" && self.is(at + 1, '!') => {
                let name = self.word(at + 2).unwrap_or("_").to_owned();
                found[module].defined.insert(name.clone());
                found[module].macros.insert(name);
                at + 3
            }
            (Kind::Word(word), _) if !is_keyword(word) => {
                let (path, end) = self.path(at);
                (at..end).for_each(|at| self.note(at, found, module));
                if path.len() > 1 {
                    found[module].named.push(named(path, How::Inline));
                } else if self.is(end, '!') {
                    found[module].named.push(named(path, How::Macro));
                }
                end
            }
            // `::name`, but not the rest of `<Type>::name`.
            (Kind::PathSeparator, Some(_)) => {
                let (path, end) = self.path(at + 1);
                if at == 0 || !self.is(at - 1, '>') {
                    let path = [vec!["::".to_owned()], path].concat();
                    found[module].named.push(named(path, How::Inline));
                }
                end
            }
            _ => {
                self.note(at, found, module);
                at + 1
            }
        }
    }

    fn note(&self, at: usize, found: &mut [Module], module: usize) {
        if let Some(word) = self.word(at).filter(|_| !self.is_test(at)) {
            found[module].words.insert(word.to_owned());
        }
    }

    fn read_module(&self, at: usize, name: &str, found: &mut Vec<Module>, module: usize) -> usize {
        let parent = &mut found[module];
        parent.children.insert(name.to_owned());
        if self.is_test(at) {
            parent.test_children.insert(name.to_owned());
        }
        if !self.is(at + 2, '{') {
            return at + 2;
        }
        let child = Module {
            path: [&parent.path[..], &[name.to_owned()]].concat(),
            file: parent.file.clone(),
            ..Module::default()
        };
        found.push(child);
        let end = self.ends[at + 2];
        let child = found.len() - 1;
        self.read(at + 3..end, found, child, true);
        end
    }

    /// Whether `pub` or `pub(..)` stands before the token.
    fn is_public(&self, at: usize) -> bool {
        let Some(mut before) = at.checked_sub(1) else {
            return false;
        };
        if self.is(before, ')') {
            let open = (0..before).find(|&open| self.is(open, '(') && self.ends[open] == at);
            let Some(open) = open.and_then(|open| open.checked_sub(1)) else {
                return false;
            };
            before = open;
        }
        self.word(before) == Some("pub")
    }

    /// `a::b::c` from its first word on, and the index after it.
    fn path(&self, start: usize) -> (Vec<String>, usize) {
        let mut path: Vec<_> = self.word(start).map(str::to_owned).into_iter().collect();
        let mut at = start + 1;
        while let Some(name) = self.word(at + 1).filter(|_| self.is_separator(at)) {
            path.push(name.to_owned());
            at += 2;
        }
        (path, at)
    }

    /// The paths of a `use`, each with the name that it brings, or `None` for `*`.
    fn use_tree(
        &self,
        start: usize,
        prefix: &[String],
        leaves: &mut Vec<(Vec<String>, Option<String>)>,
    ) -> usize {
        let mut path = prefix.to_vec();
        // `$crate` is `crate`.
        let mut at = if self.is(start, '$') {
            start + 1
        } else {
            start
        };
        if self.is_separator(at) {
            if path.is_empty() {
                path.push("::".to_owned());
            }
            at += 1;
        }
        while let Some(word) = self.word(at) {
            // `a::{self}` is `a`.
            if word != "self" || path.is_empty() {
                path.push(word.to_owned());
            }
            at += 1;
            if !self.is_separator(at) {
                break;
            }
            at += 1;
        }
        if self.is(at, '*') {
            leaves.push((path, None));
            return at + 1;
        }
        if self.is(at, '{') {
            let end = self.ends[at];
            at += 1;
            while at + 1 < end {
                at = self.use_tree(at, &path, leaves);
                if self.is(at, ',') {
                    at += 1;
                } else if at + 1 < end {
                    panic!("line {}: not understood", self.tokens[at].line);
                }
            }
            return end;
        }
        let mut name = path.last().cloned().unwrap_or_default();
        if self.word(at) == Some("as") {
            name = self.word(at + 1).unwrap_or("_").to_owned();
            at += 2;
        }
        leaves.push((path, Some(name)));
        at
    }
}

fn defines(word: &str) -> bool {
    [
        "const", "enum", "fn", "static", "struct", "trait", "type", "union",
    ]
    .contains(&word)
}

/// Words that begin no path; `crate`, `self`, `super` and `Self` can.
fn is_keyword(word: &str) -> bool {
    [
        "as", "async", "await", "break", "const", "continue", "dyn", "else", "enum", "extern",
        "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub",
        "ref", "return", "static", "struct", "trait", "type", "unsafe", "use", "where", "while",
    ]
    .contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each path of a file with the way it is named; those of tests are marked with `?`.
    fn named(source: &str) -> Vec<String> {
        modules("a.rs", source)
            .iter()
            .flat_map(|module| &module.named)
            .map(|named| {
                let how = match &named.how {
                    How::Inline => String::new(),
                    How::Macro => "!".to_owned(),
                    How::Import(name) => format!(" as {name}"),
                    How::Reexport(name) => format!(" as pub {name}"),
                    How::Glob => "::*".to_owned(),
                    How::ReexportGlob => "::pub *".to_owned(),
                };
                let test = if named.test { "?" } else { "" };
                format!("{}{how}{test}", named.path.join("::"))
            })
            .collect()
    }

    #[test]
    fn imports_and_their_names() {
        assert_eq!(named("use crate::a::B;"), ["crate::a::B as B"]);
        assert_eq!(named("use super::a::B as C;"), ["super::a::B as C"]);
        assert_eq!(named("use super::super::a;"), ["super::super::a as a"]);
        assert_eq!(named("use self::a::B as _;"), ["self::a::B as _"]);
        assert_eq!(named("use a;"), ["a as a"]);
        assert_eq!(named("use ::a::b;"), ["::::a::b as b"]);
        assert_eq!(named("extern crate a as b;"), ["::::a as b"]);
        assert_eq!(named("fn f() { use crate::a; }"), ["crate::a as a"]);
    }

    #[test]
    fn groups_nest() {
        assert_eq!(
            named("use crate::{a, b::{self, c, d as e}, f::*,};"),
            [
                "crate::a as a",
                "crate::b as b",
                "crate::b::c as c",
                "crate::b::d as e",
                "crate::f::*"
            ]
        );
        assert_eq!(named("use {a::b, c::d};"), ["a::b as b", "c::d as d"]);
        assert_eq!(named("use super::*; a::b"), ["super::*", "a::b"]);
    }

    #[test]
    fn reexports() {
        assert_eq!(named("pub use crate::a::B;"), ["crate::a::B as pub B"]);
        assert_eq!(named("pub(crate) use a::B;"), ["a::B as pub B"]);
        assert_eq!(named("pub(in crate::a) use b::C;"), ["b::C as pub C"]);
        assert_eq!(named("pub use a::*;"), ["a::pub *"]);
        assert_eq!(named("fn f() {} use a::B;"), ["a::B as B"]);
    }

    #[test]
    fn paths_in_code() {
        assert_eq!(named("let x = crate::a::B;"), ["crate::a::B"]);
        assert_eq!(
            named("<crate::a::B as super::C>::d()"),
            ["crate::a::B", "super::C"]
        );
        assert_eq!(named("E::<crate::a::B>::f(&self.x)"), ["crate::a::B"]);
        assert_eq!(named("x as ::a::b"), ["::::a::b"]);
        assert_eq!(named("#[derive(a::B)] struct C;"), ["a::B"]);
        assert_eq!(named("pub(in crate::a) fn f() {}"), [""; 0]);
        assert_eq!(named("impl A + use<'a, T>"), [""; 0]);
    }

    #[test]
    fn paths_in_macros() {
        assert_eq!(
            named("assert_eq!(crate::a::B, [super::C]); d!{ self::e }"),
            ["assert_eq!", "crate::a::B", "super::C", "d!", "self::e"]
        );
        assert_eq!(
            named("macro_rules! m { ($x:ty) => { use $crate::c; $crate::a::b::<$x>() } }"),
            ["crate::c as c", "crate::a::b"]
        );
    }

    #[test]
    fn comments_and_strings_name_nothing() {
        let source =
            "/// [x](crate::a)\n// use crate::b;\n#[doc = \"crate::c\"] fn f() { \"super::d\" }";
        assert_eq!(named(source), [""; 0]);
    }

    #[test]
    fn tests_are_told_from_code() {
        assert_eq!(
            named("#[cfg(test)] mod tests { use a::B; c::d } use e::F;"),
            ["e::F as F", "a::B as B?", "c::d?"]
        );
        assert_eq!(named("#![cfg(test)] use a::B;"), ["a::B as B?"]);
        assert_eq!(
            named("#[cfg(test)] use a::{B, C}; use d::E;"),
            ["a::B as B?", "a::C as C?", "d::E as E"]
        );
        assert_eq!(
            named("#[cfg(test)]\n#[inline]\npub(crate) fn f<A, B>(x: a::B) {} c::d"),
            ["a::B?", "c::d"]
        );
        assert_eq!(
            named("struct S { #[cfg(test)] a: b::C, d: e::F }"),
            ["b::C?", "e::F"]
        );
        assert_eq!(
            named("#[cfg(test)] const A: [b::C; 1] = [d::E { x: 1 }]; f::g"),
            ["b::C?", "d::E?", "f::g"]
        );
        assert_eq!(
            named("#[cfg(all(test, unix))] a::b; c::d"),
            ["a::b?", "c::d"]
        );
        assert_eq!(named("#[test] fn f() { a::b } c::d"), ["a::b?", "c::d"]);
        for attribute in [
            "cfg(any(test, fuzzing))",
            "cfg(not(test))",
            "cfg_attr(test, x)",
        ] {
            assert_eq!(named(&format!("#[{attribute}] a::b;")), ["a::b"]);
        }
    }

    #[test]
    fn modules_of_a_file() {
        let found = modules(
            "a/mod.rs",
            "mod b; #[cfg(test)] mod c; mod d { mod e { use super::F; } } struct G; impl G { fn h() {} } fn i() {}",
        );
        let paths: Vec<_> = found.iter().map(|module| module.path.join("::")).collect();
        assert_eq!(paths, ["a", "a::d", "a::d::e"]);
        assert_eq!(found[0].children, ["b", "c", "d"].map(str::to_owned).into());
        assert_eq!(found[0].test_children, ["c".to_owned()].into());
        assert_eq!(found[0].defined, ["G", "i"].map(str::to_owned).into());
        assert!(!found[0].test && modules("a.rs", "#![cfg(test)] fn f() {}")[0].test);
        assert_eq!(found[0].types, ["G".to_owned()].into());
        assert_eq!(found[2].named[0].path, ["super", "F"]);
        assert_eq!(module_path("lib.rs"), [""; 0]);
        assert_eq!(module_path("a/b.rs"), ["a", "b"]);
    }

    #[test]
    fn tests_count_no_lines() {
        assert_eq!(lines_without_tests("a\n// b\nc\n"), 3);
        assert_eq!(
            lines_without_tests("a\n\n#[cfg(test)]\nmod t {\n  b\n}\n"),
            2
        );
        assert_eq!(
            lines_without_tests("#[cfg(test)]\nfn t() {\n}\nfn a() {}\n"),
            1
        );
        assert_eq!(lines_without_tests("#![cfg(test)]\nfn a() {}\n"), 0);
    }
}
