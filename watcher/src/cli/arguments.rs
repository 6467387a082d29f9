//! The command line as it is written. Names and meanings of the connection flags are kubectl's. A
//! component has the verbs that its host can carry, with the same options.

#[cfg(not(target_os = "wasi"))]
use std::net::SocketAddr;
use std::{ffi::OsString, path::PathBuf, time::Duration};

#[cfg(not(target_os = "wasi"))]
use clap::value_parser;
use clap::{
    Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum, error::ErrorKind,
};
#[cfg(not(target_os = "wasi"))]
use clap_complete::{ArgValueCandidates, ArgValueCompleter};
use dubbo_k8s_codec::problem::Language;
use dubbo_k8s_engine::SELECTOR;
#[cfg(feature = "sandbox")]
use dubbo_k8s_watcher::handlers::{AllowedHost, Spec};

#[cfg(not(target_os = "wasi"))]
use super::candidates::{self, registered};
use super::{caller::Caller, connection::Connection, trusting::Trusting};

/// Where the agent of a Pod listens by default.
#[cfg(unix)]
pub(super) const AGENT_SOCKET: &str = "/run/dubbo/agent.sock";

/// Dubbo services that are registered in Kubernetes Pods.
#[derive(Debug, Parser)]
#[command(name = "dubbo-watcher", bin_name = "dubbo-watcher", version, about, max_term_width = 100)]
#[command(args_override_self = true)]
pub(super) struct Arguments {
    #[command(flatten)]
    before: Before,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// What may stand before the verb as well as behind it.
#[derive(Debug, Args)]
struct Before {
    /// A namespace; repeat it for several
    #[arg(short, long = "namespace", value_name = "NAMESPACE", help_heading = "What to read")]
    #[cfg_attr(not(target_os = "wasi"), arg(add = ArgValueCandidates::new(candidates::namespaces)))]
    namespaces: Vec<String>,
    /// All namespaces
    #[arg(short = 'A', long, help_heading = "What to read")]
    all_namespaces: bool,
    /// Label selector of the Pods that take part
    #[arg(short = 'l', long, help_heading = "What to read")]
    selector: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Arguments {
    /// The command line, with what stands before the verb given to the verb.
    pub(super) fn read<T: Into<OsString> + Clone>(
        caller: &Caller,
        words: impl IntoIterator<Item = T>,
    ) -> Result<Self, clap::Error> {
        let mut command = Self::command().bin_name(caller.usage());
        let mut matches = command.try_get_matches_from_mut(words)?;
        let read = Self::from_arg_matches_mut(&mut matches);
        let mut read = read.map_err(|error| error.format(&mut command))?;
        match read.verb.take(&read.before) {
            Ok(()) => Ok(read),
            Err(why) => Err(command.error(ErrorKind::ArgumentConflict, why)),
        }
    }
}

impl Verb {
    /// Adds what stands before it; what stands behind it counts more.
    fn take(&mut self, before: &Before) -> Result<(), &'static str> {
        match self {
            Self::List(List { reading, .. }) | Self::Watch(Watch { reading, .. }) => {
                reading.take(before)
            }
            #[cfg(not(target_os = "wasi"))]
            Self::Serve(Serve { reading, .. }) => reading.take(before),
            #[cfg(unix)]
            Self::Agent(Agent { reading, .. }) => reading.take(before),
            #[cfg(not(target_os = "wasi"))]
            Self::Register(Register { own, .. }) | Self::Unregister(Unregister { own, .. }) => {
                own.namespace = own.namespace.take().or(before.namespaces.last().cloned());
                own.connection.take(&before.connection)
            }
            #[cfg(not(target_os = "wasi"))]
            Self::Doctor(doctor) => {
                take_namespaces(&mut doctor.namespaces, &mut doctor.all_namespaces, before)?;
                doctor.connection.take(&before.connection)
            }
            #[cfg(feature = "sandbox")]
            Self::Sandbox(sandbox) => sandbox.connection.take(&before.connection),
            Self::Decode(_) | Self::Encode(_) => Ok(()),
            #[cfg(not(target_os = "wasi"))]
            Self::Completion(_) | Self::Man(_) => Ok(()),
            #[cfg(target_os = "wasi")]
            Self::Other(_) => Ok(()),
        }
    }
}

impl Reading {
    fn take(&mut self, before: &Before) -> Result<(), &'static str> {
        take_namespaces(&mut self.namespaces, &mut self.all_namespaces, before)?;
        if let Some(selector) = before.selector.as_ref().filter(|_| self.selector == SELECTOR) {
            self.selector.clone_from(selector);
        }
        self.connection.take(&before.connection)
    }
}

fn take_namespaces(
    namespaces: &mut Vec<String>,
    all: &mut bool,
    before: &Before,
) -> Result<(), &'static str> {
    namespaces.splice(..0, before.namespaces.iter().cloned());
    *all |= before.all_namespaces;
    if *all && !namespaces.is_empty() {
        return Err("--namespace and --all-namespaces exclude each other");
    }
    Ok(())
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Show what is registered now
    List(List),
    /// Show what is registered, and every change as it comes
    Watch(Watch),
    /// Register URLs in a Pod
    #[cfg(not(target_os = "wasi"))]
    Register(Register),
    /// Take URLs out of a Pod
    #[cfg(not(target_os = "wasi"))]
    Unregister(Unregister),
    /// Serve the registry over HTTP: snapshots, live events, metrics, the inspector
    #[cfg(not(target_os = "wasi"))]
    Serve(Serve),
    /// Serve the registry to the applications of the same Pod on a Unix socket, and register them there
    #[cfg(unix)]
    Agent(Agent),
    /// Say whether the server can be reached, and what is missing to read it and to register
    #[cfg(not(target_os = "wasi"))]
    Doctor(Doctor),
    /// Show what is in an annotation, a Pod or a list of Pods (JSON or YAML)
    Decode(Decode),
    /// Write an annotation from JSON: [{"k":"…","v":"…"},…]
    Encode(Encode),
    /// Print the script that makes a shell complete verbs, flags, contexts, namespaces, Pods, services
    #[cfg(not(target_os = "wasi"))]
    Completion(Completion),
    /// Write the manual pages
    #[cfg(not(target_os = "wasi"))]
    Man(Manual),
    /// Run a WebAssembly component that may ask the kube-apiserver and nothing else
    #[cfg(feature = "sandbox")]
    Sandbox(Sandbox),
    /// A verb that only the native program has, or none at all
    #[cfg(target_os = "wasi")]
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// How to show it: `wide` adds parameters and whole URLs
    #[arg(short, long, value_enum, default_value = "table")]
    pub(super) output: ListOutput,
    /// Whom the consumers of this Pod, or of all Pods of this Deployment, would call and with which share, and why not the
    /// others
    #[arg(long, value_name = "[NAMESPACE/]POD")]
    #[cfg_attr(not(target_os = "wasi"), arg(add = ArgValueCandidates::new(candidates::pods)))]
    pub(super) why: Option<String>,
    /// Give up when the list is not complete after this many seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(super) timeout: Duration,
    #[command(flatten)]
    pub(super) reading: Reading,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ListOutput {
    Table,
    Wide,
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Watch {
    /// Lines for people, or one JSON object a line
    #[arg(short, long, value_enum, default_value = "text")]
    pub(super) output: WatchOutput,
    #[cfg(feature = "sandbox")]
    #[command(flatten)]
    pub(super) handling: Handling,
    #[command(flatten)]
    pub(super) reading: Reading,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum WatchOutput {
    Text,
    Jsonl,
}

#[cfg(not(target_os = "wasi"))]
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Address and port to serve on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7777")]
    pub(super) bind: SocketAddr,
    /// PEM file of the certificate to serve with, and those that vouch for it; it is read again when it is replaced
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(super) tls_cert: Option<PathBuf>,
    /// PEM file of its private key
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,
    /// Who may read [default: everybody, on the loopback interface alone]
    #[arg(long, value_enum, value_name = "WHO")]
    pub(super) auth: Option<Auth>,
    /// What a token must be for, instead of the kube-apiserver; repeat it for several
    #[arg(long = "auth-audience", value_name = "AUDIENCE")]
    pub(super) audiences: Vec<String>,
    /// A further name under which it may be asked (Host header); repeat it for several
    #[arg(long = "served-as", value_name = "NAME")]
    pub(super) names: Vec<String>,
    /// Not ready when the server was not heard for this many seconds
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    pub(super) stale_after: Duration,
    /// Clients at the same time
    #[arg(long, value_name = "NUMBER", default_value = "512", value_parser = value_parser!(u16).range(2..))]
    pub(super) max_clients: u16,
    /// Clients of one address at the same time [default: a quarter of all]
    #[arg(long, value_name = "NUMBER", value_parser = value_parser!(u16).range(1..))]
    pub(super) max_clients_per_peer: Option<u16>,
    /// A second address for /healthz and /readyz alone, whose places no client of the API can take
    #[arg(long, value_name = "ADDRESS")]
    pub(super) probe_bind: Option<SocketAddr>,
    #[cfg(feature = "sandbox")]
    #[command(flatten)]
    pub(super) handling: Handling,
    #[command(flatten)]
    pub(super) reading: Reading,
}

/// The registry for the applications of one Pod.
#[cfg(unix)]
#[derive(Debug, Args)]
pub(super) struct Agent {
    /// The Unix socket to serve on
    #[arg(long, value_name = "PATH", default_value = AGENT_SOCKET)]
    pub(super) socket: PathBuf,
    /// A group, by name or number, whose members may use the socket as well (mode 0660) [default: its owner
    /// alone, mode 0600]
    #[arg(long, value_name = "GROUP", conflicts_with = "bind")]
    pub(super) socket_group: Option<String>,
    /// Serve on a port of the loopback interface instead, to every process there; secrets in URLs are hidden
    #[arg(long, value_name = "ADDRESS", conflicts_with = "socket", value_parser = loopback)]
    pub(super) bind: Option<SocketAddr>,
    /// The Pod to register in [default: `$POD_NAME`, else `$HOSTNAME`, in `$NAMESPACE`]
    #[arg(long, value_name = "[NAMESPACE/]POD")]
    pub(super) pod: Option<String>,
    /// The value of the label dubbo.io/label [default: that of the Pod, else dubbo.io-value]
    #[arg(long, value_name = "V", value_parser = label_value)]
    pub(super) label_value: Option<String>,
    /// Register what readers would not believe: another address, a weight over the limit
    #[arg(long)]
    pub(super) force: bool,
    /// Leave everything registered at Ctrl-C or SIGTERM, for an agent that follows within a lease
    #[arg(long)]
    pub(super) keep: bool,
    /// Not ready when the server was not heard for this many seconds
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    pub(super) stale_after: Duration,
    /// An address for /healthz and /readyz, which the kubelet can reach
    #[arg(long, value_name = "ADDRESS")]
    pub(super) probe_bind: Option<SocketAddr>,
    #[command(flatten)]
    pub(super) reading: Reading,
}

/// Who may read what `serve` shows.
#[cfg(not(target_os = "wasi"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Auth {
    /// Callers with a token of the cluster: the namespaces in which they may list Pods
    Kubernetes,
    /// Everybody who reaches the address; secrets in URLs are hidden
    None,
}

#[cfg(not(target_os = "wasi"))]
#[derive(Debug, Args)]
pub(super) struct Register {
    /// What to register
    #[arg(
        value_name = "URL",
        required = true,
        help = "What to register: dubbo://10.1.2.3:20880/com.example.Greeter?version=1.0.0"
    )]
    #[arg(add = ArgValueCompleter::new(registered::services_behind))]
    pub(super) urls: Vec<String>,
    /// Stay, put back what another writer overwrites, and unregister at Ctrl-C or SIGTERM
    #[arg(long)]
    pub(super) hold: bool,
    /// The value of the label dubbo.io/label [default: that of the Pod, else dubbo.io-value]
    #[arg(long, value_name = "V", value_parser = label_value)]
    pub(super) label_value: Option<String>,
    /// Print the patch instead of sending it
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Register what readers would not believe: another address, a weight over the limit
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) trusting: Trusting,
    #[command(flatten)]
    pub(super) own: OwnPod,
}

#[cfg(not(target_os = "wasi"))]
#[derive(Debug, Args)]
pub(super) struct Unregister {
    /// What to take out, as it was registered; or the key of its record
    #[arg(value_name = "URL", required_unless_present = "all", conflicts_with = "all")]
    #[arg(add = ArgValueCompleter::new(registered::urls))]
    pub(super) urls: Vec<String>,
    /// Take everything out, also what others registered in this Pod and what cannot be read
    #[arg(long)]
    pub(super) all: bool,
    /// Print the patch instead of sending it
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) own: OwnPod,
}

#[cfg(not(target_os = "wasi"))]
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// What has to work [default: read; and register, inside of a Pod or with --pod]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    pub(super) needs: Vec<Need>,
    /// The Pod to register in [default: `$POD_NAME`, else `$HOSTNAME`]
    #[arg(long, value_name = "POD")]
    #[arg(add = ArgValueCandidates::new(candidates::pods))]
    pub(super) pod: Option<String>,
    /// A namespace to read; repeat it for several. The Pod is in the first
    #[arg(short, long = "namespace", value_name = "NAMESPACE", conflicts_with = "all_namespaces")]
    #[arg(add = ArgValueCandidates::new(candidates::namespaces))]
    pub(super) namespaces: Vec<String>,
    /// All namespaces are to be read
    #[arg(short = 'A', long)]
    pub(super) all_namespaces: bool,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[cfg(not(target_os = "wasi"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Need {
    /// list and watch Pods: `list`, `watch`, `serve`
    Read,
    /// get, patch and watch the own Pod: `register`, `unregister`
    Register,
    /// ask about callers: `serve --auth kubernetes`
    Review,
    /// a policy keeps this account to the records of its own Pod; tried by a patch that is not carried out
    Policy,
}

/// Which Pod, of which server.
#[cfg(not(target_os = "wasi"))]
#[derive(Debug, Args)]
pub(super) struct OwnPod {
    /// The Pod [default: `$POD_NAME`, else `$HOSTNAME`]
    #[arg(long, value_name = "POD", help_heading = "Which Pod")]
    #[arg(add = ArgValueCandidates::new(candidates::pods))]
    pub(super) pod: Option<String>,
    /// Its namespace [default: $NAMESPACE]
    #[arg(short, long, value_name = "NAMESPACE", help_heading = "Which Pod")]
    #[arg(add = ArgValueCandidates::new(candidates::namespaces))]
    pub(super) namespace: Option<String>,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[derive(Debug, Args)]
pub(super) struct Decode {
    /// What to read; `-` is the standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub(super) file: PathBuf,
    /// How to show it
    #[arg(short, long, value_enum, default_value = "text")]
    pub(super) output: DecodeOutput,
    /// Language of the explanations; else that of `LC_ALL`, `LC_MESSAGES` or `LANG`
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    lang: Option<Lang>,
}

impl Decode {
    /// The language that was asked for, else the locale's.
    pub(super) fn language(&self) -> Language {
        match self.lang {
            Some(Lang::En) => Language::English,
            Some(Lang::Zh) => Language::Chinese,
            None => locale(|name| std::env::var(name).ok()),
        }
    }
}

/// The language of the first of these variables that is set, as POSIX has it.
fn locale(variable: impl Fn(&str) -> Option<String>) -> Language {
    let mut set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(variable);
    let first = set.find(|value| !value.is_empty());
    first.map_or(Language::English, |value| Language::of(&value))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Lang {
    En,
    Zh,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DecodeOutput {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Encode {
    /// What to read; `-` is the standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub(super) file: PathBuf,
}

/// Components that are notified of changes, and what they may do.
#[cfg(feature = "sandbox")]
#[derive(Debug, Args)]
#[command(next_help_heading = "Handlers")]
pub(super) struct Handling {
    /// A component that is notified of every change, and what it is configured with (`@FILE`: what is in
    /// that file); repeat it for several
    #[arg(long = "handler", value_name = "COMPONENT.wasm[=CONFIG]")]
    pub(super) handlers: Vec<Spec>,
    /// A host that handlers may call; without a port on 80 for http and 443 for https
    #[arg(long = "allow-host", value_name = "HOST[:PORT]", requires = "handlers")]
    pub(super) allowed_hosts: Vec<AllowedHost>,
    /// A folder that handlers may write files into, and nothing else
    #[arg(long, value_name = "DIR", requires = "handlers")]
    pub(super) handler_dir: Option<PathBuf>,
}

#[cfg(feature = "sandbox")]
#[derive(Debug, Args)]
pub(super) struct Sandbox {
    /// A command of WASI 0.2; its environment names the server
    #[arg(value_name = "COMPONENT.wasm")]
    pub(super) component: PathBuf,
    /// Its arguments
    #[arg(last = true, value_name = "ARGS")]
    pub(super) arguments: Vec<String>,
    /// What it may do besides reading; repeat it for several
    #[arg(long = "allow-verb", value_enum, value_delimiter = ',', value_name = "VERB")]
    pub(super) verbs: Vec<WriteVerb>,
    /// MiB of memory that it may take
    #[arg(long, value_name = "MIB", default_value = "256", value_parser = value_parser!(u16).range(1..=4096))]
    pub(super) memory: u16,
    /// Seconds that it may compute at a stretch; waiting gives half of the time back
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(super) compute: Duration,
    /// Seconds after which it is stopped in any case [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(super) timeout: Option<Duration>,
    #[command(flatten)]
    pub(super) connection: Connection,
}

/// What a component may do besides reading.
#[cfg(feature = "sandbox")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum WriteVerb {
    Create,
    Update,
    Patch,
    Delete,
}

#[cfg(feature = "sandbox")]
impl From<WriteVerb> for dubbo_k8s_watcher::sandbox::WriteVerb {
    fn from(verb: WriteVerb) -> Self {
        match verb {
            WriteVerb::Create => Self::Create,
            WriteVerb::Update => Self::Update,
            WriteVerb::Patch => Self::Patch,
            WriteVerb::Delete => Self::Delete,
        }
    }
}

/// Which Pods, of which server.
#[derive(Debug, Args)]
pub(super) struct Reading {
    /// A namespace to read; repeat it for several
    #[arg(
        short,
        long = "namespace",
        value_name = "NAMESPACE",
        conflicts_with = "all_namespaces",
        help_heading = "What to read"
    )]
    #[cfg_attr(not(target_os = "wasi"), arg(add = ArgValueCandidates::new(candidates::namespaces)))]
    pub(super) namespaces: Vec<String>,
    /// Read all namespaces
    #[arg(short = 'A', long, help_heading = "What to read")]
    pub(super) all_namespaces: bool,
    /// Label selector of the Pods that take part
    #[arg(short = 'l', long, default_value = SELECTOR, help_heading = "What to read")]
    pub(super) selector: String,
    /// Count only Pods that are ready
    #[arg(long, help_heading = "What to read")]
    pub(super) ready_only: bool,
    #[command(flatten)]
    pub(super) trusting: Trusting,
    #[command(flatten)]
    pub(super) connection: Connection,
}

/// A value that Kubernetes takes for a label.
#[cfg(not(target_os = "wasi"))]
fn label_value(text: &str) -> Result<String, String> {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if bytes.len() <= 63 && ends(bytes.first()) && ends(bytes.last()) && bytes.iter().all(legal) {
        Ok(text.to_owned())
    } else {
        Err("at most 63 letters, digits, \"-\", \"_\", \".\", a letter or a digit at both ends"
            .to_owned())
    }
}

/// An address that only this machine reaches.
#[cfg(unix)]
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "such as 127.0.0.1:7778")?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err("every process that reaches it could register here: only a loopback address will do"
        .to_owned())
}

/// Seconds, with or without an `s`.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.strip_suffix('s').unwrap_or(text).parse::<u32>() {
        Ok(0) | Err(_) => Err("a whole number of seconds, at least 1".to_owned()),
        Ok(seconds) => Ok(Duration::from_secs(seconds.into())),
    }
}

#[cfg(not(target_os = "wasi"))]
#[derive(Debug, Args)]
pub(super) struct Completion {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: Shell,
}

#[cfg(not(target_os = "wasi"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell")]
    Pwsh,
    Elvish,
}

#[cfg(not(target_os = "wasi"))]
impl Shell {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Pwsh => "powershell",
            Self::Elvish => "elvish",
        }
    }
}

#[cfg(not(target_os = "wasi"))]
#[derive(Debug, Args)]
pub(super) struct Manual {
    /// The folder to write a page for the program and one for each verb into [default: the program's page to stdout]
    #[arg(value_name = "DIR")]
    pub(super) folder: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use dubbo_k8s_codec::problem::Language;

    use super::{Arguments, Caller, Verb};

    #[test]
    fn the_definition_is_sound_and_names_only_verbs_that_work() {
        Arguments::command().debug_assert();
        let verbs: Vec<_> =
            Arguments::command().get_subcommands().map(|it| it.get_name().to_owned()).collect();
        let mut known =
            vec!["list", "watch", "register", "unregister", "serve", "agent", "doctor", "decode"];
        known.extend(["encode", "completion", "man"]);
        known.extend(cfg!(feature = "sandbox").then_some("sandbox"));
        assert_eq!(verbs, known);
    }

    #[test]
    fn the_first_variable_that_is_set_is_the_locale() {
        let of = |set: &[(&str, &str)]| {
            super::locale(|name| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(of(&[]), Language::English);
        assert_eq!(of(&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "")]), Language::Chinese);
        assert_eq!(of(&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "C")]), Language::English);
    }

    #[test]
    fn namespaces_repeat_and_exclude_all_of_them() {
        let parse = |line: &str| Arguments::try_parse_from(line.split(' '));
        let Ok(Arguments { verb: Verb::List(list), .. }) = parse("dubbo-watcher list -n a -n b")
        else {
            panic!("it must parse");
        };
        assert_eq!(list.reading.namespaces, ["a", "b"]);
        let error = parse("dubbo-watcher watch -n a -A").unwrap_err();
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn connection_flags_stand_before_the_verb_or_behind_it() {
        let list = |line: &str| {
            let words = line.split(' ').map(str::to_owned);
            let Arguments { verb: Verb::List(list), .. } =
                Arguments::read(&Caller::Shell, words).unwrap()
            else {
                panic!("{line}")
            };
            (list.reading.connection.overrides(), list.reading.namespaces, list.reading.selector)
        };
        for line in [
            "dubbo-watcher --context prod --as=eve --as-group a -n x -l app list --as-group b -n y",
            "dubbo-watcher list --context prod --as=eve --as-group a -n x -l app --as-group b -n y",
            "dubbo-watcher --context dev list --context other --context prod --as eve --as-group a \
             --as-group b -n x -n y -l app",
        ] {
            let (overrides, namespaces, selector) = list(line);
            assert_eq!(overrides.context.as_deref(), Some("prod"), "{line}");
            assert_eq!(overrides.impersonate.as_deref(), Some("eve"), "{line}");
            assert_eq!(overrides.impersonate_groups, ["a", "b"], "{line}");
            assert_eq!((namespaces.join(" "), selector.as_str()), ("x y".to_owned(), "app"));
        }
        let (overrides, ..) = list(
            "dubbo-watcher -s h --cluster c --user u --tls-server-name n list --request-timeout 90s \
             --insecure-skip-tls-verify=true --as-uid 7",
        );
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        assert_eq!(
            [&overrides.server, &overrides.cluster, &overrides.user, &overrides.tls_server_name]
                .map(text),
            ["h", "c", "u", "n"]
        );
        assert_eq!(overrides.request_timeout.map(|time| time.as_secs()), Some(90));
        assert!(overrides.insecure_skip_tls_verify);
        assert_eq!(text(&overrides.impersonate_uid), "7");
    }

    #[test]
    fn an_empty_connection_flag_is_not_given_as_for_kubectl() {
        let read = |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned());
            let Arguments { verb: Verb::List(list), .. } =
                Arguments::read(&Caller::Shell, words).unwrap()
            else {
                panic!("it is a list")
            };
            format!("{:?}", list.reading.connection.overrides())
        };
        let plain = read(&["dubbo-watcher", "list"]);
        for flag in [
            "--kubeconfig",
            "--context",
            "--cluster",
            "--user",
            "--server",
            "--tls-server-name",
            "--certificate-authority",
            "--client-certificate",
            "--client-key",
            "--token-file",
            "--as",
            "--as-uid",
            "--request-timeout",
        ] {
            assert_eq!(read(&["dubbo-watcher", "list", flag, ""]), plain, "{flag}");
            assert_eq!(read(&["dubbo-watcher", &format!("{flag}="), "list"]), plain, "{flag}");
        }
    }

    #[test]
    fn what_excludes_each_other_does_so_on_both_sides_of_the_verb() {
        for line in [
            "dubbo-watcher -A list -n a",
            "dubbo-watcher -n a watch -A",
            "dubbo-watcher --insecure-skip-tls-verify list --certificate-authority a",
        ] {
            let error =
                Arguments::read(&Caller::Shell, line.split(' ').map(str::to_owned)).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
        let read = |line: &str| Arguments::read(&Caller::Shell, line.split(' ').map(str::to_owned));
        assert!(read("dubbo-watcher --context prod decode x").is_ok());
        let Ok(Arguments { verb: Verb::Register(register), .. }) =
            read("dubbo-watcher -n shop register dubbo://a:1/b")
        else {
            panic!("it must parse");
        };
        assert_eq!(register.own.namespace.as_deref(), Some("shop"));
    }

    #[test]
    fn a_label_value_is_one_that_kubernetes_takes() {
        for good in ["dubbo.io-value", "x", "0_a"] {
            assert!(super::label_value(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a.", "a b", "a/b", &"a".repeat(64)] {
            assert!(super::label_value(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn unregister_takes_urls_or_all() {
        let parse = |line: &str| Arguments::try_parse_from(line.split(' ')).is_ok();
        assert!(
            parse("dubbo-watcher unregister dubbo://a:1/b")
                && parse("dubbo-watcher unregister --all")
        );
        assert!(
            !parse("dubbo-watcher unregister")
                && !parse("dubbo-watcher unregister --all dubbo://a:1/b")
        );
    }

    #[test]
    fn the_manifests_use_only_what_there_is() {
        let deploy = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
        for file in
            ["base/deployment", "examples/sidecar", "examples/native-sidecar", "examples/agent"]
        {
            let text = std::fs::read_to_string(deploy.join(file).with_extension("yaml")).unwrap();
            let manifest = dubbo_k8s_codec::yaml::documents(&text).next().unwrap().unwrap();
            let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
            let pod = &manifest["spec"]["template"]["spec"];
            let lists = ["initContainers", "containers"].map(|list| pod[list].as_array());
            let arguments = lists.into_iter().flatten().flatten();
            let arguments = arguments.filter_map(|container| container["args"].as_array());
            let parsed: Vec<_> = arguments
                .map(|arguments| {
                    let words = arguments.iter().filter_map(serde_json::Value::as_str);
                    Arguments::try_parse_from(std::iter::once("dubbo-watcher").chain(words))
                })
                .collect();
            assert!(matches!(parsed.as_slice(), [Ok(_)]), "{file}: {parsed:?}");
        }
    }

    #[test]
    fn a_timeout_is_a_whole_number_of_seconds() {
        assert_eq!(super::seconds("5").unwrap().as_secs(), 5);
        assert_eq!(super::seconds("90s").unwrap().as_secs(), 90);
        assert!(super::seconds("0").is_err() && super::seconds("1m").is_err());
    }
}
