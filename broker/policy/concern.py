"""Whether an agency's entry in the directory concerns another: what is told of it to whom (protocol §6).

Who is enrolled is nobody's business without terms between the two: an agreement either way, or a community of both.
"""

from datetime import datetime

from broker.trust.directory import Snapshot


def concerns(snapshot: Snapshot, asker: str, other: str, at: datetime) -> bool:
    """Whether `asker` may be told of `other`; of itself it always may."""
    if asker == other:
        return True
    between = (*snapshot.agreements(asker, other), *snapshot.agreements(other, asker))
    shared = snapshot.communities_of(asker) & snapshot.communities_of(other)
    communities = [snapshot.community(name) for name in shared]
    return any(each.in_force(at) for each in between) or any(
        each is not None and each.in_force(at) for each in communities
    )
