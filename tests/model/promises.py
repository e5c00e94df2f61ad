"""The system's promises, named by the symptoms of breaking them."""

from enum import StrEnum


class Broken(StrEnum):
    """A broken promise."""

    CALLED_AGAIN = "called again after a call that may have been taken"
    CALLED_ELSEWHERE = "called at another provider than the one that may have taken it"
    UNCOUNTED = "called at another provider after a doubt, and not counted as a repetition"
    CALLED_SUPPRESSED = "called later than 2 s after its person was suppressed"
    CALLED_VOID = "called for a campaign that does not run under the record's epoch"
    OVERWRITTEN = "an outcome was written over another one"
    MISCOUNTED = "the counters do not say what the ledger says"
    UNTRUE = "`sent` that was not taken, or what reads as not taken and may have been"
    FINISHED_EARLY = "the campaign is finished while a message has no final outcome"
    CALLED_REPORTED = "called again, admitted after a receipt had proved a call"
    PROOF_IGNORED = "recorded as waiting in doubt or unknown although a receipt was stored"
    STUCK = "whatever happens now, some message never gets its outcome"
