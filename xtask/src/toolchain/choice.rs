//! Which wasm toolchain to use, decided from what was found. Pure: it runs nothing and reads nothing,
//! so every machine it may meet is a line in its tests.

use std::path::PathBuf;

/// The two toolchains known to build every kind of wasm of this project.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// The compiler in use, with the standard library of both wasm targets beside it.
    Rustup,
    /// Debian's rustc-web, cargo-web and rust-web-src, which build the standard library themselves.
    Debian,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rustup => "rustup",
            Self::Debian => "debian",
        }
    }
}

/// What this machine has.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The wasm targets that the compiler in use still lacks.
    pub(crate) lacking: Vec<&'static str>,
    pub(crate) rustup: Rustup,
    pub(crate) debian: Debian,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Rustup {
    Absent,
    /// There, and not yet asked for the targets.
    Untried,
    /// Asked for the targets, and refused.
    Refused(String),
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Debian {
    /// Not possible on this machine, and why.
    Impossible(String),
    /// The packages can be asked for, and were not yet.
    Untried,
    /// The packages' files are under this folder (`/usr`, or the cache's).
    Ready {
        usr: PathBuf,
        version: String,
    },
    Refused(String),
}

/// What to do next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Decision {
    Use { kind: Kind, reason: String },
    AddTargets { reason: String },
    FetchPackages { reason: String },
    GiveUp { message: String },
}

/// The next step towards a wasm toolchain. What is ready is used before anything is fetched; what is
/// fetched is rustup's first, because it is the smaller. Every try changes `Found`, so this ends.
pub(crate) fn decide(forced: Option<Kind>, found: &Found) -> Decision {
    let steps = match forced {
        Some(Kind::Rustup) => vec![rustup_ready(found), rustup_untried(found)],
        Some(Kind::Debian) => vec![debian_ready(found), debian_untried(found)],
        None => vec![
            rustup_ready(found),
            debian_ready(found),
            rustup_untried(found),
            debian_untried(found),
        ],
    };
    let next = steps.into_iter().flatten().next();
    next.unwrap_or_else(|| Decision::GiveUp { message: what_to_install(forced, found) })
}

fn rustup_ready(found: &Found) -> Option<Decision> {
    found.lacking.is_empty().then(|| Decision::Use {
        kind: Kind::Rustup,
        reason: "the compiler in use has both wasm targets".into(),
    })
}

fn rustup_untried(found: &Found) -> Option<Decision> {
    (found.rustup == Rustup::Untried).then(|| Decision::AddTargets {
        reason: format!("rustup is here, and its toolchain lacks {}", found.lacking.join(" and ")),
    })
}

fn debian_ready(found: &Found) -> Option<Decision> {
    let Debian::Ready { usr, version } = &found.debian else { return None };
    let lacks = found.lacking.join(" and ");
    let why = if lacks.is_empty() {
        String::new()
    } else {
        format!("; the compiler in use lacks {lacks}")
    };
    Some(Decision::Use {
        kind: Kind::Debian,
        reason: format!("Debian's Rust {version} is ready in {}{why}", usr.display()),
    })
}

fn debian_untried(found: &Found) -> Option<Decision> {
    let rustup = match &found.rustup {
        Rustup::Refused(why) => format!(", and rustup could not bring the targets ({why})"),
        Rustup::Absent => ", and there is no rustup".into(),
        Rustup::Untried => String::new(),
    };
    (found.debian == Debian::Untried).then(|| Decision::FetchPackages {
        reason: format!("this is Debian 12, whose packages can build wasm{rustup}"),
    })
}

fn what_to_install(forced: Option<Kind>, found: &Found) -> String {
    let mut lines = vec!["no toolchain here can build wasm.".to_owned()];
    if forced != Some(Kind::Debian) {
        lines.push(match &found.rustup {
            Rustup::Refused(why) => format!("- rustup could not bring the targets: {why}"),
            _ => "- there is no rustup to bring the targets".into(),
        });
        lines.push("  To use it: rustup target add wasm32-unknown-unknown wasm32-wasip2".into());
    }
    if forced != Some(Kind::Rustup) {
        if let Debian::Refused(why) | Debian::Impossible(why) = &found.debian {
            lines.push(format!("- Debian's packages cannot be used: {why}"));
        }
        lines.push(
            "  To use them (Debian 12): rustc-web, cargo-web and rust-web-src of bookworm-security,".into(),
        );
        lines.push(
            "  wasi-libc of bookworm-backports, and rust-lld and wasm-component-ld as rustup brings them".into(),
        );
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lacking: &[&'static str], rustup: Rustup, debian: Debian) -> Found {
        Found { lacking: lacking.to_vec(), rustup, debian }
    }

    fn ready() -> Debian {
        Debian::Ready { usr: "/cache/usr".into(), version: "1.96.0".into() }
    }

    const BOTH: [&str; 2] = ["wasm32-unknown-unknown", "wasm32-wasip2"];

    #[test]
    fn targets_that_are_there_are_used_whatever_else_there_is() {
        for debian in [Debian::Untried, ready(), Debian::Impossible("no".into())] {
            for rustup in [Rustup::Absent, Rustup::Untried, Rustup::Refused("no".into())] {
                let decision = decide(None, &found(&[], rustup, debian.clone()));
                assert!(
                    matches!(decision, Decision::Use { kind: Kind::Rustup, .. }),
                    "{decision:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_ready_is_used_before_the_network_is_asked() {
        let decision = decide(None, &found(&BOTH, Rustup::Untried, ready()));
        let Decision::Use { kind: Kind::Debian, reason } = decision else { panic!("{decision:?}") };
        assert!(reason.contains("/cache/usr") && reason.contains("1.96.0"), "{reason}");
        assert!(reason.contains("wasm32-wasip2"), "{reason}");
    }

    #[test]
    fn rustup_is_asked_before_debian() {
        let decision = decide(None, &found(&BOTH[1..], Rustup::Untried, Debian::Untried));
        let Decision::AddTargets { reason } = decision else { panic!("{decision:?}") };
        assert!(reason.ends_with("lacks wasm32-wasip2"), "{reason}");
    }

    #[test]
    fn debian_is_asked_when_rustup_refused_or_is_absent() {
        let refused = Rustup::Refused("404 for rust-std".into());
        let decision = decide(None, &found(&BOTH, refused, Debian::Untried));
        let Decision::FetchPackages { reason } = decision else { panic!("{decision:?}") };
        assert!(reason.contains("404 for rust-std"), "{reason}");
        let decision = decide(None, &found(&BOTH, Rustup::Absent, Debian::Untried));
        assert!(matches!(decision, Decision::FetchPackages { .. }), "{decision:?}");
    }

    #[test]
    fn a_forced_kind_never_falls_back_to_the_other() {
        let debian = decide(Some(Kind::Debian), &found(&[], Rustup::Untried, Debian::Untried));
        assert!(matches!(debian, Decision::FetchPackages { .. }), "{debian:?}");
        let refused = Debian::Refused("no backports".into());
        let debian = decide(Some(Kind::Debian), &found(&[], Rustup::Untried, refused));
        assert!(matches!(debian, Decision::GiveUp { .. }), "{debian:?}");
        let rustup =
            decide(Some(Kind::Rustup), &found(&BOTH, Rustup::Refused("x".into()), ready()));
        assert!(matches!(rustup, Decision::GiveUp { .. }), "{rustup:?}");
    }

    #[test]
    fn giving_up_says_why_and_what_to_install() {
        let nothing = Debian::Impossible("this is not Debian 12".into());
        let decision = decide(None, &found(&BOTH, Rustup::Absent, nothing));
        let Decision::GiveUp { message } = decision else { panic!("{decision:?}") };
        for part in ["no rustup", "rustup target add", "not Debian 12", "rustc-web", "wasi-libc"] {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
    }

    #[test]
    fn every_try_leads_to_an_end() {
        let mut state = found(&BOTH, Rustup::Untried, Debian::Untried);
        for _ in 0..3 {
            match decide(None, &state) {
                Decision::AddTargets { .. } => state.rustup = Rustup::Refused("no".into()),
                Decision::FetchPackages { .. } => state.debian = Debian::Refused("no".into()),
                Decision::GiveUp { .. } => return,
                Decision::Use { .. } => unreachable!("nothing is ready"),
            }
        }
        panic!("it did not end");
    }
}
