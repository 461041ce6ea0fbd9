//! All modules of a crate, and where the paths that they name lead to.

use crate::source::{How, Module, Named, modules};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub struct Tree {
    modules: BTreeMap<Vec<String>, Module>,
    /// The names of all crates that may be meant by the first name of a path.
    crates: BTreeSet<String>,
    /// Every macro, with the module that defines it.
    macros: BTreeMap<String, Vec<String>>,
}

/// A path that one module names, from the root of the crate.
#[derive(Debug)]
pub struct Import {
    pub from: Vec<String>,
    pub file: String,
    pub line: usize,
    pub test: bool,
    /// The path as written, but absolute; and where it leads to over re-exports, if elsewhere.
    pub paths: Vec<Path>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Path {
    /// In this crate.
    Inner(Vec<String>),
    /// In another crate, whose name comes first.
    Outer(Vec<String>),
}

impl Path {
    fn starts_with(&self, start: &Self) -> bool {
        match (self, start) {
            (Self::Inner(path), Self::Inner(start)) | (Self::Outer(path), Self::Outer(start)) => {
                path.starts_with(start)
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Inner(path) | Self::Outer(path)) = self;
        f.write_str(&path.join("::"))
    }
}

/// For each file the files whose items it uses, each with one such item.
pub type Arrows = BTreeMap<String, BTreeMap<String, String>>;

impl Tree {
    /// Reads files, each given by its path below `src/` and its text.
    pub fn new<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        crates: impl IntoIterator<Item = String>,
    ) -> Self {
        let read: Vec<_> = files
            .into_iter()
            .flat_map(|(file, source)| modules(file, source))
            .collect();
        let test_modules: Vec<_> = read
            .iter()
            .flat_map(|module| {
                module
                    .test_children
                    .iter()
                    .map(|name| child(&module.path, name))
            })
            .collect();
        let mut tree = Self {
            modules: BTreeMap::new(),
            crates: crates.into_iter().collect(),
            macros: BTreeMap::new(),
        };
        for mut module in read {
            module.test = test_modules
                .iter()
                .any(|test| module.path.starts_with(test));
            let path = module.path.clone();
            for name in &module.macros {
                tree.macros.insert(name.clone(), path.clone());
            }
            assert!(
                tree.modules.insert(path, module).is_none(),
                "two modules of one name"
            );
        }
        tree
    }

    /// Every path that leads out of its own module.
    pub fn imports(&self) -> Vec<Import> {
        let mut found = Vec::new();
        for (from, named) in self.named() {
            for path in self.absolute(from, named) {
                let target = self.follow(&path);
                let mut paths = vec![path];
                if !paths[0].starts_with(&target) {
                    paths.push(target);
                }
                found.push(Import {
                    from: from.path.clone(),
                    file: from.file.clone(),
                    line: named.line,
                    test: from.test || named.test,
                    paths,
                });
            }
        }
        found
    }

    /// Which file uses which, tests left out. To pass a name on (`pub use`) is no use of it, but where the
    /// code beside it names it too.
    pub fn arrows(&self) -> Arrows {
        let mut arrows = Arrows::new();
        for (from, named) in self.named() {
            let passes_on = match &named.how {
                How::Reexport(name) => !from.words.contains(name),
                How::ReexportGlob => true,
                _ => false,
            };
            if passes_on || from.test || named.test {
                continue;
            }
            for path in self.absolute(from, named) {
                let Path::Inner(target) = self.follow(&path) else {
                    continue;
                };
                // A module that is named is used only where a name in it is.
                let owner = match &named.how {
                    How::Glob => &target[..],
                    _ if self.modules.contains_key(&target) => continue,
                    _ => target.split_last().map_or(&[][..], |(_, module)| module),
                };
                let Some(owner) = self
                    .modules
                    .get(owner)
                    .filter(|owner| owner.file != from.file)
                else {
                    continue;
                };
                arrows
                    .entry(from.file.clone())
                    .or_default()
                    .entry(owner.file.clone())
                    .or_insert_with(|| target.last().cloned().unwrap_or_default());
            }
        }
        arrows
    }

    /// The modules, each with its file, that are more than tests.
    pub fn modules(&self) -> impl Iterator<Item = &Module> {
        self.modules.values().filter(|module| !module.test)
    }

    fn named(&self) -> impl Iterator<Item = (&Module, &Named)> {
        self.modules
            .values()
            .flat_map(|module| module.named.iter().map(move |named| (module, named)))
    }

    /// What a path may mean, from the root: nothing where its first name is no module, import or
    /// crate (a type, say), and two things where an import inside a function may hide a crate.
    fn absolute(&self, from: &Module, named: &Named) -> Vec<Path> {
        let mut names = &named.path[..];
        let mut module = from.path.clone();
        let first = names[0].as_str();
        match first {
            "::" => return vec![Path::Outer(names[1..].to_vec())],
            "crate" => module.clear(),
            "self" => {}
            "super" => {
                while names.first().is_some_and(|name| name == "super") {
                    module.pop();
                    names = &names[1..];
                }
                return vec![Path::Inner([&module[..], names].concat())];
            }
            _ => return self.relative(from, named, first),
        }
        module.extend_from_slice(&names[1..]);
        vec![Path::Inner(module)]
    }

    fn relative(&self, from: &Module, named: &Named, first: &str) -> Vec<Path> {
        if named.how == How::Macro {
            let home = self
                .macros
                .get(first)
                .filter(|_| self.knows(from, named, first) == Known::No);
            return home
                .map(|home| Path::Inner(child(home, first)))
                .into_iter()
                .collect();
        }
        let inner = Path::Inner([&from.path[..], &named.path[..]].concat());
        let outer = self
            .crates
            .contains(first)
            .then(|| Path::Outer(named.path.clone()));
        match self.knows(from, named, first) {
            Known::Everywhere => vec![inner],
            Known::Somewhere => [Some(inner), outer].into_iter().flatten().collect(),
            Known::No => outer.into_iter().collect(),
        }
    }

    /// Whether a module knows a name without a path, apart from what the `asking` import brings itself.
    fn knows(&self, module: &Module, asking: &Named, name: &str) -> Known {
        if module.children.contains(name) || module.defined.contains(name) {
            return Known::Everywhere;
        }
        let mut known = Known::No;
        for named in &module.named {
            let brings = match &named.how {
                How::Import(brought) | How::Reexport(brought) => {
                    brought == name && named.path[0] != name
                }
                How::Glob | How::ReexportGlob
                    if !std::ptr::eq(named, asking) && named.path[0] != name =>
                {
                    self.absolute(module, named)
                        .iter()
                        .filter_map(|path| self.module(path))
                        .any(|other| {
                            other.path != module.path
                                && self.knows(other, asking, name) != Known::No
                        })
                }
                _ => false,
            };
            if brings && named.everywhere {
                return Known::Everywhere;
            }
            if brings {
                known = Known::Somewhere;
            }
        }
        known
    }

    fn module(&self, path: &Path) -> Option<&Module> {
        match self.follow(path) {
            Path::Inner(path) => self.modules.get(&path),
            Path::Outer(_) => None,
        }
    }

    /// Where a path leads to: the module or the item itself, behind all imports and re-exports.
    fn follow(&self, path: &Path) -> Path {
        let mut path = path.clone();
        let mut seen = vec![path.clone()];
        // Two modules that import all of each other would lead on for ever: a name that neither
        // imports by name is of the one that was asked last.
        let mut before_glob = None;
        while let Path::Inner(inner) = &path
            && let Some((next, by_glob)) = self.step(inner)
        {
            if seen.contains(&next) {
                path = before_glob.unwrap_or(path);
                break;
            }
            if by_glob {
                before_glob = Some(path);
            }
            seen.push(next.clone());
            path = next;
        }
        match path {
            // Beyond an item there is nothing to import: a variant, a method.
            Path::Inner(inner) => Path::Inner(self.item(&inner).to_vec()),
            outer => outer,
        }
    }

    /// The part of a path that names a module, or an item in one.
    fn item<'a>(&self, path: &'a [String]) -> &'a [String] {
        let modules = (0..=path.len())
            .rev()
            .find(|&length| self.modules.contains_key(&path[..length]))
            .unwrap_or(0);
        &path[..path.len().min(modules + 1)]
    }

    /// The path behind the first import on a path, and whether that import is of all names.
    fn step(&self, path: &[String]) -> Option<(Path, bool)> {
        let item = self.item(path);
        let rest = &path[item.len()..];
        if self.modules.contains_key(item) {
            return None;
        }
        let (name, module) = item.split_last()?;
        let module = self.modules.get(module)?;
        if module.defined.contains(name) {
            return None;
        }
        let append = |path: Path, more: &[String]| match path {
            Path::Inner(path) => Path::Inner([&path[..], more].concat()),
            Path::Outer(path) => Path::Outer([&path[..], more].concat()),
        };
        for named in &module.named {
            let brings = match &named.how {
                How::Import(brought) | How::Reexport(brought) => brought == name,
                _ => false,
            };
            // An import of a name by itself is of a crate.
            if brings
                && let Some(path) = self.absolute(module, named).into_iter().next_back()
                && path != Path::Inner(item.to_vec())
            {
                return Some((append(path, rest), false));
            }
        }
        for named in &module.named {
            if !matches!(named.how, How::Glob | How::ReexportGlob) {
                continue;
            }
            for path in self.absolute(module, named) {
                let other = self.module(&path);
                if let Some(other) = other.filter(|other| {
                    other.path != module.path && self.knows(other, named, name) != Known::No
                }) {
                    let path = Path::Inner(child(&other.path, name));
                    return Some((append(path, rest), true));
                }
            }
        }
        None
    }
}

#[derive(PartialEq)]
enum Known {
    No,
    /// In some function.
    Somewhere,
    Everywhere,
}

fn child(path: &[String], name: &str) -> Vec<String> {
    [path, &[name.to_owned()]].concat()
}

/// For each file on a circle the shortest one through it, told once.
pub fn circles(arrows: &Arrows) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for start in arrows.keys() {
        let Some(mut circle) = circle_through(arrows, start) else {
            continue;
        };
        let least = (0..circle.len()).min_by_key(|&at| &circle[at]).unwrap();
        circle.rotate_left(least);
        let mut told = circle[0].clone();
        for (at, from) in circle.iter().enumerate() {
            let to = &circle[(at + 1) % circle.len()];
            told += &format!(" --{}--> {to}", arrows[from][to]);
        }
        found.insert(told);
    }
    found
}

fn circle_through(arrows: &Arrows, start: &str) -> Option<Vec<String>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut next = VecDeque::from([start]);
    while let Some(file) = next.pop_front() {
        for to in arrows.get(file).into_iter().flat_map(BTreeMap::keys) {
            if to == start {
                let back = std::iter::successors(Some(file), |file| before.get(file).copied());
                let mut circle: Vec<_> = back.map(str::to_owned).collect();
                circle.reverse();
                return Some(circle);
            }
            if !before.contains_key(to.as_str()) {
                before.insert(to, file);
                next.push_back(to);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let crates = ["std", "rsa", "sha2"].map(str::to_owned);
        Tree::new(files.iter().copied(), crates)
    }

    /// Every import of the files, as `file: path` or `file: path = where it leads`.
    fn imports(files: &[(&str, &str)]) -> Vec<String> {
        tree(files)
            .imports()
            .iter()
            .map(|import| {
                let paths: Vec<_> = import.paths.iter().map(Path::to_string).collect();
                format!("{}: {}", import.file, paths.join(" = "))
            })
            .collect()
    }

    fn arrows(files: &[(&str, &str)]) -> Vec<String> {
        let mut found = Vec::new();
        for (from, to) in tree(files).arrows() {
            found.extend(
                to.iter()
                    .map(|(to, item)| format!("{from} --{item}--> {to}")),
            );
        }
        found
    }

    #[test]
    fn paths_are_made_absolute() {
        let root = ("lib.rs", "mod a; mod c;");
        for (source, path) in [
            ("use crate::c::D;", "c::D"),
            ("use super::super::c::D;", "c::D"),
            ("mod e { fn f() { super::super::super::c::D } }", "c::D"),
            ("use self::g::D;", "a::b::g::D"),
            ("let x = super::D;", "a::D"),
        ] {
            let found = imports(&[
                root,
                ("a/mod.rs", "mod b;"),
                ("a/b.rs", source),
                ("c.rs", ""),
            ]);
            assert_eq!(found, [format!("a/b.rs: {path}")], "{source}");
        }
    }

    #[test]
    fn names_of_imported_modules_lead_on() {
        let found = imports(&[
            ("lib.rs", "mod a; mod b;"),
            (
                "a.rs",
                "use crate::b as c; let x = c::D; Vec::new(); self.c::<u8>();",
            ),
            ("b.rs", ""),
        ]);
        assert_eq!(found, ["a.rs: b", "a.rs: a::c::D = b::D"]);
    }

    #[test]
    fn crates_are_told_from_modules_of_their_name() {
        let root = ("lib.rs", "mod a;");
        let found = imports(&[root, ("a.rs", "use rsa::B; let x = sha2::C::d(); E::f()")]);
        assert_eq!(found, ["a.rs: rsa::B", "a.rs: sha2::C::d"]);
        let found = imports(&[root, ("a.rs", "mod rsa; use rsa::B; use ::rsa::C;")]);
        assert_eq!(found, ["a.rs: a::rsa::B", "a.rs: rsa::C"]);
        let found = imports(&[
            root,
            ("a.rs", "mod b { pub mod rsa {} } use self::b::rsa; rsa::C"),
        ]);
        assert_eq!(found, ["a.rs: a::b::rsa", "a.rs: a::rsa::C = a::b::rsa::C"]);
        // The import is known in the one function only.
        let source = "mod b { pub mod rsa {} } fn f() { use self::b::rsa; } fn g() { rsa::C }";
        let found = imports(&[root, ("a.rs", source)]);
        assert_eq!(
            found[1..],
            ["a.rs: a::rsa::C = a::b::rsa::C", "a.rs: rsa::C"]
        );
        let found = imports(&[root, ("a.rs", "use rsa as x; x::B")]);
        assert_eq!(found, ["a.rs: rsa", "a.rs: a::x::B = rsa::B"]);
        let found = imports(&[
            ("lib.rs", "mod a; pub use rsa;"),
            ("a.rs", "use crate::rsa::B;"),
        ]);
        assert_eq!(found, ["lib.rs: rsa", "a.rs: rsa::B = rsa::B"]);
    }

    #[test]
    fn reexports_are_followed() {
        let found = imports(&[
            ("lib.rs", "mod a; mod b; pub use b::C;"),
            ("a.rs", "use crate::C; use crate::b::{D, F};"),
            (
                "b/mod.rs",
                "mod c; pub use c::C; pub(crate) use c::E as D; pub use c::*;",
            ),
            ("b/c.rs", "pub struct C; pub struct E; pub struct F;"),
        ]);
        let found: Vec<_> = found
            .iter()
            .filter(|import| import.starts_with("a.rs"))
            .collect();
        assert_eq!(
            found,
            [
                "a.rs: C = b::c::C",
                "a.rs: b::D = b::c::E",
                "a.rs: b::F = b::c::F"
            ]
        );
    }

    #[test]
    fn names_behind_a_glob_are_found() {
        let test = "use super::*; fn f() { c::D; E::new() }";
        let source = format!("use crate::c; use crate::c::E; mod tests {{ {test} }}");
        let found = imports(&[("lib.rs", "mod a; mod c;"), ("a.rs", &source), ("c.rs", "")]);
        assert_eq!(
            found[3..],
            [
                "a.rs: a::tests::c::D = c::D",
                "a.rs: a::tests::E::new = c::E"
            ]
        );
    }

    #[test]
    fn arrows_go_to_the_file_that_defines() {
        let files = [
            ("lib.rs", "mod a; pub use a::B;"),
            (
                "a/mod.rs",
                "mod b; mod c; pub use b::B; pub(crate) use c::D; const E: u8 = D;",
            ),
            ("a/b.rs", "pub struct B; fn f(x: super::D) {}"),
            (
                "a/c.rs",
                "use super::*; #[cfg(test)] mod tests { use super::super::B; }",
            ),
        ];
        assert_eq!(
            arrows(&files),
            [
                "a/b.rs --D--> a/c.rs",
                "a/c.rs --a--> a/mod.rs",
                "a/mod.rs --D--> a/c.rs"
            ]
        );
        assert_eq!(
            circles(&tree(&files).arrows()),
            ["a/c.rs --a--> a/mod.rs --D--> a/c.rs".to_owned()].into()
        );
    }

    #[test]
    fn an_import_from_the_parent_that_uses_the_child_is_a_circle() {
        let child = ("a/b.rs", "use super::C; pub struct B;");
        let used = ("a/mod.rs", "mod b; use b::B; pub struct C;");
        let passed_on = ("a/mod.rs", "mod b; pub use b::B; pub struct C;");
        assert_eq!(circles(&tree(&[used, child]).arrows()).len(), 1);
        assert_eq!(circles(&tree(&[passed_on, child]).arrows()).len(), 0);
    }

    #[test]
    fn circles_are_found_whatever_their_length() {
        let files = [
            ("a.rs", "use crate::b; fn f() { b::g() }"),
            ("b.rs", "fn g() { super::c::D::new() }"),
            ("c.rs", "pub struct D; use crate::{e::F, a::f as g};"),
            ("e.rs", "pub struct F;"),
        ];
        assert_eq!(
            circles(&tree(&files).arrows()),
            ["a.rs --g--> b.rs --D--> c.rs --f--> a.rs".to_owned()].into()
        );
        assert_eq!(circles(&tree(&files[..2]).arrows()), BTreeSet::new());
    }

    #[test]
    fn macros_without_a_path_are_arrows_too() {
        let files = [
            ("a/mod.rs", "macro_rules! m { () => {} } mod b;"),
            ("a/b.rs", "m!(); println!();"),
        ];
        assert_eq!(arrows(&files), ["a/b.rs --m--> a/mod.rs"]);
    }

    #[test]
    fn test_files_are_known_from_their_declaration() {
        let files = [
            ("a/mod.rs", "#[cfg(test)] mod b;"),
            ("a/b.rs", "use super::c::D;"),
        ];
        assert!(tree(&files).imports()[0].test);
        assert_eq!(arrows(&files), [""; 0]);
    }
}
