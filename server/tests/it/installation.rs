//! From nothing to a first owner, with the binary itself: the key files, what refuses to start, and the set-up page.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use serde_json::json;
use tempfile::TempDir;

use crate::harness::{Database, Settings, TestApp, block_on};

const SET_UP: &str = "mutation($input: SetUpInput!) { setUp(input: $input) { viewer { person { name } \
    memberships { role agency { slug } } } } }";

pub(crate) fn ringfence(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    // The demo does not take the database of its surroundings.
    let folder = arguments
        .iter()
        .skip_while(|word| **word != "--data-dir")
        .nth(1);
    if let (Some(folder), false) = (folder, arguments[0] == "demo") {
        command.envs(database_url(folder).map(|url| ("RINGFENCE_DATABASE_URL", url)));
    }
    command
}

/// The database that belongs to a data folder, where it is not the usual file in it.
pub(crate) fn database_url(folder: &str) -> Option<String> {
    let folder = std::path::PathBuf::from(folder);
    block_on(async move { Database::of(&folder).await.url() })
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    ringfence(arguments).output().unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    let both = [output.stdout.clone(), output.stderr.clone()].concat();
    String::from_utf8(both).unwrap()
}

pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Makes an installation in the folder and gives the path of its recovery kit.
pub(crate) fn init(folder: &Path) -> std::path::PathBuf {
    let kit = folder.join("kit.txt");
    let output = run(&[
        "init",
        "--data-dir",
        &text(folder),
        "--recovery-kit",
        &text(&kit),
    ]);
    assert!(output.status.success(), "{}", said(&output));
    kit
}

/// Starts a server and reads what it prints, up to the line with these words.
pub(crate) fn start_until(command: &mut Command, words: &str) -> (Child, String) {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut printed = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for line in output.by_ref().lines() {
        let line = line.unwrap();
        printed.push_str(&line);
        printed.push('\n');
        if line.contains(words) {
            break;
        }
    }
    // Kept open: more may be printed.
    child.stdout = Some(output.into_inner());
    (child, printed)
}

/// Starts `serve` on a free port and reads what it prints until it listens.
pub(crate) fn serve(folder: &Path) -> (Child, String) {
    let folder = text(folder);
    let arguments = ["serve", "--data-dir", &folder, "--listen", "127.0.0.1:0"];
    start_until(&mut ringfence(&arguments), "listens on")
}

pub(crate) fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// E6: `init` makes both files with mode 0600, says nothing of their content, and never overwrites them.
#[test]
fn init_makes_private_files_once() {
    let temp = TempDir::new().unwrap();
    let folder = temp.path().join("data");
    fs::create_dir(&folder).unwrap();
    let kit = init(&folder);
    let files = ["master.key", "session.secret"].map(|name| folder.join(name));
    let before = files.clone().map(|file| fs::read_to_string(file).unwrap());
    for file in files.iter().chain([&kit]) {
        assert_eq!(
            fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600,
            "{}",
            file.display()
        );
    }
    let again = run(&["init", "--data-dir", &text(&folder)]);
    assert!(again.status.success(), "{}", said(&again));
    assert!(said(&again).contains("already"));
    assert_eq!(files.map(|file| fs::read_to_string(file).unwrap()), before);
    assert_ne!(before[0], before[1]);
}

/// E6: the recovery kit goes to a terminal or a 0600 file, never down a pipe.
#[test]
fn the_recovery_kit_never_goes_down_a_pipe() {
    let temp = TempDir::new().unwrap();
    let folder = temp.path().join("data");
    let refused = run(&["init", "--data-dir", &text(&folder)]);
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("--recovery-kit"),
        "{}",
        said(&refused)
    );
    assert!(!folder.join("master.key").exists());
}

/// E6, E4: without its files the server does not start, and says which command makes them.
#[test]
fn serve_without_init_says_what_to_do() {
    let temp = TempDir::new().unwrap();
    let refused = run(&[
        "serve",
        "--data-dir",
        &text(temp.path()),
        "--listen",
        "127.0.0.1:0",
    ]);
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("ringfence init"),
        "{}",
        said(&refused)
    );
}

/// E4: a wrong master key is found at start; the server names the one that it needs and changes nothing.
#[test]
fn a_wrong_master_key_is_refused_at_start() {
    let temp = TempDir::new().unwrap();
    let (one, other) = (temp.path().join("one"), temp.path().join("other"));
    for folder in [&one, &other] {
        fs::create_dir(folder).unwrap();
        init(folder);
    }
    let (child, _) = serve(&one);
    end(child);
    let right = fs::read(one.join("master.key")).unwrap();
    fs::copy(other.join("master.key"), one.join("master.key")).unwrap();
    let refused = run(&[
        "serve",
        "--data-dir",
        &text(&one),
        "--listen",
        "127.0.0.1:0",
    ]);
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("was sealed with master key"),
        "{}",
        said(&refused)
    );
    fs::write(one.join("master.key"), right).unwrap();
    let (child, _) = serve(&one);
    end(child);
}

/// E6: a database without its key refuses `init` and `serve`; the text of the recovery kit brings it back.
#[test]
fn a_lost_master_key_is_not_replaced_but_restored() {
    let temp = TempDir::new().unwrap();
    let folder = temp.path().to_owned();
    let kit = init(&folder);
    let (child, _) = serve(&folder);
    end(child);
    fs::remove_file(folder.join("master.key")).unwrap();
    let kit_again = text(&folder.join("kit-2.txt"));
    for command in [
        vec!["init", "--recovery-kit", kit_again.as_str()],
        vec!["serve", "--listen", "127.0.0.1:0"],
    ] {
        let arguments = [command, vec!["--data-dir", folder.to_str().unwrap()]].concat();
        let refused = run(&arguments);
        assert!(!refused.status.success(), "{arguments:?}");
        assert!(!folder.join("master.key").exists(), "{}", said(&refused));
    }
    fs::copy(&kit, folder.join("master.key")).unwrap();
    let (child, _) = serve(&folder);
    end(child);
}

mod sqlite {
    use super::*;

    /// X2: one server owns a data folder; a second one is refused and says so.
    #[test]
    fn a_second_server_on_one_data_folder_is_refused() {
        let temp = TempDir::new().unwrap();
        init(temp.path());
        let (child, _) = serve(temp.path());
        let refused = run(&[
            "serve",
            "--data-dir",
            &text(temp.path()),
            "--listen",
            "127.0.0.1:0",
        ]);
        end(child);
        assert!(!refused.status.success());
        assert!(
            said(&refused).contains("another Ringfence server"),
            "{}",
            said(&refused)
        );
    }
}

/// X2: a wrong setting is named, with what it should be.
#[test]
fn a_wrong_setting_is_named() {
    for (flag, value, setting) in [
        ("--listen", "nowhere", "listen"),
        ("--public-url", "http://keys.example.com", "public_url"),
        ("--cipher", "rot13", "cipher"),
        ("--database-url", "mysql://x", "database_url"),
        ("--trusted-proxies", "everyone", "trusted_proxies"),
        ("--log-format", "xml", "log_format"),
    ] {
        let refused = run(&["serve", flag, value]);
        assert!(!refused.status.success());
        assert!(
            said(&refused).contains(&format!("{setting}: ")),
            "{flag}: {}",
            said(&refused)
        );
    }
    let exposed = run(&["serve", "--listen", "0.0.0.0:0"]);
    assert!(
        said(&exposed).contains("public_url: "),
        "{}",
        said(&exposed)
    );
    for (host, problem) in [
        ("nowhere", "needs an address"),
        ("http://api.vapi.ai", "https://"),
        ("https://ann:secret@api.vapi.ai", "user name"),
        ("https://api.vapi.ai/?org=1", "query"),
        ("https://api.vapi.ai/#here", "fragment"),
    ] {
        let refused = ringfence(&["serve"])
            .env("VAPI_BASE_URL", host)
            .output()
            .unwrap();
        let said = said(&refused);
        assert!(!refused.status.success(), "{host}");
        assert!(said.contains("VAPI_BASE_URL: "), "{host}: {said}");
        assert!(said.contains(problem), "{host}: {said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

/// E6: there is no master key without its recovery kit: where the kit cannot be kept, no key is made, and the next `init`
/// makes both.
#[test]
fn no_master_key_is_made_without_its_recovery_kit() {
    let temp = TempDir::new().unwrap();
    let folder = temp.path().join("data");
    let attempt = |kit: &Path| {
        let (folder, kit) = (text(&folder), text(kit));
        run(&["init", "--data-dir", &folder, "--recovery-kit", &kit])
    };
    let taken = temp.path().join("taken.txt");
    fs::write(&taken, "something else").unwrap();
    let refused = attempt(&taken);
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("another file for the recovery kit"),
        "{}",
        said(&refused)
    );
    assert_eq!(fs::read_to_string(&taken).unwrap(), "something else");
    // Whoever runs this may be root, whom no mode stops: a file in the place of the folder stops everybody.
    let refused = attempt(&taken.join("kit.txt"));
    assert!(!refused.status.success());
    assert!(!folder.join("master.key").exists());
    let kit = temp.path().join("kit.txt");
    assert!(attempt(&kit).status.success());
    assert!(folder.join("master.key").exists());
    assert!(fs::metadata(&kit).unwrap().len() > 0);
}

/// E6: where the master key cannot be kept, no recovery kit of it is left behind.
#[test]
fn no_recovery_kit_is_left_without_its_master_key() {
    let temp = TempDir::new().unwrap();
    let blocked = temp.path().join("file");
    fs::write(&blocked, "").unwrap();
    let kit = temp.path().join("kit.txt");
    let refused = run(&[
        "init",
        "--data-dir",
        &text(&temp.path().join("data")),
        "--master-key-file",
        &text(&blocked.join("master.key")),
        "--recovery-kit",
        &text(&kit),
    ]);
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("no master key was made"),
        "{}",
        said(&refused)
    );
    assert!(!kit.exists());
}

/// H6: demo and sandbox refuse to listen beyond this machine.
#[test]
fn demo_and_sandbox_stay_on_this_machine() {
    let temp = TempDir::new().unwrap();
    for arguments in [
        vec![
            "demo",
            "--listen",
            "0.0.0.0:0",
            "--public-url",
            "https://keys.example.com",
        ],
        vec![
            "demo",
            "--listen",
            "127.0.0.1:0",
            "--sandbox-listen",
            "0.0.0.0:0",
        ],
        vec!["sandbox", "--listen", "0.0.0.0:0"],
    ] {
        let mut arguments = arguments;
        let folder = text(temp.path());
        if arguments[0] == "demo" {
            arguments.extend(["--data-dir", &folder]);
        }
        let refused = run(&arguments);
        assert!(!refused.status.success(), "{arguments:?}");
        assert!(
            said(&refused).contains("this machine only"),
            "{}",
            said(&refused)
        );
    }
}

/// H4, H2: the set-up page's token works once, for the first owner, who is logged in at once.
#[tokio::test]
async fn the_first_owner_is_made_once_with_the_printed_token() {
    let app = TestApp::with(Settings {
        is_without_people: true,
        ..Settings::default()
    })
    .await;
    let nobody = app.nobody();
    let asked = nobody.query("{ instance { needsSetUp } }").await.ok();
    assert_eq!(asked["instance"]["needsSetUp"], true);
    let token = ringfence::accounts::set_up::open(&app.app)
        .await
        .unwrap()
        .unwrap();
    let input = |token: &str, password: &str| json!({ "input": { "token": token, "agencyName": "First", "name": "Ada", "email": "ada@example.com", "password": password } });
    let wrong = nobody
        .graphql(SET_UP, input("guessed", "a good long password"))
        .await;
    assert_eq!(wrong.code(), "SET_UP_CLOSED");
    assert_eq!(wrong.error()["extensions"]["field"], "token");
    let short = nobody.graphql(SET_UP, input(&token, "short")).await;
    assert_eq!(short.error()["extensions"]["field"], "password");
    let made = nobody
        .graphql(SET_UP, input(&token, "a good long password"))
        .await
        .ok();
    assert_eq!(made["setUp"]["viewer"]["memberships"][0]["role"], "OWNER");
    let viewer = nobody.query("{ viewer { person { email } } }").await.ok();
    assert_eq!(viewer["viewer"]["person"]["email"], "ada@example.com");
    let again = app
        .nobody()
        .graphql(SET_UP, input(&token, "a good long password"))
        .await;
    assert_eq!(again.code(), "SET_UP_CLOSED");
    assert!(
        ringfence::accounts::set_up::open(&app.app)
            .await
            .unwrap()
            .is_none()
    );
}

/// H4: a token lives 30 minutes, and a new one ends the one before.
#[tokio::test]
async fn a_set_up_token_lives_thirty_minutes() {
    let app = TestApp::with(Settings {
        is_without_people: true,
        ..Settings::default()
    })
    .await;
    let first = ringfence::accounts::set_up::open(&app.app)
        .await
        .unwrap()
        .unwrap();
    let second = ringfence::accounts::set_up::open(&app.app)
        .await
        .unwrap()
        .unwrap();
    let attempt = async |token: &str| {
        let input = json!({ "input": { "token": token, "agencyName": "First", "name": "Ada", "email": "ada@example.com",
            "password": "a good long password" } });
        app.nobody().graphql(SET_UP, input).await
    };
    assert_eq!(attempt(&first).await.code(), "SET_UP_CLOSED");
    app.advance(Duration::from_secs(30 * 60));
    assert_eq!(attempt(&second).await.code(), "SET_UP_CLOSED");
    let third = ringfence::accounts::set_up::open(&app.app)
        .await
        .unwrap()
        .unwrap();
    attempt(&third).await.ok();
}

/// Runs a command that reads a line.
fn run_typing(arguments: &[&str], line: &str) -> Output {
    let mut child = ringfence(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let line = format!("{line}\n");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(line.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// E6: the operator makes agencies and people from the command line, and gives somebody another password; passwords come in
/// by standard input.
#[test]
fn the_operator_makes_agencies_and_people() {
    let temp = TempDir::new().unwrap();
    init(temp.path());
    let folder = text(temp.path());
    let made = run(&[
        "admin",
        "create-agency",
        "Acme Voice",
        "--data-dir",
        &folder,
    ]);
    assert!(said(&made).contains("acme-voice"), "{}", said(&made));
    let create = [
        "admin",
        "create-user",
        "--agency",
        "acme-voice",
        "--email",
        "ann@example.com",
        "--name",
        "Ann",
        "--role",
        "owner",
        "--data-dir",
        &folder,
    ];
    let output = run_typing(&create, "a good long password");
    assert!(output.status.success(), "{}", said(&output));
    assert!(!said(&output).contains("good long"));
    let reset = ["admin", "reset-password", "--data-dir", &folder];
    let output = run_typing(
        &[&reset[..], &["ANN@example.com"]].concat(),
        "another long one",
    );
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("They were not logged in anywhere."));
    assert!(!said(&output).contains("another long"));
    for (email, password, why) in [
        (
            "ben@example.com",
            "another long one",
            "Nobody has this email address here.",
        ),
        ("ann@example.com", "short", "at least 12 characters"),
    ] {
        let refused = run_typing(&[&reset[..], &[email]].concat(), password);
        assert!(!refused.status.success());
        assert!(said(&refused).contains(why), "{}", said(&refused));
    }
    let planned = run(&[
        "admin",
        "set-plan",
        "acme-voice",
        "enterprise",
        "--data-dir",
        &folder,
    ]);
    assert!(planned.status.success(), "{}", said(&planned));
    let unknown = run(&[
        "admin",
        "set-plan",
        "nobody",
        "enterprise",
        "--data-dir",
        &folder,
    ]);
    assert!(!unknown.status.success());
}

/// E2: what the server prints holds no key, and its process writes no core file.
#[test]
fn a_set_up_link_is_printed_and_nothing_secret_beside_it() {
    let temp = TempDir::new().unwrap();
    init(temp.path());
    let key = fs::read_to_string(temp.path().join("master.key")).unwrap();
    let (child, printed) = serve(temp.path());
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    end(child);
    assert!(printed.contains("/set-up?token="), "{printed}");
    assert!(!printed.contains(key.trim()));
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    let soft: u64 = core.split_whitespace().nth(4).unwrap().parse().unwrap();
    assert!(soft <= 1, "{core}");
}
