//! What a test of a program starts from: the scripted server, and a folder with a kubeconfig for it. Runs
//! the program with nothing else around it, and never finds a server of the machine's own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use tempfile::TempDir;

use crate::apiserver::{Options, Server, StartError};
use crate::program::{self, Ran};

/// A server, and a kubeconfig that names it and a namespace.
pub struct Cluster {
    /// The server.
    pub server: Server,
    folder: TempDir,
    kubeconfig: PathBuf,
}

impl Cluster {
    /// A server that behaves like this.
    pub async fn start(options: Options, namespace: &str) -> Result<Self, StartError> {
        let server = Server::start(options).await?;
        let folder = tempfile::tempdir()?;
        let kubeconfig = folder.path().join("kubeconfig");
        server.write_kubeconfig_to(&kubeconfig, namespace)?;
        Ok(Self { server, folder, kubeconfig })
    }

    /// The kubeconfig's path.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The path of a file beside the kubeconfig.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file beside the kubeconfig.
    pub fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.path(name);
        fs::write(&path, text)?;
        Ok(path)
    }

    /// The program with these arguments, to be started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program::bare(program::dubbo_watcher());
        command.args(arguments).env("KUBECONFIG", &self.kubeconfig);
        command
    }

    /// Runs the program to its end.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        program::run(self.command(arguments)).await
    }
}

/// A rig of a test over a [`Cluster`], to which it dereferences.
#[macro_export]
macro_rules! cluster_rig {
    ($Rig:ident) => {
        pub(crate) struct $Rig($crate::cluster::Cluster);

        impl core::ops::Deref for $Rig {
            type Target = $crate::cluster::Cluster;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }

        impl core::ops::DerefMut for $Rig {
            fn deref_mut(&mut self) -> &mut Self::Target {
                &mut self.0
            }
        }
    };
}
