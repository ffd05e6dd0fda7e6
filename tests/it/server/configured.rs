//! Where the settings come from: flags, the environment, files it names, the configuration file, defaults.

use std::path::PathBuf;

use world::{Process, Ran};

/// A folder with a configuration file.
struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn holds(&self, name: &str, text: &str) -> String {
        let file: PathBuf = self.folder.path().join(name);
        std::fs::write(&file, text).expect("a file");
        file.display().to_string()
    }
}

/// The line of a setting, as `config check` printed it.
fn line<'a>(ran: &'a Ran, key: &str) -> &'a str {
    let begins = [format!("{key} = "), format!("# {key} ")];
    let found = ran
        .out
        .lines()
        .find(|line| begins.iter().any(|begin| line.starts_with(begin)));
    found.unwrap_or_else(|| panic!("no line of {key}: {ran:?}"))
}

#[tokio::test]
async fn a_flag_comes_before_the_environment_and_that_before_the_file_and_that_before_the_default()
{
    let folder = Folder::new();
    let file = folder.holds(
        "ours.toml",
        "# ours\ndata = \"/from/file\"\nlisten = \"127.0.0.1:1\"\norigin = [\"https://a.example\", \"https://b.example\"]\n",
    );
    let key = folder.holds("origin", "https://named.example\nsecond line\n");
    let check = ["config", "check", "--config", &file];
    let ran = Ran::with(&check, &[]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        line(&ran, "data"),
        format!("data = \"/from/file\"  # {file}:2")
    );
    assert_eq!(
        line(&ran, "origin"),
        format!("origin = [\"https://a.example\", \"https://b.example\"]  # {file}:4")
    );
    assert_eq!(line(&ran, "cql"), "# cql is not set  # default");
    assert_eq!(line(&ran, "cql-replicas"), "# cql-replicas = 3  # default");
    let variables = [
        ("CHAOKE_DATA", "/from/environment"),
        ("CHAOKE_LISTEN", "127.0.0.1:2"),
        ("CHAOKE_ORIGIN_FILE", key.as_str()),
    ];
    let flags = [&check[..], &["--listen", "127.0.0.1:3"]].concat();
    let ran = Ran::with(&flags, &variables).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        line(&ran, "listen"),
        "listen = \"127.0.0.1:3\"  # flag --listen"
    );
    assert_eq!(
        line(&ran, "data"),
        "data = \"/from/environment\"  # environment CHAOKE_DATA"
    );
    assert_eq!(
        line(&ran, "origin"),
        format!("origin = [\"https://named.example\"]  # file {key}, named by CHAOKE_ORIGIN_FILE")
    );
    // What it prints is a configuration file that means the same.
    let printed = folder.holds("printed.toml", &ran.out);
    let again = Ran::with(&["config", "check"], &[("CHAOKE_CONFIG", &printed)]).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    let given = |out: &str| -> Vec<String> {
        let lines = out.lines().filter(|line| !line.starts_with('#'));
        let lines = lines.map(|line| line.split("  # ").next().unwrap_or_default());
        lines.map(str::to_owned).collect()
    };
    assert_eq!(given(&again.out), given(&ran.out));
}

#[tokio::test]
async fn a_broken_configuration_is_told_with_file_line_and_remedy() {
    let folder = Folder::new();
    for (text, says) in [
        (
            "\nlisen = \"127.0.0.1:1\"",
            ":2: there is no setting lisen; did you mean listen?",
        ),
        (
            "listen = 8080",
            ":1: listen is a text, write listen = \"127.0.0.1:8080\"",
        ),
        (
            "listen = \"nowhere\"",
            ":1: listen: \"nowhere\" can't be meant: invalid socket address syntax",
        ),
        (
            "data = \"x\"\n[cql]\nreplicas = 3",
            ":2: there are no sections: write the settings without [cql]",
        ),
        ("data = ", ":1: this is not TOML: "),
        (
            "cql-replicas = 3",
            ":1: cql-replicas needs --cql <HOST:PORT> as well",
        ),
        (
            "log = \"info,storage=loud\"",
            ":1: log: \"info,storage=loud\" can't be meant: error parsing level filter",
        ),
    ] {
        let file = folder.holds("broken.toml", text);
        let flags = ["--config".to_owned(), file.clone()];
        // A server with it does not start, and says the same.
        let started = Process::is_refused(&flags).await;
        let ran = Ran::with(&["config", "check", "--config", &file], &[]).await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        for said in [started.as_str(), ran.err.trim_end()] {
            assert!(
                said.starts_with(&format!("chaoke: {file}{says}")),
                "{text:?}: {said}"
            );
        }
    }
    let ran = Ran::with(&["config", "check", "--config", "/nowhere.toml"], &[]).await;
    let version = Ran::with(&["version"], &[("CHAOKE_CONFIG", "/nowhere.toml")]).await;
    assert_eq!(version.code, Some(0), "it needs no settings: {version:?}");
    assert!(
        ran.err
            .contains("the configuration /nowhere.toml can't be read"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn a_file_that_the_environment_names_is_told_apart_from_the_value() {
    let folder = Folder::new();
    let (good, empty) = (
        folder.holds("good", "127.0.0.1:0\n"),
        folder.holds("empty", "\n"),
    );
    let bad = folder.holds("bad", "a secret that is no address\n");
    let check = ["config", "check"];
    for (variables, says) in [
        (
            vec![
                ("CHAOKE_LISTEN", "127.0.0.1:0"),
                ("CHAOKE_LISTEN_FILE", good.as_str()),
            ],
            "both CHAOKE_LISTEN and CHAOKE_LISTEN_FILE are set; leave one of them out",
        ),
        (
            vec![("CHAOKE_LISTEN_FILE", "/nowhere")],
            "the file /nowhere, named by CHAOKE_LISTEN_FILE, can't be read",
        ),
        (
            vec![("CHAOKE_LISTEN_FILE", empty.as_str())],
            "holds no value",
        ),
        (
            vec![("CHAOKE_LISTEN_FILE", bad.as_str())],
            "holds a value that can't be meant",
        ),
    ] {
        let ran = Ran::with(&check, &variables).await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains(says), "{ran:?}");
        assert!(!ran.err.contains("a secret"), "{ran:?}");
    }
    let ran = Ran::with(&check, &[("CHAOKE_LISTN", "127.0.0.1:0")]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.err
            .contains("CHAOKE_LISTN is not read; did you mean CHAOKE_LISTEN?"),
        "{ran:?}"
    );
    // The flag that is named like a twin is itself.
    let variables = [("CHAOKE_CQL_PASSWORD_FILE", good.as_str())];
    let ran = Ran::with(&check, &variables).await;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("--cql-user"), "{ran:?}");
}

#[tokio::test]
async fn a_server_serves_with_what_its_file_says() {
    let folder = Folder::new();
    let file = folder.holds("ours.toml", "origin = [\"https://chat.example\"]\n");
    let process = Process::start_with(&["--config".to_owned(), file]).await;
    let allowed = [("origin", "https://chat.example")];
    let wire = process.wire();
    let state = wire
        .http_with(&allowed, "setup.state", serde_json::json!({}))
        .await;
    assert_eq!(state.ok()["done"], false);
    let other = [("origin", "https://other.example")];
    let state = wire
        .http_with(&other, "setup.state", serde_json::json!({}))
        .await;
    assert_eq!(state.status, 403);
}
