"""Messages of frameworks: where in a spec their numbers meet, and what to write.

`forms.py` has a row for each form of message and says it in terms of no framework (`clash.py`);
`program.py` is the network as a program has it, `changes.py` what a program may have otherwise,
`finder.py` tries it, and `diagnosis.py` makes the list of what is found.
"""

from convcalc.explanation.messages.diagnosis import Diagnosis, Suspect, diagnose
from convcalc.explanation.messages.telling import ExplainedError, explain_error

__all__ = ["Diagnosis", "ExplainedError", "Suspect", "diagnose", "explain_error"]
