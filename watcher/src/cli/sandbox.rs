//! `sandbox`: runs a component in confines, with the kube-apiserver that this program would ask. What the
//! component writes goes where its output goes; its exit status is this program's.

use std::time::Duration;

use dubbo_k8s_registry::kube::{
    Client,
    config::{Config, ConfigError, Environment, Namespaces},
};
use dubbo_k8s_watcher::sandbox::{
    self, Compiler, Confines, Kubernetes, LoadError, Program, SERVER, Streams,
};
use tokio::io;

use super::{
    arguments::Sandbox,
    ended::Ended,
    plain::{plain, plain_lines},
    reader, session,
    signals::Signals,
    terminal,
};

/// How long what was written has to get out when the component is stopped.
const LAST_WORDS: Duration = Duration::from_millis(500);

pub(super) async fn run(arguments: &Sandbox) -> Result<(), Ended> {
    let environment = Environment::of_process();
    let (client, namespaces) = connect(arguments, &environment).map_err(|error| {
        terminal::say_error(&plain_lines(&error.to_string()));
        Ended::Failed
    })?;
    let mut signals = Signals::new()?;
    let (path, confines) = (arguments.component.clone(), confines(arguments));
    let compiler = Compiler::confined()?;
    let compiling = tokio::task::spawn_blocking(move || {
        sandbox::Sandbox::new(Program::load(&path, &compiler)?, confines)
    });
    let command = tokio::select! {
        loaded = compiling => loaded.map_err(io::Error::other)?.map_err(|error| unusable(&error))?,
        () = signals.next() => return Err(Ended::Interrupted),
    };
    let verbs = arguments.verbs.iter().map(|&verb| verb.into()).collect();
    let server = Kubernetes::new(client, verbs, |why| {
        terminal::say(&format!("sandbox: {}", plain(why)));
    });
    let mut given = vec![name(arguments)];
    given.extend(arguments.arguments.iter().cloned());
    let variables = variables(namespaces);
    let (output, reader_gone) = reader::watched(io::stdout());
    let streams = Streams {
        input: io::stdin(),
        output: (output, terminal::stdout_columns().is_some()),
        errors: (io::stderr(), terminal::stderr_is_terminal()),
    };
    tokio::select! {
        ended = command.run(&given, &variables, server, streams) => match ended {
            Ok(0) => Ok(()),
            Ok(status) => Err(Ended::Status(u8::try_from(status).unwrap_or(1))),
            Err(stopped) => {
                tokio::time::timeout(LAST_WORDS, flush()).await.ok();
                terminal::say_error(&format!("the component was stopped: {}", plain(&stopped.to_string())));
                Err(Ended::Failed)
            }
        },
        () = reader_gone.notified() => Err(Ended::Output(io::ErrorKind::BrokenPipe.into())),
        () = signals.next() => Err(Ended::Interrupted),
    }
}

/// What the component left behind on its way out.
async fn flush() {
    use io::AsyncWriteExt as _;
    let _ = io::stdout().flush().await;
    let _ = io::stderr().flush().await;
}

fn connect(
    arguments: &Sandbox,
    environment: &Environment,
) -> Result<(Client, Namespaces), ConfigError> {
    let config = Config::load(&arguments.connection.overrides(), environment)?;
    let namespaces = Namespaces::choose(false, &[], environment, &config.namespace)?;
    Ok((session::connect(config)?, namespaces))
}

fn confines(arguments: &Sandbox) -> Confines {
    Confines {
        memory: usize::from(arguments.memory) << 20,
        compute: arguments.compute,
        timeout: arguments.timeout,
        ..Confines::default()
    }
}

/// What the component finds in its environment: where the server seems to be, and which namespaces
/// this program would read.
fn variables(namespaces: Namespaces) -> Vec<(String, String)> {
    let mut variables = vec![("DUBBO_SERVER".to_owned(), SERVER.to_owned())];
    if let Namespaces::These(names) = namespaces {
        variables.push(("DUBBO_NAMESPACE".to_owned(), names.join(",")));
    }
    variables
}

/// The name it is called by: that of its file, without where that is.
fn name(arguments: &Sandbox) -> String {
    let name = arguments.component.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn unusable(error: &LoadError) -> Ended {
    terminal::say_error(&plain_lines(&error.to_string()));
    Ended::Misused
}
