//! Certificates as they are in the field, before a TLS server of another make (OpenSSL): what kubectl takes is
//! taken, and what it refuses is refused with the reason. Where there is a kubectl, its verdict is compared.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use dubbo_k8s_engine::TransportErrorKind;
use dubbo_k8s_registry::kube::{
    Client,
    config::{Config, Environment, Overrides},
};
use dubbo_k8s_tests::skip;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
    PKCS_ECDSA_P521_SHA512, SignatureAlgorithm, date_time_ymd,
};
use tempfile::TempDir;

use crate::openssl::{self, TlsServer};
use crate::rig::ask;

/// What becomes of a connection.
#[derive(Clone, Copy)]
enum Verdict {
    Taken,
    /// With these words in the reason.
    Refused(&'static str),
}
use Verdict::{Refused, Taken};

const INSECURE: &str = "insecure-skip-tls-verify: true";
const CA: &str = "certificate-authority: ca.crt";
const NO_CERTIFICATE: &str = "{token: t}";
const ME: &str = "{client-certificate: me.crt, client-key: me.key}";
/// The server wants a certificate of its authority.
const KNOWN: &[&str] = &["-Verify", "3", "-verify_return_error", "-CAfile", "ca.crt"];

#[tokio::test]
async fn the_server_s_own_certificate_as_its_authority_is_trusted() {
    let Some(bench) = Bench::new("the_server_s_own_certificate_as_its_authority_is_trusted") else {
        return;
    };
    let issuer = authority("issuer", &PKCS_ECDSA_P256_SHA256);
    let elsewhere = "https://127.0.0.2:PORT";
    let here = "https://127.0.0.1:PORT";
    for (what, params, server, verdict) in [
        ("a leaf of an unknown issuer", leaf(), here, Taken),
        ("an authority of an unknown issuer", is_authority(leaf()), here, Taken),
        ("for another name", leaf(), elsewhere, Refused("127.0.0.2")),
        ("expired", dated(leaf(), 2020, 2021), here, Refused("expired on 2021-01-01 00:00:00 UTC")),
        (
            "not valid yet",
            dated(leaf(), 2120, 2121),
            here,
            Refused("not valid before 2120-01-01 00:00:00 UTC"),
        ),
        (
            "for clients",
            for_purpose(leaf(), ExtendedKeyUsagePurpose::ClientAuth),
            here,
            Refused("purpose"),
        ),
    ] {
        let key = bench.key("server", &PKCS_ECDSA_P256_SHA256);
        for (how, certificate) in [
            ("issued", params.signed_by(&key, &issuer).unwrap()),
            ("self-signed", params.self_signed(&key).unwrap()),
        ] {
            bench.write("server.crt", &certificate.pem());
            bench.write("ca.crt", &certificate.pem());
            let said = format!("{what}, {how}");
            bench.check_at(&said, server, &[], CA, NO_CERTIFICATE, verdict).await;
        }
    }
}

#[tokio::test]
async fn only_the_very_certificate_is_trusted_without_its_issuer() {
    let Some(bench) = Bench::new("only_the_very_certificate_is_trusted_without_its_issuer") else {
        return;
    };
    let issuer = authority("issuer", &PKCS_ECDSA_P256_SHA256);
    let key = bench.key("server", &PKCS_ECDSA_P256_SHA256);
    bench.write("ca.crt", &leaf().signed_by(&key, &issuer).unwrap().pem());
    bench.write("server.crt", &leaf().signed_by(&key, &issuer).unwrap().pem());
    let verdict = Refused("signed by an authority that is not trusted here");
    bench.check("another one of the same key", &[], CA, NO_CERTIFICATE, verdict).await;
}

#[tokio::test]
async fn a_server_s_certificate_may_be_that_of_an_authority_or_for_any_purpose() {
    let name = "a_server_s_certificate_may_be_that_of_an_authority_or_for_any_purpose";
    let Some(bench) = Bench::new(name) else { return };
    let any = || for_purpose(leaf(), ExtendedKeyUsagePurpose::Any);
    let clients = || for_purpose(leaf(), ExtendedKeyUsagePurpose::ClientAuth);
    let root = authority("root", &PKCS_ECDSA_P384_SHA384);
    let stranger = authority("root", &PKCS_ECDSA_P384_SHA384);
    let between = |params: CertificateParams| {
        CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &root).unwrap()
    };
    let good = between(authority_params("between"));
    let late = between(dated(authority_params("between"), 2020, 2021));
    let mut leaf_between = authority_params("between");
    leaf_between.is_ca = IsCa::ExplicitNoCa;
    let leaf_between = between(leaf_between);
    let mut signs_nothing = authority_params("between");
    signs_nothing.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let signs_nothing = between(signs_nothing);
    bench.write("ca.crt", &root.pem());
    for (what, params, issuer, through, verdict) in [
        ("an authority", is_authority(leaf()), &root, false, Taken),
        ("an authority, indirectly", is_authority(leaf()), &good, true, Taken),
        ("any purpose", any(), &root, false, Taken),
        ("any purpose, indirectly", any(), &good, true, Taken),
        ("only for clients", clients(), &root, false, Refused("purpose")),
        ("of an authority of that name", is_authority(leaf()), &stranger, false, Refused("")),
        ("without what is between", is_authority(leaf()), &good, false, Refused("")),
        ("late between", is_authority(leaf()), &late, true, Refused("")),
        ("no authority between", is_authority(leaf()), &leaf_between, true, Refused("")),
        ("may not sign", is_authority(leaf()), &signs_nothing, true, Refused("")),
        ("expired", dated(is_authority(leaf()), 2020, 2021), &root, false, Refused("")),
    ] {
        let key = bench.key("server", &PKCS_ECDSA_P256_SHA256);
        let mut chain = params.signed_by(&key, issuer).unwrap().pem();
        if through {
            chain.push_str(&issuer.pem());
        }
        bench.write("server.crt", &chain);
        bench.check(what, &[], CA, NO_CERTIFICATE, verdict).await;
    }
}

#[tokio::test]
async fn a_certificate_of_version_1_is_shown_as_it_is() {
    let Some(bench) = Bench::new("a_certificate_of_version_1_is_shown_as_it_is") else { return };
    bench.issue(&leaf(), &PKCS_ECDSA_P256_SHA256);
    openssl::run(bench.folder(), "ecparam -name prime256v1 -genkey -noout -out me.key");
    openssl::run(bench.folder(), "req -new -key me.key -subj /CN=ada/O=system:masters -out me.csr");
    openssl::run(
        bench.folder(),
        "x509 -req -in me.csr -CA ca.crt -CAkey ca.key -set_serial 7 -out me.crt",
    );
    bench.check("client", KNOWN, CA, ME, Taken).await;
    bench.check("client, over TLS 1.2", &[KNOWN, &["-tls1_2"]].concat(), CA, ME, Taken).await;
    openssl::run(bench.folder(), "ecparam -name prime256v1 -genkey -noout -out me.key");
    let other = Refused("the client key does not belong to the client certificate");
    bench.check("client with another key", KNOWN, CA, ME, other).await;
}

#[tokio::test]
async fn a_server_of_version_1_is_taken_only_where_no_certificate_is_looked_at() {
    let name = "a_server_of_version_1_is_taken_only_where_no_certificate_is_looked_at";
    let Some(bench) = Bench::new(name) else { return };
    bench.issue(&leaf(), &PKCS_ECDSA_P256_SHA256);
    openssl::run(bench.folder(), "req -new -key server.key -subj /CN=127.0.0.1 -out server.csr");
    openssl::run(
        bench.folder(),
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -set_serial 7 -out server.crt",
    );
    for version in ["-tls1_2", "-tls1_3"] {
        bench.check(version, &[version], INSECURE, NO_CERTIFICATE, Taken).await;
        let verdict = Refused("names no server at all");
        bench.check(version, &[version], CA, NO_CERTIFICATE, verdict).await;
    }
}

#[tokio::test]
async fn an_authority_of_version_1_vouches_for_its_servers() {
    let Some(bench) = Bench::new("an_authority_of_version_1_vouches_for_its_servers") else {
        return;
    };
    let folder = bench.folder();
    bench.issue(&leaf(), &PKCS_ECDSA_P256_SHA256);
    openssl::run(folder, "req -new -key ca.key -subj /CN=old -out ca.csr");
    openssl::run(folder, "x509 -req -in ca.csr -signkey ca.key -set_serial 1 -out ca.crt");
    for (what, constraints) in [("a leaf", "CA:FALSE"), ("an authority", "CA:TRUE")] {
        let names = format!("subjectAltName=IP:127.0.0.1\nbasicConstraints={constraints}\n");
        bench.write("names", &names);
        openssl::run(folder, "req -new -key server.key -subj /CN=new -out server.csr");
        openssl::run(
            folder,
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -set_serial 7 -extfile names \
             -out server.crt",
        );
        bench.check(what, &[], CA, NO_CERTIFICATE, Taken).await;
    }
}

#[tokio::test]
async fn keys_and_curves_are_those_of_go() {
    let Some(bench) = Bench::new("keys_and_curves_are_those_of_go") else { return };
    for (what, algorithm) in [
        ("P-256", &PKCS_ECDSA_P256_SHA256),
        ("P-384", &PKCS_ECDSA_P384_SHA384),
        ("P-521", &PKCS_ECDSA_P521_SHA512),
    ] {
        let issuer = bench.issue(&leaf(), algorithm);
        let mut me = CertificateParams::default();
        me.distinguished_name.push(DnType::CommonName, "ada");
        let key = bench.key("me", algorithm);
        bench.write("me.crt", &me.signed_by(&key, &issuer).unwrap().pem());
        for version in ["-tls1_2", "-tls1_3"] {
            let options = [KNOWN, &[version]].concat();
            bench.check(&format!("{what} {version}"), &options, CA, ME, Taken).await;
        }
    }
    for curve in ["P-256", "P-384", "P-521", "X25519"] {
        for version in ["-tls1_2", "-tls1_3"] {
            let options = ["-groups", curve, version];
            bench.check(&format!("{curve} {version}"), &options, CA, NO_CERTIFICATE, Taken).await;
        }
    }
}

#[tokio::test]
async fn a_key_is_what_it_is_whatever_its_label_says() {
    let Some(bench) = Bench::new("a_key_is_what_it_is_whatever_its_label_says") else { return };
    let issuer = bench.issue(&leaf(), &PKCS_ECDSA_P256_SHA256);
    openssl::run(bench.folder(), "genrsa -traditional -out rsa.key 2048");
    openssl::run(bench.folder(), "ecparam -name secp521r1 -genkey -out ec.key");
    for (name, label) in [("rsa.key", "RSA PRIVATE KEY"), ("ec.key", "EC PRIVATE KEY")] {
        let pem = fs::read_to_string(bench.path(name)).unwrap();
        bench.write("me.key", &pem);
        openssl::run(bench.folder(), "req -new -key me.key -subj /CN=ada -out me.csr");
        openssl::run(
            bench.folder(),
            "x509 -req -in me.csr -CA ca.crt -CAkey ca.key -set_serial 7 -out me.crt",
        );
        bench.check(label, KNOWN, CA, ME, Taken).await;
        bench.write("me.key", &pem.replace(label, "PRIVATE KEY"));
        bench.check(&format!("{label} without the kind"), KNOWN, CA, ME, Taken).await;
    }
    drop(issuer);
}

#[tokio::test]
async fn what_a_server_s_certificate_says_counts_as_for_go() {
    let Some(bench) = Bench::new("what_a_server_s_certificate_says_counts_as_for_go") else {
        return;
    };
    bench.issue(&leaf(), &PKCS_ECDSA_P256_SHA256);
    let names = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:fd00::1,DNS:*.pods.example";
    let other = Refused("");
    for (what, extensions, name, secure, insecure) in [
        ("its address", names, "", Taken, Taken),
        ("its name", names, "localhost", Taken, Taken),
        ("another case", names, "LocalHost", Taken, Taken),
        ("an IPv6 address", names, "fd00::1", Taken, Taken),
        ("one level below", names, "a.pods.example", Taken, Taken),
        ("two levels below", names, "a.b.pods.example", Refused("*.pods.example"), Taken),
        ("another address", names, "fd00::2", Refused("fd00::2"), Taken),
        ("an address as a name", "subjectAltName=DNS:127.0.0.1", "", other, Taken),
        ("no name at all", "basicConstraints=CA:FALSE", "", Refused("no server at all"), Taken),
        ("only an email", "subjectAltName=email:a@b", "", Refused("no server at all"), Taken),
        ("an unknown extension", &format!("{names}\n1.2.3.4=DER:0500"), "", Taken, Taken),
        ("one that is critical", &format!("{names}\n1.2.3.4=critical,DER:0500"), "", other, Taken),
        ("a usage", &format!("{names}\nkeyUsage=critical,keyAgreement"), "", Taken, Taken),
    ] {
        bench.write("names", &format!("{extensions}\n"));
        bench.certify("server", "/CN=127.0.0.1", "-extfile names");
        let name =
            if name.is_empty() { String::new() } else { format!(", tls-server-name: '{name}'") };
        bench.check(what, &[], &format!("{CA}{name}"), NO_CERTIFICATE, secure).await;
        bench.check(what, &[], &format!("{INSECURE}{name}"), NO_CERTIFICATE, insecure).await;
    }
    // RFC 5280 allows 20 bytes, and private authorities do not mind it.
    bench.write("names", &format!("{names}\n"));
    for serial in [
        "0",
        "0x7fffffffffffffffffffffffffffffffffffffff",
        "0x1ffffffffffffffffffffffffffffffffffffffffff",
    ] {
        bench.certify("server", "/CN=s", &format!("-extfile names -set_serial {serial}"));
        bench.check(serial, &[], CA, NO_CERTIFICATE, Taken).await;
    }
    bench.certify("server", "/CN=s", "-extfile names -sha1");
    // OpenSSL itself would not show one.
    let shown = ["-cipher", "ALL:@SECLEVEL=0"];
    bench.check("SHA-1", &shown, CA, NO_CERTIFICATE, other).await;
    bench.check("SHA-1", &shown, INSECURE, NO_CERTIFICATE, Taken).await;
    for digest in ["-sha384", "-sha512"] {
        bench.certify("server", "/CN=s", &format!("-extfile names {digest}"));
        bench.check(digest, &[], CA, NO_CERTIFICATE, Taken).await;
    }
}

#[tokio::test]
async fn a_key_may_be_of_every_kind_and_in_every_form_that_go_reads() {
    let name = "a_key_may_be_of_every_kind_and_in_every_form_that_go_reads";
    let Some(bench) = Bench::new(name) else { return };
    bench.issue(&leaf(), &PKCS_ECDSA_P256_SHA256);
    bench.write("names", "subjectAltName=IP:127.0.0.1\n");
    let refused = Refused("the client key");
    for (what, command, verdict) in [
        ("PKCS#1", "genrsa -traditional -out K 2048", Taken),
        ("PKCS#8 of RSA", "genrsa -out K 3072", Taken),
        ("SEC 1 with its parameters", "ecparam -name prime256v1 -genkey -out K", Taken),
        ("PKCS#8 of P-384", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out K", Taken),
        ("PKCS#8 of P-521", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out K", Taken),
        ("Ed25519", "genpkey -algorithm ED25519 -out K", Taken),
    ] {
        openssl::run(bench.folder(), &command.replace('K', "me.key"));
        openssl::run(bench.folder(), &command.replace('K', "server.key"));
        bench.certify("me", "/CN=ada", "");
        bench.certify("server", "/CN=s", "-extfile names");
        for version in ["-tls1_2", "-tls1_3"] {
            let options = [KNOWN, &[version]].concat();
            bench.check(&format!("{what} {version}"), &options, CA, ME, verdict).await;
        }
        let (certificate, key) = (bench.read("me.crt"), bench.read("me.key"));
        let both =
            format!("subject=CN = ada\r\n{key}\ntext\n{}", certificate.replace('\n', "\r\n"));
        bench.write("both.pem", &both);
        let me = "{client-certificate: both.pem, client-key: both.pem}";
        bench.check(&format!("{what}, in one file"), KNOWN, CA, me, verdict).await;
    }
    for (what, command) in [
        ("PKCS#8", "pkcs8 -topk8 -in me.key -out locked.key -passout pass:x"),
        ("as of old", "rsa -traditional -aes128 -in me.key -out locked.key -passout pass:x"),
    ] {
        openssl::run(bench.folder(), "genrsa -traditional -out me.key 2048");
        bench.certify("me", "/CN=ada", "");
        openssl::run(bench.folder(), command);
        let me = "{client-certificate: me.crt, client-key: locked.key}";
        bench.check(&format!("encrypted, {what}"), KNOWN, CA, me, refused).await;
    }
}

#[tokio::test]
async fn what_cannot_be_read_in_a_bundle_is_passed_over() {
    let Some(bench) = Bench::new("what_cannot_be_read_in_a_bundle_is_passed_over") else { return };
    let issuer = bench.issue(&leaf(), &PKCS_ECDSA_P256_SHA256);
    let good = issuer.pem();
    let section =
        |text: &str| format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    let broken = section("bm90IGEgY2VydGlmaWNhdGU=");
    let none = Refused("cannot set up TLS");
    for (what, bundle, skipped, verdict) in [
        ("good", good.clone(), 0, Taken),
        ("broken first", format!("{broken}{good}"), 1, Taken),
        ("broken last", format!("{good}{broken}{broken}"), 2, Taken),
        ("no base64", format!("{}{good}", section("!?")), 1, Taken),
        ("another kind", format!("{}{good}", broken.replace("CERTIFICATE", "X")), 0, Taken),
        ("trusted only", good.replace("CERTIFICATE", "TRUSTED CERTIFICATE"), 0, none),
        ("as of old only", good.replace("CERTIFICATE", "X509 CERTIFICATE"), 0, none),
        ("with text", format!("# a\n{good}\nb\r\n\n"), 0, Taken),
        ("in Windows lines", good.replace('\n', "\r\n"), 0, Taken),
        ("without an end of line", good.trim_end().to_owned(), 0, Taken),
        ("twice", format!("{good}{good}"), 0, Taken),
        ("indented", good.replace('\n', "\n  "), 0, Refused("")),
        ("in one line", one_line(&good), 0, Taken),
        ("cut off", good[..good.len() - 30].to_owned(), 0, none),
        ("a cut one behind it", format!("{good}{}", &good[..good.len() - 30]), 1, Taken),
        ("only broken", broken, 0, none),
        ("nothing", "none here".to_owned(), 0, none),
    ] {
        bench.write("ca.crt", &bundle);
        bench.check(what, &[], CA, NO_CERTIFICATE, verdict).await;
        if let Taken = verdict {
            let client =
                Client::new(bench.config("https://127.0.0.1:1", CA, NO_CERTIFICATE)).unwrap();
            assert_eq!(client.skipped_authorities(), skipped, "{what}");
        }
    }
    let latin = [b"Aussteller: M\xfcller\r\n", good.replace('\n', "\r\n").as_bytes()].concat();
    fs::write(bench.path("ca.crt"), &latin).unwrap();
    bench.check("a comment in Latin-1", &[], CA, NO_CERTIFICATE, Taken).await;
    let inline = format!("certificate-authority-data: {}", base64(&latin));
    bench.check("a comment in Latin-1, inline", &[], &inline, NO_CERTIFICATE, Taken).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said_with_its_dates_and_names() {
    let name = "what_is_wrong_with_a_certificate_is_said_with_its_dates_and_names";
    let Some(bench) = Bench::new(name) else { return };
    for (params, server, words) in [
        (dated(leaf(), 2020, 2021), "127.0.0.1", "expired on 2021-01-01 00:00:00 UTC"),
        (dated(leaf(), 2120, 2121), "127.0.0.1", "is not valid before 2120-01-01 00:00:00 UTC"),
        (leaf(), "127.0.0.2", "is for localhost, 127.0.0.1, not for 127.0.0.2"),
    ] {
        bench.issue(&params, &PKCS_ECDSA_P256_SHA256);
        let server = format!("https://{server}:PORT");
        bench.check_at(words, &server, &[], CA, NO_CERTIFICATE, Refused(words)).await;
        bench.check_at(words, &server, &[], INSECURE, NO_CERTIFICATE, Taken).await;
    }
}

/// A folder with the files of one test.
struct Bench {
    folder: TempDir,
}

impl Bench {
    /// None where there is no OpenSSL.
    fn new(test: &str) -> Option<Self> {
        if openssl::is_there() {
            return Some(Self { folder: tempfile::tempdir().unwrap() });
        }
        skip::missing(test, "there is no openssl: apt-get install openssl");
        None
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A new key, in `NAME.key`.
    fn key(&self, name: &str, algorithm: &'static SignatureAlgorithm) -> KeyPair {
        let key = KeyPair::generate_for(algorithm).unwrap();
        self.write(&format!("{name}.key"), &key.serialize_pem());
        key
    }

    /// A new authority (`ca.crt`, `ca.key`) and a server's certificate of it, both of keys of this kind.
    fn issue(
        &self,
        server: &CertificateParams,
        algorithm: &'static SignatureAlgorithm,
    ) -> CertifiedIssuer<'static, KeyPair> {
        let issuer = authority("issuer", algorithm);
        self.write("ca.crt", &issuer.pem());
        self.write("ca.key", &issuer.key().serialize_pem());
        let key = self.key("server", algorithm);
        self.write("server.crt", &server.signed_by(&key, &issuer).unwrap().pem());
        issuer
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A certificate for `NAME.key` by the authority, of version 3 if there are extensions.
    fn certify(&self, name: &str, subject: &str, options: &str) {
        let folder = self.folder();
        openssl::run(folder, &format!("req -new -key {name}.key -subj {subject} -out {name}.csr"));
        let serial = if options.contains("-set_serial") { "" } else { " -set_serial 7" };
        let command = format!(
            "x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key{serial} -out {name}.crt {options}"
        );
        openssl::run(folder, command.trim_end());
    }

    fn config(&self, server: &str, cluster: &str, user: &str) -> Config {
        self.write(
            "kubeconfig",
            &format!(
                "current-context: x\n\
                 contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n\
                 clusters: [{{name: c, cluster: {{server: '{server}', {cluster}}}}}]\n\
                 users: [{{name: u, user: {user}}}]\n"
            ),
        );
        let kubeconfig = Some(self.path("kubeconfig"));
        let overrides = Overrides { kubeconfig, ..Overrides::default() };
        Config::load(&overrides, &Environment::empty([])).unwrap()
    }

    async fn check(
        &self,
        what: &str,
        options: &[&str],
        cluster: &str,
        user: &str,
        verdict: Verdict,
    ) {
        self.check_at(what, "https://127.0.0.1:PORT", options, cluster, user, verdict).await;
    }

    /// Connects to a server with these options and compares the verdicts: the expected one, ours and kubectl's.
    async fn check_at(
        &self,
        what: &str,
        server: &str,
        options: &[&str],
        cluster: &str,
        user: &str,
        verdict: Verdict,
    ) {
        let running = TlsServer::start(self.folder(), options);
        // All of 127.0.0.0/8 is this machine, and the server listens on one address of it only.
        let server = server.replace("PORT", &running.port().to_string());
        let (server, real) = match server.strip_prefix("https://127.0.0.2") {
            Some(port) => (format!("https://127.0.0.1{port}"), ", tls-server-name: 127.0.0.2"),
            None => (server, ""),
        };
        let cluster = format!("{cluster}{real}");
        let answer = match Client::new(self.config(&server, &cluster, user)) {
            Ok(mut client) => {
                ask(&mut client, Duration::ZERO).await.map_err(|error| (error.kind, error.text))
            }
            Err(error) => Err((TransportErrorKind::Tls, error.to_string())),
        };
        match (&answer, verdict) {
            (Ok(200), Taken) => {}
            (Err((TransportErrorKind::Tls, said)), Refused(words)) => {
                assert!(said.contains(words), "{what}: {said}");
            }
            _ => panic!("{what}: {answer:?}"),
        }
        if let Some(taken) = kubectl_takes(&self.path("kubeconfig")).await {
            assert_eq!(taken, answer.is_ok(), "{what}: kubectl");
        }
    }
}

/// Whether kubectl gets an answer; `None` where there is no kubectl.
async fn kubectl_takes(kubeconfig: &Path) -> Option<bool> {
    let mut command = Command::new("kubectl");
    command.args(["get", "--raw", "/", "--kubeconfig"]).arg(kubeconfig);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let run = tokio::task::spawn_blocking(move || command.status());
    run.await.unwrap().ok().map(|status| status.success())
}

fn authority(
    name: &str,
    algorithm: &'static SignatureAlgorithm,
) -> CertifiedIssuer<'static, KeyPair> {
    let key = KeyPair::generate_for(algorithm).unwrap();
    CertifiedIssuer::self_signed(authority_params(name), key).unwrap()
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

/// A server's certificate for this machine.
fn leaf() -> CertificateParams {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "server");
    params
}

fn is_authority(mut params: CertificateParams) -> CertificateParams {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn for_purpose(
    mut params: CertificateParams,
    purpose: ExtendedKeyUsagePurpose,
) -> CertificateParams {
    params.extended_key_usages = vec![purpose];
    params
}

fn dated(mut params: CertificateParams, from: i32, to: i32) -> CertificateParams {
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    params
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// A PEM section with its base64 in one line.
fn one_line(pem: &str) -> String {
    let mut lines: Vec<_> = pem.lines().collect();
    let (first, last) = (lines.remove(0), lines.pop().unwrap());
    format!("{first}\n{}\n{last}\n", lines.concat())
}
