//! Checks which rooms of src/ import which. An import against the rules fails here. `rules` holds
//! the rules; the rest reads the code.

mod rules;
mod source;
mod tokens;
mod tree;

use rules::{
    LAYERS, MOST_LINES, MOST_LINES_OF_KERNELS, OUTSIDE_MACROS, ROOMS, Room, STATE_MACHINES,
    UNSAFE_FILE, UNSAFE_LINES,
};
use source::How;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path as FilePath;
use std::sync::LazyLock;
use tree::{Arrows, Import, Path, Tree, circles};

/// The text of each file, by its path below `src/`.
static FILES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let mut files = BTreeMap::new();
    let src = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("src");
    read_directory(&src, "", &mut files);
    assert!(files.len() > 20);
    files
});

static TREE: LazyLock<Tree> = LazyLock::new(|| {
    let manifest = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let crates = crates(&fs::read_to_string(manifest).unwrap());
    assert!(crates.contains("pki_types") && crates.contains("x509_parser"));
    let files = FILES.iter().map(|(file, text)| (&**file, &**text));
    Tree::new(files, crates)
});

fn read_directory(directory: &FilePath, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            read_directory(&path, &format!("{name}/"), files);
        } else if name.ends_with(".rs") {
            files.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

/// The names by which code names the crates that a manifest depends on, and the standard ones.
fn crates(manifest: &str) -> BTreeSet<String> {
    let mut crates: BTreeSet<_> = ["alloc", "core", "std"].map(str::to_owned).into();
    let mut dependencies = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            dependencies = line.ends_with("dependencies]");
        } else if dependencies && line.starts_with(|c: char| c.is_alphabetic()) {
            let name = line.split([' ', '=', '.']).next().unwrap();
            crates.insert(name.replace('-', "_"));
        }
    }
    crates
}

/// Whether a path names a room, a crate or something in it.
fn is_in(path: &str, home: &str) -> bool {
    path.strip_prefix(home).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn room_of(path: &str) -> Option<&'static Room> {
    ROOMS.iter().filter(|room| is_in(path, room.name)).max_by_key(|room| room.name.len())
}

/// Whether one entry of a rule allows to name the path.
fn allows(entry: &str, path: &Path) -> bool {
    let name = path.to_string();
    let room = |path| room_of(path).map(|room| room.name);
    match path {
        Path::Inner(_) => is_in(&name, entry) && room(&name) == room(entry),
        Path::Outer(_) => is_in(&name, entry),
    }
}

fn may_name(room: &Room, path: &Path, test: bool) -> bool {
    let name = path.to_string();
    let (own, listed) = match path {
        Path::Inner(_) => (
            room_of(&name).is_some_and(|home| home.name == room.name),
            room.rooms,
        ),
        Path::Outer(_) => (
            is_in(&name, "core") && !is_in(&name, "core::arch"),
            room.crates,
        ),
    };
    let for_tests = if test { room.tests } else { &[] };
    own || listed.iter().chain(for_tests).any(|entry| allows(entry, path))
}

/// What a room names against its rule. The root may pass on whatever it likes, in its public
/// modules too.
fn broken_imports(imports: &[Import]) -> BTreeSet<String> {
    let mut broken = BTreeSet::new();
    let mut found = Vec::new();
    for import in imports.iter().filter(|import| import.file != "lib.rs") {
        let from = import.from.join("::");
        let Some(room) = room_of(&from) else {
            broken.insert(format!("{} is in a room without a rule", import.file));
            continue;
        };
        let against = import.paths.iter().find(|path| !may_name(room, path, import.test));
        if let Some(path) = against.map(Path::to_string) {
            // What an import brought is named again and again.
            let known = found.iter().any(|(file, _, known, test): &(_, _, String, _)| {
                *file == import.file && is_in(&path, known) && *test == import.test
            });
            if !known {
                found.push((import.file.clone(), import.line, path, import.test));
            }
        }
    }
    broken.extend(found.into_iter().map(|(file, line, path, test)| {
        let tests = if test { " in its tests" } else { "" };
        format!("{file}:{line} names {path}{tests}")
    }));
    broken
}

/// The module of a room that a file belongs to, and its layer: that of `mod.rs` is above all
/// others.
fn layer(room: &str, file: &str) -> Option<(String, Option<usize>)> {
    let (_, layers) = LAYERS.iter().find(|(name, _)| *name == room)?;
    let module = file.strip_prefix(room)?.strip_prefix('/')?;
    let module = module.split('/').next()?.trim_end_matches(".rs");
    let at = match module {
        "mod" => Some(layers.len()),
        _ => layers.iter().position(|layer| layer.contains(&module)),
    };
    Some((module.to_owned(), at))
}

/// Arrows between the modules of a room against its layers.
fn broken_layers(tree: &Tree) -> BTreeSet<String> {
    let mut broken = BTreeSet::new();
    for (room, _) in LAYERS {
        for module in tree.modules() {
            if let Some((_, None)) = layer(room, &module.file) {
                broken.insert(format!("{} is in no layer", module.file));
            }
        }
        for (from, used) in tree.arrows() {
            for (to, item) in used {
                if let (Some((from_module, Some(from_layer))), Some((to_module, Some(to_layer)))) =
                    (layer(room, &from), layer(room, &to))
                    && from_module != to_module
                    && from_layer <= to_layer
                {
                    broken.insert(format!("{from} uses {item} of {to}"));
                }
            }
        }
    }
    broken
}

/// The circles between files, a state machine taken for one file.
fn broken_by_circles(tree: &Tree) -> BTreeSet<String> {
    let whole = |file: &str| -> String {
        let machine = STATE_MACHINES.iter().find(|machine| {
            file.strip_prefix(**machine).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
        });
        machine.map_or(file, |machine| machine).to_owned()
    };
    let mut arrows = Arrows::new();
    for (from, used) in tree.arrows() {
        for (to, item) in used {
            let (from, to) = (whole(&from), whole(&to));
            if from != to {
                arrows.entry(from).or_default().insert(to, item);
            }
        }
    }
    circles(&arrows)
}

#[track_caller]
fn assert_none(broken: impl IntoIterator<Item = String>) {
    let broken: Vec<_> = broken.into_iter().collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn imports_follow_the_rules() {
    assert_none(broken_imports(&TREE.imports()));
}

#[test]
fn no_circle_between_files() {
    assert_none(broken_by_circles(&TREE));
}

#[test]
fn arrows_in_a_room_go_down_its_layers() {
    assert_none(broken_layers(&TREE));
}

/// Also that none names what does not exist any more.
#[test]
fn no_rule_allows_what_nobody_does() {
    let imports = TREE.imports();
    let mut unused = Vec::new();
    for room in ROOMS {
        let is_own = |import: &&Import| {
            room_of(&import.from.join("::")).is_some_and(|home| home.name == room.name)
        };
        let named: Vec<_> = imports.iter().filter(is_own).collect();
        let kinds = [
            (room.rooms, false),
            (room.crates, false),
            (room.tests, true),
        ];
        for (entries, test) in kinds {
            for entry in entries {
                let used = named.iter().filter(|import| import.test == test);
                if !used.flat_map(|import| &import.paths).any(|path| allows(entry, path)) {
                    let tests = if test { " in its tests" } else { "" };
                    unused.push(format!("{} does not name {entry}{tests}", room.name));
                }
            }
        }
    }
    for (room, layers) in LAYERS {
        for module in layers.iter().copied().flatten() {
            let path = format!("{room}::{module}");
            if !TREE.modules().any(|module| module.path.join("::") == path) {
                unused.push(format!("there is no {path}"));
            }
        }
    }
    assert_none(unused);
}

/// Between rooms there is no circle, because a rule allows only what stands before it. Those inside
/// of a room are held by its files.
#[test]
fn rules_go_downwards() {
    let outermost = |path: &str| path.split("::").next().unwrap().to_owned();
    for (at, room) in ROOMS.iter().enumerate() {
        for entry in room.rooms {
            let lower = ROOMS[..at].iter().any(|lower| is_in(entry, lower.name));
            let same = outermost(entry) == outermost(room.name);
            assert!(lower || same, "{} names {entry} above it", room.name);
        }
    }
}

/// Nothing comes into src/ in a way that is not read here, and the outside world stays outside.
#[test]
fn no_macro_reaches_outside() {
    let mut broken = Vec::new();
    for module in TREE.modules() {
        for named in module.named.iter().filter(|named| !named.test) {
            let name = named.path.last().unwrap();
            if named.how == How::Macro && OUTSIDE_MACROS.contains(&&**name) {
                broken.push(format!("{}:{} has {name}!", module.file, named.line));
            }
        }
    }
    for (file, text) in &*FILES {
        let tokens = tokens::tokens(text);
        if tokens
            .windows(3)
            .any(|three| three[0].is('[') && three[1].word() == Some("path") && three[2].is('='))
        {
            broken.push(format!("{file} has #[path]"));
        }
    }
    assert_none(broken);
}

#[test]
fn unsafe_stands_in_one_place() {
    let is_unsafe =
        |text: &str| tokens::tokens(text).iter().any(|token| token.word() == Some("unsafe"));
    assert!(is_unsafe("fn f() { unsafe { g() } }"));
    assert!(!is_unsafe(
        "#![forbid(unsafe_code)] // unsafe\n/* unsafe */ fn f() { \"unsafe\" }"
    ));
    let found: Vec<_> = FILES.iter().filter(|(_, text)| is_unsafe(text)).collect();
    let files: Vec<_> = found.iter().map(|(file, _)| &***file).collect();
    assert_eq!(
        files,
        [UNSAFE_FILE],
        "unsafe code stands in other files, or nowhere"
    );
    assert!(
        found[0].1.lines().count() <= UNSAFE_LINES,
        "{UNSAFE_FILE} is too long"
    );
}

#[test]
fn files_stay_short() {
    assert_none(FILES.iter().filter_map(|(file, text)| {
        let lines = source::lines_without_tests(text);
        let kernels = file.starts_with("crypto/vector/");
        let most = if kernels {
            MOST_LINES_OF_KERNELS
        } else {
            MOST_LINES
        };
        (lines > most).then(|| format!("{file}: {lines} lines without its tests"))
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let crates = ["std", "core", "rsa", "pki_types"].map(str::to_owned);
        Tree::new(files.iter().copied(), crates)
    }

    /// What the text of one file breaks, in a crate that has a few others.
    #[track_caller]
    fn assert_broken(file: &str, text: &str, expected: &[&str]) {
        let others = [
            ("lib.rs", "pub use record::HEADER;"),
            ("codec.rs", "pub(crate) use crate::enums::A as B;"),
            ("crypto/mod.rs", ""),
            ("crypto/cipher/mod.rs", ""),
            ("crypto/suite.rs", ""),
            ("enums.rs", ""),
            ("error/mod.rs", ""),
            ("record/mod.rs", ""),
        ];
        let mut files: Vec<_> = others.into_iter().filter(|other| other.0 != file).collect();
        files.push((file, text));
        let found: Vec<_> = broken_imports(&tree(&files).imports())
            .into_iter()
            .filter(|broken| broken.starts_with(file))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn an_import_against_a_rule_is_seen() {
        let record = &["message/hello.rs:1 names record::HEADER"];
        for text in [
            "use crate::record::HEADER;",
            "use super::super::record::HEADER;",
            "use crate::{codec, record::{HEADER as H}};",
            "pub(crate) use crate::record::HEADER;",
            "fn f() { g(crate::record::HEADER) }",
            "fn f() { assert_eq!(1, super::super::record::HEADER) }",
            "mod a { use super::super::super::record::HEADER; }",
            "macro_rules! m { () => { $crate::record::HEADER } }",
        ] {
            assert_broken("message/hello.rs", text, record);
        }
        // What the root passes on is not to be named there.
        let root = &["message/hello.rs:1 names HEADER"];
        assert_broken("message/hello.rs", "use crate::HEADER;", root);
        assert_broken(
            "message/hello.rs",
            "use crate::codec::B; // crate::record",
            &[],
        );
        assert_broken(
            "message/hello.rs",
            "//! [x](crate::record)\nconst X: &str = \"crate::record\";",
            &[],
        );
    }

    #[test]
    fn an_import_over_a_reexport_is_seen() {
        assert_broken("codec.rs", "use crate::error::X;", &[]);
        assert_broken(
            "codec.rs",
            "use crate::enums::X;",
            &["codec.rs:1 names enums::X"],
        );
        let files = [
            ("enums.rs", "pub struct X;"),
            ("error/mod.rs", "pub(crate) use crate::enums::X;"),
            ("codec.rs", "use crate::error::X;"),
        ];
        let broken = broken_imports(&tree(&files).imports());
        assert_eq!(broken, ["codec.rs:1 names enums::X".to_owned()].into());
    }

    #[test]
    fn a_room_in_a_room_is_its_own() {
        assert_broken("record/read.rs", "use crate::crypto::cipher::Cipher;", &[]);
        for (path, named) in [
            ("crypto", "crypto"),
            ("crypto::cipherer::X", "crypto::cipherer::X"),
        ] {
            let broken = format!("record/read.rs:1 names {named}");
            assert_broken("record/read.rs", &format!("use crate::{path};"), &[&broken]);
        }
        assert_broken("verify/path.rs", "use crate::crypto::hash::H;", &[]);
        let broken = &["verify/path.rs:1 names crypto::cipher::C"];
        assert_broken("verify/path.rs", "use crate::crypto::cipher::C;", broken);
        let broken = &["crypto/cipher/gcm.rs:1 names crypto::rsa::R"];
        assert_broken("crypto/cipher/gcm.rs", "use super::super::rsa::R;", broken);
    }

    #[test]
    fn tests_have_rules_of_their_own() {
        let import = "use crate::crypto::suite::Suite;";
        let broken = &["record/read.rs:1 names crypto::suite::Suite"];
        assert_broken("record/read.rs", import, broken);
        let tests = format!("#[cfg(test)] mod tests {{ {import} }}");
        assert_broken("record/read.rs", &tests, &[]);
        assert_broken(
            "record/read.rs",
            "#![cfg(test)] use crate::verify;",
            &["record/read.rs:1 names verify in its tests"],
        );
    }

    #[test]
    fn crates_have_rules() {
        assert_broken(
            "error/mod.rs",
            "use pki_types::UnixTime; use core::fmt;",
            &[],
        );
        for path in [
            "rsa::pkcs1::der::DateTime",
            "pki_types::PrivateKeyDer",
            "std::time",
            "core::arch",
        ] {
            let broken = format!("error/mod.rs:1 names {path}");
            assert_broken("error/mod.rs", &format!("use {path};"), &[&broken]);
            assert_broken(
                "error/mod.rs",
                &format!("fn f() {{ ::{path} }}"),
                &[&broken],
            );
        }
        let io = "use std::io::Read;";
        assert_broken("stream/blocking.rs", io, &[]);
        assert_broken(
            "stream/pump.rs",
            io,
            &["stream/pump.rs:1 names std::io::Read"],
        );
    }

    #[test]
    fn a_room_without_a_rule_is_seen() {
        let broken = &["attic.rs is in a room without a rule"];
        assert_broken("attic.rs", "use crate::codec;", broken);
    }

    #[test]
    fn an_arrow_against_the_layers_is_seen() {
        let files = [
            ("verify/mod.rs", "use policy::P; pub struct M;"),
            ("verify/path.rs", "use super::diagnosis::D; pub struct A;"),
            ("verify/diagnosis.rs", "use super::{path::A, M};"),
            ("verify/attic.rs", ""),
            (
                "handshake/client/mod.rs",
                "use crate::handshake::{limits::L, server::S};",
            ),
            ("handshake/client/hello.rs", "use super::H;"),
            (
                "handshake/server.rs",
                "mod tests { use super::super::limits::L; }",
            ),
            ("handshake/limits.rs", ""),
            ("verify/policy.rs", ""),
        ];
        assert_eq!(
            broken_layers(&tree(&files)),
            [
                "verify/attic.rs is in no layer",
                "verify/path.rs uses D of verify/diagnosis.rs",
                "verify/diagnosis.rs uses M of verify/mod.rs",
                "handshake/client/mod.rs uses S of handshake/server.rs",
            ]
            .map(str::to_owned)
            .into()
        );
    }

    #[test]
    fn a_state_machine_is_one() {
        let machine = [
            (
                "handshake/client/mod.rs",
                "use hello::H; mod hello; pub struct S;",
            ),
            (
                "handshake/client/hello.rs",
                "use super::S; use crate::handshake::X; pub struct H;",
            ),
        ];
        let mut files = vec![("handshake/mod.rs", "pub struct X;")];
        files.extend(machine);
        assert_eq!(broken_by_circles(&tree(&files)), BTreeSet::new());
        files[0].1 = "pub struct X; use client::S; mod client;";
        let circle = "handshake/client --X--> handshake/mod.rs --S--> handshake/client";
        assert_eq!(broken_by_circles(&tree(&files)), [circle.to_owned()].into());
    }

    #[test]
    fn crates_are_read_from_the_manifest() {
        let manifest = "[package]\nname = \"a\"\n[dependencies]\nb-c = \"1\"\n# d = 1\n\
            e = { package = \"f\" }\n[dev-dependencies]\ng.workspace = true\n[features]\nh = []";
        let expected = ["alloc", "b_c", "core", "e", "g", "std"].map(str::to_owned);
        assert_eq!(crates(manifest), expected.into());
    }
}
