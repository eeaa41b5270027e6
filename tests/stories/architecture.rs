//! The rooms of `host/src`: who may import whom, and how long a file may be.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::scene::repository;

/// Room → rooms it may import. Every arrow points up this list, so that there is no cycle.
const ROOMS: [(&str, &[&str]); 14] = [
    ("model", &[]),
    ("store", &["model"]),
    ("sandbox", &["model"]),
    ("whatsapp", &["model"]),
    ("calendar", &["model", "store"]),
    ("flows", &["model", "store", "sandbox", "calendar", "whatsapp"]),
    ("turn", &["model", "store", "flows", "sandbox", "calendar", "whatsapp"]),
    ("schedule", &["model", "store", "flows"]),
    ("delivery", &["model", "store", "whatsapp"]),
    ("api", &["model", "store", "sandbox", "whatsapp", "calendar", "flows", "turn", "schedule", "delivery"]),
    ("simulator", &["model", "whatsapp"]),
    ("host", &["model", "store", "sandbox", "whatsapp", "calendar", "flows", "turn", "schedule", "delivery", "api"]),
    ("config", &["delivery", "flows", "host"]),
    ("stage", &["model", "store", "sandbox", "whatsapp", "flows", "turn", "delivery", "api", "simulator", "host"]),
];
/// Put everything together; nobody imports them but `main.rs`.
const TOP: [&str; 1] = ["commands"];
/// Lines of a file, tests included.
const LONGEST: usize = 600;

#[test]
fn rooms_import_only_what_they_may() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        ROOMS.iter().map(|(room, may)| (*room, may.iter().copied().collect())).collect();
    for (place, (room, may)) in ROOMS.iter().enumerate() {
        for other in *may {
            let earlier = ROOMS.iter().position(|(name, _)| name == other);
            assert!(earlier.is_some_and(|earlier| earlier < place), "{room} → {other} could close a cycle");
        }
    }
    let mut wrong = Vec::new();
    for_each_source(&mut |path, text| {
        let room = room_of(path);
        if room == "lib.rs" || room == "main.rs" || TOP.contains(&room.as_str()) {
            return;
        }
        let may = allowed.get(room.as_str()).unwrap_or_else(|| panic!("{room} is not a room of the list"));
        for other in imports(text) {
            if other != room && !may.contains(other.as_str()) {
                wrong.push(format!("{} imports {other}", path.display()));
            }
        }
    });
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn only_delivery_opens_outbound_connections() {
    let mut wrong = Vec::new();
    for_each_source(&mut |path, text| {
        let room = room_of(path);
        let may = ["whatsapp", "delivery", "simulator", "stage", "commands"].contains(&room.as_str());
        if !may && text.contains("reqwest::") {
            wrong.push(path.display().to_string());
        }
    });
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn no_room_reads_the_system_clock() {
    let mut wrong = Vec::new();
    for_each_source(&mut |path, text| {
        let production = text.split("#[cfg(test)]").next().unwrap_or_default();
        let is_clock = path.ends_with("model/clock.rs");
        let is_command = room_of(path) == "commands";
        if !is_clock
            && !is_command
            && ["Timestamp::now()", "SystemTime::now()", "Zoned::now()"].iter().any(|call| production.contains(call))
        {
            wrong.push(path.display().to_string());
        }
    });
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_file_is_one_noun() {
    let mut long = Vec::new();
    for_each_source(&mut |path, text| {
        let lines = text.lines().count();
        if lines > LONGEST {
            long.push(format!("{} has {lines} lines", path.display()));
        }
    });
    assert_eq!(long, Vec::<String>::new());
}

/// The rooms named after `crate::`, in whatever form of `use` or path.
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    for after in code.split("crate::").skip(1) {
        if let Some(group) = after.strip_prefix('{') {
            // `use crate::{a::…, b};`: names at the first level of braces.
            let mut depth = 0;
            let mut name = String::new();
            for character in group.chars() {
                match character {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' | ':' | ' ' | '\n' if depth == 0 => {
                        if character == ',' {
                            name.clear();
                        } else if !name.is_empty() {
                            found.insert(std::mem::take(&mut name));
                        }
                        if character == ':' {
                            name = String::from("::");
                        }
                    }
                    character if depth == 0 && !name.starts_with("::") => name.push(character),
                    _ => {}
                }
            }
        } else {
            found.insert(after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    let rooms: BTreeSet<&str> = ROOMS.iter().map(|(room, _)| *room).chain(TOP).collect();
    found.retain(|name| rooms.contains(name.as_str()));
    found
}

#[test]
fn imports_are_found_in_every_form() {
    let text = "use crate::{\n    flows::{self, store},\n    model::Phone,\n};\nlet x = crate::delivery::prove();";
    assert_eq!(imports(text).into_iter().collect::<Vec<_>>(), ["delivery", "flows", "model"]);
}

/// `store/sled/turn.rs` is of the room `store`, `host.rs` of `host`.
fn room_of(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_str().unwrap();
    if ["lib.rs", "main.rs"].contains(&first) { first.to_owned() } else { first.trim_end_matches(".rs").to_owned() }
}

fn for_each_source(visit: &mut dyn FnMut(&Path, &str)) {
    let root = repository().join("host/src");
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                visit(path.strip_prefix(&root).unwrap(), &text);
            }
        }
    }
}
