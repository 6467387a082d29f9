//! The cryptography of TLS: that of aws-lc-rs, chosen here and not by a process-wide default, with the curve
//! P-521 for the exchange of keys, which Go offers and rustls does not. No algorithm is made here.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    agreement::{self, ECDH_P521, EphemeralPrivateKey, PublicKey, UnparsedPublicKey},
    rand::SystemRandom,
};
use rustls::{
    Error, NamedGroup, PeerMisbehaved,
    crypto::{
        ActiveKeyExchange, CryptoProvider, GetRandomFailed, SharedSecret, SupportedKxGroup,
        aws_lc_rs::default_provider,
    },
    ffdhe_groups::FfdheGroup,
};

/// What kubectl's TLS has, as far as it is secure.
pub(super) fn provider() -> Arc<CryptoProvider> {
    let mut provider = default_provider();
    provider.kx_groups.push(&P521);
    Arc::new(provider)
}

/// The group `secp521r1`. It is offered last, so that only a server that takes no other uses it.
#[derive(Debug)]
struct P521;

impl SupportedKxGroup for P521 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let private = EphemeralPrivateKey::generate(&ECDH_P521, &SystemRandom::new())
            .map_err(|_| GetRandomFailed)?;
        let public = private.compute_public_key().map_err(|_| GetRandomFailed)?;
        Ok(Box::new(Exchange { private, public }))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

struct Exchange {
    private: EphemeralPrivateKey,
    public: PublicKey,
}

/// Nothing of the keys.
impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").finish_non_exhaustive()
    }
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let invalid = || Error::from(PeerMisbehaved::InvalidKeyShare);
        // TLS knows only the uncompressed form of a point; aws-lc-rs would take others.
        if peer.first() != Some(&4) {
            return Err(invalid());
        }
        let peer = UnparsedPublicKey::new(&ECDH_P521, peer);
        agreement::agree_ephemeral(self.private, peer, invalid(), |secret| {
            Ok(SharedSecret::from(secret))
        })
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn pub_key(&self) -> &[u8] {
        self.public.as_ref()
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}
