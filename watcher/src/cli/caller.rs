//! The name that this program was started by, as kubectl names plugins: `kubectl-dubbo` is run by `kubectl dubbo`, and
//! `kubectl_complete-dubbo` answers the Tab key for it. It must never change what a verb does, only how usage is written.

use std::ffi::OsStr;
use std::path::Path;

/// The name of the program itself.
pub(super) const PROGRAM: &str = "dubbo-watcher";

/// Who started this program, by the name it was started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// A person or a script: `dubbo-watcher`, or any name that kubectl does not use.
    Shell,
    /// kubectl, as a plugin: the words that a person types.
    Kubectl(String),
    /// kubectl, to complete the arguments of the plugin with these words.
    KubectlCompletion(String),
}

impl Caller {
    /// The caller that `argv[0]` names.
    pub(super) fn of(program: Option<&OsStr>) -> Self {
        let name = program.map(Path::new).and_then(Path::file_name).unwrap_or_default();
        let name = name.to_string_lossy();
        let name = name.strip_suffix(".exe").unwrap_or(&name);
        if let Some(plugin) = name.strip_prefix("kubectl_complete-").filter(|it| !it.is_empty()) {
            return Self::KubectlCompletion(typed(plugin));
        }
        match name.strip_prefix("kubectl-").filter(|it| !it.is_empty()) {
            Some(plugin) => Self::Kubectl(typed(plugin)),
            None => Self::Shell,
        }
    }

    /// The words in front of the verb in a usage line.
    pub(super) fn usage(&self) -> &str {
        match self {
            Self::Shell => PROGRAM,
            Self::Kubectl(words) | Self::KubectlCompletion(words) => words,
        }
    }
}

/// What a person types for a plugin's file name: kubectl parts words at `-`, and stands `_` for a dash inside of one.
fn typed(plugin: &str) -> String {
    format!("kubectl {}", plugin.replace('-', " ").replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::Caller;

    #[test]
    fn kubectl_is_known_by_the_name_it_uses_and_any_other_name_is_a_shell() {
        for (program, usage) in [
            ("dubbo-watcher", "dubbo-watcher"),
            ("/usr/bin/kubectl-dubbo", "kubectl dubbo"),
            ("kubectl-dubbo.exe", "kubectl dubbo"),
            ("kubectl_complete-dubbo", "kubectl dubbo"),
            ("kubectl-dubbo-pods", "kubectl dubbo pods"),
            ("kubectl-dubbo_pods", "kubectl dubbo-pods"),
            ("kubectl-", "dubbo-watcher"),
            ("dw", "dubbo-watcher"),
        ] {
            assert_eq!(Caller::of(Some(OsStr::new(program))).usage(), usage, "{program}");
        }
        assert_eq!(Caller::of(None), Caller::Shell);
    }
}
