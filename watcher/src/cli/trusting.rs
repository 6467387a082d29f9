//! The flags that say who is believed, the same for every verb that reads a registry or registers in one.

use clap::Args;
#[cfg(not(target_os = "wasi"))]
use clap_complete::ArgValueCompleter;
use dubbo_k8s_codec::trust::{Admit, MAX_WEIGHT, Owner, Quota, Trust};

#[cfg(not(target_os = "wasi"))]
use super::candidates::registered;

/// What is believed of a Pod beyond the safe default.
#[derive(Debug, Args)]
#[command(next_help_heading = "Who is believed")]
pub(super) struct Trusting {
    /// A network whose addresses providers may have besides those of their own Pods, or `any`; repeat it for
    /// several. Loopback and link-local addresses need a network of their own
    #[arg(long = "address", value_name = "CIDR")]
    addresses: Vec<Admit>,
    /// The largest weight of a provider; more counts as that
    #[arg(long, value_name = "WEIGHT", default_value_t = MAX_WEIGHT)]
    max_weight: u32,
    /// Only Pods of these namespaces provide these interfaces: `com.bank.*=payments,core`; repeat it for several
    #[arg(long = "own", value_name = "INTERFACE=NAMESPACES")]
    #[cfg_attr(not(target_os = "wasi"), arg(add = ArgValueCompleter::new(registered::interfaces)))]
    owners: Vec<Owner>,
    /// What one Pod may register [default: 1024,256Ki]
    #[arg(long, value_name = "RECORDS,BYTES")]
    pod_quota: Option<Quota>,
    /// What all Pods of a namespace may register together [default: 200000,256Mi]
    #[arg(long, value_name = "RECORDS,BYTES")]
    namespace_quota: Option<Quota>,
}

impl Trusting {
    /// What is believed.
    pub(super) fn trust(&self) -> Trust {
        let mut trust = Trust::new();
        trust.admitted.clone_from(&self.addresses);
        trust.owners.clone_from(&self.owners);
        trust.max_weight = self.max_weight;
        trust.pod = self.pod_quota.unwrap_or(trust.pod);
        trust.namespace = self.namespace_quota.unwrap_or(trust.namespace);
        trust
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        trusting: Trusting,
    }

    fn trust(line: &str) -> Result<Trust, clap::Error> {
        let words = std::iter::once("x").chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.trusting.trust())
    }

    #[test]
    fn without_flags_the_default_is_believed_and_the_help_names_it() {
        assert_eq!(trust("").unwrap(), Trust::default());
        assert_eq!(Trust::default().pod, "1024,256Ki".parse().unwrap());
        assert_eq!(Trust::default().namespace, "200000,256Mi".parse().unwrap());
    }

    #[test]
    fn every_flag_is_read_and_a_bad_one_is_refused() {
        let line = "--address 10.0.0.0/8 --address any --max-weight 7 --own a.*=b --own c=d,e \
                    --pod-quota 1,2 --namespace-quota 3,4Mi";
        let expected = Trust {
            admitted: ["10.0.0.0/8", "any"].map(|text| text.parse().unwrap()).into(),
            max_weight: 7,
            owners: ["a.*=b", "c=d,e"].map(|text| text.parse().unwrap()).into(),
            pod: Quota { records: 1, bytes: 2 },
            namespace: Quota { records: 3, bytes: 4 << 20 },
        };
        assert_eq!(trust(line).unwrap(), expected);
        for line in [
            "--address 10/8",
            "--max-weight -1",
            "--own a",
            "--pod-quota 1",
            "--namespace-quota x,1",
        ] {
            assert!(trust(line).is_err(), "{line}");
        }
    }
}
