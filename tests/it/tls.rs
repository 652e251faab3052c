//! Redis over TLS: only where the binary is built for it.

use crate::server::{output, worldboss};
use std::path::Path;
use std::process::Command;
use xtask::redis::Server;

/// A certificate for localhost, and its key.
fn certify(dir: &Path) {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ])
        // An authority is no server: this one may not sign for others.
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn a_redis_that_speaks_tls_is_believed_by_its_certificate_alone() {
    let dir = tempfile::tempdir().unwrap();
    certify(dir.path());
    let file = |name: &str| dir.path().join(name).display().to_string();
    let (cert, key) = (file("cert.pem"), file("key.pem"));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let settings = [
        ("tls-port", port.to_string()),
        ("tls-cert-file", cert.clone()),
        ("tls-key-file", key),
        ("tls-ca-cert-file", cert.clone()),
        ("tls-auth-clients", "no".to_owned()),
    ];
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let _server = Server::start(&settings).unwrap();
    let load = |trusted: &str| {
        let mut load = worldboss();
        load.args(["authority", "load", "--authority", &format!("rediss://localhost:{port}")]);
        output(load.env("SSL_CERT_FILE", trusted))
    };
    let (code, stderr) = load(&cert);
    assert_eq!(code, Some(0), "{stderr}");
    let other = tempfile::tempdir().unwrap();
    certify(other.path());
    let (code, stderr) = load(&other.path().join("cert.pem").display().to_string());
    assert_eq!(code, Some(1), "a stranger's certificate is not believed");
    assert!(stderr.contains("certificate"), "{stderr}");
}
