//! Why somebody was not let in.

/// Why a credential was refused, for the operator's log and metrics. A stranger reads one text,
/// whatever the reason: [`Rejection::PUBLIC`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// Two different keys, one header twice, or a certificate with two names of a kind.
    #[error("the request carries two credentials, or one with two names")]
    Ambiguous,
    /// A token with an algorithm that is not allowed, or not the key's.
    #[error("the token's algorithm is not allowed")]
    Algorithm,
    /// A live key, but of another caller.
    #[error("the API key belongs to another caller")]
    AnotherCaller,
    /// A genuine token with a claim that is missing or makes no sense.
    #[error("a claim is missing or malformed")]
    Claim,
    /// The credential's time is over.
    #[error("the credential has expired")]
    Expired,
    /// Whoever gave the token out says that it is not good, or not why.
    #[error("the token is not active")]
    Inactive,
    /// Not the form of a key: a typing error, a truncated copy, a scanner.
    #[error("the text is not of a credential's form")]
    Malformed,
    /// No credential where one is needed.
    #[error("the request carries no API key")]
    Missing,
    /// A certificate without a name of the kind that is looked for.
    #[error("the certificate has no name of this kind")]
    Nameless,
    /// Whoever was asked knows them, and says nothing that can be a subject.
    #[error("there is no subject, or none that can be one")]
    NoSubject,
    /// The credential's time has not come.
    #[error("the credential is not valid yet")]
    NotYet,
    /// Whoever was asked does not know them.
    #[error("whoever was asked said no")]
    Refused,
    /// The key was revoked.
    #[error("the API key was revoked")]
    Revoked,
    /// The signature is not the key's.
    #[error("the signature does not verify")]
    Signature,
    /// Something only a trusted proxy may say, from somebody else.
    #[error("the header comes from a peer that is not a trusted proxy")]
    UntrustedPeer,
    /// A certificate for which nobody vouches any more.
    #[error("no authority of clients vouches for the certificate")]
    UnknownAuthority,
    /// The form of a key that is not in the store.
    #[error("there is no such API key")]
    Unknown,
    /// A token signed by a key that its issuer does not publish, or more than one it could be.
    #[error("there is no such signing key")]
    UnknownKey,
    /// A token for somebody else.
    #[error("the token is for another audience")]
    WrongAudience,
    /// A token of somebody else.
    #[error("the token is of another issuer")]
    WrongIssuer,
    /// A token that is for something else than showing who one is.
    #[error("the token is of another type")]
    WrongType,
    /// A live credential that is for something else.
    #[error("the credential's scope does not cover this")]
    WrongScope,
}

impl Rejection {
    /// What a stranger may read, always.
    pub const PUBLIC: &'static str = "A valid credential is required.";

    /// Whether another caller of the same kind may still know the credential.
    #[must_use]
    pub const fn is_unclaimed(self) -> bool {
        matches!(
            self,
            Self::AnotherCaller
                | Self::Inactive
                | Self::Nameless
                | Self::UnknownKey
                | Self::WrongAudience
                | Self::WrongIssuer
        )
    }

    /// The closed vocabulary of logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Algorithm => "algorithm",
            Self::Ambiguous => "ambiguous",
            Self::AnotherCaller => "another_caller",
            Self::Claim => "claim",
            Self::Expired => "expired",
            Self::Inactive => "inactive",
            Self::Malformed => "malformed",
            Self::Missing => "missing",
            Self::Nameless => "nameless",
            Self::NoSubject => "no_subject",
            Self::NotYet => "not_yet",
            Self::Refused => "refused",
            Self::Revoked => "revoked",
            Self::Signature => "signature",
            Self::Unknown => "unknown",
            Self::UnknownAuthority => "unknown_authority",
            Self::UnknownKey => "unknown_key",
            Self::UntrustedPeer => "untrusted_peer",
            Self::WrongAudience => "wrong_audience",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongType => "wrong_type",
            Self::WrongScope => "wrong_scope",
        }
    }
}
