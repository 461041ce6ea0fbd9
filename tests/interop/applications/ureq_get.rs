//! `ureq` over this library, against nginx and OpenSSL.

use super::{Device, PAGE, expect_help};
use crate::files::Files;
use crate::peer::free_port;
use crate::{Need, Trials};
use premaster_testing::Directory;
use premaster_testing::program::{Ended, Program, built};
use std::process::Command;

const EXAMPLE: &str = "examples/ureq_get";

const NGINX: &str = "nginx";

pub fn add_trials(trials: &mut Trials) {
    let needs = &[Need::Built(EXAMPLE)];
    let name = |name| format!("applications::ureq_get::{name}");
    trials.add_with(needs, name("help"), help);
    let needs = &[Need::Built(EXAMPLE), Need::Program("openssl")];
    trials.add_with(needs, name("resumes"), resumes);
    trials.add_with(
        needs,
        name("refuses_another_server"),
        refuses_another_server,
    );
    let needs = &[Need::Built(EXAMPLE), Need::Program(NGINX)];
    trials.add_with(needs, name("keeps_connections"), keeps_connections);
}

fn help(_: &Files) {
    expect_help(EXAMPLE);
}

/// Gets this page so many times.
fn get(port: u16, times: usize, trust: &[&str]) -> Ended {
    let mut command = Command::new(built(EXAMPLE));
    command.args(trust);
    for _ in 0..times {
        command.arg(format!("https://127.0.0.1:{port}/status"));
    }
    Program::start(&mut command).wait()
}

#[track_caller]
fn is_got(ended: &Ended, times: usize, told: &str) {
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.stdout, PAGE.repeat(times), "{ended:?}");
    assert_eq!(ended.stderr, told);
}

/// nginx closes a connection after two requests.
fn keeps_connections(files: &Files) {
    let directory = Directory::create("ureq-nginx");
    directory.write("status", PAGE);
    let port = free_port();
    let path = |name: &str| directory.path(name);
    let configuration = format!(
        "daemon off; master_process off; user root; pid {pid}; error_log stderr;
         events {{}}
         http {{
             access_log off;
             client_body_temp_path {t}; proxy_temp_path {t}; fastcgi_temp_path {t};
             uwsgi_temp_path {t}; scgi_temp_path {t};
             server {{
                 listen 127.0.0.1:{port} ssl;
                 ssl_certificate {certificate}; ssl_certificate_key {key};
                 ssl_protocols TLSv1.2; ssl_ciphers AES128-GCM-SHA256;
                 ssl_session_cache builtin:100;
                 keepalive_requests 2;
                 root {root};
             }}
         }}",
        pid = path("pid"),
        t = path("temporary"),
        certificate = files.server_certificate().display(),
        key = files.server_key().display(),
        root = directory.root().display(),
    );
    let configuration = directory.write("nginx.conf", configuration);
    let mut command = Command::new(NGINX);
    command.args(["-e", "stderr", "-p"]).arg(directory.root()).args(["-c", &configuration]);
    let mut nginx = Program::start(&mut command);
    let probe = nginx.connect(port);
    assert!(probe.is_some(), "{}", nginx.printed());

    let root = files.root_certificate();
    let ended = get(port, 5, &["--ca", root.to_str().unwrap()]);
    is_got(&ended, 5, "connections: 3, sessions resumed: 2\n");
}

/// OpenSSL serves one page a connection.
fn resumes(files: &Files) {
    let server = Device::old("ureq-openssl", files);
    let root = files.root_certificate();
    let ended = get(server.port, 3, &["--ca", root.to_str().unwrap()]);
    is_got(&ended, 3, "connections: 3, sessions resumed: 2\n");
}

fn refuses_another_server(files: &Files) {
    let server = Device::old("ureq-other", files);
    let ended = get(server.port, 1, &["--pin", &"0f".repeat(32)]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!(ended.stdout, "", "{ended:?}");
    assert!(
        ended.stderr.contains("--pin") || ended.stderr.contains("pin"),
        "{ended:?}"
    );
}
