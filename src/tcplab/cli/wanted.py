"""Options that say which segments are wanted, and where; :class:`tcplab.observe.sieve.Sieve` reads most of them."""

from typing import Annotated

import typer

from tcplab.cli.recorders import Sides
from tcplab.observe.sieve import VERDICTS

_ENDS = "client, server, 10.0.1.7, 10.0.1.0/24, any of them with :80 behind it, or :80."

From = Annotated[str | None, typer.Option("--from", metavar="WHO", help=f"Sent by these: {_ENDS}")]
To = Annotated[str | None, typer.Option("--to", metavar="WHO", help="Sent to these.")]
Host = Annotated[str | None, typer.Option("--host", metavar="WHO", help="Sent by these or to these.")]
Side = Annotated[
    Sides, typer.Option(help="The network's side where segments come in, that where they go out, or both.")
]
Flags = Annotated[str, typer.Option(metavar="LETTERS", help="With all these flags: S, F, R, P, A, U, E, C, as in SA.")]
Verdict = Annotated[str | None, typer.Option(metavar="NAME", help=f"Of which this was decided: {', '.join(VERDICTS)}.")]
Rule = Annotated[str, typer.Option(metavar="NAME", help="By this rule: a clause such as loss, or a fault's name.")]
