//! The reader of BMCs, with nginx as a BMC: a tree of files as Redfish has it.

use super::expect_help;
use crate::files::Files;
use crate::peer::start_server;
use crate::{Need, Trials};
use premaster_testing::Directory;
use premaster_testing::program::{Ended, Program, built};
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

const EXAMPLE: &str = "examples/redfish";

const NGINX: &str = "nginx";

pub fn add_trials(trials: &mut Trials) {
    let needs = &[Need::Built(EXAMPLE), Need::Program(NGINX)];
    trials.add_with(&needs[..1], "redfish::help".into(), |_| {
        expect_help(EXAMPLE);
    });
    let mut add = |name: &str, test: fn(&Files)| {
        trials.add_with(needs, format!("redfish::{name}"), test);
    };
    add("pages", every_page_over_one_connection);
    add("connections", another_connection_resumes);
    add("runs", another_run_resumes);
    add("pin", a_wrong_pin);
    add("authority", a_ca);
    add("credentials", credentials);
    add("links", links_that_are_not_followed);
    add("bounds", bounds);
    add("closed", a_bmc_that_is_not_there);
}

/// How many pages the collection has, and how many members a page.
const PAGES: usize = 3;
const MEMBERS: usize = 2;

/// A BMC that runs until it is dropped.
struct Bmc {
    _program: Program,
    url: String,
    directory: Directory,
}

impl Bmc {
    /// `requests` is how many a connection may carry.
    #[track_caller]
    fn start(name: &str, requests: u32, files: &Files) -> Self {
        let directory = Directory::create(name);
        let bmc = directory.root().to_owned();
        write_tree(&directory);
        let (program, port, probe) = start_server(|port| {
            let text = configuration(&directory, port, requests, files);
            directory.write("nginx.conf", text.as_bytes());
            let mut command = Command::new(NGINX);
            command.args(["-e", "stderr", "-c", "nginx.conf", "-p"]).arg(&bmc);
            command
        });
        drop(probe);
        Self {
            _program: program,
            url: format!("https://127.0.0.1:{port}"),
            directory,
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(built(EXAMPLE));
        command.arg(&self.url);
        command
    }

    /// Reads with these arguments, and the token.
    #[track_caller]
    fn read(&self, files: &Files, arguments: &[&str]) -> Ended {
        let mut command = self.command();
        command.arg("--token-file").arg(self.secret("token", "a-token\n"));
        command.args(["--pin", &pin(files)]).args(arguments);
        end(&mut command)
    }

    /// A file for its owner alone.
    fn secret(&self, name: &str, content: &str) -> PathBuf {
        let path = PathBuf::from(self.directory.write(name, content.as_bytes()));
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path
    }
}

#[track_caller]
fn end(command: &mut Command) -> Ended {
    let ended = Program::start(command).wait();
    let long = ended.stdout.lines().find(|line| line.len() > 80);
    assert_eq!(long, None);
    ended
}

/// What was printed, each line whole again.
fn told(ended: &Ended) -> String {
    format!("{}{}", ended.stdout, ended.stderr).replace("\n    ", " ")
}

/// The program has done all, and printed this.
#[track_caller]
fn expect(ended: &Ended, text: &str) {
    assert!(ended.status.success(), "{ended:?}");
    assert!(told(ended).contains(text), "{text} {ended:?}");
}

/// The program has failed, and said this.
#[track_caller]
fn expect_failure(ended: &Ended, text: &str) {
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(told(ended).contains(text), "{text} {ended:?}");
}

/// As `openssl x509 -fingerprint -sha256` prints it.
fn pin(files: &Files) -> String {
    let mut openssl = Command::new("openssl");
    openssl.args(["x509", "-noout", "-fingerprint", "-sha256", "-in"]);
    let ended = Program::start(openssl.arg(files.server_certificate())).wait();
    assert!(ended.status.success(), "{ended:?}");
    ended.stdout.trim().split_once('=').unwrap().1.to_owned()
}

/// nginx with RSA key transport alone. It asks for the token or the password everywhere but at the
/// service root. Its user is the only one that there is in the network namespace of these tests.
fn configuration(directory: &Directory, port: u16, requests: u32, files: &Files) -> String {
    let root = directory.root();
    let root = root.display();
    directory.write("users", b"operator:{PLAIN}a password\n");
    format!(
        r#"
daemon off;
master_process off;
user root root;
pid {root}/pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
    access_log off;
    default_type application/json;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    keepalive_requests {requests};
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2;
        ssl_ciphers AES128-GCM-SHA256;
        ssl_session_cache shared:bmc:1m;
        root {root}/tree;
        index document;
        location = /redfish/v1/ {{ try_files /redfish/v1/document =404; }}
        location / {{
            set $user "$http_x_auth_token";
            if ($user = "") {{ rewrite ^ /password$uri last; }}
            if ($user != "a-token") {{ return 401; }}
            try_files $uri/document =404;
        }}
        location /password/ {{
            internal;
            auth_basic BMC;
            auth_basic_user_file {root}/users;
            rewrite ^/password(/.*)$ $1/document break;
        }}
        location /slow {{ limit_rate 1; try_files $uri/document =404; }}
        location /moved {{ return 308 https://elsewhere.example/redfish; }}
    }}
}}
"#,
        certificate = files.server_certificate().display(),
        key = files.server_key().display(),
    )
}

/// Each document is a file of this name in the directory of its path.
fn write_tree(directory: &Directory) {
    let write = |path: &str, document: &Value| {
        let tree = directory.root().join("tree").join(path);
        fs::create_dir_all(&tree).unwrap();
        fs::write(tree.join("document"), document.to_string()).unwrap();
    };
    let root = json!({
        "RedfishVersion": "1.15.0",
        "Product": "A BMC",
        "UUID": "92384634-2938-2342-8820-489239905423",
        "Systems": link("/redfish/v1/Systems"),
    });
    write("redfish/v1", &root);
    for page in 1..=PAGES {
        let first = (page - 1) * MEMBERS + 1;
        let members = (first..first + MEMBERS).map(|n| link(&format!("/redfish/v1/Systems/{n}")));
        let mut document = json!({ "Members": members.collect::<Vec<_>>() });
        if page < PAGES {
            let next = format!("/redfish/v1/Systems/pages/{}#fragment", page + 1);
            document["Members@odata.nextLink"] = next.into();
        }
        match page {
            1 => write("redfish/v1/Systems", &document),
            _ => write(&format!("redfish/v1/Systems/pages/{page}"), &document),
        }
    }
    for member in 1..=PAGES * MEMBERS {
        let document = json!({
            "Name": format!("System {member}\u{1b}"),
            "PowerState": "On",
            "Status": { "Health": "OK" },
        });
        write(&format!("redfish/v1/Systems/{member}"), &document);
    }
    for (path, next) in [
        ("circle", "/circle"),
        ("away", "https://elsewhere.example/redfish/v1/Systems"),
        ("port", "https://127.0.0.1:1/redfish/v1/Systems"),
        ("host", "//elsewhere.example/redfish/v1/Systems"),
        ("plain", "http://127.0.0.1/redfish/v1/Systems"),
        ("user", "https://a@127.0.0.1/redfish/v1/Systems"),
        ("relative", "redfish/v1/Systems"),
    ] {
        write(path, &json!({ "Members": [], "@odata.nextLink": next }));
    }
    write(
        "member",
        &json!({ "Members": [link("//elsewhere.example/")] }),
    );
    write("slow", &json!({ "Members": [] }));
    write("array", &json!([]));
}

fn link(path: &str) -> Value {
    json!({ "@odata.id": path })
}

fn every_page_over_one_connection(files: &Files) {
    let bmc = Bmc::start("redfish-pages", 100, files);
    let ended = bmc.read(files, &["--members"]);
    expect(&ended, "Redfish 1.15.0, product A BMC, UUID 92384634-");
    expect(
        &ended,
        "connection 1: TLS 1.2, TLS_RSA_WITH_AES_128_GCM_SHA256, resumed: no",
    );
    expect(&ended, "waivers: pinned certificate\n");
    expect(&ended, "6 members on 3 pages\n");
    for member in 1..=6 {
        // A BMC's text does nothing to a terminal.
        let line = format!(
            "/redfish/v1/Systems/{member}: System {member}\\u{{1b}}, power On, health OK\n"
        );
        expect(&ended, &line);
    }
    expect(&ended, "requests: 10, answers: 10, ");
    expect(&ended, "connections: 1, resumed: 0\n");
    assert!(!ended.stdout.contains("connection 2"), "{ended:?}");
}

/// A BMC that closes a connection now and then costs no further full handshake.
fn another_connection_resumes(files: &Files) {
    let bmc = Bmc::start("redfish-connections", 3, files);
    let ended = bmc.read(files, &["--members"]);
    for connection in 2..=4 {
        let line = format!(
            "connection {connection}: TLS 1.2, TLS_RSA_WITH_AES_128_GCM_SHA256, resumed: ticket"
        );
        expect(&ended, &line);
    }
    expect(&ended, "connections: 4, resumed: 3\n");
}

fn another_run_resumes(files: &Files) {
    let bmc = Bmc::start("redfish-runs", 100, files);
    let session = bmc.directory.root().join("session");
    let arguments = ["--session-file", session.to_str().unwrap()];
    expect(&bmc.read(files, &arguments), "connections: 1, resumed: 0\n");
    expect(&bmc.read(files, &arguments), "connections: 1, resumed: 1\n");
}

/// No request is sent, and the error says which option would accept the certificate.
fn a_wrong_pin(files: &Files) {
    let bmc = Bmc::start("redfish-pin", 100, files);
    let ended = end(bmc.command().args(["--pin", &"00".repeat(32)]));
    expect_failure(
        &ended,
        "error: /redfish/v1/: client error (Connect): the peer's certificate was not",
    );
    expect_failure(&ended, "connections: 0, resumed: 0\n");
    let flag = format!("flag: --pin {}", pin(files).replace(':', "").to_lowercase());
    expect_failure(&ended, &flag);
}

fn a_ca(files: &Files) {
    let bmc = Bmc::start("redfish-ca", 100, files);
    let token = bmc.secret("token", "a-token");
    let mut command = bmc.command();
    command.arg("--ca").arg(files.root_certificate()).arg("--token-file").arg(token);
    expect(&end(&mut command), "waivers: none\n");
}

fn credentials(files: &Files) {
    let bmc = Bmc::start("redfish-credentials", 100, files);
    let with = |arguments: &[&str]| end(bmc.command().args(["--pin", &pin(files)]).args(arguments));
    // The service root is for anybody.
    let ended = with(&[]);
    expect_failure(&ended, "product A BMC");
    expect_failure(
        &ended,
        "/redfish/v1/Systems: 401 Unauthorized; --user or --token-file says who asks",
    );

    let right = bmc.secret("right", "a password\nand more\n");
    let wrong = bmc.secret("wrong", "another");
    let (right, wrong) = (right.to_str().unwrap(), wrong.to_str().unwrap());
    expect(
        &with(&["--user", "operator", "--password-file", right]),
        "6 members",
    );
    expect_failure(
        &with(&["--user", "operator", "--password-file", wrong]),
        "401 Unauthorized",
    );
    expect_failure(&with(&["--token-file", wrong]), "401 Unauthorized");

    let usage_error = |arguments: &[&str], text: &str| {
        let ended = with(arguments);
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        assert!(told(&ended).contains(text), "{ended:?}");
    };
    usage_error(
        &["--user", "a:b", "--password-file", right],
        "must not contain a colon",
    );
    fs::set_permissions(right, Permissions::from_mode(0o644)).unwrap();
    usage_error(
        &["--user", "operator", "--password-file", right],
        "accessible to others",
    );
    let empty = bmc.secret("empty", "\n");
    usage_error(
        &["--token-file", empty.to_str().unwrap()],
        "the first line is empty",
    );
}

/// Not to another host or port, not without TLS, and not for ever.
fn links_that_are_not_followed(files: &Files) {
    let bmc = Bmc::start("redfish-links", 100, files);
    let away = "leads away from the BMC, and is not followed";
    for (path, cause) in [
        ("/circle", "the pages go round in a circle"),
        ("/away", away),
        ("/port", away),
        ("/host", away),
        ("/plain", away),
        ("/user", away),
        ("/relative", "not a link: redfish/v1/Systems"),
        ("/member", away),
        (
            "/moved",
            "308 Permanent Redirect to https://elsewhere.example/redfish, which is not followed",
        ),
        ("/redfish/v1/none", "404 Not Found"),
        ("/redfish/v1/Systems/1", "not a collection"),
        ("/array", "not a JSON object"),
    ] {
        let ended = bmc.read(files, &["--collection", path, "--members"]);
        expect_failure(&ended, cause);
        // Every request was answered, so none went elsewhere.
        expect_failure(&ended, "requests: 2, answers: 2, ");
    }
    expect_failure(
        &bmc.read(files, &["--collection", "Fabrics"]),
        "the service root has no Fabrics",
    );
}

fn bounds(files: &Files) {
    let bmc = Bmc::start("redfish-bounds", 100, files);
    for (arguments, cause) in [
        (
            &["--max-requests", "3"][..],
            "more than 3 requests; --max-requests allows more",
        ),
        (
            &["--max-bytes", "300"],
            "more than 300 bytes; --max-bytes allows more",
        ),
        (
            &["--collection", "/slow", "--timeout", "2"],
            "/slow: no answer within 2s",
        ),
        (
            &["--collection", "/slow", "--deadline", "2"],
            "not done within 2s",
        ),
    ] {
        expect_failure(&bmc.read(files, arguments), cause);
    }
}

fn a_bmc_that_is_not_there(files: &Files) {
    let mut command = Command::new(built(EXAMPLE));
    command.args(["https://127.0.0.1:1", "--pin", &pin(files)]);
    expect_failure(&end(&mut command), "Connection refused");
    for (url, cause) in [
        ("http://127.0.0.1", "must begin with https://"),
        ("https://127.0.0.1/redfish", "must have no path"),
        ("https://a:b@127.0.0.1", "given by --user"),
    ] {
        let ended = end(Command::new(built(EXAMPLE)).args([url, "--pin", &pin(files)]));
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        assert!(told(&ended).contains(cause), "{ended:?}");
    }
}
