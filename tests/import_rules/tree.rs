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
        let read: Vec<_> =
            files.into_iter().flat_map(|(file, source)| modules(file, source)).collect();
        let test_modules: Vec<_> = read
            .iter()
            .flat_map(|module| module.test_children.iter().map(|name| child(&module.path, name)))
            .collect();
        let mut tree = Self {
            modules: BTreeMap::new(),
            crates: crates.into_iter().collect(),
            macros: BTreeMap::new(),
        };
        for mut module in read {
            module.test |= test_modules.iter().any(|test| module.path.starts_with(test));
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
                let Some(owner) = self.modules.get(owner).filter(|owner| owner.file != from.file)
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
    /// crate (a type parameter, say), and two things where an import inside a function, or a function,
    /// has the name of a crate.
    fn absolute(&self, from: &Module, named: &Named) -> Vec<Path> {
        let knows = |name: &str| self.knows(from, name, &mut Vec::new());
        self.locate(from, named, knows)
    }

    /// As `absolute`, without what `use path::*` may have brought.
    fn absolute_by_name(&self, from: &Module, named: &Named) -> Vec<Path> {
        self.locate(from, named, |name| self.knows_by_name(from, name))
    }

    fn locate(&self, from: &Module, named: &Named, knows: impl Fn(&str) -> Known) -> Vec<Path> {
        let first = named.path[0].as_str();
        let beside = |module: &[String], names: usize| {
            vec![Path::Inner([module, &named.path[names..]].concat())]
        };
        match first {
            "::" => vec![Path::Outer(named.path[1..].to_vec())],
            "crate" => beside(&[], 1),
            "self" => beside(&from.path, 1),
            "super" => {
                let supers = named.path.iter().take_while(|name| *name == "super").count();
                let above = from.path.len().saturating_sub(supers);
                beside(&from.path[..above], supers)
            }
            _ if named.how == How::Macro => match (knows(first), self.macros.get(first)) {
                (Known::No, Some(home)) => beside(home, 0),
                _ => Vec::new(),
            },
            _ => {
                let outer = self.crates.contains(first);
                let outer = outer.then(|| Path::Outer(named.path.clone()));
                let mut paths = match knows(first) {
                    Known::Everywhere => return beside(&from.path, 0),
                    Known::Somewhere => beside(&from.path, 0),
                    Known::No => Vec::new(),
                };
                paths.extend(outer);
                paths
            }
        }
    }

    /// Whether a name begins a path in the module, by what stands there in so many words.
    fn knows_by_name(&self, module: &Module, name: &str) -> Known {
        let own = module.children.contains(name) || module.types.contains(name);
        if own {
            return Known::Everywhere;
        }
        let mut known = if module.defined.contains(name) {
            Known::Somewhere
        } else {
            Known::No
        };
        for named in module.named.iter().filter(|named| named.brings(name)) {
            // `use rsa;` brings the crate.
            if named.path[0] == name {
                continue;
            }
            let begins_paths = self.absolute_by_name(module, named).iter().all(|path| match path {
                Path::Inner(path) => self.modules.contains_key(path),
                Path::Outer(_) => true,
            });
            if named.everywhere && begins_paths {
                return Known::Everywhere;
            }
            known = Known::Somewhere;
        }
        known
    }

    /// Likewise, or by `use path::*`. Modules that are `asked` already are left out.
    fn knows(&self, module: &Module, name: &str, asked: &mut Vec<Vec<String>>) -> Known {
        let known = self.knows_by_name(module, name);
        if known != Known::No || asked.contains(&module.path) {
            return known;
        }
        asked.push(module.path.clone());
        self.globs(module)
            .into_iter()
            .map(|other| self.knows(other, name, asked))
            .find(|known| *known != Known::No)
            .unwrap_or(Known::No)
    }

    /// The modules of which a module imports all names.
    fn globs(&self, module: &Module) -> Vec<&Module> {
        module
            .named
            .iter()
            .filter(|named| matches!(named.how, How::Glob | How::ReexportGlob))
            .flat_map(|named| self.absolute_by_name(module, named))
            .filter_map(|path| match self.follow_by_name(path) {
                Path::Inner(path) => self.modules.get(&path),
                Path::Outer(_) => None,
            })
            .collect()
    }

    /// Where a path leads to: the module or the item itself, behind all imports and re-exports.
    fn follow(&self, path: &Path) -> Path {
        let mut path = self.follow_by_name(path.clone());
        let mut seen = vec![path.clone()];
        while let Path::Inner(inner) = &path
            && let Some(next) = self.step_by_glob(inner)
        {
            let next = self.follow_by_name(next);
            // Two modules import all of each other, and neither says where it has the name from.
            if seen.contains(&next) {
                break;
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

    fn follow_by_name(&self, mut path: Path) -> Path {
        let mut seen = Vec::new();
        while let Path::Inner(inner) = &path
            && let Some(next) = self.step_by_name(inner)
            && !seen.contains(&next)
        {
            seen.push(next.clone());
            path = next;
        }
        path
    }

    /// The part of a path that names a module, or an item in one.
    fn item<'a>(&self, path: &'a [String]) -> &'a [String] {
        let modules = (0..=path.len())
            .rev()
            .find(|&length| self.modules.contains_key(&path[..length]))
            .unwrap_or(0);
        &path[..path.len().min(modules + 1)]
    }

    /// The module and the name of an item that is not known to be defined there, and what follows it.
    fn brought<'a>(&self, path: &'a [String]) -> Option<(&Module, &'a str, &'a [String])> {
        let item = self.item(path);
        if self.modules.contains_key(item) {
            return None;
        }
        let (name, module) = item.split_last()?;
        let module = self.modules.get(module)?;
        let defined = module.defined.contains(name);
        (!defined).then_some((module, name, &path[item.len()..]))
    }

    /// The path behind the first import on a path.
    fn step_by_name(&self, path: &[String]) -> Option<Path> {
        let (module, name, rest) = self.brought(path)?;
        let itself = Path::Inner(child(&module.path, name));
        let paths = module
            .named
            .iter()
            .filter(|named| named.brings(name))
            .filter_map(|named| self.absolute_by_name(module, named).pop());
        match paths.into_iter().find(|path| *path != itself)? {
            Path::Inner(path) => Some(Path::Inner([&path, rest].concat())),
            Path::Outer(path) => Some(Path::Outer([&path, rest].concat())),
        }
    }

    /// Likewise, behind `use path::*`.
    fn step_by_glob(&self, path: &[String]) -> Option<Path> {
        let (module, name, rest) = self.brought(path)?;
        let other = self
            .globs(module)
            .into_iter()
            .find(|other| self.knows(other, name, &mut vec![module.path.clone()]) != Known::No)?;
        Some(Path::Inner([&child(&other.path, name), rest].concat()))
    }
}

#[derive(PartialEq)]
enum Known {
    No,
    /// In some function, or as a name that begins no path.
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
            found.extend(to.iter().map(|(to, item)| format!("{from} --{item}--> {to}")));
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
        let found = imports(&[root, ("a.rs", "fn rsa() {} rsa::B")]);
        assert_eq!(found[1..], ["a.rs: rsa::B"]);
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
        let found: Vec<_> = found.iter().filter(|import| import.starts_with("a.rs")).collect();
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
    fn globs_of_each_other_end() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use rsa::*; use sha2::*; pub use crate::b::*; c::D"),
            ("b.rs", "use crate::a::*; e::F"),
        ];
        let expected = ["a.rs: rsa", "a.rs: sha2", "a.rs: b", "b.rs: a"];
        assert_eq!(imports(&files), expected);
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
