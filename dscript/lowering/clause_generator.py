"""Who lowers what: the generator with all kinds of expressions.

The modules named here ask the generator for operands, so that none has to know another.
"""

from __future__ import annotations

from dscript.lowering import expressions, places, strings
from dscript.lowering.generator import Generator


class ClauseGenerator(Generator):
    __slots__ = ()

    value = expressions.value
    truth = expressions.truth
    effect = expressions.effect
    string = strings.value
    string_into = strings.into
    place = places.place
