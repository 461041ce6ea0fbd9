//! Who may import whom in src/. The rooms and the flow of data between them are the design; an
//! import against it fails here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Rooms, and the rooms whose code they may name. `error`, `enums` and `codec` are open to all who
/// list them; tests inside a file count as the file.
const RULES: &[(&str, &[&str])] = &[
    ("codec", &["error"]),
    ("enums", &[]),
    ("error", &["enums", "waiver"]),
    ("waiver", &[]),
    ("message", &["codec", "enums", "error"]),
    ("crypto", &["enums", "error"]),
    ("record", &["codec", "crypto::aead", "enums", "error"]),
    ("verify", &["crypto", "enums", "error", "waiver"]),
    (
        "resumption",
        &["codec", "crypto", "enums", "error", "waiver"],
    ),
    (
        "config",
        &[
            "crypto",
            "enums",
            "error",
            "message",
            "resumption",
            "verify",
        ],
    ),
    ("pending", &["crypto", "enums", "error", "verify"]),
    (
        "handshake",
        &[
            "codec",
            "config",
            "crypto",
            "enums",
            "error",
            "message",
            "pending",
            "resumption",
            "verify",
            "waiver",
        ],
    ),
    (
        "connection",
        &[
            "config",
            "enums",
            "error",
            "handshake",
            "message",
            "pending",
            "record",
        ],
    ),
    ("stream", &["config", "connection", "error", "pending"]),
    (
        "fuzzing",
        &[
            "codec",
            "enums",
            "error",
            "message",
            "resumption",
            "verify",
            "waiver",
        ],
    ),
];

/// Test code may build what the code beside it only receives.
const TEST_RULES: &[(&str, &[&str])] = &[("record", &["crypto::key_schedule", "crypto::suite"])];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The room of a file below src/: its first directory, or its own name.
fn room(relative: &Path) -> String {
    let first = relative.components().next().unwrap();
    let name = Path::new(first.as_os_str()).file_stem().unwrap();
    name.to_str().unwrap().to_owned()
}

/// A source's code, and its tests: what is behind `#[cfg(test)]`, or all of it after `#![cfg(test)]`.
fn split_tests(source: &str) -> (&str, &str) {
    let start = ["#[cfg(test)]", "#![cfg(test)]"]
        .iter()
        .filter_map(|attribute| source.find(attribute))
        .min()
        .unwrap_or(source.len());
    source.split_at(start)
}

/// Every `crate::` path in a source, comments left out: the first two names of each.
fn imports(source: &str) -> BTreeSet<String> {
    let code: String = source
        .lines()
        .map(|line| line.split("//").next().unwrap())
        .collect::<Vec<_>>()
        .join("\n");
    code.split("crate::")
        .skip(1)
        .map(|rest| {
            let is_name = |c: &char| c.is_alphanumeric() || *c == '_' || *c == ':';
            let path: String = rest.chars().take_while(is_name).collect();
            let names: Vec<_> = path.split("::").take(2).collect();
            names.join("::").trim_end_matches(':').to_owned()
        })
        .collect()
}

fn allowed(rules: &[(&str, &[&str])], room: &str, import: &str) -> bool {
    let (_, rooms) = rules
        .iter()
        .find(|(name, _)| *name == room)
        .unwrap_or(&("", &[]));
    rooms.iter().any(|allowed| is_in(import, allowed))
}

/// Whether a path names a room or something in it.
fn is_in(path: &str, room: &str) -> bool {
    path.strip_prefix(room)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[test]
fn imports_follow_the_rules() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 20);
    let mut broken = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&src).unwrap();
        let room = room(relative);
        if room == "lib" {
            continue;
        }
        assert!(
            RULES.iter().any(|(name, _)| *name == room),
            "{} is a room without a rule",
            relative.display()
        );
        let source = std::fs::read_to_string(&file).unwrap();
        let (code, tests) = split_tests(&source);
        // The way around `crate::`; the rooms are one level deep.
        assert!(!source.contains("super::super"), "{}", relative.display());
        for import in imports(code) {
            if !is_in(&import, &room) && !allowed(RULES, &room, &import) {
                broken.push(format!("{} imports {import}", relative.display()));
            }
        }
        for import in imports(tests) {
            let own = is_in(&import, &room) || allowed(RULES, &room, &import);
            if !own && !allowed(TEST_RULES, &room, &import) {
                broken.push(format!(
                    "{} imports {import} in its tests",
                    relative.display()
                ));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Sockets, threads, clocks and files stay outside: only the stream knows `std::io`.
#[test]
fn only_the_stream_does_io() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    for file in files {
        let source = std::fs::read_to_string(&file).unwrap();
        let code: Vec<_> = split_tests(&source)
            .0
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        let code = code.join("\n");
        for module in ["std::io", "std::net", "std::fs", "std::thread", "std::time"] {
            let allowed = module == "std::io" && file.ends_with("stream.rs");
            assert!(
                allowed || !code.contains(module),
                "{}: {module}",
                file.display()
            );
        }
    }
}

#[test]
fn the_check_sees_an_import_against_the_rules() {
    let source = "use crate::record::HEADER; // crate::ignored\nlet x = crate::crypto::aead::TAG;";
    let imports: Vec<_> = imports(source).into_iter().collect();
    assert_eq!(imports, ["crypto::aead", "record::HEADER"]);
    assert!(!allowed(RULES, "message", "record::HEADER"));
    assert!(!allowed(RULES, "record", "crypto::rsa"));
    assert!(allowed(RULES, "record", "crypto::aead"));
    assert!(!is_in("recorder::HEADER", "record"));
}
